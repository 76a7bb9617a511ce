package h3

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const vectorsDir = corpusDir + "/vectors"

// What a connection sends and refuses to send, capsules, and the functions that need no connection, as scripts: corpus/h3/vectors.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, vectorsDir, func() map[string]codectest.VectorOp {
		v := &vectorConn{}
		ops := map[string]codectest.VectorOp{}
		v.setup(ops)
		v.peer(ops)
		v.sending(ops)
		v.asking(ops)
		capsuleVectors(ops)
		frameVectors(ops)
		nameVectors(ops)
		return ops
	})
	// What no golden case reaches, since no input of a peer does: the bugs of the caller, and capsules.
	for f := ok + 1; f < numConnFaults; f++ {
		if (f.Scope() == misuse || reachedElsewhere[f] != "") && !sum.Has(f.Reason()) {
			t.Errorf("no vector reaches %q", f.Reason())
		}
	}
}

// vectorConn is a Conn and what its transport keeps of each stream.
type vectorConn struct {
	c    Conn
	ev   Event
	kept map[uint64][]byte
}

// failure is an error as the files have it.
func failure(err error) string {
	var e *Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return "an unknown error " + err.Error()
	case e.Scope == codec.ScopeMisuse:
		return "misuse " + strings.TrimPrefix(e.Error(), "h3: ")
	case errors.Unwrap(e) != error(e.Code):
		return "the code does not unwrap"
	case e.Stream == NoStream:
		return fmt.Sprintf("%v %s", e.Code, e.Reason)
	}
	return fmt.Sprintf("%v %s on %d at %d", e.Code, e.Reason, e.Stream, e.Off)
}

// vectorConfig is the part of a Config that the files set; -1 is none.
func vectorConfig(a *codectest.Args) *Profile {
	n := func(name string) int { return int(a.NamedInt(name)) }
	table := -1
	if a.Has("encoder") {
		table = n("encoder")
	}
	return Config{
		Limits: Limits{Streams: n("streams"), Requests: n("requests"), FieldSection: n("section"), Resets: n("resets"), Fruitless: n("fruitless"),
			Answers: n("answers"), Instructions: n("instructions"), BlockTimeout: seconds(a, "wait")},
		NoHuffman: true, NoGrease: !a.Has("seed"), Seed: a.NamedUint("seed"), Table: n("table"), BlockedStreams: n("blocked"), EncoderTable: table,
		ExtendedConnect: a.Flag("connect"), Datagrams: a.Flag("datagrams"),
	}.Profile()
}

func (v *vectorConn) setup(ops map[string]codectest.VectorOp) {
	ops["conn"] = func(a *codectest.Args) string {
		role := Server
		if a.Flag("client") {
			role = Client
		}
		v.kept = map[uint64][]byte{}
		v.c.Init(role, vectorConfig(a))
		v.c.Advance(codec.Time(1e9))
		return ""
	}
	ops["default-conn"] = func(*codectest.Args) string { v.c.Init(Server, nil); return "" }
	ops["resumed"] = func(a *codectest.Args) string {
		v.kept = map[uint64][]byte{}
		s := vectorSettings(a)
		v.c.InitResumed(vectorConfig(a), &s)
		return ""
	}
	ops["open-uni"] = func(a *codectest.Args) string { return failure(v.c.OpenUni(a.Uint())) }
	// Our three streams, and what begins them.
	ops["begin"] = func(*codectest.Args) string {
		first := uint64(2) | uint64(v.c.Role()) ^ 1
		for i := range uint64(3) {
			if err := v.c.OpenUni(first + 4*i); err != nil {
				return failure(err)
			}
		}
		return v.owed(1 << 16)
	}
	ops["owed"] = func(a *codectest.Args) string {
		if a.More() {
			return v.owed(int(a.Int()))
		}
		return v.owed(1 << 16)
	}
	// Octets for one stream, whether it owes any or not.
	ops["owed-on"] = func(a *codectest.Args) string {
		return codectest.Quote(v.c.AppendOwed(nil, a.Uint(), int(a.Int())))
	}
	ops["advance"] = func(a *codectest.Args) string { v.c.Advance(codec.Time(a.Int() * 1e6)); return v.poll() }
	ops["deadline"] = func(*codectest.Args) string {
		if d := v.c.Deadline(); d != codec.Never {
			return fmt.Sprint(int64(d) / 1e6)
		}
		return "never"
	}
	ops["max-streams"] = func(a *codectest.Args) string { v.c.SetMaxStreams(a.Uint()); return "" }
	ops["trim"] = func(a *codectest.Args) string { v.c.Trim(); v.ev.Trim(int(a.Int())); return "" }
}

