package http2

import (
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

// TestSilence: a request with content and its response with content and trailers, in both roles, credit and all, allocate
// nothing once the tables have grown.
func TestSilence(t *testing.T) {
	var s, c Conn
	var ev Event
	s.Init(Server, nil)
	c.Init(Client, nil)
	up, down := make([]byte, 0, 1<<20), make([]byte, 0, 1<<20)
	body := make([]byte, 30_000)
	fields := []codec.Field{field("x-a", "b"), field("content-length", "30000")}
	trailers := []codec.Field{field("grpc-status", "0")}
	bad := ""
	ended := 0
	feed := func(k *Conn, src []byte) {
		for {
			n, err := k.Next(src, &ev)
			src = src[n:]
			switch {
			case err != nil:
				bad = err.Error()
				return
			case ev.Kind == None:
				return
			case ev.Kind == Data:
				if k.Consumed(ev.Stream, len(ev.Data)) != nil {
					bad = "Consumed"
				}
				if ev.EndStream && k == &s {
					var err error
					if down, err = s.AppendResponse(down, ev.Stream, 200, fields, false); err != nil || s.Ready(ev.Stream, true) != nil {
						bad = "AppendResponse"
					}
				}
			case ev.Kind == Trailers:
				ended++
			}
		}
	}
	exchange := func() {
		up, down = up[:0], down[:0]
		var id uint32
		var err error
		if up, id, err = c.AppendRequest(up, getHead, fields, false); err != nil {
			bad = err.Error()
		}
		if c.SetUser(id, 1) != nil || c.Ready(id, true) != nil {
			bad = "Ready"
		}
		for rest := body; len(rest) > 0; {
			_, _, n := c.NextWritable()
			if n == 0 {
				bad = "blocked"
				return
			}
			up, n, _ = c.AppendData(up, id, rest, true)
			rest = rest[n:]
		}
		feed(&s, up)
		for rest := body; len(rest) > 0; {
			_, _, n := s.NextWritable()
			if n == 0 {
				bad = "blocked"
				return
			}
			down, n, _ = s.AppendData(down, id, rest, false)
			rest = rest[n:]
		}
		if down, err = s.AppendTrailers(down, id, trailers); err != nil {
			bad = err.Error()
		}
		feed(&c, down)
		up, down = s.AppendOwed(up[:0], 1<<20), c.AppendOwed(down[:0], 1<<20)
		feed(&c, up)
		feed(&s, down)
	}
	for range 50 {
		exchange()
	}
	if n := testing.AllocsPerRun(200, exchange); n != 0 || bad != "" || ended != 251 {
		t.Errorf("%v allocations, %q, %d exchanges", n, bad, ended)
	}
}

// TestSendLaws: law 6 on every call that appends: dst is not touched, and a call that fails changes nothing.
func TestSendLaws(t *testing.T) {
	large := make([]codec.Field, 30)
	for i := range large {
		large[i] = codec.Field{Name: []byte("x-large"), Value: make([]byte, 1000)}
		for j := range large[i].Value {
			large[i].Value[j] = 'a' + byte(i+j)%26
		}
	}
	scripts := map[string]func() []codectest.AppendCall{
		"server": func() []codectest.AppendCall {
			s := new(Conn)
			var ev Event
			s.Init(Server, Config{NoHuffman: true}.Profile())
			in := AppendSettings([]byte(ClientPreface), Setting{SettingHeaderTableSize, 100})
			for id := uint32(1); id < 10; id += 2 {
				in = AppendHeaders(in, id, requestBlock, id == 3, 0, nil)
			}
			for len(in) > 0 {
				n, err := s.Next(in, &ev)
				if err != nil {
					t.Fatal(err)
				}
				in = in[n:]
			}
			return []codectest.AppendCall{
				{Name: "AppendInformational", Do: func(dst []byte) ([]byte, error) {
					return s.AppendInformational(dst, 1, 103, large[:1])
				}},
				{Name: "AppendInformational 200", Do: func(dst []byte) ([]byte, error) { return s.AppendInformational(dst, 1, 200, nil) }},
				{Name: "AppendResponse", Do: func(dst []byte) ([]byte, error) { return s.AppendResponse(dst, 1, 200, large, false) }},
				{Name: "AppendResponse again", Do: func(dst []byte) ([]byte, error) { return s.AppendResponse(dst, 1, 200, large, false) }},
				{Name: "AppendResponse to nobody", Do: func(dst []byte) ([]byte, error) { return s.AppendResponse(dst, 99, 200, large, false) }},
				{Name: "AppendData", Do: func(dst []byte) ([]byte, error) {
					out, _, err := s.AppendData(dst, 1, large[0].Value, false)
					return out, err
				}},
				{Name: "AppendDataHeader", Do: func(dst []byte) ([]byte, error) {
					out, _, err := s.AppendDataHeader(dst, 1, 500, false)
					return out, err
				}},
				{Name: "AppendData too early", Do: func(dst []byte) ([]byte, error) {
					out, _, err := s.AppendData(dst, 3, large[0].Value, false)
					return out, err
				}},
				{Name: "AppendTrailers with a bad field", Do: func(dst []byte) ([]byte, error) {
					return s.AppendTrailers(dst, 1, []codec.Field{{Name: large[0].Value, Value: []byte("\n")}})
				}},
				{Name: "AppendTrailers", Do: func(dst []byte) ([]byte, error) { return s.AppendTrailers(dst, 1, large[:2]) }},
				{Name: "AppendResponse that ends", Do: func(dst []byte) ([]byte, error) { return s.AppendResponse(dst, 3, 404, nil, true) }},
				{Name: "AppendOwed", Do: func(dst []byte) ([]byte, error) {
					s.Reset(5, Cancel)
					s.GoAway(NoError)
					return s.AppendOwed(dst, 1<<20), nil
				}},
			}
		},
		"client": func() []codectest.AppendCall {
			c := new(Conn)
			c.Init(Client, nil)
			first := []byte{1}
			return []codectest.AppendCall{
				{Name: "AppendRequest", Do: func(dst []byte) ([]byte, error) {
					out, _, err := c.AppendRequest(dst, getHead, large[:3], false)
					return out, err
				}},
				{Name: "AppendRequest without path", Do: func(dst []byte) ([]byte, error) {
					out, _, err := c.AppendRequest(dst, &RequestHead{Method: getHead.Method}, large[:3], false)
					return out, err
				}},
				{Name: "AppendPriorityUpdate", Do: func(dst []byte) ([]byte, error) {
					return c.AppendPriorityUpdate(dst, 1, Priority{Urgency: 1, Incremental: true})
				}},
				{Name: "AppendData", Do: func(dst []byte) ([]byte, error) {
					out, _, err := c.AppendData(dst, 1, first, true)
					return out, err
				}},
				{Name: "AppendOwed", Do: func(dst []byte) ([]byte, error) {
					c.Ping([8]byte{1})
					return c.AppendOwed(dst, 1<<20), nil
				}},
			}
		},
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			a := codectest.Adapter{New: func() codectest.Instance { return newConnInstance(&connMode{profile: defaultProfile}) }, Script: script, Scratch: true}
			codectest.Append(t, a, nil)
		})
	}
}
