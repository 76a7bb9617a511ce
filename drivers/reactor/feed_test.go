//go:build linux || darwin || freebsd

package reactor

import (
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
)

// "After Receive consumed nothing, the driver calls it again only when there are more bytes, or after Wake, Post or Advance ran, or after
// output drained, while Status has WantInput." Neither a wake that comes behind what it was for, nor a turn that began because the one before
// had used up its bytes, is any of these.
func TestUnreadBytesWaitForNews(t *testing.T) {
	var calls atomic.Int64
	links := make(chan *conn, 1)
	machines := make(chan *tester, 1)
	r, addr := run(t, service(func(m *tester) {
		m.recv = func(_ *tester, _ *drivers.Turn, _, dst []byte) (int, []byte) {
			calls.Add(1)
			return 0, dst
		}
		links <- m.link.(*conn)
		machines <- m
	}), Config{Loops: 1, TurnBytes: 1000})
	c := dialTo(t, addr)
	if _, err := c.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	l, m := <-links, <-machines
	want := func(what string, n int64) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); calls.Load() < n && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		for range 3 {
			r.Stats() // a turn of the loop
		}
		if got := calls.Load(); got != n {
			t.Fatalf("%s: Receive was called %d times, not %d", what, got, n)
		}
	}
	want("three bytes", 1)
	l.notify(wPost) // of a post that the turn before has run, because something else had woken the loop already
	want("a wake for nothing", 1)
	if err := l.Post(func(*drivers.Turn, error) {
		m.payload = make([]byte, 1500)
		m.status |= drivers.HasPayload
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1500)); err != nil {
		t.Fatal(err)
	}
	want("a post whose output takes more than a turn", 2)
	l.Wake()
	want("a wake", 3) // the twin
	if err := l.Post(func(*drivers.Turn, error) {}); err != nil {
		t.Fatal(err)
	}
	want("a post", 4)
	if _, err := c.Write([]byte("d")); err != nil {
		t.Fatal(err)
	}
	want("another byte", 5)
}
