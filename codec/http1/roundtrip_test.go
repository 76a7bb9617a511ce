package http1

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

// encodeMessage encodes what decodeAll found again: the framing fields come from the head's members.
func encodeMessage(e *Encoder, dst []byte, m *message, method Method) ([]byte, error) {
	var fields []codec.Field
	var upgrade []byte
	for _, f := range m.ev.Fields {
		switch LookupName(f.Name) {
		case NameContentLength, NameTransferEncoding, NameKeepAlive, NameExpect:
			continue
		case NameHost:
			if m.ev.Kind == Request {
				continue
			}
		case NameConnection:
			if keep := otherOptions(f.Value); keep != "" {
				fields = append(fields, codec.Field{Name: f.Name, Value: []byte(keep)})
			}
			continue
		case NameUpgrade:
			if m.ev.Upgrade {
				upgrade = f.Value
			}
			continue
		}
		fields = append(fields, f)
	}
	f, length := m.ev.Framing, m.ev.Length
	var err error
	if m.ev.Kind == Request {
		h := RequestHead{Method: m.ev.Method, Target: m.ev.Target, HTTP10: m.ev.Minor == 0, Host: Get(m.ev.Fields, "Host"),
			Fields: fields, Framing: f, Length: length, Close: !m.ev.KeepAlive, Upgrade: upgrade, Expect100: m.ev.Expect100}
		dst, err = e.AppendRequest(dst, &h)
	} else {
		h := ResponseHead{Status: m.ev.Status, Reason: m.ev.Reason, Fields: fields, Framing: f, Length: length,
			ToHEAD: method == MethodHead, ToCONNECT: method == MethodConnect, Close: !m.ev.KeepAlive, Upgrade: upgrade,
			HTTP10: m.ev.Minor == 0}
		if f == NoBody && length >= 0 && h.Status != 204 {
			h.Framing = Length // what a response to HEAD or a 304 declares
		}
		dst, err = e.AppendResponse(dst, &h)
	}
	if err == nil {
		dst, err = e.AppendBody(dst, m.body)
	}
	if err == nil && m.ended {
		dst, err = e.AppendEnd(dst, m.trailers)
	}
	return dst, err
}

// otherOptions returns the connection options that are not the encoder's.
func otherOptions(list []byte) string {
	var keep []string
	for len(list) > 0 {
		var tok []byte
		tok, list = cutToken(list)
		if len(tok) > 0 && IsToken(tok) && !EqualFold(tok, "close") && !EqualFold(tok, "keep-alive") && !EqualFold(tok, "upgrade") {
			keep = append(keep, string(tok))
		}
	}
	return strings.Join(keep, ", ")
}

// meaning renders what two messages must have in common to be equal.
func meaning(m *message) string {
	var log codectest.Log
	ev := m.ev
	ev.Fields = nil
	if ev.Kind == Request && ev.Framing == NoBody && ev.Length <= 0 {
		ev.Framing, ev.Length = Length, 0 // POST says so, GET does not
	}
	if ev.Minor == 0 && ev.Kind == Response {
		ev.Minor = 1 // a server sends its own version
	}
	renderEvent(&log, &ev)
	for _, f := range m.ev.Fields {
		switch LookupName(f.Name) {
		case NameContentLength, NameTransferEncoding, NameKeepAlive, NameExpect, NameUpgrade, NameConnection, NameHost:
			continue
		}
		log.Event("  %s: %s", codectest.Escape(f.Name), codectest.Quote(f.Value))
	}
	log.Data("body", append([]byte("="), m.body...))
	for _, f := range m.trailers {
		log.Event("  %s: %s", codectest.Escape(f.Name), codectest.Quote(f.Value))
	}
	return strings.Join(log.Lines(), "\n")
}

