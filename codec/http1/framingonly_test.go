package http1

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/codectest"
)

// facts of an event without its fields.
func factsOf(ev *Event) string {
	return fmt.Sprintf("%d %q %d %q %d %q %q %v %q %d %d %q %d %d %v %v %v %q", ev.Kind, ev.Method, ev.MethodID, ev.Target, ev.Form, ev.Path,
		ev.Query, ev.HasQuery, ev.Authority, ev.Minor, ev.Status, ev.Reason, ev.Framing, ev.Length, ev.KeepAlive, ev.Expect100, ev.Upgrade, ev.Data)
}

// What FramingOnly leaves out is the fields of heads and nothing else: on every golden input each event and each error, offset
// included, is the same without them.
func TestGoldenFramingOnly(t *testing.T) {
	cases, err := codectest.LoadGolden(corpusDir)
	require.NoError(t, err)
	heads := 0
	for _, c := range cases {
		mode, err := parseMode(c.Mode)
		require.NoError(t, err)
		bare := *mode.profile
		bare.framingOnly = true
		for _, step := range []int{len(c.Input), 1, 7} {
			if step < 8 && len(c.Input) > 1024 {
				continue // each step copies what is unread
			}
			heads += compareBare(t, &mode, mode.profile, &bare, c.Input, max(step, 1))
		}
	}
	require.Greater(t, heads, 500)
}

func compareBare(t *testing.T, mode *caseMode, full, bare *Profile, in []byte, step int) (heads int) {
	t.Helper()
	var a, b Decoder
	a.InitRequest(full)
	b.InitRequest(bare)
	if mode.response {
		a.InitResponse(full)
		b.InitResponse(bare)
	}
	var x, y Event
	at, to := 0, mode.to
	for end := min(step, len(in)); ; {
		if mode.response && a.Paused() {
			if len(to) == 0 {
				return heads
			}
			a.Expect(to[0], mode.upgrade)
			b.Expect(to[0], mode.upgrade)
			to = to[1:]
		}
		// ObsFold writes to the input: each decoder gets its own.
		n, err := a.Next([]byte(string(in[at:end])), &x)
		k, err2 := b.Next([]byte(string(in[at:end])), &y)
		require.Equal(t, n, k, "%q", in)
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(err2), "%q", in)
		if err != nil {
			require.Equal(t, a.fail, b.fail, "%q", in)
			return heads
		}
		if x.Kind == None {
			require.Equal(t, None, y.Kind)
			if at += n; end == len(in) {
				return heads
			}
			end = min(end+step, len(in))
			continue
		}
		require.Equal(t, factsOf(&x), factsOf(&y), "%q", in)
		switch x.Kind {
		case Request, Response, Informational:
			heads++
			require.Empty(t, y.Fields, "%q", in)
		case End:
			require.Equal(t, fmt.Sprint(x.Fields), fmt.Sprint(y.Fields), "%q", in)
			a.Resume()
			b.Resume()
		}
		at += n
	}
}

// The number of fields is bounded all the same, and at the same field.
func TestFramingOnlyCountsFields(t *testing.T) {
	head := func(n int) string {
		return "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-Y: z\r\n", n-1) + "\r\n"
	}
	p := Options{FramingOnly: true, Limits: Limits{Fields: 40}}.Profile()
	var d Decoder
	var ev Event
	d.InitRequest(p)
	_, err := d.Next([]byte(head(40)), &ev)
	require.NoError(t, err)
	d.InitRequest(p)
	_, err = d.Next([]byte(head(41)), &ev)
	require.ErrorIs(t, err, Status(431))
	var h Head
	_, err = ParseRequestHead([]byte(head(40)), &h, p)
	require.NoError(t, err)
	require.Len(t, h.Fields, 40, "ParseRequestHead gives all of them")
}
