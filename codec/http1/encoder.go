package http1

import (
	"slices"

	"github.com/purewire/purewire/codec"
)

// Encoder writes the messages of one direction of a connection: all requests of a client or all responses of a server.
// The zero value is ready. It remembers only what the message being sent still owes (16 bytes), and holds no slice.
//
// A message is a head (AppendRequest, AppendResponse), its content (AppendBody, AppendBodyHead) and its end (AppendEnd).
// A message without content, or whose Content-Length is reached, ends by itself; one AppendEnd behind it is accepted and
// adds nothing, so callers need not tell the cases apart.
//
// The Encoder owns framing. Content-Length, Transfer-Encoding, Connection, Host, Upgrade and Expect are members of the
// heads, not fields; a head that contradicts itself, or that would let a byte of a name or value be read as the end of
// its line, is refused before a byte is written (RFC 9112 section 11.1). There is no way to turn the checks off.
//
// Errors are *Error. With ScopeMisuse neither dst nor the Encoder has changed. The one with ScopeConn (ReasonEncShortBody)
// ends the Encoder: the peer waits for bytes that will not come, the connection has to be closed.
type Encoder struct {
	left  int64 // content still owed, in mode encLength
	mode  encMode
	flags encFlags
}

type encMode uint8

const (
	encIdle   encMode = iota // no message
	encNoBody                // a message without content, ended by itself
	encFull                  // a message whose Content-Length is reached, ended by itself
	encLength                // left bytes are owed
	encChunked
	encUntilClose
	encFailed // a message was ended before its Content-Length was reached
)

type encFlags uint8

const (
	encLast   encFlags = 1 << iota // nothing follows this message: the connection will be closed
	encTunnel                      // HTTP has ended on this connection
	encCRLF                        // a chunk given by reference still lacks its CRLF
)

// Open reports whether a message is begun and not ended: content or AppendEnd has to follow.
func (e *Encoder) Open() bool {
	return e.mode == encLength || e.mode == encChunked || e.mode == encUntilClose
}

// Poisoned reports whether the connection must be closed once the open message, if any, is sent: a head said Close, or
// content ends with the connection, or a message was ended short of its length. Heads are refused from then on.
func (e *Encoder) Poisoned() bool { return e.mode == encFailed || e.flags&encLast != 0 }

// AppendBody appends content: framing and a copy of p. Empty content adds nothing. It refuses content that the message
// cannot have, and more than its Content-Length says (RFC 9110 section 8.6-12).
func (e *Encoder) AppendBody(dst, p []byte) ([]byte, error) {
	chunked := e.mode == encChunked
	if chunked {
		dst = slices.Grow(dst, len(p)+24)
	}
	dst, err := e.AppendBodyHead(dst, len(p))
	if err != nil || len(p) == 0 {
		return dst, err
	}
	dst = append(dst, p...)
	if chunked {
		dst = append(dst, '\r', '\n')
		e.flags &^= encCRLF
	}
	return dst, nil
}

// AppendBodyHead appends what goes in front of the next n bytes of content: the caller sends exactly those n bytes right
// behind, by reference. What goes behind them comes first in the next append. It refuses what AppendBody refuses; n = 0
// adds nothing, n < 0 is refused.
func (e *Encoder) AppendBodyHead(dst []byte, n int) ([]byte, error) {
	if n < 0 {
		return dst, errEncLength
	}
	switch e.mode {
	case encChunked:
		if n == 0 {
			return dst, nil // a chunk of size 0 would end the message (RFC 9112 section 7.1)
		}
		if e.flags&encCRLF != 0 {
			dst = append(dst, '\r', '\n')
		}
		e.flags |= encCRLF
		dst = appendHex(dst, uint64(n))
		return append(dst, '\r', '\n'), nil
	case encLength:
		// RFC 9110 section 8.6-12: "a sender MUST NOT forward a message with a Content-Length header field value that is
		// known to be incorrect".
		if int64(n) > e.left {
			return dst, errEncExcess
		}
		if e.left -= int64(n); e.left == 0 {
			e.mode = encFull
		}
		return dst, nil
	case encUntilClose:
		return dst, nil
	case encNoBody:
		if n > 0 {
			return dst, errEncNoBody
		}
		return dst, nil
	case encFull:
		if n > 0 {
			return dst, errEncExcess
		}
		return dst, nil
	case encFailed:
		return dst, errEncShortBody
	}
	return dst, errEncNotOpen
}

