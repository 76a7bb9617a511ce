// Package ws is the WebSocket protocol (RFC 6455) with permessage-deflate (RFC 7692) as pure functions and state machines, for
// both roles: bytes in, events out; calls in, bytes out. It opens no socket, reads no clock, starts no goroutine, makes no
// random numbers.
//
// # Opening handshake
//
// Two pure functions over the HTTP/1.1 heads that package http1 reads: Acceptor.Check judges a request and Handshake.AppendAccept
// writes the answer; Opening.AppendRequest writes a request and Opening.Check judges the answer. Both also serve an extended
// CONNECT (RFC 8441, RFC 9220), where HTTP/2 or HTTP/3 carry the connection; DecideWire says when that is possible.
//
// # The connection
//
// Behind the handshake a Conn is the connection. One loop drives it; the example of Conn is that loop over a net.Conn:
//
//	c.Init(ws.Server, cfg)
//	if h.HasDeflate {
//		c.SetDeflate(h.Deflate)
//	}
//	for {
//		c.Advance(now) // when bytes have come in, if timers or the budget of pings matter
//		n, err := c.Next(buf[r:w], &ev)
//		r += n
//		if err != nil {
//			out = c.AppendOwed(out, max) // the Close frame that says why
//			... // flush, close
//		}
//		if ev.Kind == ws.None {
//			break // keep buf[r:w], read more behind it, call again
//		}
//		... // use ev; its slices are lent until the next call of Next
//	}
//	out = c.AppendOwed(out, max) // a Pong, the answer to a Close frame, a keepalive Ping
//	if c.Closed() {
//		... // flush, close
//	}
//
// What comes out:
//
//	Data     Text, Binary  a piece of a message: First, Last, Payload
//	Control  Ping, Pong    Payload; the Pong for a Ping is owed by itself
//	Control  Close         Code, Reason; the answer is owed by itself, whatever follows is dropped
//
// Payload is reported as it arrives, unmasked in place or inflated: a frame of 1 GiB needs no 1 GiB. A message that lies whole in
// one read is one event (compressed ones up to 64 KiB). Whoever wants whole messages puts a Joiner behind it.
//
// # Sending
//
// AppendMessage appends a message in one frame, AppendFragment one that is made as it is sent, AppendMessageHeader only the header
// of one whose payload goes out by reference, AppendPrepared one that was encoded once for many connections. A client copies and
// masks in one pass. AppendPing, AppendPong and AppendClose append control frames; the closing handshake begins with
// AppendClose and ends with Closed, or with the error that Advance returns after Config.CloseTimeout.
//
// # Compression
//
// Inflating is this package's own (RFC 1951): it takes input as it comes and can stop at every byte of output, so that the limit
// on the message's size holds for what comes out, as it comes out. Deflating is klauspost/compress's. The state of both is
// borrowed from Config.Pool while it is needed: an Inflater from the first byte of a compressed message to the call behind
// its last piece, a Deflater for one call. Where context takeover is agreed, a connection keeps a window of what it receives,
// and the last Config.DeflateHistory bytes of what it sends: taking over less than was agreed is a sender's right. A message is
// sent as it is where compressing does not make it shorter.
//
// # Errors
//
// Every failure is an *Error with the close code for the peer (1002, 1007, 1008, 1009; 1006 where nobody can be told), the offset in
// the connection's input, and a reason that begins with the paragraph it enforces. It is final. Reason, offset and the events
// before it depend on the bytes only, not on how they were cut. Text is validated as it arrives, inflated text too: the error
// comes with the first byte that no text can have there. A call that makes no sense returns an *Error with ScopeMisuse and
// changes nothing. The handshake's errors are *HandshakeError, with the status to answer.
//
// # Limits and memory
//
//	what                                          default    exceeded
//	a message, inflated                           1 MiB      1009, by the header where that tells
//	a frame                                       none       1009
//	frames of a message                           1024, and one for each KiB of it      1008
//	pings, pongs and empty frames in excess       1024, refilled by payload and time    1008
//	names in Sec-WebSocket-Protocol               64         400
//	extensions and parameters offered             32         400
//
// A Conn is 128 bytes and holds no memory but itself. The first Ping with a payload adds 128 bytes; owed is only the latest Pong.
// The longest tail it leaves unread is MaxTail, 130 bytes. permessage-deflate adds, measured:
//
//	agreed                                                112 bytes
//	a compressed message is being received                80 KiB (Inflater, from the Pool)
//	the peer keeps its context                            its window, 256 bytes to 32 KiB
//	we keep ours                                          4 KiB (Config.DeflateHistory)
//	a message is being compressed                         0.8 to 1.1 MiB (Deflater, from the Pool), for the call
//	AppendFragment has begun a compressed message         the same, until it ends
//
// so the worst that a peer can make one connection hold is 117 KiB with deflate and 256 bytes without. Without a Pool each
// connection keeps the Inflater and the Deflater it has once needed.
//
// The work is linear however slowly the bytes come in: Steps is below 16 per byte and one per inflated byte.
//
// # What it does not do
//
// It joins no messages (Joiner does, into memory of the caller's), queues no output, has no extension but permessage-deflate, and does
// not close the transport: Closed says when. It does not check text that is sent by reference.
//
// # Frames
//
// ParseHeader and AppendHeader read and write frame headers, Mask and MaskCopy mask and unmask payloads, UTF8 validates text
// that arrives in pieces. They need nothing but their arguments, for those who build a machine of their own.
package ws
