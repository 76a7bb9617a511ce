package path

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/quic"
)

func reasonIs(t testing.TB, err error, r reason) {
	t.Helper()
	require.Equal(t, failure(r), err)
}

// cid returns a connection ID of 8 bytes, tok a token, both of their own for every n.
func cid(n uint64) quic.ConnectionID {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n+1000)
	id, _ := quic.MakeConnectionID(b[:])
	return id
}

func tok(n uint64) (t quic.ResetToken) {
	binary.BigEndian.PutUint64(t[:], n+77)
	return t
}

func newID(seq, prior uint64) *quic.Frame {
	id := cid(seq)
	return &quic.Frame{Kind: quic.NewConnectionID, Sequence: seq, Value: prior, Data: append([]byte(nil), id.Bytes()...), Token: tok(seq)}
}

func newRemote(limit int) *RemoteIDs {
	r := &RemoteIDs{}
	r.Init(cid(0), limit)
	return r
}

func TestLocalIDs(t *testing.T) {
	var l LocalIDs
	l.Init(cid(0))
	require.Equal(t, 1, l.Wanted())
	l.SetLimit(4)
	require.Equal(t, 3, l.Wanted())
	for n := uint64(1); n <= 3; n++ {
		seq, err := l.Issue(cid(n), tok(n))
		require.NoError(t, err)
		require.Equal(t, n, seq, "9000-5.1.1-2: MUST increase by 1")
	}
	// 9000-5.1.1-4: "An endpoint MUST NOT provide more connection IDs than the peer's limit."
	_, err := l.Issue(cid(4), tok(4))
	reasonIs(t, err, rPutLimit)
	var f quic.Frame
	for n := uint64(1); n <= 3; n++ {
		require.True(t, l.NextFrame(&f))
		require.True(t, equalFrames(*newID(n, 0), f))
	}
	require.False(t, l.NextFrame(&f))
	l.Lost(2)
	l.Acked(3)
	l.Lost(3)
	l.Lost(9)
	require.True(t, l.NextFrame(&f))
	require.EqualValues(t, 2, f.Sequence, "13.3-3.13: the same sequence number again")
	require.False(t, l.NextFrame(&f))

	seq, found := l.Sequence(newID(3, 0).Data)
	require.True(t, found)
	require.EqualValues(t, 3, seq)
	_, found = l.Sequence(newID(4, 0).Data)
	require.False(t, found)
	n := 0
	l.Each(func(quic.ConnectionID) { n++ })
	require.Equal(t, 4, n)

	id, retired, err := l.Retire(0, 3, true)
	require.NoError(t, err)
	require.True(t, retired)
	require.Equal(t, cid(0), id)
	require.Equal(t, 1, l.Wanted())
	// The twin: the same frame again.
	_, retired, err = l.Retire(0, 3, true)
	require.NoError(t, err)
	require.False(t, retired)
	_, err = l.Issue(cid(3), tok(9))
	reasonIs(t, err, rPutID)
	short, _ := quic.MakeConnectionID([]byte{1, 2})
	_, err = l.Issue(short, tok(9))
	reasonIs(t, err, rPutID)
	_, err = l.Issue(cid(4), tok(4))
	require.NoError(t, err)
	// Not sent yet: the peer cannot know of it.
	_, _, err = l.Retire(4, 3, true)
	reasonIs(t, err, rRetireUnsent)
	require.True(t, l.NextFrame(&f))
	_, retired, err = l.Retire(4, 3, true)
	require.NoError(t, err)
	require.True(t, retired)
}

func equalFrames(a, b quic.Frame) bool {
	return a.Kind == b.Kind && a.Sequence == b.Sequence && a.Value == b.Value && a.Token == b.Token && string(a.Data) == string(b.Data)
}

// 9000-19.16-7 to -9: what a peer must not retire.
func TestRetireErrors(t *testing.T) {
	var l LocalIDs
	l.Init(cid(0))
	_, _, err := l.Retire(1, 0, true)
	reasonIs(t, err, rRetireUnsent)
	require.ErrorIs(t, err, quic.ProtocolViolation)
	_, _, err = l.Retire(1<<62-1, 0, true)
	reasonIs(t, err, rRetireUnsent)
	_, _, err = l.Retire(0, 0, true)
	reasonIs(t, err, rRetireInUse)
	// The twin: from a packet to another ID, or to the one that the client chose at first.
	_, retired, err := l.Retire(0, 0, false)
	require.NoError(t, err)
	require.True(t, retired)

	l.Init(quic.ConnectionID{})
	l.SetLimit(8)
	require.Zero(t, l.Wanted())
	_, _, err = l.Retire(0, 0, false)
	reasonIs(t, err, rRetireZeroLength)
	_, err = l.Issue(cid(1), tok(1))
	reasonIs(t, err, rPutID)
	l.RetireAll()
	_, err = l.Replace(cid(1), tok(1))
	reasonIs(t, err, rPutLimit)
}

