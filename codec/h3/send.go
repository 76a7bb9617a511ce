package h3

import (
	"math"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/fields"
	"github.com/purewire/purewire/codec/internal/varint"
	"github.com/purewire/purewire/codec/qpack"
)

// RequestHead is the control data of a request (RFC 9114 section 4.3.1).
type RequestHead struct {
	// Method is required. CONNECT without Protocol has an Authority and neither Scheme nor Path; everything else has a Scheme and
	// a Path that is not empty. Protocol makes an extended CONNECT (RFC 9220), which the server must have announced. A Host field in
	// the list may stand for Authority.
	Method, Scheme, Authority, Path, Protocol []byte
}

var (
	nameStatus    = []byte(":status")
	nameMethod    = []byte(":method")
	nameScheme    = []byte(":scheme")
	nameAuthority = []byte(":authority")
	namePath      = []byte(":path")
	nameProtocol  = []byte(":protocol")
)

// sendable returns the slot of a request stream whose sending side is open, or the fault of a call that needs one.
func (c *Conn) sendable(id uint64) (int32, Fault) {
	if c.failed() {
		return -1, fOver
	}
	slot := c.request(id)
	if slot < 0 || c.tab.slots[slot].has(sEnded) {
		return -1, fSendClosed
	}
	return slot, ok
}

// put appends a pseudo-header field to the list that is to be sent, unless there is none.
func (c *Conn) put(name, value []byte) {
	if value != nil {
		c.list = append(c.list, codec.Field{Name: name, Value: value})
	}
}

// unlist forgets the caller's slices.
func (c *Conn) unlist() {
	clear(c.list)
	c.list = c.list[:0]
}

// fitsPeer reports whether the peer takes a field section as large as c.list.
//
// RFC 9114 section 4.2.2-2: An implementation that has received this parameter SHOULD NOT send an HTTP message header that exceeds the
// indicated size, as the peer will likely refuse to process it.
func (c *Conn) fitsPeer() bool {
	if c.peer.MaxFieldSectionSize == NoLimit {
		return true
	}
	size := uint64(0)
	for i := range c.list {
		size += uint64(qpack.FieldSize(&c.list[i]))
	}
	return size <= c.peer.MaxFieldSectionSize
}

// appendSection appends a HEADERS frame with c.list.
func (c *Conn) appendSection(dst []byte, id uint64) []byte {
	at := len(dst)
	dst = append(dst, byte(FrameHeaders), 0, 0) // two octets for the length nearly always
	c.holdInsertions()
	dst, c.instructions = c.enc.AppendSection(dst, c.instructions, id, c.list)
	c.unlist()
	n := len(dst) - at - 3
	if n >= 1<<14 {
		dst = append(dst, 0, 0)
		copy(dst[at+5:], dst[at+3:len(dst)-2])
		varint.AppendSize(dst[:at+1], uint64(n), 4)
		return dst
	}
	varint.AppendSize(dst[:at+1], uint64(n), 2)
	return dst
}

