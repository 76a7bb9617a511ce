package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
)

// encGuard calls an append with a dst that has marked bytes in front and behind, and checks the law of append: what is in
// front is untouched, and on error dst and the encoder are as before.
func encGuard(t *testing.T, e *Encoder, what string, call func(dst []byte) ([]byte, error)) (out []byte, err error) {
	t.Helper()
	front := []byte("front")
	dst := append(make([]byte, 0, 4096), front...)
	before := *e
	got, err := call(dst)
	if !bytes.HasPrefix(got, front) || !bytes.Equal(dst, front) {
		t.Errorf("%s: the bytes in front changed: %q", what, got)
	}
	if err != nil {
		var he *Error
		if !errors.As(err, &he) || he.Reason == "" || he.Code != 500 {
			t.Errorf("%s: %v is not a full *Error", what, err)
		}
		if len(got) != len(front) {
			t.Errorf("%s: refused, but %q was appended", what, got[len(front):])
		}
		if he.Scope == codec.ScopeMisuse && *e != before {
			t.Errorf("%s: refused, but the encoder changed from %+v to %+v", what, before, *e)
		}
	}
	return got[len(front):], err
}

func reasonOf(err error) string {
	var he *Error
	if errors.As(err, &he) {
		return he.Reason
	}
	return ""
}

// THREATS H1-18: 256 bytes in 6 places, 1536 vectors. RFC 9110 section 5.5-5, RFC 9112 section 11.1: forbidden ones are
// refused and dst is as before; accepted ones are read back the same by net/http.
func TestInjection(t *testing.T) {
	token := func(c byte) bool {
		return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
	}
	text := func(c byte) bool { return c == '\t' || c >= ' ' && c != 0x7f }
	places := []struct {
		name   string
		ok     func(c byte) bool
		call   func(e *Encoder, dst, s []byte) ([]byte, error)
		verify func(raw, s []byte) error
	}{
		{"field name", token, func(e *Encoder, dst, s []byte) ([]byte, error) {
			return e.AppendResponse(dst, &ResponseHead{Status: 200, Fields: []codec.Field{{Name: s, Value: []byte("v")}}})
		}, func(raw, s []byte) error {
			r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
			if err != nil || r.Header.Get(string(s)) != "v" || len(r.Header) != 2 {
				return fmt.Errorf("%w %v", err, r)
			}
			return r.Body.Close()
		}},
		{"field value", text, func(e *Encoder, dst, s []byte) ([]byte, error) {
			return e.AppendResponse(dst, &ResponseHead{Status: 200, Fields: []codec.Field{{Name: []byte("N"), Value: s}}})
		}, func(raw, s []byte) error {
			r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
			if err != nil || r.Header.Get("N") != string(s) || len(r.Header) != 2 {
				return fmt.Errorf("%w %v", err, r)
			}
			return r.Body.Close()
		}},
		{"reason", text, func(e *Encoder, dst, s []byte) ([]byte, error) {
			return e.AppendResponse(dst, &ResponseHead{Status: 200, Reason: s})
		}, func(raw, s []byte) error {
			r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
			if err != nil || r.Status != "200 "+string(s) || len(r.Header) != 1 {
				return fmt.Errorf("%w %v", err, r)
			}
			return r.Body.Close()
		}},
		{"method", token, func(e *Encoder, dst, s []byte) ([]byte, error) {
			return e.AppendRequest(dst, &RequestHead{Method: s, Target: []byte("/"), Host: []byte("h")})
		}, func(raw, s []byte) error {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
			if err != nil || r.Method != string(s) || r.Host != "h" || r.RequestURI != "/" {
				return fmt.Errorf("%w %v", err, r)
			}
			return nil
		}},
		{"target", func(c byte) bool { return c > ' ' && c < 0x7f && c != '#' }, func(e *Encoder, dst, s []byte) ([]byte, error) {
			return e.AppendRequest(dst, &RequestHead{Method: []byte("GET"), Target: append([]byte("/?"), s...), Host: []byte("h")})
		}, func(raw, s []byte) error {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
			if err != nil || r.Host != "h" || r.RequestURI != "/?"+string(s) {
				return fmt.Errorf("%w %v", err, r)
			}
			return nil
		}},
		{"trailer value", text, func(e *Encoder, dst, s []byte) ([]byte, error) {
			*e = Encoder{}
			if _, err := e.AppendResponse(nil, &ResponseHead{Status: 200, Framing: Chunked}); err != nil {
				return dst, err
			}
			before := *e
			out, err := e.AppendEnd(dst, []codec.Field{{Name: []byte("X-T"), Value: s}})
			if err != nil && *e != before {
				return out, errors.New("the encoder changed")
			}
			if err != nil {
				*e = Encoder{} // encGuard compares with the state it began with
			}
			return out, err
		}, func(raw, s []byte) error {
			raw = append([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), raw...)
			r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
			if err != nil {
				return err
			}
			if b, err := io.ReadAll(r.Body); err != nil || len(b) != 0 || r.Trailer.Get("X-T") != string(s) || len(r.Trailer) != 1 {
				return fmt.Errorf("%w %v", err, r.Trailer)
			}
			return nil
		}},
	}
	vectors := 0
	for _, p := range places {
		for c := range 256 {
			vectors++
			s := []byte{'a', byte(c), 'b'}
			what := fmt.Sprintf("%s %q", p.name, s)
			var e Encoder
			out, err := encGuard(t, &e, what, func(dst []byte) ([]byte, error) { return p.call(&e, dst, s) })
			if (err == nil) != p.ok(byte(c)) {
				t.Errorf("%s: error %v", what, err)
			}
			if err == nil {
				if err := p.verify(out, s); err != nil {
					t.Errorf("%s: net/http reads %q otherwise: %v", what, out, err)
				}
			}
		}
	}
	if vectors != 1536 {
		t.Errorf("%d vectors", vectors)
	}
}

