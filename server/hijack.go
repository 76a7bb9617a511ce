package server

import (
	"io"
	"net"
	"os"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// hijacked is a connection taken over by a handler: a machine for the driver, a net.Conn for the handler. Bytes that followed the
// request are the first that Read gives.
type hijacked struct {
	g          *gate
	link       drivers.Link
	disconnect func(error)

	// Guarded by g.mu.
	in     []byte
	off    int
	fin    bool
	err    error // the connection is gone
	out    []byte
	closed bool
	half   bool // CloseWrite
	full   bool
	rd, wd deadline
}

// deadline is one direction's.
type deadline struct {
	timer   *time.Timer
	expired bool
	gen     int
}

var (
	_ net.Conn        = (*hijacked)(nil)
	_ drivers.Machine = (*hijacked)(nil)
)

// takeConn makes the hijacker's connection and tells the machine.
func (x *exchange) takeConn() *hijacked {
	h := &hijacked{g: &x.g, link: x.link}
	x.g.mu.Lock()
	// A body that was begun is raw bytes for the hijacker.
	h.in = append(h.in, x.in[x.inOff:]...)
	x.in, x.inOff = x.in[:0], 0
	x.bodyClosed = true
	x.hijack = h
	x.g.changed()
	x.g.mu.Unlock()
	x.link.Wake()
	return h
}

// Receive takes input for Read.
func (h *hijacked) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	h.g.mu.Lock()
	defer h.g.mu.Unlock()
	if h.closed {
		return len(src), dst
	}
	if len(h.in)-h.off >= highWater {
		h.full = true
		return 0, dst
	}
	if h.off > 0 {
		h.in, h.off = append(h.in[:0], h.in[h.off:]...), 0
	}
	h.in = append(h.in, src...)
	h.full = len(h.in) >= highWater
	h.g.changed()
	return len(src), dst
}

// Transmit gives what was written.
func (h *hijacked) Transmit(t *drivers.Turn, dst []byte) []byte {
	h.g.mu.Lock()
	defer h.g.mu.Unlock()
	n := len(h.out)
	if t.Max > 0 {
		n = min(n, t.Max)
	}
	dst = append(dst, h.out[:n]...)
	if n == len(h.out) {
		h.out = h.out[:0]
	} else {
		h.out = append(h.out[:0], h.out[n:]...)
	}
	h.g.changed()
	return dst
}

// PeerClosed makes Read return io.EOF after the last byte.
func (h *hijacked) PeerClosed(*drivers.Turn) { h.sawFIN() }

func (h *hijacked) sawFIN() {
	h.g.mu.Lock()
	h.fin = true
	h.g.changed()
	h.g.mu.Unlock()
}

// Advance has nothing to do: the hijacker's deadlines are its own timers.
func (h *hijacked) Advance(*drivers.Turn) {}

// Deadline returns Never.
func (h *hijacked) Deadline() codec.Time { return codec.Never }

// Status returns the machine's wishes.
func (h *hijacked) Status() (s drivers.Status) {
	h.g.mu.Lock()
	defer h.g.mu.Unlock()
	switch {
	case len(h.out) > 0:
		s = drivers.WantOutput
	case h.closed:
		return drivers.Closing
	}
	if !h.closed && !h.full && !h.fin {
		s |= drivers.WantInput
	}
	return s
}

// Closed ends all reads and writes.
func (h *hijacked) Closed(err error) {
	h.g.mu.Lock()
	switch {
	case h.err != nil:
	case err != nil:
		h.err = err
	default:
		h.err = net.ErrClosed
	}
	h.out = nil
	h.g.cond.Broadcast()
	h.g.mu.Unlock()
	if h.disconnect != nil {
		h.disconnect(err)
	}
}

// Read gives bytes as they arrive.
func (h *hijacked) Read(p []byte) (int, error) {
	h.g.mu.Lock()
	defer h.g.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	h.g.wait(func() bool {
		return len(h.in) > h.off || h.fin || h.err != nil || h.closed || h.rd.expired
	})
	switch {
	case h.closed:
		return 0, net.ErrClosed
	case h.rd.expired:
		return 0, os.ErrDeadlineExceeded
	case len(h.in) > h.off:
		n := copy(p, h.in[h.off:])
		h.off += n
		if h.off == len(h.in) {
			h.in, h.off = h.in[:0], 0
		}
		if h.full && len(h.in)-h.off < highWater/2 {
			h.full = false
			h.g.mu.Unlock()
			h.link.Wake()
			h.g.mu.Lock()
		}
		return n, nil
	case h.err != nil:
		return 0, h.err
	}
	return 0, io.EOF
}

func (h *hijacked) writeClear() bool {
	return h.err != nil || h.closed || h.wd.expired || len(h.out) == 0
}

func (h *hijacked) writeErr() error {
	switch {
	case h.closed || h.half:
		return net.ErrClosed
	case h.err != nil:
		return h.err
	case h.wd.expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Write sends a copy of p. It waits while 64 KiB wait to be taken by the driver.
func (h *hijacked) Write(p []byte) (n int, err error) {
	h.g.mu.Lock()
	defer h.g.mu.Unlock()
	for {
		if err := h.writeErr(); err != nil {
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
		k := min(highWater-len(h.out), len(p)-n)
		if k > 0 {
			h.out = append(h.out, p[n:n+k]...)
			n += k
		}
		h.g.push(h.writeClear)
		if n < len(p) {
			h.g.wait(func() bool { return h.writeErr() != nil || len(h.out) < highWater })
		}
	}
}

// Close sends what was written and closes.
func (h *hijacked) Close() error {
	h.g.mu.Lock()
	if h.closed {
		h.g.mu.Unlock()
		return net.ErrClosed
	}
	h.closed = true
	h.in, h.off = nil, 0
	h.rd.set(h, time.Time{})
	h.wd.set(h, time.Time{})
	h.g.cond.Broadcast()
	h.g.mu.Unlock()
	h.link.Wake()
	return nil
}

// LocalAddr returns the connection's own address.
func (h *hijacked) LocalAddr() net.Addr { return h.link.LocalAddr() }

// RemoteAddr returns the peer's address.
func (h *hijacked) RemoteAddr() net.Addr { return h.link.RemoteAddr() }

// SetDeadline sets both deadlines.
func (h *hijacked) SetDeadline(t time.Time) error {
	_ = h.SetReadDeadline(t)
	return h.SetWriteDeadline(t)
}

// SetReadDeadline makes Reads fail with os.ErrDeadlineExceeded from t on.
func (h *hijacked) SetReadDeadline(t time.Time) error { return h.setDeadline(&h.rd, t) }

// SetWriteDeadline makes Writes fail with os.ErrDeadlineExceeded from t on.
func (h *hijacked) SetWriteDeadline(t time.Time) error { return h.setDeadline(&h.wd, t) }

func (h *hijacked) setDeadline(d *deadline, t time.Time) error {
	h.g.mu.Lock()
	defer h.g.mu.Unlock()
	if h.closed {
		return net.ErrClosed
	}
	d.set(h, t)
	h.g.cond.Broadcast()
	return nil
}

// set arms the deadline. g.mu is held.
func (d *deadline) set(h *hijacked, t time.Time) {
	d.gen++
	d.expired = false
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.expired = true
		return
	}
	gen := d.gen
	d.timer = time.AfterFunc(wait, func() {
		h.g.mu.Lock()
		if d.gen == gen {
			d.expired = true
			h.g.cond.Broadcast()
		}
		h.g.mu.Unlock()
		h.link.Wake() // a Pump that waits for bytes comes back
	})
}
