package stream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/quic"
)

type recvRig struct {
	RecvStream
	store Store
	conn  RecvWindow
	l     Limits
}

func newRecv(l Limits) *recvRig {
	r := &recvRig{l: l.Norm()}
	r.again()
	return r
}

func (r *recvRig) again() {
	r.conn.Init(true, uint64(r.l.Window), uint64(r.l.MaxWindow))
	r.Init(4, &r.store, &r.conn, &r.l)
}

func data(offset uint64, n int, fin bool) *quic.Frame {
	return &quic.Frame{Kind: quic.Stream, StreamID: 4, Offset: offset, Data: pattern(offset, n), Fin: fin}
}

func reset(size uint64) *quic.Frame {
	return &quic.Frame{Kind: quic.ResetStream, StreamID: 4, Code: 77, Value: size}
}

// THREATS Q-10, RFC 9000 section 4.5: sequences of frames, and what the last one gives. The bounds are 1000 for the stream and 1500 for the connection,
// of which another stream has used 300.
//
// 9000-4.5-5: "Once a final size for a stream is known, it cannot change. If a RESET_STREAM or STREAM frame is received indicating a change in
// the final size for the stream, an endpoint SHOULD respond with an error of type FINAL_SIZE_ERROR".
func TestFinalSizeAndFlow(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []*quic.Frame
		want   reason
		state  RecvState
	}{
		{"data up to the limit", []*quic.Frame{data(0, 1000, false)}, ok, RecvRecv},
		{"one beyond the limit", []*quic.Frame{data(0, 1001, false)}, rStreamData, RecvRecv},
		{"far beyond the limit", []*quic.Frame{data(5000, 1, false)}, rStreamData, RecvRecv},
		{"empty at the limit", []*quic.Frame{data(1000, 0, false)}, ok, RecvRecv},
		{"empty beyond the limit", []*quic.Frame{data(1001, 0, false)}, rStreamData, RecvRecv},
		{"fin at the limit", []*quic.Frame{data(1000, 0, true)}, ok, RecvSizeKnown},
		{"fin beyond the limit", []*quic.Frame{data(1001, 0, true)}, rStreamData, RecvRecv},
		{"reset at the limit", []*quic.Frame{reset(1000)}, ok, RecvResetRecvd},
		{"reset beyond the limit", []*quic.Frame{reset(1001)}, rStreamData, RecvRecv},
		{"beyond 2^62-1", []*quic.Frame{data(quic.MaxVarint, 1, false)}, rStreamEnd, RecvRecv},
		{"the same again", []*quic.Frame{data(0, 1000, false), data(0, 1000, false)}, ok, RecvRecv},
		{"empty stream", []*quic.Frame{data(0, 0, true)}, ok, RecvDataRead},
		{"fin", []*quic.Frame{data(0, 10, true)}, ok, RecvDataRead},
		{"fin twice", []*quic.Frame{data(0, 10, true), data(10, 0, true)}, ok, RecvDataRead},
		{"fin alone first", []*quic.Frame{data(10, 0, true), data(0, 10, false)}, ok, RecvDataRead},
		{"fin out of order", []*quic.Frame{data(5, 5, true), data(0, 5, false)}, ok, RecvDataRecvd},
		{"fin and a gap", []*quic.Frame{data(5, 5, true)}, ok, RecvSizeKnown},
		{"fin below data", []*quic.Frame{data(0, 10, false), data(0, 9, true)}, rFinBelow, RecvRecv},
		{"fin at data", []*quic.Frame{data(0, 10, false), data(0, 10, true)}, ok, RecvDataRead},
		{"fin moves up", []*quic.Frame{data(0, 10, true), data(0, 11, true)}, rFinChanged, RecvDataRead},
		{"fin moves down", []*quic.Frame{data(5, 5, true), data(0, 9, true)}, rFinChanged, RecvSizeKnown},
		{"data behind fin", []*quic.Frame{data(0, 10, true), data(10, 1, false)}, rBeyondFinal, RecvDataRead},
		{"data over fin", []*quic.Frame{data(5, 5, true), data(0, 11, false)}, rBeyondFinal, RecvSizeKnown},
		{"empty behind fin", []*quic.Frame{data(5, 5, true), data(11, 0, false)}, rBeyondFinal, RecvSizeKnown},
		{"empty at fin", []*quic.Frame{data(5, 5, true), data(10, 0, false)}, ok, RecvSizeKnown},
		{"reset below data", []*quic.Frame{data(0, 10, false), reset(9)}, rResetBelow, RecvRecv},
		{"reset at data", []*quic.Frame{data(0, 10, false), reset(10)}, ok, RecvResetRecvd},
		{"reset changes fin", []*quic.Frame{data(5, 5, true), reset(11)}, rResetChanged, RecvSizeKnown},
		{"reset below fin", []*quic.Frame{data(5, 5, true), reset(9)}, rResetChanged, RecvSizeKnown},
		{"reset as fin", []*quic.Frame{data(5, 5, true), reset(10)}, ok, RecvResetRecvd},
		{"reset behind all data", []*quic.Frame{data(0, 10, true), reset(10)}, ok, RecvDataRead},
		{"reset behind all data changes it", []*quic.Frame{data(0, 10, true), reset(11)}, rResetChanged, RecvDataRead},
		{"reset twice", []*quic.Frame{reset(10), reset(10)}, ok, RecvResetRecvd},
		{"reset moves", []*quic.Frame{reset(10), reset(11)}, rResetChanged, RecvResetRecvd},
		{"data behind reset", []*quic.Frame{reset(10), data(5, 6, false)}, rBeyondFinal, RecvResetRecvd},
		{"data below reset", []*quic.Frame{reset(10), data(5, 5, false)}, ok, RecvResetRecvd},
		{"fin as reset", []*quic.Frame{reset(10), data(5, 5, true)}, ok, RecvResetRecvd},
		{"fin not as reset", []*quic.Frame{reset(10), data(5, 4, true)}, rFinChanged, RecvResetRecvd},
	} {
		r := newRecv(Limits{StreamWindow: 1000, MaxStreamWindow: 1000, Window: 1500, MaxWindow: 1500})
		require.NoError(t, r.conn.Received(300))
		for i, f := range c.frames {
			before, _ := r.conn.Usage()
			var err error
			if f.Kind == quic.ResetStream {
				err = r.Reset(f)
			} else {
				_, err = r.Receive(f, true)
			}
			if last := i == len(c.frames)-1; last {
				require.Equal(t, failure(c.want), err, c.name)
			} else {
				require.NoError(t, err, c.name)
			}
			if after, _ := r.conn.Usage(); err != nil {
				require.Equal(t, before, after, c.name)
			}
		}
		require.Equal(t, c.state, r.State(), c.name)
		received, consumed := r.conn.Usage()
		own, ownConsumed := r.Window().Usage()
		require.Equal(t, own+300, received, c.name)
		require.Equal(t, ownConsumed, consumed, c.name)
		if size, known := r.FinalSize(); known {
			require.Equal(t, size, own, "9000-4.5-3: %s", c.name)
		}
	}
}

