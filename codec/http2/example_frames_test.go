package http2_test

import (
	"fmt"

	"github.com/purewire/purewire/codec/http2"
)

// Frames need no connection: a capture file can be read with them.
func ExampleParseFrameHeader() {
	src := http2.AppendSettings(nil, http2.Setting{ID: http2.SettingMaxFrameSize, Value: 1 << 20})
	src = append(http2.AppendDataHeader(src, 1, 5, -1, true), "hello"...)

	var h http2.FrameHeader
	for {
		n := http2.ParseFrameHeader(src, &h)
		if n == 0 {
			break // need more
		}
		if f := h.Check(http2.MinFrameSize); f != 0 {
			fmt.Println(f.Scope(), f.Code(), f.Reason())
			break
		}
		src = src[n:]
		payload := src[:h.Length]
		fmt.Println(h.Type, "on stream", h.Stream, "of", h.Length, "octets")
		switch h.Type {
		case http2.FrameSettings:
			for list, i := http2.ParseSettings(payload), 0; i < list.Len(); i++ {
				fmt.Println(" ", list.At(i).ID, list.At(i).Value)
			}
		case http2.FrameData:
			data, _ := http2.ParseData(&h, payload)
			fmt.Printf("  %q, last: %t\n", data, h.Flags.Has(http2.FlagEndStream))
		}
		src = src[h.Length:]
	}
	// Output:
	// SETTINGS on stream 0 of 6 octets
	//   MAX_FRAME_SIZE 1048576
	// DATA on stream 1 of 5 octets
	//   "hello", last: true
}

// Nine octets are enough to refuse a frame.
func ExampleFrameHeader_Check() {
	h := http2.FrameHeader{Length: 7, Type: http2.FramePing}
	f := h.Check(http2.MinFrameSize)
	fmt.Println(f.Scope(), f.Code().String())
	fmt.Println(f.Reason())
	// Output:
	// conn FRAME_SIZE_ERROR
	// 9113-6.7-9: PING not of 8 octets
}

// Padding does not have to be awaited, and neither does the data.
func ExampleFrameHeader_ParsePrefix() {
	src := http2.AppendDataHeader(nil, 1, 1000, 20, false) // 1000 octets and 20 of padding will follow
	var h http2.FrameHeader
	n := http2.ParseFrameHeader(src, &h)
	var x http2.Prefix
	if f := h.ParsePrefix(src[n:], &x); f != 0 {
		panic(f.Reason())
	}
	fmt.Println(h.PrefixLen(), "octet in front,", x.Body, "of data,", x.Pad, "to skip")
	// Output: 1 octet in front, 1000 of data, 20 to skip
}

// The block is encoded into its place; only one that is longer than a frame is moved.
func ExampleBeginHeaders() {
	dst, mark := http2.BeginHeaders(nil)
	dst = append(dst, 0x88) // what an HPACK encoder appends for ":status: 200"
	dst = http2.FinishHeaders(dst, mark, 1, true, http2.MinFrameSize)
	fmt.Printf("%x\n", dst)
	// Output: 00000101050000000188
}

// A port that serves HTTP/1 and HTTP/2 with prior knowledge decides on the first octets.
func ExamplePreface() {
	name := [...]string{http2.NeedMore: "need more", http2.HTTP1: "HTTP/1", http2.HTTP2: "HTTP/2"}
	for _, s := range []string{"G", "P", "PO", "PRI * HTTP/2", http2.ClientPreface} {
		fmt.Printf("%q: %s\n", s, name[http2.Preface([]byte(s))])
	}
	// Output:
	// "G": HTTP/1
	// "P": need more
	// "PO": HTTP/1
	// "PRI * HTTP/2": need more
	// "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": HTTP/2
}

func ExampleParsePriorityField() {
	p, valid := http2.ParsePriorityField([]byte("u=1, i, x-unknown=?0"))
	fmt.Println(p.Urgency, p.Incremental, valid)
	fmt.Printf("%s\n", http2.AppendPriorityField(nil, http2.Priority{Urgency: 6, Incremental: true}))
	// Output:
	// 1 true true
	// u=6, i
}
