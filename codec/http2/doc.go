// Package http2 is HTTP/2 (RFC 9113) as a pure state machine, for both roles, with extended CONNECT (RFC 8441) and extensible
// priorities (RFC 9218): bytes in, events out; calls in, bytes out. It opens no socket, reads no clock, starts no
// goroutine.
//
// # A connection
//
// A Conn is one end of a connection with all its streams. One loop drives it:
//
//	c.Advance(now) // first in every turn
//	for {
//		n, err := c.Next(buf[r:w], &ev)
//		r += n
//		if err != nil {
//			break // send what AppendOwed gives (GOAWAY), close
//		}
//		if ev.Kind == http2.None {
//			break // keep buf[r:w], read more behind it
//		}
//		... // use ev; its slices are lent until the next call
//	}
//	for {
//		id, user, n := c.NextWritable() // whose content goes next, and how much of it
//		if n == 0 {
//			break
//		}
//		out, n, _ = c.AppendData(out, id, content[:n], last)
//	}
//	out = c.AppendOwed(out, max) // preface, acknowledgments, window updates, resets, GOAWAY
//
// Next takes no clock; Advance tells the time at the beginning of a turn, and what is due then comes out of Next as an event or an
// error, for which src may be empty. A Conn that is never told the time has no timeouts and budgets that only work refills.
//
// The life of a stream, as a server sees it:
//
//	Request Data* (Trailers | Data with EndStream)        EndStream may be in Request
//	AppendInformational* AppendResponse AppendData* AppendTrailers
//
// and as a client sees it:
//
//	AppendRequest AppendData* AppendTrailers
//	Informational* Response Data* (Trailers | Data with EndStream)
//
// Either way it can end early, with StreamReset (the peer did it) or StreamError (this end did, because of the peer or of time), or
// by Reset. A stream that ends normally leaves the table by itself when the application has taken all content of it.
// One that ends early and that the application knows stays, and counts, until Release or Reset: an application that is slow to let
// go is not given new work instead.
//
// A server that has answered and wants no more of a request's content says Reset with NoError (RFC 9113 section 8.1).
//
// # Flow control
//
// Content is lent as it arrives and counts against both windows until Consumed says that the application is done with
// it. Whatever never reaches the application (padding, content of streams that are over) is given back at once, and what a
// stream holds when it is reset or released as well, so the connection's window cannot leak. Updates are sent when half of a window
// is owed. WindowPolicy sizes the windows, and lets them grow with what the path carries.
//
// In the other direction AppendData takes what both windows and the frame size let through. Ready puts a stream into the
// scheduler of RFC 9218, NextWritable asks it; Blocked tells why nothing goes out.
//
// # Errors
//
// A connection error is an *Error from Next, final, with the GOAWAY owed. A stream error is an event, with the RST_STREAM owed. Calls
// that make no sense return an *Error of ScopeMisuse and change nothing. Reasons begin with the paragraph they enforce; Reasons
// lists all of them. Off is the offset of the frame at fault.
//
// Some choices where the RFC leaves one: frames on a stream that both ends have closed are connection errors, except
// those that may have crossed; a PRIORITY frame or a HEADERS frame that makes a stream depend on itself is a stream error, as
// in RFC 7540; a message whose length is wrong is refused when the frame that makes it wrong begins; content beyond Content-Length is
// never lent; frames longer than announced always end the connection; the first faulty octet of the preface ends it. Server push is neither offered nor accepted.
// RFC 7540's priorities are checked and ignored; ALTSVC and ORIGIN frames are ignored by Conn.
//
// # Limits and memory
//
//	what                                 default            exceeded
//	streams at once                      100                REFUSED_STREAM
//	streams over and not released        100                REFUSED_STREAM
//	field section, decoded               64 KiB, 256 fields TooLarge (requests), stream error
//	field section, encoded               96 KiB             ENHANCE_YOUR_CALM
//	CONTINUATION frames in one           16                 ENHANCE_YOUR_CALM
//	frame                                16 KiB             FRAME_SIZE_ERROR
//	content not taken, of a stream       256 KiB            FLOW_CONTROL_ERROR
//	content not taken, in all            1 MiB              FLOW_CONTROL_ERROR
//	streams that end early               200 and 100/s      ENHANCE_YOUR_CALM
//	frames that bring nothing            10000 and 1000/s   ENHANCE_YOUR_CALM
//	DATA frames without data             100                ENHANCE_YOUR_CALM
//	PINGs to answer                      64                 ENHANCE_YOUR_CALM
//	1xx before a final response          16                 ENHANCE_YOUR_CALM (stream)
//	priorities before their stream       100                PROTOCOL_ERROR, with open streams
//	SETTINGS unacknowledged              10 s               SETTINGS_TIMEOUT
//	window shut                          30 s               CANCEL (stream), ENHANCE_YOUR_CALM
//
// A Conn has less than 1.5 KiB; a stream costs 112 octets, and the tables of HPACK twice 4 KiB at most (DefaultTable) with some
// overhead. The worst case of a server by default is below 48 KiB of its own, that of an idle connection that was trimmed 2.5 KiB. Content is the application's to hold, up to the
// window of the connection; the longest tail that Next leaves unread in the caller's buffer is Limits.HeaderBlock and
// 9 octets for each of its frames. Nothing is queued: what is owed is counters and short lists.
//
// Trim gives the tables of an idle connection back.
//
// # Frames
//
// The frame layer below is stateless and can be used by itself: ParseFrameHeader, FrameHeader.Check for all that the nine octets of a
// frame header decide alone, and one parser for each type. Payloads need not be awaited: FrameHeader.ParsePrefix reads what stands in front of
// the data or of a field block fragment and says how many octets of it and of padding follow. One Append function for
// each type writes it. Nothing here allocates, and slices are views of the caller's payload.
//
// A parser that refuses returns a Fault: the number of the failing branch, which knows its scope, its error code and its
// reason.
//
// # What it does not do
//
// It does not decode content codings, does not follow RFC 7540's priority trees, does not push, does not choose which origin
// a connection may be used for (RFC 9113 section 9.1.1), and does not check the TLS that carries it (section 9.2): those are for who opens it. How long
// a peer may take to send a request or its content is the caller's to limit.
package http2
