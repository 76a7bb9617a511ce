package stream

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// windows has the flow control of the stream and the connection, and the memory of both.
func (v *vectorStreams) windows(ops map[string]codectest.VectorOp) {
	recv := func(w *RecvWindow) string {
		received, consumed := w.Usage()
		return fmt.Sprintf("limit %d, window %d, %d received, %d consumed", w.Limit(), w.Size(), received, consumed)
	}
	done := func(err error) string {
		if err != nil {
			return vectorError(err)
		}
		return recv(&v.recvConn)
	}
	ops["recv-windows"] = func(*codectest.Args) string {
		return fmt.Sprintf("stream %d: %s\nconnection: %s", v.recv.ID(), recv(v.recv.Window()), recv(&v.recvConn))
	}
	ops["send-windows"] = func(*codectest.Args) string {
		s, c := v.send.Window(), &v.sendConn
		return fmt.Sprintf("stream %d: %d of %d used\nconnection: %d of %d used", v.send.ID(), s.Used(), s.Limit(), c.Used(), c.Limit())
	}
	// What other streams receive and read.
	ops["conn-received"] = func(a *codectest.Args) string { return done(v.recvConn.Received(a.Uint())) }
	ops["conn-consumed"] = func(a *codectest.Args) string { return done(v.recvConn.Consumed(a.Uint())) }
	ops["conn-grow"] = func(a *codectest.Args) string { v.recvConn.Grow(a.Uint()); return recv(&v.recvConn) }
	ops["memory"] = func(*codectest.Args) string {
		return fmt.Sprintf("%d chunks held, %d idle", v.store.Held(), v.store.Idle())
	}
}

// bufferVectors has a SendBuffer alone. What is sent is named a, b, c.
func bufferVectors(ops map[string]codectest.VectorOp) {
	var b SendBuffer
	var store Store
	sent, count := map[string]Piece{}, 0
	show := func() string {
		return fmt.Sprintf("%d written, %d sent, %d released, %d held, room %d, pending %v, closed %v, done %v",
			b.Written(), b.Sent(), b.Released(), b.Buffered(), b.Room(), b.Pending(), b.Closed(), b.Done())
	}
	done := func(n int, err error) string {
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("%d; %s", n, show())
	}
	settled := func(err error) string {
		if err != nil {
			return vectorError(err)
		}
		return show()
	}
	piece := func(p Piece, found bool) string {
		if !found {
			return "nothing"
		}
		data, err := b.AppendData(nil, p)
		if err != nil {
			return vectorError(err)
		}
		count++
		name := string(rune('a' + count - 1))
		sent[name] = p
		return fmt.Sprintf("%s: %d %s fin %v", name, p.Offset, codectest.Quote(data), p.Fin)
	}
	ops["buffer"] = func(a *codectest.Args) string {
		b.Init(&store, int(a.NamedInt("limit")), int(a.NamedInt("pieces")))
		at := a.NamedUint("at") // so much was written, sent and given back before
		b.base, b.sent, b.end = at, at, at
		return show()
	}
	ops["buffer-write"] = func(a *codectest.Args) string { return done(b.Write(a.Bytes())) }
	ops["buffer-ref"] = func(a *codectest.Args) string { return done(b.WriteRef(a.Bytes())) }
	ops["buffer-close"] = func(*codectest.Args) string { b.Close(); return show() }
	ops["buffer-next"] = func(a *codectest.Args) string { n := int(a.Int()); return piece(b.Next(n, a.Uint())) }
	ops["buffer-probe"] = func(a *codectest.Args) string { return piece(b.Probe(int(a.Int()))) }
	ops["buffer-data"] = func(a *codectest.Args) string {
		off := a.Uint()
		data, err := b.AppendData([]byte("kept"), Piece{Offset: off, Len: int(a.Int())})
		if err != nil {
			return vectorError(err) + " " + string(data)
		}
		return codectest.Quote(data)
	}
	ops["buffer-acked"] = func(a *codectest.Args) string { return settled(b.Acked(sent[a.Word()])) }
	ops["buffer-lost"] = func(a *codectest.Args) string { return settled(b.Lost(sent[a.Word()])) }
}

