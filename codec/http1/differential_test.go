package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// encodeParts encodes one message from parts; ok is false if the encoder refuses it.
func encodeParts(t *testing.T, response, chunked bool, method, target, name, value, body string) (out []byte, ok bool) {
	t.Helper()
	fields := mkFields("First", "1", name, value, "Last", "2")
	f := Length
	if chunked {
		f = Chunked
	}
	var e Encoder
	var err error
	if response {
		out, err = e.AppendResponse(nil, &ResponseHead{Status: 200, Reason: []byte(target), Fields: fields, Framing: f, Length: int64(len(body))})
	} else {
		out, err = e.AppendRequest(nil, &RequestHead{Method: []byte(method), Target: []byte(target), Host: []byte("h"), Fields: fields,
			Framing: f, Length: int64(len(body))})
	}
	if err != nil {
		if len(out) != 0 || e != (Encoder{}) {
			t.Fatalf("refused (%v), but %q, %+v", err, out, e)
		}
		return nil, false
	}
	half := len(body) / 2
	if out, err = e.AppendBody(out, []byte(body[:half])); err != nil {
		t.Fatal(err)
	}
	if out, err = e.AppendBodyHead(out, len(body)-half); err != nil {
		t.Fatal(err)
	}
	out = append(out, body[half:]...)
	if chunked {
		if out, err = e.AppendEnd(out, mkFields("X-Sum", value)); err != nil {
			t.Fatal(err)
		}
	} else if out, err = e.AppendEnd(out, nil); err != nil {
		t.Fatal(err)
	}
	return out, true
}

// readsSame checks that net/http reads what encodeParts wrote, with a marker behind it, as it was meant. It knows
// nothing of this package. Where net/http draws conclusions of its own from a field, nothing is checked.
func readsSame(t *testing.T, out []byte, response, chunked bool, method, target, name, value, body string) {
	t.Helper()
	br := bufio.NewReader(io.MultiReader(bytes.NewReader(out), strings.NewReader("MARK")))
	var h, trailer http.Header
	var rc io.ReadCloser
	if response {
		r, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		// net/http takes white space off the phrase.
		if got := strings.TrimLeft(strings.TrimPrefix(r.Status, "200"), " "); strings.TrimSpace(got) != strings.TrimSpace(target) {
			t.Fatalf("%q: reason %q", out, got)
		}
		h, rc = r.Header, r.Body
		checkBody(t, out, rc, br, body)
		trailer = r.Trailer
	} else {
		if _, err := url.ParseRequestURI(target); err != nil || strings.HasPrefix(target, "//") {
			return // net/http also wants a well-formed URL
		}
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if r.Method != method || r.RequestURI != target || r.Host != "h" && !strings.Contains(target, "://") {
			t.Fatalf("%q: %q %q %q", out, r.Method, r.RequestURI, r.Host)
		}
		h = r.Header
		checkBody(t, out, r.Body, br, body)
		trailer = r.Trailer
	}
	want := strings.Join(h[http.CanonicalHeaderKey(name)], "|")
	exp := value
	switch http.CanonicalHeaderKey(name) {
	case "First":
		exp = "1|" + value
	case "Last":
		exp = value + "|2"
	}
	if want != exp || h.Get("First") == "" || h["Last"][len(h["Last"])-1] != "2" {
		t.Fatalf("%q: %v", out, h)
	}
	if chunked && trailer.Get("X-Sum") != value || !chunked && len(trailer) != 0 {
		t.Fatalf("%q: trailers %v", out, trailer)
	}
}

func checkBody(t *testing.T, out []byte, rc io.ReadCloser, br *bufio.Reader, body string) {
	t.Helper()
	got, err := io.ReadAll(rc)
	rest, _ := io.ReadAll(br)
	if err != nil || string(got) != body || string(rest) != "MARK" {
		t.Fatalf("%q: body %q, then %q, %v", out, got, rest, err)
	}
}

// ownConclusions are fields from which net/http concludes something when it reads a message.
func ownConclusions(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Host", "Connection", "Trailer", "Pragma", "Expect":
		return true
	}
	return false
}

// randomText gives mostly letters, and one byte in wild from a list of troublemakers.
func randomText(rng *rand.Rand, limit, wild int) string {
	const trouble = "abcXYZ019-_.:;,/?# \t\r\n\x00\x7f\xe9%&=\"\\()[]"
	b := make([]byte, rng.IntN(limit)+1)
	for i := range b {
		if rng.IntN(wild) == 0 {
			b[i] = trouble[rng.IntN(len(trouble))]
		} else {
			b[i] = "abcdefghijklmnopqrstuvwxyz"[rng.IntN(26)]
		}
	}
	return string(b)
}

// THREATS H1-18, against an independent parser: what the encoder accepts, net/http reads as it was meant.
func TestRandomAgainstNetHTTP(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	accepted := 0
	for i := range n {
		response, chunked := i&1 == 0, i&2 == 0
		method, target := randomText(rng, 6, 60), "/"+randomText(rng, 12, 60)
		name, value, body := randomText(rng, 8, 60), randomText(rng, 20, 20), randomText(rng, 30, 2)
		out, ok := encodeParts(t, response, chunked, method, target, name, value, body)
		if ok {
			accepted++
			readsSame(t, out, response, chunked, method, target, name, value, body)
		}
	}
	if accepted < n/4 || accepted > n*19/20 {
		t.Errorf("%d of %d accepted: the generator misses the mark", accepted, n)
	}
}

func FuzzEncodeAgainstNetHTTP(f *testing.F) {
	for i, s := range [][4]string{{"GET", "/", "A", "b"}, {"POST", "/a?b", "Content-Type", "x"}, {"", "OK", "Set-Cookie", "a=1\tb"},
		{"G T", "/ HTTP/1.1\r\nX:", "A\r\nB", "b\r\n\r\nGET / HTTP/1.1"}, {"PUT", "http://a/", "Content-Length", "5"}} {
		f.Add(i&1 == 0, i&2 == 0, s[0], s[1], s[2], s[3], fmt.Sprint("body", i, "\r\n0\r\n\r\n"))
	}
	f.Fuzz(func(t *testing.T, response, chunked bool, method, target, name, value, body string) {
		if ownConclusions(name) {
			return
		}
		if out, ok := encodeParts(t, response, chunked, method, target, name, value, body); ok {
			readsSame(t, out, response, chunked, method, target, name, value, body)
		}
	})
}
