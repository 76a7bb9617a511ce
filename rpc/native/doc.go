// Package native serves unary methods of an rpc.Server on the goroutine that owns the connection: no goroutine per call, no
// context, nothing allocated in the steady state. It is for methods that compute and never wait: a lookup in memory, an echo, a
// counter. One that blocks stops every connection of its event loop.
//
//	srv := rpc.NewServer(rpc.ServerConfig{})
//	h := native.New(srv)
//	h.Unary("/echo.Echo/Once", func(c *native.Call, req, dst []byte) ([]byte, error) { return append(dst, req...), nil })
//	// serve server.Config{Handler: srv, Native: h}
//
// # What takes which way
//
// A call takes the short way if it is gRPC over HTTP/2 (not gRPC-Web), its messages are not compressed, and the rpc.Server has
// neither interceptors for unary calls nor ServerConfig.Compress. Every other call of the method, and every fault in a
// request head, is left to the rpc.Server, where Unary has registered the method as well: the answers are the same, and an
// interceptor that authorizes is never gone round. A Handler does nothing for methods that it does not know.
//
// # Deadlines
//
// grpc-timeout is looked at when the message is complete: a call whose time is up by then ends with DEADLINE_EXCEEDED without its
// handler. A message that does not come at all is the affair of server.Deadlines: the answer is HTTP status 408, which
// a client takes for UNKNOWN, or none of its business any more since its own clock has ended the call.
//
// # Limits and memory
//
// Messages are bounded by ServerConfig.MaxReceive and MaxSend. A call whose message is under way holds what has come of it, and its
// metadata; buffers over 64 KiB are not kept.
package native
