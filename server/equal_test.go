package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// equalHandlers are used by the comparison with net/http.
func equalHandlers() http.Handler {
	m := http.NewServeMux()
	h := func(p string, f http.HandlerFunc) { m.HandleFunc(p, f) }
	h("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello, World!") })
	h("/none", func(w http.ResponseWriter, r *http.Request) {})
	h("/html", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html><body>x</body></html>") })
	h("/png", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("\x89PNG\x0D\x0A\x1A\x0A....")) })
	h("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(n)
		io.WriteString(w, "body of "+r.PathValue("code"))
	})
	h("/bare/{code}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(n)
	})
	h("/bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Write(bytes.Repeat([]byte("x"), n))
	})
	h("/pieces/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		for range n {
			io.WriteString(w, "0123456789")
		}
	})
	h("/length/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Header().Set("Content-Length", r.PathValue("n"))
		w.Write(bytes.Repeat([]byte("y"), n))
	})
	h("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "12345")
	})
	h("/long", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, err := io.WriteString(w, "1234567890")
		if !errors.Is(err, http.ErrContentLength) {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "")
	})
	h("/flush", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "one,")
		w.(http.Flusher).Flush()
		io.WriteString(w, "two")
	})
	h("/flushonly", func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() })
	h("/type", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-test")
		io.WriteString(w, "{}")
	})
	h("/notype", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "{}")
	})
	h("/encoding", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		io.WriteString(w, "<html>")
	})
	h("/nodate", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("X-A", "b")
	})
	h("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	h("/trailer", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum, X-Other")
		io.WriteString(w, "content")
		w.Header().Set("X-Sum", "42")
		w.Header().Set("X-Late", "not sent")
	})
	h("/trailerprefix", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "content")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "43")
	})
	h("/late", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Early", "1")
		w.WriteHeader(201)
		w.Header().Set("X-Late", "2")
		io.WriteString(w, "x")
	})
	h("/twice", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(202); w.WriteHeader(500) })
	h("/multi", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("X-Inject", "a\r\nEvil: 1")
		w.Header()["bad name"] = []string{"x"}
		w.Header().Set("X-Blank", "  padded  ")
		io.WriteString(w, "ok")
	})
	h("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(103)
		w.WriteHeader(102)
		io.WriteString(w, "final")
	})
	h("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s host=%s uri=%s path=%s raw=%s q=%s force=%v cl=%d te=%v close=%v body=%q err=%v trailer=%v\n",
			r.Method, r.Proto, r.URL.String(), r.Host, r.RequestURI, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery,
			r.ContentLength, r.TransferEncoding, r.Close, b, err, r.Trailer)
		var keys []string
		for k := range r.Header {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			fmt.Fprintf(w, "%s=%q\n", k, r.Header[k])
		}
	})
	m.Handle("/echo/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "path=%q raw=%q escaped=%q", r.URL.Path, r.URL.RawPath, r.URL.EscapedPath())
	}))
	h("/ignore", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ignored") })
	h("/readone", func(w http.ResponseWriter, r *http.Request) {
		var b [1]byte
		n, err := io.ReadFull(r.Body, b[:])
		fmt.Fprintf(w, "%d %v %q", n, err, b[:n])
	})
	h("/max", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4)
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%q %v", b, err)
	})
	h("/form", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%v %v", r.ParseForm(), r.Form) })
	h("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/hello", http.StatusFound) })
	h("/file", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f.txt", time.Unix(1_600_000_000, 0), strings.NewReader("0123456789abcdef"))
	})
	h("/readfrom", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, strings.NewReader(strings.Repeat("z", 50_000)))
	})
	h("/controller", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		fmt.Fprint(w, c.SetReadDeadline(time.Now().Add(time.Minute)), c.SetWriteDeadline(time.Now().Add(time.Minute)), c.EnableFullDuplex())
	})
	h("/te", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Transfer-Encoding", "chunked")
		io.WriteString(w, "chunky")
	})
	h("/identity", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Transfer-Encoding", "identity")
		io.WriteString(w, "until close")
	})
	h("/abort", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	h("/closebody", func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close()
		_, err := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, err)
	})
	return m
}

