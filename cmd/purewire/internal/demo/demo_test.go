package demo

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	stdjson "encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// get sends one request to a fresh demo on net/http and returns the answer with its whole body.
func get(t *testing.T, o Options, r *http.Request) (*http.Response, string) {
	t.Helper()
	h := New(o)
	defer h.Close()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

func TestPlaintextIsThirteenBytes(t *testing.T) {
	for _, path := range []string{"/plaintext", NativePath} {
		res, body := get(t, Options{}, httptest.NewRequest("GET", path, nil))
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, "Hello, World!", body)
		require.Equal(t, "13", res.Header.Get("Content-Length"))
		require.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
	}
}

func TestJSON(t *testing.T) {
	res, body := get(t, Options{}, httptest.NewRequest("GET", "/json", nil))
	require.Equal(t, "application/json", res.Header.Get("Content-Type"))
	require.Equal(t, "{\"message\":\"Hello, World!\"}\n", body)
}

func TestEchoTellsTheWholeRequest(t *testing.T) {
	r := httptest.NewRequest("POST", "/echo?a=1&b=%20", strings.NewReader("b\u00f6dy"))
	r.Header.Add("X-Two", "one")
	r.Header.Add("X-Two", "two")
	_, body := get(t, Options{}, r)
	var e Echo
	require.NoError(t, stdjson.Unmarshal([]byte(body), &e))
	require.Equal(t, Echo{
		Method: "POST", Target: "/echo?a=1&b=%20", Version: "HTTP/1.1", Host: "example.com",
		Fields: http.Header{"X-Two": {"one", "two"}}, Body: "b\u00f6dy", Length: 5,
	}, e)
}

func TestEchoOfBytesThatAreNoText(t *testing.T) {
	_, body := get(t, Options{}, httptest.NewRequest("PUT", "/echo", bytes.NewReader([]byte{0xff, 0xfe, 0})))
	var e Echo
	require.NoError(t, stdjson.Unmarshal([]byte(body), &e))
	require.Equal(t, "//4A", e.BodyBase64)
	require.Equal(t, 3, e.Length)
}

func TestEchoRefusesALongBody(t *testing.T) {
	res, _ := get(t, Options{}, httptest.NewRequest("POST", "/echo", strings.NewReader(strings.Repeat("x", MaxEcho))))
	require.Equal(t, 200, res.StatusCode, "the longest body that fits")
	res, _ = get(t, Options{}, httptest.NewRequest("POST", "/echo", strings.NewReader(strings.Repeat("x", MaxEcho+1))))
	require.Equal(t, 413, res.StatusCode)
}

func TestBytes(t *testing.T) {
	for _, tt := range []struct {
		path   string
		status int
		n      int
	}{
		{"/bytes/0", 200, 0}, {"/bytes/1", 200, 1}, {"/bytes/65535", 200, 65535}, {"/bytes/65536", 200, 65536},
		{"/bytes/65537", 200, 65537}, {"/bytes/200000", 200, 200000}, {"/bytes/70000?chunked", 200, 70000},
		{"/bytes/-1", 400, -1}, {"/bytes/x", 400, -1}, {"/bytes/1073741825", 400, -1},
	} {
		res, body := get(t, Options{}, httptest.NewRequest("GET", tt.path, nil))
		require.Equal(t, tt.status, res.StatusCode, tt.path)
		if tt.n >= 0 {
			require.Len(t, body, tt.n, tt.path)
			require.True(t, strings.HasPrefix(strings.Repeat(string(block), 4), body), tt.path)
			require.Equal(t, strings.Contains(tt.path, "chunked"), res.Header.Get("Content-Length") == "", tt.path)
		} else {
			require.Equal(t, "want a number from 0 to 1073741824\n", body, "an error must not echo the request")
		}
	}
}

func TestUploadCountsAndHashes(t *testing.T) {
	data := bytes.Repeat([]byte("purewire"), 50000)
	_, body := get(t, Options{}, httptest.NewRequest("PUT", "/upload", bytes.NewReader(data)))
	sum := sha256.Sum256(data)
	require.JSONEq(t, `{"bytes":400000,"sha256":"`+hex.EncodeToString(sum[:])+`"}`, body)
}

