package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// Both parts of a stream, the handshake's data and the counts of streams, as scripts: corpus/quic/vectors/stream.
func TestVectors(t *testing.T) {
	codectest.RunVectors(t, "../../../corpus/quic/vectors/stream", func() map[string]codectest.VectorOp {
		v := &vectorStreams{sent: map[string]Piece{}, frames: map[string]quic.Frame{}}
		v.start(&v.limits, 0, 0)
		ops := map[string]codectest.VectorOp{}
		v.common(ops)
		v.sender(ops)
		v.receiver(ops)
		v.crypto(ops)
		v.counts(ops)
		return ops
	})
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
}

// start makes everything anew: credit is what the peer allows to stream 0 and to the connection.
func (v *vectorStreams) start(l *Limits, credit, conn uint64) {
	n := l.Norm()
	v.sendConn, v.recvConn = SendWindow{}, RecvWindow{}
	v.sendConn.Grow(conn)
	v.recvConn.Init(true, uint64(n.Window), uint64(n.MaxWindow))
	v.send.Init(0, &v.store, &v.sendConn, credit, &n)
	v.recv.Init(0, &v.store, &v.recvConn, &n)
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
		v.limits = Limits{StreamWindow: n("stream-window"), MaxStreamWindow: n("stream-window"), Window: n("window"), MaxWindow: n("window"), Pieces: n("pieces"),
			SendBuffer: n("buffer"), Bidi: n("bidi"), Uni: n("uni"), CryptoTotal: n("crypto-total"), CryptoPieces: n("crypto-pieces")}
		v.start(&v.limits, a.NamedUint("credit"), a.NamedUint("conn-credit"))
		return ""
	}
}

func (v *vectorStreams) sender(ops map[string]codectest.VectorOp) {
	s := &v.send
	show := func() string {
		return fmt.Sprintf("%v, %d sent, %d released, pending %v, credit %d", s.State(), s.Buffer().Sent(), s.Buffer().Released(), s.Pending(), s.Window().Avail())
	}
	wrote := func(n int, err error) string {
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("%d; %s", n, show())
	}
	done := func(err error) string {
		if err != nil {
			return vectorError(err)
		}
		return show()
	}
	ops["write"] = func(a *codectest.Args) string { return wrote(s.Write(a.Bytes())) }
	ops["write-ref"] = func(a *codectest.Args) string { return wrote(s.WriteRef(a.Bytes())) }
	ops["close"] = func(*codectest.Args) string { s.Close(); return show() }
	ops["send"] = func(*codectest.Args) string { return show() }
	frame := func(name func(dst []byte, size int, toEnd bool) ([]byte, Piece, bool)) codectest.VectorOp {
		return func(a *codectest.Args) string {
			end, size := a.Flag("to-end"), 1200
			if a.More() {
				size = int(a.Int())
			}
			out, p, ok := name([]byte("kept"), size, end)
			switch {
			case !ok && string(out) == "kept":
				return "nothing"
			case !strings.HasPrefix(string(out), "kept") || len(out) > size+4:
				return "the law of append is broken"
			}
			key := v.name()
			v.sent[key] = p
			return fmt.Sprintf("%s: %s", key, codectest.Quote(out[4:]))
		}
	}
	ops["send-frame"], ops["send-probe"] = frame(s.AppendStream), frame(s.AppendProbe)
	piece := func(a *codectest.Args) Piece {
		if key := a.Word(); key != "unsent" {
			return v.sent[key]
		}
		return Piece{Offset: 1 << 20, Len: 1}
	}
	ops["send-acked"] = func(a *codectest.Args) string { return done(s.Acked(piece(a))) }
	ops["send-lost"] = func(a *codectest.Args) string { return done(s.Lost(piece(a))) }
	ops["send-reset"] = func(a *codectest.Args) string { return done(s.Reset(quic.ErrorCode(a.Uint()))) }
	ops["stop-sending"] = func(a *codectest.Args) string {
		return fmt.Sprintf("%v, %s", s.StopSending(quic.ErrorCode(a.Uint())), show())
	}
	ops["max-stream-data"] = func(a *codectest.Args) string { return fmt.Sprintf("%v, %s", s.MaxStreamData(a.Uint()), show()) }
	ops["max-data"] = func(a *codectest.Args) string { return fmt.Sprintf("%v, %s", v.sendConn.Grow(a.Uint()), show()) }
	ops["conn-blocked"] = func(*codectest.Args) string {
		limit, due := v.sendConn.BlockedDue()
		if due {
			v.sendConn.BlockedSent()
		}
		return fmt.Sprintf("%d %v", limit, due)
	}
	ops["conn-blocked-lost"] = func(a *codectest.Args) string { v.sendConn.BlockedAgain(a.Uint()); return "" }
	ops["send-control"] = func(*codectest.Args) string {
		var f quic.Frame
		if !s.NextFrame(&f) {
			return "none"
		}
		key := v.name()
		v.frames[key] = f
		return fmt.Sprintf("%s: %v code %d %d; %s", key, f.Kind, uint64(f.Code), f.Value, show())
	}
	ops["control-acked"] = func(a *codectest.Args) string { f := v.frames[a.Word()]; s.FrameAcked(&f); return show() }
	ops["control-lost"] = func(a *codectest.Args) string { f := v.frames[a.Word()]; s.FrameLost(&f); return show() }
}

