package stream

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// 9000-4.6-3: "An endpoint that receives a frame with a stream ID exceeding the limit it has sent MUST treat this as a connection error of type
// STREAM_LIMIT_ERROR".
func TestPeerStreams(t *testing.T) {
	var p PeerStreams
	p.Init(10)
	_, err := p.Touch(10)
	reasonIs(t, err, rStreamLimit)
	require.ErrorIs(t, err, quic.StreamLimitError)
	_, err = p.Touch(1 << 60)
	reasonIs(t, err, rStreamLimit)
	fresh, err := p.Touch(9)
	require.NoError(t, err)
	require.True(t, fresh)
	require.EqualValues(t, 10, p.Opened())
	// 9000-3.2-6: those below are open as well; each is fresh once.
	for _, n := range []uint64{4, 0, 8} {
		fresh, _ = p.Touch(n)
		require.True(t, fresh, n)
		fresh, _ = p.Touch(n)
		require.False(t, fresh, n)
	}
	fresh, _ = p.Touch(9)
	require.False(t, fresh)
	// Only streams that were created can be done, and their credit comes back in halves of the window.
	for i := range 4 {
		require.False(t, p.Due(), i)
		require.NoError(t, p.Done())
	}
	reasonIs(t, p.Done(), rPutStream)
	require.False(t, p.Due())
	p.Touch(1)
	require.NoError(t, p.Done())
	require.True(t, p.Due())
	require.EqualValues(t, 15, p.Emit())
	require.False(t, p.Due())
	require.EqualValues(t, 5, p.Open())
	p.Lost(10)
	require.False(t, p.Due())
	p.Lost(15)
	require.True(t, p.Due())
	require.EqualValues(t, 15, p.Emit())
	_, err = p.Touch(14)
	require.NoError(t, err)
	_, err = p.Touch(15)
	reasonIs(t, err, rStreamLimit)
}

func TestStreamsBlocked(t *testing.T) {
	var p PeerStreams
	p.Init(10)
	reasonIs(t, p.Blocked(1, quic.MaxStreamCount+1), rStreamsBlocked)
	n := 0
	var err error
	for ; n < 1e6 && err == nil; n++ {
		err = p.Blocked(1, 10)
		require.False(t, p.Due())
	}
	reasonIs(t, err, rStreamsBlockedOften)
	require.Equal(t, budgetSize+1, n)
	// The twin: progress in between.
	p.Init(10)
	for i := range uint64(2000) {
		_, err = p.Touch(i)
		require.NoError(t, err)
		require.NoError(t, p.Blocked(1, quic.MaxStreamCount))
		require.NoError(t, p.Done())
		p.Emit()
	}
}

// 9000-4.6-2 and 19.11-5.2: nothing above 2^60. 4.6-4: "MAX_STREAMS frames that do not increase the stream limit MUST be ignored."
func TestLocalStreams(t *testing.T) {
	var l LocalStreams
	_, ok := l.Open()
	require.False(t, ok)
	_, due := l.BlockedDue()
	require.True(t, due)
	_, err := l.Grow(quic.MaxStreamCount + 1)
	reasonIs(t, err, rMaxStreams)
	raised, err := l.Grow(3)
	require.NoError(t, err)
	require.True(t, raised)
	raised, err = l.Grow(2)
	require.NoError(t, err)
	require.False(t, raised)
	_, due = l.BlockedDue()
	require.False(t, due)
	for want := range uint64(3) {
		n, ok := l.Open()
		require.True(t, ok)
		require.Equal(t, want, n)
	}
	_, ok = l.Open()
	require.False(t, ok)
	limit, due := l.BlockedDue()
	require.True(t, due)
	require.EqualValues(t, 3, limit)
	l.BlockedSent()
	_, due = l.BlockedDue()
	require.False(t, due)
	l.BlockedAgain(2)
	_, due = l.BlockedDue()
	require.False(t, due)
	l.BlockedAgain(3)
	_, due = l.BlockedDue()
	require.True(t, due)
	require.EqualValues(t, 3, l.Limit())
	raised, err = l.Grow(quic.MaxStreamCount)
	require.NoError(t, err)
	require.True(t, raised)
	_, ok = l.Open()
	require.True(t, ok)
}

// The window of streams ends at 2^60.
func TestPeerStreamsEnd(t *testing.T) {
	var p PeerStreams
	p.Init(1)
	p.window, p.limit = quic.MaxStreamCount, quic.MaxStreamCount
	require.Equal(t, uint64(quic.MaxStreamCount), p.Limit())
	_, err := p.Touch(quic.MaxStreamCount - 1)
	require.NoError(t, err)
	_, err = p.Touch(quic.MaxStreamCount)
	reasonIs(t, err, rStreamLimit)
	require.NoError(t, p.Done())
	require.False(t, p.Due())
	p.Init(-1)
	_, err = p.Touch(0)
	reasonIs(t, err, rStreamLimit)
}

