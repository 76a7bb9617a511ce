package http1

import (
	"bytes"
	"iter"

	"github.com/purewire/purewire/codec"
)

// Cookies iterates over the cookies of all Cookie fields in wire order: pairs of name and value, separated by ";", with whitespace
// around both cut off (RFC 6265 section 4.2.1). A value keeps its quotation marks, and a pair without "=" is a name with a nil
// value. Names are case-sensitive, may repeat, and like values are not validated: they hold what a client sent, all of which IsFieldValue
// would accept. The slices are views, as in the functions of field lists. A Set-Cookie field is another thing.
func Cookies(fields []codec.Field) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i := index(fields, "Cookie", 0); i >= 0; i = index(fields, "Cookie", i+1) {
			for rest := fields[i].Value; len(rest) > 0; {
				var pair []byte
				if pair, rest = cutCookie(rest); len(pair) == 0 {
					continue
				}
				name, value := cutPair(pair)
				if !yield(name, value) {
					return
				}
			}
		}
	}
}

// CookieValue returns the value of the first cookie with that name, nil if there is none. The value of a cookie without "=" or
// with nothing behind it is empty and not nil.
func CookieValue(fields []codec.Field, name string) []byte {
	for n, v := range Cookies(fields) {
		if string(n) == name {
			if v == nil {
				return []byte{}
			}
			return v
		}
	}
	return nil
}

// cutCookie returns the first pair of a cookie string without surrounding whitespace, and what is behind its semicolon.
func cutCookie(s []byte) (pair, rest []byte) {
	if i := bytes.IndexByte(s, ';'); i >= 0 {
		return trimBlank(s[:i:i]), s[i+1:]
	}
	return trimBlank(s), nil
}

// cutPair splits a pair at its first "=".
func cutPair(pair []byte) (name, value []byte) {
	i := bytes.IndexByte(pair, '=')
	if i < 0 {
		return pair, nil
	}
	return trimBlank(pair[:i:i]), trimBlank(pair[i+1:])
}
