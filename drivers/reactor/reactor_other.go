//go:build !(linux || darwin || freebsd)

package reactor

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
)

// errSystem is what everything returns here.
var errSystem = fmt.Errorf("reactor: needs epoll or kqueue, use package stdnet: %w", errors.ErrUnsupported)

// Reactor cannot be made on this system.
type Reactor struct{}

// New returns an error that unwraps to errors.ErrUnsupported.
func New(svc drivers.Service, cfg Config) (*Reactor, error) { return nil, errSystem }

// Listen returns an error that unwraps to errors.ErrUnsupported.
func (r *Reactor) Listen(network, addr string, lo listen.Config) error { return errSystem }

// ListenFD returns an error that unwraps to errors.ErrUnsupported.
func (r *Reactor) ListenFD(fd int) error { return errSystem }

// ListenSocket returns an error that unwraps to errors.ErrUnsupported.
func (r *Reactor) ListenSocket(s *listen.Socket) error { return errSystem }

// Addrs returns nil.
func (r *Reactor) Addrs() []net.Addr { return nil }

// Start returns an error that unwraps to errors.ErrUnsupported.
func (r *Reactor) Start() error { return errSystem }

// Run returns an error that unwraps to errors.ErrUnsupported.
func (r *Reactor) Run() error { return errSystem }

// Shutdown returns an empty report.
func (r *Reactor) Shutdown(ctx context.Context) drivers.Report { return drivers.Report{} }

// Close returns nil.
func (r *Reactor) Close() error { return nil }

// Stats returns zeros.
func (r *Reactor) Stats() Stats { return Stats{} }

// Dial returns an error that unwraps to errors.ErrUnsupported.
func (r *Reactor) Dial(ctx context.Context, network, addr string, start func(t *drivers.Turn, l drivers.Link) drivers.Machine) (drivers.Link, error) {
	return nil, errSystem
}
