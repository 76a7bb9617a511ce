package http1

// Classes of bytes, one bit each. The tables are written out by rule below and checked against all 256 bytes in tests.
const (
	clsToken   = 1 << iota // tchar (RFC 9110 section 5.6.2)
	clsVchar               // 0x21-0x7E
	clsBlank               // SP, TAB
	clsObs                 // 0x80-0xFF, obs-text (RFC 9110 section 5.5)
	clsHex                 // 0-9 A-F a-f
	clsTarget              // what a request target may hold: VCHAR but "#" (RFC 9112 section 3.2 has no fragment)
	clsHost                // unreserved and sub-delims but ",": a registered name without its percent-encodings
	clsBracket             // what may stand between "[" and "]" of an IP literal
)

// class holds the classes of every byte.
var class = func() (t [256]uint8) {
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
		t[c] |= clsVchar
		if c != '#' {
			t[c] |= clsTarget
		}
	}
	for c := 0x80; c < 0x100; c++ {
		t[c] |= clsObs
	}
	mark(digits+letters+"!#$%&'*+-.^_`|~", clsToken)
	mark(digits+"ABCDEFabcdef", clsHex)
	mark(digits+letters+"-._~!$&'()*+;=", clsHost|clsBracket)
	mark(":", clsBracket)
	mark(" \t", clsBlank)
	return t
}()

// hexValue holds the value of every hexadecimal digit, 0xff for the other bytes.
var hexValue = func() (t [256]uint8) {
	for c := range t {
		switch {
		case '0' <= c && c <= '9':
			t[c] = uint8(c - '0')
		case 'a' <= c && c <= 'f':
			t[c] = uint8(c - 'a' + 10)
		case 'A' <= c && c <= 'F':
			t[c] = uint8(c - 'A' + 10)
		default:
			t[c] = 0xff
		}
	}
	return t
}()

// IsToken reports whether s is a token (RFC 9110 section 5.6.2): at least one tchar and nothing else. Methods, field
// names and list elements such as transfer codings are tokens.
func IsToken[T ~string | ~[]byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&clsToken == 0 {
			return false
		}
	}
	return len(s) > 0
}

// IsFieldValue reports whether s can be a field value (RFC 9110 section 5.5): visible characters, SP, TAB and, if
// obsText says so, the bytes 0x80-0xFF; no whitespace at either end. The empty value is one.
func IsFieldValue[T ~string | ~[]byte](s T, obsText bool) bool {
	ok := uint8(clsVchar | clsBlank)
	if obsText {
		ok |= clsObs
	}
	for i := 0; i < len(s); i++ {
		if class[s[i]]&ok == 0 {
			return false
		}
	}
	return len(s) == 0 || (class[s[0]]|class[s[len(s)-1]])&clsBlank == 0
}

// foldEqual reports whether b is want in any case. want is in lower case.
func foldEqual[T ~string | ~[]byte](b T, want string) bool {
	if len(b) != len(want) {
		return false
	}
	for i := 0; i < len(want); i++ {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// trimBlank cuts SP and TAB off both ends: OWS (RFC 9110 section 5.6.3).
func trimBlank(b []byte) []byte {
	for len(b) > 0 && class[b[0]]&clsBlank != 0 {
		b = b[1:]
	}
	for len(b) > 0 && class[b[len(b)-1]]&clsBlank != 0 {
		b = b[:len(b)-1]
	}
	return b
}

// nextElement cuts the first element off a comma-separated list (RFC 9110 section 5.6.1). Elements may be empty.
func nextElement(list []byte) (element, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trimBlank(list[:i]), list[i+1:]
		}
	}
	return trimBlank(list), nil
}