func TestLocalPreferred(t *testing.T) {
	var l LocalIDs
	l.Init(cid(0))
	require.NoError(t, l.Preferred(cid(1), tok(1)))
	reasonIs(t, l.Preferred(cid(2), tok(2)), rPutSequence)
	var f quic.Frame
	require.False(t, l.NextFrame(&f), "it went with the transport parameters")
	_, retired, err := l.Retire(1, 0, true)
	require.NoError(t, err)
	require.True(t, retired)
	l.Init(quic.ConnectionID{})
	reasonIs(t, l.Preferred(cid(1), tok(1)), rPutID)
}

// 9000-5.1.1-4 and 5.1.2-7: all IDs are replaced, one at a time in excess of the limit.
func TestRetireAll(t *testing.T) {
	for _, limit := range []uint64{2, 8, 100} {
		var l LocalIDs
		l.Init(cid(0))
		l.SetLimit(limit)
		r := newRemote(int(limit))
		n := uint64(1)
		pass := func() {
			var f quic.Frame
			for l.NextFrame(&f) {
				require.NoError(t, r.New(&f))
			}
			for r.NextFrame(&f) {
				_, _, err := l.Retire(f.Sequence, 1<<61, true)
				require.NoError(t, err)
				r.Acked(f.Sequence)
			}
		}
		issue := func() {
			for l.Wanted() > 0 {
				_, err := l.Issue(cid(n), tok(n))
				require.NoError(t, err)
				n++
			}
		}
		for range 3 {
			issue()
			pass()
			require.Equal(t, int(min(limit, MaxIDs)), l.Active())
			require.Equal(t, l.Active(), r.Active())
			_, err := l.Replace(cid(n), tok(n))
			reasonIs(t, err, rPutLimit)
			l.RetireAll()
			_, err = l.Replace(cid(n), tok(n))
			require.NoError(t, err)
			_, err = l.Replace(cid(n+1), tok(n+1))
			reasonIs(t, err, rPutLimit)
			n++
			l.RetireAll() // not fulfilled yet: nothing happens
			pass()
			require.Equal(t, 1, l.Active())
			require.Equal(t, 1, r.Active())
			_, found := r.Get(n - 1)
			require.True(t, found)
		}
	}
}

// 9000-19.15-9: "The value in the Retire Prior To field MUST be less than or equal to the value in the Sequence Number field", also in a frame that was lost and is sent again after
// RetireAll.
func TestRetirePriorOfOldFrames(t *testing.T) {
	var l LocalIDs
	l.Init(cid(0))
	l.SetLimit(3)
	for n := uint64(1); n <= 2; n++ {
		_, err := l.Issue(cid(n), tok(n))
		require.NoError(t, err)
	}
	var f quic.Frame
	require.True(t, l.NextFrame(&f))
	l.RetireAll()
	l.Lost(1)
	_, err := l.Replace(cid(3), tok(3))
	require.NoError(t, err)
	r := newRemote(3)
	for want := uint64(1); want <= 3; want++ {
		require.True(t, l.NextFrame(&f))
		require.Equal(t, want, f.Sequence)
		require.Equal(t, want, f.Value)
		require.NoError(t, r.New(&f))
	}
}

