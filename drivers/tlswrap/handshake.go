package tlswrap

import (
	"crypto/tls"
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/tlspeek"
)

// maxAhead is how many bytes of records are taken from the driver ahead of the handshake.
const maxAhead = 64 << 10

// handshake is what a connection needs until its handshake is over. The goroutine that runs crypto/tls and the connection's owner
// meet here.
type handshake struct {
	c    *conn
	scan tlspeek.Scan
	next *handshake // the queue: guarded by slots.mu
	prev *handshake
	// queued: in the queue. granted: it has a slot, and does not know yet.
	queued, granted bool

	mu       sync.Mutex
	moved    sync.Cond
	in, out  []byte
	left     int // of the record that crypto/tls is reading
	taken    int // bytes of the peer that crypto/tls was given
	fin      bool
	dead     bool
	over     bool
	alone    bool // the driver makes progress by itself
	full     bool // the owner waits for in to shrink
	token    bool // holds one of Service.turns
	err      error
	overflow bool
}

// hello looks for the end of the ClientHello. Until it is there the driver keeps the bytes.
func (c *conn) hello(t *drivers.Turn, src, dst []byte) (int, []byte) {
	if c.hs == nil {
		c.hs = &handshake{c: c}
		c.hs.moved.L = &c.hs.mu
	}
	h := c.hs
	complete, ok := h.scan.Next(src)
	switch {
	case !ok:
		// RFC 8446 section 5: "If a TLS implementation receives an unexpected record type, it MUST terminate the connection with an
		// "unexpected_message" alert."
		k := len(dst)
		if f := c.svc.opt.NotTLS; f != nil {
			dst = append(dst, f(src)...)
		}
		if len(dst) == k {
			dst = appendAlert(dst, alertUnexpectedMessage)
		}
		c.refuse(ErrNotTLS)
		return len(src), dst
	case max(h.scan.Need(), h.scan.Len()) > c.svc.opt.MaxHello || !complete && len(src) > c.svc.opt.MaxHello:
		c.refuse(ErrHello)
		return len(src), appendAlert(dst, alertDecodeError)
	case !complete:
		return 0, dst
	}
	if f := c.svc.opt.OnHello; f != nil {
		l := t.Local.(*local)
		alert := byte(alertDecodeError)
		err := l.hello.Parse(src)
		if err == nil {
			if alert = f((*link)(c), &l.hello); alert != 0 {
				err = &RefusedError{alert}
			}
		}
		if err != nil {
			c.refuse(err)
			return len(src), appendAlert(dst, alert)
		}
	}
	n := records(src)
	h.in = append([]byte(nil), src[:n]...)
	c.tls = tls.Server((*shim)(c), c.svc.cfg)
	if !c.svc.slots.acquire(h) {
		c.state = stQueued
		return n, dst
	}
	c.begin()
	return n, dst
}

// refuse closes a connection before its handshake, after what was just appended.
func (c *conn) refuse(err error) {
	c.err = err
	c.state = stDone
	c.deadline = codec.Never
}

// begin starts the goroutine. A slot is taken.
func (c *conn) begin() {
	c.state = stHandshake
	h := c.hs
	if c.has(fFIN) {
		h.fin = true
	}
	c.outer.Go(h.run)
}

// run is the goroutine.
func (h *handshake) run() {
	c := h.c
	err := error(drivers.ErrClosed)
	defer func() { // also after a panic or a runtime.Goexit in one of tls.Config's functions
		h.mu.Lock()
		h.yield()
		h.over, h.err = true, err
		if h.overflow {
			h.err = ErrHandshakeSize
		}
		h.mu.Unlock()
		c.svc.slots.release()
		c.outer.Wake()
	}()
	h.mu.Lock()
	h.compute()
	h.mu.Unlock()
	err = c.tls.Handshake()
}

// compute waits until this handshake may use the processor. mu is held on both ends.
func (h *handshake) compute() {
	if ch := h.c.svc.turns; ch != nil && !h.token {
		h.mu.Unlock()
		ch <- struct{}{}
		h.mu.Lock()
		h.token = true
	}
}

