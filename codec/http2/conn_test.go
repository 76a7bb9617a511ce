package http2

import (
	"bytes"
	"testing"

	"github.com/purewire/purewire/codec"
)

func field(name, value string) codec.Field {
	return codec.Field{Name: []byte(name), Value: []byte(value)}
}

// end is one end of a conversation: a Conn, what has come for it, what it has to send.
type end struct {
	*Conn
	in, out []byte
}

// pump moves everything both ends have to say until nobody has anything left, a few octets at a time.
func pump(t *testing.T, a, b *end, step int, handle func(e *end, ev *Event), turn func(e *end)) {
	t.Helper()
	var ev Event
	for moved := true; moved; {
		moved = false
		for _, d := range [2][2]*end{{a, b}, {b, a}} {
			from, to := d[0], d[1]
			from.out = from.AppendOwed(from.out, 1<<20)
			k := min(step, len(from.out))
			if k == 0 && !to.Pending() {
				continue
			}
			moved = true
			to.in = append(to.in, from.out[:k]...)
			from.out = append(from.out[:0], from.out[k:]...)
			at := 0
			for {
				n, err := to.Next(to.in[at:], &ev)
				at += n
				if err != nil {
					t.Fatalf("%v: %v", to.Role(), err)
				}
				if ev.Kind == None {
					break
				}
				handle(to, &ev)
			}
			to.in = append(to.in[:0], to.in[at:]...)
			if turn != nil {
				turn(to)
			}
		}
	}
}

// ends returns the two ends of a connection.
func ends(server, client *Profile) (s, c *end) {
	s, c = &end{Conn: new(Conn)}, &end{Conn: new(Conn)}
	s.Init(Server, server)
	c.Init(Client, client)
	return s, c
}

// TestExchange: one request and its answer with trailers, both with content larger than the windows, at several speeds
// of the link.
func TestExchange(t *testing.T) {
	up, down := bytes.Repeat([]byte("up"), 200_000), bytes.Repeat([]byte("down"), 300_000)
	for _, step := range []int{1 << 20, 1000, 7} {
		if testing.Short() && step == 7 {
			continue
		}
		s, c := ends(nil, nil)
		var got, back []byte
		var trailer string
		feed := func(e *end, id uint32, rest *[]byte, end bool) {
			for len(*rest) > 0 {
				w, _, n := e.NextWritable()
				if n == 0 {
					return
				}
				if w != id {
					t.Fatalf("NextWritable is %d", w)
				}
				var err error
				e.out, n, err = e.AppendData(e.out, id, *rest, end)
				if err != nil {
					t.Fatal(err)
				}
				*rest = (*rest)[n:]
			}
		}
		upRest, downRest := up, down
		var err error
		var id uint32
		c.out, id, err = c.AppendRequest(c.out, &RequestHead{Method: []byte("POST"), Scheme: []byte("https"), Authority: []byte("a.example"), Path: []byte("/x")},
			[]codec.Field{field("content-length", "400000"), field("x-y", "z")}, false)
		if err != nil || id != 1 {
			t.Fatal(id, err)
		}
		if err := c.Ready(id, true); err != nil {
			t.Fatal(err)
		}
		feed(c, id, &upRest, true)
		finished := 0
		pump(t, s, c, step, func(e *end, ev *Event) {
			switch ev.Kind {
			case Request:
				if string(ev.Method) != "POST" || string(ev.Authority) != "a.example" || ev.ContentLength != 400000 || len(ev.Fields) != 2 || string(ev.Fields[1].Value) != "z" {
					t.Fatalf("%q %q %d %d fields", ev.Method, ev.Authority, ev.ContentLength, len(ev.Fields))
				}
				if e.out, err = e.AppendInformational(e.out, ev.Stream, 103, []codec.Field{field("link", "<x>")}); err != nil {
					t.Fatal(err)
				}
				if e.out, err = e.AppendResponse(e.out, ev.Stream, 200, []codec.Field{field("server", "pw")}, false); err != nil {
					t.Fatal(err)
				}
				if err := e.Ready(ev.Stream, true); err != nil {
					t.Fatal(err)
				}
			case Informational:
				if ev.Status != 103 {
					t.Fatal(ev.Status)
				}
			case Response:
				if ev.Status != 200 || ev.Stream != 1 {
					t.Fatal(ev.Status)
				}
			case Data:
				if e == s {
					got = append(got, ev.Data...)
				} else {
					back = append(back, ev.Data...)
				}
				if len(ev.Data) > 0 {
					if err := e.Consumed(ev.Stream, len(ev.Data)); err != nil {
						t.Fatal(err)
					}
				}
				if ev.EndStream {
					finished++
				}
			case Trailers:
				trailer = string(ev.Fields[0].Value)
				finished++
			case SettingsReceived, SettingsAcked:
			default:
				t.Fatalf("%v %v", ev.Kind, ev.Reason)
			}
		}, func(*end) {
			feed(c, id, &upRest, true)
			if len(downRest) > 0 && s.Writable(id) > 0 {
				if feed(s, id, &downRest, false); len(downRest) == 0 {
					if s.out, err = s.AppendTrailers(s.out, id, []codec.Field{field("grpc-status", "0")}); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
		if !bytes.Equal(got, up) || !bytes.Equal(back, down) || trailer != "0" || finished != 2 {
			t.Fatalf("step %d: %d up, %d down, trailer %q, %d finished; %v %v", step, len(got), len(back), trailer, finished, s.Blocked(1), c.Blocked(1))
		}
		if s.Streams() != 0 || c.Streams() != 0 || !s.Idle() || !c.Idle() {
			t.Fatalf("streams left: %d %d, owes %v %v, in %+v %+v", s.Streams(), c.Streams(), s.Owes(), c.Owes(), s.Conn.in, c.Conn.in)
		}
	}
}
