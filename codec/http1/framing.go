package http1

import (
	"bytes"
	"math"

	"github.com/purewire/purewire/codec"
)

// found is what a header section says that matters to framing: the positions of fields, and counts.
type found struct {
	host, length, coding, expect, upgrade int // index of the first one, -1 if absent
	hosts, lengths, codings, connections  int
}

// find looks for the fields that matter, by length first.
func find(fields []codec.Field) found {
	f := found{host: -1, length: -1, coding: -1, expect: -1, upgrade: -1}
	for i := range fields {
		name := fields[i].Name
		switch len(name) {
		case 4:
			if foldEqual(name, "host") {
				if f.hosts++; f.hosts == 1 {
					f.host = i
				}
			}
		case 6:
			if f.expect < 0 && foldEqual(name, "expect") {
				f.expect = i
			}
		case 7:
			if f.upgrade < 0 && foldEqual(name, "upgrade") {
				f.upgrade = i
			}
		case 10:
			if foldEqual(name, "connection") {
				f.connections++
			}
		case 14:
			if foldEqual(name, "content-length") {
				if f.lengths++; f.lengths == 1 {
					f.length = i
				}
			}
		case 17:
			if foldEqual(name, "transfer-encoding") {
				if f.codings++; f.codings == 1 {
					f.coding = i
				}
			}
		}
	}
	return f
}

// request draws the conclusions of a request head: target, host, framing, persistence.
func (d *Decoder) request(src []byte, line startLine, ev *Event) (reason, int) {
	ev.Method, ev.Target = clip(src, 0, line.a), clip(src, line.a+1, line.b)
	ev.MethodID = LookupMethod(ev.Method)
	if ev.MethodID == MethodOther && d.p.lenient.MixedCaseMethod {
		ev.MethodID = foldMethod(ev.Method)
	}
	var t Target
	if r, off := t.parse(ev.MethodID, ev.Target); r != ok {
		return r, line.a + 1 + off
	}
	ev.Form, ev.Path, ev.Query, ev.HasQuery, ev.Authority = t.Form, t.Path, t.Query, t.HasQuery, t.Authority
	f := find(ev.Fields)
	if r := checkHost(ev, &f); r != ok {
		return r, 0
	}
	var close bool
	if r := d.length(ev, &f, &close); r != ok {
		return r, 0
	}
	persistence(ev, &f)
	if close {
		ev.KeepAlive = false
	}
	if r := expectation(ev, &f); r != ok {
		return r, 0
	}
	if r := d.follow(ev); r != ok {
		return r, 0
	}
	ev.Kind = Request
	return ok, 0
}

// checkHost. RFC 9112 section 3.2-6: a server MUST respond with a 400 to any HTTP/1.1 request message that lacks a Host
// header field and to any request message that contains more than one Host header field line or a Host header field with
// an invalid field value.
func checkHost(ev *Event, f *found) reason {
	switch {
	case f.hosts == 0 && ev.Minor > 0:
		return rHostMissing
	case f.hosts == 0:
		return ok
	case f.hosts > 1:
		return rHostRepeated
	}
	host := ev.Fields[f.host].Value
	if len(host) > 0 {
		if n, _, valid := splitHost(host); !valid || n == 0 {
			return rHostInvalid
		}
	}
	// RFC 9112 section 3.2.2-8: an origin server MUST ignore the received Host and use the host of an absolute target.
	if ev.Form != AbsoluteForm && ev.Form != AuthorityForm {
		ev.Authority = host
	}
	return ok
}

