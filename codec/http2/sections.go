package http2

import (
	"math"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/internal/fields"
)

// headersFrame waits until a HEADERS frame and its CONTINUATION frames are there as a whole, looking at each frame header
// once and as soon as it is there, and takes them.
func (c *Conn) headersFrame(h *FrameHeader, src []byte, ev *Event) (n int, more bool) {
	prefix := FrameHeaderLen + min(h.PrefixLen(), int(h.Length))
	if len(src) < prefix {
		return 0, false
	}
	var pre Prefix
	self := h.ParsePrefix(src[FrameHeaderLen:prefix], &pre)
	if c.in.scan == 0 {
		f := self
		if f.Scope() == onStream {
			f = ok // the block must be decoded first
		}
		if f == ok {
			f = c.admitHeaders(h, pre.Body)
		}
		if f != ok {
			c.fail(f, h.Stream)
			return 0, false
		}
		c.in.scan, c.in.size, c.in.frames = FrameHeaderLen+h.Length, pre.Body, 0
		c.in.whole = h.Flags.Has(FlagEndHeaders)
	}
	for !c.in.whole {
		if !c.continuation(h.Stream, src) {
			return 0, false
		}
	}
	if len(src) < int(c.in.scan) {
		return 0, false
	}
	n = int(c.in.scan)
	if !c.decode(h.Stream, src[prefix:n], pre.Body, pre.Pad, ev) {
		return 0, false
	}
	c.in.scan, c.in.whole = 0, false
	c.block(h, self, ev)
	if c.failed() {
		return 0, false
	}
	return n, true
}

// admitHeaders decides what the header of a HEADERS frame decides.
func (c *Conn) admitHeaders(h *FrameHeader, size uint32) Fault {
	// RFC 9113 section 5.1.1: streams initiated by a client MUST use odd-numbered stream identifiers; an endpoint that
	// receives an unexpected stream identifier MUST respond with a connection error of type PROTOCOL_ERROR.
	if h.Stream&1 == 0 {
		return fEvenStream
	}
	// Streams that we have not opened are not the server's to open.
	if c.role == Client && h.Stream > c.mem.last {
		return fIdleHeaders
	}
	if int64(size) > int64(c.p.block) {
		return fBlockLong
	}
	return ok
}

// continuation looks at the header of the next CONTINUATION frame.
func (c *Conn) continuation(id uint32, src []byte) bool {
	var h FrameHeader
	if len(src) < int(c.in.scan) || ParseFrameHeader(src[c.in.scan:], &h) == 0 {
		return false
	}
	c.steps++
	f := ok
	switch {
	case h.Type != FrameContinuation || h.Stream != id:
		// RFC 9113 section 4.3: a field block MUST be transmitted as a contiguous sequence of frames, with no interleaved frames of
		// any other type or from any other stream. Section 6.2: a receiver MUST treat the receipt of any other type of frame or
		// a frame on a different stream as a connection error of type PROTOCOL_ERROR.
		f = fInterleaved
	case h.Length > c.local().MaxFrameSize:
		f = fContinuationSize
	case int(c.in.frames) >= c.p.continuations:
		// RFC 9113 section 10.5: the use of CONTINUATION is not limited by the protocol; an endpoint MAY treat activity that
		// is suspicious as a connection error of type ENHANCE_YOUR_CALM.
		f = fContinuations
	case int64(c.in.size)+int64(h.Length) > int64(c.p.block):
		f = fBlockLong
	}
	if f != ok {
		c.off += int64(c.in.scan)
		c.fail(f, id)
		c.off -= int64(c.in.scan)
		return false
	}
	c.in.frames++
	c.in.size += h.Length
	c.in.scan += FrameHeaderLen + h.Length
	c.in.whole = h.Flags.Has(FlagEndHeaders)
	return true
}

