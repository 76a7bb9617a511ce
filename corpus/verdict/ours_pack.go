package verdict

import (
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/qpack"
	"github.com/purewire/purewire/codec/quic"
)

// list is the message that a header block or field section decodes to. Unlike those of HTTP messages its fields are
// shown as they are, in order.
func list(fields []codec.Field) Message {
	m := Message{Head: "field list"}
	for _, f := range fields {
		m.Fields = append(m.Fields, Field{string(f.Name), string(f.Value)})
	}
	return m
}

// hpackBlock reads one header block with a fresh table of 4096 octets.
func hpackBlock(in *Input) (v Verdict) {
	var d hpack.Decoder
	var b hpack.Block
	d.Init(nil)
	if err := d.Decode(in.Bytes, false, &b); err != nil {
		return v.refuse(err.Error(), -1)
	}
	size := b.Size
	if err := d.Decode(nil, true, &b); err != nil {
		// That a block ends inside of a representation is an error in HTTP/2, and no more than that here.
		v.Outcome, v.Left = More, -1
		return v
	}
	if b.TooLarge {
		return v.refuse(fmt.Sprintf("a list of %d octets is too large", max(size, b.Size)), -1)
	}
	return Verdict{Outcome: Accept, Messages: []Message{list(b.Fields)}, Left: -1}
}

// qpackSection reads one encoded field section where the dynamic table has no capacity.
func qpackSection(in *Input) (v Verdict) {
	var d qpack.Decoder
	var b qpack.Block
	d.Init(&qpack.Limits{TableCapacity: -1, BlockedStreams: -1})
	n, err := d.Decode(0, in.Bytes, false, &b)
	if err != nil {
		return v.refuse(err.Error(), -1)
	}
	if _, err = d.Decode(0, in.Bytes[n:], true, &b); err != nil {
		v.Outcome, v.Left = More, -1
		return v
	}
	if b.TooLarge {
		return v.refuse(fmt.Sprintf("a list of %d octets is too large", b.Size), -1)
	}
	return Verdict{Outcome: Accept, Messages: []Message{list(b.Fields)}, Left: -1}
}

// varints reads integers of RFC 9000 section 16 up to the end.
func varints(in *Input) Verdict {
	v := Verdict{Outcome: Accept}
	src := in.Bytes
	for len(src) > 0 {
		x, n := quic.ParseVarint(src)
		if n == 0 {
			v.Outcome = More
			break
		}
		v.Messages = append(v.Messages, Message{Head: fmt.Sprintf("varint %d", x)})
		src = src[n:]
	}
	v.Left = int64(len(src))
	return v
}