// Every frame about a stream, for each of the four kinds of ID, created and not, at both ends: which error. "x" is fine.
//
// 9000-19.8-3: "An endpoint MUST terminate the connection with error STREAM_STATE_ERROR if it receives a STREAM frame for a locally
// initiated stream that has not yet been created, or for a send-only stream." 19.4-3, 19.5-2, 19.10-2 and 19.13-2 have the same for the others.
func TestTouch(t *testing.T) {
	senders := []quic.Kind{quic.Stream, quic.ResetStream, quic.StreamDataBlocked}
	receivers := []quic.Kind{quic.StopSending, quic.MaxStreamData}
	for _, role := range []quic.Role{quic.Client, quic.Server} {
		mine, theirs := quic.StreamID(0), quic.StreamID(1)
		if role == quic.Server {
			mine, theirs = 1, 0
		}
		check := func(opened bool, k quic.Kind, id quic.StreamID, want reason, wantFresh bool) {
			t.Helper()
			l := Limits{Bidi: 10, Uni: 10}.Norm()
			var s Streams
			s.Init(role, &l)
			if opened {
				for _, uni := range []bool{false, true} {
					s.Local[Kind(quic.StreamID(b2i(uni)*2))].Grow(1)
					got, ok := s.Open(uni)
					require.True(t, ok)
					require.Equal(t, role, got.Opener())
					require.Equal(t, uni, got.Uni())
					_, ok = s.Open(uni)
					require.False(t, ok)
				}
			}
			fresh, err := s.Touch(k, id)
			require.Equal(t, failure(want), err, "%v %v %d", role, k, id)
			require.Equal(t, wantFresh, fresh, "%v %v %d", role, k, id)
		}
		for _, k := range senders {
			check(false, k, mine, rNotCreated, false)
			check(true, k, mine, ok, false)
			check(true, k, mine|4, rNotCreated, false)
			check(false, k, mine|2, rSendOnly, false)
			check(true, k, mine|2, rSendOnly, false)
			check(false, k, theirs, ok, true)
			check(false, k, theirs|2, ok, true)
			check(false, k, theirs|40, rStreamLimit, false)
			check(false, k, theirs|42, rStreamLimit, false)
		}
		for _, k := range receivers {
			check(false, k, mine, rNotCreated, false)
			check(true, k, mine, ok, false)
			check(false, k, mine|2, rNotCreated, false)
			check(true, k, mine|2, ok, false)
			check(true, k, mine|6, rNotCreated, false)
			check(false, k, theirs, ok, true) // 9000-3.2-5: they open it as well
			check(false, k, theirs|2, rReceiveOnly, false)
			check(false, k, theirs|40, rStreamLimit, false)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// THREATS Q-10: the first frame is for stream 4*99999. And 50 000 streams that were promised and are idle take less than 4 KiB.
func TestThreatStreams(t *testing.T) {
	l := Limits{}.Norm()
	var s Streams
	s.Init(quic.Server, &l)
	_, err := s.Touch(quic.Stream, 4*99999)
	reasonIs(t, err, rStreamLimit)

	l.Bidi = 100000
	s.Init(quic.Server, &l)
	created := 0
	fresh, err := s.Touch(quic.Stream, 4*99999)
	require.NoError(t, err)
	if fresh {
		created++
	}
	require.Equal(t, 1, created, "one state, not 100 000")
	require.Equal(t, 1, s.Peer[0].idle.Len())
	require.Less(t, int(unsafe.Sizeof(s))+16, 4<<10)

	// Every second one is mentioned and done at once, for a long time: credit comes back only for those, and what is kept is bounded by
	// the number of streams that may be open.
	l.Bidi = 100
	s.Init(quic.Server, &l)
	n := uint64(1)
	for ; n < 1e6; n += 2 {
		if _, err = s.Touch(quic.ResetStream, quic.StreamID(n*4)); err != nil {
			break
		}
		require.NoError(t, s.Peer[0].Done())
		if s.Peer[0].Due() {
			s.Peer[0].Emit()
		}
	}
	reasonIs(t, err, rStreamLimit)
	require.LessOrEqual(t, s.Peer[0].idle.Len(), 100)
	require.LessOrEqual(t, n, uint64(201))
	// The twin: streams one after another, in pairs out of order, without end.
	s.Init(quic.Server, &l)
	for n := uint64(0); n < 1e5; n += 2 {
		for _, i := range []uint64{n + 1, n} {
			fresh, err := s.Touch(quic.Stream, quic.StreamID(i*4))
			require.NoError(t, err)
			require.True(t, fresh)
		}
		for range 2 {
			require.NoError(t, s.Peer[0].Done())
		}
		if s.Peer[0].Due() {
			s.Peer[0].Emit()
		}
		if err := s.Peer[0].Blocked(codec.Never, s.Peer[0].Limit()); err != nil {
			t.Fatal(err)
		}
	}
}
