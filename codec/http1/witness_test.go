package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// netHTTPRefuses lists the honest requests of the corpus that net/http will not read, and why that is its own choice.
var netHTTPRefuses = map[string]string{
	"chunk extension  ;a":      "BWS in front of an extension (RFC 9112 section 7.1.1-2)",
	"chunk extension  ; a = b": "BWS in front of an extension (RFC 9112 section 7.1.1-2)",
	"chunk excess limit none":  "its own limit on chunk overhead cannot be turned off",
}

// The hand-written verdicts of the corpus have a witness that knows nothing of this package: every request that they call
// good is read by net/http, to its end and as the same number of messages, but those listed above.
func TestVerdictsWitness(t *testing.T) {
	cases, err := codectest.LoadGolden("../../corpus/http1")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 400 {
		t.Errorf("%d cases, want at least 400", len(cases))
	}
	honest, refused, alike := 0, 0, 0
	for _, c := range cases {
		if !c.Mode.Has("request") || len(c.Source) == 0 || c.Source[0] == "" {
			if len(c.Source) == 0 {
				t.Errorf("%s names no source", c.Name)
			}
			continue
		}
		verdict := c.Mode.Get("verdict")
		if verdict == "" {
			t.Errorf("%s has no verdict", c.Name)
		}
		if len(c.Mode.List("lenient")) > 0 {
			continue
		}
		want := c.Mode.Int("messages")
		if want == 0 && verdict == "ok" && len(c.Input) > 0 {
			want = 1
		}
		got, err := readRequests(c.Input)
		switch {
		case verdict == "ok":
			honest++
			if (err != nil || got != want) && netHTTPRefuses[c.Name] == "" {
				t.Errorf("%s: net/http reads %d of %d messages: %v", c.Name, got, want, err)
			}
		case verdict != "more" && !c.Mode.Has("eof"):
			refused++
			if err != nil {
				alike++
			}
		}
	}
	t.Logf("%d honest, %d refused, of which net/http refuses %d", honest, refused, alike)
}

// readRequests reads requests until the input ends.
func readRequests(in []byte) (n int, err error) {
	br := bufio.NewReader(bytes.NewReader(bytes.TrimLeft(in, "\r\n")))
	for {
		if _, err := br.Peek(1); err == io.EOF {
			return n, nil
		}
		r, err := http.ReadRequest(br)
		if err != nil {
			return n, err
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil && !strings.Contains(err.Error(), "trailer") {
			return n, err
		}
		n++
		for {
			b, err := br.Peek(2)
			if err != nil || string(b) != "\r\n" {
				break
			}
			_, _ = br.Discard(2)
		}
	}
}
