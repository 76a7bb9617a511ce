//go:build ngtcp2 && cgo

package quic

import (
	"testing"

	"github.com/purewire/purewire/bench/internal/ngtcp2c"
	"github.com/purewire/purewire/codec/quic"
	"github.com/stretchr/testify/require"
)

func init() {
	values := make([]uint64, 4096)
	inC = []peer{{
		name: "ngtcp2",
		parseVarints: func(times int, wire []byte) int {
			return ngtcp2c.ParseVarints(times, wire, values)
		},
		appendVarints: ngtcp2c.AppendVarints,
		longHeader: func(times int, packet []byte) int {
			_, ok := ngtcp2c.ParseInitial(times, packet)
			return result(ok)
		},
		streamFrame: func(times int, frame []byte) int {
			_, ok := ngtcp2c.ParseStream(times, frame)
			return result(ok)
		},
		ackFrame: func(times int, frame []byte) int {
			_, _, ok := ngtcp2c.ParseAck(times, frame)
			return result(ok)
		},
		appendStream: func(times int, buf, data []byte) int {
			return ngtcp2c.AppendStream(times, buf, 4, 1<<20, data)
		},
		appendAck: func(times int, buf []byte, ranges [][2]uint64) int {
			return ngtcp2c.AppendAck(times, buf, 25, ranges)
		},
	}}
}

func result(ok bool) int {
	if ok {
		return 0
	}
	return -1
}

// What the library reads is what was written. That it writes the same bytes is in TestPeersWrite.
func TestNgtcp2Reads(t *testing.T) {
	want := mixed()
	var wire []byte
	for _, v := range want {
		wire = quic.AppendVarint(wire, v)
	}
	values := make([]uint64, len(want))
	require.Equal(t, len(want), ngtcp2c.ParseVarints(2, wire, values))
	require.Equal(t, want, values)

	packet := append(head(t), make([]byte, 1200-len(head(t)))...)
	h, ok := ngtcp2c.ParseInitial(2, packet)
	require.True(t, ok)
	require.Equal(t, ngtcp2c.Header{Version: 1, DstID: id, SrcID: id, Size: len(head(t)) - 2}, h)

	frame := streamFrame(t)
	s, ok := ngtcp2c.ParseStream(2, frame)
	require.True(t, ok)
	require.Equal(t, ngtcp2c.Stream{ID: 4, Offset: 1 << 20, At: uint64(len(frame) - 1200), Length: 1200}, s)

	delay, got, ok := ngtcp2c.ParseAck(2, ackFrame(t))
	require.True(t, ok)
	require.Equal(t, uint64(25), delay)
	require.Equal(t, ranges(), got)
}
