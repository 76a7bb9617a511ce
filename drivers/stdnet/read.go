package stdnet

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// smallRead is the buffer that a waiting connection without descriptor holds.
const smallRead = 4 << 10

// mayRead reports whether the socket is to be read now. mu is held.
func (c *conn) mayRead(watch bool) bool {
	if c.dead || c.eof {
		return false
	}
	if c.lingering {
		return true
	}
	defer c.contain()
	st := c.m.Status()
	if st&(drivers.Closing|drivers.WantInput) != 0 {
		return true
	}
	return watch && len(c.in) < c.srv.cfg.ReadBuffer
}

// read waits for input, until a deadline (the machine's or limit) or until it is interrupted. It returns a worker in
// any case; arrived takes the outcome. mu is held, but not while waiting.
func (c *conn) read(limit codec.Time) *worker {
	c.rd.w, c.rd.n, c.rd.err = nil, 0, nil
	c.readBy = true
	c.armRead(codec.Earliest(c.deadline(), limit))
	if c.enter(fReading) {
		bulk := c.bulk
		c.mu.Unlock()
		if c.rw != nil {
			if err := c.rw.Read(c.readable); err != nil {
				c.rd.n, c.rd.err = 0, err
			}
		} else {
			c.readPlain(bulk)
		}
		if c.state.Load()&fWake != 0 && c.rd.n == 0 {
			// A waker has the scheduler run this goroutine next. Where handlers answer together, letting those go first that can run
			// already sends their answers in one write.
			runtime.Gosched()
		}
		c.leave(fReading)
		c.mu.Lock()
	}
	c.readBy = false
	w := c.rd.w
	c.rd.w = nil
	if w == nil {
		w = c.srv.getWorker()
	}
	return w
}

// armRead sets the read deadline if the one that is set would come too late.
func (c *conn) armRead(d codec.Time) {
	if d == codec.Never {
		if c.expired {
			c.expired = false
			_ = c.nc.SetReadDeadline(time.Time{})
		}
		return
	}
	if c.armed != codec.Never && c.armed <= d {
		return
	}
	t := c.srv.wall(d)
	if soon := time.Now().Add(time.Millisecond / 4); t.Before(soon) {
		t = soon // a deadline that stays due must not spin
	}
	c.armed, c.expired = d, false
	_ = c.nc.SetReadDeadline(t)
}

// onReadable tries to read. It borrows a worker only while there are bytes.
func (c *conn) onReadable(fd uintptr) bool {
	w := c.srv.getWorker()
	n, err := sysRead(fd, w.buffer(c.srv.cfg.ReadBuffer))
	if err == syscall.EAGAIN {
		c.srv.putWorker(w)
		return false
	}
	if err == nil && n == 0 {
		err = io.EOF
	} else if err != nil {
		err = os.NewSyscallError("read", err)
	}
	c.rd.w, c.rd.n, c.rd.err = w, n, err
	return true
}

func (c *conn) readPlain(bulk bool) {
	var buf []byte
	if bulk { // bytes keep coming: worth a large buffer while waiting
		c.rd.w = c.srv.getWorker()
		buf = c.rd.w.buffer(c.srv.cfg.ReadBuffer)
	} else {
		if c.small == nil {
			c.small = make([]byte, min(smallRead, c.srv.cfg.ReadBuffer))
		}
		buf = c.small
	}
	c.rd.n, c.rd.err = c.nc.Read(buf)
	c.bulk = c.rd.n == len(buf)
	if !bulk && c.rd.n > 0 {
		c.rd.w = c.srv.getWorker()
		copy(c.rd.w.buffer(c.srv.cfg.ReadBuffer), buf[:c.rd.n])
	}
}

// arrived takes the outcome of read. mu is held.
func (c *conn) arrived(w *worker) {
	n, err := c.rd.n, c.rd.err
	c.rd.n, c.rd.err = 0, nil
	if c.dead {
		return
	}
	if n > 0 {
		c.active = w.turn.Now
		b := w.in[:n]
		switch {
		case c.lingering:
			c.discarded += n
		case len(c.in) == 0:
			c.in, c.lent, c.fresh, c.stuck = b, true, true, false
		default:
			c.keep(b)
			c.fresh, c.stuck = true, false
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.armed, c.expired = codec.Never, true // due, or an interrupt: either way to be set anew
	case err == io.EOF:
		c.eof = true
	case c.lingering:
		c.fail(nil) // everything was sent: the peer's way of going does not matter any more
	default:
		c.fail(err)
	}
}

// keep appends to the unread bytes in the connection's own storage.
func (c *conn) keep(b []byte) {
	if len(c.in)+len(b) > cap(c.in) && cap(c.tail)-len(c.in) >= len(b) && cap(c.tail) >= 2*len(c.in) {
		n := copy(c.tail[:cap(c.tail)], c.in) // much was consumed: move to the front instead of growing
		c.in = c.tail[:n]
	}
	c.in = append(c.in, b...)
	if cap(c.in) > cap(c.tail) {
		c.tail = c.in[:0]
	}
}

// lingered reports whether a closing connection has been read enough.
func (s *Server) lingered(n int) bool { return s.cfg.LingerBytes > 0 && n > s.cfg.LingerBytes }
