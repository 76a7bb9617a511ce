package client

import (
	"errors"
	"net/http"
	"sort"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// hop names the fields that belong to the connection (RFC 9110 section 7.6.1) or that the wire writes itself.
func hop(k string) bool {
	switch k {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Host", "Content-Length", "Trailer", "Expect":
		return true
	}
	return false
}

var errHeader = errors.New("client: header field that may not be sent")

// fieldsOf makes the field list of a request, names in lower case for HTTP/2. The order is that of the sorted names: a map has none.
func fieldsOf(h http.Header, lower bool) ([]codec.Field, error) {
	keys := make([]string, 0, len(h))
	for k := range h {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var fields []codec.Field
	for _, k := range keys {
		name := http.CanonicalHeaderKey(k)
		if hop(name) || strings.HasPrefix(k, ":") {
			continue
		}
		if !http1.IsToken(k) {
			return nil, errHeader
		}
		if lower {
			name = strings.ToLower(k)
			if name == "te" && !hasToken(h[k], "trailers") {
				continue
			}
		}
		for _, v := range h[k] {
			v = strings.Trim(v, " \t")
			if !http1.IsFieldValue(v, true) {
				return nil, errHeader
			}
			if lower && name == "te" {
				v = "trailers" // RFC 9113 section 8.2.2: it MUST NOT contain any other value
			}
			fields = append(fields, codec.Field{Name: []byte(name), Value: []byte(v),
				Sensitive: name == "authorization" || name == "proxy-authorization" || name == "cookie" && len(v) < 20})
		}
	}
	return fields, nil
}

func hasToken(vs []string, token string) bool {
	for _, v := range vs {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// trailerNames are the names that the request announces.
func trailerNames(h http.Header) (fields []codec.Field) {
	for k := range h {
		fields = append(fields, codec.Field{Name: []byte(k)})
	}
	return fields
}

// headerOf makes the map of a response's fields.
func headerOf(fields []codec.Field) http.Header {
	h := make(http.Header, len(fields))
	for i := range fields {
		k := http.CanonicalHeaderKey(string(fields[i].Name))
		h[k] = append(h[k], string(fields[i].Value))
	}
	return h
}

// announced moves the names in a Trailer field to res.Trailer.
func announced(res *http.Response) {
	list := res.Header["Trailer"]
	delete(res.Header, "Trailer")
	for _, v := range list {
		for name := range strings.SplitSeq(v, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if name == "" || !http1.TrailerAllowed([]byte(name)) {
				continue
			}
			if res.Trailer == nil {
				res.Trailer = make(http.Header)
			}
			res.Trailer[name] = nil
		}
	}
}
