package drivertest

import (
	"bytes"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// Guard wraps a service so that every call a driver makes is checked against the promises of package drivers. A broken
// promise is a t.Errorf.
//
//   - machine methods are neither concurrent nor re-entered, Closed comes once and last
//   - Receive comes only while Status has WantInput and not Closing, with at least one byte, and with the bytes that the
//     last Receive left, unchanged
//   - after Receive consumed nothing it comes again only with more bytes, after another call, with more room, when the output it made
//     was sent, or when WantInput was lost and came back
//   - Transmit comes only with room (Turn.Max > 0); Receive and Transmit not behind unsent payload that they follow
//   - PeerClosed comes once, when every byte was presented
//   - PayloadSent counts no more than there is
//   - the turn's clock never runs backwards and is never codec.Never
func Guard(t testing.TB, svc drivers.Service) drivers.Service { return &guardService{t, svc} }

type guardService struct {
	t   testing.TB
	svc drivers.Service
}

func (s *guardService) NewLocal() any { return s.svc.NewLocal() }

func (s *guardService) Accept(t *drivers.Turn, l drivers.Link) drivers.Machine {
	gl := &guardLink{Link: l}
	var seen drivers.Link = gl
	if sl, ok := l.(secureLink); ok {
		seen = guardSecureLink{gl, sl}
	}
	m := s.svc.Accept(t, seen)
	if m == nil {
		return nil
	}
	g := &guard{t: s.t, m: m, now: t.Now}
	gl.g.Store(g)
	return g
}

// secureLink is a Link of a connection with TLS: see package tlswrap.
type secureLink interface {
	ConnectionState() *tls.ConnectionState
}

type guardSecureLink struct {
	*guardLink
	secureLink
}

// guardLink guards posted functions: they count as calls of the machine.
type guardLink struct {
	drivers.Link
	g atomic.Pointer[guard]
}

func (l *guardLink) Post(fn func(*drivers.Turn, error)) error {
	var once sync.Once
	return l.Link.Post(func(t *drivers.Turn, err error) {
		ran := false
		once.Do(func() { ran = true })
		if g := l.g.Load(); g != nil {
			if !ran {
				g.t.Errorf("a post ran twice")
			}
			defer g.enter(t, "Post")()
		}
		fn(t, err)
	})
}

type guard struct {
	t      testing.TB
	m      drivers.Machine
	busy   atomic.Int32
	now    codec.Time
	closed bool
	peer   bool   // PeerClosed was called
	left   []byte // what Receive left
	barren bool   // the last Receive consumed nothing, and nothing was called since
	max    int    // Turn.Max of the last Receive
	pay    int    // length of the payload asked for last
}

// enter checks what holds for every call.
func (g *guard) enter(t *drivers.Turn, name string) func() {
	if g.busy.Add(1) != 1 {
		g.t.Errorf("%s while another call of the machine runs", name)
	}
	if g.closed {
		g.t.Errorf("%s after Closed", name)
	}
	if t != nil {
		if t.Now == codec.Never || t.Now < g.now {
			g.t.Errorf("%s: the clock went from %d to %d", name, g.now, t.Now)
		}
		g.now = t.Now
		if name != "Receive" {
			g.barren = false
		}
	}
	return func() { g.busy.Add(-1) }
}

func (g *guard) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	barren := g.barren
	defer g.enter(t, "Receive")()
	switch st := g.m.Status(); {
	case st&drivers.WantInput == 0:
		g.t.Errorf("Receive while Status %b lacks WantInput", st)
	case st&(drivers.Closing|drivers.Abort|drivers.Switch) != 0:
		g.t.Errorf("Receive while Status is %b", st)
	}
	if len(src) == 0 {
		g.t.Errorf("Receive without bytes")
	}
	if !bytes.HasPrefix(src, g.left) {
		g.t.Errorf("Receive: %d unread bytes are not presented again unchanged (%d given)", len(g.left), len(src))
	}
	if g.peer && len(src) > len(g.left) {
		g.t.Errorf("Receive with new bytes after PeerClosed")
	}
	if barren && len(src) == len(g.left) && t.Max <= g.max {
		g.t.Errorf("Receive again without more bytes after it consumed nothing of %d", len(src))
	}
	g.max = t.Max
	before := append([]byte(nil), dst...)
	n, out := g.m.Receive(t, src, dst)
	if !bytes.HasPrefix(out, before) {
		g.t.Errorf("the machine touched dst[:len(dst)]")
	}
	g.left = append(g.left[:0], src[n:]...)
	// A machine that does not want input any more gets the same bytes again once it does, and one that made output when that was sent.
	g.barren = n == 0 && len(out) == len(before) && g.m.Status()&drivers.WantInput != 0
	return n, out
}

func (g *guard) Transmit(t *drivers.Turn, dst []byte) []byte {
	defer g.enter(t, "Transmit")()
	if t.Max <= 0 {
		g.t.Errorf("Transmit with Max %d", t.Max)
	}
	if st := g.m.Status(); st&drivers.HasPayload != 0 {
		g.t.Errorf("Transmit while payload waits")
	}
	return g.m.Transmit(t, dst)
}

func (g *guard) PeerClosed(t *drivers.Turn) {
	defer g.enter(t, "PeerClosed")()
	if g.peer {
		g.t.Errorf("PeerClosed twice")
	}
	g.peer = true
	g.m.PeerClosed(t)
}

func (g *guard) Advance(t *drivers.Turn) { defer g.enter(t, "Advance")(); g.m.Advance(t) }
func (g *guard) Deadline() codec.Time    { defer g.enter(nil, "Deadline")(); return g.m.Deadline() }
func (g *guard) Status() drivers.Status  { defer g.enter(nil, "Status")(); return g.m.Status() }

func (g *guard) Closed(err error) {
	defer g.enter(nil, "Closed")()
	g.closed = true
	g.m.Closed(err)
}

func (g *guard) Payload() []byte {
	defer g.enter(nil, "Payload")()
	b := g.m.(drivers.Payloader).Payload()
	g.pay = len(b)
	return b
}

func (g *guard) PayloadSent(t *drivers.Turn, n int) {
	defer g.enter(t, "PayloadSent")()
	if n < 0 || n > g.pay {
		g.t.Errorf("PayloadSent(%d) of %d", n, g.pay)
	}
	g.pay -= n
	g.m.(drivers.Payloader).PayloadSent(t, n)
}

func (g *guard) Successor(t *drivers.Turn) drivers.Machine {
	defer g.enter(t, "Successor")()
	g.m = g.m.(drivers.Successor).Successor(t)
	g.peer = false // the new machine gets PeerClosed if the old one already had it
	g.barren = false
	return g
}

func (g *guard) Drain(t *drivers.Turn) {
	defer g.enter(t, "Drain")()
	if d, ok := g.m.(drivers.Drainer); ok {
		d.Drain(t)
	}
}

func (g *guard) InFlight() bool {
	defer g.enter(nil, "InFlight")()
	d, ok := g.m.(drivers.Drainer)
	return ok && d.InFlight()
}
