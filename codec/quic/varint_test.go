package quic

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	s = string(bytes.Join(bytes.Fields([]byte(s)), nil))
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The examples of RFC 9000 appendix A.1, and every boundary of section 16.
func TestVarint(t *testing.T) {
	for _, c := range []struct {
		wire  string
		v     uint64
		canon bool
	}{
		{"c2197c5eff14e88c", 151288809941952652, true},
		{"9d7f3e7d", 494878333, true},
		{"7bbd", 15293, true},
		{"25", 37, true},
		{"4025", 37, false},
		{"80000025", 37, false},
		{"c000000000000025", 37, false},
		{"00", 0, true}, {"3f", 63, true}, {"4040", 64, true}, {"7fff", 16383, true}, {"80004000", 16384, true},
		{"bfffffff", 1<<30 - 1, true}, {"c000000040000000", 1 << 30, true}, {"ffffffffffffffff", MaxVarint, true},
	} {
		wire := unhex(t, c.wire)
		v, n := ParseVarint(append(wire[:len(wire):len(wire)], 0xaa))
		if v != c.v || n != len(wire) {
			t.Errorf("%s: %d of %d bytes", c.wire, v, n)
		}
		for cut := range wire {
			if v, n := ParseVarint(wire[:cut]); v != 0 || n != 0 {
				t.Errorf("%s cut at %d: %d of %d bytes", c.wire, cut, v, n)
			}
		}
		if got := AppendVarint([]byte("x"), c.v); bytes.Equal(got[1:], wire) != c.canon || VarintLen(c.v) != len(got)-1 {
			t.Errorf("%d encodes as %x", c.v, got)
		}
		if got := AppendVarintSize([]byte("x"), c.v, len(wire)); !bytes.Equal(got[1:], wire) {
			t.Errorf("%d in %d bytes encodes as %x", c.v, len(wire), got)
		}
		if got := AppendVarintSize(nil, c.v, VarintLen(c.v)/2); len(got) != 0 {
			t.Errorf("%d in too few bytes encodes as %x", c.v, got)
		}
	}
	if got := AppendVarint(nil, MaxVarint+1); len(got) != 0 || VarintLen(MaxVarint+1) != 0 {
		t.Errorf("2^62 encodes as %x", got)
	}
	if got := append(AppendVarintSize(nil, MaxVarint+1, 8), AppendVarintSize(nil, 1, 3)...); len(got) != 0 {
		t.Errorf("impossible sizes: %x", got)
	}
}

// The examples of RFC 9000 appendix A.2 and A.3.
func TestPacketNumberVectors(t *testing.T) {
	if n := PacketNumberLen(0xac5c02, 0xabe8b3); n != 2 {
		t.Errorf("0xac5c02 after 0xabe8b3 in %d bytes", n)
	}
	if n := PacketNumberLen(0xace8fe, 0xabe8b3); n != 3 {
		t.Errorf("0xace8fe after 0xabe8b3 in %d bytes", n)
	}
	if pn := DecodePacketNumber(0xa82f30ea, 0x9b32, 2); pn != 0xa82f9b32 {
		t.Errorf("%#x", pn)
	}
}

// Whatever length PacketNumberLen gives, a receiver decodes it that knows any packet from the last acknowledged one
// to one before the packet itself.
func TestPacketNumberRoundTrip(t *testing.T) {
	for _, base := range []int64{NoPacket, 0, 1, 200, 1 << 16, 1<<32 - 5, 1 << 40, MaxPacketNumber - 1<<31 - 2} {
		for _, d := range []int64{1, 2, 127, 128, 129, 255, 256, 32767, 32768, 32769, 1<<23 - 1, 1 << 23, 1<<23 + 1, 1<<31 - 1, 1 << 31} {
			pn := base + d
			n := PacketNumberLen(pn, base)
			if n == 0 {
				t.Fatalf("%d after %d: no length", pn, base)
			}
			low := uint32(pn) & uint32(1<<(8*n)-1)
			for _, largest := range []int64{base, base + d/2, pn - 1} {
				if got := DecodePacketNumber(largest, low, n); got != pn {
					t.Errorf("%d in %d bytes after %d decodes as %d", pn, n, largest, got)
				}
			}
			wire := AppendPacketNumber(nil, pn, n)
			var back uint32
			for _, b := range wire {
				back = back<<8 | uint32(b)
			}
			if len(wire) != n || back != low {
				t.Errorf("%d: %x", pn, wire)
			}
		}
		if n := PacketNumberLen(base+1<<31+1, base); n != 0 {
			t.Errorf("more than 4 bytes needed: %d", n)
		}
	}
	if PacketNumberLen(5, 5) != 0 || PacketNumberLen(MaxPacketNumber+1, MaxPacketNumber) != 0 || PacketNumberLen(1, -2) != 0 {
		t.Error("impossible numbers have a length")
	}
	if AppendPacketNumber(nil, 1, 0) != nil || AppendPacketNumber(nil, 1, 5) != nil {
		t.Error("impossible lengths")
	}
	if pn := DecodePacketNumber(MaxPacketNumber-1, 0, 1); pn != MaxPacketNumber-255 {
		t.Errorf("beyond the last packet number: %d", pn)
	}
}

func TestConnectionID(t *testing.T) {
	long := bytes.Repeat([]byte{0xab}, 21)
	for n := 0; n <= MaxConnectionIDLen; n++ {
		id, ok := MakeConnectionID(long[:n])
		if !ok || id.Len() != n || !bytes.Equal(id.Bytes(), long[:n]) || !id.Is(long[:n]) || id.Is(long) || id.String() != hex.EncodeToString(long[:n]) {
			t.Errorf("%d bytes: %v", n, id)
		}
	}
	if id, ok := MakeConnectionID(long); ok || id != (ConnectionID{}) {
		t.Error("21 bytes accepted")
	}
	a, _ := MakeConnectionID([]byte{0})
	b, _ := MakeConnectionID([]byte{0, 0})
	if a == b {
		t.Error("IDs of different lengths are equal")
	}
}
