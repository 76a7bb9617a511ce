package h3

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/internal/varint"
)

const corpusDir = "../../corpus/h3"

// corpusMode is the mode line of a golden case, see corpus/h3/README.md.
type corpusMode struct {
	role       Role
	profile    *Profile
	requests   []string
	answer     bool
	early      bool
	reset      bool
	goaway     bool
	shutdown   bool
	maxStreams int
	remembered *Settings
	verdict    string
}

func parseMode(m *codectest.Mode) (*corpusMode, error) {
	c := &corpusMode{answer: m.Has("answer"), early: m.Has("early"), reset: m.Has("reset"), goaway: m.Has("goaway"), shutdown: m.Has("shutdown"),
		requests: m.List("open"), maxStreams: m.Int("maxstreams"), verdict: m.Get("verdict")}
	switch {
	case m.Has("client"):
		c.role = Client
	case !m.Has("server"):
		return nil, errors.New("neither server nor client")
	}
	if m.Has("resumed") {
		s := DefaultSettings()
		s.QPACKMaxTableCapacity, s.QPACKBlockedStreams = uint64(m.Int("had-table")), uint64(m.Int("had-blocked"))
		if n := m.Int("had-section"); n > 0 {
			s.MaxFieldSectionSize = uint64(n)
		}
		s.EnableConnectProtocol, s.Datagram = m.Has("had-connect"), m.Has("had-datagrams")
		c.remembered = &s
	}
	c.profile = Config{
		Limits: Limits{Streams: m.Int("streams"), UniStreams: m.Int("unis"), FieldSection: m.Int("section"), Fields: m.Int("fields"), HeaderBlock: m.Int("block"),
			ControlFrame: m.Int("control"), Informational: m.Int("info"), Resets: m.Int("resets"), Fruitless: m.Int("fruitless"), Answers: m.Int("answers"),
			EarlyPriorities: m.Int("early-priorities")},
		Table: m.Int("table"), BlockedStreams: m.Int("blocked"),
		ExtendedConnect: m.Has("connect"), Datagrams: m.Has("datagrams"), NoGrease: true,
	}.Profile()
	return c, nil
}

// chunkHeader is the length of what stands in front of each chunk of the input: kind, stream, length.
const chunkHeader = 4

// rest is what a transport keeps of a stream.
type rest struct {
	buf     []byte
	at      int // of buf, consumed
	fin     bool
	opened  bool
	waiting bool
}

// corpusInstance adapts a Conn to codectest: a transport that gets its streams in chunks, and a simple application.
type corpusInstance struct {
	c     Conn
	ev    Event
	mode  *corpusMode
	out   []byte // scratch
	fed   int    // octets of the chunk in progress that the Conn has consumed
	kept  [128]rest
	ready []uint64
	// of the last event
	kind Kind
	id   uint64
	end  bool
}

func newCorpusInstance(mode *corpusMode) *corpusInstance {
	in := &corpusInstance{mode: mode, out: make([]byte, 0, 512)}
	in.Reset()
	return in
}

