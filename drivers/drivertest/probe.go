package drivertest

import (
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// probe is a machine made of hooks. Fields are touched in machine calls only; a hook that is nil does nothing. closed
// tells of the end.
type probe struct {
	link     drivers.Link
	status   drivers.Status
	deadline codec.Time
	payload  []byte
	closed   chan error

	receive    func(p *probe, t *drivers.Turn, src, dst []byte) (int, []byte)
	transmit   func(p *probe, t *drivers.Turn, dst []byte) []byte
	peerClosed func(p *probe, t *drivers.Turn)
	advance    func(p *probe, t *drivers.Turn)
	sent       func(p *probe, t *drivers.Turn, n int)
	successor  func(p *probe, t *drivers.Turn) drivers.Machine
	drain      func(p *probe, t *drivers.Turn)
	inFlight   bool
	live       func(p *probe) drivers.Status // adds to status
}

func newProbe(l drivers.Link) *probe {
	return &probe{link: l, status: drivers.WantInput, closed: make(chan error, 1)}
}

func (p *probe) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	if p.receive == nil {
		return len(src), dst
	}
	return p.receive(p, t, src, dst)
}

func (p *probe) Transmit(t *drivers.Turn, dst []byte) []byte {
	if p.transmit == nil {
		return dst
	}
	return p.transmit(p, t, dst)
}

func (p *probe) PeerClosed(t *drivers.Turn) {
	if p.peerClosed == nil {
		p.status |= drivers.Closing
		return
	}
	p.peerClosed(p, t)
}

func (p *probe) Advance(t *drivers.Turn) {
	if p.advance != nil {
		p.advance(p, t)
	}
}

func (p *probe) Deadline() codec.Time { return p.deadline }

func (p *probe) Status() drivers.Status {
	if p.live != nil {
		return p.status | p.live(p)
	}
	return p.status
}

func (p *probe) Closed(err error) { p.closed <- err }

func (p *probe) Payload() []byte { return p.payload }

func (p *probe) PayloadSent(t *drivers.Turn, n int) {
	p.payload = p.payload[n:]
	if len(p.payload) == 0 {
		p.status &^= drivers.HasPayload
	}
	if p.sent != nil {
		p.sent(p, t, n)
	}
}

func (p *probe) Successor(t *drivers.Turn) drivers.Machine { return p.successor(p, t) }

func (p *probe) Drain(t *drivers.Turn) {
	if p.drain != nil {
		p.drain(p, t)
	}
}

func (p *probe) InFlight() bool { return p.inFlight }

// probes accepts probes, prepared by a function, and hands them to the test.
type probes struct {
	prepare func(p *probe, t *drivers.Turn)
	ch      chan *probe
	mu      sync.Mutex
	n       int
}

func newProbes(prepare func(p *probe, t *drivers.Turn)) *probes {
	return &probes{prepare: prepare, ch: make(chan *probe, 1<<16)}
}

func (s *probes) accept(t *drivers.Turn, l drivers.Link) drivers.Machine {
	p := newProbe(l)
	if s.prepare != nil {
		s.prepare(p, t)
	}
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
	s.ch <- p
	return p
}
