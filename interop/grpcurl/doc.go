// Package grpcurl holds module grpcproto to grpc-go: its reflection to grpc-go's own, answer by answer, and to the reflection client
// of github.com/jhump/protoreflect; generated services to grpc-go's client, and grpcproto's calls to grpc-go's server.
//
// It is a module of its own because grpcurl requires much. conform/grpcurl.sh builds the command from the version that go.mod pins.
package grpcurl
