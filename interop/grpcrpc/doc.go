// Package grpcrpc has grpc-go's code talk to package rpc: stubs that protoc-gen-go-grpc generated run on rpc.Server
// (Registrar) and on rpc.Client (Conn), so that grpc-go's interop cases, and its test service, run on every pair of client
// and server.
package grpcrpc
