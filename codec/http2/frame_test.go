package http2

import (
	"bytes"
	"testing"
)

func TestFrameHeaderRoundTrip(t *testing.T) {
	for _, h := range []FrameHeader{
		{}, {1, FramePing, FlagAck, 0}, {MaxFrameSize, 0xff, 0xff, MaxStreamID}, {0x123456, FrameHeaders, 0x25, 0x12345678},
	} {
		wire := AppendFrameHeader([]byte("x"), h)
		var got FrameHeader
		for n := range wire[1:] {
			if ParseFrameHeader(wire[1:1+n], &got) != 0 || got != (FrameHeader{}) {
				t.Errorf("%v: %d octets are no frame header", h, n)
			}
		}
		if n := ParseFrameHeader(wire[1:], &got); n != FrameHeaderLen || got != h {
			t.Errorf("%v came back as %v, %d", h, got, n)
		}
		// RFC 9113 section 4.1: the reserved bit MUST be ignored when receiving.
		wire[6] |= 0x80
		if ParseFrameHeader(wire[1:], &got); got != h {
			t.Errorf("%v with the reserved bit came back as %v", h, got)
		}
	}
}

// FinishHeaders moves fragments; the blocks must come out as AppendHeaders writes them.
func TestFinishHeaders(t *testing.T) {
	for _, size := range []int{0, 1, 16383, 16384, 16385, 32768, 32769, 100000} {
		for _, limit := range []uint32{0, 16384, 20000, MaxFrameSize} {
			block := make([]byte, size)
			for i := range block {
				block[i] = byte(i * 7 >> 3)
			}
			want := AppendHeaders([]byte("head"), 5, block, true, limit, nil)
			got, mark := BeginHeaders([]byte("head"))
			got = FinishHeaders(append(got, block...), mark, 5, true, limit)
			if !bytes.Equal(got, want) {
				t.Errorf("%d octets in frames of %d: different frames", size, limit)
			}
		}
	}
}

func TestPreface(t *testing.T) {
	for n := range len(ClientPreface) {
		if w := Preface([]byte(ClientPreface[:n])); w != NeedMore {
			t.Errorf("%d octets of the preface: %v", n, w)
		}
		wrong := []byte(ClientPreface[:n+1])
		wrong[n] ^= 1
		if w := Preface(wrong); w != HTTP1 {
			t.Errorf("octet %d is wrong: %v", n, w)
		}
	}
	if Preface([]byte(ClientPreface)) != HTTP2 || Preface([]byte(ClientPreface+"\x00")) != HTTP2 {
		t.Error("the whole preface is not HTTP/2")
	}
}
