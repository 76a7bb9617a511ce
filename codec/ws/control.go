package ws

import "encoding/binary"

// control reads a whole control frame: src[n:] begins with its header of k bytes, its payload is there.
func (c *Conn) control(src []byte, n, k int, h *Header, ev *Event) (int, error) {
	end := n + k + int(h.Length)
	p := src[n+k : end : end]
	c.steps += uint64(len(p))
	if h.Opcode != Close && !c.afford() {
		if h.Opcode == Ping {
			return c.failed(rPingFlood, n, 0)
		}
		return c.failed(rPongFlood, n, 0)
	}
	if h.Masked {
		Mask(p, h.Key, 0)
	}
	switch h.Opcode {
	case Ping:
		// RFC 6455 section 5.5.2-3: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it
		// already received a Close frame." Section 5.5.3-4: it "MAY elect to send a Pong frame for only the most
		// recently processed Ping frame": only that one is kept.
		if c.flags&closeSent == 0 {
			c.flags |= owesPong
			c.ctlLen = uint8(len(p))
			if len(p) > 0 {
				if c.ctl == nil {
					c.ctl = new([MaxControl]byte)
				}
				copy(c.ctl[:], p)
			}
		}
	case Close:
		if r, at := c.closeFrame(p, ev); r != ok {
			// The whole frame was needed to judge it, and is consumed.
			return c.failed(r, end, int64(at-len(p)))
		}
		ev.Kind, ev.Opcode = Control, Close
		return c.took(end), nil
	}
	ev.Kind, ev.Opcode, ev.Payload = Control, h.Opcode, p
	return c.took(end), nil
}

// closeFrame reads the payload of a Close frame. at is where in it a rule is broken.
func (c *Conn) closeFrame(p []byte, ev *Event) (r reason, at int) {
	code, why := CloseNoStatus, p
	if len(p) > 0 {
		// RFC 6455 section 5.5.1-2: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
		if len(p) == 1 {
			return rCloseLength, 0
		}
		code, why = CloseCode(binary.BigEndian.Uint16(p)), p[2:]
		// RFC 6455 section 7.4: which codes a Close frame may carry; see OnWire.
		if !code.OnWire() {
			return rCloseCode, 0
		}
		// RFC 6455 section 5.5.1-2: the reason is "UTF-8-encoded data"; section 8.1 says what becomes of what is not.
		var text UTF8
		if bad := text.Write(why); bad >= 0 {
			return rCloseText, 2 + bad
		}
		if !text.Complete() {
			return rCloseTextEnd, len(p)
		}
	}
	ev.Code, ev.Reason = code, why
	c.code = code
	c.flags |= closeGot
	c.flags &^= owesPong | owesPing
	// RFC 6455 section 5.5.1-5: "If an endpoint receives a Close frame and did not previously send a Close frame, the
	// endpoint MUST send a Close frame in response."
	if c.flags&closeSent == 0 {
		c.flags |= owesClose
	}
	c.in = atClosed
	return ok, 0
}
