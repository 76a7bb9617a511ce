package health

import (
	"context"
	"io"
	"sync"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
)

// Status is grpc.health.v1.HealthCheckResponse.ServingStatus.
type Status int32

// The statuses of the protocol.
const (
	Unknown        Status = 0
	Serving        Status = 1
	NotServing     Status = 2
	ServiceUnknown Status = 3 // only in what Watch sends
)

// The methods of the service.
const (
	CheckMethod = "/grpc.health.v1.Health/Check"
	WatchMethod = "/grpc.health.v1.Health/Watch"
)

// MaxService is the longest name of a service that is looked up, in bytes: INVALID_ARGUMENT above it.
const MaxService = 1024

// Server keeps the health of services. The zero value knows the whole server, under the name "", as Serving.
type Server struct {
	mu      sync.Mutex
	status  map[string]Status
	down    bool
	changed chan struct{} // closed and replaced by each change
}

// Set sets the health of a service; "" is the whole server. It has no effect after Shutdown.
func (s *Server) Set(service string, st Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return
	}
	if s.status == nil {
		s.status = make(map[string]Status)
	}
	s.status[service] = st
	s.wake()
}

// Shutdown makes all services NotServing for good, so that balancers send no more calls before the server stops.
func (s *Server) Shutdown() {
	s.mu.Lock()
	s.down = true
	s.wake()
	s.mu.Unlock()
}

func (s *Server) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// look returns the health of a service, and a channel that is closed when something changes.
func (s *Server) look(service string) (Status, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	st, ok := s.status[service]
	switch {
	case !ok && service == "":
		st = Serving
	case !ok:
		return ServiceUnknown, s.changed
	}
	if s.down {
		st = NotServing
	}
	return st, s.changed
}

// Register registers Check and Watch.
func (s *Server) Register(srv *rpc.Server) {
	srv.Unary(CheckMethod, s.check)
	srv.ServerStream(WatchMethod, s.watch)
}

func (s *Server) check(_ context.Context, req []byte) ([]byte, error) {
	name, err := parseRequest(req)
	if err != nil {
		return nil, err
	}
	// health.proto: "If the service is unknown, the call will fail with status NOT_FOUND."
	st, _ := s.look(name)
	if st == ServiceUnknown {
		return nil, &rpc.Error{Code: grpc.NotFound, Message: "grpc-Health: unknown service"}
	}
	return appendResponse(nil, st), nil
}

// watch: health.proto: "The server will immediately send back a message indicating the current serving status. It will then
// subsequently send a new message whenever the service's serving status changes."
func (s *Server) watch(req []byte, stream *rpc.Stream) error {
	name, err := parseRequest(req)
	if err != nil {
		return err
	}
	last := Status(-1)
	for {
		st, changed := s.look(name)
		if st != last {
			last = st
			if err := stream.Send(appendResponse(nil, st)); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// Check asks a server for the health of a service.
func Check(ctx context.Context, c *rpc.Client, service string) (Status, error) {
	reply, err := c.Unary(ctx, CheckMethod, appendRequest(nil, service), nil)
	if err != nil {
		return Unknown, err
	}
	return parseResponse(reply)
}

// Watch calls f with the health of a service, now and at each change, until the context or the call ends; it returns why.
func Watch(ctx context.Context, c *rpc.Client, service string, f func(Status)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.Stream(ctx, WatchMethod, nil)
	if err != nil {
		return err
	}
	if err := s.Send(appendRequest(nil, service)); err != nil && err != io.EOF {
		return err
	}
	_ = s.CloseSend()
	for {
		msg, err := s.Recv()
		if err != nil {
			return err
		}
		st, err := parseResponse(msg)
		if err != nil {
			return err
		}
		f(st)
	}
}