// owed is what is owed on each stream, with at most so many octets asked for at once.
func (v *vectorConn) owed(limit int) string {
	var lines []string
	var a Abort
	for v.c.NextAbort(&a) {
		lines = append(lines, fmt.Sprintf("abort %d %v reset %v stop %v", a.Stream, a.Code, a.Reset, a.Stop))
	}
	for {
		id, owes := v.c.NextOwed()
		if !owes {
			return strings.Join(lines, "\n")
		}
		lines = append(lines, fmt.Sprintf("stream %d %s", id, codectest.Quote(v.c.AppendOwed(nil, id, limit))))
	}
}

// feed gives octets of a stream of the peer to the connection and logs the events. What is not consumed is kept.
func (v *vectorConn) feed(id uint64, src []byte, fin bool) string {
	var log codectest.Log
	src = append(v.kept[id], src...)
	for {
		n, err := v.c.Next(id, src, fin, &v.ev)
		src = src[n:]
		if err != nil {
			log.Event("%s", failure(err))
			break
		}
		if v.ev.Kind == None {
			break
		}
		renderEvent(&log, &v.ev)
	}
	v.kept[id] = append([]byte{}, src...)
	return strings.Join(log.Lines(), "\n")
}

// poll logs the events that need no input.
func (v *vectorConn) poll() string {
	var log codectest.Log
	for v.c.Pending() {
		v.note(&log, v.c.Poll(&v.ev))
	}
	return strings.Join(log.Lines(), "\n")
}

func (v *vectorConn) note(log *codectest.Log, err error) {
	if err != nil {
		log.Event("%s", failure(err))
	} else if v.ev.Kind != None {
		renderEvent(log, &v.ev)
	}
}

// told logs the event of a call that has one.
func (v *vectorConn) told(err error) string {
	var log codectest.Log
	v.note(&log, err)
	return strings.Join(log.Lines(), "\n")
}

// peer has what the other end does.
func (v *vectorConn) peer(ops map[string]codectest.VectorOp) {
	ops["open"] = func(a *codectest.Args) string { return failure(v.c.Open(a.Uint())) }
	ops["peer-octets"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		return v.feed(a.Uint(), a.Bytes(), end)
	}
	// The control stream of the peer with its SETTINGS.
	ops["peer-settings"] = func(a *codectest.Args) string {
		id := uint64(2) | uint64(v.c.Role())
		if err := v.c.Open(id); err != nil {
			return failure(err)
		}
		s := vectorSettings(a)
		return v.feed(id, s.Append(AppendStreamType(nil, StreamControl)), false)
	}
	ops["peer-head"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		var pairs []string
		switch {
		case a.Flag("get"):
			pairs = []string{":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", "/"}
		case a.Flag("head"):
			pairs = []string{":method", "HEAD", ":scheme", "https", ":authority", "a.test", ":path", "/"}
		}
		for _, f := range vectorFields(a) {
			pairs = append(pairs, string(f.Name), string(f.Value))
		}
		id := a.Uint()
		if id&1 == uint64(v.c.Role())^1 || v.c.Waits(id) != WaitNothing {
			return v.feed(id, section(nil, pairs...), end)
		}
		if err := v.c.Open(id); err != nil {
			return failure(err)
		}
		return v.feed(id, section(nil, pairs...), end)
	}
	ops["peer-reset"] = func(a *codectest.Args) string {
		return v.told(v.c.ResetReceived(a.Uint(), ErrorCode(a.Uint()), &v.ev))
	}
	ops["peer-stop"] = func(a *codectest.Args) string {
		return v.told(v.c.StopReceived(a.Uint(), ErrorCode(a.Uint()), &v.ev))
	}
	ops["peer-datagram"] = func(a *codectest.Args) string { return v.told(v.c.Datagram(a.Bytes(), &v.ev)) }
	ops["poll"] = func(*codectest.Args) string { return v.told(v.c.Poll(&v.ev)) }
}

func vectorFields(a *codectest.Args) (list []codec.Field) {
	for a.Has("f") {
		name, value, _ := strings.Cut(string(a.NamedBytes("f")), ": ")
		list = append(list, f(name, value))
	}
	return list
}

// vectorSettings are the default settings with what the arguments say.
func vectorSettings(a *codectest.Args) Settings {
	s := DefaultSettings()
	if a.Has("max-section") {
		s.MaxFieldSectionSize = a.NamedUint("max-section")
	}
	s.QPACKMaxTableCapacity, s.QPACKBlockedStreams = a.NamedUint("max-table"), a.NamedUint("max-blocked")
	s.EnableConnectProtocol, s.Datagram = a.Flag("extended"), a.Flag("h3-datagram")
	return s
}