var (
	testAnswer = []codec.Field{{Name: []byte("server"), Value: []byte("test")}}
	testHeads  = map[string]*RequestHead{
		"GET":     {Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")},
		"HEAD":    {Method: []byte("HEAD"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")},
		"POST":    {Method: []byte("POST"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")},
		"CONNECT": {Method: []byte("CONNECT"), Authority: []byte("a.test:443")},
	}
)

func (in *corpusInstance) Reset() {
	in.kind, in.fed, in.ready = None, 0, in.ready[:0]
	for i := range in.kept {
		k := &in.kept[i]
		*k = rest{buf: k.buf[:0]}
	}
	m := in.mode
	if m.remembered != nil {
		in.c.InitResumed(m.profile, m.remembered)
	} else {
		in.c.Init(m.role, m.profile)
	}
	in.c.SetMaxStreams(uint64(m.maxStreams))
	in.c.Advance(1)
	first := uint64(2)
	if m.role == Server {
		first = 3
	}
	for i := range uint64(3) {
		if err := in.c.OpenUni(first + 4*i); err != nil {
			panic(err)
		}
	}
	in.out = in.AppendOwed(in.out[:0], 1<<16)
	for i, r := range m.requests {
		name, open := strings.CutSuffix(r, "+")
		var err error
		if in.out, err = in.c.AppendRequest(in.out[:0], uint64(4*i), testHeads[name], nil, !open); err != nil {
			panic(err)
		}
	}
	if m.goaway {
		in.c.GoAway()
	}
	if m.shutdown {
		in.c.Shutdown()
	}
	in.out = in.AppendOwed(in.out[:0], 1<<16)
}

// react does what the application does about the last event.
func (in *corpusInstance) react() {
	m := in.mode
	respond := func(status int) {
		in.out, _ = in.c.AppendResponse(in.out[:0], in.id, status, testAnswer, true)
	}
	switch in.kind {
	case Request:
		switch {
		case m.reset:
			in.c.Reset(in.id, RequestCancelled)
		case m.early:
			respond(200)
		}
	case TooLarge:
		respond(431)
	}
	if in.end && m.answer && m.role == Server {
		respond(204)
	}
	in.kind, in.end = None, false
}

func (in *corpusInstance) note() bool {
	if in.ev.Kind == None {
		return false
	}
	in.kind, in.id, in.end = in.ev.Kind, in.ev.Stream, in.ev.EndStream
	if in.kind == Unblocked {
		in.kept[in.id].waiting = false
		in.ready = append(in.ready, in.id)
	}
	return true
}

func (in *corpusInstance) Next(src []byte) (n int, got bool, err error) {
	in.react()
	for {
		took, more, err := in.turn(src[n:])
		if n += took; err != nil {
			return n, false, err
		}
		if in.note() {
			return n, true, nil
		}
		if !more {
			return n, false, nil
		}
	}
}

// turn does one thing: an event that is due, a stream that is unblocked, a piece of a chunk.
func (in *corpusInstance) turn(src []byte) (n int, more bool, err error) {
	in.ev.Kind = None
	if err := in.c.Err(); err != nil {
		return 0, false, err
	}
	if in.c.Pending() {
		return 0, true, in.c.Poll(&in.ev)
	}
	if len(in.ready) > 0 {
		k := &in.kept[in.ready[0]]
		took, err := in.next(in.ready[0], k.buf[k.at:], k.fin)
		if k.at += took; err != nil || in.ev.Kind != None {
			return 0, true, err
		}
		in.ready = append(in.ready[:0], in.ready[1:]...)
		return 0, true, nil
	}
	if len(src) < chunkHeader {
		return 0, false, nil
	}
	kind, id, size := src[0], uint64(src[1]&127), int(src[2])<<8|int(src[3])
	have := min(size, len(src)-chunkHeader)
	part := src[chunkHeader : chunkHeader+have]
	if kind == 'd' || kind == 'f' {
		return in.chunk(id, part, size, kind == 'f')
	}
	if have < size {
		return 0, false, nil
	}
	code, _ := varint.Parse(part)
	switch kind {
	case 'r':
		if err = in.open(id); err == nil {
			err = in.c.ResetReceived(id, ErrorCode(code), &in.ev)
		}
	case 's':
		err = in.c.StopReceived(id, ErrorCode(code), &in.ev)
	case 'g':
		err = in.c.Datagram(part, &in.ev)
	case 't':
		in.c.Advance(codec.Time(code) * 1e9)
	}
	return chunkHeader + size, true, err
}

// open tells of a new stream of the peer.
func (in *corpusInstance) open(id uint64) error {
	k := &in.kept[id]
	if k.opened || id&1 == uint64(in.mode.role)^1 {
		return nil
	}
	k.opened = true
	return in.c.Open(id)
}

// next calls the Conn and holds it to the length of its tail.
func (in *corpusInstance) next(id uint64, src []byte, fin bool) (int, error) {
	n, err := in.c.Next(id, src, fin, &in.ev)
	if err == nil && in.ev.Kind == None {
		if in.kept[id].waiting = in.c.Waits(id) == WaitTable; !in.kept[id].waiting && len(src)-n > in.mode.profile.MaxTail() {
			panic(fmt.Sprintf("stream %d: a tail of %d octets", id, len(src)-n))
		}
	}
	return n, err
}

// chunk takes what has come of a chunk of a stream.
func (in *corpusInstance) chunk(id uint64, part []byte, size int, fin bool) (n int, more bool, err error) {
	if err := in.open(id); err != nil {
		return 0, false, err
	}
	whole := len(part) == size
	k := &in.kept[id]
	fresh := part[in.fed:]
	switch {
	case (k.fin || k.waiting) && !whole:
		return 0, false, nil
	case k.fin: // a transport refuses octets behind the end
	case k.waiting:
		k.buf = append(k.buf, fresh...)
	case k.at == len(k.buf):
		took, err := in.next(id, fresh, fin && whole)
		in.fed += took
		if err != nil || in.ev.Kind != None || !whole {
			return 0, in.ev.Kind != None, err
		}
		k.buf = append(k.buf[:0], fresh[took:]...)
		k.at = 0
	default:
		old := len(k.buf)
		k.buf = append(k.buf, fresh...)
		took, err := in.next(id, k.buf[k.at:], fin && whole)
		k.at += took
		if k.at >= old {
			in.fed += k.at - old
			k.buf, k.at = k.buf[:0], 0
			if err != nil || in.ev.Kind != None || !whole {
				return 0, in.ev.Kind != None, err
			}
			k.buf = append(k.buf, part[in.fed:]...)
		} else if err != nil || in.ev.Kind != None || !whole {
			k.buf = k.buf[:old]
			return 0, in.ev.Kind != None, err
		}
	}
	k.fin = k.fin || fin
	in.fed = 0
	return chunkHeader + size, true, nil
}

func (in *corpusInstance) Event() any    { return &in.ev }
func (in *corpusInstance) Steps() uint64 { return in.c.Steps() }

// AppendOwed shows what is owed: R, S or B, stream, code for an abort of our part, the peer's, or both; o, stream, and the octets for one
// of our streams.
func (in *corpusInstance) AppendOwed(dst []byte, limit int) []byte {
	end := len(dst) + limit
	var a Abort
	for len(dst) < end && in.c.NextAbort(&a) {
		what := byte('R')
		if a.Stop {
			if what = 'S'; a.Reset {
				what = 'B'
			}
		}
		dst = varint.Append(append(dst, what, byte(a.Stream)), uint64(a.Code))
	}
	for len(dst) < end {
		id, owes := in.c.NextOwed()
		if !owes {
			break
		}
		dst = in.c.AppendOwed(append(dst, 'o', byte(id)), id, end-len(dst))
	}
	return dst
}

func (in *corpusInstance) Fault(err error) codectest.Fault {
	var e *Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	where := ""
	if e.Stream != NoStream {
		where = fmt.Sprintf(" on %d", e.Stream)
	}
	return codectest.Fault{Reason: e.Code.String() + " " + e.Reason + where, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *corpusInstance) Render(log *codectest.Log) { renderEvent(log, &in.ev) }

func renderEvent(log *codectest.Log, ev *Event) {
	q := codectest.Quote
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
		log.Event("request %d %s", ev.Stream, codectest.Escape(ev.Method))
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
		log.Event("too large %d", ev.Stream)
	case Response:
		log.Event("response %d %d length %d", ev.Stream, ev.Status, ev.ContentLength)
		list()
	case Informational:
		log.Event("informational %d %d", ev.Stream, ev.Status)
		list()
	case Data:
		if len(ev.Data) > 0 {
			log.Data(fmt.Sprintf("data %d", ev.Stream), ev.Data)
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
	case SendStopped:
		log.Event("send stopped %d %s", ev.Stream, ev.Code.String())
	case StreamError:
		log.Event("stream error %d %s %s", ev.Stream, ev.Code.String(), ev.Reason)
	case Unblocked:
		log.Event("unblocked %d", ev.Stream)
	case SettingsReceived:
		log.Event("settings")
	case GoAwayReceived:
		log.Event("goaway %d", ev.LastStream)
	case PriorityUpdate:
		log.Event("priority %d urgency %d incremental %v", ev.Stream, ev.Priority.Urgency, ev.Priority.Incremental)
	case Datagram:
		log.Event("datagram %d %s", ev.Stream, q(ev.Data))
	default:
		log.Event("event of kind %d", ev.Kind)
	}
	if ev.EndStream {
		log.Event("end %d", ev.Stream)
	}
}

// errNoSense makes the kit check that a call changed nothing.
var errNoSense = &Error{Scope: codec.ScopeMisuse, Reason: "made no sense"}

func adapter(m *codectest.Mode) (codectest.Adapter, error) {
	mode, err := parseMode(m)
	if err != nil {
		return codectest.Adapter{}, err
	}
	call := func(name string, do func(c *Conn) error) codectest.Call {
		return codectest.Call{Name: name, Do: func(i codectest.Instance) error { return do(&i.(*corpusInstance).c) }}
	}
	drop := func(_ []byte, err error) error { return err }
	return codectest.Adapter{
		New:     func() codectest.Instance { return newCorpusInstance(mode) },
		MaxTail: chunkHeader + 1<<16,
		Work:    16, WorkBase: 64,
		Scratch: true,
		Calls: []codectest.Call{
			call("AppendResponse(0)", func(c *Conn) error { return drop(c.AppendResponse(nil, 0, 200, nil, false)) }),
			call("AppendTrailers(0)", func(c *Conn) error { return drop(c.AppendTrailers(nil, 0, nil)) }),
			call("AppendData(0)", func(c *Conn) error { return drop(c.AppendData(nil, 0, []byte("x"), true)) }),
			call("AppendRequest(200)", func(c *Conn) error { return drop(c.AppendRequest(nil, 200, testHeads["GET"], nil, true)) }),
			call("AppendDatagram(0)", func(c *Conn) error { return drop(c.AppendDatagram(nil, 0)) }),
			call("Reset(0)", func(c *Conn) error { return c.Reset(0, RequestCancelled) }),
			call("StopReading(0)", func(c *Conn) error { return c.StopReading(0, NoError) }),
			call("Ready(0)", func(c *Conn) error { return c.Ready(0, true) }),
			call("SetUser(0)", func(c *Conn) error { return c.SetUser(0, 7) }),
			call("SetPriority(0)", func(c *Conn) error { return c.SetPriority(0, Priority{Urgency: 1}) }),
			call("OpenUni(2)", func(c *Conn) error { return c.OpenUni(2) }),
			call("Trim", func(c *Conn) error { c.Trim(); return errNoSense }),
			call("Advance", func(c *Conn) error { c.Advance(2); return errNoSense }),
			call("Queries", func(c *Conn) error {
				c.Blocked(0)
				c.Waits(0)
				c.CanOpen()
				c.OpenBlocked()
				c.User(0)
				c.Sending(0)
				c.Done()
				c.Idle()
				c.Streams()
				c.NextOwed()
				c.NextWritable()
				c.Pending()
				c.Deadline()
				c.Err()
				c.PeerSettings()
				c.DatagramsEnabled()
				c.WantsUni()
				c.Role()
				return errNoSense
			}),
		},
	}, nil
}

// TestGolden runs the corpus: the log, and every law on every input.
func TestGolden(t *testing.T) {
	sum := codectest.RunGolden(t, corpusDir, adapter)
	t.Logf("%d cases", sum.Cases)
	for _, row := range []string{"H3-01", "H3-02", "H3-03", "H3-05", "H3-06", "H3-07"} {
		if sum.Sources[row] == 0 {
			t.Errorf("no case for threat row %s", row)
		}
	}
}

// TestGoldenVerdicts holds each case to the second judgement, which was written by hand from the RFC.
func TestGoldenVerdicts(t *testing.T) {
	cases, err := codectest.LoadGolden(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m, err := parseMode(c.Mode)
		if err != nil {
			t.Fatal(err)
		}
		in := newCorpusInstance(m)
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
				break
			}
			if in.ev.Kind == StreamError {
				got = fmt.Sprintf("%d:%s", in.ev.Stream, in.ev.Code.String())
			}
		}
		if got != m.verdict {
			t.Errorf("%s:%d: %s: the verdict is %s, the RFC says %s", c.File, c.Line, c.Name, got, m.verdict)
		}
	}
}

func FuzzConn(f *testing.F) { codectest.FuzzSplit(f, corpusDir, adapter) }
