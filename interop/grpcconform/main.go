// Command grpcconform is what connectrpc.com/conformance tests: "grpcconform server DRIVER" is a server of package rpc on package
// server, "grpcconform client" a client of package rpc on package client. The runner tells them on standard input what to do
// and is told on standard output how it went. "grpcconform echo DRIVER" is the server of conform/grpc/load.proto, for load
// generators: it prints its address. conform/grpc.sh runs all of them.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/purewire/purewire/rpc"
)

func main() {
	err := fmt.Errorf("usage: grpcconform server|echo stdnet|reactor, or client")
	switch {
	case len(os.Args) == 3 && os.Args[1] == "server":
		err = serve(os.Args[2], os.Stdin, os.Stdout)
	case len(os.Args) == 3 && os.Args[1] == "echo":
		err = echo(os.Args[2], os.Stdout)
	case len(os.Args) == 2 && os.Args[1] == "client":
		err = call(bufio.NewReader(os.Stdin), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "grpcconform:", err)
		os.Exit(1)
	}
}

// encodings are the package's own and two that only this program has, to show that others can be added.
var encodings = []*rpc.Encoding{rpc.Gzip, rpc.Deflate, rpc.NewEncoding(newZstd), rpc.NewEncoding(newSnappy)}

func metadataOf(headers []*header) rpc.Metadata {
	md := rpc.Metadata{}
	for _, h := range headers {
		for _, v := range h.Value {
			md.Add(nameOf(h.Name), valueOf(nameOf(h.Name), v))
		}
	}
	return md
}

func headersOf(md rpc.Metadata) (list []*header) {
	for k, vs := range md {
		h := &header{Name: k}
		for _, v := range vs {
			h.Value = append(h.Value, textOf(k, v))
		}
		list = append(list, h)
	}
	return list
}
