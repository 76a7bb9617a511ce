package h3

import (
	"math"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/priority"
	"github.com/purewire/purewire/codec/internal/varint"
)

// CapsuleType is the type of a capsule (RFC 9297 section 3.2).
type CapsuleType uint64

// CapsuleDatagram is DATAGRAM: a capsule that carries an HTTP datagram (RFC 9297 section 3.5).
const CapsuleDatagram CapsuleType = 0

// Reserved reports whether capsules of this type exist to be ignored: 0x29*N+0x17 (RFC 9297 section 5.4).
func (t CapsuleType) Reserved() bool { return t >= 0x17 && (t-0x17)%0x29 == 0 }

// CapsuleHeader is what stands in front of each capsule's value (RFC 9297 section 3.2).
type CapsuleHeader struct {
	// Type says what the value is.
	Type CapsuleType
	// Length is how many octets the value has, below 2^62.
	Length uint64
}

// ParseCapsuleHeader reads the capsule header at the start of src and returns how many octets it takes, 0 if src ends
// before it does; at most 16.
func ParseCapsuleHeader(src []byte, h *CapsuleHeader) (n int) {
	t, n := varint.Parse(src)
	if n == 0 {
		return 0
	}
	l, k := varint.Parse(src[n:])
	if k == 0 {
		return 0
	}
	h.Type, h.Length = CapsuleType(t), l
	return n + k
}

// AppendCapsuleHeader appends h in its shortest encoding; the value goes behind it. Types and lengths are below 2^62; others
// append nothing.
func AppendCapsuleHeader(dst []byte, h CapsuleHeader) []byte {
	if h.Type > varint.Max || h.Length > varint.Max {
		return dst
	}
	return varint.Append(varint.Append(dst, uint64(h.Type)), h.Length)
}

// AppendCapsule appends a whole capsule.
func AppendCapsule(dst []byte, t CapsuleType, value []byte) []byte {
	if t > varint.Max {
		return dst
	}
	return append(AppendCapsuleHeader(dst, CapsuleHeader{Type: t, Length: uint64(len(value))}), value...)
}

// The defaults of CapsuleLimits.
const (
	DefaultCapsuleValue   = 64 << 10
	DefaultCapsuleUnknown = 1000
)

// CapsuleLimits bounds what a Capsules accepts. Zero is the default, negative is none.
type CapsuleLimits struct {
	// Value is the longest value in octets of a capsule that is delivered whole: DATAGRAM. It is what Next can leave
	// unread, with 16 octets. Exceeded: the stream is at fault. Default 64 KiB.
	Value int
	// Unknown is how many capsules may come, whatever their length, that are neither DATAGRAM nor in Types: each of those
	// that are brings one back; so many times 4 KiB is also what they may hold. Default 1000.
	Unknown int
	// Types are capsules beside DATAGRAM to deliver, in pieces as they come. It is shared, not copied.
	Types []CapsuleType
}

// CapsuleKind says what a CapsuleEvent tells.
type CapsuleKind uint8

const (
	// CapsuleNone: need more input.
	CapsuleNone CapsuleKind = iota
	// CapsuleWhole: a DATAGRAM capsule; Value is all of it.
	CapsuleWhole
	// CapsuleBegin: a capsule of one of CapsuleLimits.Types begins: Type, Length.
	CapsuleBegin
	// CapsulePiece: a piece of its value.
	CapsulePiece
)

// CapsuleEvent is what Capsules.Next found. Value is lent: valid until the next call or until the caller touches src.
//
//	Kind           fields that are set
//	CapsuleNone
//	CapsuleWhole   Type Length Value
//	CapsuleBegin   Type Length
//	CapsulePiece   Type Length Value
type CapsuleEvent struct {
	Kind CapsuleKind
	// Type and Length are those of the capsule.
	Type   CapsuleType
	Length uint64
	// Value is the value or a piece of it.
	Value []byte
}

// Capsules reads the capsules in the content of one stream (RFC 9297 section 3), cut anywhere. It is for whoever uses a protocol
// that is made of capsules: feed it the Data of the stream's events. The zero value must be brought to life by Init.
type Capsules struct {
	limits  CapsuleLimits
	value   uint64
	unknown int64 // units that may still be skipped
	cur     CapsuleHeader
	left    uint64 // of cur
	deliver bool
	tail    bool
	off     int64
	steps   uint64
	err     Error
}

