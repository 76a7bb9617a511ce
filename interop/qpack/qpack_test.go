package qpack_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/purewire/purewire/codec"
	ours "github.com/purewire/purewire/codec/qpack"
	"github.com/quic-go/qpack"
)

// names and values of the static table in every combination, and some that are not in it.
var names = []string{":authority", ":path", ":method", ":status", ":scheme", "age", "accept", "vary", "x-frame-options", "user-agent", "x-own-name", "cookie", "access-control-allow-headers"}
var values = []string{"", "/", "GET", "CONNECT", "200", "500", "https", "0", "*/*", "origin", "deny", "own value", "a\x00\xff", "content-type", "*", string(bytes.Repeat([]byte("long "), 60))}

func randomList(rng *rand.Rand) (fields []codec.Field) {
	for range rng.IntN(12) {
		fields = append(fields, codec.Field{Name: []byte(names[rng.IntN(len(names))]), Value: []byte(values[rng.IntN(len(values))])})
	}
	return fields
}

// peerDecode decodes a section with quic-go/qpack.
func peerDecode(section []byte) (fields []codec.Field, err error) {
	next := qpack.NewDecoder().Decode(section)
	for {
		f, err := next()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return nil, err
		}
		fields = append(fields, codec.Field{Name: []byte(f.Name), Value: []byte(f.Value)})
	}
}

// show writes a list for people.
func show(fields []codec.Field) (lines []string) {
	for _, f := range fields {
		lines = append(lines, string(f.Name)+": "+string(f.Value))
	}
	return lines
}

func same(a, b []codec.Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i].Name, b[i].Name) || !bytes.Equal(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

// TestBothWays: our sections without a dynamic table are decoded by quic-go/qpack, and its sections by us.
func TestBothWays(t *testing.T) {
	rng := rand.New(rand.NewPCG(9204, 1))
	var e ours.Encoder
	var d ours.Decoder
	var b ours.Block
	for i := range 2000 {
		fields := randomList(rng)
		section, instructions := e.AppendSection(nil, nil, uint64(4*i), fields)
		if len(instructions) > 0 {
			t.Fatal("instructions without a table")
		}
		got, err := peerDecode(section)
		if err != nil || !same(fields, got) {
			t.Fatalf("quic-go decodes %x to %q, %v; want %q", section, show(got), err, show(fields))
		}
		var out bytes.Buffer
		pe := qpack.NewEncoder(&out)
		for _, f := range fields {
			if err := pe.WriteField(qpack.HeaderField{Name: string(f.Name), Value: string(f.Value)}); err != nil {
				t.Fatal(err)
			}
		}
		if len(fields) == 0 {
			continue // its encoder writes nothing at all then
		}
		if _, err := d.Decode(uint64(4*i), out.Bytes(), true, &b); err != nil || !same(fields, b.Fields) {
			t.Fatalf("we decode %x to %q, %v; want %q", out.Bytes(), show(b.Fields), err, show(fields))
		}
		if len(section) > out.Len() {
			t.Errorf("%d octets, quic-go %d: %q", len(section), out.Len(), show(fields))
		}
	}
}

// compare gives octets behind the prefix 0, 0 to both decoders: what both take must be the same list, and what it takes and we do
// not must be for a reason that is named here.
func compare(t *testing.T, lines []byte) (accepted bool) {
	section := append([]byte{0, 0}, lines...)
	var d ours.Decoder
	var b ours.Block
	d.Init(&ours.Limits{TableCapacity: -1, ListSize: -1, Fields: -1, String: -1})
	_, err := d.Decode(0, section, true, &b)
	got, peerErr := peerDecode(section)
	switch {
	case err == nil && peerErr == nil:
		if !same(b.Fields, got) {
			t.Fatalf("%x: %q, quic-go %q", section, show(b.Fields), show(got))
		}
		return true
	case err == nil && peerErr != nil:
		t.Fatalf("%x: we take %q, quic-go says %v", section, show(b.Fields), peerErr)
	case err != nil && peerErr == nil:
		t.Fatalf("%x: we say %v, quic-go takes %q", section, err, show(got))
	}
	return false
}

// TestShortSections: every section of up to two octets behind the prefix, and random longer ones.
func TestShortSections(t *testing.T) {
	accepted := 0
	count := func(lines ...byte) {
		if compare(t, lines) {
			accepted++
		}
	}
	for i := range 256 {
		count(byte(i))
		for k := range 256 {
			count(byte(i), byte(k))
		}
	}
	rng := rand.New(rand.NewPCG(9204, 2))
	first := []byte{0xC0, 0xD1, 0xFF, 0x50, 0x5F, 0x70, 0x21, 0x29, 0x31, 0x2F}
	for range 100_000 {
		lines := []byte{first[rng.IntN(len(first))]}
		for range 1 + rng.IntN(5) {
			lines = append(lines, byte(rng.IntN(256))>>rng.IntN(7))
		}
		count(lines...)
	}
	t.Log(accepted, "accepted")
	if accepted < 5000 {
		t.Errorf("only %d were accepted", accepted)
	}
}
