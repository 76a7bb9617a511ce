package http1

import (
	"bytes"
	"github.com/purewire/purewire/codec/internal/syntax"

	"github.com/purewire/purewire/codec"
)

// kind of section: what its first line is.
type sectionKind uint8

const (
	requestHead sectionKind = iota
	responseHead
	trailerSection
)

// cursor remembers how far an incomplete head or trailer section was looked at. Positions count from its first byte.
type cursor struct {
	steps  uint64 // bytes looked at, over the whole connection
	pos    int32  // start of the first line that is not whole yet; everything before it is valid
	scan   int32  // no LF stands in src[pos:scan]
	fields int32  // field lines before pos
}

func (c *cursor) restart() { c.pos, c.scan, c.fields = 0, 0, 0 }

// startLine is a parsed request line or status line, as positions in the head.
type startLine struct {
	a, b   int // method is [0:a], target [a+1:b]; reason phrase is [a:b]
	status int
	minor  uint8
	// dull has bit i set if field i, one of the first 64, has a name that says nothing about framing: collect need not look.
	dull uint64
	// fewer, set by the caller of walk, allows the walker to leave dull fields out.
	fewer bool
}

// section parses heads and trailer sections line by line. It is the reference for what is accepted and the only
// judge of errors: the one-pass walkers do the same for whole, valid, strict heads, only faster, and decline
// everything else.
//
// A line is judged when its LF has arrived, in wire order; a limit when its last allowed byte has. So the outcome depends
// on the bytes alone, not on how they were cut.
type section struct {
	p      *Profile
	kind   sectionKind
	store  bool // append to fields; else only validate
	folded bool
	raw    int // start of the last field's value, whitespace included
	src    []byte
	fields []codec.Field
	line   startLine
}

// parseSection parses the section at the start of src. n is its length with the empty line, 0 if more input is needed or
// r is not ok; off is the position of the failure. fields is what it appended to f[:0].
func parseSection(p *Profile, kind sectionKind, src []byte, c *cursor, f []codec.Field) (n int, line startLine, fields []codec.Field, r reason, off int) {
	s := section{p: p, kind: kind, src: src, fields: f[:0], store: c.pos == 0}
	if len(src) < int(c.scan) {
		return 0, s.line, s.fields, ok, 0 // fewer bytes than before: nothing new
	}
	n, r, off = s.lines(c)
	if n == 0 {
		return n, s.line, s.fields[:0], r, off
	}
	if !s.store {
		// All lines are known to be good; now collect them.
		c.restart()
		if kind != trailerSection && p.strictHead {
			return parseHead(p, kind, src[:n], c, f)
		}
		s.store = true
		n, r, off = s.lines(c)
	}
	if s.folded {
		for _, f := range s.fields {
			unfold(f.Value)
		}
	}
	return n, s.line, s.fields, r, off
}

func (s *section) lines(c *cursor) (n int, r reason, off int) {
	p, src := s.p, s.src
	for {
		pos := int(c.pos)
		if pos >= p.head {
			return 0, rHeadLong, p.head
		}
		first := pos == 0 && s.kind != trailerSection
		limit := p.field
		if first {
			if r := s.firstByte(); r != ok {
				return 0, r, 0
			}
			limit = p.line
		}
		stop := min(pos+limit+2, p.head)
		from, end := int(c.scan), min(len(src), stop)
		i := bytes.IndexByte(src[from:end], '\n')
		if i < 0 {
			c.steps += uint64(end - from)
			c.scan = int32(end)
			if end < stop {
				return 0, ok, 0
			}
			if pos+limit+2 > p.head {
				return 0, rHeadLong, p.head
			}
			return 0, s.tooLong(src[pos:stop], first), pos + limit
		}
		lf := from + i
		c.steps += uint64(i + 1 + lf - pos)
		eol := lf
		switch {
		case lf > pos && src[lf-1] == '\r':
			eol--
		case p.lenient.BareLF && s.kind != trailerSection:
		case first:
			// RFC 9112 section 2.2-3: a recipient MAY recognize a single LF as a line terminator. Not this one.
			return 0, rLineLF, lf
		default:
			return 0, rFieldLF, lf
		}
		if eol-pos > limit {
			return 0, s.tooLong(src[pos:lf], first), pos + limit
		}
		switch {
		case first:
			if s.kind == requestHead {
				r, off = s.requestLine(src[:eol])
			} else {
				r, off = s.statusLine(src[:eol])
			}
		case eol == pos:
			return lf + 1, ok, 0
		default:
			r, off = s.fieldLine(c, pos, eol)
		}
		if r != ok {
			return 0, r, off
		}
		c.pos = int32(lf + 1)
		c.scan = c.pos
	}
}

