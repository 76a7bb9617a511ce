// Package grpc is the wire format of gRPC over any HTTP/2-shaped stream, as PROTOCOL-HTTP2.md and PROTOCOL-WEB.md of the gRPC
// project describe it: messages, status, metadata, timeouts, message encodings. It does no I/O, starts nothing, and knows
// nothing of protobuf: a message is bytes.
//
// # The loop
//
// A Decoder cuts the DATA of one stream into messages. It consumes all it is shown, so a stream that waits holds 24 bytes:
//
//	for len(data) > 0 {
//		n, err := d.Next(data, &ev) // ev belongs to the worker, not to the stream
//		data = data[n:]
//		if err != nil {
//			return endCall(err) // errors.As(err, &e): e.Code is the status
//		}
//		if ev.Kind == grpc.Message {
//			handle(&ev) // ev.First, ev.Last: is it whole?
//		}
//	}
//
// and when the stream has ended, d.Finish says whether the last message was whole.
//
// # Events
//
//	Kind      what                                  fields
//	Message   a piece of a message                  Data, Compressed, First, Last; Length with First
//	Trailers  a piece of gRPC-Web's trailers        Data, Compressed, First, Last; Length with First
//
// # Heads
//
// ParseRequest and ParseResponse judge header sections, ParseTrailers finds the status at the end. AppendStatus and
// AppendMetadata build the lists to send. All of them work on codec.Field lists, as http2 and h3 give and take them.
//
// # Limits and memory
//
//	Init(max)           longest message, declared length     4 MiB
//	Decompress(max)     longest message, inflated            4 MiB
//	DefaultMaxTrailers  trailers in a gRPC-Web body          16 KiB, fixed
//
// Nothing is allocated from a declared length. A Decoder is 24 bytes and refers to nothing. Encodings keep the state of their
// library per worker (see package compress).
//
// # What it does not do
//
// No calls: deadlines, cancellation, flow control and cardinality (one message or many) belong to whoever has the stream. No
// retries, no load balancing, no protobuf.
package grpc
