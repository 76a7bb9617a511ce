package stream

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

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
