package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/cmd/purewire/internal/demo"
)

// parityHandler is the demo and, below /x/, what the demo has no use for: handlers that use every corner of
// http.ResponseWriter. It must behave the same whatever serves it.
func parityHandler() (h http.Handler, done func()) {
	digits := bytes.Repeat([]byte("0123456789"), 1000)
	when := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	d := demo.New(demo.Options{Driver: "parity", Version: "v0", Files: fstest.MapFS{
		"digits": {Data: digits, ModTime: when}, "page.html": {Data: []byte("<p>page</p>"), ModTime: when},
		"sub/index.html": {Data: []byte("<p>index</p>"), ModTime: when}, "sub/data.json": {Data: []byte("{}"), ModTime: when},
		"empty": {ModTime: when}, "big": {Data: bytes.Repeat(digits, 30), ModTime: when},
	}})
	mux := http.NewServeMux()
	mux.Handle("/", d)
	add := func(pattern string, f func(w http.ResponseWriter, r *http.Request)) { mux.HandleFunc("/x/"+pattern, f) }
	add("status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
	})
	add("body/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
		io.WriteString(w, "a body")
	})
	add("nothing", func(http.ResponseWriter, *http.Request) {})
	add("sniff/html", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!DOCTYPE html><p>x") })
	add("sniff/png", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "\x89PNG\r\n\x1a\nrest") })
	add("sniff/text", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "just words") })
	add("sniff/binary", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte{0, 1, 2, 3}) })
	add("sniff/off", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "untyped")
	})
	add("small/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.PathValue("n"), &n)
		w.Write(digits[:n])
	})
	add("pieces/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.PathValue("n"), &n)
		for i := range n {
			fmt.Fprintf(w, "piece %d\n", i)
		}
	})
	add("flush/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.PathValue("n"), &n)
		for i := range n {
			fmt.Fprintf(w, "piece %d\n", i)
			w.(http.Flusher).Flush()
		}
	})
	add("flush-empty", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() })
	add("length", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		w.Write([]byte("12345"))
	})
	add("too-much", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, err := w.Write([]byte("12345"))
		_, more := w.Write([]byte("6"))
		if err != nil || !errors.Is(more, http.ErrContentLength) {
			panic(http.ErrAbortHandler)
		}
	})
	add("fields", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Add("X-Many", "one")
		h.Add("X-Many", "two")
		h.Set("X-Empty", "")
		h["x-lower"] = []string{"kept"}
		h.Set("X-Trim", "  spaces  ")
		h.Add("Set-Cookie", "a=1")
		h.Add("Set-Cookie", "b=2; Path=/")
		h.Set("Server", "own")
		h["Date"] = nil
		w.WriteHeader(200)
		h.Set("X-Late", "not sent")
	})
	add("injection", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Split", "a\r\nX-Injected: b")
		io.WriteString(w, "safe")
	})
	add("own-date", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
		io.WriteString(w, "old")
	})
	add("trailer/declared", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum, X-Count")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "abc")
		w.Header().Set("X-Count", "4")
		w.Header().Set("X-Undeclared", "no")
	})
	add("trailer/prefix", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-After", "yes")
	})
	add("close", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	add("hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</s.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(200)
		io.WriteString(w, "after hints")
	})
	add("twice", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(201)
		w.WriteHeader(202)
		io.WriteString(w, "first wins")
	})
	add("redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/plaintext?x=1", http.StatusFound) })
	add("error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "teapot", http.StatusTeapot) })
	add("unread", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "did not look") })
	add("read-some", func(w http.ResponseWriter, r *http.Request) {
		p := make([]byte, 3)
		n, err := io.ReadFull(r.Body, p)
		fmt.Fprint(w, n, err, string(p))
	})
	add("read-closed", func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close()
		_, err := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, errors.Is(err, http.ErrBodyReadAfterClose))
	})
	add("read-all", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %v length=%d te=%q trailer=%v", len(b), err, r.ContentLength, r.TransferEncoding, r.Trailer)
	})
	add("limit", func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		io.WriteString(w, "fits")
	})
	add("form", func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		fmt.Fprint(w, r.Form.Encode(), " ", r.PostForm.Encode(), " ", err)
	})
	add("multipart", func(w http.ResponseWriter, r *http.Request) {
		f, hd, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		fmt.Fprintf(w, "%s %d %q %v", hd.Filename, hd.Size, b, err)
	})
	add("request", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q %q host=%q proto=%s %d.%d close=%v len=%d te=%q tls=%v\n", r.Method, r.RequestURI, r.URL, r.Host,
			r.Proto, r.ProtoMajor, r.ProtoMinor, r.Close, r.ContentLength, r.TransferEncoding, r.TLS != nil)
		fmt.Fprintf(w, "url: %q %q %q %q %v %q\n", r.URL.Scheme, r.URL.Host, r.URL.Path, r.URL.RawPath, r.URL.ForceQuery, r.URL.RawQuery)
		fmt.Fprintf(w, "body nil=%v none=%v\n", r.Body == nil, r.Body == http.NoBody)
		r.Header.Write(w)
		c := r.Context()
		_, server := c.Value(http.ServerContextKey).(*http.Server)
		_, local := c.Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintf(w, "local=%v err=%v\n", local, c.Err())
		_ = server // only net/http has one
		_, _, err := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintln(w, "remote:", err)
	})
	add("basic", func(w http.ResponseWriter, r *http.Request) {
		u, p, ok := r.BasicAuth()
		c, err := r.Cookie("k")
		fmt.Fprintln(w, u, p, ok, c, err, r.UserAgent(), r.Referer())
	})
	add("copy", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex() // net/http would drop the unread body at the first write
		io.Copy(w, r.Body)
	})
	add("readfrom", func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, bytes.NewReader(digits)) })
	add("serve-content", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "a.txt", when, bytes.NewReader(digits))
	})
	mux.Handle("/x/timeout", http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}), 20*time.Millisecond, "too slow"))
	mux.Handle("/x/strip/", http.StripPrefix("/x/strip", d))
	return mux, d.Close
}

