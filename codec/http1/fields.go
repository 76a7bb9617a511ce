package http1

import (
	"iter"

	"github.com/purewire/purewire/codec"
)

// The functions of this file look things up in a field list as an Event or a Head lends it. Names compare without regard
// to ASCII case (RFC 9110 section 5.1); order and duplicates are those of the wire. They cost one pass over the list and
// do not allocate. Their results are views: valid as long as the list's own bytes.

// Get returns the value of the first field with that name, nil if there is none. The value of a present but empty field
// is empty and not nil.
func Get(fields []codec.Field, name string) []byte {
	if i := index(fields, name, 0); i >= 0 {
		if v := fields[i].Value; v != nil {
			return v
		}
		return []byte{}
	}
	return nil
}

// Has reports whether there is a field with that name.
func Has(fields []codec.Field, name string) bool { return index(fields, name, 0) >= 0 }

// Count returns the number of fields with that name.
func Count(fields []codec.Field, name string) int {
	n := 0
	for i := index(fields, name, 0); i >= 0; i = index(fields, name, i+1) {
		n++
	}
	return n
}

// Values iterates over the values of all fields with that name, in wire order.
func Values(fields []codec.Field, name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := index(fields, name, 0); i >= 0; i = index(fields, name, i+1) {
			if !yield(fields[i].Value) {
				return
			}
		}
	}
}

// Tokens iterates over the members of a comma-separated list (RFC 9110 section 5.6.1) that all fields with that name
// make together, in order, without surrounding whitespace; empty members are skipped. It does not know of quoted
// strings: it is for lists of tokens such as Connection, Trailer or Vary.
func Tokens(fields []codec.Field, name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := index(fields, name, 0); i >= 0; i = index(fields, name, i+1) {
			for rest := fields[i].Value; len(rest) > 0; {
				var tok []byte
				tok, rest = cutToken(rest)
				if len(tok) > 0 && !yield(tok) {
					return
				}
			}
		}
	}
}

// HasToken reports whether the list of Tokens has that member, without regard to ASCII case.
func HasToken(fields []codec.Field, name, token string) bool {
	for i := index(fields, name, 0); i >= 0; i = index(fields, name, i+1) {
		if listHas(fields[i].Value, token) {
			return true
		}
	}
	return false
}

// EqualFold reports whether a and b are equal without regard to the case of ASCII letters.
func EqualFold[A, B ~string | ~[]byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// index returns the position of the first field at or behind from with that name, or -1.
func index(fields []codec.Field, name string, from int) int {
	for i := from; i < len(fields); i++ {
		if len(fields[i].Name) == len(name) && EqualFold(fields[i].Name, name) {
			return i
		}
	}
	return -1
}

// listHas reports whether the comma-separated list has the token as a member.
func listHas(list []byte, token string) bool {
	for len(list) > 0 {
		var tok []byte
		tok, list = cutToken(list)
		if EqualFold(tok, token) {
			return true
		}
	}
	return false
}

// cutToken returns the first member of a comma-separated list without surrounding whitespace, and what is behind its
// comma.
func cutToken(list []byte) (tok, rest []byte) {
	end := len(list)
	for i, c := range list {
		if c == ',' {
			end, rest = i, list[i+1:]
			break
		}
	}
	tok = list[:end]
	for len(tok) > 0 && (tok[0] == ' ' || tok[0] == '\t') {
		tok = tok[1:]
	}
	for len(tok) > 0 && (tok[len(tok)-1] == ' ' || tok[len(tok)-1] == '\t') {
		tok = tok[:len(tok)-1]
	}
	return tok, rest
}

// lower folds an ASCII letter to lower case and leaves every other byte alone.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
