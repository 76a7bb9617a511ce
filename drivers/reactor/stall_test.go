//go:build linux || darwin || freebsd

package reactor

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/codec"
)

// A peer that reads a little right after each look is not a stall; one that stops is one WriteStall after what it took last was
// seen, which is a quarter of WriteStall late at most.
func TestStallTime(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 4096)
	for {
		if _, err := unix.Write(fds[0], piece); err == unix.EAGAIN {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := sysUnsent(fds[0]); !ok {
		return // the system does not tell: only what it takes counts
	}
	lp := &loop{cfg: &Config{WriteStall: 400 * time.Millisecond}}
	c := &conn{fd: int32(fds[0]), bufs: &stash{}}
	at := func(ms int) bool {
		lp.turn.Now = codec.Time(time.Hour) + codec.Time(time.Duration(ms)*time.Millisecond)
		return lp.stalled(c)
	}
	lp.turn.Now = codec.Time(time.Hour)
	lp.stallFrom(c)
	read := func() {
		// Unix sockets account by piece.
		for range 4 {
			if _, err := unix.Read(fds[1], piece); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, step := range []struct {
		ms           int
		reads, stall bool
		next         int // ms until the next look
	}{
		{100, false, false, 100},
		{200, true, false, 100},
		{300, true, false, 100},
		{699, false, false, 1},
		{699, true, false, 100}, // one byte before the end counts
		{1098, false, false, 1},
		{1099, false, true, 0},
	} {
		if step.reads {
			read()
		}
		if got := at(step.ms); got != step.stall {
			t.Fatalf("at %d ms: stalled %v", step.ms, got)
		}
		if next := c.bufs.due.Sub(lp.turn.Now); next != time.Duration(step.next)*time.Millisecond {
			t.Fatalf("at %d ms: next look in %v", step.ms, next)
		}
	}
}
