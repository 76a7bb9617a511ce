package fuzz

import (
	"errors"
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/http1"
)

var http1Targets = []*Target{
	{Name: "HTTP1Request", Codec: "http1", Corpus: "http1", Dict: "http1", role: "request", factory: http1Adapter,
		About: "the laws on a decoder of requests, in every mode of the corpus"},
	{Name: "HTTP1Response", Codec: "http1", Corpus: "http1", Dict: "http1", role: "response", factory: http1Adapter,
		About: "the laws on a decoder of responses, in every mode of the corpus"},
	{Name: "HTTP1RoundTrip", Codec: "http1", Dict: "http1", run: http1RoundTrip, seeds: http1Heads,
		About: "heads made of any bytes: refused without a trace, or read back the same"},
	{Name: "HTTP1Pair", Codec: "http1", Dict: "http1", run: http1Pair, seeds: randomPrograms(1, 8, 300),
		About: "a client and a server with pipelining, bodies, trailers and 1xx over a link"},
}

// http1Mode is the mode line of a golden case, see corpus/http1/README.md.
type http1Mode struct {
	response bool
	to       []http1.Method // the requests that were sent, in the client role
	upgrade  bool           // they offered an upgrade
	profile  *http1.Profile
	options  http1.Options
}

func parseHTTP1Mode(m *codectest.Mode) (c *http1Mode, err error) {
	c = &http1Mode{response: m.Has("response"), upgrade: m.Has("upgrade")}
	if !m.Has("request") && !c.response {
		return nil, errors.New("neither request nor response")
	}
	for _, s := range m.List("to") {
		c.to = append(c.to, http1.LookupMethod([]byte(s)))
	}
	o := &c.options
	flags := map[string]*bool{
		"BareLF": &o.Leniency.BareLF, "MixedCaseMethod": &o.Leniency.MixedCaseMethod, "SpaceBeforeColon": &o.Leniency.SpaceBeforeColon,
		"ObsFold": &o.Leniency.ObsFold, "OversizeTarget": &o.Leniency.OversizeTarget, "OversizeHead": &o.Leniency.OversizeHead,
		"EmptyChunkExt": &o.Leniency.EmptyChunkExt, "ChunkExtChars": &o.Leniency.ChunkExtChars, "RepeatedLength": &o.Leniency.RepeatedLength,
		"LengthWithChunked": &o.Leniency.LengthWithChunked, "LeadingSpace": &o.Leniency.LeadingSpace,
	}
	for _, s := range m.List("lenient") {
		if flags[s] == nil {
			return nil, fmt.Errorf("unknown leniency %q", s)
		}
		*flags[s] = true
	}
	o.ASCII = m.Has("ascii")
	o.Limits = http1.Limits{RequestLine: m.Int("line"), FieldLine: m.Int("field"), Head: m.Int("head"), Fields: m.Int("fields"),
		Body: int64(m.Int("body")), ChunkLine: m.Int("chunkline"), ChunkExcess: m.Int("chunkexcess"),
		Informational: m.Int("info"), LeadingCRLF: m.Int("crlf")}
	c.profile = o.Profile()
	m.Get("verdict")
	m.Int("messages")
	return c, nil
}

// tail is the longest tail that a decoder may leave, negative if no limit bounds it.
func (c *http1Mode) tail() int {
	head := c.options.Limits.Head
	if head == 0 {
		head = http1.DefaultHead
	}
	if head < 0 {
		return -1
	}
	if c.options.Leniency.OversizeHead {
		head *= 8
	}
	return head + http1.DefaultRequestLine // a chunk line may stand there as well
}

// http1Instance adapts a Decoder whose owner is ready for the next message at once.
type http1Instance struct {
	d      http1.Decoder
	ev     http1.Event
	mode   *http1Mode
	asked  int
	tunnel bool
	ended  bool
}

func (in *http1Instance) Reset() {
	in.asked, in.tunnel, in.ended = 0, false, false
	if in.mode.response {
		in.d.InitResponse(in.mode.profile)
	} else {
		in.d.InitRequest(in.mode.profile)
	}
}

