package http1

import (
	"bytes"
	"unsafe"

	"github.com/purewire/purewire/codec"
)

// decState is where in a message the decoder is.
type decState uint8

const (
	stHead decState = iota
	stLength
	stUntilClose
	stChunkLine
	stChunkLineLF
	stChunkData
	stChunkCR
	stChunkLF
	stTrailer
	stEnd
	stEndTunnel
	stPaused
	stTunnel
	stFailed
)

// Flags of a Decoder.
const (
	isResponse   uint8 = 1 << iota // client role
	askedHead                      // the response is to HEAD
	askedConnect                   // the response is to CONNECT
	askedUpgrade                   // the request offered Upgrade
)

// Decoder turns the bytes of one connection into events. It holds positions and counters, never a piece of the input, and
// never allocates but to grow Event.Fields. The zero value decodes requests with default limits. It must not be copied once
// an error was returned, and it is not for concurrent use.
type Decoder struct {
	p    *Profile
	fail Error
	off  int64 // bytes consumed before the current call
	left int64 // content bytes to come, of the message or of the chunk; the chunk size while it is read
	seen int64 // content bytes so far, for the Body limit (chunked, until close)
	cur  cursor
	// excess is the chunk framing not paid for by data; lineLen the length of the chunk line so far; count the empty
	// lines skipped (requests) or the informational responses seen (responses).
	excess, lineLen, count int32
	state                  decState
	flags, part, digits    uint8
}

// InitRequest makes d a decoder of requests, the server's role. A nil p stands for the defaults.
func (d *Decoder) InitRequest(p *Profile) { *d = Decoder{p: p} }

// InitResponse makes d a decoder of responses, the client's role. It is paused until Expect tells what the response
// answers. A nil p stands for the defaults.
func (d *Decoder) InitResponse(p *Profile) {
	*d = Decoder{p: p, flags: isResponse, state: stPaused}
}

// Next consumes a prefix of src, of length n, and reports at most one event. ev.Kind None with a nil error means that
// it needs more: present src[n:] again with more behind it. The longest such tail is shorter than Limits.Head. An error is final: it
// is returned by every later call.
func (d *Decoder) Next(src []byte, ev *Event) (n int, err error) {
	p := d.p
	if p == nil {
		p = defaultProfile
	}
	switch d.state {
	case stHead:
		return d.head(p, src, ev)
	case stLength:
		if len(src) == 0 {
			break
		}
		n = len(src)
		if int64(n) >= d.left {
			n = int(d.left)
			d.state = stEnd
		}
		d.left -= int64(n)
		ev.Kind, ev.Data = Body, src[:n:n]
		return d.consumed(n), nil
	case stUntilClose:
		if len(src) == 0 {
			break
		}
		n = len(src)
		if room := p.body - d.seen; int64(n) > room {
			if n = int(room); n == 0 {
				return d.failed(rBodyReached, 0, 0, ev)
			}
		}
		d.seen += int64(n)
		ev.Kind, ev.Data = Body, src[:n:n]
		return d.consumed(n), nil
	case stEnd:
		ev.Kind, ev.Fields, d.state = End, ev.Fields[:0], stPaused
		return 0, nil
	case stEndTunnel:
		ev.Kind, ev.Fields, d.state = End, ev.Fields[:0], stTunnel
		return 0, nil
	case stPaused, stTunnel:
	case stFailed:
		ev.Kind = None
		return 0, &d.fail
	default:
		return d.nextChunked(p, src, 0, ev)
	}
	ev.Kind = None
	return 0, nil
}

// consumed accounts for n bytes of src.
func (d *Decoder) consumed(n int) int {
	d.off += int64(n)
	return n
}

// failed consumes n bytes and fails at src[at].
func (d *Decoder) failed(r reason, n, at int, ev *Event) (int, error) {
	ev.Kind = None
	d.fail.set(r, d.off+int64(at), d.flags&isResponse != 0)
	d.off += int64(n)
	d.state = stFailed
	return n, &d.fail
}

