package fuzz

import (
	"errors"
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/http2"
)

var http2Targets = []*Target{
	{Name: "HTTP2Frames", Codec: "http2", Corpus: "http2/frames", Dict: "http2", factory: http2FramesAdapter,
		About: "the laws on single frames, and their encoding"},
	{Name: "HTTP2Server", Codec: "http2", Corpus: "http2/conn", Dict: "http2", role: "server", factory: http2Adapter,
		About: "the laws on a server's connection, in every mode of the corpus"},
	{Name: "HTTP2Client", Codec: "http2", Corpus: "http2/conn", Dict: "http2", role: "client", factory: http2Adapter,
		About: "the laws on a client's connection, in every mode of the corpus"},
	{Name: "HTTP2Ops", Codec: "http2", Dict: "http2", run: http2Ops, seeds: randomPrograms(5, 8, 300),
		About: "calls in any order and frames of any kind on a connection: what it sends is a peer's to read"},
	{Name: "HTTP2Pair", Codec: "http2", Dict: "http2", run: http2Pair, seeds: randomPrograms(6, 8, 600),
		About: "a client and a server with content, trailers, resets, credit and shutdown over a link"},
}

// http2Mode is the mode line of a golden case of a Conn, see corpus/http2/README.md.
type http2Mode struct {
	role     http2.Role
	profile  *http2.Profile
	limits   http2.Limits
	requests []string // client: streams to open; a "+" at the end leaves them open
	answer   bool     // server: answer each request as soon as it is whole
	early    bool     // server: answer each request as soon as its head is there, and end the stream
	reset    bool     // server: reset each request as soon as its head is there
	hold     bool     // keep streams that are over
	greedy   bool     // do not give back credit
	shutdown bool     // GoAway at the start
	upgraded bool
	settings []byte
}

func parseHTTP2Mode(m *codectest.Mode) (c *http2Mode, err error) {
	c = &http2Mode{answer: m.Has("answer"), early: m.Has("early"), reset: m.Has("reset"), hold: m.Has("hold"), greedy: m.Has("greedy"),
		shutdown: m.Has("goaway"), requests: m.List("open"), upgraded: m.Has("upgraded")}
	m.Get("verdict")
	switch {
	case m.Has("client"):
		c.role = http2.Client
	case !m.Has("server"):
		return nil, errors.New("neither server nor client")
	}
	if s := m.Get("h2settings"); s != "" {
		if c.settings, err = http2.DecodeUpgradeSettings(nil, []byte(s)); err != nil {
			return nil, err
		}
	}
	c.limits = http2.Limits{Streams: m.Int("streams"), Held: m.Int("held"), HeaderList: m.Int("list"), HeaderFields: m.Int("fields"), HeaderBlock: m.Int("block"),
		Continuations: m.Int("conts"), FrameSize: m.Int("frame"), Informational: m.Int("info"), Resets: m.Int("resets"), Fruitless: m.Int("fruitless"),
		Pings: m.Int("pings"), EarlyPriorities: m.Int("early-priorities")}
	c.profile = http2.Config{
		Limits:          c.limits,
		Window:          http2.WindowPolicy{Stream: uint32(m.Int("window")), Conn: uint32(m.Int("connwindow"))},
		HeaderTable:     m.Int("table"),
		ExtendedConnect: m.Has("connect"),
	}.Profile()
	return c, nil
}

// tail is the longest tail that a Conn may leave.
func (c *http2Mode) tail() int {
	pick := func(v, def int) int {
		if v == 0 {
			return def
		}
		return v
	}
	block, conts := pick(c.limits.HeaderBlock, http2.DefaultHeaderBlock), pick(c.limits.Continuations, http2.DefaultContinuations)
	if block < 0 || conts < 0 || conts > 100 {
		return -1
	}
	return block + (2+conts)*http2.FrameHeaderLen + 256 + max(c.limits.FrameSize, http2.DefaultFrameSize)
}

// http2Instance adapts a Conn. It plays a simple application.
type http2Instance struct {
	c    http2.Conn
	ev   http2.Event
	mode *http2Mode
	out  []byte // scratch
	// of the last event
	kind   http2.Kind
	stream uint32
	end    bool
	data   int
}

var (
	http2Answer  = []codec.Field{{Name: []byte("server"), Value: []byte("test")}}
	http2Methods = map[string][]byte{}
)

func http2Request(method []byte) http2.RequestHead {
	h := http2.RequestHead{Method: method, Scheme: []byte("http"), Authority: []byte("a.test"), Path: []byte("/")}
	if string(method) == "CONNECT" {
		h.Scheme, h.Path = nil, nil
	}
	return h
}

func (in *http2Instance) Reset() {
	in.kind = http2.None
	m := in.mode
	if m.upgraded {
		in.c.InitUpgraded(m.role, m.profile, m.settings)
	} else {
		in.c.Init(m.role, m.profile)
	}
	in.c.Advance(1)
	in.out = in.c.AppendOwed(in.out[:0], 1<<16)
	for _, r := range m.requests {
		name, open := strings.CutSuffix(r, "+")
		if http2Methods[name] == nil {
			http2Methods[name] = []byte(name)
		}
		head := http2Request(http2Methods[name])
		var err error
		if in.out, _, err = in.c.AppendRequest(in.out[:0], &head, nil, !open); err != nil {
			panic(err)
		}
	}
	if m.shutdown {
		in.c.GoAway(http2.NoError)
		in.out = in.c.AppendOwed(in.out[:0], 1<<16)
	}
}

