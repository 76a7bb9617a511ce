package fuzz

import (
	"errors"
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/h3"
	"github.com/purewire/purewire/codec/quic"
)

var h3Targets = []*Target{
	{Name: "H3Server", Codec: "h3", Corpus: "h3", Dict: "h3", role: "server", factory: h3Adapter,
		About: "the laws on a server's connection and its streams, in every mode of the corpus"},
	{Name: "H3Client", Codec: "h3", Corpus: "h3", Dict: "h3", role: "client", factory: h3Adapter,
		About: "the laws on a client's connection and its streams, in every mode of the corpus"},
	{Name: "H3Ops", Codec: "h3", Dict: "h3", max: 1 << 12, run: h3Ops, seeds: randomPrograms(33, 8, 200),
		About: "calls in any order: what is refused leaves no trace, and a peer can read all that is sent"},
	{Name: "H3Pair", Codec: "h3", Dict: "h3", max: 1 << 12, run: h3Pair, seeds: randomPrograms(31, 10, 300),
		About: "a conversation of two ends over streams that come in pieces and in any order, and may break"},
}

// h3Mode is the mode line of a golden case, see corpus/h3/README.md.
type h3Mode struct {
	role       h3.Role
	profile    *h3.Profile
	requests   []string
	answer     bool
	early      bool
	reset      bool
	goaway     bool
	shutdown   bool
	maxStreams int
	remembered *h3.Settings
	verdict    string
}

func parseH3Mode(m *codectest.Mode) (*h3Mode, error) {
	c := &h3Mode{answer: m.Has("answer"), early: m.Has("early"), reset: m.Has("reset"), goaway: m.Has("goaway"), shutdown: m.Has("shutdown"),
		requests: m.List("open"), maxStreams: m.Int("maxstreams"), verdict: m.Get("verdict")}
	switch {
	case m.Has("client"):
		c.role = h3.Client
	case !m.Has("server"):
		return nil, errors.New("neither server nor client")
	}
	if m.Has("resumed") {
		s := h3.DefaultSettings()
		s.QPACKMaxTableCapacity, s.QPACKBlockedStreams = uint64(m.Int("had-table")), uint64(m.Int("had-blocked"))
		if n := m.Int("had-section"); n > 0 {
			s.MaxFieldSectionSize = uint64(n)
		}
		s.EnableConnectProtocol, s.Datagram = m.Has("had-connect"), m.Has("had-datagrams")
		c.remembered = &s
	}
	c.profile = h3.Config{
		Limits: h3.Limits{Streams: m.Int("streams"), UniStreams: m.Int("unis"), FieldSection: m.Int("section"), Fields: m.Int("fields"), HeaderBlock: m.Int("block"),
			ControlFrame: m.Int("control"), Informational: m.Int("info"), Resets: m.Int("resets"), Fruitless: m.Int("fruitless"), Answers: m.Int("answers"),
			EarlyPriorities: m.Int("early-priorities")},
		Table: m.Int("table"), BlockedStreams: m.Int("blocked"),
		ExtendedConnect: m.Has("connect"), Datagrams: m.Has("datagrams"), NoGrease: true,
	}.Profile()
	return c, nil
}

// h3Chunk is the length of what stands in front of each chunk of the input: kind, stream, length.
const h3Chunk = 4

// h3Rest is what a transport keeps of a stream.
type h3Rest struct {
	buf     []byte
	at      int // of buf, consumed
	fin     bool
	opened  bool
	waiting bool
}

// h3Instance adapts a h3.Conn to codectest: a transport that gets its streams in chunks, and a simple application.
type h3Instance struct {
	c     h3.Conn
	ev    h3.Event
	mode  *h3Mode
	out   []byte // scratch
	fed   int    // octets of the chunk in progress that the h3.Conn has consumed
	kept  [128]h3Rest
	ready []uint64
	// of the last event
	kind h3.Kind
	id   uint64
	end  bool
}

func newH3Instance(mode *h3Mode) *h3Instance {
	in := &h3Instance{mode: mode, out: make([]byte, 0, 512)}
	in.Reset()
	return in
}