// equalRequests is the table: what a client sends on one connection before it finishes sending.
func equalRequests() (list []string) {
	get := func(method, target, version, extra string) string {
		return method + " " + target + " HTTP/" + version + "\r\nHost: example.com\r\n" + extra + "\r\n"
	}
	paths := []string{"/hello", "/none", "/html", "/png", "/bytes/1", "/bytes/2047", "/bytes/2048", "/bytes/2049", "/bytes/5000", "/bytes/200000",
		"/pieces/10", "/pieces/204", "/pieces/205", "/pieces/5000", "/length/0", "/length/5", "/length/5000", "/flush", "/flushonly", "/type", "/notype", "/encoding", "/nodate", "/close", "/trailer", "/trailerprefix",
		"/late", "/twice", "/multi", "/echo", "/redirect", "/file", "/readfrom", "/te", "/ignore", "/missing", "/controller"}
	for _, p := range paths {
		list = append(list, get("GET", p, "1.1", ""), get("HEAD", p, "1.1", ""), get("GET", p, "1.0", ""))
	}
	for _, p := range []string{"/hello", "/none", "/bytes/5000", "/length/5", "/flush", "/close"} {
		list = append(list, get("GET", p, "1.0", "Connection: keep-alive\r\n"), get("HEAD", p, "1.0", "Connection: keep-alive\r\n"),
			get("GET", p, "1.1", "Connection: close\r\n"), get("GET", p, "1.1", "")+get("GET", "/hello", "1.1", ""), get("DELETE", p, "1.1", ""))
	}
	for _, c := range []string{"200", "201", "202", "203", "204", "206", "300", "301", "303", "304", "307", "400", "401", "403", "404", "405", "409", "410", "413", "418", "422", "429", "451", "500", "501", "502", "503", "599", "299"} {
		list = append(list, get("GET", "/status/"+c, "1.1", ""), get("GET", "/bare/"+c, "1.1", ""))
	}
	for _, t := range []string{"/echo?", "/echo?a=b&c=%20d", "/echo?x=?y", "/echo/%2F%41", "/echo/a%20b", "/echo/a!b*c", "/echo/a;b=c", "/echo/(x)", "/echo/[x]", "/echo//x", "/echo/../hello", "http://other.example/echo?x=1", "http://other.example", "/hello/", "/echo/%zz"} {
		list = append(list, get("GET", t, "1.1", ""))
	}
	post := func(target, extra, body string) string { return get("POST", target, "1.1", extra) + body }
	for _, p := range []string{"/echo", "/ignore", "/readone", "/max", "/none", "/closebody"} {
		list = append(list,
			post(p, "Content-Length: 0\r\n", ""),
			post(p, "Content-Length: 5\r\n", "hello"),
			post(p, "Content-Length: 3\r\n", "abc"),
			post(p, "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"),
			post(p, "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n", "3\r\nabc\r\n0\r\nX-T: v\r\n\r\n"))
	}
	for _, p := range []string{"/echo", "/ignore", "/readone"} {
		list = append(list, post(p, "Content-Length: 5\r\n", "hello")+get("GET", "/hello", "1.1", ""))
	}
	list = append(list,
		post("/form", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n", "a=1&b=2"),
		post("/echo", "Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"),
		get("OPTIONS", "*", "1.1", ""),
		get("OPTIONS", "/hello", "1.1", ""),
		get("PATCH", "/echo", "1.1", ""),
		get("BREW", "/echo", "1.1", ""),
		get("GET", "/echo", "1.1", "X-Dup: 1\r\nx-dup: 2\r\nX-Empty:\r\naccept-ENCODING: gzip\r\n"),
		get("GET", "/echo", "1.1", "Pragma: no-cache\r\n"),
		get("GET", "/echo", "1.1", "ETag: x\r\nDNT: 1\r\nTE: trailers\r\nWWW-Authenticate: y\r\n"),
		get("GET", "/file", "1.1", "Range: bytes=2-5\r\n"),
		get("GET", "/file", "1.1", "Range: bytes=99-\r\n"),
		get("GET", "/file", "1.1", "If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT\r\n"),
		get("GET", "/hints", "1.1", ""),
		get("GET", "/short", "1.1", ""),
		get("GET", "/long", "1.1", ""),
		get("GET", "/abort", "1.1", ""),
		get("GET", "/hello", "1.1", "")+get("GET", "/none", "1.1", "")+get("GET", "/bytes/5000", "1.1", "")+get("GET", "/close", "1.1", "")+get("GET", "/hello", "1.1", ""),
		"GET /hello HTTP/1.1\r\n\r\n",
		"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET /hello HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
		"GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"GET /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
		"GARBAGE\r\n\r\n",
	)
	return list
}

// equalDifferences are ours on purpose: the function takes away what may differ for requests that contain the key.
var equalDifferences = map[string]func(got, want *answer){
	// RFC 9110 section 10.1.1-13.2: a server may omit 100 (Continue) if it has already received some of the content.
	"Expect: 100-continue": func(got, want *answer) { got.info, want.info = nil, nil },
	// net/http's MaxBytesReader closes the connection by a method that other packages cannot have. Here the rest of the body
	// is dropped if it is short (RFC 9112 section 9.3-7), and the connection lives on.
	"POST /max": func(got, want *answer) {
		if strings.HasPrefix(want.header, "map[") && strings.Contains(want.body, "too large") {
			got.header = strings.Replace(got.header, "[] false", "[] true", 1)
		}
	},
}

// answer is what can be observed of one response.
type answer struct {
	status  int
	info    []string
	header  string
	body    string
	trailer string
	err     bool
}

// parseAnswers reads the responses to the methods of the requests.
func parseAnswers(t *testing.T, raw []byte, reqs string) (list []answer) {
	br := bufio.NewReader(bytes.NewReader(raw))
	methods := requestMethods(reqs)
	for i := 0; ; i++ {
		if _, err := br.Peek(1); err != nil {
			return list
		}
		method := "GET"
		if i < len(methods) {
			method = methods[i]
		}
		var a answer
		for {
			resp, err := http.ReadResponse(br, &http.Request{Method: method})
			if err != nil {
				t.Fatalf("cannot read %q: %v", raw, err)
			}
			if resp.StatusCode < 200 {
				a.info = append(a.info, fmt.Sprint(resp.StatusCode, resp.Header))
				continue
			}
			b, err := io.ReadAll(resp.Body)
			a.status, a.body, a.err = resp.StatusCode, string(b), err != nil
			hasDate := len(resp.Header["Date"]) > 0
			resp.Header.Del("Date")
			if resp.Close {
				// The version decides whether ReadResponse leaves it in: ours is 1.1 in any case (RFC 9110 section 6.2).
				resp.Header.Del("Connection")
			}
			a.header = fmt.Sprint(resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, hasDate)
			a.trailer = fmt.Sprint(resp.Trailer)
			break
		}
		if a.status >= 400 && (strings.HasPrefix(a.body, strconv.Itoa(a.status)+" ") || a.body == "Unsupported transfer encoding") {
			// The fixed text of a rejected request: only the status is compared.
			a.body, a.header = "", ""
		}
		list = append(list, a)
	}
}

func requestMethods(reqs string) (m []string) {
	for line := range strings.SplitSeq(reqs, "\r\n") {
		if f := strings.Fields(line); len(f) == 3 && strings.HasPrefix(f[2], "HTTP/") {
			m = append(m, f[0])
		}
	}
	return m
}

// exchangeRaw sends a request to an address and reads until the server closes.
func exchangeRaw(t *testing.T, addr, req string) []byte {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		_, _ = io.WriteString(c, req)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	b, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("%q: %v", req, err)
	}
	return b
}