// The same for the places that are not single values: Host, Upgrade, Date, trailer names, empty names.
func TestInjectionElsewhere(t *testing.T) {
	for c := range 256 {
		s := []byte{'a', byte(c), 'b'}
		for what, h := range map[string]any{
			"host":         &RequestHead{Method: []byte("GET"), Target: []byte("/"), Host: s},
			"upgrade":      &RequestHead{Method: []byte("GET"), Target: []byte("/"), Upgrade: s},
			"trailers":     &RequestHead{Method: []byte("GET"), Target: []byte("/"), Framing: Chunked, Trailers: []codec.Field{{Name: s}}},
			"date":         &ResponseHead{Status: 200, Date: append(s, "1994 and twenty-six bytes x"[:26]...)},
			"info value":   []codec.Field{{Name: []byte("Link"), Value: s}},
			"info name":    []codec.Field{{Name: s, Value: s}},
			"connection":   &ResponseHead{Status: 200, Fields: []codec.Field{{Name: []byte("Connection"), Value: s}}},
			"trailer name": nil,
		} {
			var e Encoder
			out, err := encGuard(t, &e, what, func(dst []byte) ([]byte, error) {
				switch h := h.(type) {
				case *RequestHead:
					return e.AppendRequest(dst, h)
				case *ResponseHead:
					return e.AppendResponse(dst, h)
				case []codec.Field:
					return e.AppendInformational(dst, 103, h)
				}
				return dst, checkViews(s, nil)
			})
			if err != nil {
				continue
			}
			if c < ' ' && c != '\t' || c == 0x7f {
				t.Errorf("%s %q: accepted as %q", what, s, out)
			}
			if c >= 0x80 && what != "info value" && what != "date" {
				t.Errorf("%s %q: accepted as %q", what, s, out)
			}
			for _, line := range bytes.Split(bytes.TrimSuffix(out, []byte("\r\n\r\n")), []byte("\r\n")) {
				if bytes.ContainsAny(line, "\r\n\x00") || len(out) > 0 && len(line) == 0 {
					t.Errorf("%s %q: line %q", what, s, line)
				}
			}
		}
	}
}

