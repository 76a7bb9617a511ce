// Package h3 is HTTP/3 (RFC 9114) as a pure state machine, for both roles, with extended CONNECT (RFC 9220), HTTP datagrams and
// capsules (RFC 9297) and extensible priorities (RFC 9218): what comes on streams in, events out; calls in, what to send out. It opens no
// socket, reads no clock, starts no goroutine, and knows of QUIC only how streams are numbered: it runs over any transport that has
// such streams.
//
// # A connection
//
// A Conn is one end of a connection with all its streams. The transport tells what happens, the Conn what follows:
//
//	the transport                                 is told to the Conn by
//	has opened a unidirectional stream for us     OpenUni: three of them, as soon as possible
//	sees a new stream of the peer                 Open, once
//	has octets of a stream, in order, or its end  Next, until it gives None
//	got RESET_STREAM, STOP_SENDING                ResetReceived, StopReceived
//	got a DATAGRAM frame                          Datagram
//	begins a turn                                 Advance
//
//	the Conn                                      is asked for it by
//	has octets for its own three streams          NextOwed, AppendOwed
//	wants a stream reset, or not read             NextAbort
//	has events that need no input                 Poll; Next reports them as well
//	has failed                                    the error: close with its code, send nothing else
//
// In each turn:
//
//	c.Advance(now)
//	for each stream that something came on {
//		for {
//			n, err := c.Next(id, buf[r:w], fin, &ev)
//			r += n
//			if err != nil { ... }            // CONNECTION_CLOSE with c.Err's code
//			if ev.Kind == h3.None { break }  // keep buf[r:w], read more behind it
//			...                              // use ev; its slices are lent until the next call
//		}
//	}
//	for c.Pending() { c.Poll(&ev); ... }
//	for c.NextAbort(&a) { ... }
//	for { id, owes := c.NextOwed(); ... out = c.AppendOwed(out, id, credit) }
//
// The life of a request stream, as a server sees it:
//
//	Request Data* Trailers? Data with EndStream           EndStream may be in the event before instead
//	AppendInformational* AppendResponse AppendData* AppendTrailers?
//
// and as a client sees it:
//
//	AppendRequest AppendData* AppendTrailers?
//	Informational* Response Data* Trailers? Data with EndStream
//
// What these append is for the stream that they name, in the order of the calls; where an end parameter is true, and behind trailers, the transport ends
// the stream. A stream leaves the table when both sides have ended. It can end early, with StreamReset (the peer did it) or StreamError
// (this end did, because of the peer or of time), or by Reset: then it is gone at once, and calls that name it are misuses.
//
// How many streams there are is the transport's to limit: a server whose application is slow to let go of requests grants new
// streams later.
//
// # Field sections that wait
//
// A section that needs entries of QPACK's dynamic table which have not come is not consumed: it stays in the stream's buffer, and so within its flow
// control, and nothing of it is held here. Next gives None, Waits says WaitTable, and an Unblocked event tells when to present
// it again. It ends the stream if that takes too long.
//
// # Sending in order
//
// Ready puts a stream into the scheduler of RFC 9218, NextWritable asks it. The windows are the transport's: it says Ready(id, false) for a
// stream that they block.
//
// What is sent passes the same rules as what is received: no call can make a malformed message. Content must come to what Content-Length
// declares.
//
// # Errors
//
// A connection error is an *Error, final; the transport closes with its code. A stream error is an event, with the abort owed. Calls
// that make no sense return an *Error of ScopeMisuse and change nothing; a message that must not be sent is refused so, with the rule's reason.
// Reasons begin with the paragraph they enforce; Reasons lists all of them but those of package qpack, which a Conn returns, too.
//
// Some choices where the RFC leaves one: whatever cannot follow on a stream is a connection error; a message whose length is wrong is refused when the frame
// that makes it wrong begins; a first frame of any other type than SETTINGS is a missing SETTINGS, even if its type were wrong there
// anyway; repeated settings are refused. Server push is neither offered nor accepted: this end never sends MAX_PUSH_ID.
//
// # Limits and memory
//
//	what                                    default            exceeded
//	requests at once                        100                H3_REQUEST_REJECTED
//	unidirectional streams without a type   16                 H3_EXCESSIVE_LOAD
//	field section, decoded                  64 KiB, 100 fields TooLarge (requests), stream error
//	field section, encoded                  64 KiB             TooLarge (requests), stream error
//	SETTINGS, PRIORITY_UPDATE               1 KiB              H3_EXCESSIVE_LOAD
//	settings                                64                 H3_EXCESSIVE_LOAD
//	dynamic table of QPACK                  4 KiB              QPACK_ENCODER_STREAM_ERROR
//	streams blocked by it                   16, 10 s           QPACK_DECOMPRESSION_FAILED; stream error
//	answers of QPACK that the peer leaves   1000               H3_EXCESSIVE_LOAD
//	instructions that wait to be sent       4 KiB              no more are made
//	streams that end early                  200 and 100/s      H3_EXCESSIVE_LOAD
//	what brings nothing                     10000 and 1000/s   H3_EXCESSIVE_LOAD
//	DATA frames without data                100                H3_EXCESSIVE_LOAD
//	1xx before a final response             16                 stream error
//	priorities before their stream          100                lowest streams forgotten
//
// A Conn has less than 2 KiB; a stream costs 112 octets. The tables of QPACK add what package qpack documents. The worst case of a server by
// default, with a peer that withholds all credit for our streams, is below 64 KiB. Content and field sections are in the transport's buffers: the
// longest tail that Next leaves is Profile.MaxTail, and a stream's flow-control window must not be smaller. Nothing is queued: what is owed is
// counters and short lists. Aborts are taken by the transport in every turn, whatever the peer does.
//
// # Frames
//
// The layer below is stateless and can be used by itself: ParseFrameHeader, FrameHeader.Check for all that a frame header decides
// alone, one parser and one Append function for each type, Settings, ParseStreamType, ParseDatagram, ParseCapsuleHeader. Capsules reads the
// capsules in a stream's content as it comes. Nothing here allocates, and slices are views of the caller's payload. A parser that refuses
// returns a Fault: the number of the failing branch, which knows its scope, its error code and its reason.
//
// # What it does not do
//
// It does not decode content codings, does not push, does not choose which origin a connection may be used for (RFC 9114 section 3.3), does not
// find servers by Alt-Svc, and does not speak QUIC. How long a peer may take to send its SETTINGS, a request or its content is the caller's to
// limit, and so is what a datagram or capsule means.
package h3
