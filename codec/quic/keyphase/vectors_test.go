package keyphase

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// Key updates of both sides, as scripts: corpus/quic/vectors/keyphase. Times are milliseconds, the probe timeout is 100 of them.
func TestVectors(t *testing.T) {
	names := [...]string{None: "none", Previous: "previous", Current: "current", Next: "next"}
	sum := codectest.RunVectors(t, "../../../corpus/quic/vectors/keyphase", func() map[string]codectest.VectorOp {
		s := new(State)
		said := func(err error) string {
			var e *quic.Error
			switch {
			case err == nil:
				return ""
			case !errors.As(err, &e):
				return "an unknown error " + err.Error()
			case e.Scope == codec.ScopeMisuse:
				return "misuse " + e.Reason
			}
			return fmt.Sprintf("%v %s", e.Code, e.Reason)
		}
		keys := func(a *codectest.Args) Keys {
			w := a.Word()
			for k, name := range names {
				if name == w {
					return Keys(k)
				}
			}
			return Keys(len(names))
		}
		at := func(a *codectest.Args) codec.Time { return codec.Time(a.Int()) * ms }
		return map[string]codectest.VectorOp{
			"init": func(a *codectest.Args) string {
				return said(s.Init(Config{Confidentiality: a.NamedUint("confidentiality"), Integrity: a.NamedUint("integrity"), UpdateAfter: a.NamedUint("after")}))
			},
			"confirm":  func(*codectest.Args) string { s.Confirm(); return "" },
			"sent":     func(a *codectest.Args) string { return said(s.Sent(a.Int())) },
			"ack-sent": func(a *codectest.Args) string { s.AckSent(a.Int()); return "" },
			"acked":    func(a *codectest.Args) string { now, k := at(a), keys(a); return said(s.Acked(now, pto, k, a.Int())) },
			"update":   func(a *codectest.Args) string { return said(s.Update(at(a))) },
			"choose": func(a *codectest.Args) string {
				phase := a.Flag("1")
				if !phase {
					a.Flag("0")
				}
				return names[s.Choose(phase, a.Int())]
			},
			"opened": func(a *codectest.Args) string { now, k := at(a), keys(a); return said(s.Opened(now, pto, k, a.Int())) },
			"failed": func(*codectest.Args) string { return said(s.Failed()) },
			"state": func(a *codectest.Args) string {
				now := at(a)
				sent, failed := s.Counts()
				return fmt.Sprintf("generation %d phase %v may update %v due %v, %d sent %d failed", s.Generation(), s.Phase(), s.MayUpdate(now), s.Due(now), sent, failed)
			},
			"deadline": func(*codectest.Args) string {
				if d := s.Deadline(); d != codec.Never {
					return fmt.Sprint(time.Duration(d).Milliseconds())
				}
				return "never"
			},
			"advance": func(a *codectest.Args) string { return fmt.Sprint(s.Advance(at(a))) },
		}
	})
	for _, r := range []string{reasonTwice, reasonAckOld, reasonCurrentLower, reasonNextLower, reasonConfidentiality, reasonIntegrity, reasonLimits, reasonUpdate, reasonKeys} {
		if !sum.Has(r) {
			t.Errorf("no vector reaches %q", r)
		}
	}
}