// decode decompresses the fragments of a field block: body octets at the front of src, pad octets to be skipped, and CONTINUATION
// frames. Every block is decoded, also of streams that are refused or gone, so that both ends keep the same table.
//
// RFC 9113 section 4.3: a receiver MUST terminate the connection with a connection error of type COMPRESSION_ERROR if it does not
// decompress a field block.
func (c *Conn) decode(id uint32, src []byte, body, pad uint32, ev *Event) bool {
	first, rest := src[:body], src[body+pad:]
	err := c.dec.Decode(first, len(rest) == 0, &ev.block)
	for err == nil && len(rest) > 0 {
		var h FrameHeader
		ParseFrameHeader(rest, &h)
		end := FrameHeaderLen + int(h.Length)
		err = c.dec.Decode(rest[FrameHeaderLen:end], end == len(rest), &ev.block)
		rest = rest[end:]
	}
	if err == nil {
		return true
	}
	c.err = Error{Scope: codec.ScopeConn, Code: CompressionError, Stream: id, Off: c.off}
	if e, is := err.(*hpack.Error); is {
		c.err.Reason = e.Reason
	}
	c.ended()
	return false
}

// block takes a whole field block that was decoded into ev.
func (c *Conn) block(h *FrameHeader, self Fault, ev *Event) {
	id := h.Stream
	slot, st := c.lookup(id)
	end := h.Flags.Has(FlagEndStream)
	if st == idle {
		c.request(id, end, self, ev)
		return
	}
	switch v := verdicts[st][inHeaders]; {
	case v.fault != ok:
		c.streamFault(v.fault, id, ev)
		return
	case v.drop:
		c.spend(1, id)
		return
	case self != ok:
		c.streamFault(self, id, ev)
		return
	}
	c.flood.work(c.p)
	f := ok
	switch {
	case c.tab.slots[slot].has(sGot):
		f = c.trailers(slot, end, ev)
	default:
		f = c.response(slot, end, ev)
	}
	if f != ok {
		c.streamFault(f, id, ev)
	}
}

// request opens a stream of the peer's.
func (c *Conn) request(id uint32, end bool, self Fault, ev *Event) {
	c.mem.use(id)
	if c.away.refuses(id) {
		// RFC 9113 section 6.8: endpoints that have sent GOAWAY with a last stream identifier discard frames on streams that
		// the peer has opened above it, after minimal processing.
		c.mem.close(id, reset)
		c.spend(1, id)
		return
	}
	c.lastID = id
	switch {
	case c.peers >= c.p.streams:
		// RFC 9113 section 5.1.2: an endpoint that receives a HEADERS frame that causes its advertised concurrent stream limit
		// to be exceeded MUST treat this as a stream error of type PROTOCOL_ERROR or REFUSED_STREAM.
		c.streamFault(fTooManyStreams, id, ev)
		return
	case c.tab.n-c.peers >= c.p.held:
		c.streamFault(fTooManyHeld, id, ev)
		return
	case self != ok:
		c.streamFault(self, id, ev)
		return
	}
	b := &ev.block
	if !b.TooLarge {
		if v, _ := fields.Request(b.Fields, fields.Options{Connect: c.p.server.EnableConnectProtocol}, &ev.result); v != 0 {
			c.streamFault(fieldFault(v), id, ev)
			return
		}
		if end && ev.result.ContentLength > 0 {
			// RFC 9113 section 8.1.1, see admitData.
			c.streamFault(fRequestShort, id, ev)
			return
		}
	}
	c.flood.work(c.p)
	st := open
	if end {
		st = halfRemote
	}
	slot := c.insert(id, st)
	s := &c.tab.slots[slot]
	s.flags |= sShown | sGot
	c.peers++
	ev.Stream, ev.User, ev.EndStream = id, 0, end
	if b.TooLarge {
		ev.Kind = TooLarge
		c.takeEarly(id)
		return
	}
	r := &ev.result
	ev.Method, ev.Scheme, ev.Authority, ev.Path, ev.Protocol = r.Method, r.Scheme, r.Authority, r.Path, r.Protocol
	// RFC 9218 section 7: a PRIORITY_UPDATE frame that came before the stream takes precedence over the Priority header field.
	if p, found := c.takeEarly(id); found {
		s.priority = p
	} else if r.Priorities > 0 {
		s.priority = c.headerPriority(ev)
	}
	ev.Priority = s.priority
	c.head(Request, ev)
	if string(r.Method) == "CONNECT" {
		s.flags |= sConnect
	} else if !end {
		s.left = r.ContentLength
	}
}

