package ws

import "encoding/binary"

// The calls of this file append frames. What they refuse is the caller's mistake, an *Error with ScopeMisuse: dst is
// returned as it was, and the connection is as it was.

// Errors are returned by pointer to these, so that a refusal does not allocate. Nobody writes to them.
var misuses = func() (all [numReasons]*Error) {
	for r := range all {
		if reasons[r].code == 0 {
			all[r] = new(Error).set(reason(r), 0)
		}
	}
	return all
}()

func misuse(r reason) error { return misuses[r] }

// mayOpen says why a message of that type cannot begin now.
func (c *Conn) mayOpen(op Opcode) reason {
	switch {
	// RFC 6455 section 5.5.1-4: "The application MUST NOT send any more data frames after sending a Close frame."
	case c.flags&(closeSent|owesClose|closeGot) != 0 || c.in == atFailed:
		return rSendClosed
	case op != Text && op != Binary:
		return rSendOpcode
	case c.flags&isClient != 0 && c.cfg.Rand == nil:
		return rSendNoRand
	}
	return ok
}

// AppendMessage appends p as one message, in one frame: deflated where that is agreed, p is not shorter than
// Config.DeflateMin, and it pays; masked in the client's role. Text must be valid UTF-8 unless Config.NoUTF8 is set.
func (c *Conn) AppendMessage(dst []byte, op Opcode, p []byte) ([]byte, error) {
	if r := c.mayOpen(op); r != ok {
		return dst, misuse(r)
	}
	// RFC 6455 section 5.4-9: the fragments of one message MUST NOT be interleaved between the fragments of another.
	if c.flags&sendOpen != 0 {
		return dst, misuse(rSendInterleaved)
	}
	if op == Text && !c.cfg.NoUTF8 {
		var text UTF8
		if text.Write(p) >= 0 || !text.Complete() {
			return dst, misuse(rSendText)
		}
	}
	if c.flags&agreed != 0 && len(p) >= c.cfg.deflateMin() {
		if out, done := c.appendDeflated(dst, op, p); done {
			return out, nil
		}
	}
	return c.appendFrame(dst, op, 0, true, p), nil
}

// AppendFragment appends p as the next frame of a message that is sent in pieces. The first call begins the message, the
// one with fin ends it; all name the message's type. Control frames may come between. A message whose first piece
// qualifies is deflated as a whole.
func (c *Conn) AppendFragment(dst []byte, op Opcode, p []byte, fin bool) ([]byte, error) {
	if r := c.mayOpen(op); r != ok {
		return dst, misuse(r)
	}
	first := c.flags&sendOpen == 0
	if !first && op != c.sendOp {
		return dst, misuse(rSendType)
	}
	text := c.sendText
	if first {
		text.Reset()
	}
	if op == Text && !c.cfg.NoUTF8 && (text.Write(p) >= 0 || fin && !text.Complete()) {
		return dst, misuse(rSendPiece)
	}
	c.sendText = text
	frame, rsv := op, uint8(0)
	if first {
		c.sendOp = op
		c.flags = c.flags&^sendPacked | sendOpen
		if c.flags&agreed != 0 && len(p) >= c.cfg.deflateMin() {
			c.flags |= sendPacked
			rsv = uint8(RSV1)
		}
	} else {
		frame = Continuation
	}
	if fin {
		c.flags &^= sendOpen
	}
	if c.flags&sendPacked != 0 {
		return c.appendDeflatedPiece(dst, frame, rsv, p, fin), nil
	}
	return c.appendFrame(dst, frame, 0, fin, p), nil
}

// AppendMessageHeader appends the header of a message of n bytes in one frame. The caller sends exactly n bytes behind it,
// by reference, before anything else. It is for the server's role: a client masks what it sends (RFC 6455 section 5.3).
// The message is not deflated, and nobody checks that text is UTF-8.
func (c *Conn) AppendMessageHeader(dst []byte, op Opcode, n int64) ([]byte, error) {
	r := c.mayOpen(op)
	switch {
	case r != ok:
	case c.flags&isClient != 0:
		r = rSendReference
	case c.flags&sendOpen != 0:
		r = rSendInterleaved
	case n < 0:
		r = rPutLength
	default:
		return appendHeader(dst, &Header{Fin: true, Opcode: op, Length: n}), nil
	}
	return dst, misuse(r)
}

// AppendPing appends a Ping with at most MaxControl bytes of payload.
func (c *Conn) AppendPing(dst, p []byte) ([]byte, error) { return c.appendBeat(dst, Ping, p) }

// AppendPong appends a Pong that nobody asked for, with at most MaxControl bytes of payload (RFC 6455 section 5.5.3-5: a
// heartbeat in one direction). Pongs that are asked for come out of AppendOwed.
func (c *Conn) AppendPong(dst, p []byte) ([]byte, error) { return c.appendBeat(dst, Pong, p) }

func (c *Conn) appendBeat(dst []byte, op Opcode, p []byte) ([]byte, error) {
	if r := c.mayOpen(Binary); r != ok {
		return dst, misuse(r)
	}
	if len(p) > MaxControl {
		return dst, misuse(rPutControlLong)
	}
	return c.appendControl(dst, op, p), nil
}

// AppendClose appends a Close frame with the code and a reason of at most 123 bytes of UTF-8, and begins the closing handshake:
// nothing can be sent behind it, what the peer sends is still reported until its own Close frame, and Advance gives
// up after Config.CloseTimeout. Code 0 or CloseNoStatus sends an empty Close frame; it has no reason. If the peer's Close frame
// was read, this is the answer to it. A message that AppendFragment has begun stays unfinished.
func (c *Conn) AppendClose(dst []byte, code CloseCode, why []byte) ([]byte, error) {
	if code == 0 {
		code = CloseNoStatus
	}
	r := ok
	switch {
	case c.flags&closeSent != 0 || c.in == atFailed:
		r = rSendClosed
	case c.flags&isClient != 0 && c.cfg.Rand == nil:
		r = rSendNoRand
	case code == CloseNoStatus && len(why) > 0:
		r = rSendReasonOnly
	// RFC 6455 section 7.4.1: codes that "MUST NOT be set as a status code in a Close control frame".
	case code != CloseNoStatus && !code.OnWire():
		r = rSendCode
	case len(why) > MaxControl-2:
		r = rPutControlLong
	default:
		var text UTF8
		if text.Write(why) >= 0 || !text.Complete() {
			r = rSendReason
		}
	}
	if r != ok {
		return dst, misuse(r)
	}
	var p [MaxControl]byte
	n := 0
	if code != CloseNoStatus {
		binary.BigEndian.PutUint16(p[:], uint16(code))
		n = 2 + copy(p[2:], why)
	}
	c.flags = c.flags&^(owesClose|owesPong|owesPing|sendOpen) | closeSent
	if c.pmd != nil {
		c.pmd.returnDeflater(c.cfg.Pool)
	}
	return c.appendControl(dst, Close, p[:n]), nil
}
