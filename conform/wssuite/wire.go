package main

import (
	"bufio"
	"net"
	"sync"
	"time"

	"github.com/purewire/purewire/corpus/ws/suite"
)

// wire is a suite.Wire over a net.Conn. A goroutine reads all the time, so that a peer that answers while it is sent to
// never blocks; it ends when the connection is closed.
type wire struct {
	conn net.Conn
	mu   sync.Mutex
	in   []byte
	gone error
	news chan struct{} // holds one if something has changed
}

// newWire begins to read from r, which has what was read from conn behind the handshake.
func newWire(conn net.Conn, r *bufio.Reader) *wire {
	w := &wire{conn: conn, news: make(chan struct{}, 1)}
	go func() {
		room := make([]byte, 64<<10)
		for {
			n, err := r.Read(room)
			w.mu.Lock()
			w.in, w.gone = append(w.in, room[:n]...), err
			w.mu.Unlock()
			select {
			case w.news <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return w
}

func (w *wire) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	return w.conn.Write(p)
}

func (w *wire) Read(p []byte, wait time.Duration) (int, error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		w.mu.Lock()
		n, err := copy(p, w.in), w.gone
		if w.in = w.in[n:]; len(w.in) == 0 {
			w.in = nil
		}
		w.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case err != nil:
			return 0, err
		}
		select {
		case <-w.news:
		case <-timeout.C:
			return 0, suite.ErrQuiet
		}
	}
}
