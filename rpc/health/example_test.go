package health_test

import (
	"fmt"

	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/health"
)

func ExampleServer() {
	srv := rpc.NewServer(rpc.ServerConfig{})
	var h health.Server
	h.Register(srv)
	h.Set("shop.Orders", health.Serving)
	h.Shutdown()
	fmt.Println(health.CheckMethod)
	// Output: /grpc.health.v1.Health/Check
}
