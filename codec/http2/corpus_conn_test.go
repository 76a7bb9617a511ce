package http2

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const connDir = "../../corpus/http2/conn"

// connMode is the mode line of a golden case of a Conn, see corpus/http2/README.md.
type connMode struct {
	role     Role
	profile  *Profile
	requests []string // client: streams to open; a "+" at the end leaves them open
	answer   bool     // server: answer each request as soon as it is whole
	early    bool     // server: answer each request as soon as its head is there, and end the stream
	reset    bool     // server: reset each request as soon as its head is there
	hold     bool     // keep streams that are over
	greedy   bool     // do not give back credit
	shutdown bool     // GoAway at the start
	upgraded bool
	settings []byte
	verdict  string
}

func parseConnMode(m *codectest.Mode) (c *connMode, err error) {
	c = &connMode{answer: m.Has("answer"), early: m.Has("early"), reset: m.Has("reset"), hold: m.Has("hold"), greedy: m.Has("greedy"),
		shutdown: m.Has("goaway"), requests: m.List("open"), verdict: m.Get("verdict"), upgraded: m.Has("upgraded")}
	switch {
	case m.Has("client"):
		c.role = Client
	case !m.Has("server"):
		return nil, errors.New("neither server nor client")
	}
	if s := m.Get("h2settings"); s != "" {
		if c.settings, err = DecodeUpgradeSettings(nil, []byte(s)); err != nil {
			return nil, err
		}
	}
	c.profile = Config{
		Limits: Limits{Streams: m.Int("streams"), Held: m.Int("held"), HeaderList: m.Int("list"), HeaderFields: m.Int("fields"), HeaderBlock: m.Int("block"),
			Continuations: m.Int("conts"), FrameSize: m.Int("frame"), Informational: m.Int("info"), Resets: m.Int("resets"), Fruitless: m.Int("fruitless"),
			Pings: m.Int("pings"), EarlyPriorities: m.Int("early-priorities")},
		Window:          WindowPolicy{Stream: uint32(m.Int("window")), Conn: uint32(m.Int("connwindow"))},
		HeaderTable:     m.Int("table"),
		ExtendedConnect: m.Has("connect"),
	}.Profile()
	return c, nil
}

// connInstance adapts a Conn to codectest. It plays a simple application.
type connInstance struct {
	c    Conn
	ev   Event
	mode *connMode
	out  []byte // scratch
	// of the last event
	kind   Kind
	stream uint32
	end    bool
	data   int
}

func newConnInstance(mode *connMode) *connInstance {
	in := &connInstance{mode: mode, out: make([]byte, 0, 512)}
	in.Reset()
	return in
}

var (
	testAnswer  = []codec.Field{{Name: []byte("server"), Value: []byte("test")}}
	testMethods = map[string][]byte{}
	testScheme  = []byte("http")
	testHost    = []byte("a.test")
	testPath    = []byte("/")
)

func (in *connInstance) Reset() {
	in.kind = None
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
		if testMethods[name] == nil {
			testMethods[name] = []byte(name)
		}
		head := RequestHead{Method: testMethods[name], Scheme: testScheme, Authority: testHost, Path: testPath}
		if name == "CONNECT" {
			head.Scheme, head.Path = nil, nil
		}
		var err error
		if in.out, _, err = in.c.AppendRequest(in.out[:0], &head, nil, !open); err != nil {
			panic(err)
		}
	}
	if m.shutdown {
		in.c.GoAway(NoError)
		in.out = in.c.AppendOwed(in.out[:0], 1<<16)
	}
}

// Next does first what the application does about the last event.
func (in *connInstance) Next(src []byte) (int, bool, error) {
	m := in.mode
	switch in.kind {
	case Request:
		switch {
		case m.reset:
			in.c.Reset(in.stream, Cancel)
		case m.early:
			in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 200, testAnswer, true)
		case m.answer && in.end:
			in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 204, testAnswer, true)
		}
	case TooLarge:
		in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 431, nil, true)
	case Data:
		if !m.greedy {
			in.c.Consumed(in.stream, in.data)
		}
		fallthrough
	case Trailers:
		if in.end && m.answer && m.role == Server {
			in.out, _ = in.c.AppendResponse(in.out[:0], in.stream, 204, testAnswer, true)
		}
	case StreamReset, StreamError:
		if !m.hold {
			in.c.Release(in.stream)
		}
	}
	in.kind = None
	n, err := in.c.Next(src, &in.ev)
	return n, in.note(err), err
}

