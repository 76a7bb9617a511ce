package http1

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/scan"
	"github.com/stretchr/testify/require"
)

// checkWalkers holds both walkers to the line parser: what one accepts the other parses alike, and a whole, strict head within
// the limits, of names up to 500 bytes, is accepted.
func checkWalkers(t testing.TB, src []byte) {
	t.Helper()
	for _, p := range []*Profile{defaultProfile, Options{ASCII: true, Limits: Limits{Fields: 3}}.Profile()} {
		for _, kind := range []sectionKind{requestHead, responseHead} {
			var c cursor
			want, wantLine, wantFields, _, _ := parseSection(p, kind, src, &c, nil)
			declined := false
			for _, f := range wantFields {
				declined = declined || len(f.Name) > 500
			}
			for _, c := range src[:wantLine.b] {
				declined = declined || c >= 0x80 // a reason phrase of obs-text is left to the line parser
			}
			compare := func(name string, n int, line startLine, fields []codec.Field) {
				t.Helper()
				if n == 0 && (want == 0 || declined || want > p.whole) {
					return
				}
				for i := range fields {
					if i < 64 && line.dull>>i&1 != 0 && isFraming(fields[i].Name) {
						t.Fatalf("%s hides the field %q of %q", name, fields[i].Name, src)
					}
				}
				line.dull = 0
				if n != want || line != wantLine || fmt.Sprint(fields) != fmt.Sprint(wantFields) {
					t.Fatalf("%s, kind %d, of %q: %d %+v %v\nwant %d %+v %v", name, kind, src, n, line, fields, want, wantLine, wantFields)
				}
				for _, f := range fields {
					if cap(f.Name) != len(f.Name) || cap(f.Value) != len(f.Value) || f.Sensitive {
						t.Fatalf("%s: field reaches further than it says", name)
					}
				}
			}
			whole := src[:min(len(src), p.whole)]
			if len(whole) < minHead {
				continue
			}
			var line startLine
			n, fields := walkWords(p, kind, whole, &line, nil)
			compare("words", n, line, fields)
			if scan.Vector && len(whole) >= 32 {
				line = startLine{}
				n, fields = walkVector(p, kind, whole, &line, nil)
				compare("vector", n, line, fields)
			}
			if few := whole[:min(len(whole), 64)]; scan.Vector && len(few) >= 32 && (want == 0 || want <= len(few)) {
				line = startLine{}
				n, fields = walkFew(p, kind, few, &line, nil)
				compare("few", n, line, fields)
			}
		}
	}
}

func FuzzWalkers(f *testing.F) {
	f.Add([]byte(picoRequest))
	f.Add([]byte(minimalRequest))
	f.Add([]byte("HTTP/1.1 200 OK\r\nA: b\r\nC:\t\r\n\r\n"))
	f.Add(bytes.Repeat([]byte("GET / HTTP/1.0\r\n"), 40))
	for _, s := range shortHeads {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkWalkers(t, src) })
}

// shortHeads are heads of 32 to 64 bytes, good and bad ones.
var shortHeads = []string{
	"GET # HTTP/1.1\r\nHost: example.com\r\n\r\n",
	"GET \t HTTP/1.1\r\nHost: example.com\r\n\r\n",
	"GET   HTTP/1.1\r\nHost: example.com\r\n\r\n",
	"GET  HTTP/1.1\r\nHost: example.com\r\n\r\n",
	"GET /a#b HTTP/1.0\r\nHost:example.com\r\n\r\n",
	"GET /a b HTTP/1.0\r\nHost:example.com\r\n\r\n",
	"GET /abcdefghijkl HTTP/1.0\r\nHost:\t example.com \r\n\r\n",
	"GET / HTTP/1.2\r\nHost: example.com\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: ex\xC3\xA4mple\r\nA:\r\nB: \xFF\r\n\r\n",
	"GET / HTTP/1.1\r\nHost : example.com\r\n\r\n",
	"GET / HTTP/1.1\r\n: example.com.......\r\n\r\n",
	"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET ",
	"GET / HTTP/1.1\r\nHost: a.a.a.a.a.a.a.a\r\n\r",
	"GET / HTTP/1.1\r\nHost: a.a.a.a.a.a.a.a\r",
	"GET / HTTP/1.1\r\nHost: a.a.a.a.a.a.a.a",
	"GET / HTTP/1.1\r\nHosthosthosthosthost",
	"GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n......",
	"GET / HTTP/1.1\r\nHost: a\rB: c\r\n\r\n......",
	"GET /\rHTTP/1.1\r\nHost: a\r\n\r\n............",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 999\r\nContent-Length: 0\r\nA: b\r\n\r\n",
}

// Short heads, with every byte of each replaced by those that mean something.
func TestShortHeads(t *testing.T) {
	for _, s := range append(shortHeads, minimalRequest) {
		require.LessOrEqual(t, len(s), 64)
		checkWalkers(t, []byte(s))
		for i := range s {
			for _, c := range []byte("\x00\t\n\r #:AH10/.\x7f\x80") {
				b := []byte(s)
				b[i] = c
				checkWalkers(t, b)
				checkWalkers(t, b[:i])
			}
		}
	}
}

// isFraming reports whether collect has a branch for the name.
func isFraming(name []byte) bool {
	switch LookupName(name) {
	case NameHost, NameExpect, NameUpgrade, NameConnection, NameContentLength, NameTransferEncoding:
		return true
	}
	return false
}

// Fields that concern framing are found wherever they stand: among the first 64 fields, which the walker marks, and behind.
func TestFramingFieldsAnywhere(t *testing.T) {
	for at := range 90 {
		var b bytes.Buffer
		b.WriteString("POST / HTTP/1.1\r\nHost: a\r\n")
		for i := range 90 {
			if i == at {
				b.WriteString("cOntent-length: 3\r\n")
			}
			fmt.Fprintf(&b, "x%d: y\r\n", i)
		}
		b.WriteString("connecTion: Close\r\n\r\n")
		var d Decoder
		var ev Event
		if _, err := d.Next(b.Bytes(), &ev); err != nil || ev.Framing != Length || ev.Length != 3 || ev.KeepAlive {
			t.Fatalf("at %d: %v, framing %v, length %d, keep-alive %v", at, err, ev.Framing, ev.Length, ev.KeepAlive)
		}
	}
}