// brokenBody fails after a few bytes, as a body does whose sender leaves.
type brokenBody struct{ n int }

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.n++; b.n > 2 {
		return 0, io.ErrUnexpectedEOF
	}
	return copy(p, "half"), nil
}

func TestUploadThatBreaksOff(t *testing.T) {
	for _, path := range []string{"/upload", "/echo"} {
		res, body := get(t, Options{}, httptest.NewRequest("POST", path, &brokenBody{}))
		require.Equal(t, 400, res.StatusCode)
		require.Equal(t, "body incomplete\n", body)
	}
}

func TestFilesOfTheBinaryAndOfADirectory(t *testing.T) {
	res, body := get(t, Options{}, httptest.NewRequest("GET", "/files/digits.txt", nil))
	require.Equal(t, 200, res.StatusCode)
	require.Len(t, body, 71)

	r := httptest.NewRequest("GET", "/files/digits.txt", nil)
	r.Header.Set("Range", "bytes=10-14")
	res, body = get(t, Options{}, r)
	require.Equal(t, 206, res.StatusCode)
	require.Equal(t, "01234", body)
	require.Equal(t, "bytes 10-14/71", res.Header.Get("Content-Range"))

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("own file"), 0o600))
	res, body = get(t, Options{Files: os.DirFS(dir)}, httptest.NewRequest("GET", "/files/mine", nil))
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "own file", body)
	require.NotEmpty(t, res.Header.Get("Last-Modified"))
}

func TestMethodsThatDoNotFit(t *testing.T) {
	for _, tt := range []struct{ method, path string }{
		{"GET", "/upload"}, {"POST", "/bytes/1"}, {"POST", "/"}, {"DELETE", "/sse"}, {"POST", "/files/hello.txt"},
	} {
		res, _ := get(t, Options{}, httptest.NewRequest(tt.method, tt.path, nil))
		require.Equal(t, 405, res.StatusCode, "%s %s", tt.method, tt.path)
		require.NotEmpty(t, res.Header.Get("Allow"))
	}
	res, _ := get(t, Options{}, httptest.NewRequest("GET", "/nowhere", nil))
	require.Equal(t, 404, res.StatusCode)
}

func TestClockTicksAsOftenAsAsked(t *testing.T) {
	res, body := get(t, Options{}, httptest.NewRequest("GET", "/sse?every=10ms&count=3", nil))
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	require.Equal(t, 3, strings.Count(body, "event: tick\n"))
	require.Contains(t, body, "id: 3\n")
	for _, q := range []string{"every=1ms", "every=x", "every=2h", "count=0", "count=x"} {
		res, _ = get(t, Options{}, httptest.NewRequest("GET", "/sse?"+q, nil))
		require.Equal(t, 400, res.StatusCode, q)
	}
}

func TestClockEndsWithTheDemoAndWithTheClient(t *testing.T) {
	h := New(Options{})
	srv := httptest.NewServer(h)
	defer srv.Close()
	first := func() *http.Response {
		res, err := http.Get(srv.URL + "/sse?every=1h")
		require.NoError(t, err)
		line, err := bufio.NewReaderSize(res.Body, 16).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "id: 1\n", line)
		return res
	}
	first().Body.Close()
	res := first()
	defer res.Body.Close()
	h.Close()
	h.Close()
	ended := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, res.Body); ended <- err }()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("the stream outlived Close")
	}
}

func TestPageIsFilledAndSelfContained(t *testing.T) {
	res, body := get(t, Options{Driver: "<reactor>", Version: "v1.2.3"}, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	require.Contains(t, body, `<b id="driver">&lt;reactor&gt;</b>`)
	require.Contains(t, body, "v1.2.3")
	for driver, lead := range leads {
		_, body := get(t, Options{Driver: driver}, httptest.NewRequest("GET", "/", nil))
		require.Contains(t, body, lead)
	}
	require.NotContains(t, body, "{{")
	// The only addresses in it are its own paths and the name of the SVG language.
	require.NotRegexp(t, `(src|href)="(https?:)?//`, body)
	require.NotContains(t, body, "@import")
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
}

func ExampleNew() {
	h := New(Options{Driver: "nethttp"})
	srv := httptest.NewServer(h)
	defer srv.Close()
	res, err := http.Get(srv.URL + "/json")
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	io.Copy(os.Stdout, res.Body)
	// Output: {"message":"Hello, World!"}
}
