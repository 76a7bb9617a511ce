// Command peer-grpcgo serves bench.Echo with grpc-go's own server. Messages are bytes, so what is measured is gRPC and not
// protobuf. -mode workers has it run its handlers on one kept goroutine for each core (NumStreamWorkers) instead of a new one for
// each call.
package main

import (
	"context"
	"fmt"
	"net"
	"runtime"

	"github.com/purewire/purewire/bench/internal/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	opts := []grpc.ServerOption{grpc.ForceServerCodecV2(raw{})}
	switch f.Mode {
	case "":
	case "workers":
		opts = append(opts, grpc.NumStreamWorkers(1))
	default:
		peer.Fatal(fmt.Errorf("-mode %q: there is none such", f.Mode))
	}
	s := grpc.NewServer(opts...)
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "bench.Echo", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Once", Handler: once}}}, nil)
	l, err := net.Listen("tcp", f.Addr)
	if err != nil {
		peer.Fatal(err)
	}
	peer.Run(func() error { return s.Serve(l) })
}

func once(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var b []byte
	if err := dec(&b); err != nil {
		return nil, err
	}
	return b, nil
}

// raw passes bytes through.
type raw struct{}

var _ encoding.CodecV2 = raw{}

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (raw) Name() string { return "proto" }
