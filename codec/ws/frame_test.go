package ws

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

// verdict is what the RFC says about a header that is whole: the reason that shows first.
func verdict(src []byte, rules Rules) reason {
	fin, rsv, op := src[0]&0x80 != 0, src[0]&0x70, Opcode(src[0]&15)
	control := op >= 8
	for bit, rule := range map[byte]Rules{0x40: RSV1, 0x20: RSV2, 0x10: RSV3} {
		if rsv&bit != 0 && rules&rule == 0 {
			return rReservedBit
		}
	}
	switch {
	case op >= 3 && op <= 7:
		return rOpcodeData
	case op >= 11:
		return rOpcodeControl
	case rsv&0x40 != 0 && op != Text && op != Binary:
		return rCompressedBit
	case control && !fin:
		return rControlFragment
	case op == Continuation && rules&NoMessage != 0:
		return rContinuation
	case (op == Text || op == Binary) && rules&InMessage != 0:
		return rInterleaved
	case src[1] < 0x80 && rules&FromClient != 0:
		return rUnmasked
	case src[1] >= 0x80 && rules&FromServer != 0:
		return rMasked
	}
	switch l := src[1] & 0x7f; {
	case l > 125 && control:
		return rControlLong
	case l == 126 && binary.BigEndian.Uint16(src[2:]) < 126:
		return rLength16
	case l == 127 && src[2] >= 0x80:
		return rLengthSign
	case l == 127 && binary.BigEndian.Uint64(src[2:]) < 65536:
		return rLength64
	}
	return ok
}