func (v *vectorStreams) receiver(ops map[string]codectest.VectorOp) {
	s := &v.recv
	show := func() string {
		size, known := s.FinalSize()
		_, consumed := v.recvConn.Usage()
		return fmt.Sprintf("%v, final size %d %v, reset %d, peek %s, %d consumed", s.State(), size, known, uint64(s.ResetCode()), codectest.Quote(s.Peek()), consumed)
	}
	done := func(err error) string {
		if err != nil {
			return vectorError(err)
		}
		return show()
	}
	ops["receive"] = func(a *codectest.Args) string {
		f := quic.Frame{Kind: quic.Stream, Fin: a.Flag("fin")}
		lend := a.Flag("lend")
		f.Offset, f.Data = a.Uint(), a.Bytes()
		lent, err := s.Receive(&f, lend)
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("lent %s; %s", codectest.Quote(lent), show())
	}
	ops["receive-reset"] = func(a *codectest.Args) string {
		f := quic.Frame{Kind: quic.ResetStream, Code: quic.ErrorCode(a.Uint()), Value: a.Uint()}
		return done(s.Reset(&f))
	}
	ops["read"] = func(a *codectest.Args) string { return done(s.Consume(int(a.Int()))) }
	ops["read-reset"] = func(*codectest.Args) string { return done(s.ReadReset()) }
	ops["stop"] = func(a *codectest.Args) string { return done(s.Stop(quic.ErrorCode(a.Uint()))) }
	ops["recv-control"] = func(*codectest.Args) string {
		var f quic.Frame
		if !s.NextFrame(codec.Never, 0, &f) {
			return "none"
		}
		key := v.name()
		v.frames[key] = f
		return fmt.Sprintf("%s: %v code %d %d", key, f.Kind, uint64(f.Code), f.Value)
	}
	ops["recv-control-acked"] = func(a *codectest.Args) string { f := v.frames[a.Word()]; s.Acked(&f); return show() }
	ops["recv-control-lost"] = func(a *codectest.Args) string { f := v.frames[a.Word()]; s.Lost(&f); return show() }
	ops["stream-blocked"] = func(a *codectest.Args) string {
		for range a.Int() {
			if err := s.Blocked(codec.Time(time.Second)); err != nil {
				return vectorError(err)
			}
		}
		return show()
	}
	ops["max-data-due"] = func(*codectest.Args) string {
		if !v.recvConn.Due() {
			return fmt.Sprintf("no, limit %d", v.recvConn.Limit())
		}
		return fmt.Sprint(v.recvConn.Emit(codec.Never, 0))
	}
	ops["max-data-lost"] = func(a *codectest.Args) string { v.recvConn.Lost(a.Uint()); return "" }
	ops["recv-release"] = func(*codectest.Args) string { s.Release(); v.send.Release(); return fmt.Sprint(v.store.Held()) }
}