// head reads a message head.
func (d *Decoder) head(p *Profile, src []byte, ev *Event) (int, error) {
	n := 0
	response := d.flags&isResponse != 0
	if d.cur.scan == 0 && !response && len(src) > 0 && src[0] <= '\r' {
		var r reason
		if n, r = d.emptyLines(p, src); r != ok {
			return d.failed(r, n, n, ev)
		}
	}
	if n == len(src) || d.cur.scan == 0 && src[n] == '\r' && !response {
		ev.Kind = None
		return d.consumed(n), nil
	}
	kind := requestHead
	if response {
		kind = responseHead
	}
	var line startLine
	var k, off int
	var r reason
	if d.cur.scan == 0 {
		line.fewer = p.framingOnly
		k, ev.Fields = walk(p, kind, src[n:], &line, ev.Fields)
		d.cur.steps += uint64(k)
	}
	if k == 0 {
		k, line, ev.Fields, r, off = parseSection(p, kind, src[n:], &d.cur, ev.Fields)
		if r != ok {
			return d.failed(r, n, n+off, ev)
		}
		if k == 0 {
			ev.Kind = None
			return d.consumed(n), nil
		}
	}
	head := src[n : n+k]
	if response {
		r, off = d.response(p, head, &line, ev)
	} else {
		r, off = d.request(p, head, &line, ev)
	}
	if r != ok {
		return d.failed(r, n+overwritten(p, k), n+off, ev)
	}
	if p.framingOnly {
		ev.Fields = ev.Fields[:0]
	}
	d.cur.restart()
	return d.consumed(n + k), nil
}

// overwritten returns how much of a section of k bytes that is refused as a whole counts as consumed: with ObsFold its folds may be
// overwritten by then, and only what is consumed may be written to.
func overwritten(p *Profile, k int) int {
	if p.lenient.ObsFold {
		return k
	}
	return 0
}

// emptyLines skips what some clients send behind a body. RFC 9112 section 2.2-6: a server that is expecting to receive and parse a
// request-line SHOULD ignore at least one empty line (CRLF) received prior to the request-line.
func (d *Decoder) emptyLines(p *Profile, src []byte) (n int, r reason) {
	for n < len(src) {
		step := 1
		switch {
		case src[n] == '\r':
			if n+1 == len(src) {
				return n, ok
			}
			if src[n+1] != '\n' {
				return n, rEmptyLineCR
			}
			step = 2
		case src[n] == '\n' && p.lenient.BareLF:
		default:
			return n, ok
		}
		if int(d.count) >= p.leadingCRLF {
			return n, rEmptyLines
		}
		d.count++
		n += step
		d.cur.steps += uint64(step)
	}
	return n, ok
}

// position returns where in head field i begins.
func position(head []byte, fields []codec.Field, i int) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(fields[i].Name))) - uintptr(unsafe.Pointer(unsafe.SliceData(head))))
}

// begin sets the state for the content of the message in ev.
func (d *Decoder) begin(p *Profile, ev *Event) {
	d.left, d.seen, d.excess = 0, 0, 0
	switch ev.Framing {
	case Length:
		d.left, d.state = ev.Length, stLength
		if ev.Length == 0 {
			d.state = stEnd
		}
	case Chunked:
		d.beginChunkLine()
	case UntilClose:
		d.state = stUntilClose
	case Tunnel:
		d.state = stEndTunnel
	default:
		d.state = stEnd
	}
}