// yield lets others compute.
func (h *handshake) yield() {
	if h.token {
		h.token = false
		<-h.c.svc.turns
	}
}

// read gives crypto/tls bytes of one record at most: behind the last one of the handshake nothing may be left in its buffers. It
// waits for the peer.
func (h *handshake) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.dead:
			return 0, drivers.ErrClosed
		case len(h.in) > 0:
			return h.take(p)
		case h.fin:
			return 0, ErrTruncated
		}
		h.yield()
		if !h.alone {
			h.mu.Unlock()
			ok := h.c.outer.Pump()
			h.mu.Lock()
			h.alone = !ok
		} else {
			if len(h.out) > 0 {
				h.c.outer.Wake()
			}
			h.moved.Wait()
		}
		if len(h.in) > 0 {
			h.compute()
		}
	}
}

func (h *handshake) take(p []byte) (int, error) {
	if h.left == 0 {
		if r := record(h.in); r != nil {
			h.left = len(r)
		} else {
			h.left = len(h.in)
		}
		if h.taken += h.left; h.taken > h.c.svc.opt.MaxHandshake {
			h.overflow = true
			return 0, ErrHandshakeSize
		}
	}
	n := copy(p, h.in[:min(h.left, len(h.in))])
	h.in = h.in[n:]
	h.left -= n
	if h.full && len(h.in) < maxAhead/2 {
		h.full = false
		h.c.outer.Wake()
	}
	return n, nil
}

// write keeps what crypto/tls sends until the driver fetches it. crypto/tls writes whole flights, and waits after each.
func (h *handshake) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead {
		return 0, drivers.ErrClosed
	}
	h.out = append(h.out, p...)
	return len(p), nil
}

// receive takes whole records.
func (h *handshake) receive(src []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := records(src)
	h.in = append(h.in, src[:n]...)
	h.full = len(h.in) >= maxAhead
	h.moved.Signal()
	return n
}

func (h *handshake) transmit(limit int, dst []byte) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.out)
	if limit > 0 {
		n = min(n, limit)
	}
	dst = append(dst, h.out[:n]...)
	h.out = h.out[n:]
	return dst
}

func (h *handshake) status() (s drivers.Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	// The goroutine may make this true at any time, but only the owner makes it false: a driver acts on what it was told.
	if !h.full {
		s = drivers.WantInput
	}
	if len(h.out) > 0 {
		s |= drivers.WantOutput
	}
	return s
}

func (h *handshake) eof() {
	h.mu.Lock()
	h.fin = true
	h.moved.Signal()
	h.mu.Unlock()
}

// abandon makes the goroutine come back.
func (h *handshake) abandon() {
	h.mu.Lock()
	h.dead = true
	h.in, h.out = nil, nil
	h.moved.Signal()
	h.mu.Unlock()
}

// result reports whether the goroutine is through, and what came of it.
func (h *handshake) result() (over bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.over, h.err
}

// finished takes over from the goroutine, which is through.
func (c *conn) finished(t *drivers.Turn, err error) {
	h := c.hs
	if len(h.out) > 0 {
		c.early = h.out
	}
	if len(h.in) > 0 {
		c.rest = h.in
	}
	c.hs = nil // the goroutine is through: from here on crypto/tls is ours
	c.deadline = codec.Never
	if err != nil {
		c.refuse(err)
		if len(c.early) > 0 { // an alert
			c.state = stFlush
		}
		c.report(err)
		return
	}
	c.secure.Store(true)
	c.state = stOpen
	c.flags |= fPartial
	c.report(nil)
	c.flags |= fRefused
	if c.inner = c.svc.inner.Accept(t.Local.(*local).enter(t), (*link)(c)); c.inner == nil {
		return
	}
	c.flags &^= fRefused
	if c.has(fDrain) {
		c.drain(t)
	}
	c.truncated()
}