// firstByte fails heads that cannot become one at their first byte: a TLS handshake, a response, an empty line.
func (s *section) firstByte() reason {
	switch {
	case len(s.src) == 0:
	case s.kind == requestHead && syntax.Class[s.src[0]]&clsToken == 0:
		return rMethod
	case s.kind == responseHead && s.src[0] != 'H':
		return rStatusVersion
	}
	return ok
}

// tooLong names the limit that a line broke. RFC 9112 section 3-4: a server that receives a request-target longer than any
// URI it wishes to parse MUST respond with 414.
func (s *section) tooLong(line []byte, first bool) reason {
	switch {
	case !first:
		return rFieldLong
	case s.kind == requestHead:
		method, rest, found := bytes.Cut(line, []byte(" "))
		// What a version and its CR take up behind the target is not to blame.
		if end := bytes.IndexByte(rest, ' '); found && IsToken(method) && (end < 0 || len(rest)-end <= len(" HTTP/1.1\r\n")) {
			return rTargetLong
		}
	}
	return rLineLong
}

// requestLine parses "method SP request-target SP HTTP-version" (RFC 9112 section 3).
func (s *section) requestLine(line []byte) (reason, int) {
	a := 0
	for a < len(line) && syntax.Class[line[a]]&clsToken != 0 {
		a++
	}
	switch {
	case a == len(line) || line[a] != ' ':
		return lineCR(line, a, rMethodEnd), a
	case a+1 == len(line):
		return rNoVersion, a + 1
	case line[a+1] == ' ':
		return rTargetEmpty, a + 1
	}
	b := a + 1
	for b < len(line) && syntax.Class[line[b]]&clsTarget != 0 {
		b++
	}
	switch {
	case b == len(line):
		// "GET /": HTTP/0.9, which has no version.
		return rNoVersion, b
	case line[b] != ' ' || b == a+1:
		return lineCR(line, b, rTargetByte), b
	}
	s.line.a, s.line.b = a, b
	minor, r := version(line[b+1:], rVersion, rVersionMajor)
	s.line.minor = minor
	return r, b + 1
}

// statusLine parses "HTTP-version SP status-code SP [reason-phrase]" (RFC 9112 section 4). The second space is not
// optional: "A server MUST send the space ... even when the reason-phrase is absent".
func (s *section) statusLine(line []byte) (reason, int) {
	if len(line) < 8 {
		return rStatusVersion, 0
	}
	minor, r := version(line[:8], rStatusVersion, rStatusVersionMajor)
	if r != ok {
		return r, 0
	}
	if len(line) < 9 || line[8] != ' ' {
		return rStatusVersion, 8
	}
	code := 0
	for i := 9; i < 12; i++ {
		if i >= len(line) || line[i] < '0' || line[i] > '9' {
			return rStatusCode, i
		}
		code = code*10 + int(line[i]-'0')
	}
	switch {
	case code < 100:
		return rStatusRange, 9
	case len(line) < 13 || line[12] != ' ':
		return rStatusSpace, 12
	}
	good := s.valueClass()
	for i, c := range line[13:] {
		if syntax.Class[c]&good == 0 {
			return lineCR(line, 13+i, rReasonByte), 13 + i
		}
	}
	s.line = startLine{a: 13, b: len(line), status: code, minor: minor}
	return ok, 0
}

// lineCR names a bare CR apart from the other bytes that a start line may not have. RFC 9112 section 2.2-4: a recipient of
// such a bare CR MUST consider that element to be invalid or replace each bare CR with SP.
func lineCR(line []byte, i int, other reason) reason {
	if i < len(line) && line[i] == '\r' {
		return rLineCR
	}
	return other
}

