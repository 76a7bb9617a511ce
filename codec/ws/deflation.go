package ws

// deflation is the state of permessage-deflate of one connection (RFC 7692). What takes room is borrowed from the Pool: the
// Inflater from the first byte of a compressed message to the call behind its last piece, the Deflater for one call, or
// for a message that is sent in fragments. Only where context takeover was agreed does a connection hold something in
// between: a window for what it receives, the last Config.DeflateHistory bytes of what it sent.
type deflation struct {
	z       *Inflater
	w       *Deflater
	wire    int64   // compressed bytes of the message being received, declared so far
	in      history // for messages to come; its ring is nil without takeover
	out     []byte  // the end of what was sent; with takeover only
	inBits  uint8
	outBits uint8
	takeIn  bool  // the peer keeps its window
	takeOut bool  // we may keep ours
	done    bool  // the message is over; the Inflater goes back with the next call
	tail    uint8 // how much of the tail the Inflater has had
}

// tail is what a sender takes off each message and the receiver puts back (RFC 7692 section 7.2.2: "Append 4 octets of 0x00
// 0x00 0xff 0xff to the tail end of the payload of the message").
const tail = "\x00\x00\xff\xff"

var tailBytes = []byte(tail)

// SetDeflate switches permessage-deflate on, as the opening handshake has agreed (Handshake.Deflate). Call it behind Init and
// before anything else. Bits outside of 8 to 15 mean 15.
func (c *Conn) SetDeflate(p Deflate) {
	if c.pmd == nil {
		c.pmd = new(deflation)
	}
	d := c.pmd
	in, out, takeIn, takeOut := p.ClientBits, p.ServerBits, !p.ClientNoTakeover, !p.ServerNoTakeover
	if c.flags&isClient != 0 {
		in, out, takeIn, takeOut = out, in, takeOut, takeIn
	}
	in, out = windowBits(int(in)), windowBits(int(out))
	*d = deflation{inBits: in, outBits: out, takeIn: takeIn, takeOut: takeOut, in: history{ring: d.in.ring}, out: d.out[:0]}
	c.flags |= agreed
	c.rules |= RSV1
}

// settle gives the Inflater of the last message back: its output is no longer lent.
func (d *deflation) settle(pool Pool) {
	if d.done {
		d.done = false
		if pool != nil && d.z != nil {
			pool.PutInflater(d.z)
			d.z = nil
		}
	}
}

// release gives everything back.
func (d *deflation) release(pool Pool) {
	if pool != nil {
		if d.z != nil {
			pool.PutInflater(d.z)
		}
	}
	d.returnDeflater(pool)
	d.z, d.w, d.done = nil, nil, false
}

// beginMessage makes ready for a compressed message.
func (d *deflation) beginMessage(c *Conn) {
	d.wire, d.tail = 0, 0
	if d.z == nil {
		if c.cfg.Pool != nil {
			d.z = c.cfg.Pool.GetInflater()
		}
		if d.z == nil {
			d.z = NewInflater()
		}
	}
	var old *history
	if d.takeIn {
		old = &d.in
	}
	d.z.begin(1<<d.inBits, old)
}

// endMessage keeps the window if it is needed again.
func (d *deflation) endMessage() {
	d.done = true
	if d.takeIn {
		if size := 1 << d.inBits; len(d.in.ring) != size {
			d.in = history{ring: make([]byte, size)}
		}
		d.in.add(d.z.buf[:d.z.w])
	}
}

// inflateReasons says what the errors of an Inflater mean.
var inflateReasons = [...]reason{
	inflateType: rInflateType, inflateStored: rInflateStored, inflateCounts: rInflateCounts, inflateCodeLengths: rInflateCodeLengths,
	inflateRepeat: rInflateRepeat, inflateLengths: rInflateLengths, inflateSymbol: rInflateSymbol, inflateDistance: rInflateDistance,
}

// deflated reads on in a frame of a compressed message. src is what follows n bytes that this call has consumed. more says
// that the frame has ended without an event; then took is n and what was consumed here.
func (c *Conn) deflated(src []byte, n int, ev *Event) (took int, more bool, err error) {
	d := c.pmd
	z := d.z
	z.makeRoom()
	from := z.w
	key := c.key
	if c.flags&masked == 0 {
		key = [4]byte{}
	}
	k, full, r := c.inflate(src[:min(int64(len(src)), c.left)], key, c.phase)
	n += k
	c.left -= int64(k)
	c.phase = (c.phase + uint8(k)) & 3
	last := false
	if r == ok && !full && c.left == 0 {
		if c.flags&lastOne == 0 {
			c.in = atHeader
		} else if last, r = c.inflateTail(); last && c.textOpen() {
			last, r = false, rPackedTextEnd
		}
	}
	out := z.buf[from:z.w:z.w]
	switch {
	case r != ok && len(out) == 0:
		took, err = c.failed(r, n, 0)
		return took, false, err
	case r != ok:
		c.in, c.doom = atDoomed, r
	case last:
		c.endFrame(true)
		d.endMessage()
	case len(out) == 0:
		if c.in == atHeader {
			return n, true, nil
		}
		return c.took(n), false, nil
	}
	c.report(out, last, ev)
	return c.took(n), false, nil
}

// inflate runs the Inflater over p: k bytes of it are used. full says that there is more to come out than there is room for.
func (c *Conn) inflate(p []byte, key [4]byte, phase uint8) (k int, full bool, r reason) {
	z := c.pmd.z
	from := z.w
	// The limit holds for what comes out, as it comes out: of a bomb nothing beyond it is ever made.
	room := c.cfg.Limits.message() - c.size
	end := len(z.buf)
	if room < int64(end-from) {
		end = from + int(room)
	}
	check := c.op == Text && !c.cfg.NoUTF8
	var before inflateState
	tab := z.tab
	if check {
		z.save(&before)
	}
	k, res := z.run(p, key, phase, end, false)
	if check {
		if bad := c.text.Write(z.buf[from:z.w]); bad >= 0 {
			// Once more up to that byte, so that what was consumed does not depend on what lies behind it.
			z.restore(&before, tab)
			k, _ = z.run(p, key, phase, from+bad+1, true)
			z.w--
			return k, false, rPackedTextByte
		}
	}
	made := z.w - from
	c.size += int64(made)
	c.steps += uint64(k + made)
	switch {
	case res == inflateMore:
		return k, false, ok
	case res != inflateFull:
		return k, false, inflateReasons[res]
	case room == 0:
		return k, false, rInflatedLong
	}
	return k, true, ok
}

// inflateTail runs what the sender took off behind the last byte of the message, and reports whether that ends it.
//
// A message whose last block is marked as the last of its stream may end right behind it as well: to a decoder of RFC 1951
// it ends there, whatever follows.
func (c *Conn) inflateTail() (last bool, r reason) {
	d := c.pmd
	if d.tail == 0 && d.z.final && d.z.fits() {
		return true, ok
	}
	if d.tail < uint8(len(tail)) {
		k, full, r := c.inflate(tailBytes[d.tail:], [4]byte{}, 0)
		d.tail += uint8(k)
		if full || r != ok {
			return false, r
		}
	}
	if !d.z.fits() {
		return false, rInflateCut
	}
	return true, ok
}

// textOpen reports whether the message is text and what has come of it ends inside a character.
func (c *Conn) textOpen() bool {
	return c.op == Text && !c.cfg.NoUTF8 && !c.text.Complete()
}
