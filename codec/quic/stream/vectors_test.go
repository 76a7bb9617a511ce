package stream

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// Both parts of a stream, the handshake's data and the counts of streams, as scripts: corpus/quic/vectors/stream.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, "../../../corpus/quic/vectors/stream", func() map[string]codectest.VectorOp {
		v := &vectorStreams{sent: map[string]Piece{}, frames: map[string]quic.Frame{}}
		v.start(&v.limits, 0, 0)
		ops := map[string]codectest.VectorOp{}
		v.common(ops)
		v.sender(ops)
		v.receiver(ops)
		v.crypto(ops)
		v.counts(ops)
		v.windows(ops)
		bufferVectors(ops)
		reassemblerVectors(ops)
		tableVectors(ops)
		return ops
	})
	for r := ok + 1; r < numReasons; r++ {
		if !sum.Has(reasons[r].text) {
			t.Errorf("no vector is refused with %q", reasons[r].text)
		}
	}
}

// vectorStreams is a stream in both directions with the flow control of its connection.
type vectorStreams struct {
	limits   Limits
	store    Store
	sendConn SendWindow
	recvConn RecvWindow
	send     SendStream
	recv     RecvStream
	chello   CryptoRecv
	csend    CryptoSend
	streams  Streams
	sent     map[string]Piece
	frames   map[string]quic.Frame
	count    int
	id       quic.StreamID
}

// vectorTime takes at=, milliseconds; 1000 if it is not there.
func vectorTime(a *codectest.Args) codec.Time {
	if a.Has("at") {
		return codec.Time(a.NamedInt("at")) * codec.Time(time.Millisecond)
	}
	return codec.Time(time.Second)
}

// vectorRTT takes at= and rtt=, milliseconds, of a frame that may make a window larger; without them it does not.
func vectorRTT(a *codectest.Args) (now codec.Time, rtt time.Duration) {
	if a.Has("at") {
		now, rtt = vectorTime(a), time.Duration(a.NamedInt("rtt"))*time.Millisecond
	}
	return now, rtt
}

// start makes everything anew: credit is what the peer allows to stream 0 and to the connection.
func (v *vectorStreams) start(l *Limits, credit, conn uint64) {
	n := l.Norm()
	v.sendConn, v.recvConn = SendWindow{}, RecvWindow{}
	v.sendConn.Grow(conn)
	v.recvConn.Init(true, uint64(n.Window), uint64(n.MaxWindow))
	v.send.Init(v.id, &v.store, &v.sendConn, credit, &n)
	v.recv.Init(v.id, &v.store, &v.recvConn, &n)
	v.chello.Init(&v.store, &n)
	v.csend.Init(&v.store, 1000, 16)
	v.streams.Init(quic.Server, &n)
}

func vectorError(err error) string {
	var e *quic.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return "an unknown error " + err.Error()
	case e.Scope == codec.ScopeMisuse:
		return "misuse " + e.Reason
	}
	return fmt.Sprintf("%v in frame %02x %s", e.Code, e.Frame, e.Reason)
}

// name numbers what was sent: a, b, c.
func (v *vectorStreams) name() string {
	v.count++
	return string(rune('a' + v.count - 1))
}

func (v *vectorStreams) common(ops map[string]codectest.VectorOp) {
	ops["stream"] = func(a *codectest.Args) string {
		n := func(name string) int { return int(a.NamedInt(name)) }
		v.limits = Limits{StreamWindow: n("stream-window"), Window: n("window"), Pieces: n("pieces"), SendBuffer: n("buffer"), Bidi: n("bidi"), Uni: n("uni"),
			CryptoTotal: n("crypto-total"), CryptoPieces: n("crypto-pieces")}
		v.limits.MaxStreamWindow, v.limits.MaxWindow = v.limits.StreamWindow, v.limits.Window
		if a.Has("max-stream-window") {
			v.limits.MaxStreamWindow = n("max-stream-window")
		}
		if a.Has("max-window") {
			v.limits.MaxWindow = n("max-window")
		}
		v.id, v.store.Keep = quic.StreamID(a.NamedUint("id")), n("keep")
		v.start(&v.limits, a.NamedUint("credit"), a.NamedUint("conn-credit"))
		return ""
	}
}
