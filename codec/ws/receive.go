package ws

// Next consumes a prefix of src, of length n, and reports at most one event. ev.Kind None with a nil error means that it
// needs more: present src[n:] again with more behind it. The longest such tail has MaxTail bytes; payload of messages is
// reported as it arrives and leaves none. Masked payload is unmasked in place, in src[:n] only. An error is final: it is
// returned by every later call, and AppendOwed gives the Close frame that tells the peer.
//
// The Pong that a Ping asks for, and the answer to a Close frame, are owed by themselves. Behind the peer's Close frame
// everything is consumed and dropped.
func (c *Conn) Next(src []byte, ev *Event) (n int, err error) {
	ev.Kind = None
	if c.pmd != nil {
		c.pmd.settle(c.cfg.Pool)
	}
	for {
		switch c.in {
		case atHeader:
			var h Header
			k, r := parseHeader(src[n:], &h, c.rules)
			c.steps++
			if r != ok {
				return c.failed(r, n, headerOffset(r))
			}
			if k == 0 {
				c.steps += uint64(len(src) - n)
				return c.took(n), nil
			}
			c.steps += uint64(k)
			if h.Opcode.IsControl() {
				if int(h.Length) > len(src)-n-k {
					return c.took(n), nil
				}
				return c.control(src, n, k, &h, ev)
			}
			if r = c.beginFrame(&h); r != ok {
				return c.failed(r, n, 0)
			}
			n += k
		case atPayload:
			m, more, err := c.payload(src[n:], n, ev)
			if !more {
				return m, err
			}
		case atDeflated:
			m, more, err := c.deflated(src[n:], n, ev)
			if !more {
				return m, err
			}
			n = m
		case atClosed:
			return c.took(len(src)), nil
		case atDoomed:
			return c.failed(c.doom, n, 0)
		default:
			return 0, &c.fail
		}
	}
}

// took accounts for n bytes of src.
func (c *Conn) took(n int) int {
	if n > 0 {
		c.off += int64(n)
		c.flags |= heard
	}
	return n
}

// failed consumes n bytes and fails at src[n+at].
func (c *Conn) failed(r reason, n int, at int64) (int, error) {
	c.fail.set(r, c.off+int64(n)+at)
	c.took(n)
	c.in = atFailed
	// RFC 6455 section 7.1.7: an endpoint that fails the connection SHOULD send a Close frame with an appropriate
	// status code. CloseAbnormal is none: there is nobody left to tell, nor to answer.
	switch {
	case c.fail.Code == CloseAbnormal:
		c.flags &^= owesPong | owesPing | owesClose
	case c.flags&closeSent == 0:
		c.flags |= owesClose
	}
	return n, &c.fail
}

// beginFrame takes note of the header of a data frame and judges it against the limits.
func (c *Conn) beginFrame(h *Header) reason {
	limits := &c.cfg.Limits
	size, count, first := c.size, c.fragments, h.Opcode != Continuation
	compressed := c.flags&packed != 0
	if first {
		size, count, compressed = 0, 0, h.RSV != 0
	}
	if h.Length > limits.frame() {
		return rFrameLong
	}
	count++
	wire := size // bytes of the message in front of this frame, on the wire
	if compressed && !first {
		wire = c.pmd.wire
	}
	// RFC 6455 section 10.4: implementations SHOULD impose a limit on frame and message size after reassembly. The header
	// alone tells whether the message will be longer; a compressed one is measured as it inflates, and here by what
	// no compressor would make of a message within the limit.
	most := limits.message()
	if compressed {
		if most < 1<<62 {
			most += most>>3 + 1024
		}
		if h.Length > most-wire {
			return rPackedLong
		}
	} else if h.Length > most-wire {
		return rMessageLong
	}
	if int64(count) > limits.fragments() && int64(count)-limits.fragments() > wire>>10 {
		return rFragments
	}
	if h.Length == 0 {
		if !c.afford() {
			return rEmptyFlood
		}
	} else {
		c.refund(1 + h.Length>>6)
	}

	c.size, c.fragments = size, count
	c.left, c.key, c.phase = h.Length, h.Key, 0
	c.flags &^= lastOne | masked
	if h.Fin {
		c.flags |= lastOne
	}
	if h.Masked {
		c.flags |= masked
	}
	if first {
		c.op = h.Opcode
		c.flags = c.flags&^(begun|packed) | inMessage
		c.rules = c.rules&^NoMessage | InMessage
		c.text.Reset()
		if compressed {
			c.flags |= packed
			c.pmd.beginMessage(c)
		}
	}
	c.in = atPayload
	if compressed {
		c.in = atDeflated
		c.pmd.wire += h.Length
	}
	return ok
}

// afford takes one from the budget of fruitless frames.
func (c *Conn) afford() bool {
	if int64(c.fruitless) >= c.cfg.Limits.fruitless() {
		return false
	}
	if c.fruitless < 1<<31-1 {
		c.fruitless++
	}
	return true
}

// refund gives n back to the budget of fruitless frames.
func (c *Conn) refund(n int64) { c.fruitless = int32(max(int64(c.fruitless)-n, 0)) }

// payload reads on in a frame that is not compressed. src is what follows n bytes that this call has consumed. more says
// that the frame has ended without an event.
func (c *Conn) payload(src []byte, n int, ev *Event) (took int, more bool, err error) {
	p, ends := src[:len(src):len(src)], false
	if int64(len(p)) >= c.left {
		p, ends = p[:c.left:c.left], true
	} else if len(p) == 0 {
		return c.took(n), false, nil
	}
	c.steps += uint64(len(p))
	was := c.phase
	if c.flags&masked != 0 {
		c.phase = uint8(Mask(p, c.key, int(was)))
	}
	last := ends && c.flags&lastOne != 0
	if c.op == Text && !c.cfg.NoUTF8 {
		// RFC 6455 section 8.1-1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is
		// not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_." At the first byte that
		// shows it, not at the end of the message.
		if bad := c.text.Write(p); bad >= 0 {
			if c.flags&masked != 0 {
				Mask(p[bad:], c.key, int(was)+bad) // what is not consumed stays as it was
			}
			if bad == 0 {
				took, err = c.failed(rTextByte, n, 0)
				return took, false, err
			}
			p, ends, last = p[:bad:bad], false, false
			c.in, c.doom = atDoomed, rTextByte
		} else if last && !c.text.Complete() {
			if len(p) == 0 {
				took, err = c.failed(rTextEnd, n, 0)
				return took, false, err
			}
			ends, last = false, false
			c.in, c.doom = atDoomed, rTextEnd
		}
	}
	c.left -= int64(len(p))
	c.size += int64(len(p))
	if ends {
		c.endFrame(last)
	}
	if len(p) == 0 && !last {
		return n, true, nil
	}
	c.report(p, last, ev)
	return c.took(n + len(p)), false, nil
}

// endFrame goes on to the next header.
func (c *Conn) endFrame(last bool) {
	c.in = atHeader
	if last {
		c.flags &^= inMessage
		c.rules = c.rules&^InMessage | NoMessage
	}
}

// report makes an event of a piece of the message.
func (c *Conn) report(p []byte, last bool, ev *Event) {
	ev.Kind, ev.Opcode, ev.Payload = Data, c.op, p
	ev.First, ev.Last = c.flags&begun == 0, last
	c.flags |= begun
}
