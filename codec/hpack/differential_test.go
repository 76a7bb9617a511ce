package hpack_test

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	xhpack "golang.org/x/net/http2/hpack"
)

// xDecoder is golang.org/x/net's decoder, collecting fields. It is as strict as it can be made.
type xDecoder struct {
	d   *xhpack.Decoder
	got []codec.Field
}

func newX(size uint32) *xDecoder {
	x := new(xDecoder)
	x.d = xhpack.NewDecoder(size, func(f xhpack.HeaderField) {
		x.got = append(x.got, codec.Field{Name: []byte(f.Name), Value: []byte(f.Value), Sensitive: f.Sensitive})
	})
	return x
}

func (x *xDecoder) decode(wire []byte) error {
	x.got = x.got[:0]
	if _, err := x.d.Write(wire); err != nil {
		return err
	}
	return x.d.Close()
}

// updates counts the table size updates at the start of a block.
func updates(wire []byte) (n int) {
	for len(wire) > 0 && wire[0]&0xE0 == 0x20 {
		long := wire[0]&0x1F == 0x1F
		wire = wire[1:]
		for long && len(wire) > 0 {
			long = wire[0] >= 0x80
			wire = wire[1:]
		}
		n++
	}
	return n
}

// compareDecoders feeds a block to both decoders. The verdicts must be the same but for three cases in which we are stricter:
// more than two updates in a block, an update behind a field (x/net takes it while its table is empty), integers of more than
// 32 bits. It returns false if it was refused.
func compareDecoders(t testing.TB, d *hpack.Decoder, x *xDecoder, b *hpack.Block, wire []byte, cut int) bool {
	t.Helper()
	ours, theirs := decodeAll(d, b, wire, cut), x.decode(wire)
	switch {
	case (ours == nil) == (theirs == nil):
	case updates(wire) > 2:
		return false // RFC 7541 section 4.2-4 allows two
	case theirs == nil && (strings.Contains(ours.Error(), "7541-5.1-12") || strings.Contains(ours.Error(), "update behind a field")):
		return false
	default:
		t.Fatalf("%x in pieces of %d: %v; x/net: %v", wire, cut, ours, theirs)
	}
	if ours != nil {
		return false
	}
	if len(b.Fields) != len(x.got) {
		t.Fatalf("%x: %d fields, x/net %d", wire, len(b.Fields), len(x.got))
	}
	for i, f := range b.Fields {
		if string(f.Name) != string(x.got[i].Name) || string(f.Value) != string(x.got[i].Value) || f.Sensitive != x.got[i].Sensitive {
			t.Fatalf("%x: field %d is %q: %q; x/net: %q: %q", wire, i, f.Name, f.Value, x.got[i].Name, x.got[i].Value)
		}
	}
	return true
}

var unlimited = hpack.Limits{ListSize: -1, Fields: -1, String: -1}

// FuzzAgainstNet cuts any octets into blocks and compares the decoders; then what we decoded, encoded again by both encoders, is
// read by the other's decoder.
func FuzzAgainstNet(f *testing.F) {
	for _, v := range vectors {
		var all []byte
		for _, c := range v.block {
			wire := unhex(f, c.wire)
			all = append(append(all, byte(len(wire))), wire...)
		}
		f.Add(all, uint8(3))
	}
	f.Add([]byte("\x05\x40\x01a\x01b\x05\x20\x3f\xe1\x1f\xbe\x02\xbe\xbf"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		var d, back hpack.Decoder
		var b, b2 hpack.Block
		var e hpack.Encoder
		d.Init(&unlimited)
		back.Init(&unlimited)
		x, xback := newX(4096), newX(4096)
		var buf bytes.Buffer
		xe := xhpack.NewEncoder(&buf)
		for len(data) > 0 {
			n := min(int(data[0]), len(data)-1)
			wire := data[1 : 1+n]
			data = data[1+n:]
			if !compareDecoders(t, &d, x, &b, wire, int(cut)) {
				return
			}
			again := e.AppendBlock(nil, b.Fields)
			if err := xback.decode(again); err != nil || !sameFields(xback.got, b.Fields) {
				t.Fatalf("x/net does not read what we encode: %x: %v", again, err)
			}
			buf.Reset()
			for _, f := range b.Fields {
				if err := xe.WriteField(xhpack.HeaderField{Name: string(f.Name), Value: string(f.Value), Sensitive: f.Sensitive}); err != nil {
					t.Fatal(err)
				}
			}
			if err := decodeAll(&back, &b2, buf.Bytes(), int(cut)/2); err != nil || !sameFields(b2.Fields, b.Fields) {
				t.Fatalf("we do not read what x/net encodes: %x: %v", buf.Bytes(), err)
			}
		}
	})
}