// AppendRequest appends the head of a request, to be sent on stream id: a bidirectional stream that the transport has opened for it. end says
// that it has neither content nor trailers: the transport ends the stream behind it. Field names are in lower case; the whole is checked by
// the same rules as a request that is received. On error nothing changes; OpenBlocked tells beforehand whether there is room.
func (c *Conn) AppendRequest(dst []byte, id uint64, r *RequestHead, list []codec.Field, end bool) (out []byte, err error) {
	switch {
	case c.failed():
		return dst, c.misused(fOver, id)
	case c.OpenBlocked() != NotBlocked:
		return dst, c.misused(fOpenBlocked, id)
	case id%4 != 0 || id > maxRequest || c.tab.find(id) >= 0:
		return dst, c.misused(fRequestStream, id)
	// RFC 9220 section 3-2 takes it over, RFC 8441 section 3-3: Upon receipt of SETTINGS_ENABLE_CONNECT_PROTOCOL with a value of 1, a client MAY
	// use the Extended CONNECT.
	case r.Protocol != nil && !c.peer.EnableConnectProtocol:
		return dst, c.misused(fProtocolEarly, id)
	}
	c.put(nameMethod, r.Method)
	c.put(nameScheme, r.Scheme)
	c.put(nameAuthority, r.Authority)
	c.put(namePath, r.Path)
	c.put(nameProtocol, r.Protocol)
	c.list = append(c.list, list...)
	var res fields.Result
	v, _ := fields.Request(c.list, fields.Options{Connect: true}, &res)
	f := fieldFault(v)
	switch {
	case f != ok:
	case end && res.ContentLength > 0:
		f = fSendShort
	case !c.fitsPeer():
		f = fSendLarge
	}
	if f != ok {
		c.unlist()
		return dst, c.refused(f, id)
	}
	dst = c.appendSection(dst, id)
	c.next = max(c.next, id+4)
	c.owns++
	slot := c.insert(id, kRequest)
	s := &c.tab.slots[slot]
	s.flags |= sShown | sOwn | sSent
	s.sending = res.ContentLength
	switch string(r.Method) {
	case "CONNECT":
		s.flags |= sConnect
		if s.sending = -1; r.Protocol != nil {
			s.flags |= sDatagrams
		}
	case "HEAD":
		s.flags |= sHead
	}
	if res.Priorities == 1 {
		s.priority, _ = ParsePriorityField(fieldAt(list, res.Priority-res.Regular))
	}
	if end {
		c.endLocal(slot)
	}
	return dst, nil
}

// fieldAt returns the value of a field of the list.
func fieldAt(list []codec.Field, i int) []byte {
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i].Value
}

// refused is misused for a message that its receiver would refuse: the reason is that of the rule, the scope is misuse.
func (c *Conn) refused(f Fault, id uint64) error {
	c.misuse.set(f, id, -1)
	c.misuse.Scope = codec.ScopeMisuse
	return &c.misuse
}

// AppendResponse appends the head of a final response, 200 to 999. end says that it has neither content nor trailers: the transport ends
// the stream behind it. On error nothing changes.
func (c *Conn) AppendResponse(dst []byte, id uint64, status int, list []codec.Field, end bool) ([]byte, error) {
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case c.role != Server:
		f = fResponseRole
	case !c.tab.slots[slot].has(sShown):
		f = fResponseEarly
	case status < 200 || status > 999:
		f = fStatus
	case c.tab.slots[slot].has(sSent):
		f = fResponseTwice
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	s := &c.tab.slots[slot]
	var res fields.Result
	if f = c.checkResponse(status, list, &res); f == ok && end && res.ContentLength > 0 && !s.has(sHead) && status != 304 {
		f = fSendShort
	}
	if f != ok {
		c.unlist()
		return dst, c.refused(f, id)
	}
	dst = c.appendSection(dst, id)
	s.flags |= sSent
	switch {
	// RFC 9110 section 9.3.6: only a 2xx makes a tunnel.
	case status >= 300:
		s.flags &^= sConnect | sDatagrams
		fallthrough
	case !s.has(sConnect):
		s.sending = res.ContentLength
	}
	if s.has(sHead) || status == 204 || status == 304 {
		s.sending = 0 // no content, whatever was declared
	}
	c.flood.work(c.p)
	if end {
		c.endLocal(slot)
	}
	return dst, nil
}

// checkResponse makes the list of a response in c.list and checks it.
func (c *Conn) checkResponse(status int, list []codec.Field, res *fields.Result) Fault {
	c.digits = [3]byte{byte('0' + status/100), byte('0' + status/10%10), byte('0' + status%10)}
	c.put(nameStatus, c.digits[:])
	c.list = append(c.list, list...)
	v, _ := fields.Response(c.list, res)
	if f := fieldFault(v); f != ok {
		return f
	}
	if !c.fitsPeer() {
		return fSendLarge
	}
	return ok
}

