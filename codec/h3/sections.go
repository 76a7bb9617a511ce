package h3

import (
	"github.com/purewire/purewire/codec/internal/fields"
)

// fieldFault returns the fault for a verdict about a field section.
func fieldFault(v fields.Verdict) Fault {
	if v == fields.OK {
		return ok
	}
	return fFieldNameEmpty + Fault(v-fields.NameEmpty)
}

// headersFrame waits until a HEADERS frame is there as a whole and the entries it needs are, too, and takes it. n is the length of its
// header.
func (c *Conn) headersFrame(slot int32, h FrameHeader, n int, src []byte, ev *Event) (more bool) {
	s := &c.tab.slots[slot]
	switch {
	// RFC 9114 section 4.1-7, see dataFrame.
	case s.phase == wantEnd:
		c.failAt(fHeadersTrailers, slot)
		return false
	// RFC 9114 section 4.4-8: Once the CONNECT method has completed, only DATA frames are permitted to be sent on the stream. Receipt
	// of any other known frame type MUST be treated as a connection error of type H3_FRAME_UNEXPECTED.
	case s.phase == wantBody && s.has(sConnect):
		c.failAt(fHeadersConnect, slot)
		return false
	case h.Length > c.p.block:
		c.tooLong(slot, ev)
		return false
	case s.has(sBlocked) || uint64(len(src)-n) < h.Length:
		return false
	}
	end := n + int(h.Length)
	if _, err := c.dec.Decode(s.id, src[n:end], true, &ev.block); err != nil {
		c.failTable(err, s.id, s.off+int64(n))
		return false
	}
	if ev.block.Blocked {
		s.flags |= sBlocked
		s.due = c.now.Add(c.p.blockTimeout)
		if c.p.blockTimeout == 0 {
			s.due = 0
		}
		c.waiting++
		return false
	}
	if c.dec.Owed() > c.p.answers {
		c.failAt(fAnswers, slot)
		return false
	}
	f := ok
	switch {
	case s.phase == wantBody:
		f = c.trailers(s, ev)
	case c.role == Server:
		f = c.requestHead(slot, ev)
	default:
		f = c.response(s, ev)
	}
	if f != ok {
		c.streamFault(f, slot, ev)
		return false
	}
	c.flood.work(c.p)
	s.off += int64(end)
	if ev.Kind == TooLarge {
		c.stopReading(slot, NoError)
	}
	return true
}

// tooLong refuses a field section by its declared length. It is not read: the stream is over, or its content is not wanted.
func (c *Conn) tooLong(slot int32, ev *Event) {
	s := &c.tab.slots[slot]
	switch {
	case s.phase == wantBody:
		c.streamFault(fTrailersLong, slot, ev)
	case c.role == Client:
		c.streamFault(fResponseLong, slot, ev)
	default:
		// RFC 9114 section 4.2.2-1: A server that receives a larger header section than it is willing to handle can send an HTTP 431
		// (Request Header Fields Too Large) status code.
		c.refuseLarge(s, ev)
		c.stopReading(slot, NoError)
	}
}

// refuseLarge reports a request with a head that is too large.
func (c *Conn) refuseLarge(s *stream, ev *Event) {
	s.flags |= sShown
	ev.Kind, ev.Stream, ev.User, ev.EndStream = TooLarge, s.id, s.user, false
}

// requestHead takes the head of a request.
func (c *Conn) requestHead(slot int32, ev *Event) Fault {
	s := &c.tab.slots[slot]
	b, r := &ev.block, &ev.result
	if b.TooLarge {
		c.refuseLarge(s, ev)
		return ok
	}
	if v, _ := fields.Request(b.Fields, fields.Options{Connect: c.p.server.EnableConnectProtocol}, r); v != fields.OK {
		return fieldFault(v)
	}
	s.flags |= sShown
	s.phase = wantBody
	ev.Stream, ev.User, ev.EndStream = s.id, s.user, false
	ev.Method, ev.Scheme, ev.Authority, ev.Path, ev.Protocol = r.Method, r.Scheme, r.Authority, r.Path, r.Protocol
	// RFC 9218 section 7: a PRIORITY_UPDATE frame that came before takes precedence over the Priority header field.
	if !s.has(sEarly) && r.Priorities > 0 {
		s.priority = headerPriority(ev)
	}
	ev.Priority = s.priority
	c.head(Request, ev)
	switch string(r.Method) {
	case "CONNECT":
		s.flags |= sConnect
		if r.Protocol != nil {
			s.flags |= sDatagrams
		}
		return ok
	case "HEAD":
		s.flags |= sHead
	}
	s.content = r.ContentLength
	return ok
}

// headerPriority returns the priority that the Priority header field asks for (RFC 9218 section 5).
func headerPriority(ev *Event) Priority {
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
		// RFC 9114 section 4.2.1-2: If a decompressed field section contains multiple cookie field lines, these MUST be concatenated into a
		// single byte string [...] before being passed into a context other than HTTP/2 or HTTP/3.
		list, ev.scratch = fields.JoinCookies(list, r, ev.scratch[:0])
	}
	ev.Kind, ev.Fields, ev.ContentLength, ev.Status = k, list[r.Regular:], r.ContentLength, r.Status
}

// response takes the head of an interim or final response.
func (c *Conn) response(s *stream, ev *Event) Fault {
	if ev.block.TooLarge {
		return fResponseLarge
	}
	r := &ev.result
	if v, _ := fields.Response(ev.block.Fields, r); v != fields.OK {
		return fieldFault(v)
	}
	ev.Stream, ev.User, ev.EndStream = s.id, s.user, false
	if r.Status < 200 {
		if int(s.infos) >= c.p.informational {
			return fInformationalMany
		}
		s.infos++
		s.phase = wantFinal
		c.head(Informational, ev)
		return ok
	}
	s.phase = wantBody
	// RFC 9110 section 6.4.1: responses to HEAD, and those with 204 or 304, have no content. RFC 9114 section 4.1.2-3: a response that is
	// defined as never having content can have a non-zero Content-Length.
	switch {
	case s.has(sHead) || r.Status == 204 || r.Status == 304:
		s.flags |= sNoContent
	case s.has(sConnect) && r.Status < 300: // RFC 9110 section 9.3.6: a 2xx makes a tunnel
	default:
		s.content = r.ContentLength
	}
	if r.Status >= 300 {
		s.flags &^= sConnect | sDatagrams
	}
	c.head(Response, ev)
	return ok
}

// trailers takes a field section behind the head of a message.
func (c *Conn) trailers(s *stream, ev *Event) Fault {
	if ev.block.TooLarge {
		return fTrailersLarge
	}
	if v, _ := fields.Trailers(ev.block.Fields); v != fields.OK {
		return fieldFault(v)
	}
	if s.content > 0 {
		return fTrailersShort
	}
	s.phase = wantEnd
	ev.Kind, ev.Stream, ev.User, ev.EndStream, ev.Fields = Trailers, s.id, s.user, false, ev.block.Fields
	return ok
}
