package codectest

import (
	"fmt"
	"strconv"
	"strings"
)

// minRun is the shortest run of one byte that Escape writes as \(N*x).
const minRun = 24

// maxUnescaped bounds what Unescape makes of its input, in bytes.
const maxUnescaped = 64 << 20

// Escape renders bytes as one line of printable ASCII: \r \n \t \\ \xHH as in Go, and \(N*x) for a long run of one byte.
// A space at either end is written \x20 so that no editor can lose it.
func Escape(b []byte) string { return string(appendEscaped(nil, b, false)) }

// Quote is Escape in double quotes, with \" inside and spaces as they are.
func Quote(b []byte) string {
	out := append(make([]byte, 0, len(b)+8), '"')
	return string(append(appendEscaped(out, b, true), '"'))
}

func appendEscaped(dst, b []byte, quoted bool) []byte {
	for i := 0; i < len(b); {
		run := 1
		for i+run < len(b) && b[i+run] == b[i] {
			run++
		}
		edge := !quoted && (i == 0 || i+1 == len(b))
		if run >= minRun {
			dst = append(dst, `\(`...)
			dst = strconv.AppendInt(dst, int64(run), 10)
			dst = append(dst, '*')
			if b[i] == ')' {
				dst = append(dst, `\x29`...)
			} else {
				dst = appendEscapedByte(dst, b[i], quoted, false)
			}
			dst = append(dst, ')')
			i += run
			continue
		}
		dst = appendEscapedByte(dst, b[i], quoted, edge)
		i++
	}
	return dst
}

func appendEscapedByte(dst []byte, c byte, quoted, edge bool) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '\r':
		return append(dst, `\r`...)
	case c == '\n':
		return append(dst, `\n`...)
	case c == '\t':
		return append(dst, `\t`...)
	case c == '\\':
		return append(dst, `\\`...)
	case c == '"' && quoted:
		return append(dst, `\"`...)
	case c < ' ' || c >= 0x7f || c == ' ' && edge:
		return append(dst, '\\', 'x', hex[c>>4], hex[c&15])
	}
	return append(dst, c)
}

// Unescape reads what a golden case writes as input: text with \r \n \t \0 \\ \" \xHH, and \(N*text) for N copies of
// text, which may itself contain escapes. Line ends in s are dropped, so that a long input may be laid out in lines.
func Unescape(s string) ([]byte, error) {
	out, rest, err := unescape(nil, s, false)
	if err != nil {
		return nil, fmt.Errorf("at %q: %w", clip(rest, 20), err)
	}
	return out, nil
}

// unescape appends the meaning of s to dst, up to a closing parenthesis if nested, and returns what it has not read.
func unescape(dst []byte, s string, nested bool) ([]byte, string, error) {
	for s != "" {
		c := s[0]
		switch {
		case c == '\n' || c == '\r':
			s = s[1:]
			continue
		case c == ')' && nested:
			return dst, s[1:], nil
		case c != '\\':
			dst, s = append(dst, c), s[1:]
			continue
		case len(s) == 1:
			return dst, s, fmt.Errorf("lone backslash")
		}
		switch s[1] {
		case 'r':
			dst = append(dst, '\r')
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case '0':
			dst = append(dst, 0)
		case '\\', '"', ')':
			dst = append(dst, s[1])
		case 'x':
			if len(s) < 4 {
				return dst, s, fmt.Errorf(`\x needs two hex digits`)
			}
			v, err := strconv.ParseUint(s[2:4], 16, 8)
			if err != nil {
				return dst, s, fmt.Errorf(`\x needs two hex digits`)
			}
			dst = append(dst, byte(v))
			s = s[4:]
			continue
		case '(':
			digits, body, ok := strings.Cut(s[2:], "*")
			n, err := strconv.Atoi(digits)
			if !ok || err != nil || n < 0 {
				return dst, s, fmt.Errorf(`\( needs a count and *`)
			}
			unit, rest, err := unescape(nil, body, true)
			if err != nil {
				return dst, rest, err
			}
			if len(unit) > 0 && n > (maxUnescaped-len(dst))/len(unit) {
				return dst, s, fmt.Errorf("more than %d bytes", maxUnescaped)
			}
			for range n {
				dst = append(dst, unit...)
			}
			s = rest
			continue
		default:
			return dst, s, fmt.Errorf("unknown escape")
		}
		s = s[2:]
	}
	if nested {
		return dst, s, fmt.Errorf(`\( without )`)
	}
	return dst, s, nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
