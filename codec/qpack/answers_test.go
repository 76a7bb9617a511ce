package qpack_test

import (
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
	"github.com/stretchr/testify/require"
)

// H3-03: instructions that come before the peer's SETTINGS, and a million cancellations, cost no memory.
func TestCancelFlood(t *testing.T) {
	var e qpack.Encoder
	flood := make([]byte, 1<<20)
	for i := range flood {
		flood[i] = 0x44
	}
	require.Zero(t, testing.AllocsPerRun(4, func() {
		if err := e.ReadDecoderStream(flood); err != nil {
			t.Error(err)
		}
	}))
	require.NoError(t, e.SetPeer(4096, 16))
	require.Error(t, e.SetPeer(8192, 16))
	require.NoError(t, e.SetPeer(4096, 20))
}

// Encoding and decoding allocate nothing once their memory is there.
func TestNoAllocations(t *testing.T) {
	var e qpack.Encoder
	var d qpack.Decoder
	var b qpack.Block
	require.NoError(t, e.SetPeer(4096, 16))
	lists := [][2]string{{"x-a", "one value"}, {"x-b", "another value"}, {"user-agent", "something long enough to be Huffman-encoded"}}
	var section, ins, owed []byte
	stream := uint64(0)
	fields := list(":method: GET", ":path: /index.html", "x-changes: 0000", "cookie: a=b")
	for _, l := range lists {
		fields = append(fields, list(l[0]+": "+l[1])...)
	}
	round := func() {
		stream += 4
		copy(fields[2].Value, []byte{byte('a' + stream%16), byte('a' + stream/16%16), byte('a' + stream/256%16)})
		section, ins = e.AppendSection(section[:0], ins[:0], stream, fields)
		err := d.ReadEncoderStream(ins)
		if err == nil {
			_, err = d.Decode(stream, section, true, &b)
		}
		if owed = d.AppendDecoderStream(owed[:0], -1); err == nil {
			err = e.ReadDecoderStream(owed)
		}
		if err != nil || len(b.Fields) != len(fields) {
			t.Fatal(err, len(b.Fields))
		}
	}
	for range 300 {
		round()
	}
	require.Zero(t, testing.AllocsPerRun(200, round))
	require.Greater(t, e.InsertCount(), uint64(400))
	bad := []byte{0x80}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		d.Init(nil)
		if d.ReadEncoderStream(bad[:0]) != nil || d.ReadEncoderStream([]byte{0x1F, 0x00}) == nil {
			t.Error("no error")
		}
	}))
}

// TestHeld: an encoder that must not insert says nothing on its stream, refers to what is there, and inserts again when it may.
func TestHeld(t *testing.T) {
	var e qpack.Encoder
	if err := e.SetPeer(4096, 16); err != nil {
		t.Fatal(err)
	}
	list := func(name string) []codec.Field {
		return []codec.Field{{Name: []byte(name), Value: []byte("a value of some length")}}
	}
	e.SetInserting(false)
	if _, ins := e.AppendSection(nil, nil, 0, list("x-a")); len(ins) > 0 || e.Capacity() != 0 {
		t.Errorf("%x", ins)
	}
	e.SetInserting(true)
	long, ins := e.AppendSection(nil, nil, 4, list("x-a"))
	if len(ins) == 0 || e.InsertCount() != 1 {
		t.Errorf("%x, %d", ins, e.InsertCount())
	}
	e.SetInserting(false)
	p, ins := e.AppendSection(nil, nil, 8, list("x-a"))
	q, more := e.AppendSection(nil, nil, 12, list("x-b"))
	if len(ins)+len(more) > 0 || len(p) != len(long) || len(q) <= len(p) || e.InsertCount() != 1 {
		t.Errorf("%x %x, %x, %x", ins, more, p, q)
	}
}

// TestOwesIncrement: an increment is owed from an insertion until it, or an acknowledgment that tells the same, is out.
func TestOwesIncrement(t *testing.T) {
	var e qpack.Encoder
	var d qpack.Decoder
	if err := e.SetPeer(4096, 16); err != nil {
		t.Fatal(err)
	}
	d.Init(nil)
	for _, acknowledged := range []bool{false, true} {
		name := []byte("x-a")
		if acknowledged {
			name = []byte("x-b")
		}
		p, ins := e.AppendSection(nil, nil, 0, []codec.Field{{Name: name, Value: []byte("value")}})
		if d.OwesIncrement() {
			t.Error("owed before the insertion")
		}
		if err := d.ReadEncoderStream(ins); err != nil || !d.OwesIncrement() {
			t.Error("not owed", err)
		}
		var b qpack.Block
		if acknowledged {
			if _, err := d.Decode(0, p, true, &b); err != nil {
				t.Error(err)
			}
		}
		out := d.AppendDecoderStream(nil, -1)
		if d.OwesIncrement() || len(out) != 1 || (out[0] >= 0x80) != acknowledged {
			t.Errorf("%x", out)
		}
	}
}