// TestAgainstNet does the same with random representations, most of them valid, so that tables fill, evict and change size.
func TestAgainstNet(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 30
	}
	good := 0
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 7))
		var d hpack.Decoder
		var b hpack.Block
		d.Init(&unlimited)
		x := newX(4096)
		first := bytes.Repeat([]byte("\x40\x04name\x05value"), 8)
		if !compareDecoders(t, &d, x, &b, first, 0) {
			t.Fatal("refused")
		}
		for range 60 {
			if !compareDecoders(t, &d, x, &b, randomBlock(rng), rng.IntN(12)) {
				break
			}
			good++
		}
	}
	t.Logf("%d blocks", good)
	if good < int(3*seeds) {
		t.Errorf("only %d blocks were valid", good)
	}
}

func randomBlock(rng *rand.Rand) (wire []byte) {
	if rng.IntN(12) == 0 {
		wire = append(wire, 0x20|byte(rng.IntN(31)))
	}
	if rng.IntN(12) == 0 {
		wire = append(wire, 0x3F, byte(rng.IntN(128))|0x80, byte(rng.IntN(31)))
	}
	str := func() {
		s := make([]byte, rng.IntN(40))
		for i := range s {
			s[i] = "abcdefghijklmnopqrstuvwxyz0123456789-/.;=\x00\xff{"[rng.IntN(44)]
		}
		switch rng.IntN(3) {
		case 0:
			wire = append(append(wire, byte(len(s))), s...)
		default:
			h := hpack.AppendHuffman(nil, s)
			if rng.IntN(2000) == 0 && len(h) > 0 {
				h[rng.IntN(len(h))] ^= 1 << rng.IntN(8)
			}
			if len(h) < 127 {
				wire = append(append(wire, 0x80|byte(len(h))), h...)
			} else {
				wire = append(append(wire, 0xFF, byte(len(h)-127)), h...)
			}
		}
	}
	for range rng.IntN(20) {
		switch rng.IntN(8) {
		case 0, 1:
			wire = append(wire, 0x81+byte(rng.IntN(61)))
		case 2:
			wire = append(wire, 0xBE+byte(rng.IntN(4)))
		case 3:
			wire = append(wire, []byte{0x00, 0x10}[rng.IntN(2)])
			str()
			str()
		case 4:
			wire = append(wire, []byte{0x00, 0x10, 0x40}[rng.IntN(3)]|byte(1+rng.IntN(14)))
			str()
		case 5:
			wire = append(wire, 0x7E) // the newest name
			str()
		default:
			wire = append(wire, 0x40)
			str()
			str()
		}
	}
	return wire
}

// TestEncodersAgainstNet: random lists, changing sizes, secrets; both decoders read them.
func TestEncodersAgainstNet(t *testing.T) {
	seeds := uint64(100)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 8))
		own := []int{0, 100, 2000, 20000, -1}[rng.IntN(5)]
		var e hpack.Encoder
		e.Init(&hpack.EncoderOptions{TableSize: own, Indexing: hpack.Indexing(rng.IntN(3)), NoHuffman: rng.IntN(3) == 0})
		var d hpack.Decoder
		var b hpack.Block
		d.Init(&unlimited)
		x := newX(4096)
		x.d.SetAllowedMaxDynamicTableSize(4096)
		var wire []byte
		for range 100 {
			if rng.IntN(10) == 0 {
				n := []int{0, 40, 500, 4096, 10000}[rng.IntN(5)]
				e.SetMaxTableSize(n)
				d.SetTableSize(n)
				x.d.SetAllowedMaxDynamicTableSize(uint32(max(n, 0)))
			}
			var fields []codec.Field
			for range rng.IntN(12) {
				name := []string{":path", ":method", "cookie", "accept", "x-" + strconv.Itoa(rng.IntN(20)), ""}[rng.IntN(6)]
				value := []string{"GET", "/", strconv.Itoa(rng.IntN(30)), string(bytes.Repeat([]byte("ab"), rng.IntN(100)))}[rng.IntN(4)]
				fields = append(fields, codec.Field{Name: []byte(name), Value: []byte(value), Sensitive: rng.IntN(9) == 0})
			}
			wire = e.AppendBlock(wire[:0], fields)
			if err := decodeAll(&d, &b, wire, rng.IntN(9)); err != nil || !sameFields(b.Fields, fields) {
				t.Fatalf("seed %d: %x: %v", seed, wire, err)
			}
			for i := range fields {
				if b.Fields[i].Sensitive != fields[i].Sensitive {
					t.Fatalf("seed %d: field %d sensitive: %v", seed, i, b.Fields[i].Sensitive)
				}
			}
			if err := x.decode(wire); err != nil || !sameFields(x.got, fields) {
				t.Fatalf("seed %d: x/net: %x: %v", seed, wire, err)
			}
			if e.TableSize() != d.TableSize() || e.TableLen() != d.TableLen() {
				t.Fatalf("seed %d: tables of %d and %d octets", seed, e.TableSize(), d.TableSize())
			}
		}
	}
}
