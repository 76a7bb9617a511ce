package http2

import "testing"

// RFC 9113 section 6.9.2-4: a client may send 65535 octets before it knows of a smaller window, which is below zero from then on. What
// the application has released by that time, less than half of the large window, must come back, or the client waits for ever.
func TestCreditReleasedBeforeSmallerWindow(t *testing.T) {
	for _, size := range []uint32{1, 100, 20000, 40000} {
		p := &connPair{t: t}
		p.s.Init(Server, Config{Window: WindowPolicy{Stream: size}}.Profile())
		p.c.Init(Client, defaultProfile)
		p.s.Advance(1)
		p.c.Advance(1)
		out, id, err := p.c.AppendRequest(p.c.AppendOwed(nil, 1<<20), getHead, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		sent := 0
		for sent < 30000 { // below half of 65535
			var n int
			if out, n, err = p.c.AppendData(out, id, make([]byte, 30000-sent), false); n == 0 || err != nil {
				t.Fatal(n, err)
			}
			sent += n
		}
		p.onEv = func(c *Conn, ev *Event) {
			if ev.Kind == Data {
				if err := c.Consumed(id, len(ev.Data)); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.toServer(out)
		p.settle()
		if n := p.c.Writable(id); n <= 0 {
			t.Errorf("a window of %d: the client can send %d", size, n)
		}
	}
}
