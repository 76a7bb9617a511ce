// Command peer-purewire serves the benchmark's pages with purewire: -mode is a driver (reactor, stdnet), with native handlers,
// or with "-http" behind it, with net/http handlers, or with "-reply", with native handlers that encode every answer anew
// instead of sending a pre-encoded one.
package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/purewire/purewire/bench/internal/peer"
	"github.com/purewire/purewire/bench/internal/pure"
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/tlswrap"
	"github.com/purewire/purewire/server"
)

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	driver, kind, _ := strings.Cut(f.Mode, "-")
	var cfg server.Config
	switch kind {
	case "":
		static, err := newPages()
		if err != nil {
			peer.Fatal(err)
		}
		cfg.Native = static
	case "reply":
		cfg.Native = server.NativeFunc(reply)
	case "http":
		cfg.Handler = peer.Handler()
	default:
		peer.Fatal(fmt.Errorf("-mode %q: unknown kind of handler", f.Mode))
	}
	srv, err := server.New(cfg)
	if err != nil {
		peer.Fatal(err)
	}
	var svc drivers.Service = srv
	if tc := f.TLS(); tc != nil {
		if svc, err = tlswrap.New(srv, tc, tlswrap.Options{}); err != nil {
			peer.Fatal(err)
		}
	}
	peer.Profile()
	peer.Run(func() error { return pure.Serve(driver, f.Addr, svc) })
}

var serverField = codec.Field{Name: []byte("Server"), Value: []byte(peer.Server)}

// pages answers with what was encoded once.
type pages struct{ plain *http1.Static }

func newPages() (*pages, error) {
	plain, err := http1.NewStatic(&http1.ResponseHead{
		Status: 200,
		Date:   []byte("Sat, 21 Nov 2026 05:00:00 GMT"), // patched in every answer
		Fields: []codec.Field{serverField, {Name: []byte("Content-Type"), Value: []byte("text/plain")}},
	}, []byte(peer.Plaintext))
	return &pages{plain}, err
}

// ServeNative implements server.NativeHandler.
func (p *pages) ServeNative(c *server.Ctx) {
	switch string(c.Path()) {
	case "/plaintext":
		c.Static(p.plain)
	case "/1mb":
		c.SetField(serverField.Name, serverField.Value)
		c.ReplyRef(200, "application/octet-stream", peer.Download, nil)
	case "/upload":
		p.upload(c)
	default:
		c.Error(404)
	}
}

func (p *pages) upload(c *server.Ctx) {
	for {
		switch _, s := c.PollBody(); s {
		case server.BodyPending:
			c.AwaitBody(p.upload)
			return
		case server.BodyEOF:
			c.Static(p.plain)
			return
		case server.BodyFailed:
			c.Error(400)
			return
		}
	}
}

// reply encodes every answer.
func reply(c *server.Ctx) {
	c.SetField(serverField.Name, serverField.Value)
	switch string(c.Path()) {
	case "/plaintext":
		c.ReplyString(200, "text/plain", peer.Plaintext)
	case "/1mb":
		c.ReplyRef(200, "application/octet-stream", peer.Download, nil)
	case "/upload":
		c.ReadBody(1<<20, func(c *server.Ctx, _ []byte) {
			c.SetField(serverField.Name, serverField.Value)
			c.ReplyString(200, "text/plain", peer.Plaintext)
		})
	default:
		c.Error(404)
	}
}