// AppendInformational appends the head of an interim response, 100 to 199 but not 101. On error nothing changes.
func (c *Conn) AppendInformational(dst []byte, id uint64, status int, list []codec.Field) ([]byte, error) {
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case c.role != Server:
		f = fResponseRole
	case !c.tab.slots[slot].has(sShown):
		f = fResponseEarly
	// RFC 9114 section 4.5-1: HTTP/3 does not support 101.
	case status < 100 || status > 199 || status == 101:
		f = fInformationalStatus
	case c.tab.slots[slot].has(sSent):
		f = fInformationalLate
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	var res fields.Result
	if f = c.checkResponse(status, list, &res); f != ok {
		c.unlist()
		return dst, c.refused(f, id)
	}
	return c.appendSection(dst, id), nil
}

// AppendTrailers appends a trailer section, which ends our side of the stream: the transport ends the stream behind it. On error nothing
// changes.
func (c *Conn) AppendTrailers(dst []byte, id uint64, list []codec.Field) ([]byte, error) {
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case !c.tab.slots[slot].has(sSent):
		f = fTrailersEarly
	// RFC 9114 section 4.4-8: only DATA frames are permitted to be sent on a connected stream.
	case c.tab.slots[slot].has(sConnect):
		f = fTrailersConnected
	case c.tab.slots[slot].sending > 0:
		f = fSendShort
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	c.list = append(c.list, list...)
	if v, _ := fields.Trailers(c.list); v != fields.OK {
		f = fieldFault(v)
	} else if !c.fitsPeer() {
		f = fSendLarge
	}
	if f != ok {
		c.unlist()
		return dst, c.refused(f, id)
	}
	dst = c.appendSection(dst, id)
	c.endLocal(slot)
	return dst, nil
}

