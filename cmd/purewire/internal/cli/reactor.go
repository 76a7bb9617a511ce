//go:build linux || darwin || freebsd

package cli

import (
	"fmt"
	"net/http"
	"runtime"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
)

// defaultDriver is the reactor where there is one.
const defaultDriver = "reactor"

func init() { backends["reactor"] = startReactor }

func startReactor(f serveFlags, h http.Handler) (backend, error) {
	svc, err := newService(f, h)
	if err != nil {
		return nil, err
	}
	carried, err := secure(svc, f.tls)
	if err != nil {
		return nil, err
	}
	d, err := reactor.New(carried, reactor.Config{Loops: f.loops})
	if err != nil {
		return nil, err
	}
	if err := d.Listen("tcp", f.addr, listen.Config{}); err != nil {
		d.Close()
		return nil, err
	}
	loops := f.loops
	if loops == 0 {
		loops = runtime.GOMAXPROCS(0)
	}
	about := fmt.Sprintf("reactor, %d loops", loops)
	if loops == 1 {
		about = "reactor, 1 loop"
	}
	b := &purewire{addr: d.Addrs()[0], about: about, shutdown: d.Shutdown}
	return b.run(d.Run), nil
}