// reassemblerVectors has a Reassembler alone.
func reassemblerVectors(ops map[string]codectest.VectorOp) {
	var r Reassembler
	var store Store
	show := func() string {
		return fmt.Sprintf("next %d, high %d, %d pieces, %d readable, %d chunks", r.Next(), r.High(), r.Pieces(), r.Readable(), store.Held())
	}
	ops["reassembler"] = func(a *codectest.Args) string {
		r.Init(&store, a.NamedUint("ahead"), int(a.NamedInt("pieces")))
		return show()
	}
	ops["insert"] = func(a *codectest.Args) string {
		lend := a.Flag("lend")
		at := a.Uint()
		lent, err := r.Insert(at, a.Bytes(), lend)
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("lent %s; %s", codectest.Quote(lent), show())
	}
	ops["reassembler-read"] = func(a *codectest.Args) string {
		dst := make([]byte, a.Int())
		n := r.Read(dst)
		return fmt.Sprintf("%s; %s", codectest.Quote(dst[:n]), show())
	}
	ops["discard"] = func(*codectest.Args) string { r.Discard(); return show() }
	ops["reassembler-release"] = func(*codectest.Args) string { r.Release(); return fmt.Sprintf("%d chunks", store.Held()) }
}

// tableVectors has the tables of states, by number, and the limits.
func tableVectors(ops map[string]codectest.VectorOp) {
	after := func(name fmt.Stringer, events []string, next func(e int) (fmt.Stringer, bool)) string {
		lines := []string{name.String()}
		for e, event := range events {
			if s, may := next(e); may {
				lines = append(lines, event+": "+s.String())
			} else {
				lines = append(lines, event+": no")
			}
		}
		return strings.Join(lines, "\n  ")
	}
	ops["send-state"] = func(a *codectest.Args) string {
		s := SendState(a.Int())
		return after(s, []string{"STREAM", "STREAM with FIN", "STREAM_DATA_BLOCKED", "RESET_STREAM", "all acknowledged", "RESET_STREAM acknowledged", "STOP_SENDING comes",
			"MAX_STREAM_DATA comes"}, func(e int) (fmt.Stringer, bool) { return s.After(SendEvent(e)) })
	}
	ops["recv-state"] = func(a *codectest.Args) string {
		s := RecvState(a.Int())
		return after(s, []string{"STREAM comes", "STREAM with FIN comes", "STREAM_DATA_BLOCKED comes", "RESET_STREAM comes", "all data is there", "all data is read", "the reset is read",
			"MAX_STREAM_DATA", "STOP_SENDING"}, func(e int) (fmt.Stringer, bool) { return s.After(RecvEvent(e)) })
	}
	ops["limits"] = func(a *codectest.Args) string {
		n := func(name string) int { return int(a.NamedInt(name)) }
		l := Limits{StreamWindow: n("stream-window"), MaxStreamWindow: n("max-stream-window"), Window: n("window"), MaxWindow: n("max-window"), Pieces: n("pieces"),
			SendBuffer: n("buffer"), Bidi: n("bidi"), Uni: n("uni"), Crypto: n("crypto"), CryptoAfter: n("crypto-after"), CryptoTotal: n("crypto-total"),
			CryptoPieces: n("crypto-pieces")}
		streams := n("streams")
		m := l.Memory(streams)
		l = l.Norm()
		return fmt.Sprintf("stream %d to %d, connection %d to %d, %d pieces, buffer %d\n%d and %d streams, crypto %d, after %d, total %d, %d pieces\n%d bytes for %d streams", l.StreamWindow,
			l.MaxStreamWindow, l.Window, l.MaxWindow, l.Pieces, l.SendBuffer, l.Bidi, l.Uni, l.Crypto, l.CryptoAfter, l.CryptoTotal, l.CryptoPieces, m, streams)
	}
}