func (in *http1Instance) Next(src []byte) (int, bool, error) {
	if in.d.Paused() && !in.ended {
		if !in.mode.response {
			in.d.Resume()
		} else if in.asked < len(in.mode.to) {
			in.d.Expect(in.mode.to[in.asked], in.mode.upgrade)
			in.asked++
		}
	}
	n, err := in.d.Next(src, &in.ev)
	if err != nil {
		return n, false, err
	}
	switch in.ev.Kind {
	case http1.Request, http1.Response:
		in.tunnel = in.ev.Framing == http1.Tunnel
	case http1.End:
		in.ended = in.tunnel
	}
	return n, in.ev.Kind != http1.None, nil
}

func (in *http1Instance) Finish() (bool, error) {
	in.ev.Kind = http1.None
	err := in.d.Finish(&in.ev)
	return err == nil && in.ev.Kind != http1.None, err
}

func (in *http1Instance) Event() any                              { return &in.ev }
func (in *http1Instance) Ended() bool                             { return in.ended }
func (in *http1Instance) Steps() uint64                           { return in.d.Steps() }
func (in *http1Instance) AppendOwed(dst []byte, limit int) []byte { return in.d.AppendOwed(dst, limit) }

func (in *http1Instance) Fault(err error) codectest.Fault {
	var e *http1.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *http1Instance) Render(log *codectest.Log) { renderHTTP1(log, &in.ev) }

var http1Framing = [...]string{http1.NoBody: "no body", http1.Length: "length", http1.Chunked: "chunked", http1.UntilClose: "until close", http1.Tunnel: "tunnel"}

func renderHTTP1(log *codectest.Log, ev *http1.Event) {
	q := codectest.Quote
	flags := func() string {
		var b strings.Builder
		for _, f := range []struct {
			on   bool
			name string
		}{{ev.KeepAlive, "keep-alive"}, {ev.Kind == http1.Request && ev.Expect100, "expect-100"}, {ev.Upgrade, "upgrade"}} {
			if f.on {
				b.WriteString(" " + f.name)
			}
		}
		return b.String()
	}
	switch ev.Kind {
	case http1.Request:
		method := string(ev.Method)
		if s := ev.MethodID.String(); s != method {
			method += fmt.Sprintf(" (%s)", s)
		}
		log.Event("request %s %s HTTP/1.%d", method, q(ev.Target), ev.Minor)
		form := [...]string{"?", "origin", "absolute", "authority", "asterisk"}[ev.Form]
		query := ""
		if ev.HasQuery {
			query = " query " + q(ev.Query)
		}
		log.Event("  %s authority %s path %s%s", form, q(ev.Authority), q(ev.Path), query)
		log.Event("  %s %d%s", http1Framing[ev.Framing], ev.Length, flags())
	case http1.Response:
		log.Event("response %d %s HTTP/1.%d", ev.Status, q(ev.Reason), ev.Minor)
		log.Event("  %s %d%s", http1Framing[ev.Framing], ev.Length, flags())
	case http1.Informational:
		log.Event("informational %d %s HTTP/1.%d", ev.Status, q(ev.Reason), ev.Minor)
	case http1.Body:
		log.Data("body", ev.Data)
		return
	case http1.End:
		log.Event("end")
	default:
		log.Event("event of kind %d", ev.Kind)
	}
	for _, f := range ev.Fields {
		log.Event("  %s: %s", codectest.Escape(f.Name), q(f.Value))
	}
}

func http1Adapter(m *codectest.Mode) (codectest.Adapter, error) {
	mode, err := parseHTTP1Mode(m)
	if err != nil {
		return codectest.Adapter{}, err
	}
	return codectest.Adapter{
		New: func() codectest.Instance {
			in := &http1Instance{mode: mode}
			in.Reset()
			return in
		},
		MaxTail: mode.tail(), Work: 8, WorkBase: 512,
		WritesSource: mode.options.Leniency.ObsFold,
	}, nil
}
