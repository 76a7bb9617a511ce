package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unsafe"

	"github.com/purewire/purewire/codec"
)

// encScript is a message as steps; each result is compared.
type encStep struct {
	do   string // "body x", "ref n", "end", "end k v"
	want string // what is appended, or a reason
}

func runEncSteps(t *testing.T, name string, e *Encoder, steps []encStep) {
	t.Helper()
	for i, s := range steps {
		verb, arg, _ := strings.Cut(s.do, " ")
		out, err := encGuard(t, e, name, func(dst []byte) ([]byte, error) {
			switch verb {
			case "body":
				return e.AppendBody(dst, []byte(arg))
			case "ref":
				var n int
				_, _ = fmt.Sscan(arg, &n)
				return e.AppendBodyHead(dst, n)
			case "end":
				var f []codec.Field
				if k, v, ok := strings.Cut(arg, " "); ok {
					f = mkFields(k, v)
				}
				return e.AppendEnd(dst, f)
			case "head":
				return e.AppendResponse(dst, &ResponseHead{Status: 204})
			case "request":
				return e.AppendRequest(dst, &RequestHead{Method: []byte("GET"), Target: []byte("/"), HTTP10: true, Close: true})
			}
			panic(verb)
		})
		if got := string(out) + reasonOf(err); got != s.want {
			t.Errorf("%s, step %d (%s): got %q, want %q", name, i, s.do, got, s.want)
		}
	}
}