// Every rule about NEW_CONNECTION_ID, each with the frame that just keeps it.
func TestNewConnectionID(t *testing.T) {
	with := func(f *quic.Frame, change func(*quic.Frame)) *quic.Frame {
		change(f)
		return f
	}
	for _, c := range []struct {
		name   string
		frames []*quic.Frame
		want   reason
		active int
		queued int
	}{
		{"one", []*quic.Frame{newID(1, 0)}, ok, 2, 0},
		{"up to the limit", []*quic.Frame{newID(1, 0), newID(2, 0), newID(3, 0)}, ok, 4, 0},
		{"beyond the limit", []*quic.Frame{newID(1, 0), newID(2, 0), newID(3, 0), newID(4, 0)}, rNewLimit, 4, 0},
		{"beyond the limit, one retired", []*quic.Frame{newID(1, 0), newID(2, 0), newID(3, 0), newID(4, 1)}, ok, 4, 1},
		{"twice", []*quic.Frame{newID(1, 0), newID(1, 0)}, ok, 2, 0},
		{"twice at the limit", []*quic.Frame{newID(1, 0), newID(2, 0), newID(3, 0), newID(3, 0)}, ok, 4, 0},
		{"out of order", []*quic.Frame{newID(3, 0), newID(1, 0), newID(2, 0)}, ok, 4, 0},
		{"the first one again", []*quic.Frame{newID(0, 0)}, ok, 1, 0},
		{"retires all others", []*quic.Frame{newID(1, 0), newID(2, 2)}, ok, 1, 2},
		{"retires itself not", []*quic.Frame{newID(1, 1)}, ok, 1, 1},
		{"retire prior to above", []*quic.Frame{newID(1, 2)}, rNewRetirePrior, 1, 0},
		{"a smaller retire prior to has no effect", []*quic.Frame{newID(2, 2), newID(3, 1)}, ok, 2, 1},
		{"below what is retired", []*quic.Frame{newID(3, 3), newID(1, 0)}, ok, 1, 2},
		{"below what is retired, twice", []*quic.Frame{newID(3, 3), newID(1, 0), newID(1, 0)}, ok, 1, 2},
		{"another ID", []*quic.Frame{newID(1, 0), with(newID(1, 0), func(f *quic.Frame) { f.Data[0]++ })}, rNewSequenceReused, 2, 0},
		{"another token", []*quic.Frame{newID(1, 0), with(newID(1, 0), func(f *quic.Frame) { f.Token[0]++ })}, rNewSequenceReused, 2, 0},
		{"another sequence", []*quic.Frame{newID(1, 0), with(newID(1, 0), func(f *quic.Frame) { f.Sequence++ })}, rNewIDReused, 2, 0},
		{"another sequence for the first", []*quic.Frame{with(newID(0, 0), func(f *quic.Frame) { f.Sequence++ })}, rNewIDReused, 1, 0},
		{"the token of another", []*quic.Frame{newID(1, 0), with(newID(2, 0), func(f *quic.Frame) { f.Token = tok(1) })}, rNewTokenReused, 2, 0},
		{"length zero", []*quic.Frame{with(newID(1, 0), func(f *quic.Frame) { f.Data = nil })}, rNewLen, 1, 0},
		{"length 20", []*quic.Frame{with(newID(1, 0), func(f *quic.Frame) { f.Data = make([]byte, 20) })}, ok, 2, 0},
		{"length 21", []*quic.Frame{with(newID(1, 0), func(f *quic.Frame) { f.Data = make([]byte, 21) })}, rNewLen, 1, 0},
	} {
		r := newRemote(4)
		for i, f := range c.frames {
			err := r.New(f)
			if i == len(c.frames)-1 {
				require.Equal(t, failure(c.want), err, c.name)
			} else {
				require.NoError(t, err, c.name)
			}
		}
		require.Equal(t, c.active, r.Active(), c.name)
		require.Equal(t, c.queued, r.Retiring(), c.name)
	}
	var r RemoteIDs
	r.Init(quic.ConnectionID{}, 4)
	reasonIs(t, r.New(newID(1, 0)), rNewZeroLength)
	reasonIs(t, r.Preferred(&quic.PreferredAddress{ID: cid(1)}), rPreferredZeroLength)
	reasonIs(t, r.Retire(0), rPutSequence)
	seq, id, err := r.Use()
	require.NoError(t, err)
	require.Zero(t, seq)
	require.Zero(t, id.Len())
}

func TestRemoteUse(t *testing.T) {
	r := newRemote(4)
	require.Equal(t, 4, r.Limit())
	require.NoError(t, r.Preferred(&quic.PreferredAddress{ID: cid(1), ResetToken: tok(1)}))
	require.NoError(t, r.New(newID(1, 0)))
	require.NoError(t, r.New(newID(3, 0)))
	require.NoError(t, r.New(newID(2, 0)))
	require.Equal(t, 3, r.Unused())
	for want := uint64(1); want <= 3; want++ {
		seq, id, err := r.Use()
		require.NoError(t, err)
		require.Equal(t, want, seq)
		require.Equal(t, cid(want), id)
		got, found := r.Get(seq)
		require.True(t, found)
		require.Equal(t, id, got)
	}
	_, _, err := r.Use()
	reasonIs(t, err, rNoID)
	require.NoError(t, r.Retire(2))
	reasonIs(t, r.Retire(2), rPutSequence)
	_, found := r.Get(2)
	require.False(t, found)
	var f quic.Frame
	require.True(t, r.NextFrame(&f))
	require.Equal(t, quic.Frame{Kind: quic.RetireConnectionID, Sequence: 2}, f)
	require.False(t, r.NextFrame(&f))
	r.Lost(2)
	require.True(t, r.NextFrame(&f))
	require.Equal(t, 1, r.Retiring())
	r.Acked(2)
	r.Acked(2)
	r.Lost(2)
	require.Zero(t, r.Retiring())
	require.False(t, r.NextFrame(&f))
}

