package qpack_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
)

// heap returns the live heap in octets.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// H3-01: 16 KiB that name an entry of 4 KiB over and over would be 64 MiB. At most the list limit comes out, and the
// connection lives.
func TestBomb(t *testing.T) {
	before := heap()
	var d qpack.Decoder
	var b qpack.Block
	insert := append(unhex(t, "3fe11f 4161 7fd01e"), bytes.Repeat([]byte{'v'}, 4047)...)
	require.NoError(t, d.ReadEncoderStream(insert))
	require.Equal(t, 4080, d.TableSize())
	steps := d.Steps()
	bomb := append([]byte{0x02, 0x00}, bytes.Repeat([]byte{0x80}, 16<<10)...)
	_, err := d.Decode(0, bomb, true, &b)
	require.NoError(t, err)
	require.True(t, b.TooLarge)
	require.Equal(t, 16<<10*4080, b.Size)
	surfaced := 0
	for i := range b.Fields {
		surfaced += qpack.FieldSize(&b.Fields[i])
	}
	require.LessOrEqual(t, surfaced, qpack.DefaultListSize)
	require.LessOrEqual(t, d.Steps()-steps, uint64(2*len(bomb)))
	grown := int64(heap()) - int64(before)
	t.Logf("%d octets name %d octets, %d surface, %d octets of heap", len(bomb), b.Size, surfaced, grown)
	require.Less(t, grown, int64(160<<10))
	_, err = d.Decode(4, []byte{0x02, 0x00, 0x80, 0xD1}, true, &b)
	require.NoError(t, err)
	require.Len(t, b.Fields, 2)
	require.Equal(t, 2, d.Owed())
	runtime.KeepAlive(&d)
}

// H3-02: sections of 64 KiB on as many streams as may block, presented again with every octet that comes: nothing is held.
func TestBlockedHoldNothing(t *testing.T) {
	var d qpack.Decoder
	var b qpack.Block
	wire := append([]byte{0x02, 0x00, 0x80}, bytes.Repeat([]byte{0xD1}, 64<<10)...)
	before := heap()
	for n := range 2000 {
		for stream := range uint64(qpack.DefaultBlockedStreams) {
			took, err := d.Decode(4*stream, wire[:len(wire)-2000+n], false, &b)
			require.NoError(t, err)
			require.Zero(t, took)
			require.True(t, b.Blocked)
		}
	}
	require.Equal(t, qpack.DefaultBlockedStreams, d.Blocked())
	require.Less(t, int64(heap())-int64(before), int64(64<<10))
	_, err := d.Decode(400, wire, true, &b)
	require.ErrorIs(t, err, qpack.DecompressionFailed)
	require.Less(t, d.Steps(), uint64(100_000))
	runtime.KeepAlive(wire)
}

// H3-03: a string of 2^60 octets is refused when it is declared; its honest twin, as long as the table allows, is not, and comes
// octet by octet for the same work.
func TestEndlessInsert(t *testing.T) {
	var d qpack.Decoder
	require.NoError(t, d.ReadEncoderStream(unhex(t, "3fe11f 4161")))
	before := heap()
	declared := unhex(t, "7f 81ffffffffffffff0f")
	for i := range declared {
		err := d.ReadEncoderStream(declared[i : i+1])
		if i < len(declared)-1 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, qpack.EncoderStreamError)
		}
	}
	require.Less(t, int64(heap())-int64(before), int64(64<<10))
	d.Init(nil)
	twin := append(unhex(t, "3fe11f 4161 7fe01e"), bytes.Repeat([]byte{'v'}, 4063)...)
	require.NoError(t, d.ReadEncoderStream(twin))
	whole := d.Steps()
	d.Init(nil)
	for i := range twin {
		require.NoError(t, d.ReadEncoderStream(twin[i:i+1]))
	}
	require.Equal(t, 4096, d.TableSize())
	require.LessOrEqual(t, d.Steps(), whole+16)
}

// RFC 9204 section 7.4-1: a decoder may bound changes of the capacity that come to nothing; ours does. An application that changes its
// mind before each section does not make its encoder go beyond that, and compresses again once it inserts.
func TestCapacityBackAndForth(t *testing.T) {
	var e qpack.Encoder
	var d qpack.Decoder
	var b qpack.Block
	e.Init(&qpack.EncoderOptions{Indexing: qpack.IndexAll, BlockedStreams: 100})
	require.NoError(t, e.SetPeer(4096, 100))
	d.Init(&qpack.Limits{BlockedStreams: 100})
	stream, said := uint64(0), 0
	say := func(f codec.Field) {
		section, ins := e.AppendSection(nil, nil, stream, []codec.Field{f})
		require.NoError(t, d.ReadEncoderStream(ins))
		_, err := d.Decode(stream, section, true, &b)
		require.NoError(t, err)
		require.Equal(t, []codec.Field{f}, b.Fields)
		require.NoError(t, e.ReadDecoderStream(d.AppendDecoderStream(nil, 1<<10)))
		stream += 4
		if len(ins) > 0 {
			said++
		}
	}
	static := codec.Field{Name: []byte(":method"), Value: []byte("GET")}
	for i := range 1000 {
		e.SetCapacity([2]int{1000, 2000}[i%2])
		say(static)
	}
	require.Equal(t, 32, said)
	require.Equal(t, 2000, d.Capacity())
	e.SetCapacity(1000)
	say(codec.Field{Name: []byte("x-n"), Value: []byte("v")}) // with the capacity that there is
	require.Equal(t, 2000, d.Capacity())
	require.Equal(t, uint64(1), d.InsertCount())
	say(static)
	require.Equal(t, 1000, d.Capacity())
}
