package http2

import (
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

const framesDir = "../../corpus/http2/frames"

// framesAdapter is a frameReader for a mode line; see corpus/http2/README.md.
func framesAdapter(limit uint32, whole, fromServer bool) codectest.Adapter {
	return codectest.Adapter{
		New:     func() codectest.Instance { return newFrameReader(limit, whole, fromServer) },
		MaxTail: FrameHeaderLen + int(limit),
		Work:    4, WorkBase: 16,
		Encode: func() func([]byte, codectest.Instance) ([]byte, error) { return new(encoder).encode },
	}
}

type frameMode struct {
	limit              uint32
	stream, fromServer bool
	verdict            string
}

func parseFrameMode(m *codectest.Mode) frameMode {
	c := frameMode{limit: MinFrameSize, stream: m.Has("stream"), fromServer: m.Has("server"), verdict: m.Get("verdict")}
	if n := m.Int("max"); n > 0 {
		c.limit = uint32(n)
	}
	return c
}

// TestGoldenFrames runs the corpus with payloads in pieces.
func TestGoldenFrames(t *testing.T) {
	sum := codectest.RunGolden(t, framesDir, func(m *codectest.Mode) (codectest.Adapter, error) {
		c := parseFrameMode(m)
		return framesAdapter(c.limit, false, c.fromServer), nil
	})
	if sum.Cases < 110 {
		t.Errorf("only %d cases", sum.Cases)
	}
}

// Judged by hand from the RFC, beside the log.
func TestGoldenFrameVerdicts(t *testing.T) {
	cases, err := codectest.LoadGolden(framesDir)
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	for _, c := range cases {
		m := parseFrameMode(c.Mode)
		for _, whole := range []bool{false, true} {
			if whole && m.stream {
				continue // the case shows that the payload is not awaited
			}
			r := newFrameReader(m.limit, whole, m.fromServer)
			var log codectest.Log
			left := c.Input
			for {
				n, got, err := r.Next(left)
				left = left[n:]
				if err != nil || !got {
					break
				}
				r.Render(&log)
				if r.ev.fault != ok {
					reached[r.ev.fault.Reason()] = true
				}
			}
			verdict := "ok"
			switch {
			case r.err != nil:
				verdict = r.fault.Code().String()
				reached[r.fault.Reason()] = true
			case len(left) > 0 || r.body > 0 || r.skip > 0:
				verdict = "more"
			}
			if verdict != m.verdict {
				t.Errorf("%s:%d %s: %s, want %s", c.File, c.Line, c.Name, verdict, m.verdict)
			}
			// Whole payloads or pieces: the same log.
			want := len(log.Lines())
			for _, line := range c.Want {
				if strings.HasPrefix(line, "error ") || strings.HasPrefix(line, "left ") {
					want++
				}
			}
			if got := strings.Join(log.Lines(), "\n"); !strings.HasPrefix(strings.Join(c.Want, "\n"), got) && verdict != "more" {
				t.Errorf("%s:%d %s, whole %t:\n%s", c.File, c.Line, c.Name, whole, got)
			} else if verdict != "more" && len(c.Want) != want {
				t.Errorf("%s:%d %s: %d lines, want %d", c.File, c.Line, c.Name, want, len(c.Want))
			}
		}
	}
	for f := fFrameSize; f <= fNoPriorityChanged; f++ {
		if !reached[f.Reason()] {
			t.Errorf("no case reaches %q", f.Reason())
		}
	}
}
