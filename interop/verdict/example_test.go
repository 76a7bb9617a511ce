package verdict_test

import (
	"os"

	core "github.com/purewire/purewire/corpus/verdict"
	"github.com/purewire/purewire/interop/verdict"
)

// A Huffman string whose padding is not the beginning of EOS, as two decoders see it.
func ExampleAll() {
	in := core.Input{Wire: core.HPACK, Bytes: []byte("\x00\x81\x18\x01z")}
	if err := in.Check(); err != nil {
		panic(err)
	}
	core.Report(os.Stdout, &in, core.Judge(&in, verdict.All()))
	// Output:
	// hpack reader, 5 bytes
	//   ours         reject hpack: 7541-5.2-9: Huffman padding is not the beginning of EOS
	//   x/net hpack  reject hpack: invalid Huffman-encoded data
	// All agree.
}
