package stream

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/quic"
)

type sendRig struct {
	SendStream
	store Store
	conn  SendWindow
}

func newSend(credit, conn uint64, l Limits) *sendRig {
	r := &sendRig{}
	r.conn.Grow(conn)
	l = l.Norm()
	r.Init(4, &r.store, &r.conn, credit, &l)
	return r
}

// parse reads one frame of a 1-RTT packet.
func parse(t testing.TB, b []byte) (f quic.Frame) {
	t.Helper()
	var d quic.FrameDecoder
	d.Init(quic.Server, quic.OneRTT, len(b))
	n, err := d.Next(b, &f)
	require.NoError(t, err)
	require.Equal(t, len(b), n)
	return f
}

func write(t testing.TB, r *sendRig, n int) {
	t.Helper()
	m, err := r.Write(pattern(r.Buffer().Written(), n))
	require.NoError(t, err)
	require.Equal(t, n, m)
}

func TestSendStream(t *testing.T) {
	r := newSend(1000, 1500, Limits{})
	require.False(t, r.Pending())
	require.False(t, r.Buffer().Closed())
	require.EqualValues(t, 1000, r.Window().Limit())
	write(t, r, 700)
	require.Equal(t, SendReady, r.State())
	out, p1, sent := r.AppendStream([]byte{1}, 500, false)
	require.True(t, sent)
	require.EqualValues(t, 1, out[0])
	require.LessOrEqual(t, len(out), 501)
	require.GreaterOrEqual(t, len(out), 500)
	f := parse(t, out[1:])
	require.Equal(t, pattern(0, len(f.Data)), f.Data)
	require.Equal(t, SendSend, r.State())
	write(t, r, 400)
	out, p2, _ := r.AppendStream(nil, 2000, true)
	f = parse(t, out)
	require.EqualValues(t, p1.Len, f.Offset)
	require.EqualValues(t, 1000, f.Offset+uint64(len(f.Data)), "the stream's credit")
	require.False(t, f.Fin)
	require.False(t, r.Pending())
	require.EqualValues(t, 1000, r.conn.Used())

	var c quic.Frame
	require.True(t, r.NextFrame(&c))
	require.Equal(t, quic.Frame{Kind: quic.StreamDataBlocked, StreamID: 4, Value: 1000}, c)
	require.False(t, r.NextFrame(&c))
	r.FrameLost(&c)
	require.True(t, r.NextFrame(&c))

	// What is lost goes first and needs no credit.
	require.NoError(t, r.Lost(p1))
	require.True(t, r.Pending())
	r.Close()
	out, p1, _ = r.AppendStream(nil, 2000, false)
	require.Equal(t, pattern(0, p1.Len), parse(t, out).Data)
	require.EqualValues(t, 1000, r.conn.Used())

	require.True(t, r.Buffer().Closed())
	require.True(t, r.MaxStreamData(5000))
	require.False(t, r.MaxStreamData(4000))
	out, p3, _ := r.AppendStream(nil, 2000, false)
	f = parse(t, out)
	require.True(t, f.Fin)
	require.EqualValues(t, 1100, f.Offset+uint64(len(f.Data)))
	require.Equal(t, SendDataSent, r.State())
	_, err := r.Write([]byte{1})
	reasonIs(t, err, rPutClosed)
	for _, p := range []Piece{p3, p1, p2} {
		require.Equal(t, SendDataSent, r.State())
		require.NoError(t, r.Acked(p))
	}
	require.Equal(t, SendDataRecvd, r.State())
	require.Zero(t, r.store.Held())
	require.NoError(t, r.Acked(p1))
	require.NoError(t, r.Lost(p1))
	require.False(t, r.Pending())
	reasonIs(t, r.Reset(1), rPutState)
	require.False(t, r.StopSending(1))
	require.False(t, r.NextFrame(&c))
	_, err = r.Write([]byte{1})
	reasonIs(t, err, rPutState)
	require.EqualValues(t, 4, r.ID())
}

// The connection's credit stops it as well, and it is the connection's window that says so.
func TestSendStreamConnection(t *testing.T) {
	r := newSend(1000, 100, Limits{})
	write(t, r, 200)
	out, p, _ := r.AppendStream(nil, 1000, false)
	require.Len(t, parse(t, out).Data, 100)
	require.False(t, r.Pending())
	var c quic.Frame
	require.False(t, r.NextFrame(&c))
	limit, due := r.conn.BlockedDue()
	require.True(t, due)
	require.EqualValues(t, 100, limit)
	// A FIN alone needs no credit.
	require.NoError(t, r.Lost(p))
	require.True(t, r.Pending())
}

