package stream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// 9000-4.1-8: "A receiver MUST close the connection with an error of type FLOW_CONTROL_ERROR if the sender violates the advertised
// connection or stream data limits".
func TestRecvWindow(t *testing.T) {
	for _, conn := range []bool{true, false} {
		want := rStreamData
		if conn {
			want = rConnData
		}
		var w RecvWindow
		w.Init(conn, 100, 0)
		require.NoError(t, w.Received(100))
		reasonIs(t, w.Received(1), want)
		require.ErrorIs(t, w.Check(1<<63), quic.FlowControlError)
		require.NoError(t, w.Received(0)) // the twin: nothing new
		received, consumed := w.Usage()
		require.EqualValues(t, []uint64{100, 0}, []uint64{received, consumed})

		require.NoError(t, w.Consumed(49))
		require.False(t, w.Due(), "less than half of the window is not worth a frame")
		require.NoError(t, w.Consumed(1))
		require.True(t, w.Due())
		reasonIs(t, w.Consumed(51), rPutConsumed)
		require.EqualValues(t, 150, w.Emit(codec.Never, 0))
		require.False(t, w.Due())
		require.NoError(t, w.Received(50))
		reasonIs(t, w.Received(1), want)

		w.Lost(100) // an old one
		require.False(t, w.Due())
		w.Lost(150)
		require.True(t, w.Due())
		require.EqualValues(t, 150, w.Emit(codec.Never, 0), "the limit does not shrink or grow by that")
		require.False(t, w.Due())
	}
}

// The limit never goes beyond what a varint holds, nor below what it was.
func TestRecvWindowEnds(t *testing.T) {
	var w RecvWindow
	w.Init(true, 1<<63, 1<<63)
	require.Equal(t, uint64(quic.MaxVarint), w.Limit())
	require.NoError(t, w.Received(quic.MaxVarint))
	require.NoError(t, w.Consumed(quic.MaxVarint))
	require.False(t, w.Due())
	require.Equal(t, uint64(quic.MaxVarint), w.Emit(1, time.Second))
	reasonIs(t, w.Received(1), rConnData)
}

// The window doubles while half of it is consumed within two round trips, and stays where it is not.
func TestAutoTuning(t *testing.T) {
	const rtt = 50 * time.Millisecond
	run := func(pause time.Duration) (size uint64, frames int) {
		var w RecvWindow
		w.Init(false, 64<<10, 1<<20)
		now := codec.Time(1)
		for range 100 {
			require.NoError(t, w.Received(w.Limit()-w.received))
			require.NoError(t, w.Consumed(w.received-w.consumed))
			if now = now.Add(pause); w.Due() {
				w.Emit(now, rtt)
				frames++
			}
		}
		return w.Size(), frames
	}
	size, _ := run(rtt)
	require.EqualValues(t, 1<<20, size, "a peer that the window holds back")
	size, frames := run(3 * rtt)
	require.EqualValues(t, 64<<10, size, "a peer that is slow")
	require.Equal(t, 100, frames)

	var w RecvWindow
	w.Init(true, 100, 1000)
	w.Grow(500)
	require.True(t, w.Due())
	require.EqualValues(t, 500, w.Emit(codec.Never, 0))
	w.Grow(10)
	require.EqualValues(t, 500, w.Size())
	w.Grow(5000)
	require.EqualValues(t, 1000, w.Size())
}

// THREATS Q-10: a million DATA_BLOCKED. No frame is due because of them, and it ends soon.
func TestThreatBlocked(t *testing.T) {
	for _, conn := range []bool{true, false} {
		var w RecvWindow
		w.Init(conn, 1000, 1000)
		require.NoError(t, w.Received(1000))
		n := 0
		for ; n < 1e6; n++ {
			if err := w.Blocked(codec.Time(1 + n)); err != nil {
				if conn {
					reasonIs(t, err, rDataBlocked)
				} else {
					reasonIs(t, err, rStreamDataBlocked)
				}
				break
			}
			require.False(t, w.Due())
		}
		require.Equal(t, budgetSize, n)
	}
	// The twin: blocked at every window, a frame of each repeated ten times, for a long time.
	var w RecvWindow
	w.Init(true, 1000, 1000)
	for range 10000 {
		require.NoError(t, w.Received(w.Limit()-w.received))
		for range 10 {
			require.NoError(t, w.Blocked(codec.Never))
		}
		require.NoError(t, w.Consumed(w.received-w.consumed))
		w.Emit(codec.Never, 0)
	}
	// And one that the application lets wait, who asks once in a second for a day.
	for now := codec.Time(1); now < codec.Time(24*time.Hour); now = now.Add(time.Second) {
		if err := w.Blocked(now); err != nil {
			t.Fatal(now, err)
		}
	}
}

func TestBudget(t *testing.T) {
	var b Budget
	spend := func(now codec.Time) (n int) {
		for b.Spend(now) {
			n++
		}
		return n
	}
	require.Equal(t, budgetSize, spend(5))
	require.Zero(t, spend(5))
	require.Equal(t, 1, spend(codec.Time(5+budgetRefill)))
	require.Equal(t, 0, spend(codec.Time(5+2*budgetRefill-1)))
	require.Equal(t, 1, spend(codec.Time(5+2*budgetRefill)))
	require.Equal(t, budgetSize, spend(1<<62), "a long time fills it, and not more")
	require.Zero(t, spend(7), "a clock that goes back gives nothing")
	b.Progress()
	require.Equal(t, budgetSize, spend(codec.Never))
}

// 9000-4.1-9: "A sender MUST ignore any MAX_STREAM_DATA or MAX_DATA frames that do not increase flow control limits."
func TestSendWindow(t *testing.T) {
	var w SendWindow
	w.Wanted()
	limit, due := w.BlockedDue()
	require.True(t, due)
	require.Zero(t, limit)
	require.True(t, w.Grow(10))
	_, due = w.BlockedDue()
	require.False(t, due)
	w.Wanted()
	_, due = w.BlockedDue()
	require.False(t, due, "there is credit")
	require.EqualValues(t, 7, w.Take(7))
	require.EqualValues(t, 3, w.Take(100))
	require.False(t, w.Grow(10))
	require.False(t, w.Grow(9))
	require.EqualValues(t, 10, w.Limit())
	require.EqualValues(t, 10, w.Used())

	// 9000-4.1-10: once for a limit, again if it was lost and still holds (13.3-3.10).
	w.Wanted()
	limit, due = w.BlockedDue()
	require.True(t, due)
	require.EqualValues(t, 10, limit)
	w.BlockedSent()
	w.Wanted()
	_, due = w.BlockedDue()
	require.False(t, due)
	w.BlockedAgain(9)
	_, due = w.BlockedDue()
	require.False(t, due)
	w.BlockedAgain(10)
	_, due = w.BlockedDue()
	require.True(t, due)
	w.BlockedSent()
	w.Grow(20)
	w.BlockedAgain(10)
	_, due = w.BlockedDue()
	require.False(t, due, "it is not blocked there any more")
}