var (
	h3Answer = []codec.Field{{Name: []byte("server"), Value: []byte("test")}}
	h3Heads  = map[string]*h3.RequestHead{
		"GET":     {Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")},
		"HEAD":    {Method: []byte("HEAD"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")},
		"POST":    {Method: []byte("POST"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")},
		"CONNECT": {Method: []byte("CONNECT"), Authority: []byte("a.test:443")},
	}
)

func (in *h3Instance) Reset() {
	in.kind, in.fed, in.ready = h3.None, 0, in.ready[:0]
	for i := range in.kept {
		k := &in.kept[i]
		*k = h3Rest{buf: k.buf[:0]}
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
	if m.role == h3.Server {
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
		if in.out, err = in.c.AppendRequest(in.out[:0], uint64(4*i), h3Heads[name], nil, !open); err != nil {
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
func (in *h3Instance) react() {
	m := in.mode
	respond := func(status int) {
		in.out, _ = in.c.AppendResponse(in.out[:0], in.id, status, h3Answer, true)
	}
	switch in.kind {
	case h3.Request:
		switch {
		case m.reset:
			in.c.Reset(in.id, h3.RequestCancelled)
		case m.early:
			respond(200)
		}
	case h3.TooLarge:
		respond(431)
	}
	if in.end && m.answer && m.role == h3.Server {
		respond(204)
	}
	in.kind, in.end = h3.None, false
}

func (in *h3Instance) note() bool {
	if in.ev.Kind == h3.None {
		return false
	}
	in.kind, in.id, in.end = in.ev.Kind, in.ev.Stream, in.ev.EndStream
	if in.kind == h3.Unblocked {
		in.kept[in.id].waiting = false
		in.ready = append(in.ready, in.id)
	}
	return true
}

func (in *h3Instance) Next(src []byte) (n int, got bool, err error) {
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
func (in *h3Instance) turn(src []byte) (n int, more bool, err error) {
	in.ev.Kind = h3.None
	if err := in.c.Err(); err != nil {
		return 0, false, err
	}
	if in.c.Pending() {
		return 0, true, in.c.Poll(&in.ev)
	}
	if len(in.ready) > 0 {
		k := &in.kept[in.ready[0]]
		took, err := in.next(in.ready[0], k.buf[k.at:], k.fin)
		if k.at += took; err != nil || in.ev.Kind != h3.None {
			return 0, true, err
		}
		in.ready = append(in.ready[:0], in.ready[1:]...)
		return 0, true, nil
	}
	if len(src) < h3Chunk {
		return 0, false, nil
	}
	kind, id, size := src[0], uint64(src[1]&127), int(src[2])<<8|int(src[3])
	have := min(size, len(src)-h3Chunk)
	part := src[h3Chunk : h3Chunk+have]
	if kind == 'd' || kind == 'f' {
		return in.chunk(id, part, size, kind == 'f')
	}
	if have < size {
		return 0, false, nil
	}
	code, _ := quic.ParseVarint(part)
	switch kind {
	case 'r':
		if err = in.open(id); err == nil {
			err = in.c.ResetReceived(id, h3.ErrorCode(code), &in.ev)
		}
	case 's':
		err = in.c.StopReceived(id, h3.ErrorCode(code), &in.ev)
	case 'g':
		err = in.c.Datagram(part, &in.ev)
	case 't':
		in.c.Advance(codec.Time(code) * 1e9)
	}
	return h3Chunk + size, true, err
}

// open tells of a new stream of the peer.
func (in *h3Instance) open(id uint64) error {
	k := &in.kept[id]
	if k.opened || id&1 == uint64(in.mode.role)^1 {
		return nil
	}
	k.opened = true
	return in.c.Open(id)
}

// next calls the h3.Conn and holds it to the length of its tail.
func (in *h3Instance) next(id uint64, src []byte, fin bool) (int, error) {
	n, err := in.c.Next(id, src, fin, &in.ev)
	if err == nil && in.ev.Kind == h3.None {
		if in.kept[id].waiting = in.c.Waits(id) == h3.WaitTable; !in.kept[id].waiting && len(src)-n > in.mode.profile.MaxTail() {
			panic(fmt.Sprintf("stream %d: a tail of %d octets", id, len(src)-n))
		}
	}
	return n, err
}

// chunk takes what has come of a chunk of a stream.
func (in *h3Instance) chunk(id uint64, part []byte, size int, fin bool) (n int, more bool, err error) {
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
		if err != nil || in.ev.Kind != h3.None || !whole {
			return 0, in.ev.Kind != h3.None, err
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
			if err != nil || in.ev.Kind != h3.None || !whole {
				return 0, in.ev.Kind != h3.None, err
			}
			k.buf = append(k.buf, part[in.fed:]...)
		} else if err != nil || in.ev.Kind != h3.None || !whole {
			k.buf = k.buf[:old]
			return 0, in.ev.Kind != h3.None, err
		}
	}
	k.fin = k.fin || fin
	in.fed = 0
	return h3Chunk + size, true, nil
}

func (in *h3Instance) Event() any    { return &in.ev }
func (in *h3Instance) Steps() uint64 { return in.c.Steps() }

// AppendOwed shows what is owed: R, S or B, stream, code for an abort of our part, the peer's, or both; o, stream, and the octets for one
// of our streams.
func (in *h3Instance) AppendOwed(dst []byte, limit int) []byte {
	end := len(dst) + limit
	var a h3.Abort
	for len(dst) < end && in.c.NextAbort(&a) {
		what := byte('R')
		if a.Stop {
			if what = 'S'; a.Reset {
				what = 'B'
			}
		}
		dst = quic.AppendVarint(append(dst, what, byte(a.Stream)), uint64(a.Code))
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

func (in *h3Instance) Fault(err error) codectest.Fault {
	var e *h3.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	where := ""
	if e.Stream != h3.NoStream {
		where = fmt.Sprintf(" on %d", e.Stream)
	}
	return codectest.Fault{Reason: e.Code.String() + " " + e.Reason + where, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *h3Instance) Render(log *codectest.Log) { renderH3(log, &in.ev) }

func renderH3(log *codectest.Log, ev *h3.Event) {
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
	case h3.Request:
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
		if ev.Priority != h3.DefaultPriority() {
			log.Event("  urgency %d incremental %v", ev.Priority.Urgency, ev.Priority.Incremental)
		}
		list()
	case h3.TooLarge:
		log.Event("too large %d", ev.Stream)
	case h3.Response:
		log.Event("response %d %d length %d", ev.Stream, ev.Status, ev.ContentLength)
		list()
	case h3.Informational:
		log.Event("informational %d %d", ev.Stream, ev.Status)
		list()
	case h3.Data:
		if len(ev.Data) > 0 {
			log.Data(fmt.Sprintf("data %d", ev.Stream), ev.Data)
		}
	case h3.Trailers:
		log.Event("trailers %d", ev.Stream)
		list()
	case h3.StreamReset:
		retry := ""
		if ev.Retry {
			retry = " retry"
		}
		log.Event("reset %d %s%s", ev.Stream, ev.Code.String(), retry)
	case h3.SendStopped:
		log.Event("send stopped %d %s", ev.Stream, ev.Code.String())
	case h3.StreamError:
		log.Event("stream error %d %s %s", ev.Stream, ev.Code.String(), ev.Reason)
	case h3.Unblocked:
		log.Event("unblocked %d", ev.Stream)
	case h3.SettingsReceived:
		log.Event("settings")
	case h3.GoAwayReceived:
		log.Event("goaway %d", ev.LastStream)
	case h3.PriorityUpdate:
		log.Event("priority %d urgency %d incremental %v", ev.Stream, ev.Priority.Urgency, ev.Priority.Incremental)
	case h3.Datagram:
		log.Event("datagram %d %s", ev.Stream, q(ev.Data))
	default:
		log.Event("event of kind %d", ev.Kind)
	}
	if ev.EndStream {
		log.Event("end %d", ev.Stream)
	}
}

func h3Adapter(m *codectest.Mode) (codectest.Adapter, error) {
	mode, err := parseH3Mode(m)
	if err != nil {
		return codectest.Adapter{}, err
	}
	return codectest.Adapter{
		New:     func() codectest.Instance { return newH3Instance(mode) },
		MaxTail: h3Chunk + 1<<16, Work: 16, WorkBase: 64, Scratch: true,
	}, nil
}
