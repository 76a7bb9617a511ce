// Command protoc-gen-purewire-grpc is a plugin of protoc and buf. It writes typed Go stubs for the services of .proto files, which
// run on package rpc of github.com/purewire/purewire. The messages come from protoc-gen-go, as always.
//
//	go install google.golang.org/protobuf/cmd/protoc-gen-go@latest
//	go install github.com/purewire/purewire/protoc-gen-purewire-grpc@latest
//	protoc --go_out=. --go_opt=paths=source_relative \
//	  --purewire-grpc_out=. --purewire-grpc_opt=paths=source_relative greet.proto
//
// For a service Greeter in greet.proto it writes greet_purewire.pb.go with
//
//	Greeter_ServiceName              the service's full name, "greet.v1.Greeter"
//	Greeter_Hello_FullMethodName     the path of each method, "/greet.v1.Greeter/Hello"
//	Greeter_ServiceDescriptor        the service's descriptor
//	GreeterServer                    the interface to implement
//	UnimplementedGreeterServer       to embed: each method answers UNIMPLEMENTED
//	UnsafeGreeterServer              to embed instead, for builds that shall break when a method is added
//	RegisterGreeterServer            registers an implementation with an rpc.Server
//	GreeterClient, NewGreeterClient  calls over an rpc.Client
//
// # Parameters
//
//	paths=source_relative, paths=import, module=PREFIX, Mfile.proto=import/path   as those of protoc-gen-go
//	require_unimplemented_servers=false   servers need not embed UnimplementedGreeterServer
//	package_suffix=SUFFIX                 a package of its own below that of the messages: greetv1 with the suffix "rpc" has
//	                                      its stubs in greetv1/greetv1rpc. Wanted where the stubs of protoc-gen-go-grpc are
//	                                      beside the messages: the names are the same
//
// Files without services are left out. proto2, proto3 with optional fields, and editions up to 2024 are understood. What
// .proto files say in comments, and deprecated options of files, services and methods, are carried over.
package main
