package fields

import (
	"encoding/binary"
	"math"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/syntax"
)

// Options is what requests may use.
type Options struct {
	// Connect accepts :protocol: extended CONNECT (RFC 8441, RFC 9220) was announced.
	Connect bool
}

// Result is what a field section says. All slices are views of the list's. Fields that the section does not have are nil.
type Result struct {
	// Method, Scheme, Authority, Path and Protocol are the pseudo-header fields of a request. Authority is that of host if
	// there is no :authority (RFC 9113 section 8.3.1).
	Method, Scheme, Authority, Path, Protocol []byte
	// Status of a response, 100 to 999.
	Status int
	// ContentLength is -1 if there is none.
	ContentLength int64
	// Regular is the index of the first field that is no pseudo-header field: the number of pseudo-header fields.
	Regular int
	// Cookies is the number of cookie fields; see JoinCookies.
	Cookies int
	// Priorities is the number of priority fields (RFC 9218), Priority the index of the first.
	Priorities, Priority int
	// Trailers: te: trailers was there (RFC 9110 section 10.1.4).
	Trailers bool
}

// Request judges the header section of a request. at is the index of the field at fault; it is len(list) if what is missing
// or does not fit together is at fault.
func Request(list []codec.Field, o Options, r *Result) (v Verdict, at int) {
	*r = Result{ContentLength: -1}
	var host []byte
	hosts := 0
	for i := range list {
		name, value := list[i].Name, list[i].Value
		if v := checkValue(value); v != OK {
			return v, i
		}
		if len(name) > 0 && name[0] == ':' {
			// RFC 9113 section 8.3-4: any request or response that contains a pseudo-header field that appears in a field block after a
			// regular field line MUST be treated as malformed.
			if r.Regular != i {
				return PseudoLate, i
			}
			r.Regular++
			if v := r.pseudo(name, value, o); v != OK {
				return v, i
			}
			continue
		}
		if v := checkName(name); v != OK {
			return v, i
		}
		switch kind := special(name); kind {
		case regular:
		case connection:
			// RFC 9113 section 8.2.2-1: any message containing connection-specific header fields MUST be treated as malformed.
			return Connection, i
		case te:
			// RFC 9113 section 8.2.2-2: the TE header field MAY be present in an HTTP/2 request; when it is, it MUST NOT contain any value
			// other than "trailers".
			if !foldTrailers(value) {
				return TE, i
			}
			r.Trailers = true
		case hostField:
			if hosts++; hosts > 1 {
				return HostTwice, i
			}
			if _, _, valid := syntax.SplitHost(value); !valid {
				return HostInvalid, i
			}
			host = value
		default:
			if v := r.common(kind, value, i); v != OK {
				return v, i
			}
		}
	}
	return r.request(host, hosts > 0), len(list)
}

// Response judges the header section of a response, an interim one included. at is as for Request.
func Response(list []codec.Field, r *Result) (v Verdict, at int) {
	*r = Result{ContentLength: -1}
	for i := range list {
		name, value := list[i].Name, list[i].Value
		if v := checkValue(value); v != OK {
			return v, i
		}
		if len(name) > 0 && name[0] == ':' {
			if r.Regular != i {
				return PseudoLate, i
			}
			r.Regular++
			if string(name) != ":status" {
				return wrongPseudo(name, PseudoRequest), i
			}
			if r.Status != 0 {
				return PseudoTwice, i
			}
			if v := r.status(value); v != OK {
				return v, i
			}
			continue
		}
		if v := checkName(name); v != OK {
			return v, i
		}
		switch kind := special(name); kind {
		case connection:
			return Connection, i
		case te:
			return TEResponse, i
		default:
			if v := r.common(kind, value, i); v != OK {
				return v, i
			}
		}
	}
	// RFC 9113 section 8.3.2-1: this pseudo-header field MUST be included in all responses, including interim responses; otherwise, the
	// response is malformed.
	if r.Status == 0 {
		return StatusMissing, len(list)
	}
	return OK, len(list)
}