// FIN alone, lost, with nothing else to send.
func TestFinAlone(t *testing.T) {
	r := newSend(10, 10, Limits{})
	write(t, r, 10)
	_, p, _ := r.AppendStream(nil, 100, false)
	require.NoError(t, r.Acked(p))
	r.Close()
	r.Close()
	require.True(t, r.Pending())
	_, _, sent := r.AppendStream(nil, 3, false)
	require.False(t, sent, "no room")
	out, p, sent := r.AppendStream(nil, 4, false)
	require.True(t, sent)
	f := parse(t, out)
	require.True(t, f.Fin)
	require.EqualValues(t, 10, f.Offset)
	require.Equal(t, Piece{Offset: 10, Fin: true}, p)
	require.False(t, r.Pending())
	require.NoError(t, r.Lost(p))
	_, p, sent = r.AppendStream(nil, 100, true)
	require.True(t, sent)
	_, q, sent := r.AppendProbe(nil, 100, true)
	require.True(t, sent)
	require.Equal(t, p, q)
	require.NoError(t, r.Acked(q))
	require.Equal(t, SendDataRecvd, r.State())
}

func TestProbe(t *testing.T) {
	r := newSend(5000, 5000, Limits{})
	_, _, sent := r.AppendProbe(nil, 1000, false)
	require.False(t, sent)
	write(t, r, 300)
	out, p1, _ := r.AppendProbe(nil, 1000, false)
	require.Equal(t, pattern(0, 300), parse(t, out).Data)
	write(t, r, 300)
	_, p2, _ := r.AppendStream(nil, 1000, false)
	out, p3, sent := r.AppendProbe(nil, 100, false)
	require.True(t, sent)
	require.LessOrEqual(t, len(out), 100)
	require.Zero(t, p3.Offset)
	require.NoError(t, r.Acked(p1))
	out, p3, sent = r.AppendProbe(nil, 1000, false)
	require.True(t, sent)
	require.Equal(t, p2, p3)
	require.Equal(t, pattern(300, 300), parse(t, out).Data)
	_, _, sent = r.AppendProbe(nil, 5, false)
	require.False(t, sent, "no room")
}

// 9000-3.5-4: "An endpoint that receives a STOP_SENDING frame MUST send a RESET_STREAM frame if the stream is in the 'Ready' or 'Send' state."
// 13.3-3.4: "The content of a RESET_STREAM frame MUST NOT change when it is sent again."
func TestSendReset(t *testing.T) {
	for _, state := range []SendState{SendReady, SendSend, SendDataSent} {
		for _, stopped := range []bool{false, true} {
			r := newSend(1000, 1000, Limits{})
			var p Piece
			final := uint64(0)
			write(t, r, 200)
			if state != SendReady {
				_, p, _ = r.AppendStream(nil, 100, false)
				final = uint64(p.Len)
			}
			if state == SendDataSent {
				r.Close()
				_, p, _ = r.AppendStream(nil, 500, false)
				final = 200
			}
			require.Equal(t, state, r.State())
			if stopped {
				require.True(t, r.StopSending(33))
				require.False(t, r.StopSending(34))
			} else {
				require.NoError(t, r.Reset(33))
			}
			reasonIs(t, r.Reset(34), rPutState)
			require.Equal(t, SendResetSent, r.State())
			require.Zero(t, r.store.Held())
			require.False(t, r.Pending())
			_, _, sent := r.AppendProbe(nil, 1000, false)
			require.False(t, sent)
			want := quic.Frame{Kind: quic.ResetStream, StreamID: 4, Code: 33, Value: final}
			var f quic.Frame
			require.True(t, r.NextFrame(&f))
			require.Equal(t, want, f)
			require.NoError(t, r.Lost(p))
			require.NoError(t, r.Acked(p))
			require.False(t, r.NextFrame(&f))
			r.FrameLost(&f)
			require.True(t, r.NextFrame(&f))
			require.Equal(t, want, f)
			r.FrameAcked(&f)
			require.Equal(t, SendResetRecvd, r.State())
			r.FrameLost(&f)
			require.False(t, r.NextFrame(&f))
			_, err := r.Write([]byte{1})
			reasonIs(t, err, rPutState)
			_, err = r.WriteRef(make([]byte, 1000))
			reasonIs(t, err, rPutState)
			r.Close()
			require.False(t, r.Pending())
		}
	}
}

func TestSendBufferMisuse(t *testing.T) {
	var st Store
	var b SendBuffer
	b.Init(&st, 100, 4)
	n, err := b.Write(pattern(0, 150))
	require.NoError(t, err)
	require.Equal(t, 100, n)
	require.Zero(t, b.Room())
	p, _ := b.Next(50, 50)
	for _, bad := range []Piece{{50, 1, false}, {0, 51, false}, {0, -1, false}, {1 << 63, 1, false}, {0, 50, true}, {100, 0, true}} {
		reasonIs(t, b.Acked(bad), rPutAck)
		reasonIs(t, b.Lost(bad), rPutAck)
	}
	require.NoError(t, b.Acked(p))
	dst := []byte{1, 2}
	for _, bad := range []Piece{{0, 10, false}, {90, 11, false}, {60, -1, false}} {
		out, err := b.AppendData(dst, bad)
		reasonIs(t, err, rPutAck)
		require.Equal(t, dst, out)
	}
	b.end = quic.MaxVarint - 1
	b.base = b.end
	_, err = b.Write([]byte{1, 2})
	reasonIs(t, err, rPutSize)
	b.limit = 1 << 20
	_, err = b.WriteRef(make([]byte, 1000))
	reasonIs(t, err, rPutSize)
	b.Close()
	_, err = b.Write([]byte{1})
	reasonIs(t, err, rPutClosed)
}