func (in *connInstance) note(err error) bool {
	if err != nil || in.ev.Kind == None {
		return false
	}
	in.kind, in.stream, in.end, in.data = in.ev.Kind, in.ev.Stream, in.ev.EndStream, len(in.ev.Data)
	return true
}

func (in *connInstance) Finish() (bool, error) {
	if err := in.c.Finish(); err != nil {
		return false, err
	}
	_, err := in.c.Next(nil, &in.ev)
	return in.note(err), err
}

func (in *connInstance) Event() any    { return &in.ev }
func (in *connInstance) Steps() uint64 { return in.c.Steps() }

func (in *connInstance) AppendOwed(dst []byte, limit int) []byte { return in.c.AppendOwed(dst, limit) }

func (in *connInstance) Fault(err error) codectest.Fault {
	var e *Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Code.String() + " " + e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *connInstance) Render(log *codectest.Log) { renderConnEvent(log, &in.ev) }

func renderConnEvent(log *codectest.Log, ev *Event) {
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
	case Request:
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
		if ev.Priority != DefaultPriority() {
			log.Event("  urgency %d incremental %v", ev.Priority.Urgency, ev.Priority.Incremental)
		}
		list()
	case TooLarge:
		log.Event("too large %d%s", ev.Stream, end)
	case Response:
		log.Event("response %d %d%s length %d", ev.Stream, ev.Status, end, ev.ContentLength)
		list()
	case Informational:
		log.Event("informational %d %d", ev.Stream, ev.Status)
		list()
	case Data:
		if len(ev.Data) > 0 {
			log.Data(fmt.Sprintf("data %d", ev.Stream), ev.Data)
		}
		if ev.EndStream {
			log.Event("end %d", ev.Stream)
		}
	case Trailers:
		log.Event("trailers %d", ev.Stream)
		list()
	case StreamReset:
		retry := ""
		if ev.Retry {
			retry = " retry"
		}
		log.Event("reset %d %s%s", ev.Stream, ev.Code.String(), retry)
	case StreamError:
		log.Event("stream error %d %s %s", ev.Stream, ev.Code.String(), ev.Reason)
	case SettingsReceived:
		log.Event("settings")
	case SettingsAcked:
		log.Event("settings acked")
	case GoAwayReceived:
		log.Event("goaway %d %s %s", ev.LastStream, ev.Code.String(), q(ev.Data))
	case PingAck:
		log.Event("ping ack %s", q(ev.Opaque[:]))
	case PriorityUpdate:
		log.Event("priority %d urgency %d incremental %v", ev.Stream, ev.Priority.Urgency, ev.Priority.Incremental)
	default:
		log.Event("event of kind %d", ev.Kind)
	}
}

