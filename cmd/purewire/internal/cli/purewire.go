package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/purewire/purewire/cmd/purewire/internal/demo"
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
)

// newService makes the HTTP server that both drivers carry: h behind the native handler.
func newService(f serveFlags, h http.Handler) (*server.Server, error) {
	hello, err := http1.NewStatic(&http1.ResponseHead{
		Status: http.StatusOK,
		Fields: []codec.Field{{Name: []byte("Content-Type"), Value: []byte("text/plain; charset=utf-8")}},
		Date:   http1.AppendDate(nil, 0),
	}, []byte(demo.Plaintext))
	if err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Handler:      h,
		HTTP2:        http2.Config{ExtendedConnect: true}, // WebSocket over HTTP/2
		DisableHTTP1: f.http2Only,
		UpgradeH2C:   f.upgrade,
		Native: server.NativeFunc(func(c *server.Ctx) {
			switch string(c.Path()) {
			case demo.NativePath:
				c.Static(hello)
			case demo.NativeEchoPath:
				demo.EchoSocket.ServeNative(c)
			default:
				c.Pass()
			}
		}),
		ErrorLog: func(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) },
	})
}

// purewire is a server of this module on one of its drivers.
type purewire struct {
	addr     net.Addr
	about    string
	done     chan struct{}
	err      error
	shutdown func(context.Context) drivers.Report
}

func (b *purewire) Addr() net.Addr        { return b.addr }
func (b *purewire) About() string         { return b.about }
func (b *purewire) Done() <-chan struct{} { return b.done }
func (b *purewire) Err() error            { return b.err }

func (b *purewire) Shutdown(ctx context.Context) (drivers.Report, error) {
	r := b.shutdown(ctx)
	<-b.done
	if errors.Is(b.err, drivers.ErrClosed) {
		return r, nil
	}
	return r, b.err
}

// run calls serve on a goroutine until it returns.
func (b *purewire) run(serve func() error) *purewire {
	b.done = make(chan struct{})
	go func() {
		defer close(b.done)
		b.err = serve()
	}()
	return b
}

func startStdnet(f serveFlags, h http.Handler) (backend, error) {
	svc, err := newService(f, h)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return nil, err
	}
	carried, err := secure(svc, f.tls)
	if err != nil {
		l.Close()
		return nil, err
	}
	d := stdnet.New(carried, stdnet.Config{OnPanic: logPanic})
	b := &purewire{addr: l.Addr(), about: "stdnet, one goroutine per connection", shutdown: d.Shutdown}
	return b.run(func() error { return d.Serve(l) }), nil
}

func logPanic(v any, stack []byte) { fmt.Fprintf(os.Stderr, "panic in a connection: %v\n%s", v, stack) }