// length decides the framing of a message that may have content (RFC 9112 section 6.3), NoBody if nothing declares any.
func (d *Decoder) length(ev *Event, f *found, close *bool) reason {
	ev.Framing, ev.Length = NoBody, 0
	if f.codings > 0 {
		if r := coding(ev, f); r != ok {
			return r
		}
		if f.lengths > 0 {
			// RFC 9112 section 6.1-16: a server MAY reject a request that contains both Content-Length and
			// Transfer-Encoding. RFC 9112 section 6.3-2.3: it ought to be handled as an error.
			if !d.p.lenient.LengthWithChunked {
				return rCodingLength
			}
			*close = true
			dropLengths(ev)
		}
		ev.Framing, ev.Length = Chunked, -1
		return ok
	}
	if f.lengths == 0 {
		return ok
	}
	n, r := contentLength(ev.Fields[f.length].Value, d.p.lenient.RepeatedLength)
	if r != ok {
		return r
	}
	if f.lengths > 1 {
		if !d.p.lenient.RepeatedLength {
			return rLengthRepeated
		}
		for i := f.length + 1; i < len(ev.Fields); i++ {
			if !foldEqual(ev.Fields[i].Name, "content-length") {
				continue
			}
			m, r := contentLength(ev.Fields[i].Value, true)
			if r != ok {
				return r
			}
			if m != n {
				return rLengthDiffer
			}
		}
	}
	ev.Length = n
	if n > 0 {
		ev.Framing = Length
	}
	return ok
}

// coding checks Transfer-Encoding. RFC 9112 section 6.1-15: a server that receives a request message with a transfer coding
// it does not understand SHOULD respond with 501. RFC 9112 section 6.3-2.4: if chunked is not the final encoding, the server
// MUST respond with 400 and then close the connection.
func coding(ev *Event, f *found) reason {
	if ev.Minor == 0 {
		// RFC 9112 section 6.1-16: a server or client that receives an HTTP/1.0 message containing a Transfer-Encoding
		// header field MUST treat the message as if the framing is faulty.
		return rCodingVersion
	}
	if f.codings > 1 {
		return rCodingRepeated
	}
	list := ev.Fields[f.coding].Value
	if foldEqual(list, "chunked") {
		return ok
	}
	if len(list) == 0 {
		return rCodingEmpty
	}
	chunked, unknown, last := 0, false, false
	for rest := list; rest != nil; {
		var e []byte
		e, rest = nextElement(rest)
		if len(e) == 0 {
			return rCodingEmpty
		}
		last = foldEqual(e, "chunked")
		if last {
			chunked++
		} else {
			unknown = true
		}
	}
	switch {
	case chunked > 1:
		// RFC 9112 section 6.1-4: a sender MUST NOT apply the chunked transfer coding more than once.
		return rCodingTwice
	case chunked == 1 && !last:
		return rCodingNotFinal
	case unknown:
		return rCodingUnknown
	}
	return rCodingEmpty
}

// contentLength parses 1*DIGIT (RFC 9110 section 8.6), with list set also a list of equal values.
func contentLength(v []byte, list bool) (int64, reason) {
	if bytes.IndexByte(v, ',') >= 0 {
		if !list {
			return 0, rLengthList
		}
		var first int64
		for i, rest := 0, v; rest != nil; i++ {
			var e []byte
			e, rest = nextElement(rest)
			n, r := contentLength(e, false)
			switch {
			case r != ok:
				return 0, r
			case i == 0:
				first = n
			case n != first:
				return 0, rLengthDiffer
			}
		}
		return first, ok
	}
	if len(v) == 0 {
		return 0, rLengthEmpty
	}
	var n uint64
	for _, c := range v {
		if !isDigit(c) {
			return 0, rLengthByte
		}
	}
	for _, c := range v {
		if n > (math.MaxInt64-9)/10 && n*10+uint64(c-'0') > math.MaxInt64 || n > math.MaxInt64/10 {
			// RFC 9110 section 8.6-14: a recipient MUST anticipate potentially large decimal numerals and prevent parsing
			// errors due to integer conversion overflows.
			return 0, rLengthBig
		}
		n = n*10 + uint64(c-'0')
	}
	return int64(n), ok
}

// dropLengths removes Content-Length, which chunked overrides (RFC 9112 section 6.3-2.3).
func dropLengths(ev *Event) {
	kept := ev.Fields[:0]
	for _, f := range ev.Fields {
		if !foldEqual(f.Name, "content-length") {
			kept = append(kept, f)
		}
	}
	ev.Fields = kept
}

