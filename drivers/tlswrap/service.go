package tlswrap

import (
	"crypto/tls"
	"runtime"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/tlspeek"
)

// Defaults of Options.
const (
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultMaxHandshakes    = 4096
	DefaultMaxHello         = 16 << 10
	DefaultMaxHandshake     = 64 << 10
	DefaultMaxTail          = 1 << 20
)

// Options are the limits and hooks of a Service. Zero values are the documented defaults.
type Options struct {
	// HandshakeTimeout is the time from accept to the end of the handshake, 10 s by default. Negative means none. Whoever takes longer
	// is closed with ErrHandshakeTimeout.
	HandshakeTimeout time.Duration
	// MaxHandshakes is how many handshakes are under way at once in the whole Service, 4096 by default; more wait for their turn, in the
	// order they came. Each holds a goroutine. Negative means no limit. A connection whose ClientHello has not arrived does not count.
	MaxHandshakes int
	// Computing is how many of those handshakes may compute at the same time, four for each of GOMAXPROCS by default; those that
	// wait for their peer do not count. It keeps a flood of handshakes from starving the loops. Negative means no limit.
	Computing int
	// MaxHello is how many bytes the records of the ClientHello may have, 16 KiB by default. Negative means no limit.
	MaxHello int
	// MaxHandshake is how many bytes of records the peer's side of a handshake may have, 64 KiB by default. Negative leaves it to
	// crypto/tls, which limits single messages.
	MaxHandshake int
	// MaxTail is how many bytes of plaintext the inner machine may leave unread while it wants input, 1 MiB by default. More end the
	// connection with drivers.ErrTail. Negative means no limit.
	MaxTail int
	// NotTLS is given the first bytes of a connection that does not speak TLS and returns what to send before it is closed, for example
	// an HTTP error in plain text. Nil, or nothing returned, sends the alert unexpected_message. It must not keep its
	// argument.
	NotTLS func(first []byte) []byte
	// OnHello is shown the ClientHello before the handshake begins, and any cryptography is done. It returns 0 to go on, or an alert
	// (RFC 8446 section 6.2, for example 112 for unrecognized_name) to refuse. h is only valid during the call. l is the Link
	// that OnHandshake and the inner service get: what is learnt here can be kept under it.
	OnHello func(l drivers.Link, h *tlspeek.Hello) (alert byte)
	// OnHandshake is told how every handshake that was begun ended: nil, or why not. It is called by the connection's owner and must
	// not block. l is the Link that the inner service gets (its ConnectionState is nil after an error).
	OnHandshake func(l drivers.Link, err error)
}

// Service is a drivers.Service that speaks TLS with the peer and plaintext with the machines of another service.
type Service struct {
	inner drivers.Service
	cfg   *tls.Config
	opt   Options
	slots slots
	turns chan struct{} // one token for each handshake that computes; nil: no limit
}

var _ drivers.Service = (*Service)(nil)

// New wraps inner. cfg is not copied and must not be changed afterwards; see Validate for what is refused.
func New(inner drivers.Service, cfg *tls.Config, opt Options) (*Service, error) {
	if err := Validate(cfg); err != nil {
		return nil, err
	}
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		} else if *p < 0 {
			*p = int(^uint(0) >> 1)
		}
	}
	if opt.HandshakeTimeout == 0 {
		opt.HandshakeTimeout = DefaultHandshakeTimeout
	}
	def(&opt.MaxHandshakes, DefaultMaxHandshakes)
	def(&opt.MaxHello, DefaultMaxHello)
	def(&opt.MaxHandshake, DefaultMaxHandshake)
	def(&opt.MaxTail, DefaultMaxTail)
	s := &Service{inner: inner, cfg: cfg, opt: opt}
	s.slots.free = opt.MaxHandshakes
	if opt.Computing == 0 {
		opt.Computing = 4 * runtime.GOMAXPROCS(0)
	}
	if opt.Computing > 0 {
		s.turns = make(chan struct{}, opt.Computing)
	}
	return s, nil
}

// local is what one worker lends to the connections it serves.
type local struct {
	turn   drivers.Turn // what the inner machine sees; Local is the inner service's
	plain  []byte       // one decrypted record
	pout   []byte       // plaintext to be encrypted
	rec    []byte       // the record that crypto/tls may read
	dst    []byte       // where crypto/tls's output goes
	max    int          // the largest Turn.Max seen
	hello  tlspeek.Hello
	inside any
}

// maxPlain is the most plaintext of one record (RFC 8446 section 5.1).
const maxPlain = 16 << 10

// keepOut is the largest plaintext buffer that a worker keeps.
const keepOut = 256 << 10

// NewLocal returns one worker's scratch space: buffers, and that of the inner service.
func (s *Service) NewLocal() any { return &local{inside: s.inner.NewLocal()} }

// enter makes the inner machine's turn of the driver's.
func (l *local) enter(t *drivers.Turn) *drivers.Turn {
	l.turn = *t
	l.turn.Local = l.inside
	return &l.turn
}

// Accept returns the machine that waits for a ClientHello.
func (s *Service) Accept(t *drivers.Turn, l drivers.Link) drivers.Machine {
	c := &conn{svc: s, outer: l, state: stHello}
	if d := s.opt.HandshakeTimeout; d > 0 {
		c.deadline = t.Now.Add(d)
	}
	return c
}

// Handshakes returns how many handshakes are under way and how many wait for one of them to end.
func (s *Service) Handshakes() (running, waiting int) {
	s.slots.mu.Lock()
	defer s.slots.mu.Unlock()
	return s.opt.MaxHandshakes - s.slots.free, s.slots.queued
}
