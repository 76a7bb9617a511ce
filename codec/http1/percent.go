package http1

import (
	"bytes"

	"github.com/purewire/purewire/codec/internal/syntax"
)

// PercentMode says what AppendPercentDecoded takes for what.
type PercentMode uint8

const (
	// PercentPath decodes "%XX" only: paths, fragments, anything but forms.
	PercentPath PercentMode = iota
	// PercentQuery also decodes "+" to a space, as HTML forms encode it (application/x-www-form-urlencoded).
	PercentQuery
)

// AppendPercentDecoded appends src to dst with its percent-encodings decoded (RFC 3986 section 2.1), as url.PathUnescape and
// url.QueryUnescape do. A "%" that two hexadecimal digits do not follow makes it return dst and false. It is not done twice: "%2541"
// becomes "%41". The result may hold any byte, NUL, "/" and CR LF included: check it before it goes anywhere where these mean
// something. Decode a path after it was split into segments and a query after it was split into pairs, never before.
//
// Where src has nothing to decode, which one look tells (bytes.IndexByte(src, '%') < 0, and no "+" in a query), src itself is the
// result and the copy can be saved.
func AppendPercentDecoded(dst, src []byte, mode PercentMode) (out []byte, ok bool) {
	start := len(dst)
	for {
		i := bytes.IndexByte(src, '%')
		plain := src
		if i >= 0 {
			plain = src[:i]
		}
		from := len(dst)
		dst = append(dst, plain...)
		if mode == PercentQuery {
			for part := dst[from:]; ; {
				k := bytes.IndexByte(part, '+')
				if k < 0 {
					break
				}
				part[k] = ' '
				part = part[k+1:]
			}
		}
		if i < 0 {
			return dst, true
		}
		// RFC 3986 section 2.1: a percent-encoded octet is encoded as a character triplet, "%" followed by two hexadecimal digits.
		if len(src)-i < 3 || syntax.Class[src[i+1]]&syntax.Class[src[i+2]]&syntax.Hex == 0 {
			return dst[:start], false
		}
		dst = append(dst, unhex(src[i+1])<<4|unhex(src[i+2]))
		src = src[i+3:]
	}
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
