package memlink

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Wrap returns nc with the faults of p; nc itself if there are none. It works on any net.Conn: a reset is one where nc knows how (Conn,
// *net.TCPConn), and a Close elsewhere. One goroutine may read while another writes. CloseWrite, CloseRead and SetLinger are passed on; they fail with
// errors.ErrUnsupported where nc has none.
func Wrap(nc net.Conn, p Plan) net.Conn {
	if p.IsZero() {
		return nc
	}
	c := &faulty{Conn: nc, told: p.OnFault, quit: make(chan struct{})}
	c.rd.init(p.Read, p.ReadMax)
	c.wr.init(p.Write, p.WriteMax)
	return c
}

// faulty is a net.Conn that does what a Plan says.
type faulty struct {
	net.Conn
	rd, wr lane
	told   func(write bool, f Fault)
	quit   chan struct{}
	once   sync.Once
}

// lane is one direction's state.
type lane struct {
	mu      sync.Mutex
	faults  []Fault // to come
	max     int64   // 0: none
	off     int64   // octets that have passed
	until   time.Time
	stalled bool
	ended   error // what every call returns from now on

	by      time.Time     // the deadline
	changed chan struct{} // closed when by changes
}

func (l *lane) init(fs []Fault, limit int) {
	l.faults, l.max, l.changed = sorted(fs), int64(max(limit, 0)), make(chan struct{})
}

func (l *lane) setDeadline(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by = t
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *lane) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = err
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *lane) passed(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off += int64(n)
}

var errShort = errors.New("memlink: short write")

// next waits until octets may pass and returns how many of want, or the error that the call ends with.
func (c *faulty) next(l *lane, want int) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.ended != nil {
			return 0, l.ended
		}
		if err := c.wait(l); err != nil {
			return 0, err
		}
		if l.ended != nil {
			return 0, l.ended
		}
		if len(l.faults) == 0 || l.faults[0].At > l.off {
			break
		}
		f := l.faults[0]
		l.faults = l.faults[1:]
		if err := c.happen(l, f); err != nil {
			return 0, err
		}
	}
	n := int64(want)
	if l.max > 0 {
		n = min(n, l.max)
	}
	if len(l.faults) > 0 {
		n = min(n, l.faults[0].At-l.off)
	}
	return int(n), nil
}

// happen makes f come true. l.mu is held, and given away where others are called.
func (c *faulty) happen(l *lane, f Fault) error {
	write := l == &c.wr
	if c.told != nil && f.Kind != Split && (write || f.Kind != Short) {
		l.mu.Unlock()
		c.told(write, f)
		l.mu.Lock()
	}
	switch f.Kind {
	case Delay:
		l.until = time.Now().Add(f.Delay)
	case Stall:
		l.stalled = true
	case Timeout:
		return c.fail(l, os.ErrDeadlineExceeded)
	case Interrupt:
		return c.fail(l, os.NewSyscallError(c.op(l), syscall.EINTR))
	case Again:
		return c.fail(l, os.NewSyscallError(c.op(l), syscall.EAGAIN))
	case Short:
		if write {
			return errShort
		}
	case Reset:
		l.mu.Unlock()
		_ = c.Reset()
		l.mu.Lock()
	case End:
		if !write {
			l.ended = io.EOF
			break
		}
		l.ended = c.fail(l, syscall.EPIPE)
		l.mu.Unlock()
		_ = c.CloseWrite()
		l.mu.Lock()
	}
	return nil
}

// wait waits for the end of a delay. l.mu is held, but not while waiting.
func (c *faulty) wait(l *lane) error {
	for l.ended == nil {
		now := time.Now()
		left := l.until.Sub(now)
		if !l.stalled && left <= 0 {
			return nil
		}
		over := l.stalled
		if !l.by.IsZero() {
			d := l.by.Sub(now)
			if d <= 0 {
				return c.fail(l, os.ErrDeadlineExceeded)
			}
			if over || d < left {
				left, over = d, false
			}
		}
		var tick <-chan time.Time
		if !over {
			t := time.NewTimer(left)
			defer t.Stop()
			tick = t.C
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-tick:
		case <-changed:
		case <-c.quit:
		}
		l.mu.Lock()
		select {
		case <-c.quit:
			return c.fail(l, net.ErrClosed)
		default:
		}
	}
	return nil
}

func (c *faulty) op(l *lane) string {
	if l == &c.wr {
		return "write"
	}
	return "read"
}

func (c *faulty) fail(l *lane, err error) error {
	return &net.OpError{Op: c.op(l), Net: "mem", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

func (c *faulty) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return c.Conn.Read(p)
	}
	k, err := c.next(&c.rd, len(p))
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p[:k])
	c.rd.passed(n)
	return n, err
}

func (c *faulty) Write(p []byte) (n int, err error) {
	if len(p) == 0 {
		return c.Conn.Write(p)
	}
	for n < len(p) {
		k, err := c.next(&c.wr, len(p)-n)
		if err == errShort {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		k, err = c.Conn.Write(p[n : n+k])
		c.wr.passed(k)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *faulty) Close() error {
	c.once.Do(func() { close(c.quit) })
	return c.Conn.Close()
}

func (c *faulty) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *faulty) CloseRead() error {
	if h, ok := c.Conn.(interface{ CloseRead() error }); ok {
		return h.CloseRead()
	}
	return errors.ErrUnsupported
}

func (c *faulty) SetLinger(sec int) error {
	if h, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		return h.SetLinger(sec)
	}
	return errors.ErrUnsupported
}

// Reset is that of Conn, or the next best thing; it ends delays.
func (c *faulty) Reset() error {
	c.rd.end(c.fail(&c.rd, syscall.ECONNRESET))
	c.wr.end(c.fail(&c.wr, syscall.ECONNRESET))
	abort(c.Conn)
	return nil
}

func (c *faulty) SetDeadline(t time.Time) error {
	c.rd.setDeadline(t)
	c.wr.setDeadline(t)
	return c.Conn.SetDeadline(t)
}

func (c *faulty) SetReadDeadline(t time.Time) error {
	c.rd.setDeadline(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *faulty) SetWriteDeadline(t time.Time) error {
	c.wr.setDeadline(t)
	return c.Conn.SetWriteDeadline(t)
}

// abort resets nc, or closes it where there is no reset.
func abort(nc net.Conn) {
	switch nc := nc.(type) {
	case interface{ Reset() error }:
		_ = nc.Reset()
	case *net.TCPConn:
		_ = nc.SetLinger(0)
		_ = nc.Close()
	default:
		_ = nc.Close()
	}
}