// 9000-19.9-6: "An endpoint MUST terminate a connection with an error of type FLOW_CONTROL_ERROR if it receives more data than the
// maximum data value that it has sent." Data and resets alike; the stream's own limit would allow it.
func TestConnectionFlow(t *testing.T) {
	for _, f := range []*quic.Frame{data(0, 201, false), data(201, 0, true), reset(201)} {
		r := newRecv(Limits{StreamWindow: 1000, Window: 500})
		require.NoError(t, r.conn.Received(300))
		var err error
		if f.Kind == quic.ResetStream {
			err = r.Reset(f)
		} else {
			_, err = r.Receive(f, true)
		}
		reasonIs(t, err, rConnData)
		own, _ := r.Window().Usage()
		require.Zero(t, own)
		_, err = r.Receive(data(0, 200, false), true)
		require.NoError(t, err)
	}
}

// An error of the reassembly changes no window either.
func TestRecvStreamAtomic(t *testing.T) {
	r := newRecv(Limits{Pieces: 2})
	for _, at := range []uint64{10, 20} {
		_, err := r.Receive(data(at, 1, false), true)
		require.NoError(t, err)
	}
	_, err := r.Receive(data(30, 1, true), true)
	reasonIs(t, err, rSpans)
	f := data(10, 30, true)
	f.Data[0]++
	_, err = r.Receive(f, true)
	reasonIs(t, err, rConflict)
	received, _ := r.conn.Usage()
	require.EqualValues(t, 21, received)
	require.Equal(t, RecvRecv, r.State())
	_, known := r.FinalSize()
	require.False(t, known)
}

