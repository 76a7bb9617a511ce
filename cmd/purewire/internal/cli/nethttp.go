package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/purewire/purewire/drivers"
)

// netHTTP is Go's own server, for comparing.
type netHTTP struct {
	srv  *http.Server
	addr net.Addr
	done chan struct{}
	err  error

	mu    sync.Mutex
	conns map[net.Conn]http.ConnState
}

func startNetHTTP(f serveFlags, h http.Handler) (backend, error) {
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return nil, err
	}
	b := &netHTTP{addr: l.Addr(), done: make(chan struct{}), conns: make(map[net.Conn]http.ConnState)}
	b.srv = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ConnState: b.track, TLSConfig: f.tls}
	if f.http2Only {
		b.srv.Protocols = new(http.Protocols)
		b.srv.Protocols.SetHTTP2(true)
		b.srv.Protocols.SetUnencryptedHTTP2(true)
	}
	go func() {
		defer close(b.done)
		if f.tls != nil {
			b.err = b.srv.ServeTLS(l, "", "")
			return
		}
		b.err = b.srv.Serve(l)
	}()
	return b, nil
}

// track keeps the number of connections for the report, which net/http does not count.
func (b *netHTTP) track(c net.Conn, s http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch s {
	case http.StateClosed, http.StateHijacked:
		delete(b.conns, c)
	default:
		b.conns[c] = s
	}
}

func (b *netHTTP) Addr() net.Addr        { return b.addr }
func (b *netHTTP) About() string         { return "net/http" }
func (b *netHTTP) Done() <-chan struct{} { return b.done }
func (b *netHTTP) Err() error            { return b.err }

func (b *netHTTP) Shutdown(ctx context.Context) (r drivers.Report, err error) {
	b.mu.Lock()
	before := len(b.conns)
	b.mu.Unlock()
	err = b.srv.Shutdown(ctx)
	if err != nil {
		b.mu.Lock()
		for _, s := range b.conns {
			r.TimedOut++
			if s == http.StateActive {
				r.InFlight++
			}
		}
		b.mu.Unlock()
		err = errors.Join(err, b.srv.Close())
	}
	r.Drained = before - r.TimedOut
	<-b.done
	return r, err
}
