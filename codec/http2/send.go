package http2

import (
	"math"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/fields"
)

// RequestHead is the control data of a request (RFC 9113 section 8.3.1).
type RequestHead struct {
	// Method is required. CONNECT without Protocol has an Authority and neither Scheme nor Path; everything else has a Scheme and
	// a Path that is not empty. Protocol makes an extended CONNECT (RFC 8441), which the server must have announced.
	Method, Scheme, Authority, Path, Protocol []byte
}

// sendable returns the slot of a stream whose sending side is open, or the fault of a call that needs one.
func (c *Conn) sendable(id uint32) (int32, Fault) {
	if c.failed() {
		return -1, fSendOver
	}
	slot, st := c.lookup(id)
	if slot < 0 || st != open && st != halfRemote {
		// RFC 9113 section 5.1: an endpoint MUST NOT send frames other than PRIORITY on a closed stream, nor DATA or HEADERS on a
		// half-closed (local) one.
		return -1, fSendClosed
	}
	return slot, ok
}

// AppendResponse appends the head of a final response, 200 to 999. end says that it has neither content nor trailers. Field names are in lower
// case, without pseudo-header fields and connection-specific ones. On error nothing changes.
func (c *Conn) AppendResponse(dst []byte, id uint32, status int, list []codec.Field, end bool) ([]byte, error) {
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case c.role != Server:
		f = fResponseRole
	case status < 200 || status > 999:
		f = fStatus
	case c.tab.slots[slot].has(sSent):
		f = fResponseTwice
	case !fields.Sendable(list):
		f = fSendField
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	dst = c.appendStatus(dst, id, status, list, end)
	s := &c.tab.slots[slot]
	s.flags |= sSent
	if status >= 300 {
		s.flags &^= sConnect // RFC 9110 section 9.3.6: only a 2xx makes a tunnel
	}
	c.flood.work(c.p)
	if end {
		c.endLocal(slot)
	}
	return dst, nil
}

// AppendInformational appends the head of an informational response, 100 to 199 but not 101. On error nothing changes.
func (c *Conn) AppendInformational(dst []byte, id uint32, status int, list []codec.Field) ([]byte, error) {
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case c.role != Server:
		f = fInformationalRole
	// RFC 9113 section 8.6: 101 is not used in HTTP/2.
	case status < 100 || status > 199 || status == 101:
		f = fInformationalStatus
	// RFC 9113 section 8.1: informational responses come before the final one.
	case c.tab.slots[slot].has(sSent):
		f = fInformationalLate
	case !fields.Sendable(list):
		f = fSendField
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	return c.appendStatus(dst, id, status, list, false), nil
}

func (c *Conn) appendStatus(dst []byte, id uint32, status int, list []codec.Field, end bool) []byte {
	dst, mark := c.begin(dst)
	var digits [3]byte
	digits[0], digits[1], digits[2] = byte('0'+status/100), byte('0'+status/10%10), byte('0'+status%10)
	dst = c.enc.AppendField(dst, codec.Field{Name: nameStatus, Value: digits[:]})
	return c.finishBlock(dst, mark, id, list, end)
}

// begin starts a field block.
func (c *Conn) begin(dst []byte) ([]byte, int) {
	dst = c.first(dst)
	dst, mark := BeginHeaders(dst)
	return c.enc.AppendStart(dst), mark
}

// finishBlock appends the fields and makes frames of the block.
func (c *Conn) finishBlock(dst []byte, mark int, id uint32, list []codec.Field, end bool) []byte {
	c.calm.excused = true
	for i := range list {
		dst = c.enc.AppendField(dst, list[i])
	}
	return FinishHeaders(dst, mark, id, end, c.peer.MaxFrameSize)
}

// AppendTrailers appends a trailer section, which ends our side of the stream. On error nothing changes.
func (c *Conn) AppendTrailers(dst []byte, id uint32, list []codec.Field) ([]byte, error) {
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case !c.tab.slots[slot].has(sSent):
		f = fTrailersEarly
	// RFC 9113 section 8.5: frame types other than DATA or stream management frames MUST NOT be sent on a connected stream.
	case c.tab.slots[slot].has(sConnect):
		f = fTrailersConnected
	case !fields.Sendable(list):
		f = fSendField
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	dst, mark := c.begin(dst)
	dst = c.finishBlock(dst, mark, id, list, true)
	c.endLocal(slot)
	return dst, nil
}