// answer is everything of one response that two servers must agree on.
type answer struct {
	Interim []string
	// Status is the code alone: a client ignores the phrase (RFC 9112 section 4-9), and net/http's are older than RFC 9110.
	// Nor is the version compared: net/http answers HTTP/1.0 in kind, purewire with the version it conforms to (RFC 9110
	// section 6.2-7).
	Status  int
	Header  http.Header
	Length  int64
	TE      []string
	Close   bool
	Body    string
	Trailer http.Header
	// Reused tells whether the connection answered another request behind this one.
	Reused bool
}

// after is sent behind each request to see whether the connection lives.
const after = "GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// exchange sends one request on a connection of its own and reads its answer, and the one to a second request if the
// connection persists.
func exchange(t *testing.T, addr string, c parityCase) answer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	head, content := c.wire()
	send := func(p string) { go io.WriteString(conn, p) } // may block until the answer is read, and fails if the server closes early
	waits := strings.Contains(c.fields, "Expect:") && content != ""
	if !waits {
		head += content
	}
	send(head)
	br := bufio.NewReader(conn)
	var a answer
	var res *http.Response
	for {
		res, err = http.ReadResponse(br, &http.Request{Method: c.method})
		require.NoError(t, err, "%s", c.name)
		if res.StatusCode >= 200 || res.StatusCode == 101 {
			break
		}
		if waits && res.StatusCode == http.StatusContinue {
			send(content)
		}
		a.Interim = append(a.Interim, fmt.Sprint(res.StatusCode, res.Header))
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		b = fmt.Appendf(b, " [%v]", err)
	}
	res.Header.Del("Date")
	a.Status, a.Header, a.Length, a.TE = res.StatusCode, res.Header, res.ContentLength, res.TransferEncoding
	a.Close, a.Body, a.Trailer = res.Close, string(stamp.ReplaceAll(b, []byte("TIME"))), res.Trailer
	if !res.Close {
		io.WriteString(conn, after)
		if next, err := http.ReadResponse(br, nil); err == nil {
			b, _ := io.ReadAll(next.Body)
			a.Reused = string(b) == demo.Plaintext
		}
	}
	if c.refused {
		return answer{Status: a.Status, Reused: a.Reused}
	}
	if c.either {
		a.Close, a.Reused = false, false
		a.Header.Del("Connection")
	}
	return a
}

// stamp is a time as /sse sends it.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)

// The same handlers give the same answers on net/http and on both drivers.
func TestParityWithNetHTTP(t *testing.T) {
	cases := parityCases()
	require.GreaterOrEqual(t, len(cases), 150)
	want := map[string]answer{}
	for _, driver := range append([]string{"nethttp"}, backendNames()...) {
		h, done := parityHandler()
		b, err := backends[driver](serveFlags{addr: "127.0.0.1:0", driver: driver}, h)
		require.NoError(t, err)
		t.Run(driver, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					got := exchange(t, b.Addr().String(), c)
					if driver == "nethttp" {
						if _, ok := want[c.name]; !ok {
							want[c.name] = got
						}
						require.Equal(t, c.status, strconv.Itoa(got.Status), "the table's own expectation: %+v", got)
					}
					require.Equal(t, want[c.name], got)
				})
			}
		})
		done()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_, err = b.Shutdown(ctx)
		cancel()
		require.NoError(t, err)
	}
}

// The built-in samples exist also where a directory is not given.
func TestDirectoryFlagChangesFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("mine"), 0o600))
	r := startServe(t, "--driver", "nethttp", "--dir", dir)
	_, body := fetch(t, r.url+"/files/hello.txt")
	require.Equal(t, "mine", body)
	r.stop(t)
	r = startServe(t, "--driver", "nethttp")
	_, body = fetch(t, r.url+"/files/hello.txt")
	require.Contains(t, body, "built into purewire")
	r.stop(t)
}
