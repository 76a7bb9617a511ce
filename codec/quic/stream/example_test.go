package stream_test

import (
	"fmt"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/stream"
)

// Pieces that arrive in any order, more than once, and what comes out.
func ExampleReassembler() {
	var store stream.Store
	var r stream.Reassembler
	r.Init(&store, 1<<16, 100)
	for _, f := range []struct {
		at   uint64
		data string
	}{{6, "world"}, {0, "hel"}, {2, "llo "}, {2, "llo wor"}} {
		lent, err := r.Insert(f.at, []byte(f.data), true)
		fmt.Printf("%q %v, stored in front: %d\n", lent, err, r.Readable())
	}
	fmt.Printf("%q\n", r.Peek())
	_, err := r.Insert(9, []byte("kd"), true)
	fmt.Println(err)
	// Output:
	// "" <nil>, stored in front: 0
	// "hel" <nil>, stored in front: 0
	// "lo " <nil>, stored in front: 5
	// "" <nil>, stored in front: 5
	// "world"
	// quic: 9000-2.2-4: different data at the same offset
}

// A stream is sent in three frames, of which one is lost.
func ExampleSendStream() {
	limits := stream.Limits{}.Norm()
	var store stream.Store
	var conn stream.SendWindow
	conn.Grow(1000)
	var s stream.SendStream
	s.Init(0, &store, &conn, 1000, &limits)
	s.Write([]byte("a stream of octets"))
	s.Close()

	var pieces []stream.Piece
	show := func() {
		out, p, ok := s.AppendStream(nil, 12, false)
		if !ok {
			return
		}
		pieces = append(pieces, p)
		var d quic.FrameDecoder
		var f quic.Frame
		d.Init(quic.Server, quic.OneRTT, len(out))
		d.Next(out, &f)
		fmt.Printf("%v %d %q fin %t\n", f.Kind, f.Offset, f.Data, f.Fin)
	}
	show()
	show()
	show()
	s.Lost(pieces[1])
	show()
	for _, i := range []int{0, 2, 3} {
		s.Acked(pieces[i])
	}
	fmt.Println(s.State())
	// Output:
	// STREAM 0 "a stream " fin false
	// STREAM 9 "of octet" fin false
	// STREAM 17 "s" fin true
	// STREAM 9 "of octet" fin false
	// Data Recvd
}

// Streams are opened in order, and only as many as the peer allows.
func ExampleStreams() {
	limits := stream.Limits{Bidi: 2}.Norm()
	var s stream.Streams
	s.Init(quic.Server, &limits)
	for _, id := range []quic.StreamID{4, 0, 4, 8} {
		fresh, err := s.Touch(quic.Stream, id)
		fmt.Println(id, fresh, err)
	}
	_, err := s.Touch(quic.Stream, 1)
	fmt.Println(err)
	// Output:
	// 4 true <nil>
	// 0 true <nil>
	// 4 false <nil>
	// 8 false quic: 9000-4.6-3: stream beyond the limit
	// quic: 9000-19.8-3: frame for a locally initiated stream that is not yet created
}

// The receiving part of a stream of 8 octets with windows of 8: what was read comes back as credit when it is half of the window, and the end is
// known when everything was read.
func ExampleRecvStream() {
	limits := stream.Limits{StreamWindow: 8, MaxStreamWindow: 8, Window: 8, MaxWindow: 8}.Norm()
	var store stream.Store
	var conn stream.RecvWindow
	conn.Init(true, uint64(limits.Window), uint64(limits.MaxWindow))
	var s stream.RecvStream
	s.Init(4, &store, &conn, &limits)
	for _, f := range []quic.Frame{
		{Kind: quic.Stream, StreamID: 4, Offset: 4, Data: []byte("ef")}, // out of order: it is stored
		{Kind: quic.Stream, StreamID: 4, Offset: 0, Data: []byte("abcd")},
		{Kind: quic.Stream, StreamID: 4, Offset: 6, Data: []byte("gh"), Fin: true},
		{Kind: quic.Stream, StreamID: 4, Offset: 8, Data: []byte("i")},
	} {
		lent, err := s.Receive(&f, true)
		fmt.Printf("%q", lent)
		for b := s.Peek(); len(b) > 0; b = s.Peek() {
			fmt.Printf(" and %q", b)
			s.Consume(len(b))
		}
		fmt.Println(",", s.State(), err)
		var owed quic.Frame
		for s.NextFrame(0, 0, &owed) {
			fmt.Println(owed.Kind, owed.Value)
		}
		if conn.Due() {
			fmt.Println(quic.MaxData, conn.Emit(0, 0))
		}
	}
	// Output:
	// "", Recv <nil>
	// "abcd" and "ef", Recv <nil>
	// MAX_STREAM_DATA 14
	// MAX_DATA 14
	// "gh", Data Read <nil>
	// "", Data Read quic: 9000-4.5-5: data at or beyond the final size
}