// persistence decides KeepAlive (RFC 9112 section 9.3) and Upgrade (RFC 9110 section 7.8).
func persistence(ev *Event, f *found) {
	ev.KeepAlive, ev.Upgrade = ev.Minor > 0, false
	if f.connections == 0 {
		return
	}
	var close, keep, upgrade bool
	for i := range ev.Fields {
		if len(ev.Fields[i].Name) != 10 || !foldEqual(ev.Fields[i].Name, "connection") {
			continue
		}
		for rest := ev.Fields[i].Value; rest != nil; {
			var e []byte
			e, rest = nextElement(rest)
			switch len(e) {
			case 5:
				close = close || foldEqual(e, "close")
			case 7:
				upgrade = upgrade || foldEqual(e, "upgrade")
			case 10:
				keep = keep || foldEqual(e, "keep-alive")
			}
		}
	}
	switch {
	case close:
		ev.KeepAlive = false
	case keep:
		ev.KeepAlive = true
	}
	// RFC 9110 section 7.8-15: a server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request.
	ev.Upgrade = upgrade && f.upgrade >= 0 && ev.Minor > 0
}

// expectation decides Expect100. RFC 9110 section 10.1.1-6: a server that receives an Expect field value containing a member
// other than 100-continue MAY respond with 417. Section 10.1.1-11: it MUST ignore 100-continue in an HTTP/1.0 request.
func expectation(ev *Event, f *found) reason {
	ev.Expect100 = false
	if f.expect < 0 || ev.Minor == 0 {
		return ok
	}
	for i := f.expect; i < len(ev.Fields); i++ {
		if foldEqual(ev.Fields[i].Name, "expect") && !foldEqual(ev.Fields[i].Value, "100-continue") {
			return rExpectation
		}
	}
	ev.Expect100 = ev.Framing != NoBody
	return ok
}

// response draws the conclusions of a response head (RFC 9112 section 6.3).
func (d *Decoder) response(src []byte, line startLine, ev *Event) (reason, int) {
	ev.Status, ev.Reason = line.status, clip(src, line.a, line.b)
	f := find(ev.Fields)
	persistence(ev, &f)
	if line.status < 200 && line.status != 101 {
		return d.informational(ev)
	}
	var close bool
	if r := d.length(ev, &f, &close); r != ok {
		return r, 0
	}
	declared := f.lengths > 0 && f.codings == 0
	switch {
	case line.status == 101:
		// RFC 9110 section 7.8: a server MUST NOT switch to a protocol that was not indicated by the client.
		if d.flags&flUpgrade == 0 {
			return rSwitchUnasked, 0
		}
		if !ev.Upgrade {
			return rSwitchUpgrade, 0
		}
		ev.Framing, ev.Length = Tunnel, -1
	case d.asked == MethodConnect && line.status < 300:
		// RFC 9110 section 9.3.6: a client MUST ignore any Content-Length or Transfer-Encoding in a 2xx to CONNECT.
		ev.Framing, ev.Length = Tunnel, -1
	case d.asked == MethodHead || line.status == 204 || line.status == 304:
		ev.Framing = NoBody
		if !declared {
			ev.Length = -1
		}
	case ev.Framing == NoBody && !declared:
		ev.Framing, ev.Length, ev.KeepAlive = UntilClose, -1, false
	}
	if close {
		ev.KeepAlive = false
	}
	if r := d.follow(ev); r != ok {
		return r, 0
	}
	ev.Kind = Response
	return ok, 0
}

// informational reports a 1xx response. RFC 9110 section 15.2: a client MUST be able to parse one or more 1xx responses
// received prior to a final response; we bound how many.
func (d *Decoder) informational(ev *Event) (reason, int) {
	if int(d.infos) >= min(d.p.informational, 255) {
		return rInformationalMany, 0
	}
	d.infos++
	d.phase = phStart
	ev.Kind, ev.Framing, ev.Length = Informational, NoBody, 0
	return ok, 0
}
