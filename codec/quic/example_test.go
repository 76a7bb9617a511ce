package quic_test

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec/quic"
)

func ExampleFrameDecoder() {
	payload, _ := quic.AppendFrame(nil, &quic.Frame{Kind: quic.Ping})
	payload, _, _ = quic.AppendAck(payload, 0, []quic.Range{{Smallest: 7, Largest: 9}, {Smallest: 0, Largest: 4}}, nil, 100)
	payload, _ = quic.AppendFrame(payload, &quic.Frame{Kind: quic.Stream, StreamID: 4, Data: []byte("hello"), Fin: true, ToEnd: true})

	var d quic.FrameDecoder
	var f quic.Frame
	d.Init(quic.Server, quic.OneRTT, len(payload))
	for !d.Ended() {
		n, err := d.Next(payload, &f)
		if err != nil {
			fmt.Println(err)
			return
		}
		payload = payload[n:]
		switch f.Kind {
		case quic.Ack:
			it := f.Ack.Ranges()
			for r, ok := it.Next(); ok; r, ok = it.Next() {
				fmt.Println("ACK", r.Smallest, "to", r.Largest)
			}
		case quic.Stream:
			fmt.Printf("STREAM %d %q %v\n", f.StreamID, f.Data, f.Fin)
		default:
			fmt.Println(f.Kind)
		}
	}
	// Output:
	// PING
	// ACK 7 to 9
	// ACK 0 to 4
	// STREAM 4 "hello" true
}

func ExampleError() {
	var d quic.FrameDecoder
	var f quic.Frame
	d.Init(quic.Client, quic.Initial, 1)
	_, err := d.Next([]byte{0x1e}, &f)
	fmt.Println(err)
	fmt.Println(errors.Is(err, quic.ProtocolViolation))
	// Output:
	// quic: 9000-17.2.2-8: frame that must not be in an Initial packet
	// true
}

func ExampleParseTransportParameters() {
	p := quic.DefaultTransportParameters()
	p.MaxData, p.MaxStreamsBidi = 1<<20, 100
	wire, _ := quic.AppendTransportParameters(nil, quic.Client, &p)

	var got quic.TransportParameters
	err := quic.ParseTransportParameters(wire, quic.Client, &got)
	fmt.Println(got.MaxData, got.MaxStreamsBidi, got.MaxAckDelay, err)
	// Output: 1048576 100 25 <nil>
}
