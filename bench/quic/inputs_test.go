package quic

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/protect"
	"github.com/stretchr/testify/require"
)

// mixed are values whose encodings have 1, 2, 4 and 8 bytes, 50, 30, 15 and 5 of a hundred, in random order.
func mixed() (values []uint64) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 4096 {
		bits := 6
		switch p := r.IntN(100); {
		case p >= 95:
			bits = 62
		case p >= 80:
			bits = 30
		case p >= 50:
			bits = 14
		}
		values = append(values, 1<<(bits-1)|r.Uint64N(1<<(bits-1)))
	}
	return values
}

// ranges are 32 ranges of packet numbers, in descending order.
func ranges() (all [][2]uint64) {
	for i := range uint64(32) {
		all = append(all, [2]uint64{100000 - 10*i, 100003 - 10*i})
	}
	return all
}

func ownRanges() (all []quic.Range) {
	for _, r := range ranges() {
		all = append(all, quic.Range{Smallest: r[0], Largest: r[1]})
	}
	return all
}

func streamFrame(t testing.TB) []byte {
	b, err := quic.AppendFrame(nil, &quic.Frame{Kind: quic.Stream, StreamID: 4, Offset: 1 << 20, Data: bytes.Repeat([]byte{1}, 1200)})
	require.NoError(t, err)
	return b
}

func ackFrame(t testing.TB) []byte {
	b, n, err := quic.AppendAck(nil, 25, ownRanges(), nil, 1200)
	require.NoError(t, err)
	require.Equal(t, 32, n)
	return b
}

var id = []byte{1, 2, 3, 4, 5, 6, 7, 8}

// head is the header of an Initial packet of 1200 bytes, with a packet number of two bytes.
func head(t testing.TB) []byte {
	h := quic.LongHeader{Type: quic.Initial, Version: quic.Version1, DstID: id, SrcID: id, NumberLen: 2, Number: 9}
	for range 2 { // Payload counts what is behind the header
		b, err := quic.AppendLongHeader(nil, &h)
		require.NoError(t, err)
		h.Payload = 1200 - len(b)
	}
	b, err := quic.AppendLongHeader(nil, &h)
	require.NoError(t, err)
	return b
}

func keys(t testing.TB) *protect.Keys {
	client, _, err := protect.InitialSecrets(quic.Version1, id)
	require.NoError(t, err)
	k, err := protect.New(quic.Version1, protect.AES128GCM, client)
	require.NoError(t, err)
	return k
}
