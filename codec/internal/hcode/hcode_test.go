package hcode

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	xhpack "golang.org/x/net/http2/hpack"
)

// RFC 7541 appendix C.1.
func TestIntegerExamples(t *testing.T) {
	for _, c := range []struct {
		prefix uint
		v      uint64
		wire   []byte
	}{
		{5, 10, []byte{0x0A}},
		{5, 1337, []byte{0x1F, 0x9A, 0x0A}},
		{8, 42, []byte{0x2A}},
	} {
		require.Equal(t, c.wire, AppendInt(nil, 0, c.prefix, c.v))
		v, n := ReadInt(c.wire, c.prefix)
		require.Equal(t, c.v, v)
		require.Equal(t, len(c.wire), n)
	}
}

// TestIntegerEdges goes round values at which the encoding changes length, with every prefix, flags set, something behind,
// and asks for more at every cut.
func TestIntegerEdges(t *testing.T) {
	for prefix := uint(1); prefix <= 8; prefix++ {
		limit := uint64(1)<<prefix - 1
		values := []uint64{0, 1, limit - 1, limit, limit + 1, MaxInt - 1, MaxInt}
		for shift := uint(7); shift < 62; shift += 7 {
			values = append(values, limit+1<<shift-1, limit+1<<shift)
		}
		for _, v := range values {
			v = min(v, MaxInt)
			flags := byte(0xFF) << prefix
			wire := AppendInt([]byte{7}, flags, prefix, v)[1:]
			require.Equal(t, IntLen(prefix, v), len(wire))
			require.Equal(t, flags, wire[0]&flags)
			got, n := ReadInt(append(wire, 0xFF), prefix)
			require.Equal(t, v, got, "prefix %d", prefix)
			require.Equal(t, len(wire), n)
			for cut := range wire {
				_, n := ReadInt(wire[:cut], prefix)
				require.Zero(t, n, "prefix %d, %d cut at %d", prefix, v, cut)
			}
		}
	}
}

// RFC 7541 section 5.1-8: Integer encodings that exceed implementation limits -- in value or octet length -- MUST be
// treated as decoding errors.
func TestIntegerLimits(t *testing.T) {
	for _, c := range []struct {
		wire []byte
		n    int
	}{
		{[]byte{0x1F, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 10}, // zeros, as many as allowed
		{[]byte{0x1F, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}, -1}, // one more
		{[]byte{0x1F, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F}, 10}, // MaxInt
		{[]byte{0x1F, 0xE1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F}, -1}, // one more
		{[]byte{0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, -1},
	} {
		v, n := ReadInt(c.wire, 5)
		require.Equal(t, c.n, n, "%x", c.wire)
		if c.wire[1] == 0xE0 {
			require.Equal(t, uint64(MaxInt), v)
		}
	}
}

func TestCodeIsCanonical(t *testing.T) {
	// RFC 7541 appendix B: some rows, and the completeness of the code.
	for sym, want := range map[int]uint32{'0': 0, 'a': 3, ' ': 0x14, '&': 0xF8, 0: 0x1FF8, 255: 0x3FFFFEE, 10: 0x3FFFFFFC, eos: 0x3FFFFFFF} {
		require.Equal(t, want, code.codes[sym])
	}
	space := 0.0
	for _, l := range codeLens {
		space += 1 / float64(uint64(1)<<l)
	}
	require.Equal(t, 1.0, space)
}

// byCode finds a symbol by the length and the bits of its code.
var byCode = func() map[[2]uint32]int {
	m := map[[2]uint32]int{}
	for sym, l := range codeLens {
		m[[2]uint32{uint32(l), code.codes[sym]}] = sym
	}
	return m
}()

// naiveDecode decodes bit by bit.
func naiveDecode(src []byte) (out []byte, v Verdict) {
	bits, n, ones := uint32(0), 0, true
	for i := range 8 * len(src) {
		bit := uint32(src[i/8]>>(7-i%8)) & 1
		bits, n, ones = bits<<1|bit, n+1, ones && bit == 1
		sym, found := byCode[[2]uint32{uint32(n), bits}]
		switch {
		case found && sym == eos:
			return nil, EOS
		case found:
			out = append(out, byte(sym))
			bits, n, ones = 0, 0, true
		}
	}
	switch {
	case n > 7:
		return nil, PaddingLong
	case !ones:
		return nil, PaddingBits
	}
	return out, OK
}

// naiveEncode encodes bit by bit.
func naiveEncode(s []byte) (out []byte) {
	n := 0
	put := func(bit uint32) {
		if n%8 == 0 {
			out = append(out, 0)
		}
		out[n/8] |= byte(bit << (7 - n%8))
		n++
	}
	for _, c := range s {
		for l := int(codeLens[c]) - 1; l >= 0; l-- {
			put(code.codes[c] >> l & 1)
		}
	}
	for n%8 != 0 {
		put(1)
	}
	return out
}

// checkDecode holds DecodeHuffman and AppendHuffmanDecode to their naive twin and to x/net.
func checkDecode(t testing.TB, src []byte) {
	t.Helper()
	want, verdict := naiveDecode(src)
	dst := append(make([]byte, 0, 3), "ab"...)
	got, v := AppendHuffmanDecode(dst, src, len(want))
	if v != verdict || !bytes.Equal(got, append([]byte("ab"), want...)) {
		t.Fatalf("%x: got %q, %d; want %q, %d", src, got, v, want, verdict)
	}
	for _, more := range []string{"\x00", "\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"} {
		out := make([]byte, DecodeRoom(len(src)))
		n, v := DecodeHuffman(out, append(append([]byte(nil), src...), more...), len(src))
		if v != verdict || !bytes.Equal(out[:n], want) {
			t.Fatalf("%x before %x: got %q, %d; want %q, %d", src, more, out[:n], v, want, verdict)
		}
	}
	if v == OK && len(want) > 0 {
		if got, v := AppendHuffmanDecode(dst, src, len(want)-1); v != TooLong || string(got) != "ab" {
			t.Fatalf("%x: one octet above the limit: %q, %d", src, got, v)
		}
	}
	if s, err := xhpack.HuffmanDecodeToString(src); (err == nil) != (v == OK) || err == nil && s != string(want) {
		t.Fatalf("%x: x/net says %q, %v", src, s, err)
	}
}

func checkEncode(t testing.TB, s []byte) {
	t.Helper()
	want := naiveEncode(s)
	if n := HuffmanLen(s); n != len(want) {
		t.Fatalf("%x: length %d, want %d", s, n, len(want))
	}
	if got := AppendHuffman([]byte("ab"), s); !bytes.Equal(got, append([]byte("ab"), want...)) {
		t.Fatalf("%x: got %x, want %x", s, got, want)
	}
	if got, ok := AppendHuffmanMax([]byte("ab"), s, len(want)); !ok || !bytes.Equal(got, append([]byte("ab"), want...)) {
		t.Fatalf("%x: with the limit it needs: %x, %v", s, got, ok)
	}
	if len(want) > 0 {
		if got, ok := AppendHuffmanMax([]byte("ab"), s, len(want)-1); ok || string(got) != "ab" {
			t.Fatalf("%x: one octet above the limit: %x, %v", s, got, ok)
		}
	}
	if got := xhpack.AppendHuffmanString(nil, string(s)); !bytes.Equal(got, want) {
		t.Fatalf("%x: x/net says %x", s, got)
	}
}

// TestHuffmanAllShort decodes every string of two octets, and of one.
func TestHuffmanAllShort(t *testing.T) {
	checkDecode(t, nil)
	for i := range 1 << 8 {
		checkDecode(t, []byte{byte(i)})
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 0; i < 1<<16; i += step {
		checkDecode(t, []byte{byte(i >> 8), byte(i)})
	}
}

// TestHuffmanRandom round-trips strings of all kinds of characters and lengths, and breaks them.
func TestHuffmanRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7541))
	n := 20000
	if testing.Short() {
		n = 2000
	}
	for range n {
		s := make([]byte, rng.IntN(70))
		for i := range s {
			switch rng.IntN(20) {
			case 0:
				s[i] = byte(rng.Uint32()) // anything, codes up to 30 bits
			case 1:
				s[i] = "{}~|^`\\<@$#!"[rng.IntN(12)]
			default:
				s[i] = byte(' ' + rng.IntN(95))
			}
		}
		checkEncode(t, s)
		wire := AppendHuffman(nil, s)
		checkDecode(t, wire)
		if len(wire) > 0 {
			checkDecode(t, wire[:rng.IntN(len(wire))])
			wire[rng.IntN(len(wire))] ^= byte(1) << rng.IntN(8)
			checkDecode(t, wire)
		}
		for i := range wire {
			wire[i] = byte(rng.Uint32())
		}
		checkDecode(t, wire)
	}
}

