package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/purewire/purewire/codec/ws"
)

var errType = errors.New("websocket: message of another type than the stream's")

// netConn is a connection as a stream of bytes.
type netConn struct {
	c  *Conn
	op Opcode

	rmu    sync.Mutex // one reader at a time
	cur    io.Reader
	rd, wd cancelAt
}

// NetConn returns the connection as a stream of bytes: every Write is one message of type op, and Read gives the payloads of
// messages of that type, one after the other, without their borders. A message of another type fails the connection with 1003.
// A Close frame with 1000 or 1001 is io.EOF. Close sends 1000. The connection must have no Handler.
func (c *Conn) NetConn(op Opcode) net.Conn { return &netConn{c: c, op: op} }

func (n *netConn) Read(p []byte) (int, error) {
	n.rmu.Lock()
	defer n.rmu.Unlock()
	ctx := n.rd.context()
	for {
		if n.cur == nil {
			op, r, err := n.c.NextReader(ctx)
			if err != nil {
				return 0, streamError(err)
			}
			if op != n.op {
				_ = n.c.Close(ws.CloseUnsupportedData, "")
				return 0, &CloseError{Code: ws.CloseUnsupportedData, Err: errType}
			}
			n.cur = r
		}
		n.cur.(*reader).ctx = ctx
		k, err := n.cur.Read(p)
		if err == io.EOF {
			n.cur = nil
			if k == 0 && len(p) > 0 {
				continue
			}
			err = nil
		}
		return k, streamError(err)
	}
}

func (n *netConn) Write(p []byte) (int, error) {
	if err := n.c.Send(n.wd.context(), n.op, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (n *netConn) Close() error {
	n.rd.set(time.Time{})
	n.wd.set(time.Time{})
	return n.c.Close(ws.CloseNormal, "")
}

func (n *netConn) LocalAddr() net.Addr  { return n.c.LocalAddr() }
func (n *netConn) RemoteAddr() net.Addr { return n.c.RemoteAddr() }

func (n *netConn) SetDeadline(t time.Time) error {
	n.rd.set(t)
	n.wd.set(t)
	return nil
}

func (n *netConn) SetReadDeadline(t time.Time) error  { n.rd.set(t); return nil }
func (n *netConn) SetWriteDeadline(t time.Time) error { n.wd.set(t); return nil }

// streamError is err as readers of a stream expect it.
func streamError(err error) error {
	switch CloseStatus(err) {
	case ws.CloseNormal, ws.CloseGoingAway:
		return io.EOF
	}
	return err
}

// cancelAt is a deadline as a context, for calls that wait now as well.
type cancelAt struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (d *cancelAt) context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil {
		d.ctx, d.cancel = context.WithCancelCause(context.Background())
	}
	return d.ctx
}

// set moves the deadline; zero is none.
func (d *cancelAt) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.ctx == nil || d.ctx.Err() != nil {
		d.ctx, d.cancel = context.WithCancelCause(context.Background())
	}
	if t.IsZero() {
		return
	}
	cancel := d.cancel
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { cancel(os.ErrDeadlineExceeded) })
		return
	}
	cancel(os.ErrDeadlineExceeded)
}