// AppendRequest opens the next stream with the head of a request. end says that it has neither content nor trailers. On
// error nothing changes; OpenBlocked tells beforehand whether there is room.
func (c *Conn) AppendRequest(dst []byte, r *RequestHead, list []codec.Field, end bool) (out []byte, id uint32, err error) {
	f := ok
	connect := string(r.Method) == "CONNECT"
	switch {
	case c.failed():
		f = fSendOver
	case c.OpenBlocked() != NotBlocked:
		f = fOpenBlocked
	case !c.validHead(r, connect):
		f = fRequestHead
	// RFC 8441 section 3-3: Upon receipt of SETTINGS_ENABLE_CONNECT_PROTOCOL with a value of 1, a client MAY use the Extended CONNECT.
	case r.Protocol != nil && !c.peer.EnableConnectProtocol:
		f = fProtocolEarly
	case !fields.Sendable(list):
		f = fSendField
	}
	if f != ok {
		return dst, 0, c.misused(f, 0)
	}
	// The peer must learn of streams that are over before it counts the new one.
	if len(c.owed.resets) > 0 {
		dst = c.owed.appendResets(c.first(dst), math.MaxInt)
	}
	dst, mark := c.begin(dst)
	put := func(name, value []byte) {
		if value != nil {
			dst = c.enc.AppendField(dst, codec.Field{Name: name, Value: value})
		}
	}
	put(nameMethod, r.Method)
	put(nameScheme, r.Scheme)
	put(nameAuthority, r.Authority)
	put(namePath, r.Path)
	put(nameProtocol, r.Protocol)
	id = c.mem.last + 2
	if c.mem.last == 0 {
		id = 1
	}
	dst = c.finishBlock(dst, mark, id, list, end)
	c.mem.use(id)
	slot := c.insert(id, open)
	s := &c.tab.slots[slot]
	s.flags |= sShown | sOwn | sSent
	switch {
	case connect:
		s.flags |= sConnect
	case string(r.Method) == "HEAD":
		s.flags |= sHead
	}
	c.owns++
	if end {
		c.endLocal(slot)
	}
	return dst, id, nil
}

// validHead checks the control data of a request that we send (RFC 9113 sections 8.3.1, 8.5; RFC 8441 section 4).
func (c *Conn) validHead(r *RequestHead, connect bool) bool {
	switch {
	case !fields.Token(r.Method) || r.Protocol != nil && (!connect || !fields.Token(r.Protocol)):
		return false
	case connect && r.Protocol == nil:
		return len(r.Authority) > 0 && r.Scheme == nil && r.Path == nil && fields.Value(r.Authority)
	}
	return len(r.Scheme) > 0 && len(r.Path) > 0 && fields.Value(r.Scheme) && fields.Value(r.Path) && fields.Value(r.Authority)
}

var (
	nameStatus    = []byte(":status")
	nameMethod    = []byte(":method")
	nameScheme    = []byte(":scheme")
	nameAuthority = []byte(":authority")
	namePath      = []byte(":path")
	nameProtocol  = []byte(":protocol")
)

// CanOpen returns how many requests could be opened now, as far as the number of streams is concerned.
func (c *Conn) CanOpen() int {
	if b := c.OpenBlocked(); b != NotBlocked {
		return 0
	}
	return c.mayOpen() - c.owns
}

func (c *Conn) mayOpen() int {
	if c.phase == wantSettings {
		// RFC 9113 section 6.5.2: it is recommended that the limit be no smaller than 100; until the server has said it,
		// that is what can be hoped for.
		return min(c.p.requests, 100)
	}
	return int(min(int64(c.p.requests), int64(c.peer.MaxConcurrentStreams)))
}

