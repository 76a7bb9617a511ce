package grpc

import "github.com/purewire/purewire/codec"

// AppendWebTrailers appends the last frame of a gRPC-Web body: flag 0x80, length, and the trailers as HTTP/1 field lines in
// lower case (PROTOCOL-WEB.md). A field that may not be sent is a misuse; dst is returned unchanged then.
func AppendWebTrailers(dst []byte, fields []codec.Field) ([]byte, error) {
	out := append(dst, flagTrailers, 0, 0, 0, 0)
	for i := range fields {
		f := &fields[i]
		if !lowerToken(f.Name) || !webValue(f.Value) {
			return dst, errValue
		}
		out = append(out, f.Name...)
		out = append(out, ": "...)
		out = append(out, f.Value...)
		out = append(out, '\r', '\n')
	}
	n := len(out) - len(dst) - PrefixLen
	p := out[len(dst)+1:]
	p[0], p[1], p[2], p[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return out, nil
}

// ParseWebTrailers appends the fields of a gRPC-Web trailer block to dst. They are views of block, except names that hold upper case:
// "Use lower-case header/trailer names" is for those who send, and HTTP/1 field names have no case, so these are made lower-case in
// arena, which is returned with dst. On an error both are returned unchanged.
func ParseWebTrailers(dst []codec.Field, arena, block []byte) ([]codec.Field, []byte, error) {
	out, low := dst, arena
	for len(block) > 0 {
		i := 0
		for i < len(block) && block[i] != '\n' {
			i++
		}
		line := block[:i]
		block = block[min(i+1, len(block)):]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if len(line) == 0 {
			continue
		}
		colon := 0
		for colon < len(line) && line[colon] != ':' {
			colon++
		}
		if colon == len(line) {
			return dst, arena, fail(rWebLine)
		}
		name, value := line[:colon], line[colon+1:]
		for len(value) > 0 && (value[0] == ' ' || value[0] == '\t') {
			value = value[1:]
		}
		for len(value) > 0 && (value[len(value)-1] == ' ' || value[len(value)-1] == '\t') {
			value = value[:len(value)-1]
		}
		if !lowerToken(name) {
			at := len(low)
			for _, c := range name {
				if c >= 'A' && c <= 'Z' {
					c |= 0x20
				}
				low = append(low, c)
			}
			if name = low[at:len(low):len(low)]; !lowerToken(name) {
				return dst, arena, fail(rWebName)
			}
		}
		if !webValue(value) {
			return dst, arena, fail(rWebValue)
		}
		out = append(out, codec.Field{Name: name, Value: value})
	}
	return out, low, nil
}

func webValue(v []byte) bool {
	for _, c := range v {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func lowerToken(b []byte) bool {
	for _, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return len(b) > 0
}

// TextDecoder decodes the base64 of application/grpc-web-text bodies as it arrives. Each frame may be padded by itself: "the
// sender may flush at frame boundaries with its own padding". It holds at most three bytes.
type TextDecoder struct {
	bits uint32
	n    uint8 // digits held
	pad  uint8 // padding seen in this group
	bad  bool
}

// AppendDecoded appends what src stands for. An error means that src is not base64; dst then holds what came before it.
func (d *TextDecoder) AppendDecoded(dst, src []byte) ([]byte, error) {
	for _, c := range src {
		if d.bad {
			break
		}
		v := base64Digit[c]
		switch {
		case c == '=':
			d.pad++
			if d.n < 2 || d.n+d.pad > 4 {
				d.bad = true
			} else if d.n+d.pad == 4 {
				dst = d.flush(dst)
			}
			continue
		case v == 0xff || d.pad > 0:
			d.bad = true
			continue
		}
		d.bits = d.bits<<6 | uint32(v)
		if d.n++; d.n == 4 {
			dst = append(dst, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
			d.bits, d.n = 0, 0
		}
	}
	if d.bad {
		return dst, fail(rBinary)
	}
	return dst, nil
}

// flush ends a group that has padding.
func (d *TextDecoder) flush(dst []byte) []byte {
	if d.n == 2 {
		dst = append(dst, byte(d.bits>>4))
	} else {
		dst = append(dst, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.bits, d.n, d.pad = 0, 0, 0
	return dst
}

// Finish reports a group of digits that is cut off.
func (d *TextDecoder) Finish() error {
	if d.bad || d.n != 0 {
		return fail(rBinary)
	}
	return nil
}

var base64Digit = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	return t
}()
