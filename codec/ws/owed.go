package ws

import "encoding/binary"

// Owes reports whether AppendOwed has something to append.
func (c *Conn) Owes() bool { return c.flags&(owesPong|owesPing|owesClose) != 0 }

// AppendOwed appends what the protocol itself owes the peer, and returns dst: a Pong for the latest Ping, a keepalive Ping,
// the answer to a Close frame, or the Close frame that tells of a failure. It stops when max bytes are appended; the last
// frame may overshoot. With max <= 0 it appends nothing. Control frames may stand between the frames of a message, not
// inside one: do not call it between AppendMessageHeader and the payload.
func (c *Conn) AppendOwed(dst []byte, max int) []byte {
	if c.flags&(owesPong|owesPing|owesClose) == 0 {
		return dst
	}
	if c.flags&isClient != 0 && c.cfg.Rand == nil {
		return dst
	}
	from := len(dst)
	if c.flags&owesPong != 0 && len(dst)-from < max {
		c.flags &^= owesPong
		var p []byte
		if c.ctlLen > 0 {
			p = c.ctl[:c.ctlLen]
		}
		dst = c.appendControl(dst, Pong, p)
	}
	if c.flags&owesPing != 0 && len(dst)-from < max {
		c.flags &^= owesPing
		dst = c.appendControl(dst, Ping, nil)
	}
	if c.flags&owesClose != 0 && len(dst)-from < max {
		c.flags = c.flags&^owesClose | closeSent
		code := c.code // the answer to a Close frame has its code
		if c.in == atFailed {
			code = c.fail.Code
		}
		var p [2]byte
		n := 0
		if code != CloseNoStatus {
			binary.BigEndian.PutUint16(p[:], uint16(code))
			n = 2
		}
		dst = c.appendControl(dst, Close, p[:n])
	}
	return dst
}

// appendControl appends a control frame.
func (c *Conn) appendControl(dst []byte, op Opcode, p []byte) []byte {
	return c.appendFrame(dst, op, 0, true, p)
}

// appendFrame appends a whole frame with payload p, masked in the client's role.
func (c *Conn) appendFrame(dst []byte, op Opcode, rsv uint8, fin bool, p []byte) []byte {
	h := Header{Fin: fin, RSV: rsv, Opcode: op, Length: int64(len(p))}
	if c.flags&isClient == 0 {
		return append(appendHeader(dst, &h), p...)
	}
	h.Masked = true
	binary.LittleEndian.PutUint32(h.Key[:], c.cfg.Rand())
	dst, _ = MaskCopy(appendHeader(dst, &h), p, h.Key, 0)
	return dst
}
