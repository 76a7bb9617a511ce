package http2

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

// path simulates a sender with always more to send, behind a link, and a receiver that takes everything at once: in each step of a
// millisecond what was sent a round trip ago arrives.
type path struct {
	rate    int64 // octets per millisecond that the link carries
	rtt     int   // milliseconds
	b       bdp
	w       recvWindow
	pings   int
	largest uint32
}

func (p *path) run(steps int) (received int64) {
	avail := int64(p.w.open)
	var flight []int64 // octets that arrive, per step from now
	credit := map[int]int64{}
	pong := -1
	queue := int64(0)
	for step := 1; step <= steps; step++ {
		now := codec.Time(step) * codec.Time(time.Millisecond)
		avail += credit[step]
		delete(credit, step)
		n := min(avail, p.rate)
		avail -= n
		flight = append(flight, n)
		if len(flight) > p.rtt/2 {
			queue += flight[0]
			flight = flight[1:]
		}
		if n := queue; n > 0 {
			queue = 0
			if !p.w.received(uint32(n)) {
				panic("the sender exceeds the window")
			}
			p.w.released(uint32(n))
			received += n
			if p.b.received(uint32(n), now) {
				pong = step + p.rtt
				p.pings++
			}
		}
		if step == pong {
			if size := p.b.answered(now); size > 0 {
				p.w.grow(size)
				p.largest = size
			}
		}
		if p.w.due() > 0 {
			credit[step+p.rtt/2] += int64(p.w.emit())
		}
	}
	return received
}

// The window grows to the bandwidth-delay product, and not far beyond it.
func TestBDP(t *testing.T) {
	for _, c := range []struct {
		rate int64
		rtt  int
	}{{1000, 100}, {10000, 50}, {12500, 200}, {125000, 20}, {100, 10}, {64, 2}} {
		p := &path{rate: c.rate, rtt: c.rtt}
		p.b.init(65535, 64<<20)
		p.w.init(65535)
		const steps = 20000
		got := p.run(steps)
		product := c.rate * int64(c.rtt)
		if want := c.rate * steps; got < want*8/10 && product > 65535 {
			t.Errorf("%d/ms, %d ms: %d octets arrived of %d, window %d", c.rate, c.rtt, got, want, p.largest)
		}
		if limit := max(65535, 5*product); int64(p.largest) > limit {
			t.Errorf("%d/ms, %d ms: window %d for a product of %d", c.rate, c.rtt, p.largest, product)
		}
		if p.pings > steps/10 || p.pings == 0 {
			t.Errorf("%d/ms, %d ms: %d PINGs in 20 s", c.rate, c.rtt, p.pings)
		}
	}
}

func TestBDPLimits(t *testing.T) {
	p := &path{rate: 10000, rtt: 100}
	p.b.init(65535, 200000)
	p.w.init(65535)
	p.run(5000)
	if p.largest != 200000 {
		t.Errorf("window %d, limit 200000", p.largest)
	}
	pings := p.pings
	if p.b.received(1000, codec.Time(time.Hour)); p.pings != pings || p.b.received(1000, codec.Time(2*time.Hour)) {
		t.Error("a window at its limit needs no PING")
	}
	var b bdp
	if b.init(65535, 65535); b.received(1000, 1) || b.answered(2) != 0 {
		t.Error("a fixed window asks for a PING")
	}
	if b.init(65535, 1<<20); b.answered(5) != 0 || b.received(0, 5) || b.received(10, codec.Never) {
		t.Error("nothing was measured")
	}
	// A peer that sends little is not held back by the window.
	if !b.received(1000, codec.Time(time.Second)) || b.answered(codec.Time(2*time.Second)) != 0 {
		t.Error("the window grows for 1000 octets")
	}
	if b.received(1000, codec.Time(2*time.Second)+1) {
		t.Error("the next PING comes at once")
	}
}