// headerPriority returns the priority that the Priority header field asks for (RFC 9218 section 5).
func (c *Conn) headerPriority(ev *Event) Priority {
	r := &ev.result
	if r.Priorities == 1 {
		p, _ := ParsePriorityField(ev.block.Fields[r.Priority].Value)
		return p
	}
	// RFC 9110 section 5.2: several field lines are one value, joined by commas.
	joined := ev.scratch[:0]
	for _, f := range ev.block.Fields[r.Priority:] {
		if string(f.Name) == "priority" {
			if len(joined) > 0 {
				joined = append(joined, ", "...)
			}
			joined = append(joined, f.Value...)
		}
	}
	ev.scratch = joined
	p, _ := ParsePriorityField(joined)
	return p
}

// head sets what all heads have in common.
func (c *Conn) head(k Kind, ev *Event) {
	r, b := &ev.result, &ev.block
	list := b.Fields
	if r.Cookies > 1 {
		// RFC 9113 section 8.2.3: if there are multiple Cookie field lines after decompression, these MUST be concatenated into a
		// single octet string before being passed into a non-HTTP/2 context.
		list, ev.scratch = fields.JoinCookies(list, r, ev.scratch[:0])
	}
	ev.Kind, ev.Fields, ev.ContentLength, ev.Status = k, list[r.Regular:], r.ContentLength, r.Status
}

// response takes a field block on a stream of ours that has no final response yet.
func (c *Conn) response(slot int32, end bool, ev *Event) Fault {
	s := &c.tab.slots[slot]
	if ev.block.TooLarge {
		return fResponseLarge
	}
	r := &ev.result
	if v, _ := fields.Response(ev.block.Fields, r); v != 0 {
		return fieldFault(v)
	}
	ev.Stream, ev.User, ev.EndStream = s.id, s.user, end
	if r.Status < 200 {
		// RFC 9113 section 8.1: a HEADERS frame with the END_STREAM flag set that carries an informational status code is
		// malformed.
		if end {
			return fInformationalEnd
		}
		if int(s.infos) >= c.p.informational {
			return fInformationalMany
		}
		s.infos = min(s.infos+1, math.MaxUint16-1)
		c.head(Informational, ev)
		return ok
	}
	s.flags |= sGot
	// RFC 9110 section 6.4.1: responses to HEAD, and those with 204 or 304, have no content. RFC 9113 section 8.1.1: a response
	// that is defined as not having content can have a non-zero Content-Length.
	connected := s.has(sConnect) && r.Status < 300
	switch {
	case s.has(sHead) || r.Status == 204 || r.Status == 304:
		s.flags |= sNoContent
	case connected:
	case end && r.ContentLength > 0:
		return fResponseShort
	case !end:
		s.left = r.ContentLength
	}
	if !connected {
		s.flags &^= sConnect
	}
	c.head(Response, ev)
	if end {
		c.endRemote(slot)
	}
	return ok
}

// trailers takes a field block behind the head of a message.
func (c *Conn) trailers(slot int32, end bool, ev *Event) Fault {
	s := &c.tab.slots[slot]
	switch {
	// RFC 9113 section 8.1: a HEADERS frame without the END_STREAM flag set after the head is malformed.
	case !end:
		return fTrailersOpen
	// RFC 9113 section 8.5: frame types other than DATA or stream management frames MUST NOT be sent on a connected stream and
	// MUST be treated as a stream error if received.
	case s.has(sConnect):
		return fTrailersConnect
	case ev.block.TooLarge:
		return fTrailersLarge
	}
	if v, _ := fields.Trailers(ev.block.Fields); v != 0 {
		return fieldFault(v)
	}
	if s.left > 0 {
		return fTrailersShort
	}
	ev.Kind, ev.Stream, ev.User, ev.EndStream, ev.Fields = Trailers, s.id, s.user, true, ev.block.Fields
	c.endRemote(slot)
	return ok
}
