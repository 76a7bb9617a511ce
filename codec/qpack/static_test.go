package qpack

import (
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/hcode"
	"github.com/stretchr/testify/require"
)

// Every entry of the static table is found by its index, in one fragment and in two, with and without a limit in the way.
func TestStaticEntries(t *testing.T) {
	wire := []byte{0, 0}
	var want []codec.Field
	size := 0
	for i, e := range staticText {
		wire = hcode.AppendInt(wire, flagIndexed|flagIndexedStatic, 6, uint64(i))
		want = append(want, codec.Field{Name: []byte(e.name), Value: []byte(e.value)})
		size += len(e.name) + len(e.value) + overhead
		require.Less(t, len(e.name)+len(e.value)+overhead, maxStaticSize)
	}
	for cut := range wire {
		var d Decoder
		d.Init(nil)
		var b Block
		for range 2 { // the second time with memory
			n, err := d.Decode(0, wire[:cut], false, &b)
			require.NoError(t, err)
			_, err = d.Decode(0, wire[n:], true, &b)
			require.NoError(t, err)
			require.Equal(t, want, b.Fields)
			require.Equal(t, size, b.Size)
			require.False(t, b.TooLarge)
		}
	}
	for limit := range size + 1 {
		var d Decoder
		d.Init(&Limits{ListSize: max(limit, 1)})
		var b Block
		for range 2 {
			_, err := d.Decode(0, wire, true, &b)
			require.NoError(t, err)
			require.Equal(t, size, b.Size)
			require.Equal(t, limit < size, b.TooLarge)
			fits, n := 0, 0
			for n < len(want) && fits+FieldSize(&want[n]) <= max(limit, 1) {
				fits += FieldSize(&want[n])
				n++
			}
			require.Len(t, b.Fields, n)
		}
	}
	// RFC 9204 section 3.1-4: When the decoder encounters an invalid static table index in a field line representation, it MUST treat this
	// as a connection error of type QPACK_DECOMPRESSION_FAILED.
	var d Decoder
	d.Init(nil)
	_, err := d.Decode(0, append(wire, hcode.AppendInt(nil, flagIndexed|flagIndexedStatic, 6, staticLen)...), true, new(Block))
	require.ErrorIs(t, err, DecompressionFailed)
	require.Equal(t, int64(len(wire)), d.err.Off)
}