// What the application reads comes back as credit, on both levels; a frame is owed in state Recv only.
func TestRecvStreamCredit(t *testing.T) {
	r := newRecv(Limits{StreamWindow: 1000, MaxStreamWindow: 1000, Window: 4000, MaxWindow: 4000})
	var f quic.Frame
	_, err := r.Receive(data(0, 600, false), false)
	require.NoError(t, err)
	require.False(t, r.NextFrame(1, time.Second, &f), "nothing is read")
	require.Equal(t, pattern(0, 600), r.Peek())
	reasonIs(t, r.Consume(601), rPutConsumed)
	require.NoError(t, r.Consume(600))
	require.True(t, r.NextFrame(1, time.Second, &f))
	require.Equal(t, quic.Frame{Kind: quic.MaxStreamData, StreamID: 4, Value: 1600}, f)
	require.False(t, r.NextFrame(1, time.Second, &f))
	r.Lost(&f)
	require.True(t, r.NextFrame(1, time.Second, &f))
	_, consumed := r.conn.Usage()
	require.EqualValues(t, 600, consumed)
	// 9000-3.3-4: "The receiver only sends MAX_STREAM_DATA frames in the 'Recv' state."
	_, err = r.Receive(data(600, 900, false), true)
	require.NoError(t, err)
	_, err = r.Receive(data(1600, 0, true), true)
	require.NoError(t, err)
	require.Equal(t, RecvSizeKnown, r.State())
	r.Lost(&f)
	require.False(t, r.NextFrame(1, time.Second, &f))
}

// THREATS Q-10: too many STREAM_DATA_BLOCKED.
func TestRecvStreamBlocked(t *testing.T) {
	r := newRecv(Limits{})
	var err error
	n := 0
	for ; err == nil && n < 1e6; n++ {
		err = r.Blocked(1)
		var f quic.Frame
		require.False(t, r.NextFrame(1, time.Second, &f))
	}
	reasonIs(t, err, rStreamDataBlocked)
	require.Equal(t, budgetSize+1, n)
	require.Equal(t, RecvRecv, r.State())
}

func TestRecvStreamRead(t *testing.T) {
	r := newRecv(Limits{})
	_, err := r.Receive(data(5, 5, true), true)
	require.NoError(t, err)
	lent, err := r.Receive(data(0, 5, false), true)
	require.NoError(t, err)
	require.Equal(t, pattern(0, 5), lent)
	require.Equal(t, RecvDataRecvd, r.State(), "all is there, not all is read")
	require.NoError(t, r.Consume(len(r.Peek())))
	require.Equal(t, RecvDataRead, r.State())
	require.Zero(t, r.store.Held())
	require.Empty(t, r.Peek())
	reasonIs(t, r.ReadReset(), rPutState)
	reasonIs(t, r.Stop(1), rPutState)
	reasonIs(t, r.Consume(1), rPutConsumed)
	require.EqualValues(t, 4, r.ID())
}

