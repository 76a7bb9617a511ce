// Package http1 is HTTP/1.1 (RFC 9112, with RFC 9110 for semantics) as a pure state machine, for both roles: bytes in,
// events out; calls in, bytes out. It opens no socket, reads no clock, starts no goroutine.
//
// # Decoding
//
// A Decoder reads one direction of a connection: the requests that a server receives (InitRequest, or the zero value) or the
// responses that a client receives (InitResponse). One loop drives it; the example of Decoder is that loop over a net.Conn:
//
//	for {
//		n, err := d.Next(buf[r:w], &ev)
//		r += n
//		if err != nil {
//			... // answer with the error's Code (servers), close
//		}
//		if ev.Kind == http1.None {
//			break // keep buf[r:w], read more behind it, call again
//		}
//		... // use ev; its slices are lent until the next call
//	}
//
// What comes out, for each message:
//
//	Request                        a request head                        (server)
//	Informational* Response        any 1xx, then the final head          (client)
//	Body*                          content as it arrived, never empty
//	End                            the trailer section; then the decoder is paused
//
// The pause is where pipelining and back-pressure live: a server calls Resume when it wants the next request, a client calls
// Expect when it has sent one. A paused decoder consumes nothing. That is also how a connection is handed over to another
// protocol: behind a request with Upgrade or CONNECT the server does not call Resume, and the unread bytes are the
// next protocol's; behind a 101 that was asked for, or a 2xx to CONNECT, a client's decoder is in a Tunnel and consumes nothing.
//
// Finish tells the end of input: the one moment at which a message without a length is complete, and any other one
// is cut short.
//
// ParseRequestHead and ParseResponseHead are for those who want a head and nothing else.
//
// # Framing
//
// How long a message is follows from RFC 9112 section 6.3 and nothing else, above all not from the method. Whatever two parsers could
// read differently is refused: Content-Length beside Transfer-Encoding, a repeated or odd value of either, Transfer-Encoding in HTTP/1.0,
// a transfer coding other than chunked, a line that ends with LF alone, whitespace before a colon, folded lines, chunk data not followed
// by CR LF, framing and routing fields among the trailers. Eleven of the rules can be turned off one by one: Leniency names
// each, with its danger.
//
// Bytes 0x80-0xFF in field values and reason phrases are opaque data (RFC 9110 section 5.5-4: a recipient SHOULD treat them so), which
// lets UTF-8 through unharmed; Options.ASCII refuses them. CR, LF, NUL, DEL and the other controls but TAB never pass.
//
// Some choices where the RFC leaves one: versions other than 1.0 and 1.1 are refused with 505; "#" and bytes above 0x7F do not stand in a
// target; the space behind a status code is not optional; user information in a target or Host is refused; a Host that is a list is not a
// host; trailer fields that may not be there fail the message instead of being dropped.
//
// # Errors
//
// Every failure is an *Error with the status to answer with (400, 413, 414, 417, 431, 501 or 505; in the client role always 502), the
// offset in the connection's input, and a reason that begins with the paragraph it enforces. It is final. Reasons lists all of them. Both
// reason and offset depend on the bytes only, not on how they were cut: a line is judged when its LF is there, a limit when the last byte
// it allows is.
//
// # Limits and memory
//
// Limits bounds bytes and items, and with them what one peer can cost:
//
//	what                              default        exceeded
//	request line, status line         8 KiB          414 (target), 400
//	one field line                    16 KiB         431
//	a head; a trailer section         64 KiB         431
//	fields in one                     100            431
//	content                           no limit       413
//	a chunk line                      4 KiB          400
//	chunk framing without data        16 KiB         400
//	1xx before a final response       16             502
//	empty lines before a request      4              400
//
// A Decoder is at most 128 bytes and holds no memory but itself. The longest tail it leaves unread is one byte shorter than Limits.Head: the
// worst case for a connection is 64 KiB of the caller's buffer, by default, and nothing between messages. Content and chunk lines leave
// no tail. The Event belongs to the worker; its Fields grow to Limits.Fields entries of 56 bytes, once.
//
// The work is linear however slowly the bytes come in: Steps is below four per byte.
//
// # What it does not do
//
// It does not decode content codings, nor percent-encodings by itself (see AppendPercentDecoded), does not combine, normalise or interpret fields beyond framing, persistence,
// Expect, Upgrade and Host, does not pipeline requests by itself, and has no timeouts: a head that trickles in is the driver's to give up on.
// HTTP/0.9 and HTTP/2 are refused. HTTP/1 owes its peer nothing by itself, so AppendOwed appends nothing; answering errors
// is the caller's decision.
package http1