// law calls an append with the law of append: what is in front stays, a refusal appends nothing.
func law(call func(dst []byte) ([]byte, error)) string {
	out, err := call(append(make([]byte, 0, 64), "front"...))
	rest, kept := strings.CutPrefix(string(out), "front")
	switch {
	case !kept || err != nil && rest != "":
		return "the law of append is broken"
	case err != nil:
		return failure(err)
	}
	return frames([]byte(rest))
}

// frames tells what the octets of a request stream are: a line for each frame.
func frames(b []byte) string {
	if len(b) == 0 {
		return "nothing"
	}
	var lines []string
	for len(b) > 0 {
		var h FrameHeader
		n := ParseFrameHeader(b, &h)
		if n == 0 {
			return "half a frame"
		}
		b = b[n:]
		n = int(min(h.Length, uint64(len(b))))
		lines = append(lines, fmt.Sprintf("%s length %d %s", h.Type, h.Length, codectest.Quote(b[:n])))
		b = b[n:]
	}
	return strings.Join(lines, "\n")
}

func (v *vectorConn) sending(ops map[string]codectest.VectorOp) {
	ops["request"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		h := RequestHead{Protocol: a.NamedBytes("protocol"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")}
		if a.Flag("bare") {
			h.Scheme, h.Path, h.Authority = nil, nil, []byte("a.test:443")
		}
		list, id := vectorFields(a), a.Uint()
		h.Method = a.Bytes()
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendRequest(dst, id, &h, list, end) })
	}
	ops["response"] = func(a *codectest.Args) string {
		end, list := a.Flag("end"), vectorFields(a)
		id, status := a.Uint(), int(a.Int())
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendResponse(dst, id, status, list, end) })
	}
	ops["informational"] = func(a *codectest.Args) string {
		list := vectorFields(a)
		id, status := a.Uint(), int(a.Int())
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendInformational(dst, id, status, list) })
	}
	ops["trailers"] = func(a *codectest.Args) string {
		list, id := vectorFields(a), a.Uint()
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendTrailers(dst, id, list) })
	}
	ops["data"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		id, p := a.Uint(), a.Bytes()
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendData(dst, id, p, end) })
	}
	ops["data-header"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		id, size := a.Uint(), int(a.Int())
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendDataHeader(dst, id, size, end) })
	}
	ops["datagram"] = func(a *codectest.Args) string {
		out, err := v.c.AppendDatagram(nil, a.Uint())
		if err != nil {
			return failure(err)
		}
		return codectest.Quote(out)
	}
	ops["allow-datagrams"] = func(a *codectest.Args) string { return failure(v.c.AllowDatagrams(a.Uint())) }
	ops["reset"] = func(a *codectest.Args) string { return failure(v.c.Reset(a.Uint(), RequestCancelled)) }
	ops["stop-reading"] = func(a *codectest.Args) string { return failure(v.c.StopReading(a.Uint(), NoError)) }
	ops["ready"] = func(a *codectest.Args) string { off := a.Flag("off"); return failure(v.c.Ready(a.Uint(), !off)) }
	ops["served"] = func(a *codectest.Args) string { return failure(v.c.Served(a.Uint())) }
	ops["set-user"] = func(a *codectest.Args) string { return failure(v.c.SetUser(a.Uint(), uint32(a.Uint()))) }
	ops["set-priority"] = func(a *codectest.Args) string {
		p := Priority{Urgency: uint8(a.NamedInt("u")), Incremental: a.Flag("i")}
		return failure(v.c.SetPriority(a.Uint(), p))
	}
	ops["shutdown"] = func(*codectest.Args) string { v.c.Shutdown(); return "" }
	ops["goaway"] = func(*codectest.Args) string { v.c.GoAway(); return "" }
}

// asking has what a Conn can be asked.
func (v *vectorConn) asking(ops map[string]codectest.VectorOp) {
	ops["next-writable"] = func(*codectest.Args) string {
		id, user, ready := v.c.NextWritable()
		if !ready {
			return "none"
		}
		return fmt.Sprintf("stream %d, user %d", id, user)
	}
	ops["stream"] = func(a *codectest.Args) string {
		id := a.Uint()
		user, known := v.c.User(id)
		return fmt.Sprintf("%v %v, sending %d, user %d %v", v.c.Blocked(id), v.c.Waits(id), v.c.Sending(id), user, known)
	}
	ops["state"] = func(*codectest.Args) string {
		return fmt.Sprintf("done %v, idle %v, streams %d, can open %d %v, wants %d streams, datagrams %v, error %v",
			v.c.Done(), v.c.Idle(), v.c.Streams(), v.c.CanOpen(), v.c.OpenBlocked(), v.c.WantsUni(), v.c.DatagramsEnabled(), v.c.Err() != nil)
	}
	ops["peer-is"] = func(*codectest.Args) string {
		s, told := v.c.PeerSettings()
		return fmt.Sprintf("told %v, %s", told, codectest.Quote(s.AppendPayload(nil)))
	}
}
