package http1

import "github.com/purewire/purewire/codec/internal/syntax"

// Classes of bytes, one bit each (codec/internal/syntax).
const (
	clsToken   = syntax.Token
	clsVchar   = syntax.Vchar
	clsBlank   = syntax.Blank
	clsObs     = syntax.Obs
	clsHex     = syntax.Hex
	clsTarget  = syntax.Target
	clsHost    = syntax.RegName
	clsBracket = syntax.Bracket
)

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
		if syntax.Class[s[i]]&clsToken == 0 {
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
		if syntax.Class[s[i]]&ok == 0 {
			return false
		}
	}
	return len(s) == 0 || (syntax.Class[s[0]]|syntax.Class[s[len(s)-1]])&clsBlank == 0
}

// trimBlank cuts SP and TAB off both ends: OWS (RFC 9110 section 5.6.3).
func trimBlank(b []byte) []byte {
	for len(b) > 0 && syntax.Class[b[0]]&clsBlank != 0 {
		b = b[1:]
	}
	for len(b) > 0 && syntax.Class[b[len(b)-1]]&clsBlank != 0 {
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