// crypto has the data of the handshake.
func (v *vectorStreams) crypto(ops map[string]codectest.VectorOp) {
	c := &v.chello
	show := func() string { return fmt.Sprintf("peek %s, complete %v", codectest.Quote(c.Peek()), c.Complete()) }
	ops["crypto"] = func(a *codectest.Args) string {
		f := quic.Frame{Kind: quic.Crypto}
		store := a.Flag("store")
		f.Offset, f.Data = a.Uint(), a.Bytes()
		var lent []byte
		var err error
		if store {
			err = c.Store(&f)
		} else {
			lent, err = c.Receive(&f)
		}
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("lent %s; %s", codectest.Quote(lent), show())
	}
	ops["crypto-read"] = func(a *codectest.Args) string {
		if err := c.Consume(int(a.Int())); err != nil {
			return vectorError(err)
		}
		return show()
	}
	ops["crypto-done"] = func(*codectest.Args) string { c.HandshakeDone(); return "" }
	ops["crypto-write"] = func(a *codectest.Args) string {
		n, err := v.csend.Write(a.Bytes())
		return strings.TrimSpace(fmt.Sprintf("%d, pending %v %s", n, v.csend.Pending(), vectorError(err)))
	}
	ops["crypto-frame"] = func(a *codectest.Args) string {
		probe, size := a.Flag("probe"), int(a.Int())
		add := v.csend.AppendCrypto
		if probe {
			add = v.csend.AppendProbe
		}
		out, p, ok := add(nil, size)
		if !ok {
			return "nothing"
		}
		key := v.name()
		v.sent[key] = p
		return fmt.Sprintf("%s: %s", key, codectest.Quote(out))
	}
	ops["crypto-acked"] = func(a *codectest.Args) string { return vectorError(v.csend.Acked(v.sent[a.Word()])) }
	ops["crypto-lost"] = func(a *codectest.Args) string { return vectorError(v.csend.Lost(v.sent[a.Word()])) }
	ops["crypto-release"] = func(*codectest.Args) string {
		c.Release()
		v.csend.Release()
		return fmt.Sprintf("held %d, sent %d", v.store.Held(), v.csend.Buffer().Sent())
	}
}

// counts has the streams of a server's connection.
func (v *vectorStreams) counts(ops map[string]codectest.VectorOp) {
	s := &v.streams
	kind := func(a *codectest.Args) int {
		if a.Flag("uni") {
			return 1
		}
		return 0
	}
	show := func(k int) string {
		p := &s.Peer[k]
		return fmt.Sprintf("%d opened, %d open, limit %d, due %v", p.Opened(), p.Open(), p.Limit(), p.Due())
	}
	ops["touch"] = func(a *codectest.Args) string {
		var k quic.Kind
		for name, q := range map[string]quic.Kind{"STREAM": quic.Stream, "RESET_STREAM": quic.ResetStream, "STREAM_DATA_BLOCKED": quic.StreamDataBlocked,
			"STOP_SENDING": quic.StopSending, "MAX_STREAM_DATA": quic.MaxStreamData} {
			if a.Flag(name) {
				k = q
			}
		}
		id := quic.StreamID(a.Uint())
		fresh, err := s.Touch(k, id)
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("fresh %v; %s", fresh, show(Kind(id)))
	}
	ops["open"] = func(a *codectest.Args) string { id, ok := s.Open(kind(a) == 1); return fmt.Sprintf("%d %v", id, ok) }
	ops["max-streams"] = func(a *codectest.Args) string {
		k := kind(a)
		raised, err := s.Local[k].Grow(a.Uint())
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("raised %v, %d of %d", raised, s.Local[k].Opened(), s.Local[k].Limit())
	}
	ops["streams-blocked-due"] = func(a *codectest.Args) string {
		l := &s.Local[kind(a)]
		limit, due := l.BlockedDue()
		if due {
			l.BlockedSent()
		}
		return fmt.Sprintf("%d %v", limit, due)
	}
	ops["streams-blocked-lost"] = func(a *codectest.Args) string { s.Local[kind(a)].BlockedAgain(a.Uint()); return "" }
	ops["done"] = func(a *codectest.Args) string {
		k := kind(a)
		if err := s.Peer[k].Done(); err != nil {
			return vectorError(err)
		}
		return show(k)
	}
	ops["max-streams-sent"] = func(a *codectest.Args) string { k := kind(a); return fmt.Sprintf("%d; %s", s.Peer[k].Emit(), show(k)) }
	ops["max-streams-lost"] = func(a *codectest.Args) string { k := kind(a); s.Peer[k].Lost(a.Uint()); return show(k) }
	ops["streams-blocked"] = func(a *codectest.Args) string {
		k, limit := kind(a), a.Uint()
		for range a.Int() {
			if err := s.Peer[k].Blocked(codec.Time(time.Second), limit); err != nil {
				return vectorError(err)
			}
		}
		return show(k)
	}
}
