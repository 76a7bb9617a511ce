package h3

import (
	"testing"

	"github.com/purewire/purewire/codec"
)

// browser is a request head of a browser, without its pseudo-header fields.
var browser = []codec.Field{
	f("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
	f("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
	f("accept-language", "en-US,en;q=0.5"),
	f("accept-encoding", "gzip, deflate, br, zstd"),
	f("cookie", "session=0123456789abcdef0123456789abcdef; theme=dark"),
	f("priority", "u=0, i"),
	f("te", "trailers"),
}

// link connects a client and a server without any transport.
type link struct {
	k, s      Conn
	kev, sev  Event
	out, owed []byte
	id        uint64
	b         testing.TB
}

func newLink(b testing.TB, tables bool) *link {
	l := &link{b: b, out: make([]byte, 0, 4096), owed: make([]byte, 0, 4096)}
	cfg := Config{}
	if !tables {
		cfg.Table = -1
	}
	p := cfg.Profile()
	l.k.Init(Client, p)
	l.s.Init(Server, p)
	for i := range uint64(3) {
		l.k.OpenUni(2 + 4*i)
		l.s.OpenUni(3 + 4*i)
		l.s.Open(2 + 4*i)
		l.k.Open(3 + 4*i)
	}
	l.flush(&l.k, &l.s, &l.sev)
	l.flush(&l.s, &l.k, &l.kev)
	return l
}

func (l *link) flush(from, to *Conn, ev *Event) {
	for {
		id, owes := from.NextOwed()
		if !owes {
			return
		}
		l.owed = from.AppendOwed(l.owed[:0], id, 4096)
		if _, err := to.Next(id, l.owed, false, ev); err != nil {
			l.b.Fatal(err)
		}
	}
}

// request sends a request and reads it at the server.
func (l *link) request() {
	var err error
	if l.out, err = l.k.AppendRequest(l.out[:0], l.id, testHeads["GET"], browser, true); err != nil {
		l.b.Fatal(err)
	}
	l.flush(&l.k, &l.s, &l.sev)
	l.s.Open(l.id)
	if n, err := l.s.Next(l.id, l.out, true, &l.sev); err != nil || n != len(l.out) || !l.sev.EndStream {
		l.b.Fatal(n, err, l.sev.Kind)
	}
}

var answerFields = []codec.Field{f("server", "purewire"), f("content-type", "text/plain"), f("content-length", "5"), f("date", "Sat, 21 Nov 2026 10:00:00 GMT")}

// respond answers it and reads the answer at the client.
func (l *link) respond() {
	var err error
	if l.out, err = l.s.AppendResponse(l.out[:0], l.id, 200, answerFields, false); err == nil {
		l.out, err = l.s.AppendData(l.out, l.id, []byte("hello"), true)
	}
	if err != nil {
		l.b.Fatal(err)
	}
	l.flush(&l.s, &l.k, &l.kev)
	for rest := l.out; ; {
		n, err := l.k.Next(l.id, rest, true, &l.kev)
		if err != nil || l.kev.Kind == None {
			l.b.Fatal(err, l.kev.Kind)
		}
		if rest = rest[n:]; l.kev.EndStream {
			break
		}
	}
	l.flush(&l.k, &l.s, &l.sev)
	l.id += 4
}

// BenchmarkExchange is a request and its response at both ends: encoded, decoded and checked twice.
func BenchmarkExchange(b *testing.B) {
	for name, tables := range map[string]bool{"static": false, "dynamic": true} {
		b.Run(name, func(b *testing.B) {
			l := newLink(b, tables)
			b.ReportAllocs()
			for b.Loop() {
				l.request()
				l.respond()
			}
		})
	}
}

// BenchmarkRequestEncode is the head of a browser's request, encoded on a stream that is reset at once.
func BenchmarkRequestEncode(b *testing.B) {
	for name, tables := range map[string]bool{"static": false, "dynamic": true} {
		b.Run(name, func(b *testing.B) {
			l := newLink(b, tables)
			l.request()
			l.respond()
			var a Abort
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if l.out, err = l.k.AppendRequest(l.out[:0], l.id, testHeads["GET"], browser, true); err != nil {
					b.Fatal(err)
				}
				l.k.enc.ReadDecoderStream(cancel(l.owed[:0], l.id))
				l.k.Reset(l.id, RequestCancelled)
				for l.k.NextAbort(&a) {
				}
				l.k.AppendOwed(l.owed[:0], 10, 4096)
				l.id += 4
			}
			b.ReportMetric(float64(len(l.out)), "octets")
		})
	}
}

// cancel appends a Stream Cancellation (RFC 9204 section 4.4.2).
func cancel(dst []byte, id uint64) []byte {
	if id < 63 {
		return append(dst, 0x40|byte(id))
	}
	dst = append(dst, 0x7f)
	for id -= 63; id >= 128; id >>= 7 {
		dst = append(dst, byte(id)|0x80)
	}
	return append(dst, byte(id))
}

// BenchmarkRequestDecode is the head of a browser's request, decoded and checked, and answered with nothing.
func BenchmarkRequestDecode(b *testing.B) {
	for name, tables := range map[string]bool{"static": false, "dynamic": true} {
		b.Run(name, func(b *testing.B) {
			l := newLink(b, tables)
			for range 3 {
				l.request()
				l.respond()
			}
			l.request()
			wire := append([]byte(nil), l.out...)
			id := uint64(1 << 20)
			b.SetBytes(int64(len(wire)))
			b.ReportAllocs()
			for b.Loop() {
				l.s.Open(id)
				if n, err := l.s.Next(id, wire, true, &l.sev); err != nil || n != len(wire) || l.sev.Kind != Request {
					b.Fatal(n, err, l.sev.Kind)
				}
				l.out, _ = l.s.AppendResponse(l.out[:0], id, 204, nil, true)
				l.owed = l.s.AppendOwed(l.owed[:0], 11, 4096)
				id += 4
			}
		})
	}
}

// BenchmarkFrameHeader is the header of a frame.
func BenchmarkFrameHeader(b *testing.B) {
	src := AppendFrameHeader(nil, FrameHeader{FrameData, 1200})
	var h FrameHeader
	for b.Loop() {
		if ParseFrameHeader(src, &h) == 0 || h.Check(Server, OnRequest) != ok {
			b.Fatal("header")
		}
	}
}
