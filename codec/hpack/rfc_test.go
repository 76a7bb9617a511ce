package hpack_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	require.NoError(t, err)
	return b
}

// list makes fields of lines "name: value".
func list(lines ...string) (fields []codec.Field) {
	for _, l := range lines {
		at := strings.Index(l[1:], ":") + 1
		fields = append(fields, codec.Field{Name: []byte(l[:at]), Value: []byte(strings.TrimPrefix(l[at+1:], " "))})
	}
	return fields
}

// vector is a block of RFC 7541 appendix C.
type vector struct {
	wire      string
	fields    []codec.Field
	tableSize int // behind the block
	tableLen  int
}

var c3fields = [][]codec.Field{
	list(":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"),
	list(":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"),
	list(":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"),
}

var c5fields = [][]codec.Field{
	list(":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"),
	list(":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"),
	list(":status: 200", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT", "location: https://www.example.com",
		"content-encoding: gzip", "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
}

// vectors are the examples of RFC 7541 appendix C.2 (each on its own), C.3 to C.6 (three blocks of one connection each).
var vectors = []struct {
	name  string
	size  int
	raw   bool // without Huffman
	block []vector
}{
	{"C.2.1", 4096, true, []vector{{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", list("custom-key: custom-header"), 55, 1}}},
	{"C.2.2", 4096, true, []vector{{"040c 2f73 616d 706c 652f 7061 7468", list(":path: /sample/path"), 0, 0}}},
	{"C.2.3", 4096, true, []vector{{"1008 7061 7373 776f 7264 0673 6563 7265 74",
		[]codec.Field{{Name: []byte("password"), Value: []byte("secret"), Sensitive: true}}, 0, 0}}},
	{"C.2.4", 4096, true, []vector{{"82", list(":method: GET"), 0, 0}}},
	{"C.3", 4096, true, []vector{
		{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", c3fields[0], 57, 1},
		{"8286 84be 5808 6e6f 2d63 6163 6865", c3fields[1], 110, 2},
		{"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", c3fields[2], 164, 3},
	}},
	{"C.4", 4096, false, []vector{
		{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", c3fields[0], 57, 1},
		{"8286 84be 5886 a8eb 1064 9cbf", c3fields[1], 110, 2},
		{"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", c3fields[2], 164, 3},
	}},
	{"C.5", 256, true, []vector{
		{`4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e
		1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`, c5fields[0], 222, 4},
		{"4803 3330 37c1 c0bf", c5fields[1], 222, 4},
		{`88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d
		4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369
		6f6e 3d31`, c5fields[2], 215, 3},
	}},
	{"C.6", 256, false, []vector{
		{`4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b
		97c8 e9ae 82ae 43d3`, c5fields[0], 222, 4},
		{"4883 640e ffc1 c0bf", c5fields[1], 222, 4},
		{`88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf
		cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`, c5fields[2], 215, 3},
	}},
}

// TestAppendixCDecode decodes the examples whole and at every cut into two fragments.
func TestAppendixCDecode(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			longest := 0
			for _, b := range v.block {
				longest = max(longest, len(unhex(t, b.wire)))
			}
			for cut := 0; cut <= longest; cut++ {
				var d hpack.Decoder
				var b hpack.Block
				d.Init(&hpack.Limits{TableSize: v.size})
				for i, c := range v.block {
					wire := unhex(t, c.wire)
					at := min(cut, len(wire))
					first := append([]byte(nil), wire[:at]...)
					require.NoError(t, d.Decode(first, false, &b))
					clear(first)
					require.NoError(t, d.Decode(wire[at:], true, &b))
					require.Equal(t, c.fields, b.Fields, "block %d, cut at %d", i, cut)
					require.Equal(t, c.tableSize, d.TableSize())
					require.Equal(t, c.tableLen, d.TableLen())
				}
			}
		})
	}
}

// TestAppendixCEncode encodes the examples. They were made by an encoder that uses the dynamic table for everything (C.2.2 and
// C.2.3 excepted), and Huffman codes for every string or for none.
func TestAppendixCEncode(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			var e hpack.Encoder
			o := hpack.EncoderOptions{TableSize: v.size, NoHuffman: v.raw, Indexing: hpack.IndexAll}
			if v.name == "C.2.2" {
				o.Indexing = hpack.IndexUseful
			}
			e.Init(&o)
			if !v.raw {
				e.AlwaysHuffman()
			}
			start := e.AppendStart(nil) // the update from 4096 to the table of the example, which both ends begin with there
			require.Equal(t, v.size != 4096, len(start) > 0)
			for _, c := range v.block {
				wire := []byte("before")
				for _, f := range c.fields {
					wire = e.AppendField(wire, f)
				}
				require.Equal(t, unhex(t, c.wire), wire[6:])
				require.Equal(t, c.tableSize, e.TableSize())
				require.Equal(t, c.tableLen, e.TableLen())
			}
		})
	}
}
