package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// naive decodes whole frames of an uncompressed connection the simplest way, from the text of RFC 6455, and returns what it saw
// as lines and the close code of the first violation (0: none, -1: more needed inside a frame). It sees a bad character at the end
// of a frame at the earliest, so text is compared by verdict and good messages only.
func naive(role Role, l Limits, in []byte) (log []string, code int) {
	var message []byte
	var op byte
	fragments, fruitless := 0, 0
	for len(in) > 0 {
		b0 := in[0]
		if b0&0x70 != 0 {
			return log, 1002
		}
		o, fin := b0&15, b0&0x80 != 0
		if o > 10 || o > 2 && o < 8 {
			return log, 1002
		}
		if o >= 8 && !fin || o < 8 && (o == 0) != (op != 0) {
			return log, 1002
		}
		if len(in) < 2 {
			return log, -1
		}
		masked := in[1]&0x80 != 0
		if masked != (role == Server) {
			return log, 1002
		}
		n, at := uint64(in[1]&0x7f), 2
		if o >= 8 && n > 125 {
			return log, 1002
		}
		switch n {
		case 126:
			if len(in) < 4 {
				return log, -1
			}
			if n, at = uint64(binary.BigEndian.Uint16(in[2:])), 4; n < 126 {
				return log, 1002
			}
		case 127:
			if len(in) > 2 && in[2] >= 0x80 || len(in) >= 8 && bytes.Equal(in[2:8], make([]byte, 6)) {
				return log, 1002
			}
			if len(in) < 10 {
				return log, -1
			}
			n, at = binary.BigEndian.Uint64(in[2:]), 10
		}
		var key [4]byte
		if masked {
			if len(in) < at+4 {
				return log, -1
			}
			key, at = [4]byte(in[at:]), at+4
		}
		if o < 8 {
			if o != 0 {
				message, fragments = nil, 0
			}
			if n > uint64(l.Message)-uint64(len(message)) {
				return log, 1009
			}
			if fragments++; fragments > l.Fragments+len(message)/1024 {
				return log, 1008
			}
			if n == 0 {
				if fruitless++; fruitless > l.Fruitless {
					return log, 1008
				}
			} else {
				fruitless = max(fruitless-1-int(n/64), 0)
			}
			if o != 0 {
				op = o
			}
		}
		p := make([]byte, min(n, uint64(len(in)-at)))
		for i := range p {
			p[i] = in[at+i] ^ key[i%4]
		}
		short := uint64(len(p)) < n
		in = in[at+len(p):]
		if o >= 8 {
			if short {
				return log, -1
			}
			if o != 8 {
				if fruitless++; fruitless > l.Fruitless {
					return log, 1008
				}
				log = append(log, fmt.Sprintf("%d %x", o, p))
				continue
			}
			if len(p) == 1 || len(p) > 1 && !CloseCode(binary.BigEndian.Uint16(p)).OnWire() {
				return log, 1002
			}
			if len(p) > 1 && !utf8.Valid(p[2:]) {
				return log, 1007
			}
			return append(log, fmt.Sprintf("8 %x", p)), 0
		}
		message = append(message, p...)
		if op == 1 && impossible(message, fin && !short) {
			return log, 1007
		}
		if short {
			return log, -1
		}
		if fin {
			log = append(log, fmt.Sprintf("%d %x", op, message))
			op = 0
		}
	}
	return log, 0
}

// impossible reports whether no text begins with p, or, if it is whole, whether it is none.
func impossible(p []byte, whole bool) bool {
	if utf8.Valid(p) {
		return false
	}
	if whole {
		return true
	}
	for cut := 1; cut <= 3 && cut <= len(p); cut++ {
		// A text may begin so if some continuation completes the last character.
		if head, tail := p[:len(p)-cut], p[len(p)-cut:]; utf8.Valid(head) && canComplete(tail) {
			return false
		}
	}
	return true
}

func canComplete(tail []byte) bool {
	for _, second := range []byte{0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf} {
		try := append(bytes.Clone(tail), second, 0x80, 0x80)
		for n := len(tail) + 1; n <= len(try); n++ {
			if utf8.RuneCount(try[:n]) == 1 && utf8.Valid(try[:n]) {
				return true
			}
		}
	}
	return false
}

