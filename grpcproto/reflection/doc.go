// Package reflection is the services grpc.reflection.v1.ServerReflection and v1alpha, by which tools learn at run time what a server
// offers: grpcurl, grpcui, Postman and others call any method without a .proto file.
//
//	greet.RegisterGreeterServer(srv, impl)
//	reflection.Register(srv, reflection.Config{})
//
// What it tells is public to whoever reaches the server: the names of all services, and the .proto files with all that they import,
// without their comments. A server that must not tell leaves it out, or guards it with a rpc.StreamInterceptor.
//
// It answers from the descriptors that generated code has registered in protoregistry.GlobalFiles, or from a set that the caller
// gives, for services that are known at run time only. The descriptors of its own services and of grpc.health.v1.Health are built in,
// so package rpc/health needs no generated code to be found. Its messages are coded by hand and registered nowhere: a program may
// have another implementation of them as well.
//
// # Limits
//
// A stream holds the names of the files that it has sent, of which no registry has infinitely many. A name longer than MaxName
// is answered INVALID_ARGUMENT without a look-up; a message is bounded by rpc.ServerConfig.MaxReceive and is answered
// before the next one is received.
package reflection
