package verdict

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// failsafe is how long anything may take. It is no part of any verdict: where it passes there is none.
const failsafe = 2 * time.Minute

// conn is the end of a connection that an implementation is given: it reads what feed has given, and then the end of input
// if eof was called, and whatever it writes is kept. There is no socket, no peer and no time in it.
type conn struct {
	mu     sync.Mutex
	change sync.Cond
	in     []byte
	out    []byte
	ended  bool
	closed bool
	// starved: the end of input was read, so that it was not by itself that the reader has stopped.
	starved bool
}

func newConn() *conn {
	c := &conn{}
	c.change.L = &c.mu
	return c
}

// feed gives bytes to be read.
func (c *conn) feed(p []byte) {
	c.mu.Lock()
	c.in = append(c.in, p...)
	c.change.Broadcast()
	c.mu.Unlock()
}

// eof ends the input behind what was fed.
func (c *conn) eof() {
	c.mu.Lock()
	c.ended = true
	c.change.Broadcast()
	c.mu.Unlock()
}

// Read waits for input, its end, or Close.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in) == 0 && !c.ended && !c.closed {
		c.change.Wait()
	}
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case len(c.in) == 0:
		c.starved = true
		return 0, io.EOF
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// Write keeps p. It never blocks.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.out = append(c.out, p...)
	c.change.Broadcast()
	return len(p), nil
}

// Close ends both directions.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.change.Broadcast()
	c.mu.Unlock()
	return nil
}

// until waits for what was written to satisfy done, or for Close. It is false after the failsafe.
func (c *conn) until(done func(out []byte) bool) bool {
	late := false
	alarm := time.AfterFunc(failsafe, func() {
		c.mu.Lock()
		late = true
		c.change.Broadcast()
		c.mu.Unlock()
	})
	defer alarm.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && !late && !done(c.out) {
		c.change.Wait()
	}
	return c.closed || done(c.out)
}

// gaveUp tells whether the connection was closed by one who had not come to the end of input.
func (c *conn) gaveUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed && !c.starved
}

// isClosed tells whether Close was called.
func (c *conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// written is a copy of what was written.
func (c *conn) written() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.out)
}

func (c *conn) LocalAddr() net.Addr              { return addr{} }
func (c *conn) RemoteAddr() net.Addr             { return addr{} }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "192.0.2.1:1" }

// one is a listener with a single connection; it ends when that is closed.
type one struct {
	c     *conn
	taken bool
	mu    sync.Mutex
}

// Accept gives the connection, and then waits for its end.
func (l *one) Accept() (net.Conn, error) {
	l.mu.Lock()
	first := !l.taken
	l.taken = true
	l.mu.Unlock()
	if first {
		return l.c, nil
	}
	l.c.until(func([]byte) bool { return false })
	return nil, net.ErrClosed
}

// Close closes the connection.
func (l *one) Close() error { return l.c.Close() }

// Addr is a constant.
func (l *one) Addr() net.Addr { return addr{} }

// within runs f and reports whether it came back before the failsafe.
func within(f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-time.After(failsafe):
		return false
	}
}
