package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// samples makes memory samples from megabytes, 30 of each.
func samples(mb ...int64) (s []sample) {
	for _, m := range mb {
		for range 30 {
			s = append(s, sample{rss: m << 20})
		}
	}
	return s
}

// A good run passes; each thing that must not be is a fault.
func TestJudge(t *testing.T) {
	good := func() *report {
		return &report{
			requests: 1, kinds: []*kind{{name: "garbage", episodes: 1}}, samples: samples(10, 40, 43),
			first: sample{fds: 9}, last: sample{fds: 9}, idleGoroutines: 10, goroutines: 12, said: "SIGQUIT: quit\ngoroutine 1 [running]:\n",
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(r *report)
		want  string
	}{
		{"good", func(r *report) {}, ""},
		{"falling", func(r *report) { r.samples = samples(90, 80, 10) }, ""},
		{"one peak", func(r *report) { r.samples[80].rss = 1 << 30 }, ""},
		{"growing", func(r *report) { r.samples = samples(10, 40, 53) }, "memory grows"},
		{"no samples", func(r *report) { r.samples = nil }, "too few samples"},
		{"descriptor left", func(r *report) { r.last.fds++ }, "9 descriptors at the start, 10"},
		{"goroutines left", func(r *report) { r.goroutines = 27 }, "27 at the end"},
		{"panic", func(r *report) { r.said = "panic: oops\n" + r.said }, "complains: panic: oops"},
		{"no attack", func(r *report) { r.kinds[0].episodes = 0 }, "garbage: did not attack"},
		{"nobody served", func(r *report) { r.requests = 0 }, "no honest request"},
	} {
		r := good()
		c.spoil(r)
		r.judge()
		if got := strings.Join(r.faults, "; "); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: faults %q, want %q", c.name, got, c.want)
		}
		if !strings.Contains(r.String(), "memory") || c.want != "" && !strings.Contains(r.String(), "FAULT") {
			t.Errorf("%s: report %s", c.name, r)
		}
	}
}

// An honest client finds an answer that is wrong in one byte, cut, or of another request.
func TestHonestClientFindsLies(t *testing.T) {
	for name, lie := range map[string]string{"/plaintext": "Hello, World?", "/bytes/": "0123", "/echo": `{"method":"POST"}`, "/upload": `{"bytes":1}`, "/sse": "event: tick\n", "/no/": "found"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, lie)
		}))
		h := &honest{addr: strings.TrimPrefix(s.URL, "http://")}
		c := &client{h: h, http: s.Client(), rnd: rand.New(rand.NewPCG(1, 2))}
		var err error
		switch name {
		case "/plaintext":
			err = c.plain(name)
		case "/bytes/":
			err = c.bytes(5, false)
		case "/echo":
			err = c.echo(5, true)
		case "/upload":
			err = c.upload(5, false)
		case "/sse":
			err = c.events()
		case "/no/":
			err = c.missing()
		}
		if err == nil {
			t.Errorf("%s: the lie %q is believed", name, lie)
		}
		if err := c.pipeline(); err == nil {
			t.Errorf("the pipeline believes %q", lie)
		}
		s.Close()
	}
	if isBytes([]byte("0123"), 4) != nil || isBytes([]byte("0124"), 4) == nil || isBytes([]byte("012"), 4) == nil {
		t.Error("isBytes")
	}
}

func TestStatusOf(t *testing.T) {
	for head, want := range map[string]string{"HTTP/1.1 408 Request": "408", "HTTP/1.": "cut", "HTTP/1.1 40": "cut", "HTTP/1.1 4x8 ": "", "HTTP/1.0 200 OK": "", "<html>": ""} {
		if got, ok := statusOf([]byte(head)); got != want || ok != (want != "") {
			t.Errorf("statusOf(%q) = %q, %v", head, got, ok)
		}
	}
}

// Mutations come again with the same seed, and differ from what was valid.
func TestMutate(t *testing.T) {
	mutants := map[string]bool{}
	a, b := rand.New(rand.NewPCG(3, 4)), rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		m := mutate(a)
		if !bytes.Equal(m, mutate(b)) {
			t.Fatal("the same seed gives another mutation")
		}
		mutants[string(m)] = true
	}
	for _, s := range seeds {
		delete(mutants, s)
	}
	if len(mutants) < 950 {
		t.Errorf("only %d mutants", len(mutants))
	}
}

func TestSampleParse(t *testing.T) {
	var s sample
	err := s.parse("Name:\ta b\nVmRSS:\t    2048 kB\nThreads:\t7\n", "12 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 7 0")
	if err != nil || s.rss != 2<<20 || s.threads != 7 || s.cpu != 2*time.Second {
		t.Errorf("%+v, %v", s, err)
	}
	if (&sample{}).parse("", "") == nil {
		t.Error("an empty status passes")
	}
}