func TestEncoderBody(t *testing.T) {
	const head204 = "HTTP/1.1 204 No Content\r\n\r\n"
	for _, c := range []struct {
		name   string
		h      ResponseHead
		steps  []encStep
		open   bool
		poison bool
	}{
		{"length", ResponseHead{Status: 200, Framing: Length, Length: 5}, []encStep{
			{"body ", ""}, {"body ab", "ab"}, {"head", ReasonEncOpen}, {"body abcd", ReasonEncExcess}, {"ref 3", ""},
			{"ref 0", ""}, {"ref 1", ReasonEncExcess}, {"end", ""}, {"end", ReasonEncNotOpen}, {"body x", ReasonEncNotOpen},
			{"head", head204}}, false, false},
		{"length, no end", ResponseHead{Status: 200, Framing: Length, Length: 1}, []encStep{{"body a", "a"}, {"head", head204}}, false, false},
		{"length 0", ResponseHead{Status: 200, Framing: Length}, []encStep{{"body ", ""}, {"body x", ReasonEncExcess}, {"end", ""}}, false, false},
		{"length, trailers", ResponseHead{Status: 200, Framing: Length, Length: 1}, []encStep{
			{"end A b", ReasonEncTrailers}, {"body a", "a"}, {"end A b", ReasonEncTrailers}, {"end", ""}}, false, false},
		// THREATS H1-19: a short body poisons the connection.
		{"short", ResponseHead{Status: 200, Framing: Length, Length: 5}, []encStep{
			{"body abcd", "abcd"}, {"end", ReasonEncShortBody}, {"end", ReasonEncShortBody}, {"body e", ReasonEncShortBody},
			{"head", ReasonEncShortBody}, {"ref 1", ReasonEncShortBody}}, false, true},
		{"chunked", ResponseHead{Status: 200, Framing: Chunked}, []encStep{
			{"body ", ""}, {"body hello", "5\r\nhello\r\n"}, {"ref 0", ""}, {"ref 16", "10\r\n"}, {"ref 255", "\r\nff\r\n"},
			{"body xy", "\r\n2\r\nxy\r\n"}, {"ref 1048576", "100000\r\n"}, {"ref -1", ReasonEncLength}, {"head", ReasonEncOpen},
			{"end", "\r\n0\r\n\r\n"}, {"end", ReasonEncNotOpen}, {"head", head204}}, false, false},
		{"chunked, empty", ResponseHead{Status: 200, Framing: Chunked}, []encStep{{"end", "0\r\n\r\n"}}, false, false},
		{"chunked, trailers", ResponseHead{Status: 200, Framing: Chunked}, []encStep{
			{"end Content-Length 5", ReasonEncTrailer}, {"end a\nb 5", ReasonEncName}, {"end A 5\n", ReasonEncValue},
			{"end A 5 ", ReasonEncBlank}, {"end A 5", "0\r\nA: 5\r\n\r\n"}}, false, false},
		{"chunked, open", ResponseHead{Status: 200, Framing: Chunked}, []encStep{{"body x", "1\r\nx\r\n"}}, true, false},
		{"until close", ResponseHead{Status: 200, Framing: UntilClose}, []encStep{
			{"body x", "x"}, {"ref 99", ""}, {"end A b", ReasonEncTrailers}, {"end", ""}, {"head", ReasonEncDone}}, false, true},
		{"close", ResponseHead{Status: 200, Close: true}, []encStep{{"end", ""}, {"head", ReasonEncDone}, {"request", ReasonEncDone}}, false, true},
		{"tunnel", ResponseHead{Status: 200, ToCONNECT: true, Framing: Tunnel}, []encStep{
			{"body x", ReasonEncNoBody}, {"end", ""}, {"head", ReasonEncDone}}, false, false},
		{"HEAD", ResponseHead{Status: 200, ToHEAD: true, Framing: Length, Length: 9}, []encStep{
			{"body x", ReasonEncNoBody}, {"ref 1", ReasonEncNoBody}, {"body ", ""}, {"end", ""}, {"head", head204}}, false, false},
		{"HEAD chunked", ResponseHead{Status: 200, ToHEAD: true, Framing: Chunked}, []encStep{
			{"body x", ReasonEncNoBody}, {"end A b", ReasonEncTrailers}, {"end", ""}}, false, false},
		{"304", ResponseHead{Status: 304, Framing: Length, Length: 9}, []encStep{{"body x", ReasonEncNoBody}, {"end", ""}}, false, false},
		{"204", ResponseHead{Status: 204}, []encStep{{"body x", ReasonEncNoBody}, {"end", ""}}, false, false},
	} {
		var e Encoder
		if _, err := e.AppendResponse(nil, &c.h); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		runEncSteps(t, c.name, &e, c.steps)
		if e.Open() != c.open || e.Poisoned() != c.poison {
			t.Errorf("%s: open %v, poisoned %v", c.name, e.Open(), e.Poisoned())
		}
	}
	var zero Encoder
	runEncSteps(t, "zero value", &zero, []encStep{{"body x", ReasonEncNotOpen}, {"body ", ReasonEncNotOpen}, {"ref 1", ReasonEncNotOpen}, {"end", ReasonEncNotOpen},
		{"request", "GET / HTTP/1.0\r\nConnection: close\r\n\r\n"}, {"end", ""}, {"request", ReasonEncDone}})
	if size := unsafe.Sizeof(zero); size > 16 {
		t.Errorf("an Encoder has %d bytes", size)
	}
}

