// Package grpcproto makes calls and serves them with package rpc, in protobuf messages rather than in bytes. It is what code that
// protoc-gen-purewire-grpc has generated runs on; its functions are as good by hand, for a method without a stub:
//
//	grpcproto.HandleUnary(srv, "/greet.v1.Greeter/Hello", func(ctx context.Context, req *pb.HelloRequest) (*pb.HelloReply, error) { ... })
//	reply, err := grpcproto.CallUnary[pb.HelloRequest, pb.HelloReply](ctx, client, "/greet.v1.Greeter/Hello", req, nil)
//
// It is a module of its own, because package rpc needs no protobuf. Package reflection beside it is the service by which tools
// like grpcurl learn what a server offers; example has a service with all four kinds of calls.
//
// # Kinds
//
//	kind            server                                          client
//	unary           func(ctx, *Req) (*Res, error)                   CallUnary
//	client stream   func(ClientStreamingServer[Req]) (*Res, error)  CallClientStreaming
//	server stream   func(*Req, ServerStreamingServer[Res]) error    CallServerStreaming
//	bidirectional   func(BidiStreamingServer[Req, Res]) error       CallBidiStreaming
//
// A handler finds what else belongs to its call, metadata above all, with rpc.StreamOf of its context, or with the stream's
// method Stream. A stream may be sent to by several goroutines; one goroutine receives.
//
// # Errors
//
// They are package rpc's: a handler returns rpc.Errorf(grpc.NotFound, ...) or ErrorWith, which attaches messages as details;
// Details takes them out of an error on the client's side.
//
// # Messages
//
// What a call's content-type says decides: application/grpc and application/grpc+proto are protobuf's wire format,
// application/grpc+json its JSON mapping (the call option JSON asks for it); others are answered UNIMPLEMENTED. A message that
// cannot be decoded, or not be encoded, ends the call with INTERNAL. The limits are those of package rpc: they count bytes on the wire
// and inflated. The memory that a decoded message takes can be many times that: 2 bytes of wire make an empty message in a
// repeated field, 56 bytes or more in Go. Choose MaxReceive accordingly.
package grpcproto