// checkNaive compares a Conn with the naive decoder.
func checkNaive(t testing.TB, mode *caseMode, input []byte) {
	t.Helper()
	want, code := naive(mode.role, mode.cfg.Limits, input)
	in := newInstance(mode)
	src := bytes.Clone(input)
	var got []string
	var message []byte
	for {
		n, more, err := in.Next(src)
		src = src[n:]
		if err != nil {
			if int(in.c.CloseCode()) != code {
				t.Fatalf("%x: %v, the naive decoder says %d", input, err, code)
			}
			break
		}
		if !more {
			if code > 0 {
				t.Fatalf("%x: no error, the naive decoder says %d", input, code)
			}
			break
		}
		switch ev := &in.ev; {
		case ev.Kind == Data:
			if ev.First {
				message = message[:0]
			}
			message = append(message, ev.Payload...)
			if ev.Last {
				got = append(got, fmt.Sprintf("%d %x", ev.Opcode, message))
			}
		case ev.Opcode == Close:
			p := binary.BigEndian.AppendUint16(nil, uint16(ev.Code))
			if p = append(p, ev.Reason...); ev.Code == CloseNoStatus {
				p = nil
			}
			got = append(got, fmt.Sprintf("8 %x", p))
		default:
			got = append(got, fmt.Sprintf("%d %x", ev.Opcode, ev.Payload))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%x:\n got %q\nwant %q", input, got, want)
	}
}

// Random interleavings of frames, most of them legal, against the naive decoder.
func TestNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 13))
	modes := fuzzModes(8)
	verdicts := map[CloseCode]int{}
	rounds, least := 20_000, 50
	if testing.Short() {
		rounds, least = 2000, 5
	}
	for range rounds {
		mode := modes[3*rng.IntN(2)]
		var wire []byte
		open, calm := false, rng.IntN(3) == 0
		frames := 1 + rng.IntN(16)
		if calm {
			frames = 60
		}
		for range frames {
			h := Header{Fin: rng.IntN(3) > 0, Masked: mode.role == Server, Key: [4]byte{1, 2, byte(rng.Uint32()), 4}}
			p := make([]byte, []int{0, 1, 3, 30, 125, 126, 200, 3000}[rng.IntN(8)])
			if calm {
				p = p[:len(p)%7]
			}
			for i := range p {
				p[i] = byte(rng.IntN(127))
			}
			if !calm && rng.IntN(3) == 0 {
				p = append(p, "ä\xe4\xbd\xa0"[:rng.IntN(6)]...)
			}
			switch r := rng.IntN(40); {
			case r < 8:
				h.Opcode, h.Fin = Ping+Opcode(r&1), true
				p = p[:min(len(p), MaxControl)]
			case r == 8 && !calm:
				h.Opcode, h.Fin = Close, true
				p = append([]byte{3, byte(0xe8 + rng.IntN(8))}, p[:min(len(p), 123)]...)
			case r == 9 && !calm:
				h.Opcode, h.Fin = Opcode([]int{0, 1, 2, 8, 9, 10}[rng.IntN(6)]), true
				p = p[:min(len(p), 5)]
			case open:
				h.Opcode = Continuation
			default:
				h.Opcode = Text + Opcode(rng.IntN(2))
			}
			if !h.Opcode.IsControl() {
				open = !h.Fin
			}
			h.Length = int64(len(p))
			out, err := AppendHeader(wire, &h)
			if err != nil {
				t.Fatal(err)
			}
			wire = out
			if h.Masked {
				wire, _ = MaskCopy(wire, p, h.Key, 0)
			} else {
				wire = append(wire, p...)
			}
			if !calm && rng.IntN(60) == 0 {
				wire[rng.IntN(len(wire))] ^= 1 << rng.IntN(8)
			}
		}
		checkNaive(t, mode, wire)
		_, code := naive(mode.role, mode.cfg.Limits, wire)
		verdicts[CloseCode(max(code, 0))]++
	}
	for _, code := range []CloseCode{0, 1002, 1007, 1008, 1009} {
		if verdicts[code] < least {
			t.Errorf("only %d inputs with verdict %d", verdicts[code], code)
		}
	}
}