// THREATS H1-19: 24 combinations of status and framing. Each is an error at call time, or bytes that net/http reads as one
// message with that meaning (the second parser is this package's own, see the round-trip tests).
func TestFramingCombinations(t *testing.T) {
	type combo struct {
		status int
		method string
	}
	n := 0
	for _, c := range []combo{{200, "GET"}, {200, "HEAD"}, {204, "GET"}, {304, "GET"}, {205, "GET"}, {200, "CONNECT"}} {
		for _, f := range []Framing{NoBody, Length, Chunked, UntilClose} {
			n++
			what := fmt.Sprintf("%d to %s, framing %d", c.status, c.method, f)
			h := ResponseHead{Status: c.status, Framing: f, Length: 5, ToHEAD: c.method == "HEAD", ToCONNECT: c.method == "CONNECT"}
			var e Encoder
			out, err := encGuard(t, &e, what, func(dst []byte) ([]byte, error) { return e.AppendResponse(dst, &h) })
			mayFail := c.status == 204 && f != NoBody || c.status == 205 && f != NoBody || c.status == 304 && f == UntilClose || c.method == "CONNECT"
			if (err != nil) != mayFail {
				t.Errorf("%s: %v", what, err)
			}
			if err != nil {
				continue
			}
			want := ""
			if e.Open() {
				want = "hello"
				if out, err = e.AppendBody(out, []byte(want)); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			} else if _, err := e.AppendBody(nil, []byte("x")); err == nil {
				t.Errorf("%s: content accepted", what)
			}
			if out, err = e.AppendEnd(out, nil); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			last := e.Poisoned()
			if !last {
				out = append(out, "NEXT"...)
			}
			br := bufio.NewReader(bytes.NewReader(out))
			r, err := http.ReadResponse(br, &http.Request{Method: c.method})
			if err != nil {
				t.Errorf("%s: net/http: %v", what, err)
				continue
			}
			got, err := io.ReadAll(r.Body)
			rest, _ := io.ReadAll(br)
			if err != nil || string(got) != want || r.Close != last || !last && string(rest) != "NEXT" {
				t.Errorf("%s: net/http reads %q, close %v, then %q, %v from %q", what, got, r.Close, rest, err, out)
			}
			if r.Header.Get("Content-Length") != "" && len(r.TransferEncoding) > 0 {
				t.Errorf("%s: both lengths in %q", what, out)
			}
		}
	}
	if n != 24 {
		t.Errorf("%d combinations", n)
	}
}

func TestStatic(t *testing.T) {
	date := []byte("Sun, 06 Nov 1994 08:49:37 GMT")
	later := []byte("Mon, 07 Nov 1994 08:49:37 GMT")
	s, err := NewStatic(&ResponseHead{Status: 200, Date: date, Fields: mkFields("Server", "x")}, []byte("Hello, World!"))
	if err != nil {
		t.Fatal(err)
	}
	head := func(d []byte, conn string) string {
		return "HTTP/1.1 200 OK\r\nDate: " + string(d) + "\r\nServer: x\r\nContent-Length: 13\r\n" + conn + "\r\n"
	}
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{s.Append([]byte("<"), false, false, later), "<" + head(later, "") + "Hello, World!"},
		{s.Append(nil, false, false, nil), head(date, "") + "Hello, World!"}, // the patch before left no trace
		{s.Append(nil, true, false, later), head(later, "Connection: close\r\n") + "Hello, World!"},
		{s.Append(nil, true, true, later), head(later, "Connection: close\r\n")},
		{s.Append(nil, false, true, later[:28]), head(date, "")},
		{s.Append10(nil, false, later), head(later, "Connection: keep-alive\r\n") + "Hello, World!"},
	} {
		if string(c.got) != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if want := len(head(date, "Connection: keep-alive\r\n")) + 13; s.Len() != want {
		t.Errorf("Len %d, want %d", s.Len(), want)
	}
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{{404, "", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}, {204, "", "HTTP/1.1 204 No Content\r\n\r\n"},
		{304, "", "HTTP/1.1 304 Not Modified\r\n\r\n"}, {204, "x", ReasonEncNoContent}, {304, "x", ReasonEncNoBody},
		{101, "", ReasonEncTunnel}, {426, "", ReasonEncUpgrade426}} {
		s, err := NewStatic(&ResponseHead{Status: c.status}, []byte(c.body))
		got := reasonOf(err)
		if err == nil {
			got = string(s.Append(nil, false, false, later))
		}
		if got != c.want {
			t.Errorf("%d: got %q, want %q", c.status, got, c.want)
		}
	}
	// 426 needs Upgrade, which an HTTP/1.0 client is not offered: it gets the close form.
	s, err = NewStatic(&ResponseHead{Status: 426, Upgrade: []byte("h2c")}, nil)
	if err != nil || !bytes.Contains(s.Append10(nil, false, nil), []byte("Connection: upgrade, close\r\n")) {
		t.Errorf("%v", err)
	}
}

