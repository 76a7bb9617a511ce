package tlspeek

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// JA4 appends the client's JA4 fingerprint (https://github.com/FoxIO-LLC/ja4, its part for TLS over TCP) to dst: 36 bytes that stay the same
// when a client shuffles its extensions, for example t13d1516h2_8daaf6152771_e5627efa2ab1.
func (h *Hello) JA4(dst []byte) []byte {
	version := h.Version
	newest := uint16(0)
	for _, v := range h.Versions {
		if !grease(v) {
			newest = max(newest, v)
		}
	}
	if newest != 0 {
		version = newest
	}
	dst = append(dst, 't')
	switch version {
	case 0x0304:
		dst = append(dst, "13"...)
	case 0x0303:
		dst = append(dst, "12"...)
	case 0x0302:
		dst = append(dst, "11"...)
	case 0x0301:
		dst = append(dst, "10"...)
	case 0x0300:
		dst = append(dst, "s3"...)
	case 0x0002:
		dst = append(dst, "s2"...)
	default:
		dst = append(dst, "00"...)
	}
	if slices.Contains(h.Extensions, extServerName) {
		dst = append(dst, 'd')
	} else {
		dst = append(dst, 'i')
	}
	dst = appendCount(dst, h.CipherSuites)
	dst = appendCount(dst, h.Extensions)
	dst = h.appendALPN(dst)

	dst = append(dst, '_')
	h.sorted = h.sorted[:0]
	for _, v := range h.CipherSuites {
		if !grease(v) {
			h.sorted = append(h.sorted, v)
		}
	}
	slices.Sort(h.sorted)
	h.text = appendList(h.text[:0], h.sorted)
	dst = appendHash(dst, h.text)

	dst = append(dst, '_')
	h.sorted = h.sorted[:0]
	for _, v := range h.Extensions {
		if !grease(v) && v != extServerName && v != extALPN {
			h.sorted = append(h.sorted, v)
		}
	}
	slices.Sort(h.sorted)
	h.text = appendList(h.text[:0], h.sorted)
	if len(h.Signatures) > 0 && len(h.text) > 0 {
		h.text = append(h.text, '_')
		h.sorted = h.sorted[:0]
		for _, v := range h.Signatures {
			if !grease(v) {
				h.sorted = append(h.sorted, v)
			}
		}
		h.text = appendList(h.text, h.sorted)
	}
	return appendHash(dst, h.text)
}

// grease tells the values that RFC 8701 section 2 reserves: 0x0a0a, 0x1a1a, ... 0xfafa.
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// appendCount appends two digits, 99 for anything larger.
func appendCount(dst []byte, list []uint16) []byte {
	n := 0
	for _, v := range list {
		if !grease(v) {
			n++
		}
	}
	n = min(n, 99)
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendALPN appends the first and the last character of the first protocol; if one of them is not alphanumeric, of its hexadecimal
// form.
func (h *Hello) appendALPN(dst []byte) []byte {
	if len(h.Protocols) == 0 {
		return append(dst, "00"...)
	}
	p := h.Protocols[0]
	first, last := p[0], p[len(p)-1]
	if !alphanumeric(first) || !alphanumeric(last) {
		const digits = "0123456789abcdef"
		first, last = digits[first>>4], digits[last&15]
	}
	return append(dst, first, last)
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// appendList appends numbers as four hexadecimal digits each, with commas between.
func appendList(dst []byte, list []uint16) []byte {
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = hex.AppendEncode(dst, []byte{byte(v >> 8), byte(v)})
	}
	return dst
}

// appendHash appends the first twelve digits of the SHA-256 of text, zeros if there is none.
func appendHash(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:6])
}