func TestRequestHead(t *testing.T) {
	get, post := []byte("GET"), []byte("POST")
	for _, c := range []struct {
		h    RequestHead
		want string // what is sent, or the reason of the refusal
	}{
		{RequestHead{Method: get, Target: []byte("/a?b"), Host: []byte("h:80"), Fields: mkFields("Accept", "*/*", "X", "")},
			"GET /a?b HTTP/1.1\r\nHost: h:80\r\nAccept: */*\r\nX: \r\n\r\n"},
		{RequestHead{Method: get, Target: []byte("/")}, "GET / HTTP/1.1\r\nHost: \r\n\r\n"},
		{RequestHead{Method: get, Target: []byte("/"), HTTP10: true}, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"},
		{RequestHead{Method: get, Target: []byte("/"), HTTP10: true, Close: true, Host: []byte("h")},
			"GET / HTTP/1.0\r\nHost: h\r\nConnection: close\r\n\r\n"},
		{RequestHead{Method: get, Target: []byte("/"), Close: true}, "GET / HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n"},
		// RFC 9110 section 8.6-5: "a user agent normally sends Content-Length in a POST request even when the value is 0".
		{RequestHead{Method: post, Target: []byte("/")}, "POST / HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\n\r\n"},
		{RequestHead{Method: []byte("DELETE"), Target: []byte("/")}, "DELETE / HTTP/1.1\r\nHost: \r\n\r\n"},
		{RequestHead{Method: post, Target: []byte("/"), Framing: Length, Length: 7, Expect100: true},
			"POST / HTTP/1.1\r\nHost: \r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n"},
		{RequestHead{Method: post, Target: []byte("/"), Framing: Chunked, Trailers: mkFields("A", "", "B", "x")},
			"POST / HTTP/1.1\r\nHost: \r\nTransfer-Encoding: chunked\r\nTrailer: A, B\r\n\r\n"},
		{RequestHead{Method: get, Target: []byte("/"), Upgrade: []byte("websocket"), Close: true},
			"GET / HTTP/1.1\r\nHost: \r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n"},
		{RequestHead{Method: get, Target: []byte("/"), Upgrade: []byte("h2c, foo/1"), Fields: mkFields("Connection", "HTTP2-Settings")},
			"GET / HTTP/1.1\r\nHost: \r\nConnection: HTTP2-Settings\r\nUpgrade: h2c, foo/1\r\nConnection: upgrade\r\n\r\n"},

		{RequestHead{Target: []byte("/")}, ReasonEncMethod},
		{RequestHead{Method: get}, ReasonEncTarget},
		{RequestHead{Method: get, Target: []byte("/#x")}, ReasonEncTarget},
		{RequestHead{Method: get, Target: []byte("x")}, ReasonEncTarget},
		{RequestHead{Method: get, Target: []byte("*")}, ReasonEncTarget},
		{RequestHead{Method: []byte("CONNECT"), Target: []byte("/")}, ReasonEncTarget},
		{RequestHead{Method: []byte("CONNECT"), Target: []byte("a:1"), Host: []byte("a:1")}, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"},
		{RequestHead{Method: []byte("OPTIONS"), Target: []byte("*")}, "OPTIONS * HTTP/1.1\r\nHost: \r\n\r\n"},
		{RequestHead{Method: get, Target: []byte("/"), Host: []byte("a:b")}, ReasonEncHost},
		{RequestHead{Method: get, Target: []byte("/"), Host: []byte("a,b")}, ReasonEncHost},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("hOST", "x")}, ReasonEncHostField},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("content-length", "0")}, ReasonEncFraming},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("TRANSFER-ENCODING", "chunked")}, ReasonEncFraming},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("Connection", "TE, Close")}, ReasonEncConnection},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("Connection", "Keep-Alive")}, ReasonEncConnection},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("Connection", "upgrade")}, ReasonEncConnection},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("Connection", "a b")}, ReasonEncConnection},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("Upgrade", "x")}, ReasonEncOwnField},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("Expect", "100-continue")}, ReasonEncOwnField},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("Keep-Alive", "timeout=5")}, ReasonEncOwnField},
		{RequestHead{Method: get, Target: []byte("/"), Framing: Chunked, Trailers: mkFields("A", ""), Fields: mkFields("Trailer", "A")}, ReasonEncOwnField},
		{RequestHead{Method: get, Target: []byte("/"), Fields: mkFields("A", " x")}, ReasonEncBlank},
		{RequestHead{Method: post, Target: []byte("/"), Framing: Length, Length: -1}, ReasonEncLength},
		{RequestHead{Method: post, Target: []byte("/"), Framing: Chunked, HTTP10: true}, ReasonEncChunked10},
		{RequestHead{Method: post, Target: []byte("/"), Framing: UntilClose}, ReasonEncUntilClose},
		{RequestHead{Method: post, Target: []byte("/"), Framing: Tunnel}, ReasonEncUntilClose},
		{RequestHead{Method: post, Target: []byte("/"), Framing: 9}, ReasonEncFramingBad},
		{RequestHead{Method: []byte("TRACE"), Target: []byte("/"), Framing: Length, Length: 1}, ReasonEncMethodBody},
		{RequestHead{Method: []byte("CONNECT"), Target: []byte("h:1"), Framing: Chunked}, ReasonEncMethodBody},
		{RequestHead{Method: get, Target: []byte("/"), Expect100: true}, ReasonEncExpect},
		{RequestHead{Method: post, Target: []byte("/"), Expect100: true, Framing: Length}, ReasonEncExpect},
		{RequestHead{Method: post, Target: []byte("/"), Expect100: true, Framing: Length, Length: 1, HTTP10: true}, ReasonEncExpect},
		{RequestHead{Method: get, Target: []byte("/"), Upgrade: []byte("x"), HTTP10: true}, ReasonEncUpgrade10},
		{RequestHead{Method: get, Target: []byte("/"), Upgrade: []byte("a,")}, ReasonEncUpgrade},
		{RequestHead{Method: get, Target: []byte("/"), Upgrade: []byte("a//b")}, ReasonEncUpgrade},
		{RequestHead{Method: get, Target: []byte("/"), Upgrade: []byte(",a")}, ReasonEncUpgrade},
		{RequestHead{Method: get, Target: []byte("/"), Trailers: mkFields("A", "")}, ReasonEncTrailers},
		{RequestHead{Method: get, Target: []byte("/"), Framing: Chunked, Trailers: mkFields("Host", "")}, ReasonEncTrailer},
	} {
		var e Encoder
		out, err := encGuard(t, &e, c.want, func(dst []byte) ([]byte, error) { return e.AppendRequest(dst, &c.h) })
		if got := string(out) + reasonOf(err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestResponseHead(t *testing.T) {
	date := []byte("Sun, 06 Nov 1994 08:49:37 GMT")
	for _, c := range []struct {
		h    ResponseHead
		want string
	}{
		{ResponseHead{Status: 200, Framing: Length, Length: 13, Date: date, Fields: mkFields("Content-Type", "text/plain", "Server", "x")},
			"HTTP/1.1 200 OK\r\nDate: " + string(date) + "\r\nContent-Type: text/plain\r\nServer: x\r\nContent-Length: 13\r\n\r\n"},
		{ResponseHead{Status: 404}, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		{ResponseHead{Status: 200, Reason: []byte("fine")}, "HTTP/1.1 200 fine\r\nContent-Length: 0\r\n\r\n"},
		// RFC 9112 section 4-9: the space stands even without a phrase.
		{ResponseHead{Status: 200, Reason: []byte{}}, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"},
		{ResponseHead{Status: 299}, "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"},
		{ResponseHead{Status: 204}, "HTTP/1.1 204 No Content\r\n\r\n"},
		{ResponseHead{Status: 304}, "HTTP/1.1 304 Not Modified\r\n\r\n"},
		{ResponseHead{Status: 304, Framing: Length, Length: 5}, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"},
		{ResponseHead{Status: 205}, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"},
		{ResponseHead{Status: 200, ToHEAD: true}, "HTTP/1.1 200 OK\r\n\r\n"},
		{ResponseHead{Status: 200, ToHEAD: true, Framing: Length, Length: 5}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
		{ResponseHead{Status: 200, ToHEAD: true, Framing: Chunked}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{ResponseHead{Status: 200, ToHEAD: true, Framing: UntilClose}, "HTTP/1.1 200 OK\r\n\r\n"},
		{ResponseHead{Status: 200, Framing: Chunked, Trailers: mkFields("A", "1")}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n"},
		{ResponseHead{Status: 200, Framing: UntilClose}, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
		{ResponseHead{Status: 200, Close: true}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{ResponseHead{Status: 200, HTTP10: true}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
		{ResponseHead{Status: 200, HTTP10: true, Framing: UntilClose}, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
		{ResponseHead{Status: 101, Framing: Tunnel, Upgrade: []byte("websocket"), Fields: mkFields("Sec-WebSocket-Accept", "x=")},
			"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x=\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"},
		{ResponseHead{Status: 200, ToCONNECT: true, Framing: Tunnel}, "HTTP/1.1 200 OK\r\n\r\n"},
		{ResponseHead{Status: 407, ToCONNECT: true}, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"},
		{ResponseHead{Status: 426, Upgrade: []byte("HTTP/3.0"), Close: true},
			"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nUpgrade: HTTP/3.0\r\nConnection: upgrade, close\r\n\r\n"},

		{ResponseHead{Status: 100}, ReasonEncStatus},
		{ResponseHead{Status: 199}, ReasonEncStatus},
		{ResponseHead{Status: 600}, ReasonEncStatus},
		{ResponseHead{Status: -200}, ReasonEncStatus},
		{ResponseHead{}, ReasonEncStatus},
		{ResponseHead{Status: 200, Reason: []byte("a\rb")}, ReasonEncReason},
		{ResponseHead{Status: 200, Date: date[:28]}, ReasonEncDate},
		{ResponseHead{Status: 200, Date: date, Fields: mkFields("DATE", "x")}, ReasonEncOwnField},
		{ResponseHead{Status: 200, Framing: 7}, ReasonEncFramingBad},
		{ResponseHead{Status: 200, Framing: Length, Length: -1}, ReasonEncLength},
		{ResponseHead{Status: 200, Framing: Chunked, HTTP10: true}, ReasonEncChunked10},
		{ResponseHead{Status: 200, Framing: Tunnel}, ReasonEncTunnel},
		{ResponseHead{Status: 101, Upgrade: []byte("x")}, ReasonEncTunnel},
		{ResponseHead{Status: 101, Framing: Tunnel}, ReasonEncTunnel},
		{ResponseHead{Status: 407, ToCONNECT: true, Framing: Tunnel}, ReasonEncTunnel},
		{ResponseHead{Status: 200, ToCONNECT: true}, ReasonEncConnect},
		{ResponseHead{Status: 200, ToCONNECT: true, Framing: Length}, ReasonEncConnect},
		{ResponseHead{Status: 204, Framing: Length}, ReasonEncNoContent},
		{ResponseHead{Status: 204, Framing: Chunked}, ReasonEncNoContent},
		{ResponseHead{Status: 204, Framing: UntilClose}, ReasonEncNoContent},
		{ResponseHead{Status: 205, Framing: Chunked}, ReasonEncNoContent},
		{ResponseHead{Status: 205, Framing: Length, Length: 1}, ReasonEncNoContent},
		{ResponseHead{Status: 304, Framing: UntilClose}, ReasonEncNotModified},
		{ResponseHead{Status: 426}, ReasonEncUpgrade426},
		{ResponseHead{Status: 200, Upgrade: []byte("x"), HTTP10: true}, ReasonEncUpgrade10},
		{ResponseHead{Status: 200, Fields: mkFields("Content-Length", "1")}, ReasonEncFraming},
		{ResponseHead{Status: 200, Fields: mkFields("Connection", "close")}, ReasonEncConnection},
		{ResponseHead{Status: 200, Trailers: mkFields("A", "")}, ReasonEncTrailers},
		{ResponseHead{Status: 200, Framing: Chunked, Trailers: mkFields("a b", "")}, ReasonEncName},
	} {
		var e Encoder
		out, err := encGuard(t, &e, c.want, func(dst []byte) ([]byte, error) { return e.AppendResponse(dst, &c.h) })
		if got := string(out) + reasonOf(err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// RFC 9110 section 15.2: interim responses have no content, and stand in front of the final one only.
func TestInformational(t *testing.T) {
	var e Encoder
	out, err := e.AppendInformational(nil, 100, nil)
	if err == nil {
		out, err = e.AppendInformational(out, 103, mkFields("Link", "</a>"))
	}
	if err == nil {
		out, err = e.AppendInformational(out, 199, nil)
	}
	if want := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 \r\n\r\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v", out, err)
	}
	for _, status := range []int{-1, 0, 99, 101, 200, 1000} {
		if _, err := e.AppendInformational(nil, status, nil); reasonOf(err) != ReasonEncInfoStatus {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, name := range []string{"Content-Length", "transfer-encoding"} {
		if _, err := e.AppendInformational(nil, 103, mkFields(name, "0")); reasonOf(err) != ReasonEncFraming {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _ = e.AppendResponse(nil, &ResponseHead{Status: 200, Framing: Length, Length: 1})
	if _, err := e.AppendInformational(nil, 103, nil); reasonOf(err) != ReasonEncOpen {
		t.Errorf("inside a message: %v", err)
	}
}
