package qpack_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
	"github.com/stretchr/testify/require"
)

// TestWorstMemory fills both ends with the most entries and then with the longest strings that fit, and leaves as many sections
// unacknowledged as may be: the figures of the package documentation.
func TestWorstMemory(t *testing.T) {
	var e qpack.Encoder
	var d qpack.Decoder
	section, ins := make([]byte, 0, 1<<14), make([]byte, 0, 1<<14)
	before := heap()
	e.Init(&qpack.EncoderOptions{Indexing: qpack.IndexAll})
	require.NoError(t, e.SetPeer(4096, 16))
	say := func(stream uint64, f codec.Field) {
		_, ins = e.AppendSection(section[:0], ins[:0], stream, []codec.Field{f})
		require.NoError(t, d.ReadEncoderStream(ins))
	}
	for i := range 400 { // entries of 33 octets: at most 124 at a time
		say(0, codec.Field{Name: []byte{byte(i)}})
		require.NoError(t, e.ReadDecoderStream(d.AppendDecoderStream(nil, -1)))
		require.NoError(t, e.ReadDecoderStream([]byte{0x40})) // nothing is outstanding
	}
	require.Equal(t, 4096/33, d.TableLen())
	for i := range 20 {
		value := []byte(fmt.Sprintf("%04000d", i))
		say(0, codec.Field{Name: []byte("x"), Value: value})
		require.NoError(t, e.ReadDecoderStream(d.AppendDecoderStream(nil, -1)))
		require.NoError(t, e.ReadDecoderStream([]byte{0x40}))
	}
	last := codec.Field{Name: []byte("x"), Value: []byte(fmt.Sprintf("%04000d", 19))}
	for i := range uint64(400) {
		say(4+4*i, last)
	}
	require.Equal(t, qpack.DefaultSections, e.Outstanding())
	grown := int64(heap()) - int64(before)
	t.Log(grown, "octets of heap for both ends")
	require.Less(t, grown, int64(72<<10))
	runtime.KeepAlive(section)
	runtime.KeepAlive(ins)
	runtime.KeepAlive(&d)
	runtime.KeepAlive(&e)
}