// OpenBlocked tells why AppendRequest would not open a stream now.
func (c *Conn) OpenBlocked() Block {
	switch {
	case c.failed():
		return Over
	case c.role != Client:
		return NotClient
	// RFC 9113 section 6.8: receivers of a GOAWAY frame MUST NOT open additional streams on the connection.
	case c.away.received || c.away.step != awayNot || c.closed:
		return GoneAway
	// RFC 9113 section 5.1.1: stream identifiers cannot be reused; a client that is unable to establish a new one
	// can establish a new connection.
	case c.mem.last >= MaxStreamID-1:
		return NoMoreIDs
	// RFC 9113 section 5.1.2: endpoints MUST NOT exceed the limit set by their peer.
	case c.owns >= c.mayOpen():
		return TooManyStreams
	}
	return NotBlocked
}

// AppendData appends one DATA frame with as much of p as the windows and the peer's frame size let through: n octets. With end, and if all of p is
// in it, the frame ends our side of the stream. n is 0 for a p that is not empty if it is blocked; nothing is appended then. On error
// nothing changes.
func (c *Conn) AppendData(dst []byte, id uint32, p []byte, end bool) (out []byte, n int, err error) {
	dst, n, err = c.AppendDataHeader(dst, id, len(p), end)
	return append(dst, p[:n]...), n, err
}

// AppendDataHeader is AppendData without the data: the caller sends the n octets behind it, and nothing in between.
func (c *Conn) AppendDataHeader(dst []byte, id uint32, size int, end bool) (out []byte, n int, err error) {
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case size < 0:
		f = fDataSize
	case !c.tab.slots[slot].has(sSent):
		f = fDataEarly
	}
	if f != ok {
		return dst, 0, c.misused(f, id)
	}
	n = min(size, c.room(slot))
	if n < size {
		end = false
		if n == 0 {
			c.blocked(slot)
			return dst, 0, nil
		}
	} else if n == 0 && !end {
		return dst, 0, nil // an empty frame would say nothing
	}
	dst = AppendDataHeader(c.first(dst), id, n, -1, end)
	c.sent(slot, uint32(n))
	switch {
	case end:
		c.endLocal(slot)
	case n < size && c.room(slot) == 0:
		c.blocked(slot)
	case n == size:
		c.satisfied(slot)
	}
	return dst, n, nil
}

// room returns how many octets one DATA frame of the stream may carry now.
//
// RFC 9113 section 6.9.1: the sender MUST NOT send a flow-controlled frame with a length that exceeds the space available in
// either of the flow-control windows. Section 4.2: nor one above the receiver's SETTINGS_MAX_FRAME_SIZE.
func (c *Conn) room(slot int32) int {
	return int(min(c.tab.slots[slot].send.avail(), c.sendWin.avail(), c.peer.MaxFrameSize))
}

// sent counts n octets that go out.
func (c *Conn) sent(slot int32, n uint32) {
	s := &c.tab.slots[slot]
	s.send.take(n)
	c.sendWin.take(n)
	if n > 0 {
		c.calm.excused = true
		c.flood.work(c.p)
		c.progress(s, n)
	}
	if s.has(sReady) && !s.has(sStalled) {
		c.sched.Served(slot)
	}
}

// Reset ends the stream: RST_STREAM is owed, and the stream is forgotten, data of it included. On a stream that is over for the peer it
// is Release.
func (c *Conn) Reset(id uint32, code ErrorCode) error {
	slot := c.tab.find(id)
	if slot < 0 {
		return c.misused(fNoStreamReset, id)
	}
	if st := c.tab.slots[slot].state; !st.closed() {
		// RFC 9113 section 5.4.2: an endpoint that resets a stream sends no more on it. Behind a connection error only GOAWAY is sent.
		if !c.failed() {
			c.owed.reset(id, code)
		}
		c.close(slot, reset)
	}
	c.free(slot)
	return nil
}

// Release forgets a stream that is over for the peer and was kept for the application: after StreamReset and StreamError, and
// after a normal end while data of it is not Consumed.
func (c *Conn) Release(id uint32) error {
	slot := c.tab.find(id)
	if slot < 0 {
		return c.misused(fNoStreamRelease, id)
	}
	if !c.tab.slots[slot].state.closed() {
		return c.misused(fReleaseOpen, id)
	}
	c.free(slot)
	return nil
}
