package demo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	// MaxEcho bounds the body that /echo sends back, in bytes. Longer: 413.
	MaxEcho = 1 << 20
	// MaxBytes bounds n of /bytes/{n}. More: 400.
	MaxBytes = 1 << 30
)

func plaintext(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(Plaintext)))
	io.WriteString(w, Plaintext)
}

func json(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, struct {
		Message string `json:"message"`
	}{Plaintext})
}

// writeJSON sends v as one JSON line of known length.
func writeJSON(w http.ResponseWriter, v any) {
	b, err := stdjson.Marshal(v)
	if err != nil {
		http.Error(w, "cannot encode", http.StatusInternalServerError)
		return
	}
	b = append(b, '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b)
}

// Echo is the answer of /echo.
type Echo struct {
	Method   string      `json:"method"`
	Target   string      `json:"target"`
	Version  string      `json:"version"`
	Host     string      `json:"host"`
	Fields   http.Header `json:"fields"`
	Trailers http.Header `json:"trailers,omitempty"`
	// Body is the content if it is valid UTF-8, BodyBase64 if it is not. Length counts its bytes.
	Body       string `json:"body"`
	BodyBase64 string `json:"body_base64,omitempty"`
	Length     int    `json:"length"`
	// Chunked tells that the length was not declared in the head.
	Chunked bool `json:"chunked"`
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxEcho))
	if err != nil {
		bodyError(w, err)
		return
	}
	e := Echo{
		Method: r.Method, Target: r.RequestURI, Version: r.Proto, Host: r.Host,
		Fields: r.Header, Trailers: r.Trailer, Length: len(body), Chunked: r.ContentLength < 0,
	}
	if utf8.Valid(body) {
		e.Body = string(body)
	} else {
		e.BodyBase64 = base64.StdEncoding.EncodeToString(body)
	}
	writeJSON(w, e)
}

// bodyError answers a request whose body could not be read to its end.
func bodyError(w http.ResponseWriter, err error) {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "body incomplete", http.StatusBadRequest)
}

// block is what /bytes/{n} repeats: 64 KiB of digits and letters, a newline every 64 bytes.
var block = func() []byte {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"
	b := make([]byte, 0, 64<<10)
	for len(b) < cap(b) {
		b = append(b, alphabet...)
	}
	return b
}()

func sendBytes(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || n < 0 || n > MaxBytes {
		http.Error(w, fmt.Sprintf("want a number from 0 to %d", int64(MaxBytes)), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	chunked := r.URL.Query().Has("chunked")
	if !chunked {
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	}
	if r.Method == http.MethodHead {
		return
	}
	if chunked {
		// Without this a short body would get a Content-Length all the same.
		http.NewResponseController(w).Flush()
	}
	for n > 0 {
		p := block[:min(n, int64(len(block)))]
		if _, err := w.Write(p); err != nil {
			return
		}
		n -= int64(len(p))
	}
}

// Upload is the answer of /upload.
type Upload struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func upload(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		bodyError(w, err)
		return
	}
	writeJSON(w, Upload{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))})
}

// clock sends the time once a second (or ?every=, at least 10 ms) as server-sent events, ?count= times or until the
// client leaves.
func (h *Handler) clock(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	every, count := time.Second, -1
	if s := q.Get("every"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d < 10*time.Millisecond || d > time.Hour {
			http.Error(w, "every: want a duration from 10ms to 1h", http.StatusBadRequest)
			return
		}
		every = d
	}
	if s := q.Get("count"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			http.Error(w, "count: want a number above 0", http.StatusBadRequest)
			return
		}
		count = n
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	rc := http.NewResponseController(w)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for id := 1; ; id++ {
		now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		if _, err := fmt.Fprintf(w, "id: %d\nevent: tick\ndata: %s\n\n", id, now); err != nil {
			return
		}
		if rc.Flush() != nil || id == count {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-h.done:
			return
		}
	}
}
