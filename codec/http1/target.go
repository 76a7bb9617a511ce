package http1

import "bytes"

// Target is a request target taken apart (RFC 9112 section 3.2). All slices are views.
type Target struct {
	Form TargetForm
	// Authority is the host[:port] of absolute and authority form, else empty.
	Authority []byte
	// Path and Query as in Event.
	Path, Query []byte
	HasQuery    bool
}

// ParseTarget takes the request target of a request with method m apart. It reports false for what is in none of the
// four forms, or in one that does not belong to the method: authority-form is for CONNECT only and CONNECT has no other;
// asterisk-form is for OPTIONS only.
func ParseTarget(m Method, target []byte) (t Target, valid bool) {
	for _, c := range target {
		if class[c]&clsTarget == 0 {
			return Target{}, false
		}
	}
	r, _ := t.parse(m, target)
	if r != ok {
		return Target{}, false
	}
	return t, true
}

// parse fills t from a target whose bytes were checked. off is the position of a failure in the target.
func (t *Target) parse(m Method, target []byte) (r reason, off int) {
	*t = Target{}
	switch {
	case len(target) == 0:
		return rTargetForm, 0
	case m == MethodConnect:
		return t.authorityForm(target)
	case target[0] == '/':
		t.Form = OriginForm
		t.cut(target)
		return ok, 0
	case target[0] != '*':
		return t.absoluteForm(target)
	case len(target) > 1:
		return rTargetForm, 1
	case m != MethodOptions:
		// RFC 9112 section 3.2.4: asterisk-form is only used for a server-wide OPTIONS request.
		return rTargetStar, 0
	}
	t.Form, t.Path = AsteriskForm, target
	return ok, 0
}

// cut splits "path?query".
func (t *Target) cut(b []byte) {
	i := bytes.IndexByte(b, '?')
	if i < 0 {
		t.Path = b
		return
	}
	t.Path, t.Query, t.HasQuery = clip(b, 0, i), b[i+1:], true
}

// authorityForm parses "host:port" (RFC 9112 section 3.2.3). RFC 9110 section 9.3.6: a server MUST reject a CONNECT request
// that targets an empty or invalid port number.
func (t *Target) authorityForm(b []byte) (reason, int) {
	n, port, valid := splitHost(b)
	switch {
	case !valid || n == 0:
		if n > 0 && b[n-1] != ':' && port {
			return rTargetPort, n
		}
		return rTargetConnect, 0
	case !port || n+1 == len(b):
		return rTargetPort, n
	}
	t.Form, t.Authority = AuthorityForm, b
	return ok, 0
}

// absoluteForm parses "scheme://host[:port][/path][?query]" (RFC 9112 section 3.2.2). Any scheme will do: a server may be a
// proxy. RFC 9110 section 4.2.4: user information in a reference from an untrusted source should be treated as an error;
// section 4.2.1: a recipient that processes a reference with an empty host MUST reject it.
func (t *Target) absoluteForm(b []byte) (reason, int) {
	i := 0
	for i < len(b) && (isLetter(b[i]) || i > 0 && (isDigit(b[i]) || b[i] == '+' || b[i] == '-' || b[i] == '.')) {
		i++
	}
	if i == 0 {
		return rTargetForm, 0
	}
	if !bytes.HasPrefix(b[i:], []byte("://")) {
		return rTargetScheme, i
	}
	from := i + 3
	to := from
	for to < len(b) && b[to] != '/' && b[to] != '?' {
		if b[to] == '@' {
			return rTargetUserinfo, to
		}
		to++
	}
	if n, _, valid := splitHost(b[from:to]); n == 0 || !valid {
		return rTargetAuthority, from
	}
	t.Form, t.Authority = AbsoluteForm, clip(b, from, to)
	t.cut(b[to:])
	return ok, 0
}

func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

// ValidHost reports whether b can be the value of Host: a host and, perhaps, ":" and a port of up to 65535 (RFC 9112 section 3.2,
// RFC 3986 section 3.2.2). The host may be empty: that is what a client sends for a target without an authority. User
// information, lists and whitespace are not valid.
func ValidHost(b []byte) bool {
	_, _, valid := splitHost(b)
	return valid
}

