package memlink

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Conn is one end of a connection in memory. All its methods are safe from any goroutine at any time. Octets of two concurrent Writes
// do not mix.
type Conn struct {
	in, out       *half
	local, remote net.Addr
	done          func() // nil, or told of Close
	hard          atomic.Bool
}

var _ net.Conn = (*Conn)(nil)

// Pair returns the two ends of a new connection: what one writes the other reads. Of cfg it uses Buffer and Latency.
func Pair(cfg Config) (a, b *Conn) {
	return pair(cfg, &net.TCPAddr{IP: clientIP, Port: firstPort}, cfg.addr())
}

func pair(cfg Config, dialed, accepted net.Addr) (a, b *Conn) {
	there, back := newHalf(cfg.buffer(), cfg.Latency), newHalf(cfg.buffer(), cfg.Latency)
	return &Conn{in: back, out: there, local: dialed, remote: accepted}, &Conn{in: there, out: back, local: accepted, remote: dialed}
}

// Read waits until there is something to read. It returns io.EOF once the peer has finished and all was read.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write waits until all of p is in the buffer. The peer need not have read it.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// CloseWrite finishes this end's direction: the peer reads what was written and then io.EOF.
func (c *Conn) CloseWrite() error {
	if c.out.gone(false) {
		return c.wrap("close", net.ErrClosed)
	}
	c.out.finish(false)
	return nil
}

// CloseRead drops what was not read. Reads return io.EOF, the peer's writes fail with EPIPE.
func (c *Conn) CloseRead() error {
	if c.in.gone(true) {
		return c.wrap("close", net.ErrClosed)
	}
	c.in.leave(false)
	return nil
}

// SetLinger makes Close a reset if sec is 0, as net.TCPConn's method does. Of other values Close takes no notice.
func (c *Conn) SetLinger(sec int) error {
	if c.in.gone(true) {
		return c.wrap("set", net.ErrClosed)
	}
	c.hard.Store(sec == 0)
	return nil
}

// Close ends both directions. If octets are there that were not read it resets the connection.
func (c *Conn) Close() error {
	if c.in.gone(true) {
		return c.wrap("close", net.ErrClosed)
	}
	// RFC 1122 section 4.2.2.13: "If such a host issues a CLOSE call while received data is still pending in TCP, or if new data is received
	// after CLOSE is called, its TCP SHOULD send a RST to show that data was lost."
	if c.in.leave(true) || c.hard.Load() {
		c.in.abort()
		c.out.abort()
	}
	c.out.finish(true)
	if c.done != nil {
		c.done()
	}
	return nil
}

// Reset breaks the connection: both ends fail with ECONNRESET, the peer once it has read what was written before. The ends
// still have to be closed.
func (c *Conn) Reset() error {
	if c.in.gone(true) {
		return c.wrap("reset", net.ErrClosed)
	}
	c.in.drop()
	c.in.abort()
	c.out.abort()
	return nil
}

// drop forgets what was not read.
func (h *half) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf, h.arrived, h.flight = nil, 0, nil
}

// LocalAddr returns this end's address: see Config.Addr.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline makes Reads fail from t on with os.ErrDeadlineExceeded, those under way included. Zero: never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.in.gone(true) {
		return c.wrap("set", net.ErrClosed)
	}
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

// SetWriteDeadline makes Writes fail from t on with os.ErrDeadlineExceeded, those under way included; these return how much they wrote.
// Zero: never.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.out.gone(false) {
		return c.wrap("set", net.ErrClosed)
	}
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}