// Law 10 on the corpus: what decodes without error is encoded again and decodes equal. What the encoder refuses to send
// is listed: the decoder accepts it for the sake of others.
func TestCorpusRoundTrip(t *testing.T) {
	cases, err := codectest.LoadGolden(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	refusals := map[string]int{}
	done := 0
	for _, c := range cases {
		mode, err := parseMode(c.Mode)
		if err != nil {
			t.Fatal(err)
		}
		eof := c.Mode.Has("eof")
		msgs, _, err := decodeAll(&mode, c.Input, eof)
		if err != nil || len(msgs) == 0 || !msgs[len(msgs)-1].ended {
			continue
		}
		for i := range msgs {
			m := &msgs[i]
			one := mode
			method := MethodOther
			if mode.response {
				method = mode.to[i]
				one.to = mode.to[i : i+1]
			}
			var e Encoder
			out, err := encodeMessage(&e, nil, m, method)
			var he *Error
			if errors.As(err, &he) {
				refusals[he.Reason]++
				continue
			}
			again, left, err := decodeAll(&one, out, m.ev.Framing == UntilClose)
			if err != nil || left != 0 || len(again) != 1 {
				t.Errorf("%s: encoded as %q: %v, %d messages", c.Name, out, err, len(again))
				continue
			}
			if a, b := meaning(m), meaning(&again[0]); a != b {
				t.Errorf("%s: encoded as %q\n--- was\n%s\n--- is\n%s", c.Name, out, a, b)
			}
			var e2 Encoder
			if twice, err := encodeMessage(&e2, nil, &again[0], method); err != nil || m.ev.Minor == 1 && !bytes.Equal(out, twice) {
				t.Errorf("%s: encoded as %q, then as %q, %v", c.Name, out, twice, err)
			}
			done++
		}
	}
	if done < 150 {
		t.Errorf("only %d round trips", done)
	}
	allowed := map[string]bool{
		ReasonEncTrailer:    true, // names that the decoder's list does not have
		ReasonEncMethodBody: true, // content with CONNECT
		ReasonEncExpect:     true, // an expectation without content
		ReasonEncUpgrade:    true, // a malformed Upgrade list
	}
	for r, n := range refusals {
		if !allowed[r] {
			t.Errorf("%d messages that decode are refused with %q", n, r)
		}
	}
}

// roundTrip encodes a message from parts and, if it is accepted, decodes it and compares. It returns whether it was.
func roundTrip(t *testing.T, response, chunked bool, method, target, name, value, body string) bool {
	t.Helper()
	out, accepted := encodeParts(t, response, chunked, method, target, name, value, body)
	if !accepted {
		return false
	}
	mode := caseMode{response: response, to: []Method{MethodGet}, profile: defaultProfile}
	msgs, left, err := decodeAll(&mode, out, false)
	if err != nil || left != 0 || len(msgs) != 1 || !msgs[0].ended {
		t.Fatalf("%q: %v, %d left, %d messages", out, err, left, len(msgs))
	}
	m := &msgs[0]
	got := m.ev.Fields
	if !response {
		if string(m.ev.Method) != method || string(m.ev.Target) != target || string(got[0].Value) != "h" {
			t.Fatalf("%q: %q %q", out, m.ev.Method, m.ev.Target)
		}
		got = got[1:]
	} else if m.ev.Status != 200 || string(m.ev.Reason) != target {
		t.Fatalf("%q: %d %q", out, m.ev.Status, m.ev.Reason)
	}
	var trailers []codec.Field
	if chunked {
		trailers = mkFields("X-Sum", value)
	}
	if len(got) != 4 || showFields(got[:3]) != showFields(mkFields("First", "1", name, value, "Last", "2")) || string(m.body) != body ||
		showFields(m.trailers) != showFields(trailers) {
		t.Fatalf("%q: fields %s, trailers %s, body %q", out, showFields(got), showFields(m.trailers), m.body)
	}
	return true
}

// THREATS H1-18, second half: what the encoder accepts is read back the same by the decoder, for random inputs.
func TestRandomRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	accepted := 0
	for i := range n {
		if roundTrip(t, i&1 == 0, i&2 == 0, randomText(rng, 6, 60), "/"+randomText(rng, 12, 60), randomText(rng, 8, 60),
			randomText(rng, 20, 20), randomText(rng, 30, 2)) {
			accepted++
		}
	}
	if accepted < n/4 || accepted > n*19/20 {
		t.Errorf("%d of %d accepted: the generator misses the mark", accepted, n)
	}
}

// The encoder's check of targets is the decoder's.
func TestTargetFits(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	parts := []string{"/", "*", "http", "://", ":", "a", "[::1]", "@", "?", "80", "#", " ", "\x80", "1.2.3.4", "-", "99999", "[", ","}
	fit := 0
	for range 200_000 {
		var b []byte
		for range rng.IntN(7) {
			b = append(b, parts[rng.IntN(len(parts))]...)
		}
		for _, m := range []Method{MethodGet, MethodConnect, MethodOptions, MethodOther} {
			_, want := ParseTarget(m, b)
			if got := targetFits(m, b); got != want {
				t.Fatalf("%v %q: %v, ParseTarget says %v", m, b, got, want)
			}
			if want {
				fit++
			}
		}
	}
	if fit < 10_000 {
		t.Errorf("only %d targets fit", fit)
	}
}

func FuzzEncodeRoundTrip(f *testing.F) {
	f.Add(false, false, "GET", "/", "A", "b", "")
	f.Add(false, true, "POST", "/a?b", "Content-Type", "x", "hello")
	f.Add(true, true, "", "OK", "Set-Cookie", "a=1\tb", "0\r\n\r\n")
	f.Add(true, false, "", "", "content-length", "5", "hello")
	f.Add(false, false, "G T", "/ HTTP/1.1\r\nX:", "A\r\nB", "b\r\n\r\nGET / HTTP/1.1", "x")
	f.Fuzz(func(t *testing.T, response, chunked bool, method, target, name, value, body string) {
		if len(method)+len(target)+len(name)+len(value) > 4000 {
			return // within the decoder's default limits
		}
		switch LookupName([]byte(name)) {
		case NameHost, NameExpect, NameConnection: // the decoder draws conclusions from them
			return
		}
		roundTrip(t, response, chunked, method, target, name, value, body)
	})
}