func connAdapter(m *codectest.Mode) (codectest.Adapter, error) {
	mode, err := parseConnMode(m)
	if err != nil {
		return codectest.Adapter{}, err
	}
	// The calls of an application that has lost count: each makes sense or changes nothing.
	call := func(name string, do func(in *connInstance) error) codectest.Call {
		return codectest.Call{Name: name, Do: func(i codectest.Instance) error { return do(i.(*connInstance)) }}
	}
	drop := func(_ []byte, err error) error { return err }
	drop2 := func(_ []byte, _ int, err error) error { return err }
	return codectest.Adapter{
		New:     func() codectest.Instance { return newConnInstance(mode) },
		MaxTail: mode.profile.block + (2+min(mode.profile.continuations, 100))*FrameHeaderLen + 256 + int(mode.profile.server.MaxFrameSize),
		Work:    16, WorkBase: 64,
		Scratch: true,
		Calls: []codectest.Call{
			call("AppendResponse(1)", func(in *connInstance) error { return drop(in.c.AppendResponse(nil, 1, 200, nil, false)) }),
			call("AppendInformational(1)", func(in *connInstance) error { return drop(in.c.AppendInformational(nil, 1, 103, nil)) }),
			call("AppendTrailers(1)", func(in *connInstance) error { return drop(in.c.AppendTrailers(nil, 1, nil)) }),
			call("AppendData(1)", func(in *connInstance) error { return drop2(in.c.AppendData(nil, 1, []byte("x"), true)) }),
			call("AppendDataHeader(3)", func(in *connInstance) error { return drop2(in.c.AppendDataHeader(nil, 3, 5, false)) }),
			call("AppendRequest", func(in *connInstance) error {
				_, _, err := in.c.AppendRequest(nil, &RequestHead{Method: []byte("GET"), Scheme: testScheme, Authority: testHost, Path: testPath}, nil, true)
				return err
			}),
			call("AppendPriorityUpdate(1)", func(in *connInstance) error {
				return drop(in.c.AppendPriorityUpdate(nil, 1, Priority{Urgency: 1, Incremental: true}))
			}),
			call("Reset(1)", func(in *connInstance) error { return in.c.Reset(1, Cancel) }),
			call("Release(1)", func(in *connInstance) error { return in.c.Release(1) }),
			call("Consumed(1)", func(in *connInstance) error { return in.c.Consumed(1, 1) }),
			call("Consumed(1, -1)", func(in *connInstance) error { return in.c.Consumed(1, -1) }),
			call("Ready(1)", func(in *connInstance) error { return in.c.Ready(1, true) }),
			call("SetUser(5)", func(in *connInstance) error { return in.c.SetUser(5, 7) }),
			call("SetPriority(1)", func(in *connInstance) error { return in.c.SetPriority(1, Priority{}) }),
			call("Ping", func(in *connInstance) error { return in.c.Ping([8]byte{1}) }),
			call("Ping(own)", func(in *connInstance) error { return in.c.Ping(probeRTT) }),
			call("Trim", func(in *connInstance) error { in.c.Trim(); return errNoSense }),
			call("NextWritable", func(in *connInstance) error { in.c.NextWritable(); return errNoSense }),
			call("Advance", func(in *connInstance) error { in.c.Advance(2); return errNoSense }),
			call("Queries", func(in *connInstance) error {
				c := &in.c
				c.Blocked(1)
				c.Writable(1)
				c.CanOpen()
				c.OpenBlocked()
				c.User(1)
				c.Done()
				c.Idle()
				c.Streams()
				c.Owes()
				c.Pending()
				c.Deadline()
				c.Err()
				c.PeerSettings()
				c.Role()
				return errNoSense
			}),
		},
	}, nil
}

// errNoSense makes the kit check that a call changed nothing.
var errNoSense = &Error{Scope: codec.ScopeMisuse, Reason: "made no sense"}

// TestGoldenConn runs the corpus: the log, and every law on every input.
func TestGoldenConn(t *testing.T) {
	sum := codectest.RunGolden(t, connDir, connAdapter)
	t.Logf("%d cases", sum.Cases)
}

// TestGoldenConnVerdicts holds each case to the second judgement, which was written by hand from the RFC.
func TestGoldenConnVerdicts(t *testing.T) {
	cases, err := codectest.LoadGolden(connDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m, err := parseConnMode(c.Mode)
		if err != nil {
			t.Fatal(err)
		}
		in := newConnInstance(m)
		got := "ok"
		for at := 0; ; {
			n, more, err := in.Next(c.Input[at:])
			at += n
			if err != nil {
				var e *Error
				errors.As(err, &e)
				got = e.Code.String()
				break
			}
			if !more {
				if got == "ok" && at < len(c.Input) {
					got = "more"
				}
				break
			}
			if in.ev.Kind == StreamError {
				got = fmt.Sprintf("%d:%s", in.ev.Stream, in.ev.Code.String())
			}
		}
		if c.Mode.Has("eof") && (got == "ok" || got == "more") {
			if _, err := in.Finish(); err != nil {
				got = "cut"
			}
		}
		if got != m.verdict {
			t.Errorf("%s:%d: %s: the verdict is %s, the RFC says %s", c.File, c.Line, c.Name, got, m.verdict)
		}
	}
}

func FuzzConn(f *testing.F) { codectest.FuzzSplit(f, connDir, connAdapter) }
