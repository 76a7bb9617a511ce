package syntax

import "encoding/binary"

// HasControl reports whether one of the bytes is a control character other than TAB: 0x00-0x08, 0x0A-0x1F, 0x7F.
// Eight bytes a step, the last step overlapping; a word with a suspect (TAB included) is looked at byte by byte.
func HasControl(b []byte) bool {
	if len(b) < 8 {
		return slowControl(b)
	}
	for i := 0; i+8 < len(b); i += 8 {
		if suspect(binary.LittleEndian.Uint64(b[i:])) && slowControl(b[i:i+8]) {
			return true
		}
	}
	tail := b[len(b)-8:]
	return suspect(binary.LittleEndian.Uint64(tail)) && slowControl(tail)
}

// suspect reports whether some byte of w is below 0x20 or 0x7F. It may also say so when none is.
func suspect(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	del := w ^ 0x7f*ones
	return ((w-0x20*ones)&^w|(del-ones)&^del)&tops != 0
}

func slowControl(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// IsBlankEnded reports whether the value starts or ends with a space or a TAB.
func IsBlankEnded[T ~string | ~[]byte](v T) bool {
	return len(v) > 0 && (v[0] == ' ' || v[0] == '\t' || v[len(v)-1] == ' ' || v[len(v)-1] == '\t')
}

// lowerName tells which octets may stand in a field name of HTTP/2 and HTTP/3: token characters but upper-case letters.
var lowerName = func() (t [256]bool) {
	for c := range t {
		t[c] = Class[c]&Token != 0 && (c < 'A' || c > 'Z')
	}
	return t
}()

// LowerNameEnd returns the position of the first octet of b that may not stand in a field name of HTTP/2 and HTTP/3 (token
// characters without upper-case letters), len(b) if there is none.
func LowerNameEnd(b []byte) int {
	n := len(b)
	switch {
	case n >= 8:
		i := 0
		for ; i+8 < n; i += 8 {
			if !plainName(binary.LittleEndian.Uint64(b[i:])) {
				return slowNameEnd(b)
			}
		}
		if plainName(binary.LittleEndian.Uint64(b[n-8:])) {
			return n
		}
	case n >= 4:
		if plainName(uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32) {
			return n
		}
	}
	return slowNameEnd(b)
}

func slowNameEnd(b []byte) int {
	for i, c := range b {
		if !lowerName[c] {
			return i
		}
	}
	return len(b)
}

// plainName reports whether all eight octets of w are lower-case letters, digits, "-" or ".": most names. It may not say so of octets
// above 0x7F, which carry.
func plainName(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	letters := (w + (0x80-'a')*ones) &^ (w + (0x7f-'z')*ones)
	digits := (w + (0x80-'-')*ones) &^ (w + (0x7f-'9')*ones) // and "-", ".", "/"
	slash := w ^ '/'*ones
	return (letters|digits)&(slash+0x7f*ones)&^w&tops == tops
}