// request draws the conclusions from a request head. off is a position in it.
func (d *Decoder) request(p *Profile, head []byte, line *startLine, ev *Event) (r reason, off int) {
	ev.Kind = Request
	ev.Minor = line.minor
	ev.Method = clip(head, 0, line.a)
	ev.MethodID = LookupMethod(ev.Method)
	if ev.MethodID == MethodOther && p.lenient.MixedCaseMethod {
		ev.MethodID = foldMethod(ev.Method)
	}
	ev.Target = clip(head, line.a+1, line.b)
	var authority []byte
	if ev.Target[0] == '/' && ev.MethodID != MethodConnect {
		ev.Form, ev.Path, ev.Query, ev.HasQuery = OriginForm, ev.Target, nil, false
		if i := bytes.IndexByte(ev.Target, '?'); i >= 0 {
			ev.Path, ev.Query, ev.HasQuery = clip(ev.Target, 0, i), ev.Target[i+1:], true
		}
	} else {
		var t Target
		if r, off = t.parse(ev.MethodID, ev.Target); r != ok {
			return r, line.a + 1 + off
		}
		ev.Form, ev.Path, ev.Query, ev.HasQuery = t.Form, t.Path, t.Query, t.HasQuery
		authority = t.Authority
	}

	var f facts
	if r, at := f.collect(p, ev.Fields, line.dull, line.minor, false); r != ok {
		return r, position(head, ev.Fields, at)
	}
	// RFC 9112 section 3.2-6: a server MUST respond with 400 to any HTTP/1.1 request message that lacks a Host header field and to
	// any request message that contains more than one Host header field line or one with an invalid field value.
	if f.hosts == 0 && line.minor > 0 {
		return rHostMissing, len(head)
	}
	// RFC 9112 section 3.2.2: an origin server MUST ignore the received Host of an absolute-form request and use the host
	// of the target.
	if authority == nil {
		authority = f.host
	}
	ev.Authority = authority
	// RFC 9112 section 6.3: the presence of a message body in a request is signaled by Content-Length or Transfer-Encoding,
	// never by the method.
	switch {
	case f.codingAt >= 0:
		ev.Framing, ev.Length = Chunked, -1
	case f.length >= 0:
		if f.length > p.body {
			return rBodyDeclared, position(head, ev.Fields, f.lengthAt)
		}
		ev.Framing, ev.Length = Length, f.length
	default:
		ev.Framing, ev.Length = NoBody, 0
	}
	if f.dropLengths {
		ev.Fields = removeLengths(ev.Fields)
	}
	ev.KeepAlive = f.persists(line.minor)
	ev.Expect100 = f.expect && (ev.Framing == Chunked || ev.Length > 0)
	// RFC 9110 section 7.8: a server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request.
	ev.Upgrade = f.upgrade && f.upgradeOpt && line.minor > 0
	d.count = 0
	d.begin(p, ev)
	return ok, 0
}

// response draws the conclusions from a response head (RFC 9112 section 6.3).
func (d *Decoder) response(p *Profile, head []byte, line *startLine, ev *Event) (r reason, off int) {
	ev.Kind = Response
	ev.Minor = line.minor
	ev.Status, ev.Reason = line.status, clip(head, line.a, line.b)
	ev.Upgrade = false
	if d.flags&askedConnect != 0 && line.status/100 == 2 {
		// RFC 9112 section 6.3-2.2: any 2xx response to CONNECT becomes a tunnel; a client MUST ignore any Content-Length or
		// Transfer-Encoding received in it.
		ev.Framing, ev.Length, ev.KeepAlive = Tunnel, 0, false
		d.begin(p, ev)
		return ok, 0
	}
	var f facts
	if r, at := f.collect(p, ev.Fields, line.dull, line.minor, true); r != ok {
		return r, position(head, ev.Fields, at)
	}
	if line.status < 200 {
		return d.informational(p, head, &f, ev)
	}
	ev.KeepAlive = f.persists(line.minor)
	switch {
	case line.status == 204:
		ev.Framing, ev.Length = NoBody, 0
	case d.flags&askedHead != 0 || line.status == 304:
		ev.Framing, ev.Length = NoBody, f.length
	case f.codingAt >= 0:
		ev.Framing, ev.Length = Chunked, -1
	case f.length >= 0:
		if f.length > p.body {
			return rBodyDeclared, position(head, ev.Fields, f.lengthAt)
		}
		ev.Framing, ev.Length = Length, f.length
	default:
		ev.Framing, ev.Length, ev.KeepAlive = UntilClose, -1, false
	}
	if f.dropLengths {
		ev.Fields = removeLengths(ev.Fields)
	}
	d.begin(p, ev)
	return ok, 0
}