// Trailers judges a trailer section. at is the index of the field at fault.
func Trailers(list []codec.Field) (v Verdict, at int) {
	for i := range list {
		name := list[i].Name
		if v := checkValue(list[i].Value); v != OK {
			return v, i
		}
		// RFC 9113 section 8.1-8: trailers MUST NOT include pseudo-header fields. An endpoint that receives pseudo-header fields in
		// trailers MUST treat the request or response as malformed.
		if len(name) > 0 && name[0] == ':' {
			return PseudoTrailer, i
		}
		if v := checkName(name); v != OK {
			return v, i
		}
		switch special(name) {
		case connection:
			return Connection, i
		case te, hostField, contentLength:
			// RFC 9110 section 6.5.1-2: fields that describe framing or routing are necessary before the content and cannot be trailers. These are
			// the ones that would do harm if somebody merged them into the header section.
			return TrailerField, i
		}
	}
	return OK, len(list)
}

// common handles the fields that requests and responses have in common.
func (r *Result) common(kind fieldKind, value []byte, i int) Verdict {
	switch kind {
	case contentLength:
		if r.ContentLength >= 0 {
			return LengthTwice
		}
		n, valid := parseLength(value)
		if !valid {
			return LengthInvalid
		}
		r.ContentLength = n
	case cookie:
		r.Cookies++
	case priority:
		if r.Priorities++; r.Priorities == 1 {
			r.Priority = i
		}
	}
	return OK
}

// parseLength parses content-length = 1*DIGIT. RFC 9110 section 8.6: a recipient MUST anticipate potentially large decimal
// numerals and prevent parsing errors due to integer conversion overflows.
func parseLength(b []byte) (n int64, valid bool) {
	for _, c := range b {
		if !syntax.IsDigit(c) || n > (math.MaxInt64-int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(b) > 0
}

// status parses :status. RFC 9110 section 15: three digits; section 15.2 has no code below 100. RFC 9113 section 8.6-1: HTTP/2 does not
// support the 101 (Switching Protocols) informational status code.
func (r *Result) status(b []byte) Verdict {
	if len(b) != 3 || !syntax.IsDigit(b[0]) || !syntax.IsDigit(b[1]) || !syntax.IsDigit(b[2]) || b[0] == '0' {
		return StatusInvalid
	}
	r.Status = int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0')
	if r.Status == 101 {
		return Status101
	}
	return OK
}

// checkName checks the name of a regular field. RFC 9113 section 8.2.1-3.1: a field name MUST NOT contain characters in the
// ranges 0x00-0x20, 0x41-0x5a, or 0x7f-0xff; section 8.2.1-3.2: with the exception of pseudo-header fields, field names MUST NOT
// include a colon. Section 8.2.1-1: implementations SHOULD validate field names according to their definition: they are tokens.
func checkName(name []byte) Verdict {
	if len(name) == 0 {
		return NameEmpty
	}
	if i := syntax.LowerNameEnd(name); i < len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return NameUpper
		}
		return NameByte
	}
	return OK
}

// checkValue checks a field value. RFC 9113 section 8.2.1-3.3: a field value MUST NOT contain NUL, LF or CR at any position;
// section 8.2.1-3.4: it MUST NOT start or end with SP or HTAB. By RFC 9110 section 5.5 other control characters are no part of a
// value either, and the octets above 0x7f are.
func checkValue(b []byte) Verdict {
	if syntax.HasControl(b) {
		return ValueByte
	}
	if syntax.IsBlankEnded(b) {
		return ValueBlank
	}
	return OK
}

// fieldKind is what a regular field is to these rules.
type fieldKind uint8

const (
	regular fieldKind = iota
	connection
	te
	hostField
	contentLength
	cookie
	priority
)

// special finds the fields with a rule of their own, by their length first.
func special(name []byte) fieldKind {
	switch len(name) {
	case 2:
		if string(name) == "te" {
			return te
		}
	case 4:
		if string(name) == "host" {
			return hostField
		}
	case 6:
		if string(name) == "cookie" {
			return cookie
		}
	case 7:
		if string(name) == "upgrade" {
			return connection
		}
	case 8:
		if string(name) == "priority" {
			return priority
		}
	case 10:
		if string(name) == "connection" || string(name) == "keep-alive" {
			return connection
		}
	case 14:
		if string(name) == "content-length" {
			return contentLength
		}
	case 16:
		if string(name) == "proxy-connection" {
			return connection
		}
	case 17:
		if string(name) == "transfer-encoding" {
			return connection
		}
	}
	return regular
}

// foldTrailers reports whether the value is "trailers", in any case (RFC 9110 section 10.1.4: the keyword is a string of ABNF).
func foldTrailers(b []byte) bool {
	const fold = 0x2020202020202020
	return len(b) == 8 && binary.LittleEndian.Uint64(b)|fold == 0x7372656c69617274 // "trailers", read backwards
}
