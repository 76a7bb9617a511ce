package fields

import (
	"bytes"

	"github.com/purewire/purewire/codec/internal/syntax"
)

// pseudo takes a pseudo-header field of a request. RFC 9113 section 8.3-5: the same pseudo-header field name MUST NOT appear
// more than once in a field block.
func (r *Result) pseudo(name, value []byte, o Options) Verdict {
	var into *[]byte
	switch string(name) {
	case ":method":
		into = &r.Method
	case ":scheme":
		into = &r.Scheme
	case ":authority":
		into = &r.Authority
	case ":path":
		into = &r.Path
	case ":protocol":
		// RFC 8441 section 3: using a SETTINGS parameter to opt into an otherwise incompatible protocol change is a use of "Extending
		// HTTP/2". Without it nobody has defined this field.
		if !o.Connect {
			return PseudoUnknown
		}
		into = &r.Protocol
	default:
		return wrongPseudo(name, PseudoResponse)
	}
	if *into != nil {
		return PseudoTwice
	}
	if value == nil {
		value = []byte{} // there, and empty
	}
	*into = value
	return OK
}

// wrongPseudo tells a pseudo-header field of the other direction from one that nobody knows. RFC 9113 section 8.3-3: pseudo-header
// fields defined for requests MUST NOT appear in responses; pseudo-header fields defined for responses MUST NOT appear in
// requests. Endpoints MUST treat a request or response that contains undefined or invalid pseudo-header fields as malformed.
func wrongPseudo(name []byte, other Verdict) Verdict {
	switch string(name) {
	case ":method", ":scheme", ":authority", ":path", ":protocol", ":status":
		return other
	}
	return PseudoUnknown
}

// request judges the pseudo-header fields of a request together.
func (r *Result) request(host []byte, hasHost bool) Verdict {
	// RFC 9113 section 8.3.1-3: all HTTP/2 requests MUST include exactly one valid value for the ":method", ":scheme", and ":path"
	// pseudo-header fields, unless they are CONNECT requests.
	if r.Method == nil {
		return MethodMissing
	}
	if !isToken(r.Method) {
		return MethodInvalid
	}
	hasAuthority := r.Authority != nil
	isConnect := string(r.Method) == "CONNECT"
	switch {
	case r.Protocol != nil:
		if v := r.extended(isConnect); v != OK {
			return v
		}
	case isConnect:
		return r.connect(host, hasHost)
	case r.Scheme == nil:
		return SchemeMissing
	case r.Path == nil:
		return PathMissing
	}
	if !isScheme(r.Scheme) {
		return SchemeInvalid
	}
	web := isWeb(r.Scheme)
	if v := r.authority(web, host, hasAuthority, hasHost); v != OK {
		return v
	}
	return r.path(web)
}

// connect judges a CONNECT request without :protocol. RFC 9113 section 8.5-3.2: the ":scheme" and ":path" pseudo-header fields MUST be
// omitted; section 8.5-3.3: ":authority" contains the host and port to connect to; section 8.5-4: a CONNECT request that does not conform to
// these restrictions is malformed.
func (r *Result) connect(host []byte, hasHost bool) Verdict {
	switch {
	case r.Scheme != nil:
		return ConnectScheme
	case r.Path != nil:
		return ConnectPath
	case r.Authority == nil:
		return ConnectAuthority
	}
	n, port, valid := syntax.SplitHost(r.Authority)
	switch {
	case !valid && bytes.IndexByte(r.Authority, '@') >= 0:
		return AuthorityUser
	case !valid:
		return AuthorityInvalid
	case n == 0 || !port || n+1 == len(r.Authority):
		// RFC 9110 section 9.3.6-4: a server MUST reject a CONNECT request that targets an empty or invalid port number.
		return ConnectPort
	case hasHost && !sameHost(host, r.Authority, nil):
		return HostDiffers
	}
	return OK
}

// extended judges what :protocol demands (RFC 8441 section 4): the method is CONNECT; ":scheme" and ":path" MUST also be included;
// ":authority" is that of a request with another method.
func (r *Result) extended(isConnect bool) Verdict {
	switch {
	case !isConnect:
		return ProtocolMethod
	case !isToken(r.Protocol):
		return ProtocolInvalid
	case r.Scheme == nil:
		return ProtocolScheme
	case r.Path == nil:
		return ProtocolPath
	case r.Authority == nil:
		return ProtocolAuthority
	}
	return OK
}

