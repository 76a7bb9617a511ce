package compress_test

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/codec/grpc/compress"
)

func ExampleGzip() {
	gz := new(compress.Gzip)
	wire, _ := grpc.AppendCompressedMessage(nil, []byte(strings.Repeat("again and ", 100)), gz)
	msg, err := grpc.Decompress(gz, nil, wire[grpc.PrefixLen:], 0)
	fmt.Println(len(wire) < 60, len(msg), err)
	// Output: true 1000 <nil>
}