// checkHeader parses every prefix of src, which is at least as long as any header.
func checkHeader(t *testing.T, src []byte, rules Rules) {
	want := verdict(src, rules)
	size := 2
	switch src[1] & 0x7f {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	length := int64(src[1] & 0x7f)
	if size == 4 {
		length = int64(binary.BigEndian.Uint16(src[2:]))
	} else if size == 10 {
		length = int64(binary.BigEndian.Uint64(src[2:]))
	}
	key := [4]byte{}
	if src[1]&0x80 != 0 {
		key = [4]byte(src[size:])
		size += 4
	}
	seen := false
	var h Header
	for cut := range len(src) + 1 {
		n, err := ParseHeader(src[:cut:cut], &h, rules)
		if err == nil {
			if seen {
				t.Fatalf("% x: the error is gone at %d", src, cut)
			}
			if want != ok && cut == len(src) || want == ok && (n != 0) != (cut >= size) || n != 0 && n != size {
				t.Fatalf("% x rules %b: n %d at %d, want %d, %s", src, rules, n, cut, size, reasons[want].text)
			}
			if n != 0 {
				require.Equal(t, Header{Fin: src[0]&0x80 != 0, RSV: src[0] >> 4 & 7, Opcode: Opcode(src[0] & 15),
					Masked: src[1]&0x80 != 0, Key: key, Length: length}, h)
			}
			continue
		}
		seen = true
		var e *Error
		if !errors.As(err, &e) || e.Reason != reasons[want].text || n != 0 || e.Scope != codec.ScopeConn || e.Code != 1002 || e.Off >= int64(cut) {
			t.Fatalf("% x rules %b at %d: %v, want %s", src, rules, cut, err, reasons[want].text)
		}
	}
	if !seen && want == ok {
		back, err := AppendHeader([]byte("x"), &h)
		require.NoError(t, err)
		require.Equal(t, append([]byte("x"), src[:size]...), back, "encode(decode(b)) is b: there is one way to write a header")
	}
}

// Every first byte and every mask bit with every set of rules, lengths at the borders of their encodings.
func TestHeaderVerdicts(t *testing.T) {
	lengths := [][]byte{{0}, {1}, {125}, {126, 0, 0}, {126, 0, 125}, {126, 0, 126}, {126, 1, 0}, {126, 255, 255},
		{127, 0, 0, 0, 0, 0, 0, 0, 0}, {127, 0, 0, 0, 0, 0, 0, 255, 255}, {127, 0, 0, 0, 0, 0, 1, 0, 0},
		{127, 0, 0, 1, 0, 0, 0, 0, 0}, {127, 0x7f, 255, 255, 255, 255, 255, 255, 255}, {127, 0x80, 0, 0, 0, 0, 0, 0, 0},
		{127, 255, 255, 255, 255, 255, 255, 255, 255}}
	for c := range 256 {
		for rules := range Rules(128) {
			for i, l := range lengths {
				if testing.Short() && (i+int(rules)+c)%5 != 0 {
					continue
				}
				src := make([]byte, MaxHeader+2)
				src[0] = byte(c)
				copy(src[1:], l)
				copy(src[1+len(l):], "keys")
				src[1] |= byte(c+i+int(rules)) & 1 << 7
				checkHeader(t, src, rules)
			}
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte("\x81\x85keysHello"), uint8(FromClient|NoMessage))
	f.Add([]byte("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"), uint8(FromServer))
	f.Fuzz(func(t *testing.T, src []byte, rules uint8) {
		checkHeader(t, append(src[:min(len(src), MaxHeader)], make([]byte, MaxHeader)...)[:MaxHeader], Rules(rules))
	})
}

func TestHeaderErrorOffset(t *testing.T) {
	for _, c := range []struct {
		src   string
		rules Rules
		off   int64
		why   reason
	}{
		{"\x91", 0, 0, rReservedBit},
		{"\xc0", RSV1, 0, rCompressedBit},
		{"\x83", 0, 0, rOpcodeData},
		{"\x8b", 0, 0, rOpcodeControl},
		{"\x09", 0, 0, rControlFragment},
		{"\x80", NoMessage, 0, rContinuation},
		{"\x81", InMessage, 0, rInterleaved},
		{"\x81\x00", FromClient, 1, rUnmasked},
		{"\x81\x80", FromServer, 1, rMasked},
		{"\x89\x7e", 0, 1, rControlLong},
		{"\x81\x7e\x00\x7d", 0, 2, rLength16},
		{"\x81\x7f\x80", 0, 2, rLengthSign},
		{"\x81\x7f\x00\x00\x00\x00\x00\x00", 0, 2, rLength64},
	} {
		var h Header
		for more := range 9 {
			n, err := ParseHeader(append([]byte(c.src), make([]byte, more)...), &h, c.rules)
			require.Equal(t, &Error{Scope: codec.ScopeConn, Code: 1002, Off: c.off, Reason: reasons[c.why].text}, err, "%x", c.src)
			require.Zero(t, n)
		}
		n, err := ParseHeader([]byte(c.src)[:len(c.src)-1], &h, c.rules)
		require.NoError(t, err, "not before the byte that shows it")
		require.Zero(t, n)
	}
}

func TestAppendHeaderMisuse(t *testing.T) {
	for _, c := range []struct {
		h   Header
		why reason
	}{
		{Header{RSV: 8, Opcode: Text}, rPutRSV},
		{Header{Opcode: 3}, rPutOpcode},
		{Header{Opcode: 11, Fin: true}, rPutOpcode},
		{Header{Opcode: 17}, rPutOpcode},
		{Header{Opcode: Text, Length: -1}, rPutLength},
		{Header{Opcode: Ping, Fin: true, Length: 126}, rPutControlLong},
		{Header{Opcode: Close}, rPutControlFragment},
	} {
		h := c.h
		got, err := AppendHeader([]byte("x"), &h)
		require.Equal(t, "x", string(got))
		require.Equal(t, &Error{Scope: codec.ScopeMisuse, Reason: reasons[c.why].text}, err)
	}
	got, err := AppendHeader(nil, &Header{Fin: true, Opcode: Ping, Length: 125})
	require.NoError(t, err)
	require.Equal(t, "\x89\x7d", string(got))
}

// decode(encode(x)) is x.
func TestHeaderRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for _, op := range []Opcode{Continuation, Text, Binary, Close, Ping, Pong} {
		for range 2000 {
			h := Header{Fin: op.IsControl() || rnd.Intn(2) == 0, Opcode: op, Masked: rnd.Intn(2) == 0, Length: rnd.Int63() >> rnd.Intn(63)}
			if op.IsControl() {
				h.Length %= 126
			} else if op != Continuation {
				h.RSV = uint8(rnd.Intn(8))
			}
			if h.Masked {
				rnd.Read(h.Key[:])
			}
			b, err := AppendHeader(nil, &h)
			require.NoError(t, err)
			var back Header
			n, err := ParseHeader(b, &back, RSV1|RSV2|RSV3)
			require.NoError(t, err)
			require.Equal(t, len(b), n)
			require.Equal(t, h, back)
		}
	}
}

func TestOpcode(t *testing.T) {
	names := map[Opcode]string{0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
	for o := range Opcode(20) {
		want, known := names[o]
		if !known {
			want = "reserved"
		}
		require.Equal(t, want, o.String())
		require.Equal(t, known, o.known(), "%d", o)
		if o < 16 {
			require.Equal(t, o >= 8, o.IsControl())
		}
	}
}

func TestHeaderSilence(t *testing.T) {
	good, bad := []byte("\x81\xfe\x01\x00keys"), []byte("\x83\x00")
	var h Header
	buf := make([]byte, 0, MaxHeader)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if n, err := ParseHeader(good, &h, FromClient); n != 8 || err != nil {
			panic(err)
		}
		if _, err := AppendHeader(buf, &h); err != nil {
			panic(err)
		}
		if _, err := ParseHeader(bad, &h, FromClient); err == nil {
			panic("no error")
		}
	}))
}

func ExampleParseHeader() {
	// RFC 6455 section 5.7: a single-frame masked text message.
	src := []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
	var h Header
	n, err := ParseHeader(src, &h, FromClient|NoMessage)
	payload := src[n:][:h.Length]
	Mask(payload, h.Key, 0)
	fmt.Println(h.Opcode, h.Fin, string(payload), err)
	// Output: text true Hello <nil>
}

func BenchmarkParseHeader(b *testing.B) {
	for _, c := range []struct{ name, src string }{{"2", "\x82\x10"}, {"6", "\x82\x90keys"}, {"8", "\x82\xfe\x04\x00keys"}, {"14", "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00keys"}} {
		b.Run(c.name, func(b *testing.B) {
			src := []byte(c.src)
			var h Header
			for range b.N {
				if n, _ := ParseHeader(src, &h, NoMessage); n == 0 {
					b.Fatal(n)
				}
			}
		})
	}
}

func BenchmarkAppendHeader(b *testing.B) {
	h := Header{Fin: true, Opcode: Binary, Length: 128}
	buf := make([]byte, 0, MaxHeader)
	for range b.N {
		buf, _ = AppendHeader(buf[:0], &h)
	}
}
