package stream

import "github.com/purewire/purewire/codec/quic"

// CryptoRecv puts the CRYPTO frames of one encryption level in order. There is no flow control for them: it has bounds of its own. It is
// not ready for use before Init.
type CryptoRecv struct {
	data  Reassembler
	after uint64
	total uint64 // offset that data must not go beyond; 0: none
	more  uint64
}

// Init makes c ready. Limits must have been through Norm.
func (c *CryptoRecv) Init(store *Store, l *Limits) {
	c.data.Init(store, uint64(l.Crypto), l.CryptoPieces)
	c.after, c.total, c.more = uint64(l.CryptoAfter), 0, uint64(l.CryptoTotal)
}

// HandshakeDone makes the bounds those for after the handshake.
func (c *CryptoRecv) HandshakeDone() {
	c.data.SetAhead(c.after)
	if c.total == 0 {
		c.total = c.data.High() + c.more
	}
}

// Receive takes a CRYPTO frame. What is next in the order is returned, without a copy, and must be given to TLS; call Peek and Consume afterwards for
// what was stored and is next now. The error is CRYPTO_BUFFER_EXCEEDED, FRAME_ENCODING_ERROR or PROTOCOL_VIOLATION, and nothing has changed then.
func (c *CryptoRecv) Receive(f *quic.Frame) (lent []byte, err error) {
	return c.receive(f, true)
}

// Store is as Receive where TLS does not want anything now: all is stored.
func (c *CryptoRecv) Store(f *quic.Frame) error {
	_, err := c.receive(f, false)
	return err
}

func (c *CryptoRecv) receive(f *quic.Frame, lend bool) ([]byte, error) {
	// 9000-7.5-4: "Once the handshake completes, if an endpoint is unable to buffer all data in a CRYPTO frame, [...] it MAY close the connection
	// with a CRYPTO_BUFFER_EXCEEDED error code."
	if c.total > 0 && f.Offset <= quic.MaxVarint && f.Offset+uint64(len(f.Data)) > c.total {
		return nil, failure(rCryptoTotal)
	}
	// 9000-7.5-3: "If an endpoint does not expand its buffer, it MUST close the connection with a CRYPTO_BUFFER_EXCEEDED error code."
	return c.data.insert(f.Offset, f.Data, lend, rCryptoEnd, rCryptoAhead, rCryptoSpans)
}

// Peek returns octets that are next in the order, see Reassembler.Peek.
func (c *CryptoRecv) Peek() []byte { return c.data.Peek() }

// Consume counts n octets that Peek has shown as taken. More than there are is misuse.
func (c *CryptoRecv) Consume(n int) error { return c.data.Consume(n) }

// Complete tells whether nothing is missing below what was received, and all of it was taken: keys must not change elsewhere than there (RFC 9001 section 4.1.3).
func (c *CryptoRecv) Complete() bool { return c.data.Next() == c.data.High() }

// Release gives all memory back: the keys of this level are discarded.
func (c *CryptoRecv) Release() { c.data.Release() }

// CryptoSend holds the handshake messages of one encryption level until they are acknowledged. It is a SendBuffer without an end and without
// flow control. It is not ready for use before Init.
type CryptoSend struct {
	buf SendBuffer
}

// Init makes c ready. It holds at most limit octets.
func (c *CryptoSend) Init(store *Store, limit, pieces int) { c.buf.Init(store, limit, pieces) }

// Write takes a copy of p. It returns less than len(p) only if the limit is reached.
func (c *CryptoSend) Write(p []byte) (int, error) { return c.buf.Write(p) }

// Pending tells whether there is anything to send.
func (c *CryptoSend) Pending() bool { return c.buf.Pending() }

// Buffer returns what was written and is not acknowledged. It is for looking only.
func (c *CryptoSend) Buffer() *SendBuffer { return &c.buf }

// AppendCrypto appends a CRYPTO frame of at most size bytes to dst, and counts it as in flight. ok is false, and dst as it was, if there is nothing
// to send or no room.
func (c *CryptoSend) AppendCrypto(dst []byte, size int) (out []byte, p Piece, ok bool) {
	return c.frame(dst, size, false)
}

// AppendProbe is as AppendCrypto for a packet on a probe timeout: if nothing is to be sent otherwise, it sends the oldest data in flight once more.
func (c *CryptoSend) AppendProbe(dst []byte, size int) (out []byte, p Piece, ok bool) {
	if out, p, ok = c.frame(dst, size, false); ok {
		return out, p, ok
	}
	return c.frame(dst, size, true)
}

func (c *CryptoSend) frame(dst []byte, size int, probe bool) (out []byte, p Piece, ok bool) {
	size -= 1 + quic.VarintLen(c.buf.Sent()) // no offset is longer
	if size <= 0 {
		return dst, p, false
	}
	size -= quic.VarintLen(uint64(size))
	if probe {
		p, ok = c.buf.Probe(size)
	} else {
		p, ok = c.buf.Next(size, quic.MaxVarint)
	}
	if !ok {
		return dst, p, false
	}
	dst = append(dst, 0x06)
	dst = quic.AppendVarint(quic.AppendVarint(dst, p.Offset), uint64(p.Len))
	dst, _ = c.buf.AppendData(dst, p)
	return dst, p, true
}

// Acked and Lost say what became of the frame with p. What was never sent is misuse.
func (c *CryptoSend) Acked(p Piece) error { return c.buf.Acked(p) }

// Lost is described at Acked.
func (c *CryptoSend) Lost(p Piece) error { return c.buf.Lost(p) }

// Release gives all memory back: the keys of this level are discarded.
func (c *CryptoSend) Release() { c.buf.Release() }
