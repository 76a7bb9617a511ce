package websocket

import (
	"context"
	"io"
	"net"
)

// fragmentSize is how much a Writer collects for one frame.
const fragmentSize = 4 << 10

// writer sends one message in fragments.
type writer struct {
	c    *Conn
	ctx  context.Context
	op   Opcode
	b    *buffer
	done bool
}

// NextWriter returns a writer for one message of unknown length, which goes out in fragments; Close ends it. Meanwhile other
// messages wait, or get ErrOpen. ctx bounds the waiting for room. A writer is for one goroutine, and not for callbacks. If Write
// or Close fails the message cannot be completed, and the connection is only good for closing.
func (c *Conn) NextWriter(ctx context.Context, op Opcode) io.WriteCloser {
	return &writer{c: c, ctx: ctx, op: op, b: getBuffer(fragmentSize)}
}

// Write takes bytes of the message.
func (w *writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, net.ErrClosed
	}
	n := 0
	if len(w.b.b)+len(p) <= fragmentSize {
		w.b.b = append(w.b.b, p...)
		return len(p), nil
	}
	if len(w.b.b) > 0 {
		n = min(fragmentSize-len(w.b.b), len(p))
		w.b.b = append(w.b.b, p[:n]...)
		if err := w.flush(w.b.b, false); err != nil {
			return 0, err
		}
		w.b.b = w.b.b[:0]
	}
	for len(p)-n > fragmentSize {
		k := min(len(p)-n, 8*fragmentSize)
		if err := w.flush(p[n:n+k], false); err != nil {
			return n, err
		}
		n += k
	}
	w.b.b = append(w.b.b, p[n:]...)
	return len(p), nil
}

func (w *writer) flush(p []byte, last bool) error { return w.c.SendFragment(w.ctx, w.op, p, last) }

// Close sends what is left and ends the message.
func (w *writer) Close() error {
	if w.done {
		return net.ErrClosed
	}
	w.done = true
	err := w.flush(w.b.b, true)
	putBuffer(w.b)
	w.b = nil
	return err
}
