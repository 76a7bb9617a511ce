package fields

import "github.com/purewire/purewire/codec"

// Sendable reports whether a list of regular fields may be sent, in a header or a trailer section: names and values are valid, no
// field is a pseudo-header field or connection-specific, te says "trailers" (RFC 9113 section 8.2).
func Sendable(list []codec.Field) bool {
	for i := range list {
		name, value := list[i].Name, list[i].Value
		if checkName(name) != OK || checkValue(value) != OK {
			return false
		}
		switch special(name) {
		case connection:
			return false
		case te:
			if !foldTrailers(value) {
				return false
			}
		}
	}
	return true
}

// Token reports whether b is a token (RFC 9110 section 5.6.2).
func Token(b []byte) bool { return isToken(b) }

// Value reports whether b may be a field value: it has no control characters and no whitespace at its ends.
func Value(b []byte) bool { return checkValue(b) == OK }