// version parses "HTTP/1.0" and "HTTP/1.1": case-sensitive, one digit each (RFC 9112 section 2.3).
func version(v []byte, malformed, unsupported reason) (minor uint8, r reason) {
	switch {
	case string(v) == "HTTP/1.1":
		return 1, ok
	case string(v) == "HTTP/1.0":
		return 0, ok
	case len(v) == 8 && string(v[:5]) == "HTTP/" && isDigit(v[5]) && v[6] == '.' && isDigit(v[7]):
		return 0, unsupported
	}
	return 0, malformed
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// valueClass returns the classes of bytes that field values and reason phrases may have.
func (s *section) valueClass() uint8 {
	if s.p.ascii {
		return clsVchar | clsBlank
	}
	return clsVchar | clsBlank | clsObs
}

// fieldLine parses "field-name ":" OWS field-value OWS" at src[pos:eol] (RFC 9112 section 5).
func (s *section) fieldLine(c *cursor, pos, eol int) (reason, int) {
	line := s.src[pos:eol]
	if syntax.Class[line[0]]&clsBlank != 0 {
		return s.blankLine(c, pos, eol)
	}
	if int(c.fields) >= s.p.fields {
		return rFieldsMany, pos
	}
	c.fields++
	i := 0
	for i < len(line) && syntax.Class[line[i]]&clsToken != 0 {
		i++
	}
	colon := i
	switch {
	case i == len(line):
		return rNoColon, eol
	case line[i] == ':':
	case line[i] == '\r':
		return rFieldCR, pos + i
	case syntax.Class[line[i]]&clsBlank != 0:
		// RFC 9112 section 5.1-2: a server MUST reject, with 400, any received request message that contains whitespace
		// between a header field name and colon.
		for colon < len(line) && syntax.Class[line[colon]]&clsBlank != 0 {
			colon++
		}
		if !s.p.lenient.SpaceBeforeColon || colon == len(line) || line[colon] != ':' {
			return rNameSpace, pos + i
		}
	default:
		return rNameByte, pos + i
	}
	if i == 0 {
		return rNameEmpty, pos
	}
	if r, off := s.value(pos+colon+1, eol, rValueByte); r != ok {
		return r, off
	}
	if s.store {
		s.raw = pos + colon + 1
		s.fields = append(s.fields, codec.Field{Name: clip(s.src, pos, pos+i), Value: trimBlank(clip(s.src, s.raw, eol))})
	}
	return ok, 0
}

// value checks the bytes of a field value. RFC 9110 section 5.5-5: field values containing CR, LF, or NUL characters are
// invalid and dangerous; a recipient MUST either reject the message or replace each of those characters with SP.
func (s *section) value(from, to int, control reason) (reason, int) {
	good := s.valueClass()
	for i, c := range s.src[from:to] {
		switch {
		case syntax.Class[c]&good != 0:
		case c == '\r':
			return rFieldCR, from + i
		case c >= 0x80:
			return rValueObs, from + i
		default:
			return control, from + i
		}
	}
	return ok, 0
}

// blankLine judges a line that starts with whitespace.
func (s *section) blankLine(c *cursor, pos, eol int) (reason, int) {
	n := s.p.lenient
	switch {
	case c.fields == 0 && (!n.LeadingSpace || s.kind == trailerSection):
		// RFC 9112 section 2.2-8: a recipient that receives whitespace between the start-line and the first header field
		// MUST either reject the message as invalid or consume each whitespace-preceded line without further processing.
		return rLeadingSpace, pos
	case c.fields == 0:
		return ok, 0
	case !n.ObsFold:
		// RFC 9112 section 5.2-4: a server that receives an obs-fold MUST either reject the message by sending a 400 or
		// replace each received obs-fold with one or more SP octets.
		return rObsFold, pos
	}
	if r, off := s.value(pos, eol, rValueFold); r != ok {
		return r, off
	}
	if s.store {
		s.folded = true
		s.fields[len(s.fields)-1].Value = foldTrim(clip(s.src, s.raw, eol))
	}
	return ok, 0
}

// foldTrim trims whitespace and the line ends that are going to be spaces.
func foldTrim(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// unfold overwrites the line ends inside a folded value with spaces.
func unfold(value []byte) {
	for i, c := range value {
		if c == '\r' || c == '\n' {
			value[i] = ' '
		}
	}
}

// clip returns src[a:b] with no capacity behind b, so that an append by the caller cannot overwrite the input.
func clip(src []byte, a, b int) []byte { return src[a:b:b] }