// THREATS Q-06: a million NEW_CONNECTION_ID, each retires all before it, and nothing of ours is acknowledged.
func TestThreatRetire(t *testing.T) {
	for limit := 2; limit <= MaxIDs; limit++ {
		r := newRemote(limit)
		var err error
		n := uint64(1)
		for ; n < 1e6 && err == nil; n++ {
			err = r.New(newID(n, n))
		}
		reasonIs(t, err, rRetireQueue)
		require.ErrorIs(t, err, quic.ConnectionIDLimitError)
		require.Equal(t, 3*limit, r.Retiring())
		require.LessOrEqual(t, r.Retiring(), 64)
		require.EqualValues(t, 3*limit+2, n)
	}
	// Another one, out of order: below what is retired.
	r := newRemote(4)
	require.NoError(t, r.New(newID(1e6, 1e6)))
	var err error
	for n := uint64(2); n < 1e6 && err == nil; n++ {
		err = r.New(newID(n, 0))
	}
	reasonIs(t, err, rRetireQueue)
	// And one with gaps, whose frames are all acknowledged.
	r = newRemote(4)
	err = nil
	n := uint64(2)
	for ; n < 1e6 && err == nil; n += 2 {
		err = r.New(newID(n, n))
		for i := range n + 1 {
			r.Acked(i)
		}
	}
	reasonIs(t, err, rNewGaps)
	require.LessOrEqual(t, n, uint64(2*maxGaps+2))
	// The twin: replaced again and again for a long time, with acknowledgments; every third frame is late.
	r = newRemote(4)
	var f quic.Frame
	for n := uint64(1); n < 30000; n += 3 {
		for _, seq := range []uint64{n + 1, n, n + 2} {
			require.NoError(t, r.New(newID(seq, seq)))
			for r.NextFrame(&f) {
				r.Acked(f.Sequence)
			}
		}
		require.Equal(t, 1, r.Active())
	}
	// While the queue is full, we retire nothing of our own accord.
	r = newRemote(2)
	for n := uint64(1); n <= 6; n++ {
		require.NoError(t, r.New(newID(n, n)))
	}
	reasonIs(t, r.Retire(6), rPutSequence)
	require.Equal(t, 1, r.Active())
}

// 9000-10.3.1-3: "An endpoint MUST NOT check for any stateless reset tokens associated with connection IDs it has not used or for connection IDs
// that have been retired."
func TestIsReset(t *testing.T) {
	r := newRemote(4)
	is := func(token quic.ResetToken) bool {
		return r.IsReset(append(make([]byte, 20), token[:]...))
	}
	require.False(t, is(quic.ResetToken{}), "no token is not a token of zeros")
	r.SetToken(tok(0))
	require.True(t, is(tok(0)))
	require.NoError(t, r.New(newID(1, 0)))
	require.False(t, is(tok(1)), "not used")
	_, _, err := r.Use()
	require.NoError(t, err)
	require.True(t, is(tok(1)))
	require.True(t, is(tok(0)))
	for bit := range 128 {
		bad := tok(1)
		bad[bit/8] ^= 1 << (bit % 8)
		require.False(t, is(bad))
	}
	require.False(t, r.IsReset(append(make([]byte, 4), newID(1, 0).Token[:]...)), "too short")
	require.NoError(t, r.Retire(1))
	require.False(t, is(tok(1)), "retired")
	require.NoError(t, r.New(newID(2, 2)))
	require.False(t, is(tok(0)))
}

// script reads choices from noise; behind its end all are 0.
type script []byte

func (s *script) next() int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b)
}

// noise returns n reproducible bytes.
func noise(seed byte, n int) []byte {
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	b := make([]byte, n)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return b
}
