package qpack_test

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
)

// Two requests of one connection. The second is shorter, because its fields are in the table by then.
func Example() {
	var e qpack.Encoder
	var d qpack.Decoder
	var b qpack.Block                                    // of the worker, for any number of connections
	capacity, blocked := (*qpack.Limits)(nil).Settings() // what the decoding end has sent as SETTINGS
	if err := e.SetPeer(capacity, blocked); err != nil {
		fmt.Println(err)
		return
	}
	fields := []codec.Field{
		{Name: []byte(":method"), Value: []byte("GET")},
		{Name: []byte(":authority"), Value: []byte("www.example.com")},
		{Name: []byte("x-token"), Value: []byte("secret"), Sensitive: true},
	}
	for stream := uint64(0); stream < 8; stream += 4 {
		section, instructions := e.AppendSection(nil, nil, stream, fields)
		fmt.Printf("encoder stream [% x]\nsection: % x\n", instructions, section)
		if err := d.ReadEncoderStream(instructions); err != nil {
			fmt.Println(err)
			return
		}
		if _, err := d.Decode(stream, section, true, &b); err != nil {
			fmt.Println(err)
			return
		}
		answer := d.AppendDecoderStream(nil, -1)
		fmt.Printf("decoder stream: % x\n", answer)
		if err := e.ReadDecoderStream(answer); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, f := range b.Fields {
		fmt.Printf("%s: %s %v\n", f.Name, f.Value, f.Sensitive)
	}
	// Output:
	// encoder stream [3f e1 1f c0 8c f1 e3 c2 e5 f2 3a 6b a0 ab 90 f4 ff]
	// section: 02 80 d1 10 3e f2 b2 4f d4 b5 7f 84 41 49 61 53
	// decoder stream: 80
	// encoder stream []
	// section: 02 00 d1 80 3e f2 b2 4f d4 b5 7f 84 41 49 61 53
	// decoder stream: 84
	// :method: GET false
	// :authority: www.example.com false
	// x-token: secret true
}

// A section overtakes the instructions that it needs.
func ExampleDecoder_AppendUnblocked() {
	var d qpack.Decoder
	var b qpack.Block
	section := []byte{0x02, 0x00, 0x80} // needs one entry
	n, err := d.Decode(4, section, true, &b)
	fmt.Println(n, b.Blocked, err)
	err = d.ReadEncoderStream([]byte("\x3f\xe1\x1f\x41a\x01b"))
	for _, stream := range d.AppendUnblocked(nil) {
		n, err = d.Decode(stream, section, true, &b)
		fmt.Printf("stream %d: %d %v %v %s: %s\n", stream, n, b.Blocked, err, b.Fields[0].Name, b.Fields[0].Value)
	}
	// Output:
	// 0 true <nil>
	// stream 4: 3 false <nil> a: b
}

func ExampleError() {
	var d qpack.Decoder
	var b qpack.Block
	_, err := d.Decode(0, []byte{0, 0, 0xFF, 0x24}, true, &b) // the static table has 99 entries
	var e *qpack.Error
	fmt.Println(errors.As(err, &e), errors.Is(err, qpack.DecompressionFailed), e.Off, e.Reason)
	// Output:
	// true true 2 9204-3.1-4: index of a field beyond the static table
}