// splitHost checks host[:port] and returns the length of the host and whether ":" follows.
func splitHost(b []byte) (n int, port, valid bool) {
	if len(b) > 0 && b[0] == '[' {
		n = bytes.IndexByte(b, ']') + 1
		if n == 0 || !validLiteral(b[1:n-1]) {
			return n, false, false
		}
	} else {
		for n+8 <= len(b) && plainHost(le64(b[n:])) {
			n += 8
		}
		for n < len(b) && class[b[n]]&clsHost != 0 {
			n++
		}
		for n < len(b) && b[n] == '%' {
			if n+2 >= len(b) || class[b[n+1]]&class[b[n+2]]&clsHex == 0 {
				return n, false, false
			}
			n += 3
			for n < len(b) && class[b[n]]&clsHost != 0 {
				n++
			}
		}
	}
	if n == len(b) {
		return n, false, true
	}
	if b[n] != ':' {
		return n, false, false
	}
	number := 0
	for _, c := range b[n+1:] {
		if !isDigit(c) || number > 65535 {
			return n, true, false
		}
		number = number*10 + int(c-'0')
	}
	return n, true, number <= 65535
}

// plainHost reports whether all eight bytes of w are letters, digits, "-" or ".": most hosts. It may not say so of bytes
// above 0x7F, which carry.
func plainHost(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	l := w | 0x20*ones
	letters := (l + (0x80-'a')*ones) &^ (l + (0x7f-'z')*ones)
	digits := (w + (0x80-'-')*ones) &^ (w + (0x7f-'9')*ones) // and "-", ".", "/"
	slash := w ^ '/'*ones
	return (letters|digits)&(slash+0x7f*ones)&^w&tops == tops
}

// validLiteral checks what stands between "[" and "]": an IPv6 address or IPvFuture. Zone identifiers are not
// allowed in HTTP (RFC 9110 section 4.2).
func validLiteral(b []byte) bool {
	if len(b) > 0 && b[0]|0x20 == 'v' {
		dot := bytes.IndexByte(b, '.')
		if dot < 2 || dot+1 == len(b) {
			return false
		}
		for _, c := range b[1:dot] {
			if class[c]&clsHex == 0 {
				return false
			}
		}
		for _, c := range b[dot+1:] {
			if class[c]&clsBracket == 0 {
				return false
			}
		}
		return true
	}
	return validIPv6(b)
}

// validIPv6 checks an IPv6 address (RFC 3986 section 3.2.2): eight groups of one to four hexadecimal digits, at most one "::" for one or
// more of them, and perhaps a dotted IPv4 address for the last two.
func validIPv6(b []byte) bool {
	groups, gap, i := 0, false, 0
	for {
		if i+1 < len(b) && b[i] == ':' && b[i+1] == ':' {
			if gap {
				return false
			}
			gap = true
			i += 2
			if i == len(b) {
				break
			}
		} else if groups > 0 {
			if i >= len(b) || b[i] != ':' {
				return false
			}
			i++
		}
		start := i
		for i < len(b) && class[b[i]]&clsHex != 0 {
			i++
		}
		if i < len(b) && b[i] == '.' {
			if !validIPv4(b[start:]) {
				return false
			}
			groups += 2
			break
		}
		if i == start || i-start > 4 {
			return false
		}
		groups++
		if i == len(b) {
			break
		}
	}
	if gap {
		return groups <= 7
	}
	return groups == 8
}

// validIPv4 checks four decimal numbers of up to 255 without leading zeros.
func validIPv4(b []byte) bool {
	for part := 0; part < 4; part++ {
		n, v := 0, 0
		for n < len(b) && n < 4 && isDigit(b[n]) {
			v = v*10 + int(b[n]-'0')
			n++
		}
		if n == 0 || v > 255 || n > 1 && b[0] == '0' {
			return false
		}
		b = b[n:]
		if part < 3 {
			if len(b) == 0 || b[0] != '.' {
				return false
			}
			b = b[1:]
		}
	}
	return len(b) == 0
}
