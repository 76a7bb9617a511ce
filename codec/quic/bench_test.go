package quic

import (
	"bytes"
	"testing"
)

func BenchmarkVarint(b *testing.B) {
	wire := []byte{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}
	for b.Loop() {
		if v, n := ParseVarint(wire); v == 0 || n != 8 {
			b.Fatal(v, n)
		}
	}
}

func benchDecode(b *testing.B, wire []byte) {
	var d FrameDecoder
	var f Frame
	for b.Loop() {
		d.Init(Server, OneRTT, len(wire))
		if n, err := d.Next(wire, &f); n != len(wire) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkFrameStream1200(b *testing.B) {
	wire, err := AppendFrame(nil, &Frame{Kind: Stream, StreamID: 4, Offset: 1 << 20, Data: bytes.Repeat([]byte{1}, 1200)})
	if err != nil {
		b.Fatal(err)
	}
	benchDecode(b, wire)
}

func BenchmarkFrameAck32(b *testing.B) {
	var ranges []Range
	for i := range uint64(32) {
		ranges = append(ranges, Range{100000 - 10*i, 100003 - 10*i})
	}
	wire, n, err := AppendAck(nil, 25, ranges, nil, 1200)
	if err != nil || n != 32 {
		b.Fatal(n, err)
	}
	benchDecode(b, wire)
}

func BenchmarkLongHeader(b *testing.B) {
	wire, err := AppendLongHeader(nil, &LongHeader{Type: Initial, Version: Version1, DstID: make([]byte, 8), SrcID: make([]byte, 8), NumberLen: 2, Payload: 1100})
	if err != nil {
		b.Fatal(err)
	}
	wire = append(wire, make([]byte, 1100)...)
	var h Header
	for b.Loop() {
		if _, err := ParseHeader(wire, HeaderOptions{}, &h); err != nil {
			b.Fatal(err)
		}
	}
}
