package machine

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/server"
)

// link is a connection whose output is taken at once.
type link struct{ drivers.Link }

func (link) Wake()                {}
func (link) Unsent() int          { return 0 }
func (link) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (link) RemoteAddr() net.Addr { return &net.TCPAddr{} }

const (
	minimal = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
	tfb     = "GET /plaintext HTTP/1.1\r\nHost: tfb-server\r\n" +
		"Accept: text/plain,text/html;q=0.9,application/xhtml+xml;q=0.9,application/xml;q=0.8,*/*;q=0.7\r\n" +
		"Connection: keep-alive\r\n\r\n"
	body = "Hello, World!"
)

type rig struct {
	m    drivers.Machine
	turn drivers.Turn
	dst  []byte
}

func newRig(tb testing.TB, h server.NativeHandler) *rig {
	s, err := server.New(server.Config{Native: h})
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{turn: drivers.Turn{Now: 1, Unix: 1_790_000_000, Max: 64 << 10, Local: s.NewLocal()}}
	if r.m = s.Accept(&r.turn, link{}); r.m == nil {
		tb.Fatal("refused")
	}
	return r
}

// turnOnce is what a driver calls when bytes arrive on an idle connection.
func (r *rig) turnOnce(in []byte) (n int) {
	r.turn.Now += 1000
	if r.m.Status()&drivers.WantInput == 0 {
		return -1
	}
	n, r.dst = r.m.Receive(&r.turn, in, r.dst[:0])
	_ = r.m.Status()
	_ = r.m.Deadline()
	return n
}

func handlers(tb testing.TB) map[string]server.NativeHandler {
	static, err := http1.NewStatic(&http1.ResponseHead{
		Status: 200, Date: []byte("Sat, 21 Nov 2026 05:00:00 GMT"),
		Fields: []codec.Field{{Name: []byte("Content-Type"), Value: []byte("text/plain")}},
	}, []byte(body))
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]server.NativeHandler{
		"static": server.NativeFunc(func(c *server.Ctx) { c.Static(static) }),
		"reply":  server.NativeFunc(func(c *server.Ctx) { c.ReplyString(200, "text/plain", body) }),
	}
}

var inputs = []struct {
	name string
	in   string
	n    int
}{{"minimal", minimal, 1}, {"tfb", tfb, 1}, {"tfb16", strings.Repeat(tfb, 16), 16}}

func TestAnswers(t *testing.T) {
	for name, h := range handlers(t) {
		for _, c := range inputs {
			r := newRig(t, h)
			for range 3 {
				if n := r.turnOnce([]byte(c.in)); n != len(c.in) {
					t.Fatalf("%s/%s: consumed %d of %d", name, c.name, n, len(c.in))
				}
				if got := bytes.Count(r.dst, []byte(body)); got != c.n {
					t.Fatalf("%s/%s: %d answers, want %d: %q", name, c.name, got, c.n, r.dst)
				}
			}
		}
	}
}

func BenchmarkMachine(b *testing.B) {
	hs := handlers(b)
	for _, name := range []string{"static", "reply"} {
		for _, c := range inputs {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				r := newRig(b, hs[name])
				in := []byte(c.in)
				b.ReportAllocs()
				for b.Loop() {
					if r.turnOnce(in) != len(in) {
						b.Fatal("not all consumed")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.n), "ns/req")
			})
		}
	}
}