// Next does first what the application does about the last event.
func (in *http2Instance) Next(src []byte) (int, bool, error) {
	m := in.mode
	switch in.kind {
	case http2.Request:
		switch {
		case m.reset:
			in.c.Reset(in.stream, http2.Cancel)
		case m.early:
			in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 200, http2Answer, true)
		case m.answer && in.end:
			in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 204, http2Answer, true)
		}
	case http2.TooLarge:
		in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 431, nil, true)
	case http2.Data:
		if !m.greedy {
			in.c.Consumed(in.stream, in.data)
		}
		fallthrough
	case http2.Trailers:
		if in.end && m.answer && m.role == http2.Server {
			in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 204, http2Answer, true)
		}
	case http2.StreamReset, http2.StreamError:
		if !m.hold {
			in.c.Release(in.stream)
		}
	}
	in.kind = http2.None
	n, err := in.c.Next(src, &in.ev)
	return n, in.note(err), err
}

func (in *http2Instance) note(err error) bool {
	if err != nil || in.ev.Kind == http2.None {
		return false
	}
	in.kind, in.stream, in.end, in.data = in.ev.Kind, in.ev.Stream, in.ev.EndStream, len(in.ev.Data)
	return true
}

func (in *http2Instance) Finish() (bool, error) {
	if err := in.c.Finish(); err != nil {
		return false, err
	}
	_, err := in.c.Next(nil, &in.ev)
	return in.note(err), err
}

func (in *http2Instance) Event() any                              { return &in.ev }
func (in *http2Instance) Steps() uint64                           { return in.c.Steps() }
func (in *http2Instance) AppendOwed(dst []byte, limit int) []byte { return in.c.AppendOwed(dst, limit) }

func (in *http2Instance) Fault(err error) codectest.Fault {
	var e *http2.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Code.String() + " " + e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *http2Instance) Render(log *codectest.Log) {
	ev := &in.ev
	q := codectest.Quote
	end := ""
	if ev.EndStream {
		end = " end"
	}
	list := func() {
		for _, f := range ev.Fields {
			never := ""
			if f.Sensitive {
				never = " (never indexed)"
			}
			log.Event("  %s: %s%s", codectest.Escape(f.Name), q(f.Value), never)
		}
	}
	switch ev.Kind {
	case http2.Request:
		log.Event("request %d %s%s", ev.Stream, codectest.Escape(ev.Method), end)
		line := ""
		for _, p := range []struct {
			name  string
			value []byte
		}{{"scheme", ev.Scheme}, {"authority", ev.Authority}, {"path", ev.Path}, {"protocol", ev.Protocol}} {
			if p.value != nil {
				line += " " + p.name + " " + q(p.value)
			}
		}
		log.Event(" %s length %d", line, ev.ContentLength)
		if ev.Priority != http2.DefaultPriority() {
			log.Event("  urgency %d incremental %v", ev.Priority.Urgency, ev.Priority.Incremental)
		}
		list()
	case http2.TooLarge:
		log.Event("too large %d%s", ev.Stream, end)
	case http2.Response:
		log.Event("response %d %d%s length %d", ev.Stream, ev.Status, end, ev.ContentLength)
		list()
	case http2.Informational:
		log.Event("informational %d %d", ev.Stream, ev.Status)
		list()
	case http2.Data:
		if len(ev.Data) > 0 {
			log.Data(fmt.Sprintf("data %d", ev.Stream), ev.Data)
		}
		if ev.EndStream {
			log.Event("end %d", ev.Stream)
		}
	case http2.Trailers:
		log.Event("trailers %d", ev.Stream)
		list()
	case http2.StreamReset:
		retry := ""
		if ev.Retry {
			retry = " retry"
		}
		log.Event("reset %d %s%s", ev.Stream, ev.Code.String(), retry)
	case http2.StreamError:
		log.Event("stream error %d %s %s", ev.Stream, ev.Code.String(), ev.Reason)
	case http2.SettingsReceived:
		log.Event("settings")
	case http2.SettingsAcked:
		log.Event("settings acked")
	case http2.GoAwayReceived:
		log.Event("goaway %d %s %s", ev.LastStream, ev.Code.String(), q(ev.Data))
	case http2.PingAck:
		log.Event("ping ack %s", q(ev.Opaque[:]))
	case http2.PriorityUpdate:
		log.Event("priority %d urgency %d incremental %v", ev.Stream, ev.Priority.Urgency, ev.Priority.Incremental)
	default:
		log.Event("event of kind %d", ev.Kind)
	}
}

func http2Adapter(m *codectest.Mode) (codectest.Adapter, error) {
	mode, err := parseHTTP2Mode(m)
	if err != nil {
		return codectest.Adapter{}, err
	}
	return codectest.Adapter{
		New: func() codectest.Instance {
			in := &http2Instance{mode: mode, out: make([]byte, 0, 512)}
			in.Reset()
			return in
		},
		MaxTail: mode.tail(), Work: 16, WorkBase: 64, Scratch: true,
	}, nil
}
