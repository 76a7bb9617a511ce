package stream

import (
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

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
	ops["recv-control"] = func(a *codectest.Args) string {
		var f quic.Frame
		if now, rtt := vectorRTT(a); !s.NextFrame(now, rtt, &f) {
			return "none"
		}
		key := v.name()
		v.frames[key] = f
		return fmt.Sprintf("%s: %v code %d %d", key, f.Kind, uint64(f.Code), f.Value)
	}
	ops["recv-control-acked"] = func(a *codectest.Args) string { f := v.frames[a.Word()]; s.Acked(&f); return show() }
	ops["recv-control-lost"] = func(a *codectest.Args) string { f := v.frames[a.Word()]; s.Lost(&f); return show() }
	blocked := func(a *codectest.Args, blocked func(now codec.Time) error) string {
		now := vectorTime(a)
		for range a.Int() {
			if err := blocked(now); err != nil {
				return vectorError(err)
			}
		}
		return show()
	}
	ops["stream-blocked"] = func(a *codectest.Args) string { return blocked(a, s.Blocked) }
	ops["data-blocked"] = func(a *codectest.Args) string { return blocked(a, v.recvConn.Blocked) }
	ops["max-data-due"] = func(a *codectest.Args) string {
		now, rtt := vectorRTT(a)
		if !v.recvConn.Due() {
			return fmt.Sprintf("no, limit %d", v.recvConn.Limit())
		}
		return fmt.Sprint(v.recvConn.Emit(now, rtt))
	}
	ops["max-data-lost"] = func(a *codectest.Args) string { v.recvConn.Lost(a.Uint()); return "" }
	ops["recv-release"] = func(*codectest.Args) string { s.Release(); v.send.Release(); return fmt.Sprint(v.store.Held()) }
}