// AppendEnd ends the message: the last chunk and the trailer section of a chunked one, nothing otherwise. Trailers are
// refused without the chunked coding, and if TrailerAllowed refuses the name (RFC 9110 section 6.5.1).
//
// If the Content-Length is not reached, the message cannot be ended: the error has ScopeConn, the Encoder is Poisoned and
// returns that error from then on.
func (e *Encoder) AppendEnd(dst []byte, trailers []codec.Field) ([]byte, error) {
	switch e.mode {
	case encChunked:
		return e.endChunked(dst, trailers)
	case encNoBody, encFull, encUntilClose:
		// RFC 9110 section 6.5.1-1: trailers need framing that has a place for them.
		if len(trailers) > 0 {
			return dst, errEncTrailers
		}
		e.mode = encIdle
		return dst, nil
	case encLength:
		if len(trailers) > 0 {
			return dst, errEncTrailers
		}
		e.mode = encFailed
		return dst, errEncShortBody
	case encFailed:
		return dst, errEncShortBody
	}
	return dst, errEncNotOpen
}

func (e *Encoder) endChunked(dst []byte, trailers []codec.Field) ([]byte, error) {
	size := 7
	for i := range trailers {
		f := &trailers[i]
		if err := checkViews(f.Name, f.Value); err != nil {
			return dst, err
		}
		// RFC 9110 section 6.5.1-2: "A sender MUST NOT generate a trailer field unless the sender knows the corresponding
		// header field name's definition permits sending that field in trailers".
		if !TrailerAllowed(f.Name) {
			return dst, errEncTrailer
		}
		size += len(f.Name) + len(f.Value) + 4
	}
	dst = slices.Grow(dst, size)
	if e.flags&encCRLF != 0 {
		dst = append(dst, '\r', '\n')
		e.flags &^= encCRLF
	}
	dst = append(dst, '0', '\r', '\n')
	for i := range trailers {
		dst = appendField(dst, &trailers[i])
	}
	e.mode = encIdle
	return append(dst, '\r', '\n'), nil
}

// begin refuses a head where none may stand.
func (e *Encoder) begin() error {
	if e.mode >= encLength {
		if e.mode == encFailed {
			return errEncShortBody
		}
		return errEncOpen
	}
	// RFC 9112 section 9.6-5: "A client that sends a "close" connection option MUST NOT send further requests on that
	// connection"; 9.6-7 says the same of a server.
	if e.flags&(encLast|encTunnel) != 0 {
		return errEncDone
	}
	return nil
}

// start takes over the framing of a head that was appended. content is false if none follows whatever the framing says.
func (e *Encoder) start(f Framing, length int64, content, last bool) {
	e.flags = 0
	if last {
		e.flags = encLast
	}
	switch {
	case f == Tunnel:
		e.mode, e.flags = encNoBody, encTunnel
	case f == NoBody || !content:
		e.mode = encNoBody
	case f == Chunked:
		e.mode = encChunked
	case f == UntilClose:
		e.mode = encUntilClose
		e.flags = encLast
	case length == 0:
		e.mode = encFull
	default:
		e.mode, e.left = encLength, length
	}
}

// appendHex appends n > 0 in hexadecimal without leading zeros.
func appendHex(dst []byte, n uint64) []byte {
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[n>>shift&15])
	}
	return dst
}

// appendField appends one field line.
func appendField(dst []byte, f *codec.Field) []byte {
	dst = append(dst, f.Name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, f.Value...)
	return append(dst, '\r', '\n')
}
