// Package syntax holds the character classes and the host syntax that HTTP/1, HTTP/2 and HTTP/3 have in common (RFC 9110,
// RFC 3986).
package syntax

// Classes of bytes, one bit each. The tables are written out by rule below and checked against all 256 bytes in tests.
const (
	Token   = 1 << iota // tchar (RFC 9110 section 5.6.2)
	Vchar               // 0x21-0x7E
	Blank               // SP, TAB
	Obs                 // 0x80-0xFF, obs-text (RFC 9110 section 5.5)
	Hex                 // 0-9 A-F a-f
	Target              // what a request target may hold: VCHAR but "#" (RFC 9112 section 3.2 has no fragment)
	RegName             // unreserved and sub-delims but ",": a registered name without its percent-encodings
	Bracket             // what may stand between "[" and "]" of an IP literal
)

// Class holds the classes of every byte.
var Class = func() (t [256]uint8) {
	mark := func(set string, bit uint8) {
		for i := 0; i < len(set); i++ {
			t[set[i]] |= bit
		}
	}
	const (
		digits  = "0123456789"
		letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	)
	for c := 0x21; c < 0x7f; c++ {
		t[c] |= Vchar
		if c != '#' {
			t[c] |= Target
		}
	}
	for c := 0x80; c < 0x100; c++ {
		t[c] |= Obs
	}
	mark(digits+letters+"!#$%&'*+-.^_`|~", Token)
	mark(digits+"ABCDEFabcdef", Hex)
	mark(digits+letters+"-._~!$&'()*+;=", RegName|Bracket)
	mark(":", Bracket)
	mark(" \t", Blank)
	return t
}()
