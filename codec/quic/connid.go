package quic

// MaxConnectionIDLen is the longest connection ID of QUIC versions 1 and 2, in bytes (RFC 9000 section 17.2). The invariants
// of all versions allow 255.
const MaxConnectionIDLen = 20

// ConnectionID is a connection ID of 0 to 20 bytes, as a value that can be compared and used as a key of a map.
// The zero value is the ID of length zero.
type ConnectionID struct {
	n uint8
	b [MaxConnectionIDLen]byte
}

// MakeConnectionID returns the ID that consists of the bytes in b. ok is false if there are more than 20.
func MakeConnectionID(b []byte) (id ConnectionID, ok bool) {
	if len(b) > MaxConnectionIDLen {
		return ConnectionID{}, false
	}
	id.n = uint8(copy(id.b[:], b))
	return id, true
}

// Len returns the length in bytes, 0 to 20.
func (c *ConnectionID) Len() int { return int(c.n) }

// Bytes returns the bytes of the ID. They are part of c: valid as long as c, and not to be changed.
func (c *ConnectionID) Bytes() []byte { return c.b[:c.n] }

// Is tells whether the ID consists of the bytes in b.
func (c *ConnectionID) Is(b []byte) bool { return string(c.b[:c.n]) == string(b) }

// String returns the ID in hexadecimal, "" for the empty one.
func (c ConnectionID) String() string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*MaxConnectionIDLen)
	for _, b := range c.b[:c.n] {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
