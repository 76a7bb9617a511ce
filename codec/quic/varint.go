package quic

import "github.com/purewire/purewire/codec/internal/varint"

// MaxVarint is the largest value of a variable-length integer, 2^62-1 (RFC 9000 section 16).
const MaxVarint = varint.Max

// VarintLen returns the length in bytes of the shortest encoding of v: 1, 2, 4 or 8. It is 0 above MaxVarint.
func VarintLen(v uint64) int { return varint.Len(v) }

// ParseVarint reads the variable-length integer at the start of src and returns it with its length in bytes: 1, 2, 4 or 8,
// or 0 if src ends before the integer does. Encodings that are longer than needed are accepted, as RFC 9000 section 16 asks.
func ParseVarint(src []byte) (v uint64, n int) {
	v, n = varint.Parse(src)
	return
}

// AppendVarint appends the shortest encoding of v to dst. Above MaxVarint there is none: dst is returned as it was.
func AppendVarint(dst []byte, v uint64) []byte { return varint.Append(dst, v) }

// AppendVarintSize appends v in exactly size bytes: 1, 2, 4 or 8. If v does not fit, or for another size, dst is returned as it was.
// Whoever writes a length before what it counts reserves its bytes this way.
func AppendVarintSize(dst []byte, v uint64, size int) []byte { return varint.AppendSize(dst, v, size) }
