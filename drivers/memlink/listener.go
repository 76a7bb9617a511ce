package memlink

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Defaults of Config.
const (
	DefaultBuffer  = 64 << 10
	DefaultBacklog = 128
)

// Config describes links. The zero value is ready to use.
type Config struct {
	// Buffer is how many octets each direction holds that were written and not read, DefaultBuffer for 0 or less. Writes wait beyond it.
	Buffer int
	// Latency is how long octets and the end of a direction are under way. 0 or less: no time at all. A reset takes no time.
	Latency time.Duration
	// Backlog is how many connections wait for Accept, DefaultBacklog for 0 or less. Dial waits beyond it.
	Backlog int
	// Addr is the accepting end's address, by default 192.0.2.1:80 as a *net.TCPAddr. Dialing ends are 198.51.100.1 with a port of their
	// own. Both networks are for documentation (RFC 5737).
	Addr net.Addr
	// Faults, if not nil, returns the plans of a Listener's connection n, counted from 0: of the end that dialed and of the one that is accepted.
	// It is called by Dial, one call at a time.
	Faults func(n int) (dialed, accepted Plan)
}

var (
	serverIP = net.IPv4(192, 0, 2, 1).To4()
	clientIP = net.IPv4(198, 51, 100, 1).To4()
)

const firstPort, ports = 49152, 1<<16 - 49152

func (c Config) buffer() int {
	if c.Buffer <= 0 {
		return DefaultBuffer
	}
	return c.Buffer
}

func (c Config) addr() net.Addr {
	if c.Addr == nil {
		return &net.TCPAddr{IP: serverIP, Port: 80}
	}
	return c.Addr
}

// Listener is a net.Listener whose connections come from its own Dial. All its methods are safe from any goroutine at any time.
type Listener struct {
	cfg Config

	mu     sync.Mutex
	moved  sync.Cond
	queue  []net.Conn
	live   map[*link]struct{} // those in queue included
	dialed int
	closed bool
}

var _ net.Listener = (*Listener)(nil)

// Listen returns a listener.
func Listen(cfg Config) *Listener {
	cfg.Latency = max(cfg.Latency, 0)
	if cfg.Backlog <= 0 {
		cfg.Backlog = DefaultBacklog
	}
	l := &Listener{cfg: cfg, live: map[*link]struct{}{}}
	l.moved.L = &l.mu
	return l
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.moved.Wait()
	}
	if l.closed {
		return nil, l.fail("accept", net.ErrClosed)
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	l.moved.Broadcast()
	return c, nil
}

// Close stops accepting. Connections that nobody accepted are reset, those that were accepted live on.
func (l *Listener) Close() error {
	l.mu.Lock()
	queue, was := l.queue, l.closed
	l.queue, l.closed = nil, true
	l.moved.Broadcast()
	l.mu.Unlock()
	if was {
		return l.fail("close", net.ErrClosed)
	}
	for _, c := range queue {
		abort(c)
		_ = c.Close()
	}
	return nil
}

// link is a connection, and how many of its ends are not closed.
type link struct {
	ends [2]net.Conn
	open int
}

// left tells that an end was closed.
func (l *Listener) left(k *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.open--; k.open == 0 {
		delete(l.live, k)
	}
}

// Reset resets every connection that was dialed here and lives at one end at least: the network breaks, or a process dies. Planned delays and stalls
// end, too. The Listener goes on.
func (l *Listener) Reset() {
	l.mu.Lock()
	live := slices.Collect(maps.Keys(l.live))
	l.mu.Unlock()
	for _, k := range live {
		for _, c := range k.ends {
			abort(c)
		}
	}
}

// Addr returns Config.Addr or its default.
func (l *Listener) Addr() net.Addr { return l.cfg.addr() }

// Dial returns a new connection. Like that of TCP it need not be accepted yet. It waits while Config.Backlog connections wait.
// On a closed listener it fails with ECONNREFUSED.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) { return l.dial(ctx, nil) }

// DialPlans is Dial with the faults of this connection, whatever Config.Faults says.
func (l *Listener) DialPlans(ctx context.Context, dialed, accepted Plan) (net.Conn, error) {
	return l.dial(ctx, func(int) (Plan, Plan) { return dialed, accepted })
}

// DialContext is Dial with the parameters of net.Dialer's method, which it ignores: it fits http.Transport.DialContext and the like.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.dial(ctx, nil)
}

func (l *Listener) dial(ctx context.Context, faults func(n int) (dialed, accepted Plan)) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.moved.Broadcast()
	})
	defer stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case ctx.Err() != nil:
			return nil, l.fail("dial", context.Cause(ctx))
		case l.closed:
			return nil, l.fail("dial", syscall.ECONNREFUSED)
		}
		if len(l.queue) < l.cfg.Backlog {
			break
		}
		l.moved.Wait()
	}
	n := l.dialed
	l.dialed++
	a, b := pair(l.cfg, &net.TCPAddr{IP: clientIP, Port: firstPort + n%ports}, l.cfg.addr())
	var mine, theirs Plan
	if faults == nil {
		faults = l.cfg.Faults
	}
	if faults != nil {
		mine, theirs = faults(n)
	}
	k := &link{ends: [2]net.Conn{Wrap(a, mine), Wrap(b, theirs)}, open: 2}
	l.live[k] = struct{}{}
	a.done = func() { l.left(k) }
	b.done = a.done
	l.queue = append(l.queue, k.ends[1])
	l.moved.Broadcast()
	return k.ends[0], nil
}

func (l *Listener) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: l.cfg.addr(), Err: err}
}
