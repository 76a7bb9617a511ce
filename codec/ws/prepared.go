package ws

// Prepared is a message that is encoded once and sent to many connections, as it is or deflated, whatever each has agreed
// on. It is immutable: any number of goroutines may send it.
type Prepared struct {
	op      Opcode
	payload []byte // a view of plain
	plain   []byte // the frame of a server
	packed  []byte // the same, deflated without history; nil if that does not pay
}

// NewPrepared encodes a message. p is copied. With a Pool it is also deflated, with a Deflater from there; nil leaves that
// out. Text must be valid UTF-8. The error is an *Error with ScopeMisuse.
func NewPrepared(op Opcode, p []byte, pool Pool) (*Prepared, error) {
	if op != Text && op != Binary {
		return nil, misuse(rSendOpcode)
	}
	var text UTF8
	if op == Text && (text.Write(p) >= 0 || !text.Complete()) {
		return nil, misuse(rSendText)
	}
	m := &Prepared{op: op}
	h := Header{Fin: true, Opcode: op, Length: int64(len(p))}
	m.plain = append(appendHeader(make([]byte, 0, MaxHeader+len(p)), &h), p...)
	m.payload = m.plain[len(m.plain)-len(p):]
	if pool != nil {
		w := pool.GetDeflater(15)
		w.begin(nil)
		body := w.piece(nil, p)
		pool.PutDeflater(w)
		if body = body[:len(body)-len(tail)]; len(body) < len(p) {
			h.RSV, h.Length = uint8(RSV1), int64(len(body))
			m.packed = append(appendHeader(make([]byte, 0, MaxHeader+len(body)), &h), body...)
		}
	}
	return m, nil
}

// Len returns the length of the message in bytes.
func (m *Prepared) Len() int { return len(m.payload) }

// frame returns the server's frame for this connection, and whether it is the deflated one.
func (m *Prepared) frame(c *Conn) (frame []byte, packed bool) {
	if m.packed != nil && c.flags&agreed != 0 && len(m.payload) >= c.cfg.deflateMin() {
		// A distance is never longer than the message, so a short one fits any window.
		if bits := c.pmd.outBits; bits == 15 || len(m.payload) <= 1<<bits {
			return m.packed, true
		}
	}
	return m.plain, false
}

// AppendPrepared appends m as one message.
func (c *Conn) AppendPrepared(dst []byte, m *Prepared) ([]byte, error) {
	if r := c.mayPrepare(m); r != ok {
		return dst, misuse(r)
	}
	frame, packed := m.frame(c)
	if packed {
		c.pmd.sent(m.payload, c.cfg)
	}
	if c.flags&isClient == 0 {
		return append(dst, frame...), nil
	}
	rsv := uint8(0)
	if packed {
		rsv = uint8(RSV1)
	}
	var h Header
	n, _ := parseHeader(frame, &h, RSV1)
	return c.appendFrame(dst, m.op, rsv, true, frame[n:]), nil
}

// PreparedFrame returns the bytes that send m as one message, to be sent by reference before anything else. They are shared: do
// not change them. It is for the server's role, since a client masks every frame anew.
func (c *Conn) PreparedFrame(m *Prepared) ([]byte, error) {
	r := c.mayPrepare(m)
	if r == ok && c.flags&isClient != 0 {
		r = rSendReference
	}
	if r != ok {
		return nil, misuse(r)
	}
	frame, packed := m.frame(c)
	if packed {
		c.pmd.sent(m.payload, c.cfg)
	}
	return frame, nil
}

func (c *Conn) mayPrepare(m *Prepared) reason {
	r := c.mayOpen(m.op)
	if r == ok && c.flags&sendOpen != 0 {
		r = rSendInterleaved
	}
	return r
}
