// Package pure serves with purewire's drivers as the benchmark's peers are served: one loop, an address of the command line.
package pure

import (
	"fmt"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
)

// Serve serves svc at addr with the driver of that name, "reactor" or "stdnet", until it fails.
func Serve(driver, addr string, svc drivers.Service) error {
	cfg := listen.Config{Backlog: 1024}
	switch driver {
	case "reactor":
		r, err := reactor.New(svc, reactor.Config{Loops: 1})
		if err != nil {
			return err
		}
		if err := r.Listen("tcp", addr, cfg); err != nil {
			return err
		}
		return r.Run()
	case "stdnet":
		l, err := listen.Net("tcp", addr, cfg)
		if err != nil {
			return err
		}
		return stdnet.New(svc, stdnet.Config{}).Serve(l)
	}
	return fmt.Errorf("%q: unknown driver", driver)
}
