package ws

import "encoding/binary"

// appendDeflated appends p as one compressed message. It is false if that would not be shorter; then nothing has changed.
func (c *Conn) appendDeflated(dst []byte, op Opcode, p []byte) (out []byte, done bool) {
	d := c.pmd
	w := d.borrowDeflater(c.cfg.Pool)
	w.begin(d.out)
	room := c.headerLen(len(p))
	out = w.piece(grow(dst, room), p)
	d.returnDeflater(c.cfg.Pool)
	out = out[:len(out)-len(tail)]
	if len(out)-len(dst)-room >= len(p) {
		return dst, false
	}
	d.sent(p, c.cfg)
	return c.fillHeader(out, len(dst), room, Header{Fin: true, RSV: uint8(RSV1), Opcode: op}), true
}

// appendDeflatedPiece appends p as a frame of a compressed message. RFC 7692 section 7.2.1: only the end of the whole message
// loses its tail; between frames it is a block like others.
func (c *Conn) appendDeflatedPiece(dst []byte, op Opcode, rsv uint8, p []byte, fin bool) []byte {
	d := c.pmd
	w := d.borrowDeflater(c.cfg.Pool)
	if op != Continuation {
		w.begin(d.out)
	}
	room := c.headerLen(len(p) + len(p)>>3 + 64)
	out := w.piece(grow(dst, room), p)
	d.sent(p, c.cfg)
	if fin {
		out = out[:len(out)-len(tail)]
		d.returnDeflater(c.cfg.Pool)
	}
	return c.fillHeader(out, len(dst), room, Header{Fin: fin, RSV: rsv, Opcode: op})
}

// headerLen returns the length of the header of a frame of n bytes.
func (c *Conn) headerLen(n int) int {
	size := 2
	switch {
	case n > 0xffff:
		size = 10
	case n > MaxControl:
		size = 4
	}
	if c.flags&isClient != 0 {
		size += 4
	}
	return size
}

// fillHeader puts the header of the frame whose payload is the end of dst into the room that was left for it at dst[at:], and
// masks the payload in the client's role.
func (c *Conn) fillHeader(dst []byte, at, room int, h Header) []byte {
	h.Length = int64(len(dst) - at - room)
	if c.flags&isClient != 0 {
		h.Masked = true
		binary.LittleEndian.PutUint32(h.Key[:], c.cfg.Rand())
	}
	var head [MaxHeader]byte
	n := copy(dst[at:at+room], appendHeader(head[:0], &h))
	payload := dst[at+n:]
	if n < room {
		payload = payload[:copy(payload, dst[at+room:])]
	}
	if h.Masked {
		Mask(payload, h.Key, 0)
	}
	return dst[:at+n+len(payload)]
}

// borrowDeflater returns the Deflater that the connection has, or one from the Pool.
func (d *deflation) borrowDeflater(pool Pool) *Deflater {
	if d.w == nil && pool != nil {
		d.w = pool.GetDeflater(int(d.outBits))
	}
	if d.w == nil {
		d.w = NewDeflater(int(d.outBits))
	}
	return d.w
}

// returnDeflater gives it back. Without a Pool it stays where it is.
func (d *deflation) returnDeflater(pool Pool) {
	if d.w != nil && pool != nil {
		pool.PutDeflater(d.w)
		d.w = nil
	}
}

// sent keeps the end of what was sent compressed, if messages to come may refer to it.
//
// RFC 7692 section 7.2.1: what is sent uncompressed does not enter the window.
func (d *deflation) sent(p []byte, cfg *Config) {
	if !d.takeOut {
		return
	}
	most := min(cfg.deflateHistory(), 1<<d.outBits)
	if cap(d.out) < most {
		d.out = append(make([]byte, 0, most), d.out...)
	}
	p = p[max(len(p)-most, 0):]
	if keep := most - len(p); len(d.out) > keep {
		d.out = d.out[:copy(d.out, d.out[len(d.out)-keep:])]
	}
	d.out = append(d.out, p...)
}
