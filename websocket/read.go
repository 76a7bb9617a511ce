package websocket

import (
	"context"
	"io"

	"github.com/purewire/purewire/codec/ws"
)

// inbox holds what has arrived on a connection without Handler until somebody reads it. Guarded by Conn.mu.
type inbox struct {
	b     *buffer // pooled; nil while empty
	off   int
	segs  []segment
	first int     // of segs
	cur   *reader // of the message being read
}

// segment is a run of bytes of one message.
type segment struct {
	n    int
	op   Opcode
	last bool
}

// overhead is what an empty message counts for.
const overhead = 64

func (in *inbox) held() int {
	n := overhead * (len(in.segs) - in.first)
	if in.b != nil {
		n += len(in.b.b) - in.off
	}
	return n
}

func (in *inbox) full(limit int) bool { return in.held() >= limit }

func (in *inbox) put(ev *ws.Event) {
	if k := len(in.segs); k > in.first && !in.segs[k-1].last {
		s := &in.segs[k-1]
		s.n += len(ev.Payload)
		s.last = ev.Last
	} else {
		if in.first > 0 && in.first == k {
			in.segs, in.first = in.segs[:0], 0
		}
		in.segs = append(in.segs, segment{len(ev.Payload), ev.Opcode, ev.Last})
	}
	if len(ev.Payload) == 0 {
		return
	}
	if in.b == nil {
		in.b = getBuffer(len(ev.Payload))
	} else if in.off > 0 && in.off >= len(in.b.b)-in.off {
		in.b.b = in.b.b[:copy(in.b.b, in.b.b[in.off:])]
		in.off = 0
	}
	in.b.b = append(in.b.b, ev.Payload...)
}

// ready reports whether a byte, or the end, of a message is there.
func (in *inbox) ready() bool {
	return in.first < len(in.segs) && (in.segs[in.first].n > 0 || in.segs[in.first].last)
}

// take reads from the front message into p. last says that it is at its end with that.
func (in *inbox) take(p []byte) (n int, last bool) {
	s := &in.segs[in.first]
	if n = min(len(p), s.n); n > 0 {
		copy(p, in.b.b[in.off:in.off+n])
		in.off += n
		s.n -= n
	}
	if in.b != nil && in.off == len(in.b.b) {
		putBuffer(in.b)
		in.b, in.off = nil, 0
	}
	if s.n > 0 || !s.last {
		return n, false
	}
	in.first++
	if in.first == len(in.segs) {
		in.segs, in.first = in.segs[:0], 0
	}
	return n, true
}

// reader reads one message.
type reader struct {
	c    *Conn
	ctx  context.Context
	done bool
}

// Read gives the message's bytes as they arrive, and io.EOF at its end.
func (r *reader) Read(p []byte) (int, error) {
	c := r.c
	c.mu.Lock()
	if c.in.cur != r || r.done {
		c.mu.Unlock()
		return 0, io.EOF
	}
	if len(p) == 0 {
		c.mu.Unlock()
		return 0, nil
	}
	if err := c.wait(r.ctx, func() bool { return c.in.ready() || c.err != nil }); err != nil {
		c.mu.Unlock()
		return 0, err
	}
	if !c.in.ready() {
		defer c.mu.Unlock()
		return 0, c.err
	}
	n, last := c.in.take(p)
	if last {
		r.done = true
		c.in.cur = nil
	}
	c.hungry()
	if n == 0 && last {
		return 0, io.EOF
	}
	return n, nil
}

// hungry lets go of mu and has the driver read on, if the reader has made room.
func (c *Conn) hungry() {
	if c.has(fPaused) && !c.in.full(c.o.ahead/2) {
		c.unlock()
		return
	}
	c.mu.Unlock()
}

// NextReader waits for a message and returns its type and a reader of its bytes, which gives them as they arrive. ctx bounds the
// waiting, here and in Read. What is left of the message before is skipped. Only one goroutine may read at a time. The error
// is a *CloseError when the connection has ended and all messages were read, ErrHandler if there is a Handler.
func (c *Conn) NextReader(ctx context.Context) (Opcode, io.Reader, error) {
	c.mu.Lock()
	if c.in == nil {
		c.mu.Unlock()
		return 0, nil, ErrHandler
	}
	for old := c.in.cur; old != nil; old = c.in.cur {
		c.mu.Unlock()
		old.ctx = ctx
		if _, err := io.Copy(io.Discard, old); err != nil {
			return 0, nil, err
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	err := c.wait(ctx, func() bool { return c.in.first < len(c.in.segs) || c.err != nil })
	if err != nil {
		return 0, nil, err
	}
	if c.in.first == len(c.in.segs) {
		return 0, nil, c.err
	}
	r := &reader{c: c, ctx: ctx}
	c.in.cur = r
	return c.in.segs[c.in.first].op, r, nil
}

// ReadMessage waits for a whole message, of at most Options.Limits.Message bytes, and returns a copy of it. Errors are those of
// NextReader.
func (c *Conn) ReadMessage(ctx context.Context) (Opcode, []byte, error) {
	return c.AppendMessage(ctx, nil)
}

// AppendMessage is ReadMessage that appends the message to dst and returns it.
func (c *Conn) AppendMessage(ctx context.Context, dst []byte) (Opcode, []byte, error) {
	op, r, err := c.NextReader(ctx)
	if err != nil {
		return 0, dst, err
	}
	for {
		c.mu.Lock()
		n := 512
		if c.in.ready() {
			n = max(c.in.segs[c.in.first].n, 1)
		}
		c.mu.Unlock()
		if cap(dst)-len(dst) < n {
			dst = append(dst, make([]byte, n)...)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return op, dst, nil
		}
		if err != nil {
			return op, dst, err
		}
	}
}
