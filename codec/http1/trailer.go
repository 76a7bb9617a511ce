package http1

import "github.com/purewire/purewire/codec"

// forbiddenTrailers, by length: fields for framing, routing, authentication, request modifiers, response control and
// content format (RFC 9110 section 6.5.1), and Set-Cookie and Cookie.
var forbiddenTrailers = func() (t [26][]string) {
	for _, name := range []string{
		"te", "age", "date", "host", "vary", "range", "cookie", "expect", "pragma", "expires", "trailer", "upgrade", "warning",
		"if-match", "if-range", "location", "connection", "keep-alive", "set-cookie", "retry-after",
		"content-type", "max-forwards", "authorization", "cache-control", "content-range", "if-none-match", "content-length",
		"content-encoding", "www-authenticate", "if-modified-since", "proxy-connection", "transfer-encoding",
		"proxy-authenticate", "if-unmodified-since", "proxy-authorization",
	} {
		t[len(name)] = append(t[len(name)], name)
	}
	return t
}()

// checkTrailers finds a field that may not be in a trailer section. RFC 9110 section 6.5.1: many fields cannot be processed outside
// the header section; a sender MUST NOT generate them. Dropping them would leave a message that other recipients
// read differently; so the message is refused.
func checkTrailers(fields []codec.Field) (r reason, at int) {
	for i := range fields {
		name := fields[i].Name
		if len(name) >= len(forbiddenTrailers) {
			continue
		}
		for _, bad := range forbiddenTrailers[len(name)] {
			if foldEqual(name, bad) {
				return rTrailerName, i
			}
		}
	}
	return ok, 0
}