// A reset throws away what is not read, gives its credit back at once, and is told to the application.
func TestRecvStreamReset(t *testing.T) {
	r := newRecv(Limits{})
	_, err := r.Receive(data(100, 500, false), true)
	require.NoError(t, err)
	require.NotZero(t, r.store.Held())
	require.NoError(t, r.Reset(reset(5000)))
	require.Equal(t, RecvResetRecvd, r.State())
	require.Zero(t, r.store.Held())
	require.Empty(t, r.Peek())
	require.EqualValues(t, 77, r.ResetCode())
	received, consumed := r.conn.Usage()
	require.EqualValues(t, 5000, received)
	require.EqualValues(t, 5000, consumed)
	reasonIs(t, r.Stop(1), rPutState)
	require.NoError(t, r.ReadReset())
	require.Equal(t, RecvResetRead, r.State())
	lent, err := r.Receive(data(0, 10, false), true)
	require.NoError(t, err)
	require.Empty(t, lent)
	require.Zero(t, r.store.Held())
	// All data was there: the reset is suppressed (9000-3.2-12).
	r.again()
	_, err = r.Receive(data(0, 10, true), false)
	require.NoError(t, err)
	require.NoError(t, r.Reset(reset(10)))
	require.Equal(t, RecvDataRecvd, r.State())
	require.Equal(t, pattern(0, 10), r.Peek())
}

// 9000-3.5-3: "STREAM frames received after sending a STOP_SENDING frame are still counted toward connection and stream flow control, even
// though these frames can be discarded upon receipt."
func TestStop(t *testing.T) {
	r := newRecv(Limits{StreamWindow: 1000, MaxStreamWindow: 1000})
	_, err := r.Receive(data(0, 100, false), false)
	require.NoError(t, err)
	_, err = r.Receive(data(200, 100, false), false)
	require.NoError(t, err)
	require.NoError(t, r.Stop(9))
	reasonIs(t, r.Stop(9), rPutState)
	require.Zero(t, r.store.Held())
	require.Empty(t, r.Peek())
	var f quic.Frame
	require.True(t, r.NextFrame(1, time.Second, &f))
	require.Equal(t, quic.Frame{Kind: quic.StopSending, StreamID: 4, Code: 9}, f)
	require.False(t, r.NextFrame(1, time.Second, &f))
	lent, err := r.Receive(data(300, 700, false), true)
	require.NoError(t, err)
	require.Empty(t, lent)
	require.Zero(t, r.store.Held())
	received, consumed := r.conn.Usage()
	require.EqualValues(t, 1000, received)
	require.EqualValues(t, 1000, consumed, "what is thrown away is credit again")
	require.False(t, r.NextFrame(1, time.Second, &f), "no credit for this stream any more")
	_, err = r.Receive(data(1000, 1, false), true)
	reasonIs(t, err, rStreamData)
	// 13.3-3.5: sent again until Data Recvd or Reset Recvd.
	f = quic.Frame{Kind: quic.StopSending}
	r.Lost(&f)
	require.True(t, r.NextFrame(1, time.Second, &f))
	_, err = r.Receive(data(1000, 0, true), true)
	require.NoError(t, err)
	require.Equal(t, RecvSizeKnown, r.State())
	r.Lost(&f)
	_, err = r.Receive(data(100, 100, false), true)
	require.NoError(t, err)
	require.Equal(t, RecvDataRead, r.State())
	require.False(t, r.NextFrame(1, time.Second, &f), "it is over")
	r.Lost(&f)
	require.False(t, r.NextFrame(1, time.Second, &f))

	// Acknowledged: not sent again. Reset: not sent at all.
	r.again()
	require.NoError(t, r.Stop(9))
	require.True(t, r.NextFrame(1, time.Second, &f))
	r.Acked(&f)
	r.Lost(&f)
	require.False(t, r.NextFrame(1, time.Second, &f))
	r.again()
	require.NoError(t, r.Stop(9))
	require.NoError(t, r.Reset(reset(0)))
	require.False(t, r.NextFrame(1, time.Second, &f))
	require.NoError(t, r.ReadReset())
	// Everything is there: nothing to stop.
	r.again()
	_, err = r.Receive(data(0, 10, true), false)
	require.NoError(t, err)
	require.NoError(t, r.Stop(9))
	require.False(t, r.NextFrame(1, time.Second, &f))
	require.Equal(t, RecvDataRead, r.State())
	require.Zero(t, r.store.Held())
}
