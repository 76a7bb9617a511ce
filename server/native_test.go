package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Native answers in all shapes, over both drivers and with every cut of the request.
func TestNativeShapes(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 50_000)
	var released sync.Map
	cfg := Config{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "passed ", r.URL.Path) }),
		Native: NativeFunc(func(c *Ctx) {
			switch string(c.Path()) {
			case "/ref":
				if err := c.ReplyRef(200, "text/plain", big, func() { released.Store("ref", true) }); err != nil {
					t.Error(err)
				}
			case "/chunked", "/length":
				length, left := int64(-1), big
				if string(c.Path()) == "/length" {
					length = int64(len(big))
				}
				if _, err := c.Stream(200, "text/plain", length, func(dst []byte, max int) ([]byte, Flow) {
					n := min(len(left), max, 7777)
					dst, left = append(dst, left[:n]...), left[n:]
					if len(left) == 0 {
						return dst, FlowEnd
					}
					return dst, FlowMore
				}); err != nil {
					t.Error(err)
				}
			case "/count":
				total := 0
				var more func(c *Ctx)
				more = func(c *Ctx) {
					for {
						switch b, s := c.PollBody(); s {
						case BodyReady:
							total += len(b)
						case BodyPending:
							c.AwaitBody(more)
							return
						case BodyEOF:
							_ = c.ReplyString(200, "", fmt.Sprint(total))
							return
						case BodyFailed:
							_ = c.Error(400)
							return
						}
					}
				}
				more(c)
			case "/later":
				d := c.Detach()
				go func() {
					time.Sleep(time.Millisecond)
					err := d.Reply(201, "text/plain", d.Fields[:0], []byte("later "+d.Method))
					if again := d.Reply(200, "", nil, nil); err == nil && !errors.Is(again, ErrAnswered) {
						t.Errorf("second reply: %v", again)
					}
				}()
			case "/field":
				if err := c.SetField([]byte("X-A"), []byte("b\r\nEvil: 1")).ReplyString(200, "", "x"); err == nil {
					t.Error("an injection is sent")
				}
			default:
				c.Pass()
			}
		}),
	}
	cases := map[string]string{
		"GET /ref":     string(big),
		"GET /chunked": string(big),
		"GET /length":  string(big),
		"HEAD /ref":    "",
		"POST /count":  "200000",
		"GET /later":   "later GET",
		"POST /later":  "later POST",
		"GET /field":   "",
		"GET /other":   "passed /other",
	}
	engines(t, cfg, func(t *testing.T, addr string) {
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		for range 3 {
			for name, want := range cases {
				method, path, _ := strings.Cut(name, " ")
				var body io.Reader
				if method == "POST" {
					body = bytes.NewReader(make([]byte, 200_000))
				}
				req, _ := http.NewRequest(method, "http://"+addr+path, body)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				resp, err := tr.RoundTrip(req.WithContext(ctx))
				if err != nil {
					t.Fatal(name, err)
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				cancel()
				if err != nil || string(b) != want {
					t.Fatalf("%s: %v, %d bytes", name, err, len(b))
				}
			}
		}
		if _, ok := released.Load("ref"); !ok {
			t.Error("release was not called")
		}
	})
	one := "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n"
	for cut := range one {
		r := newRig(t, cfg)
		r.send(one[:cut]).send(one[cut:] + one)
		if count(string(r.wire), "\r\n\r\n8") != 2 {
			t.Fatalf("cut %d: %q", cut, r.wire)
		}
	}
}

// A stream stops at a peer that does not read, and waits for its producer without turning.
func TestStreamBackPressure(t *testing.T) {
	asked := 0
	wait := true
	var waker Waker
	r := newRig(t, Config{Native: NativeFunc(func(c *Ctx) {
		waker, _ = c.Stream(200, "", -1, func(dst []byte, max int) ([]byte, Flow) {
			asked++
			if wait {
				return dst, FlowWait
			}
			return append(dst, make([]byte, max)...), FlowMore
		})
	})})
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if asked != 1 {
		t.Fatalf("asked %d times", asked)
	}
	wait, r.stall = false, true
	waker.Wake()
	r.settle()
	if len(r.out) > 256<<10 || asked > 4 {
		t.Fatalf("%d bytes wait, asked %d times", len(r.out), asked)
	}
	wait, r.stall = true, false
	r.settle()
	r.end(nil)
	waker.Wake()
}

// A detached request learns that its peer is gone.
func TestDetachedPeerGone(t *testing.T) {
	var d *Detached
	r := newRig(t, Config{Native: NativeFunc(func(c *Ctx) { d = c.Detach() })})
	r.send("GET /x?y HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n")
	if d.Target != "/x?y" || d.Query != "y" || len(d.Fields) != 2 || d.Err() != nil {
		t.Fatalf("%+v", d)
	}
	r.end(io.ErrClosedPipe)
	<-d.Done()
	if err := d.Reply(200, "", nil, nil); !errors.Is(err, ErrPeerClosed) {
		t.Fatal(err)
	}
}
