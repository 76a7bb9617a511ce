// Package grpc holds our server and client to gRPC as others speak it: grpc-go's Server behind its ServeHTTP and connect-go's handlers
// run unchanged as http.Handlers, on both drivers, in plain text and over TLS, and are called by grpc-go's and connect-go's clients.
package grpc