// AppendDataHeader appends the header of a DATA frame with n octets of content, which must follow on the stream: by reference, and as slowly
// as flow control wants it. end says that they are the last and that no trailers follow: the transport ends the stream behind them.
// With n 0 nothing is appended. On error nothing changes.
func (c *Conn) AppendDataHeader(dst []byte, id uint64, n int, end bool) ([]byte, error) {
	slot, f := c.sendable(id)
	switch {
	case n < 0:
		f = fSendSize
	case f != ok:
	case !c.tab.slots[slot].has(sSent):
		f = fSendEarly
	default:
		f = c.admitSending(&c.tab.slots[slot], n, end)
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	s := &c.tab.slots[slot]
	if n > 0 {
		dst = AppendFrameHeader(dst, FrameHeader{Type: FrameData, Length: uint64(n)})
		c.flood.work(c.p)
		if s.sending >= 0 {
			s.sending -= int64(n)
		}
		if s.has(sReady) {
			c.sched.Served(slot)
		}
	}
	if end {
		c.endLocal(slot)
	}
	return dst, nil
}

// admitSending checks content that is to be sent against what was declared.
func (c *Conn) admitSending(s *stream, n int, end bool) Fault {
	switch {
	case s.sending < 0:
		return ok
	case s.sending == 0 && n > 0:
		return fSendForbidden
	case int64(n) > s.sending:
		return fSendLong
	case end && int64(n) < s.sending:
		return fSendShort
	}
	return ok
}

// AppendData appends a DATA frame with data, which is copied. end is as for AppendDataHeader; AppendData(dst, id, nil, true) ends our side
// and appends nothing. On error nothing changes.
func (c *Conn) AppendData(dst []byte, id uint64, data []byte, end bool) ([]byte, error) {
	out, err := c.AppendDataHeader(dst, id, len(data), end)
	if err != nil {
		return dst, err
	}
	return append(out, data...), nil
}

// Sending returns how many octets of content our Content-Length leaves to be sent, -1 if it is not declared, 0 for a stream whose
// sending side is closed.
func (c *Conn) Sending(id uint64) int64 {
	slot, f := c.sendable(id)
	if f != ok {
		return 0
	}
	return min(c.tab.slots[slot].sending, math.MaxInt64)
}

// AllowDatagrams says that a request that is no extended CONNECT has a use for datagrams all the same. A datagram for one that has none ends
// it.
func (c *Conn) AllowDatagrams(id uint64) error {
	slot := c.request(id)
	if slot < 0 || c.failed() {
		return c.misused(fNoStream, id)
	}
	c.tab.slots[slot].flags |= sDatagrams
	return nil
}

// DatagramsEnabled reports whether both ends have announced datagrams.
//
// RFC 9297 section 2.1.1-3: QUIC DATAGRAM frames MUST NOT be sent until the SETTINGS_H3_DATAGRAM setting has been both sent and received with a
// value of 1.
func (c *Conn) DatagramsEnabled() bool {
	return c.p.Settings(c.role).Datagram && c.peer.Datagram && c.ours[0].begun && !c.failed()
}

// AppendDatagram appends what stands in front of the payload in a QUIC DATAGRAM frame that carries an HTTP datagram of a request; the payload goes
// behind it. On error nothing changes.
func (c *Conn) AppendDatagram(dst []byte, id uint64) ([]byte, error) {
	// RFC 9297 section 2.1-5: HTTP/3 Datagrams MUST NOT be sent unless the corresponding stream's send side is open.
	slot, f := c.sendable(id)
	switch {
	case f != ok:
	case !c.DatagramsEnabled():
		f = fNoDatagrams
	case !c.tab.slots[slot].has(sDatagrams):
		f = fDatagramNone
	}
	if f != ok {
		return dst, c.misused(f, id)
	}
	return AppendDatagramHeader(dst, id), nil
}

// Datagram takes the payload of a QUIC DATAGRAM frame. ev tells of the HTTP datagram in it, or that it ended a stream, or nothing:
// datagrams of streams that are not open, or are not read any more, are dropped. Nothing is queued.
func (c *Conn) Datagram(p []byte, ev *Event) error {
	ev.Kind, ev.EndStream = None, false
	if c.failed() {
		return &c.err
	}
	c.steps++
	if !c.p.Settings(c.role).Datagram {
		return c.spentError(c.spend(1, NoStream)) // another protocol's
	}
	id, data, f := ParseDatagram(p)
	// RFC 9297 section 2.1-7: If an HTTP/3 Datagram is received and its Quarter Stream ID field maps to a stream that cannot be created due to
	// client-initiated bidirectional stream limits, it SHOULD be treated as an HTTP/3 connection error of type H3_ID_ERROR.
	if f == ok && c.role == Server && c.granted > 0 && id/4 >= c.granted {
		f = fDatagramLimit
	}
	if f != ok {
		c.fail(f, NoStream, -1)
		return &c.err
	}
	slot := c.request(id)
	// RFC 9297 section 2.1-5: If a datagram is received after the corresponding stream's receive side is closed, the received datagrams MUST be
	// silently dropped. Section 2.1-6: If an HTTP/3 Datagram is received and its Quarter Stream ID field maps to a stream that has not yet been
	// created, the receiver SHALL either drop that datagram silently or buffer it temporarily.
	if slot < 0 || c.tab.slots[slot].phase == readDone || !c.tab.slots[slot].has(sShown) {
		return c.spentError(c.spend(1, NoStream))
	}
	s := &c.tab.slots[slot]
	if !s.has(sDatagrams) {
		// RFC 9297 section 2-6: If an HTTP Datagram is received and it is associated with a request that has no known semantics for HTTP Datagrams,
		// the receiver MUST terminate the request. If HTTP/3 is in use, the request stream MUST be aborted with H3_DATAGRAM_ERROR.
		c.streamFault(fDatagramForbidden, slot, ev)
		return c.Err()
	}
	ev.Kind, ev.Stream, ev.User, ev.EndStream, ev.Data = Datagram, id, s.user, false, data
	return nil
}