// TestHuffmanFiveBits decodes the longest outputs there are: with every length of input, all codes are of five bits.
func TestHuffmanFiveBits(t *testing.T) {
	for n := range 120 {
		checkDecode(t, make([]byte, n))
		checkDecode(t, append(make([]byte, n), 0x38))
		checkEncode(t, bytes.Repeat([]byte("0"), n))
		checkEncode(t, bytes.Repeat([]byte{10}, n))
	}
}

func TestHuffmanSilent(t *testing.T) {
	s := bytes.Repeat([]byte("www.example.com/"), 8)
	wire := AppendHuffman(nil, s)
	bad := append(append([]byte(nil), wire...), 0xFF, 0xFF, 0xFF, 0xFF)
	dst := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		AppendHuffman(dst, s)
		AppendHuffmanDecode(dst, wire, 1024)
		AppendHuffmanDecode(dst, bad, 1024)
	}))
}

func FuzzHuffman(f *testing.F) {
	f.Add([]byte("www.example.com"))
	f.Add([]byte{0xF1, 0xE3, 0xC2, 0xE5, 0xF2, 0x3A, 0x6B, 0xA0, 0xAB, 0x90, 0xF4, 0xFF})
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, s []byte) {
		checkDecode(t, s)
		checkEncode(t, s)
	})
}

func FuzzInteger(f *testing.F) {
	f.Add([]byte{0x1F, 0x9A, 0x0A}, uint8(5))
	f.Fuzz(func(t *testing.T, src []byte, prefix uint8) {
		p := uint(prefix%8) + 1
		v, n := ReadInt(src, p)
		switch {
		case n > len(src), n < -1, v > MaxInt:
			t.Fatalf("%x: %d, %d", src, v, n)
		case n > 0:
			wire := AppendInt(nil, 0, p, v)
			if again, m := ReadInt(wire, p); again != v || m != len(wire) || m > n || m != IntLen(p, v) {
				t.Fatalf("%x: %d is %x, read as %d", src, v, wire, again)
			}
		}
	})
}
