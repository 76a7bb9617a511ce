package server

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// SetReadDeadline, for http.ResponseController: reads of the body fail after it. Zero is none. The connection closes after the
// response if the body had not come to its end by then.
func (w *writer) SetReadDeadline(t time.Time) error {
	x := w.x
	x.g.mu.Lock()
	x.readBy, x.readSet = until(t), true
	x.readExpired = false
	x.g.mu.Unlock()
	x.link.Wake()
	return nil
}

// SetWriteDeadline, for http.ResponseController: the connection is dropped if the response is not sent by then. Zero is none.
func (w *writer) SetWriteDeadline(t time.Time) error {
	x := w.x
	x.g.mu.Lock()
	x.writeBy, x.writeSet = until(t), true
	x.g.mu.Unlock()
	x.link.Wake()
	return nil
}

// until makes a wall-clock deadline relative, so that the machine can add it to its own clock.
func until(t time.Time) time.Duration {
	if t.IsZero() {
		return never
	}
	return max(time.Until(t), 0)
}

// EnableFullDuplex, for http.ResponseController: it is always on.
func (w *writer) EnableFullDuplex() error { return nil }

// CloseNotify is what handlers used before contexts.
func (w *writer) CloseNotify() <-chan bool {
	ch := make(chan bool, 1)
	done := w.x.ctx.Done()
	go func() {
		<-done
		if w.x.ctx.Err() != nil && causeIsPeer(&w.x.ctx) {
			ch <- true
		}
	}()
	return ch
}

func causeIsPeer(c *reqContext) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause != nil && c.cause != errDone
}

// Hijack takes the connection over.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x := w.x
	if w.ended {
		return nil, nil, ErrAnswered
	}
	x.g.mu.Lock()
	if x.hijack != nil || x.next != nil {
		x.g.mu.Unlock()
		return nil, nil, http.ErrHijacked
	}
	if x.dead != nil || x.taken {
		err := x.deadErr()
		x.g.mu.Unlock()
		return nil, nil, err
	}
	x.g.mu.Unlock()
	if w.wrote {
		if err := w.send(nil, false); err != nil {
			return nil, nil, err
		}
	}
	h := x.takeConn()
	return h, bufio.NewReadWriter(bufio.NewReader(h), bufio.NewWriter(h)), nil
}
