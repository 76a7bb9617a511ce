package http2

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

// upload sends size octets over a path with a round trip of rtt and endless bandwidth, and returns how long it took.
func upload(t *testing.T, w WindowPolicy, size int, rtt time.Duration) (took time.Duration, window int64) {
	var s, c Conn
	var ev Event
	s.Init(Server, Config{Window: w}.Profile())
	c.Init(Client, nil)
	now := codec.Time(1e9)
	chunk := make([]byte, 16384)
	left := size
	out, id, err := c.AppendRequest(nil, getHead, nil, false)
	if err != nil || c.Ready(id, true) != nil {
		t.Fatal(err)
	}
	feed := func(k *Conn, src []byte) {
		for {
			n, err := k.Next(src, &ev)
			if err != nil {
				t.Fatal(err)
			}
			src = src[n:]
			if ev.Kind == None {
				return
			}
			if ev.Kind == Data {
				window = max(window, k.recvWin.size)
				if err := k.Consumed(ev.Stream, len(ev.Data)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for turn := 0; left > 0; turn++ {
		if turn > 10000 {
			t.Fatal("stuck")
		}
		for left > 0 {
			_, _, n := c.NextWritable()
			if n == 0 {
				break
			}
			out, n, _ = c.AppendData(out, id, chunk[:min(len(chunk), left)], left <= len(chunk))
			left -= n
		}
		out = c.AppendOwed(out, 1<<20)
		now = now.Add(rtt / 2)
		s.Advance(now)
		feed(&s, out)
		answer := s.AppendOwed(nil, 1<<20)
		now = now.Add(rtt / 2)
		c.Advance(now)
		feed(&c, answer)
		out = out[:0]
	}
	return now.Sub(1e9), window
}

// TestWindowGrows: with Max, windows grow to what the path carries, so that a long path is filled; without it they stay; and what is
// small stays small.
func TestWindowGrows(t *testing.T) {
	const size = 64 << 20
	fixed, w := upload(t, WindowPolicy{}, size, 100*time.Millisecond)
	if w != DefaultConnWindow {
		t.Errorf("a fixed window became %d", w)
	}
	tuned, w := upload(t, WindowPolicy{Max: 16 << 20}, size, 100*time.Millisecond)
	if w <= DefaultConnWindow || w > 16<<20 {
		t.Errorf("the window became %d", w)
	}
	if tuned*4 > fixed {
		t.Errorf("%v with windows that grow, %v without", tuned, fixed)
	}
	if _, w := upload(t, WindowPolicy{Max: 16 << 20}, 100_000, 100*time.Millisecond); w != DefaultConnWindow {
		t.Errorf("a small upload made the window %d", w)
	}
}
