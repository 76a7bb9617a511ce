package reflection_test

import (
	"fmt"

	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/grpcproto/example/greeter"
	"github.com/purewire/purewire/grpcproto/reflection"
	"github.com/purewire/purewire/rpc"
)

// A server whose reflection tells of the service for the public, and not of what else it has.
func ExampleRegister() {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	reflection.Register(srv, reflection.Config{Services: func() []string { return []string{greet.Greeter_ServiceName} }})
	fmt.Println(srv.Services())
	// Output: [greet.v1.Greeter grpc.reflection.v1.ServerReflection grpc.reflection.v1alpha.ServerReflection]
}
