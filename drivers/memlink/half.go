package memlink

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// half is one direction of a connection: one end writes, the other reads.
type half struct {
	size    int
	latency time.Duration

	mu    sync.Mutex
	moved sync.Cond // anything below has changed

	buf     []byte // written and not read
	arrived int    // of these, what may be read: all of it without latency
	flight  []mark // what may be read later
	alarm   *time.Timer
	alarmAt time.Time

	fin     bool // the writer has finished
	finAt   time.Time
	deaf    bool // the reader takes no more: CloseRead or Close
	reset   bool
	writing bool // a Write is under way: octets of two do not mix
	// The ends' own Close.
	readerGone, writerGone bool
	// Deadlines of the reader and of the writer.
	readBy, writeBy deadline
}

// mark says that n more octets may be read at a time.
type mark struct {
	n  int
	at time.Time
}

// deadline is one that was set, and whether it has passed.
type deadline struct {
	past  bool
	timer *time.Timer
	turn  uint // counts settings: a timer of an earlier one says nothing
}

func newHalf(size int, latency time.Duration) *half {
	h := &half{size: size, latency: latency}
	h.moved.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readerGone:
			return 0, net.ErrClosed
		case h.readBy.past:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		}
		h.land()
		switch {
		case h.deaf:
			return 0, io.EOF
		case h.arrived > 0:
			n := copy(p, h.buf[:h.arrived])
			h.buf = h.buf[n:]
			h.arrived -= n
			if len(h.buf) == 0 {
				h.buf = nil
			}
			h.moved.Broadcast()
			return n, nil
		case len(h.flight) > 0:
		case h.reset:
			return 0, syscall.ECONNRESET
		case h.fin && !time.Now().Before(h.finAt):
			return 0, io.EOF
		}
		h.moved.Wait()
	}
}

// land moves what has come by now out of flight, and sees to it that the reader looks again when more has. mu is held.
func (h *half) land() {
	if h.latency == 0 {
		return
	}
	now := time.Now()
	for len(h.flight) > 0 && !now.Before(h.flight[0].at) {
		h.arrived += h.flight[0].n
		h.flight = h.flight[1:]
	}
	next := h.finAt
	if len(h.flight) > 0 {
		next = h.flight[0].at
	}
	if !now.Before(next) || next.Equal(h.alarmAt) {
		return
	}
	h.alarmAt = next
	if h.alarm != nil {
		h.alarm.Stop()
	}
	h.alarm = time.AfterFunc(next.Sub(now), func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.alarmAt = time.Time{}
		h.moved.Broadcast()
	})
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := false
	defer func() {
		if mine {
			h.writing = false
			h.moved.Broadcast()
		}
	}()
	for {
		switch {
		case h.writerGone:
			return n, net.ErrClosed
		case h.writeBy.past:
			return n, os.ErrDeadlineExceeded
		case h.reset:
			return n, syscall.ECONNRESET
		case h.fin, h.deaf:
			return n, syscall.EPIPE
		case len(p) == 0:
			return n, nil
		}
		if room := h.size - len(h.buf); room > 0 && (mine || !h.writing) {
			mine, h.writing = true, true
			k := min(room, len(p))
			h.buf = append(h.buf, p[:k]...)
			if h.latency == 0 {
				h.arrived += k
			} else {
				h.flight = append(h.flight, mark{k, time.Now().Add(h.latency)})
			}
			n, p = n+k, p[k:]
			h.moved.Broadcast()
			continue
		}
		h.moved.Wait()
	}
}

// finish ends the direction from the writer's side. gone: nothing may be asked of it any more.
func (h *half) finish(gone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writerGone = h.writerGone || gone
	if gone {
		h.writeBy.stop()
	}
	if !h.fin {
		h.fin = true
		if h.latency > 0 {
			h.finAt = time.Now().Add(h.latency)
		}
	}
	h.moved.Broadcast()
}

// leave ends the direction from the reader's side. It reports whether something was left unread.
func (h *half) leave(gone bool) (unread bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	unread = len(h.buf) > 0
	h.buf, h.arrived, h.flight, h.deaf = nil, 0, nil, true
	h.readerGone = h.readerGone || gone
	if gone {
		h.readBy.stop()
	}
	if h.alarm != nil {
		h.alarm.Stop()
	}
	h.moved.Broadcast()
	return unread
}

// abort makes the direction fail. What has been written may still be read.
func (h *half) abort() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reset = true
	h.moved.Broadcast()
}

func (h *half) gone(reader bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return reader && h.readerGone || !reader && h.writerGone
}

// setDeadline sets d, which is one of h's, to t: zero for none.
func (h *half) setDeadline(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.stop()
	d.past = false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.past = true
		h.moved.Broadcast()
		return
	}
	turn := d.turn
	d.timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.turn == turn {
			d.past = true
			h.moved.Broadcast()
		}
	})
}

func (d *deadline) stop() {
	d.turn++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