// FEATURES H103: no allocation, refusals included.
func TestEncoderAllocs(t *testing.T) {
	dst := make([]byte, 0, 4096)
	fields := mkFields("Server", "purewire", "Content-Type", "text/plain; charset=utf-8", "Cache-Control", "no-store")
	bad := mkFields("X", "a\r\nb")
	trailers := mkFields("X-Sum", "1")
	body := []byte("Hello, World!")
	var cache DateCache
	st, err := NewStatic(&ResponseHead{Status: 200, Date: cache.Bytes(0)}, body)
	if err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	if n := testing.AllocsPerRun(200, func() {
		now++
		var e Encoder
		dst = dst[:0]
		dst, _ = e.AppendInformational(dst, 103, fields)
		dst, _ = e.AppendResponse(dst, &ResponseHead{Status: 200, Framing: Length, Length: 13, Date: cache.Bytes(now), Fields: fields})
		dst, _ = e.AppendBody(dst, body)
		dst, _ = e.AppendEnd(dst, nil)
		dst, _ = e.AppendResponse(dst, &ResponseHead{Status: 404, Framing: Chunked, Fields: fields, Trailers: trailers})
		dst, _ = e.AppendBody(dst, body)
		dst, _ = e.AppendBodyHead(dst, 100)
		dst, _ = e.AppendEnd(dst, trailers)
		dst, _ = e.AppendResponse(dst, &ResponseHead{Status: 200, Fields: bad})
		dst, _ = e.AppendEnd(dst, nil)
		dst, _ = e.AppendRequest(dst, &RequestHead{Method: []byte("GET"), Target: []byte("/"), Fields: fields, Close: true})
		dst, _ = e.AppendRequest(dst, &RequestHead{Method: []byte("GET"), Target: []byte("/")})
		dst = st.Append(dst, now&1 == 0, false, cache.Bytes(now))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkResponseHead(b *testing.B) {
	date := AppendDate(nil, 784111777)
	b.Run("purewire", func(b *testing.B) {
		h := ResponseHead{Status: 200, Framing: Length, Length: 13, Date: date,
			Fields: mkFields("Server", "purewire", "Content-Type", "text/plain; charset=utf-8")}
		dst := make([]byte, 0, 512)
		b.ReportAllocs()
		for b.Loop() {
			var e Encoder
			dst, _ = e.AppendResponse(dst[:0], &h)
		}
		b.SetBytes(int64(len(dst)))
	})
	b.Run("static", func(b *testing.B) {
		s, err := NewStatic(&ResponseHead{Status: 200, Date: date,
			Fields: mkFields("Server", "purewire", "Content-Type", "text/plain; charset=utf-8")}, []byte("Hello, World!"))
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]byte, 0, 512)
		b.ReportAllocs()
		for b.Loop() {
			dst = s.Append(dst[:0], false, false, date)
		}
		b.SetBytes(int64(len(dst)))
	})
	b.Run("net-http", func(b *testing.B) {
		h := http.Header{"Server": {"purewire"}, "Content-Type": {"text/plain; charset=utf-8"},
			"Content-Length": {"13"}, "Date": {string(date)}}
		var w bytes.Buffer
		b.ReportAllocs()
		for b.Loop() {
			w.Reset()
			w.WriteString("HTTP/1.1 200 OK\r\n")
			_ = h.Write(&w)
			w.WriteString("\r\n")
		}
		b.SetBytes(int64(w.Len()))
	})
}

func BenchmarkRequestHead(b *testing.B) {
	h := RequestHead{Method: []byte("GET"), Target: []byte("/index.html"), Host: []byte("example.com"),
		Fields: mkFields("User-Agent", "purewire", "Accept", "*/*", "Accept-Encoding", "gzip, deflate")}
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		var e Encoder
		dst, _ = e.AppendRequest(dst[:0], &h)
	}
}

func BenchmarkChunk(b *testing.B) {
	dst, p := make([]byte, 0, 4096), make([]byte, 1024)
	b.ReportAllocs()
	b.SetBytes(1024)
	e := Encoder{mode: encChunked}
	for b.Loop() {
		dst, _ = e.AppendBody(dst[:0], p)
	}
}
