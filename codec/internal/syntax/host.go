package syntax

import (
	"bytes"
	"encoding/binary"
)

// SplitHost checks host[:port] and returns the length of the host, which may be empty, and whether ":" follows: a host and, perhaps, ":" and a port of
// up to 65535, which may be empty too (RFC 3986 section 3.2.2). User information, lists and whitespace are not valid.
func SplitHost(b []byte) (n int, port, valid bool) {
	if len(b) > 0 && b[0] == '[' {
		n = bytes.IndexByte(b, ']') + 1
		if n == 0 || !validLiteral(b[1:n-1]) {
			return n, false, false
		}
	} else {
		for n+8 <= len(b) && plainHost(binary.LittleEndian.Uint64(b[n:])) {
			n += 8
		}
		for n < len(b) && Class[b[n]]&RegName != 0 {
			n++
		}
		for n < len(b) && b[n] == '%' {
			if n+2 >= len(b) || Class[b[n+1]]&Class[b[n+2]]&Hex == 0 {
				return n, false, false
			}
			n += 3
			for n < len(b) && Class[b[n]]&RegName != 0 {
				n++
			}
		}
	}
	if n == len(b) {
		return n, false, true
	}
	if b[n] != ':' {
		return n, false, false
	}
	number := 0
	for _, c := range b[n+1:] {
		if !IsDigit(c) || number > 65535 {
			return n, true, false
		}
		number = number*10 + int(c-'0')
	}
	return n, true, number <= 65535
}

// plainHost reports whether all eight bytes of w are letters, digits, "-" or ".": most hosts. It may not say so of bytes
// above 0x7F, which carry.
func plainHost(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	l := w | 0x20*ones
	letters := (l + (0x80-'a')*ones) &^ (l + (0x7f-'z')*ones)
	digits := (w + (0x80-'-')*ones) &^ (w + (0x7f-'9')*ones) // and "-", ".", "/"
	slash := w ^ '/'*ones
	return (letters|digits)&(slash+0x7f*ones)&^w&tops == tops
}

// validLiteral checks what stands between "[" and "]": an IPv6 address or IPvFuture. Zone identifiers are not
// allowed in HTTP (RFC 9110 section 4.2).
func validLiteral(b []byte) bool {
	if len(b) > 0 && b[0]|0x20 == 'v' {
		dot := bytes.IndexByte(b, '.')
		if dot < 2 || dot+1 == len(b) {
			return false
		}
		for _, c := range b[1:dot] {
			if Class[c]&Hex == 0 {
				return false
			}
		}
		for _, c := range b[dot+1:] {
			if Class[c]&Bracket == 0 {
				return false
			}
		}
		return true
	}
	return validIPv6(b)
}

// validIPv6 checks an IPv6 address (RFC 3986 section 3.2.2): eight groups of one to four hexadecimal digits, at most one "::" for one or
// more of them, and perhaps a dotted IPv4 address for the last two.
func validIPv6(b []byte) bool {
	groups, gap, i := 0, false, 0
	for {
		if i+1 < len(b) && b[i] == ':' && b[i+1] == ':' {
			if gap {
				return false
			}
			gap = true
			i += 2
			if i == len(b) {
				break
			}
		} else if groups > 0 {
			if i >= len(b) || b[i] != ':' {
				return false
			}
			i++
		}
		start := i
		for i < len(b) && Class[b[i]]&Hex != 0 {
			i++
		}
		if i < len(b) && b[i] == '.' {
			if !validIPv4(b[start:]) {
				return false
			}
			groups += 2
			break
		}
		if i == start || i-start > 4 {
			return false
		}
		groups++
		if i == len(b) {
			break
		}
	}
	if gap {
		return groups <= 7
	}
	return groups == 8
}

// validIPv4 checks four decimal numbers of up to 255 without leading zeros.
func validIPv4(b []byte) bool {
	for part := 0; part < 4; part++ {
		n, v := 0, 0
		for n < len(b) && n < 4 && IsDigit(b[n]) {
			v = v*10 + int(b[n]-'0')
			n++
		}
		if n == 0 || v > 255 || n > 1 && b[0] == '0' {
			return false
		}
		b = b[n:]
		if part < 3 {
			if len(b) == 0 || b[0] != '.' {
				return false
			}
			b = b[1:]
		}
	}
	return len(b) == 0
}

// IsDigit reports whether c is a decimal digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }
