package stream

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/quic"
)

// pattern is a stream of which every octet can be told from its neighbours.
func pattern(offset uint64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		at := offset + uint64(i)
		b[i] = byte(at) ^ byte(at>>8)*31 ^ byte(at>>16)*17
	}
	return b
}

func reasonIs(t testing.TB, err error, r reason) {
	t.Helper()
	require.Equal(t, failure(r), err)
}

func newReassembler(ahead uint64, pieces int) (*Reassembler, *Store) {
	st := &Store{Keep: 4}
	r := &Reassembler{}
	r.Init(st, ahead, pieces)
	return r, st
}

func drain(r *Reassembler) (out []byte) {
	for b := r.Peek(); len(b) > 0; b = r.Peek() {
		out = append(out, b...)
		if r.Consume(len(b)) != nil {
			panic("what Peek shows cannot be consumed")
		}
	}
	return out
}

// Data in order is lent: no copy, no chunk.
func TestLent(t *testing.T) {
	r, st := newReassembler(1<<20, 16)
	packet := pattern(0, 1200)
	lent, err := r.Insert(0, packet, true)
	require.NoError(t, err)
	require.Same(t, &packet[0], &lent[0])
	require.Equal(t, 1200, len(lent))
	require.Equal(t, 1200, cap(lent))
	require.Zero(t, st.Held())

	// A gap: stored. What fills it is lent, what was stored is read.
	late := pattern(1300, 50)
	lent, err = r.Insert(1300, late, true)
	require.NoError(t, err)
	require.Empty(t, lent)
	require.Equal(t, 1, st.Held())
	fill := pattern(1100, 210) // repeats 100 octets at its start, 10 at its end
	lent, err = r.Insert(1100, fill, true)
	require.NoError(t, err)
	require.Equal(t, pattern(1200, 100), lent)
	require.Same(t, &fill[100], &lent[0])
	require.Equal(t, pattern(1300, 50), drain(r))
	require.EqualValues(t, 1350, r.Next())
	require.Zero(t, st.Held())

	// With data unread in front nothing is lent.
	_, err = r.Insert(1350, pattern(1350, 10), false)
	require.NoError(t, err)
	lent, err = r.Insert(1360, pattern(1360, 10), true)
	require.NoError(t, err)
	require.Empty(t, lent)
	require.Equal(t, pattern(1350, 20), drain(r))
}

// A frame over stored pieces and gaps: the part in front is lent, the rest is filled in.
func TestLentOverPieces(t *testing.T) {
	r, st := newReassembler(1<<20, 16)
	for _, at := range []uint64{100, 300, 2500} {
		_, err := r.Insert(at, pattern(at, 50), true)
		require.NoError(t, err)
	}
	lent, err := r.Insert(0, pattern(0, 3000), true)
	require.NoError(t, err)
	require.Equal(t, pattern(0, 100), lent)
	require.Equal(t, pattern(100, 2900), drain(r))
	require.Zero(t, st.Held())
	require.EqualValues(t, 3000, r.High())
}

// 9000-2.2-4: "The data at a given offset MUST NOT change if it is sent multiple times; an endpoint MAY treat receipt of different data
// at the same offset within a stream as a connection error of type PROTOCOL_VIOLATION."
func TestConflict(t *testing.T) {
	for _, lend := range []bool{false, true} {
		r, st := newReassembler(1<<20, 16)
		_, err := r.Insert(1000, pattern(1000, 100), lend)
		require.NoError(t, err)
		for _, c := range []struct{ at, bad uint64 }{{900, 1000}, {900, 1099}, {1050, 1050}, {1000, 1099}} {
			b := pattern(c.at, 200)
			b[c.bad-c.at] ^= 1
			_, err = r.Insert(c.at, b, lend)
			reasonIs(t, err, rConflict)
			require.ErrorIs(t, err, quic.ProtocolViolation)
			require.Equal(t, 1, r.Pieces(), "changed")
			require.Equal(t, 2, st.Held())
		}
		// The twin: the same data again, cut in another way; and, with data that was read already, anything.
		_, err = r.Insert(900, pattern(900, 300), lend)
		require.NoError(t, err)
		_, err = r.Insert(0, pattern(0, 900), lend)
		require.NoError(t, err)
		drain(r)
		require.EqualValues(t, 1200, r.Next())
		_, err = r.Insert(0, make([]byte, 1200), lend)
		require.NoError(t, err)
		require.Empty(t, drain(r))
	}
}

func TestReassemblerBounds(t *testing.T) {
	r, _ := newReassembler(1000, 3)
	_, err := r.Insert(1, pattern(1, 1000), true)
	reasonIs(t, err, rAhead)
	_, err = r.Insert(quic.MaxVarint, []byte{1}, true)
	reasonIs(t, err, rStreamEnd)
	_, err = r.Insert(1<<63, []byte{1}, true)
	reasonIs(t, err, rStreamEnd)
	_, err = r.Insert(0, pattern(0, 1000), true)
	require.NoError(t, err)
	for _, at := range []uint64{1100, 1200, 1300} {
		_, err = r.Insert(at, pattern(at, 1), true)
		require.NoError(t, err)
	}
	_, err = r.Insert(1400, pattern(1400, 1), true)
	reasonIs(t, err, rSpans)
	// The twin: what joins a piece, or closes a gap, is welcome.
	_, err = r.Insert(1301, pattern(1301, 100), true)
	require.NoError(t, err)
	_, err = r.Insert(1101, pattern(1101, 99), true)
	require.NoError(t, err)
	require.Equal(t, 2, r.Pieces())
	_, err = r.Insert(1500, pattern(1500, 1), true)
	require.NoError(t, err)
	r.SetAhead(100)
	_, err = r.Insert(1101, pattern(1101, 1), true)
	reasonIs(t, err, rAhead)
}

func TestReassemblerMisuse(t *testing.T) {
	r, _ := newReassembler(1000, 3)
	reasonIs(t, r.Consume(1), rPutConsumed)
	_, err := r.Insert(0, pattern(0, 10), false)
	require.NoError(t, err)
	reasonIs(t, r.Consume(11), rPutConsumed)
	reasonIs(t, r.Consume(-1), rPutConsumed)
	require.NoError(t, r.Consume(10))
	var e *quic.Error
	require.ErrorAs(t, r.Consume(1), &e)
	require.Equal(t, "misuse", e.Scope.String())
}

// THREATS Q-09: one octet at every second offset of a window of 1 MiB. It ends at 1024 pieces, and takes two chunks and the list till then.
func TestThreatPieces(t *testing.T) {
	r, st := newReassembler(1<<20, 1024)
	n := 0
	var err error
	for at := uint64(1); at < 1<<20 && err == nil; at += 2 {
		if _, err = r.Insert(at, pattern(at, 1), true); err == nil {
			n++
		}
	}
	reasonIs(t, err, rSpans)
	require.Equal(t, 1024, n)
	require.LessOrEqual(t, st.Held(), 3)
	require.Less(t, memory(r, st), 256<<10)
	require.Less(t, r.work(), uint64(20*1024), "steps for 1024 frames")
}

// The same from above: every frame moves all pieces; even so at most their limit for each.
func TestThreatPiecesDescending(t *testing.T) {
	r, st := newReassembler(1<<20, 1024)
	for i := range uint64(1024) {
		at := uint64(1<<20) - 2 - 2*i
		_, err := r.Insert(at, pattern(at, 1), true)
		require.NoError(t, err)
	}
	_, err := r.Insert(5, pattern(5, 1), true)
	reasonIs(t, err, rSpans)
	require.Less(t, memory(r, st), 256<<10)
	require.Less(t, r.work(), uint64(1024*1024))
}

// The twin of Q-09: a million small frames in order that the application does not read are one piece.
func TestHonestSmallFrames(t *testing.T) {
	r, st := newReassembler(1<<20, 1024)
	one := []byte{0}
	for at := range uint64(1 << 20) {
		one[0] = pattern(at, 1)[0]
		if _, err := r.Insert(at, one, false); err != nil {
			t.Fatal(at, err)
		}
	}
	require.Equal(t, 1, r.Pieces())
	require.Equal(t, 1024, st.Held())
	require.Less(t, r.work(), uint64(20<<20), "steps for 2^20 frames")
	require.True(t, bytes.Equal(pattern(0, 1<<20), drain(r)))
	require.Zero(t, st.Held())
	require.Equal(t, 4, st.Idle())
}

// However a stream is cut, its chunks are those of its window.
func TestChunksBounded(t *testing.T) {
	const window = 64 << 10
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r, st := newReassembler(window, 1<<20)
		base := rng.Uint64N(5000)
		_, err := r.Insert(0, pattern(0, int(base)), true)
		require.NoError(t, err)
		for range 5000 {
			at := base + 1 + rng.Uint64N(window-1)
			_, err = r.Insert(at, pattern(at, 1), true)
			require.NoError(t, err)
			require.LessOrEqual(t, st.Held(), window/ChunkLen+1)
		}
		r.Release()
		require.Zero(t, st.Held())
	}
}

// A chunk goes back with its last octet, not later, and the index keeps no pointer to it.
func TestChunksGoBack(t *testing.T) {
	r, st := newReassembler(1<<20, 16)
	for at := uint64(0); at < 100*ChunkLen; at += ChunkLen / 2 {
		_, err := r.Insert(at+1, pattern(at+1, ChunkLen/2), true)
		require.NoError(t, err)
	}
	require.Equal(t, 101, st.Held())
	lent, err := r.Insert(0, pattern(0, 1), true)
	require.NoError(t, err)
	require.Len(t, lent, 1)
	for left := 100; left > 0; left-- {
		require.NoError(t, r.Consume(len(r.Peek())))
		require.Equal(t, left, st.Held())
		for _, c := range r.chunks[len(r.chunks):cap(r.chunks)] {
			require.Nil(t, c)
		}
	}
	require.NoError(t, r.Consume(1))
	require.Zero(t, st.Held())
	require.EqualValues(t, 100*ChunkLen+1, r.High())
}

func TestDiscard(t *testing.T) {
	r, st := newReassembler(1<<20, 16)
	_, err := r.Insert(0, pattern(0, 100), false)
	require.NoError(t, err)
	_, err = r.Insert(200, pattern(200, 100), false)
	require.NoError(t, err)
	r.Discard()
	require.EqualValues(t, 100, r.Next())
	require.Zero(t, st.Held())
	lent, err := r.Insert(50, pattern(50, 100), true)
	require.NoError(t, err)
	require.Empty(t, lent)
	require.EqualValues(t, 150, r.Next())
	_, err = r.Insert(150, make([]byte, 100), true) // not compared
	require.NoError(t, err)
	require.EqualValues(t, 300, r.Next())
	_, err = r.Insert(300, pattern(300, 10), false)
	require.NoError(t, err)
	require.EqualValues(t, 310, r.Next())
	require.Empty(t, r.Peek())
	require.Zero(t, st.Held())
}

// Nothing is allocated in steady state: in order, and out of order.
func TestReassemblerSilence(t *testing.T) {
	r, _ := newReassembler(1<<20, 64)
	r.store.Keep = 64
	data := pattern(0, 1<<16)
	at := uint64(0)
	buf := make([]byte, 8192)
	turn := func() {
		off := at % (1 << 15)
		r.Insert(at+1200, data[:1200], true)
		r.Insert(at+3600, data[:1200], true)
		r.Insert(at, data[off:off+1200], true)
		r.Insert(at+2400, data[:1200], true)
		for r.Read(buf) > 0 {
		}
		at += 4800
		_, err := r.Insert(at+1<<21, data[:1], true)
		if !errors.Is(err, quic.FlowControlError) {
			t.Fatal(err)
		}
	}
	for range 100 {
		turn()
	}
	require.Zero(t, testing.AllocsPerRun(200, turn))
	require.Equal(t, at, r.Next())
}