// informational judges a 1xx response. They are never content-bearing; the decoder goes on to the next head.
func (d *Decoder) informational(p *Profile, head []byte, f *facts, ev *Event) (r reason, off int) {
	if ev.Status == 101 {
		// RFC 9110 section 15.2.2: the server switches to the protocol in Upgrade, which the client must have offered.
		if d.flags&askedUpgrade == 0 {
			return rSwitchUnasked, 0
		}
		if !f.upgrade || !f.upgradeOpt || ev.Minor == 0 {
			return rSwitchUpgrade, 0
		}
		ev.Framing, ev.Length, ev.KeepAlive, ev.Upgrade = Tunnel, 0, false, true
		d.begin(p, ev)
		return ok, 0
	}
	// RFC 9110 section 15.2: a client MUST be able to parse one or more 1xx responses received prior to a final response. A bound
	// is not against it: no more than a few make sense.
	if int(d.count) >= p.informational {
		return rInformationalMany, 0
	}
	d.count++
	ev.Kind = Informational
	return ok, 0
}

// Finish tells that the input has ended behind what Next consumed. It reports the End of a message that ends with the connection
// (or whose End was not fetched yet), nothing between messages, and an error for everything that is cut short: RFC 9112
// section 8, a message is incomplete if the connection closed before its framing said so. Bytes of a head that were presented to Next
// but not consumed count as a cut head.
func (d *Decoder) Finish(ev *Event) error {
	ev.Kind = None
	r := ok
	switch d.state {
	case stFailed:
		return &d.fail
	case stHead:
		switch {
		case d.cur.scan > 0:
			r = rCutHead
		case d.flags&isResponse != 0:
			r = rCutNone
		}
	case stLength:
		r = rCutBody
	case stUntilClose, stEnd:
		ev.Kind, ev.Fields, d.state = End, ev.Fields[:0], stPaused
	case stEndTunnel:
		ev.Kind, ev.Fields, d.state = End, ev.Fields[:0], stTunnel
	case stPaused, stTunnel:
	default:
		r = rCutChunked
	}
	if r == ok {
		return nil
	}
	_, err := d.failed(r, 0, 0, ev)
	return err
}

// Paused reports whether a message has ended and the decoder waits for Resume or Expect.
func (d *Decoder) Paused() bool { return d.state == stPaused }

// Resume lets a decoder of requests read the next one. It does nothing unless the decoder is paused.
func (d *Decoder) Resume() {
	if d.state == stPaused && d.flags&isResponse == 0 {
		d.state = stHead
		d.cur.restart()
	}
}

// Expect tells a decoder of responses that a request with method m was sent and that its response comes next; upgrade says
// whether it offered to switch protocols, without which a 101 is an error. It does nothing unless the decoder is paused. With
// pipelining call it once per request, in order, after the End before it.
func (d *Decoder) Expect(m Method, upgrade bool) {
	if d.state != stPaused || d.flags&isResponse == 0 {
		return
	}
	d.flags = isResponse
	switch m {
	case MethodHead:
		d.flags |= askedHead
	case MethodConnect:
		d.flags |= askedConnect
	}
	if upgrade {
		d.flags |= askedUpgrade
	}
	d.state, d.count = stHead, 0
	d.cur.restart()
}

// Idle reports whether the connection is between messages: no byte of a next head has been seen. Empty lines before a
// request do not count. A decoder of responses is idle while it expects none.
func (d *Decoder) Idle() bool {
	return d.state == stPaused || d.state == stHead && d.flags&isResponse == 0 && d.cur.scan == 0
}

// InBody reports whether a head was reported whose End was not.
func (d *Decoder) InBody() bool { return d.state > stHead && d.state < stPaused }

// Err returns the error that ended the connection, nil while there is none.
func (d *Decoder) Err() error {
	if d.state == stFailed {
		return &d.fail
	}
	return nil
}

// AppendOwed returns dst: HTTP/1 owes nothing by itself. It is here for loops that serve any codec.
func (d *Decoder) AppendOwed(dst []byte, max int) []byte { return dst }

// Steps returns how many bytes were looked at so far, to show that the work is linear in the input at any cutting: it is
// at most four times the input. Not counted is the one-pass walker's try at a head that turns out not to be whole or
// not to be plain: one per head, which stops inside it.
func (d *Decoder) Steps() uint64 { return d.cur.steps }

// Tunnel reports whether HTTP has ended on this connection (101, 2xx to CONNECT): the unread bytes belong to the next
// protocol. Only a decoder of responses knows this by itself.
func (d *Decoder) Tunnel() bool { return d.state == stTunnel }
