package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// RealIP returns a middleware that believes what trusted proxies say about the client, and nobody else. If the peer is
// in trusted, then Request.RemoteAddr becomes the client's address and Request.Host the host it asked for:
//
//   - Forwarded (RFC 7239) if present, else X-Forwarded-For, read from right to left: the first address that is not a trusted
//     proxy is the client. Whatever stands left of it was written by the client, and is ignored. An element that is no address ends
//     the search: the last trusted hop stands.
//   - The host of the Forwarded element that named the client, else the first X-Forwarded-Host.
//
// The port is 0 where none is known.
func RealIP(trusted []netip.Prefix) func(http.Handler) http.Handler {
	t := append([]netip.Prefix(nil), trusted...)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			peer, err := netip.ParseAddrPort(r.RemoteAddr)
			if err != nil || !inAny(t, peer.Addr()) {
				next.ServeHTTP(w, r)
				return
			}
			addr, host := forwarded(t, peer, r.Header)
			r2 := r.WithContext(r.Context())
			r2.RemoteAddr = addr.String()
			if host != "" {
				r2.Host = host
			}
			next.ServeHTTP(w, r2)
		})
	}
}

func inAny(t []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range t {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// forwarded walks the chain of proxies from the nearest to the client.
func forwarded(t []netip.Prefix, peer netip.AddrPort, h http.Header) (addr netip.AddrPort, host string) {
	addr = peer
	if lines := h["Forwarded"]; len(lines) > 0 {
		elems := splitQuoted(strings.Join(lines, ","), ',')
		for i := len(elems) - 1; i >= 0; i-- {
			node, fwdHost := forwardedElement(elems[i])
			a, ok := parseNode(node)
			if !ok {
				break
			}
			addr, host = a, validHost(fwdHost)
			if !inAny(t, a.Addr()) {
				break
			}
		}
		return addr, host
	}
	list := strings.Split(strings.Join(h["X-Forwarded-For"], ","), ",")
	for i := len(list) - 1; i >= 0; i-- {
		a, ok := parseNode(strings.TrimSpace(list[i]))
		if !ok {
			break
		}
		addr = a
		if !inAny(t, a.Addr()) {
			break
		}
	}
	if v := h["X-Forwarded-Host"]; len(v) > 0 {
		first, _, _ := strings.Cut(v[0], ",")
		host = validHost(strings.TrimSpace(first))
	}
	return addr, host
}

// forwardedElement returns the for and host parameters of one element (RFC 7239 section 4).
func forwardedElement(e string) (node, host string) {
	for _, p := range splitQuoted(e, ';') {
		k, v, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok {
			continue
		}
		switch {
		case strings.EqualFold(k, "for"):
			node = unquote(v)
		case strings.EqualFold(k, "host"):
			host = unquote(v)
		}
	}
	return node, host
}

// splitQuoted splits at sep outside of quoted strings (RFC 9110 section 5.6.4).
func splitQuoted(s string, sep byte) (out []string) {
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parseNode parses an address with or without port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80.
func parseNode(s string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a.Unmap(), 0), true
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		if a, err := netip.ParseAddr(s[1 : len(s)-1]); err == nil {
			return netip.AddrPortFrom(a.Unmap(), 0), true
		}
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), true
	}
	return netip.AddrPort{}, false
}

// validHost returns h if it can be a Host value, else "".
func validHost(h string) string {
	for i := 0; i < len(h); i++ {
		if c := h[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"#,/<>?@\^`+"`{|}", c) >= 0 {
			return ""
		}
	}
	if host, _, err := net.SplitHostPort(h); err == nil && host == "" {
		return ""
	}
	return h
}
