package hpack_test

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
)

// Two blocks of one connection. The second is shorter, because its fields are in the table by then.
func Example() {
	var e hpack.Encoder
	var d hpack.Decoder
	var b hpack.Block // of the worker, for any number of connections

	fields := []codec.Field{
		{Name: []byte(":method"), Value: []byte("GET")},
		{Name: []byte(":authority"), Value: []byte("www.example.com")},
		{Name: []byte("x-token"), Value: []byte("secret"), Sensitive: true},
	}
	for range 2 {
		wire := e.AppendBlock(nil, fields)
		fmt.Printf("%d octets: % x\n", len(wire), wire)
		if err := d.Decode(wire, true, &b); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, f := range b.Fields {
		fmt.Printf("%s: %s %v\n", f.Name, f.Value, f.Sensitive)
	}
	// Output:
	// 28 octets: 82 41 8c f1 e3 c2 e5 f2 3a 6b a0 ab 90 f4 ff 10 86 f2 b2 4f d4 b5 7f 84 41 49 61 53
	// 15 octets: 82 be 10 86 f2 b2 4f d4 b5 7f 84 41 49 61 53
	// :method: GET false
	// :authority: www.example.com false
	// x-token: secret true
}

// A block in three fragments, as HEADERS and two CONTINUATION frames carry it, cut in the middle of a string.
func ExampleDecoder_Decode() {
	var d hpack.Decoder
	var b hpack.Block
	for i, fragment := range []string{"\x82\x04\x0c/sam", "ple/", "path"} {
		if err := d.Decode([]byte(fragment), i == 2, &b); err != nil {
			fmt.Println(err)
		}
	}
	for _, f := range b.Fields {
		fmt.Printf("%s: %s\n", f.Name, f.Value)
	}
	err := d.Decode([]byte{0x82, 0xBE}, true, &b) // the table is empty, there is no entry 62
	var e *hpack.Error
	fmt.Println(errors.As(err, &e), errors.Is(err, hpack.CompressionError), e.Off, e.Reason)
	// Output:
	// :method: GET
	// :path: /sample/path
	// true true 1 7541-2.3.3-4: index of a field beyond both tables
}

// A list above a limit is no error: the table is in step and the next block is read as if nothing had been.
func ExampleLimits() {
	var d hpack.Decoder
	var b hpack.Block
	d.Init(&hpack.Limits{ListSize: 100})
	for _, wire := range []string{"\x40\x03key\x05value\xbe\xbe\xbe\xbe", "\xbe"} {
		err := d.Decode([]byte(wire), true, &b)
		fmt.Println(len(b.Fields), "fields, size", b.Size, "too large:", b.TooLarge, "error:", err)
	}
	// Output:
	// 2 fields, size 200 too large: true error: <nil>
	// 1 fields, size 40 too large: false error: <nil>
}

// The peer lowers SETTINGS_HEADER_TABLE_SIZE: the next block says so first.
func ExampleEncoder_SetMaxTableSize() {
	var e hpack.Encoder
	e.SetMaxTableSize(0)
	e.SetMaxTableSize(100)
	get := []codec.Field{{Name: []byte(":method"), Value: []byte("GET")}}
	fmt.Printf("% x\n", e.AppendBlock(nil, get))
	fmt.Printf("% x\n", e.AppendBlock(nil, get))
	// Output:
	// 20 3f 45 82
	// 82
}

func ExampleAppendHuffman() {
	wire := hpack.AppendHuffman(nil, []byte("no-cache"))
	text, err := hpack.AppendHuffmanDecode(nil, wire, 100)
	fmt.Printf("% x %d %s %v\n", wire, hpack.HuffmanLen(text), text, err)
	_, err = hpack.AppendHuffmanDecode(nil, wire, 7)
	fmt.Println(err)
	_, err = hpack.AppendHuffmanDecode(nil, []byte{0xFF, 0xFF, 0xFF, 0xFF}, 100)
	fmt.Println(err)
	// Output:
	// a8 eb 10 64 9c bf 6 no-cache <nil>
	// hpack: 7541-7.4-2: Huffman string of more octets than allowed
	// hpack: 7541-5.2-9: Huffman string contains EOS
}
