// Package rpc makes gRPC calls and serves them. The server is an http.Handler, the client works over an http.RoundTripper:
// package server on either driver, package client, or net/http. A message is bytes; what they hold is the caller's business.
//
//	srv := rpc.NewServer(rpc.ServerConfig{})
//	srv.Unary("/echo.Echo/Once", func(ctx context.Context, req []byte) ([]byte, error) { return req, nil })
//	srv.Bidi("/echo.Echo/Chat", func(s *rpc.Stream) error { ... s.Recv ... s.Send ... })
//	// serve srv with package server, or http.Server
//
//	c := &rpc.Client{Base: "http://127.0.0.1:8080", Transport: &client.Transport{Protocols: client.H2C}}
//	reply, err := c.Unary(ctx, "/echo.Echo/Once", req, nil)
//
// # Kinds
//
//	kind            server         client
//	unary           Unary          Client.Unary
//	client stream   ClientStream   Client.Stream, Send..., CloseAndRecv
//	server stream   ServerStream   Client.Stream, Send, CloseSend, Recv...
//	bidirectional   Bidi           Client.Stream
//
// Each Send is one Length-Prefixed-Message that leaves at once. Nothing is queued here: a Send waits for the flow control
// of the connection, and a peer whose messages are not received is held back by it.
//
// # Errors
//
// A call ends with a status. Errors of this package are *Error, or unwrap to a grpc.Code; StatusOf makes a status of any
// error. A handler that panics ends its call with INTERNAL and nothing else.
//
// # Deadlines of the HTTP server
//
// A stream may be silent for long, which an HTTP server takes for a slow client. On package server, set those of its
// deadlines that would end such a stream to none, and leave it to the deadlines of calls and to handlers:
//
//	server.Config{Handler: srv, Deadlines: server.Deadlines{BodyIdle: -1, BodyMinRate: -1, Handler: -1, Request: -1}}
//
// With its defaults, a client stream that sends less than 240 bytes per second after its first 5 seconds ends with UNAVAILABLE.
//
// # gRPC-Web
//
// The server recognizes application/grpc-web and application/grpc-web-text by the content-type, over HTTP/1.1 as well;
// Client.Wire chooses them. CORS is the business of a middleware around the server.
//
// # Limits and memory
//
//	ServerConfig.MaxReceive, Client.MaxReceive   longest message, as sent and inflated   4 MiB
//	ServerConfig.MaxSend, Client.MaxSend         longest message before compression      none
//
// A stream that waits holds a read buffer of 256 bytes, one that receives a shared one of 16 KiB, and the message being received;
// nothing is allocated from a declared length. What a handler does not receive waits in the window of its stream, which package
// server's Config.HTTP2.Window sets: 256 KiB by default.
//
// # Keepalive
//
// How often clients may send PINGs, PINGs to silent ones, and the age of connections are package server's (Config.HTTP2.Limits,
// Config.Keepalive); PINGs to silent servers are package client's (Transport.Keepalive).
//
// # Typed stubs and reflection
//
// They need protobuf, so they are in a module of their own, github.com/purewire/purewire/grpcproto; protoc-gen-purewire-grpc, a
// third module, generates for it.
//
// # What it does not do
//
// No retries but those of WaitForReady, no load balancing, no name resolution.
package rpc