// authority judges :authority and host, and makes host the authority if there is no other.
func (r *Result) authority(web bool, host []byte, hasAuthority, hasHost bool) Verdict {
	if hasAuthority {
		n, _, valid := syntax.SplitHost(r.Authority)
		switch {
		case !valid && bytes.IndexByte(r.Authority, '@') >= 0:
			// RFC 9113 section 8.3.1-2.3.8: ":authority" MUST NOT include the deprecated userinfo subcomponent for "http" or "https"
			// schemed URIs. The other schemes have nothing to gain by it either.
			return AuthorityUser
		case !valid:
			return AuthorityInvalid
		case n == 0 && web:
			return AuthorityMissing
		case hasHost && !sameHost(host, r.Authority, r.Scheme):
			// RFC 9113 section 8.3.1-2.3.3: a server SHOULD treat a request as malformed if it contains a Host header field that identifies an
			// entity that differs from the entity in the ":authority" pseudo-header field.
			return HostDiffers
		}
		return OK
	}
	if hasHost {
		r.Authority = host
	}
	// RFC 9110 section 4.2.1: a sender MUST NOT generate an "http" URI with an empty host identifier; section 7.2: the origin is named by
	// Host or :authority. OPTIONS * has no authority (RFC 9113 section 8.3.1-2.3.7).
	if web && (len(host) == 0 || host[0] == ':') && !(string(r.Path) == "*" && string(r.Method) == "OPTIONS") {
		return AuthorityMissing
	}
	return OK
}

// path judges :path.
func (r *Result) path(web bool) Verdict {
	for _, c := range r.Path {
		if syntax.Class[c]&syntax.Target == 0 {
			return PathByte
		}
	}
	switch {
	case len(r.Path) == 0:
		// RFC 9113 section 8.3.1-2.4.2: this pseudo-header field MUST NOT be empty for "http" or "https" URIs.
		if web {
			return PathEmpty
		}
	case r.Path[0] == '/':
	case string(r.Path) == "*":
		// RFC 9113 section 8.3.1-2.4.1: a request in asterisk form (for OPTIONS) includes the value '*'.
		if string(r.Method) != "OPTIONS" {
			return PathStar
		}
	case web:
		// The same paragraph: the path is the absolute-path production.
		return PathForm
	}
	return OK
}

func isToken(b []byte) bool {
	for _, c := range b {
		if syntax.Class[c]&syntax.Token == 0 {
			return false
		}
	}
	return len(b) > 0
}

// isScheme checks scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) (RFC 3986 section 3.1).
func isScheme(b []byte) bool {
	for i, c := range b {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !syntax.IsDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return len(b) > 0
}

// isWeb reports whether the scheme is http or https, which compare without regard to case (RFC 3986 section 3.1).
func isWeb(scheme []byte) bool {
	return len(scheme) == 4 && equalFold(scheme, "http") || isHTTPS(scheme)
}

func isHTTPS(scheme []byte) bool { return len(scheme) == 5 && equalFold(scheme, "https") }

// equalFold reports whether b is want, which is in lower-case letters, in any case.
func equalFold(b []byte, want string) bool {
	for i := range want {
		if b[i]|0x20 != want[i] {
			return false
		}
	}
	return true
}

// sameHost compares two authorities that are both valid by the normalization of RFC 9110 section 4.2.3: the host without regard
// to case, the default port of the scheme like none.
func sameHost(a, b, scheme []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	a, b = trimPort(a, scheme), trimPort(b, scheme)
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		d := b[i]
		if c != d && (c|0x20 != d|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// trimPort cuts an empty port and the default port of the scheme off.
func trimPort(b, scheme []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == ':' {
		return b[:n-1]
	}
	switch {
	case isHTTPS(scheme):
		return bytes.TrimSuffix(b, []byte(":443"))
	case isWeb(scheme):
		return bytes.TrimSuffix(b, []byte(":80"))
	}
	return b
}