// Init brings c to the beginning of a stream. nil is all defaults; l is copied.
func (c *Capsules) Init(l *CapsuleLimits) {
	*c = Capsules{}
	if l != nil {
		c.limits = *l
	}
	c.value = uint64(limit(c.limits.Value, DefaultCapsuleValue))
	c.unknown = int64(limit(c.limits.Unknown, DefaultCapsuleUnknown))
}

// Steps returns the work done since Init.
func (c *Capsules) Steps() uint64 { return c.steps }

// fail ends c.
func (c *Capsules) fail(f Fault) error { return c.err.set(f, NoStream, c.off) }

// Next reads one event from src: content that was not consumed before, and whatever has come behind it. An error is of
// ScopeStream, and final: reset the stream with its code.
func (c *Capsules) Next(src []byte, ev *CapsuleEvent) (n int, err error) {
	ev.Kind = CapsuleNone
	if c.err.Scope != 0 {
		return 0, &c.err
	}
	if len(src) > 0 {
		c.tail = false
	}
	for {
		c.steps++
		if c.left > 0 {
			k := int(min(uint64(len(src)-n), c.left))
			if !c.deliver {
				k = int(min(uint64(k), chunk(c.left)))
			}
			c.left -= uint64(k)
			c.off += int64(k)
			piece := src[n : n+k : n+k]
			n += k
			switch {
			case k == 0:
				return n, nil
			case c.deliver:
				ev.Kind, ev.Type, ev.Length, ev.Value = CapsulePiece, c.cur.Type, c.cur.Length, piece
				return n, nil
			// RFC 9297 section 3.2-7: Endpoints that receive a Capsule with an unknown Capsule Type MUST silently drop that Capsule and skip over it to
			// parse the next Capsule. What they cost is bounded.
			case c.left > 0 && c.left%skipUnit == 0 && !c.spend(1):
				return n, &c.err
			}
			continue
		}
		var h CapsuleHeader
		k := ParseCapsuleHeader(src[n:], &h)
		if k == 0 {
			c.tail = c.tail || n < len(src)
			return n, nil
		}
		c.cur, c.deliver = h, false
		if h.Type == CapsuleDatagram {
			if h.Length > c.value {
				return n, c.fail(fCapsuleLong)
			}
			if uint64(len(src)-n-k) < h.Length {
				c.tail = true
				return n, nil
			}
			end := n + k + int(h.Length)
			ev.Kind, ev.Type, ev.Length, ev.Value = CapsuleWhole, h.Type, h.Length, src[n+k:end:end]
			c.off += int64(end - n)
			c.earn()
			return end, nil
		}
		for _, t := range c.limits.Types {
			if t == h.Type {
				n += k
				c.off += int64(k)
				c.deliver, c.left = true, h.Length
				c.earn()
				ev.Kind, ev.Type, ev.Length = CapsuleBegin, h.Type, h.Length
				return n, nil
			}
		}
		if !c.spend(1) {
			return n, &c.err
		}
		n += k
		c.off += int64(k)
		c.left = h.Length
	}
}

// spend takes units for what is skipped.
func (c *Capsules) spend(units int64) bool {
	if c.unknown -= units; c.unknown >= 0 {
		return true
	}
	c.fail(fCapsuleMany)
	return false
}

// earn brings one back.
func (c *Capsules) earn() {
	c.unknown = min(c.unknown+1, int64(limit(c.limits.Unknown, DefaultCapsuleUnknown)))
}

// Finish tells that the content has ended.
//
// RFC 9297 section 3.3-3: If the receive side of a stream carrying Capsules is terminated cleanly [...] and the last Capsule on the stream was
// truncated, this MUST be treated as if it were a malformed or incomplete message.
func (c *Capsules) Finish() error {
	if c.err.Scope != 0 {
		return &c.err
	}
	if c.left > 0 || c.tail {
		return c.fail(fCapsuleCut)
	}
	return nil
}

var capsuleProtocol = []byte("capsule-protocol")

// CapsuleProtocol reports whether the Capsule-Protocol field of a head says that the content is made of capsules (RFC 9297 section 3.4): it
// is there once, an Item, and true. Parameters are ignored; any other value is as good as no field.
func CapsuleProtocol(list []codec.Field) bool {
	found := false
	for i := range list {
		if string(list[i].Name) == string(capsuleProtocol) {
			if found {
				return false
			}
			if found = priority.TrueItem(list[i].Value); !found {
				return false
			}
		}
	}
	return found
}

func limit(v, def int) int {
	switch {
	case v == 0:
		return def
	case v < 0:
		return math.MaxInt32
	}
	return min(v, math.MaxInt32)
}
