package h3

import (
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

// chunked makes a chunk of the corpus' input out of what do appends.
func chunked(kind byte, id uint64, do func(dst []byte) ([]byte, error)) func(dst []byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) {
		at := len(dst)
		out, err := do(append(dst, kind, byte(id), 0, 0))
		if err != nil {
			return out[:at], err
		}
		n := len(out) - at - chunkHeader
		out[at+2], out[at+3] = byte(n>>8), byte(n)
		return out, nil
	}
}

// used are the Conns of the scripts, with memory of former connections: one that has just been made allocates its tables.
var used [2]Conn

var quiet = Config{NoGrease: true}.Profile()

// started is a Conn whose own streams are open.
func started(c *Conn, role Role) *Conn {
	c.Init(role, quiet)
	for i := range uint64(3) {
		if err := c.OpenUni(2 + uint64(1-role) + 4*i); err != nil {
			panic(err)
		}
	}
	return c
}

// owed is the chunk of what a Conn owes on a stream.
func owed(c *Conn, id uint64) func(dst []byte) ([]byte, error) {
	return chunked('d', id, func(dst []byte) ([]byte, error) { return c.AppendOwed(dst, id, 1<<12), nil })
}

// clientScript is the calls of a client, some of which make no sense, and what its server must see.
func clientScript() []codectest.AppendCall {
	c := started(&used[Client], Client)
	saw := func(ev Event) func(*codectest.Log) {
		return func(log *codectest.Log) { renderEvent(log, &ev) }
	}
	fails := func(do func(dst []byte) ([]byte, error)) codectest.AppendCall {
		return codectest.AppendCall{Name: "fails", Do: do}
	}
	upper, five, trailer := []codec.Field{f("Upper", "x")}, []codec.Field{f("content-length", "5")}, []codec.Field{f("a", "b")}
	list := []codec.Field{f("accept", "*/*"), {Name: []byte("authorization"), Value: []byte("secret"), Sensitive: true}}
	post := &RequestHead{Method: []byte("POST"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/x?y")}
	head := func(r *RequestHead, id uint64, list []codec.Field, length int64, end bool) Event {
		return Event{Kind: Request, Stream: id, Method: r.Method, Scheme: r.Scheme, Authority: r.Authority, Path: r.Path, ContentLength: length, Priority: DefaultPriority(),
			Fields: list, EndStream: end}
	}
	return []codectest.AppendCall{
		{Name: "control stream", Do: owed(c, 2), Want: saw(Event{Kind: SettingsReceived})},
		fails(func(dst []byte) ([]byte, error) { return c.AppendData(dst, 0, []byte("x"), true) }),
		{Name: "GET", Do: chunked('f', 0, func(dst []byte) ([]byte, error) { return c.AppendRequest(dst, 0, testHeads["GET"], list, true) }),
			Want: saw(head(testHeads["GET"], 0, list, -1, true))},
		fails(func(dst []byte) ([]byte, error) { return c.AppendTrailers(dst, 0, nil) }),
		fails(func(dst []byte) ([]byte, error) { return c.AppendRequest(dst, 4, post, upper, true) }),
		fails(func(dst []byte) ([]byte, error) { return c.AppendRequest(dst, 4, post, five, true) }),
		{Name: "POST", Do: chunked('d', 4, func(dst []byte) ([]byte, error) { return c.AppendRequest(dst, 4, post, five, false) }),
			Want: saw(head(post, 4, five, 5, false))},
		{Name: "data", Do: chunked('d', 4, func(dst []byte) ([]byte, error) { return c.AppendData(dst, 4, []byte("hello"), false) }),
			Want: saw(Event{Kind: Data, Stream: 4, Data: []byte("hello")})},
		fails(func(dst []byte) ([]byte, error) { return c.AppendData(dst, 4, []byte("x"), false) }),
		fails(func(dst []byte) ([]byte, error) { return c.AppendDataHeader(dst, 4, -1, false) }),
		fails(func(dst []byte) ([]byte, error) { return c.AppendDatagram(dst, 4) }),
		{Name: "trailers", Do: chunked('f', 4, func(dst []byte) ([]byte, error) { return c.AppendTrailers(dst, 4, trailer) }),
			Want: saw(Event{Kind: Trailers, Stream: 4, Fields: trailer, EndStream: true})},
		{Name: "another POST", Do: chunked('d', 8, func(dst []byte) ([]byte, error) { return c.AppendRequest(dst, 8, post, nil, false) }), Want: saw(head(post, 8, nil, -1, false))},
		{Name: "end", Do: chunked('f', 8, func(dst []byte) ([]byte, error) { return c.AppendData(dst, 8, nil, true) }), Want: saw(Event{Kind: Data, Stream: 8, EndStream: true})},
	}
}

// serverScript is the same of a server that answers the requests of a client on streams 0 and 4.
func serverScript() []codectest.AppendCall {
	c := started(&used[Server], Server)
	var ev Event
	for _, id := range []uint64{0, 4} {
		if c.Open(id) != nil {
			panic("Open")
		}
		if _, err := c.Next(id, getSection(nil), true, &ev); err != nil || ev.Kind != Request {
			panic(err)
		}
	}
	saw := func(ev Event) func(*codectest.Log) {
		return func(log *codectest.Log) { renderEvent(log, &ev) }
	}
	length := []codec.Field{f("content-length", "3")}
	return []codectest.AppendCall{
		{Name: "control stream", Do: owed(c, 3), Want: saw(Event{Kind: SettingsReceived})},
		{Name: "fails", Do: func(dst []byte) ([]byte, error) { return c.AppendResponse(dst, 0, 99, nil, true) }},
		{Name: "fails", Do: func(dst []byte) ([]byte, error) { return c.AppendInformational(dst, 0, 101, nil) }},
		{Name: "103", Do: chunked('d', 0, func(dst []byte) ([]byte, error) { return c.AppendInformational(dst, 0, 103, testAnswer) }),
			Want: saw(Event{Kind: Informational, Stream: 0, Status: 103, Fields: testAnswer})},
		{Name: "200", Do: chunked('d', 0, func(dst []byte) ([]byte, error) { return c.AppendResponse(dst, 0, 200, length, false) }),
			Want: saw(Event{Kind: Response, Stream: 0, Status: 200, Fields: length, ContentLength: 3})},
		{Name: "fails", Do: func(dst []byte) ([]byte, error) { return c.AppendData(dst, 0, []byte("xxxx"), true) }},
		{Name: "data", Do: chunked('f', 0, func(dst []byte) ([]byte, error) { return c.AppendData(dst, 0, []byte("abc"), true) }),
			Want: saw(Event{Kind: Data, Stream: 0, Data: []byte("abc"), EndStream: true})},
		{Name: "404", Do: chunked('f', 4, func(dst []byte) ([]byte, error) { return c.AppendResponse(dst, 4, 404, nil, true) }),
			Want: saw(Event{Kind: Response, Stream: 4, Status: 404, ContentLength: -1, EndStream: true})},
		{Name: "GOAWAY", Do: chunked('d', 3, func(dst []byte) ([]byte, error) { c.GoAway(); return c.AppendOwed(dst, 3, 1<<12), nil }), Want: saw(Event{Kind: GoAwayReceived, LastStream: 8})},
	}
}

// encodeAsClient encodes the events of a server as its client would.
func encodeAsClient() func([]byte, codectest.Instance) ([]byte, error) {
	c := started(new(Conn), Client)
	return func(dst []byte, i codectest.Instance) ([]byte, error) {
		ev := &i.(*corpusInstance).ev
		kind := byte('d')
		if ev.EndStream {
			kind = 'f'
		}
		switch ev.Kind {
		case SettingsReceived:
			return owed(c, 2)(dst)
		case Request:
			h := RequestHead{Method: ev.Method, Scheme: ev.Scheme, Authority: ev.Authority, Path: ev.Path, Protocol: ev.Protocol}
			return chunked(kind, ev.Stream, func(dst []byte) ([]byte, error) { return c.AppendRequest(dst, ev.Stream, &h, ev.Fields, ev.EndStream) })(dst)
		case Data:
			return chunked(kind, ev.Stream, func(dst []byte) ([]byte, error) { return c.AppendData(dst, ev.Stream, ev.Data, ev.EndStream) })(dst)
		case Trailers:
			// Trailers end our side; the end that follows has nothing to append.
			return chunked('f', ev.Stream, func(dst []byte) ([]byte, error) { return c.AppendTrailers(dst, ev.Stream, ev.Fields) })(dst)
		}
		return dst, fmt.Errorf("no encoding of %s", ev.Kind)
	}
}

// TestEncodingLaws: appending, silence and the round trip, for what both roles send.
func TestEncodingLaws(t *testing.T) {
	server := codectest.Adapter{New: func() codectest.Instance { return newCorpusInstance(&corpusMode{profile: defaultProfile}) }, Script: clientScript, Scratch: true}
	client := codectest.Adapter{New: func() codectest.Instance {
		return newCorpusInstance(&corpusMode{role: Client, profile: defaultProfile, requests: []string{"GET", "GET"}})
	}, Script: serverScript, Scratch: true}
	for name, a := range map[string]codectest.Adapter{"client to server": server, "server to client": client} {
		t.Run(name, func(t *testing.T) {
			codectest.Append(t, a, nil)
			codectest.RoundTrip(t, a, nil)
			codectest.Silence(t, a, nil)
		})
	}
	var wire []byte
	for _, c := range clientScript() {
		if out, err := c.Do(wire); err == nil {
			wire = out
		}
	}
	server.Script, server.Encode = nil, encodeAsClient
	codectest.RoundTrip(t, server, wire)
}