// TestEqualNetHTTP holds the machine to what net/http answers.
func TestEqualNetHTTP(t *testing.T) {
	ref := http.Server{Handler: equalHandlers(), ErrorLog: quiet()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go ref.Serve(l)
	defer ref.Close()
	srv, err := New(Config{Handler: equalHandlers()})
	if err != nil {
		t.Fatal(err)
	}
	reqs := equalRequests()
	if len(reqs) < 150 {
		t.Fatalf("only %d requests", len(reqs))
	}
	engines := map[string]func(t *testing.T, req string) []byte{
		"machine": func(t *testing.T, req string) []byte {
			r := newRigOn(t, srv)
			r.in, r.fin = append(r.in, req...), true
			r.send("").until("the end", func() bool { return r.closed })
			return r.wire
		},
	}
	for name, addr := range equalServers(t, srv) {
		engines[name] = func(t *testing.T, req string) []byte { return exchangeRaw(t, addr, req) }
	}
	for i, req := range reqs {
		want := parseAnswers(t, exchangeRaw(t, l.Addr().String(), req), req)
		for name, run := range engines {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				got := parseAnswers(t, run(t, req), req)
				for sub, same := range equalDifferences {
					if strings.Contains(req, sub) && len(got) == len(want) {
						for k := range got {
							same(&got[k], &want[k])
						}
					}
				}
				if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
					t.Errorf("request %.200q\n got %.1500s\nwant %.1500s", req, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
				}
			})
		}
	}
}