// By reference: no copy is made, and the caller learns from Released when the bytes are its own again.
func TestWriteRef(t *testing.T) {
	var st Store
	var b SendBuffer
	b.Init(&st, 1<<20, 100)
	p := pattern(0, 10000)
	n, err := b.WriteRef(p)
	require.NoError(t, err)
	require.Equal(t, 10000, n)
	require.Zero(t, st.Held())
	n, err = b.WriteRef(pattern(10000, 100))
	require.NoError(t, err)
	require.Equal(t, 100, n)
	require.Equal(t, 1, st.Held(), "a short one is copied")
	p[5] ^= 1
	piece, _ := b.Next(10100, 1<<20)
	out, err := b.AppendData(nil, piece)
	require.NoError(t, err)
	p[5] ^= 1
	require.Equal(t, pattern(0, 10)[5]^1, out[5], "it is the caller's memory")
	require.True(t, bytes.Equal(pattern(6, 10094), out[6:]))
	require.NoError(t, b.Acked(Piece{0, 9999, false}))
	require.EqualValues(t, 9999, b.Released())
	require.Len(t, b.segs, 2)
	require.NoError(t, b.Acked(Piece{9999, 1, false}))
	require.EqualValues(t, 10000, b.Released())
	require.Nil(t, b.segs[0].data, "no reference is kept")
}

// Work is in proportion to what is sent, also where every second frame is lost and where acknowledgments come in any order.
func TestSendBufferLinear(t *testing.T) {
	for _, n := range []int{1 << 10, 1 << 12} {
		var st Store
		var b SendBuffer
		b.Init(&st, 1<<30, 1<<20)
		_, err := b.WriteRef(pattern(0, n*1000))
		require.NoError(t, err)
		var pieces []Piece
		for {
			p, found := b.Next(1000, 1<<30)
			if !found {
				break
			}
			pieces = append(pieces, p)
		}
		require.Len(t, pieces, n)
		for i, p := range pieces {
			if i%2 == 1 {
				require.NoError(t, b.Acked(p))
			} else {
				require.NoError(t, b.Lost(p))
			}
		}
		for i := 0; i < n; i += 2 {
			p, found := b.Next(1000, 0)
			require.True(t, found)
			require.Equal(t, pieces[i], p)
		}
		for i := 0; i < n; i += 2 {
			require.NoError(t, b.Acked(pieces[i]))
		}
		require.EqualValues(t, n*1000, b.Released())
		// The lists are cut at their front, which moves what is above: up to n/2 ranges each time.
		require.Less(t, b.work(), uint64(n)*uint64(n), "n=%d", n)
	}
}

func TestSendSilence(t *testing.T) {
	r := newSend(1<<40, 1<<40, Limits{})
	r.store.Keep = 300
	buf := make([]byte, 0, 1500)
	chunk := pattern(0, 3000)
	var pieces [3]Piece
	turn := func() {
		if n, err := r.Write(chunk); n != len(chunk) || err != nil {
			t.Fatal(n, err)
		}
		for i := range pieces {
			_, pieces[i], _ = r.AppendStream(buf, 1200, false)
		}
		r.Lost(pieces[1])
		r.Acked(pieces[2])
		_, p, ok := r.AppendStream(buf, 1300, false)
		if !ok || r.Acked(pieces[0]) != nil || r.Acked(p) != nil || r.Acked(Piece{1 << 50, 1, false}) != failure(rPutAck) {
			t.Fatal(p, ok)
		}
	}
	for range 100 {
		turn()
	}
	require.Zero(t, testing.AllocsPerRun(200, turn))
	require.Zero(t, r.Buffer().Buffered())
}

// By reference through a stream, with the copies of short writes between: all memory comes back, and the caller's is not kept.
func TestSendStreamRef(t *testing.T) {
	r := newSend(1<<30, 1<<30, Limits{SendBuffer: 1 << 20})
	for n := range 200 {
		size := 150
		if n%2 == 1 {
			size = 20
		}
		m, err := r.WriteRef(pattern(r.Buffer().Written(), size))
		require.NoError(t, err)
		require.Equal(t, size, m)
	}
	r.Close()
	at := uint64(0)
	for r.Pending() {
		out, p, sent := r.AppendStream(nil, 300, false)
		require.True(t, sent)
		f := parse(t, out)
		require.Equal(t, at, f.Offset)
		require.Equal(t, pattern(at, len(f.Data)), f.Data)
		at += uint64(len(f.Data))
		require.NoError(t, r.Acked(p))
	}
	require.EqualValues(t, 200*85, at)
	require.Equal(t, SendDataRecvd, r.State())
	require.Zero(t, r.store.Held())
	_, err := r.WriteRef(nil)
	reasonIs(t, err, rPutState)
}
