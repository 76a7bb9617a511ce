package http1

import (
	"bytes"

	"github.com/purewire/purewire/codec/internal/syntax"
)

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
		if syntax.Class[c]&clsTarget == 0 {
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
	n, port, valid := syntax.SplitHost(b)
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
	if n, _, valid := syntax.SplitHost(b[from:to]); n == 0 || !valid {
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
	_, _, valid := syntax.SplitHost(b)
	return valid
}
