package grpc

import "time"

// AppendText appends s as the value of grpc-message: percent-encoded (PROTOCOL-HTTP2.md, Status-Message). Printable ASCII stays but for
// "%", so a line break can never reach a header. s should be UTF-8; any bytes are sent.
func AppendText(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x20 && c <= 0x7e && c != '%' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// AppendDecodedText appends what the value of grpc-message stands for. "When decoding invalid values, implementations MUST NOT error or
// throw away the message. At worst, the implementation can abort decoding the status message altogether": a percent sign that
// two hexadecimal digits do not follow stands for itself.
func AppendDecodedText(dst, value []byte) []byte {
	for i := 0; i < len(value); i++ {
		if value[i] == '%' && i+2 < len(value) {
			hi, lo := unhex(value[i+1]), unhex(value[i+2])
			if hi < 16 && lo < 16 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, value[i])
	}
	return dst
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// MaxTimeout is the longest grpc-timeout: 99999999 hours do not fit a time.Duration, which saturates at 292 years.
const MaxTimeout = time.Duration(1<<63 - 1)

// units of grpc-timeout, from short to long.
var units = [...]struct {
	letter byte
	unit   time.Duration
}{{'n', 1}, {'u', time.Microsecond}, {'m', time.Millisecond}, {'S', time.Second}, {'M', time.Minute}, {'H', time.Hour}}

// ParseTimeout parses the value of grpc-timeout: "TimeoutValue: {positive integer as ASCII string of at most 8 digits}" and a unit,
// one of H M S m u n. Zero is accepted: a deadline that has passed. What does not fit a Duration is MaxTimeout.
func ParseTimeout(value []byte) (time.Duration, error) {
	if len(value) < 2 || len(value) > 9 {
		return 0, fail(rTimeout)
	}
	var n int64
	for _, c := range value[:len(value)-1] {
		if c < '0' || c > '9' {
			return 0, fail(rTimeout)
		}
		n = n*10 + int64(c-'0')
	}
	for _, u := range units {
		if u.letter == value[len(value)-1] {
			if n > int64(MaxTimeout/u.unit) {
				return MaxTimeout, nil
			}
			return time.Duration(n) * u.unit, nil
		}
	}
	return 0, fail(rTimeout)
}

// AppendTimeout appends d as the value of grpc-timeout, in the finest unit in which it has at most 8 digits, rounded up so that
// the peer never gives up first. Zero and less is "0n".
func AppendTimeout(dst []byte, d time.Duration) []byte {
	if d <= 0 {
		return append(dst, "0n"...)
	}
	for _, u := range units {
		n := d / u.unit
		if d%u.unit != 0 {
			n++
		}
		if n <= 99999999 {
			return append(appendUint(dst, uint64(n)), u.letter)
		}
	}
	return append(dst, "99999999H"...) // not reached: MaxTimeout is 2562048 hours
}
