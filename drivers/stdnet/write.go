package stdnet

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/purewire/purewire/drivers"
)

// plainChunk is how much of a payload one Write of a plain net.Conn gets, so that progress can be seen.
const plainChunk = 64 << 10

// lastLook is how long a write that seems stalled is tried once more.
const lastLook = 10 * time.Millisecond

// flush sends pending output and, right behind it, payload. It returns how many bytes of payload the kernel took. What
// the kernel does not take now is left to a writer goroutine, which asks the machine for its payload itself. mu is held.
func (c *conn) flush(w *worker, payload []byte) int {
	if c.writing {
		return 0
	}
	if len(c.out) == 0 && len(w.out) == 0 && len(payload) == 0 {
		return 0
	}
	if c.rw == nil {
		c.out = append(c.out, w.out...)
		w.out = w.out[:0]
		c.startWriter()
		return 0
	}
	out := w.out
	if len(c.out) > 0 {
		out = c.out // never both: dst sees to it
	}
	n, err := c.send(out, payload)
	if err != nil {
		c.fail(err)
		return 0
	}
	if n > 0 && c.cramped {
		c.stuck = false
	}
	if n >= len(out) {
		w.out, c.out = w.out[:0], c.out[:0]
		if cap(c.out) > 0 {
			c.out = nil
		}
		c.left.Store(0)
		if n < len(out)+len(payload) {
			c.startWriter()
		}
		return n - len(out)
	}
	c.out = append(c.out[:0], out[n:]...)
	w.out = w.out[:0]
	c.startWriter()
	return 0
}

// send writes without waiting.
func (c *conn) send(a, b []byte) (int, error) {
	total := 0
	for {
		c.wr.a, c.wr.b, c.wr.n, c.wr.err = a, b, 0, nil
		err := c.rw.Write(c.trying)
		n := c.wr.n
		if err == nil {
			err = c.wr.err
		}
		c.wr.a, c.wr.b, c.wr.err = nil, nil, nil
		total += n
		if err == syscall.EAGAIN {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		if n == len(a)+len(b) {
			return total, nil
		}
		// A short write is as good as EAGAIN, but only EAGAIN is sure of it.
		if n >= len(a) {
			a, b = nil, b[n-len(a):]
		} else {
			a = a[n:]
		}
	}
}

func (c *conn) tryWrite(fd uintptr) bool {
	c.wr.n, c.wr.err = sysWrite(fd, c.wr.a, c.wr.b)
	if c.wr.err != nil && c.wr.err != syscall.EAGAIN {
		c.wr.err = os.NewSyscallError("write", c.wr.err)
	}
	return true
}

// onWritable is tryWrite that waits for room.
func (c *conn) onWritable(fd uintptr) bool {
	c.tryWrite(fd)
	return c.wr.err != syscall.EAGAIN
}

func (c *conn) startWriter() {
	c.left.Store(int64(len(c.out)))
	c.writing = true
	go c.writer()
}

// writer sends while output is stalled (or, on a plain net.Conn, whenever there is some), so that the reading side need
// not wait for it. Between writes it calls the machine like the owner does.
func (c *conn) writer() {
	s := c.srv
	var spare, flight []byte
	var moved, alarm time.Time // last progress; write deadline that is set
	last := false
	c.mu.Lock()
	for !c.dead {
		if len(flight) == 0 {
			flight, c.out, spare = c.out, spare[:0], nil
			c.flight = len(flight)
			spare = flight
		}
		pay, payload := c.payload()
		if len(flight) == 0 && len(payload) == 0 {
			break
		}
		c.mu.Unlock()
		now := time.Now()
		if moved.IsZero() {
			moved = now
		}
		if s.cfg.WriteStall > 0 && !last && !alarm.After(moved.Add(s.cfg.WriteStall-time.Nanosecond)) {
			alarm = now.Add(s.cfg.WriteStall)
			_ = c.nc.SetWriteDeadline(alarm)
		}
		n, err := c.block(flight, payload)
		c.mu.Lock()
		if c.dead {
			break
		}
		if n > 0 {
			moved = time.Now()
			if last {
				last, alarm = false, time.Time{}
			}
		}
		sent := min(n, len(flight))
		flight = flight[sent:]
		c.flight = len(flight)
		c.left.Store(int64(len(c.out) + c.flight))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			alarm, err = time.Time{}, nil
			switch {
			case time.Since(moved) < s.cfg.WriteStall:
			case !last:
				// The system announces room only when there is a lot of it: look once more before giving up.
				last = true
				alarm = time.Now().Add(lastLook)
				_ = c.nc.SetWriteDeadline(alarm)
			default:
				err = drivers.ErrWriteStall
			}
		}
		if err != nil {
			c.fail(err)
			break
		}
		if n == 0 {
			continue
		}
		w := s.getWorker()
		s.tick(w)
		c.sent(w, pay, n-sent)
		c.run(w)
		s.putWorker(w)
		c.after()
	}
	c.writing, c.flight = false, 0
	if c.dead {
		c.finish()
		c.mu.Unlock()
		return
	}
	if !alarm.IsZero() {
		_ = c.nc.SetWriteDeadline(time.Time{})
	}
	c.out = nil
	c.left.Store(0)
	w := s.getWorker()
	s.tick(w)
	if c.cramped {
		c.stuck = false // output has drained
	}
	c.run(w) // may find that Closing has been waiting for this
	s.putWorker(w)
	c.after()
	c.mu.Unlock()
}

// payload asks the machine what goes out behind the pending output.
func (c *conn) payload() (p drivers.Payloader, b []byte) {
	defer c.contain()
	if c.m.Status()&drivers.HasPayload != 0 {
		if p, ok := c.m.(drivers.Payloader); ok {
			return p, p.Payload()
		}
	}
	return nil, nil
}

func (c *conn) sent(w *worker, p drivers.Payloader, n int) {
	defer c.contain()
	if c.cramped {
		c.stuck = false
	}
	if n > 0 {
		c.calls++
		p.PayloadSent(&w.turn, n)
	}
}

// block writes a and b and waits until at least some of it was taken. mu is not held.
func (c *conn) block(a, b []byte) (int, error) {
	if c.rw != nil {
		c.wr.a, c.wr.b, c.wr.n, c.wr.err = a, b, 0, nil
		err := c.rw.Write(c.writable)
		n := c.wr.n
		if err == nil {
			err = c.wr.err
		} else {
			n = 0
		}
		c.wr.a, c.wr.b, c.wr.err = nil, nil, nil
		return n, err
	}
	if len(a) == 0 {
		a = b
	}
	a = a[:min(len(a), plainChunk)]
	n, err := c.nc.Write(a)
	if err == nil && n < len(a) {
		err = io.ErrShortWrite
	}
	return n, err
}
