package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// parrot is a machine that sends back what it gets, in capitals, and closes after a dot.
type parrot struct {
	drained, over bool
	closed        chan error
}

func (p *parrot) Receive(_ *drivers.Turn, src, dst []byte) (int, []byte) {
	p.over = p.over || strings.HasSuffix(string(src), ".")
	return len(src), append(dst, strings.ToUpper(string(src))...)
}
func (p *parrot) Transmit(_ *drivers.Turn, dst []byte) []byte { return dst }
func (p *parrot) PeerClosed(*drivers.Turn)                    { p.over = true }
func (p *parrot) Advance(*drivers.Turn)                       {}
func (p *parrot) Deadline() codec.Time                        { return codec.Never }
func (p *parrot) Drain(*drivers.Turn)                         { p.drained, p.over = true, true }
func (p *parrot) InFlight() bool                              { return false }
func (p *parrot) Closed(err error) {
	if p.closed != nil {
		p.closed <- err
	}
}
func (p *parrot) Status() drivers.Status {
	if p.over {
		return drivers.Closing
	}
	return drivers.WantInput
}

const upgradeRequest = "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: parrot\r\n\r\n"

// A connection that is switched carries on with another machine at the right byte, from a handler, through middleware, from
// a native handler, on both drivers.
func TestSwitch(t *testing.T) {
	closed := make(chan error, 100)
	next := func(*drivers.Turn, drivers.Link) drivers.Machine { return &parrot{closed: closed} }
	var replies, gone atomic.Int32
	release := make(chan struct{})
	cfg := Config{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wrapped" {
				w = wrapped{wrapped{w}}
			}
			w.Header().Set("X-Note", "n")
			sw := SwitcherOf(w)
			l, err := sw.Switch("parrot", next)
			if err != nil || l == nil {
				t.Error(err)
				return
			}
			if _, err := sw.Switch("parrot", next); !errors.Is(err, http.ErrHijacked) {
				t.Error(err)
			}
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
				t.Error(err)
			}
			if r.URL.Path == "/stays" { // the handler runs on: on stdnet somebody else has to read
				l.Watch()
				<-release
			}
		}),
		Native: NativeFunc(func(c *Ctx) {
			if string(c.Path()) != "/native" {
				c.Pass()
				return
			}
			if err := c.SetField([]byte("X-Note"), []byte("n")).Switch([]byte("parrot"), next); err != nil {
				t.Error(err)
			}
			if err := c.Reply(200, "", nil); !errors.Is(err, ErrAnswered) {
				t.Error(err)
			}
		}),
		Hooks: Hooks{
			OnReply: []func(*Exchange){func(x *Exchange) {
				if x.Status == 101 {
					replies.Add(1)
				}
			}},
			OnDisconnect: []func(ConnInfo, error){func(ConnInfo, error) { gone.Add(1) }},
		},
	}
	var n int32
	engines(t, cfg, func(t *testing.T, addr string) {
		for _, path := range []string{"plain", "wrapped", "native", "stays"} {
			c := dial(t, addr)
			fmt.Fprintf(c, upgradeRequest+"first", path)
			br := bufio.NewReader(c)
			resp, err := http.ReadResponse(br, nil)
			require.NoError(t, err, path)
			require.Equal(t, 101, resp.StatusCode)
			require.Equal(t, []string{"upgrade"}, resp.Header["Connection"])
			require.Equal(t, "parrot", resp.Header.Get("Upgrade"))
			require.Equal(t, "n", resp.Header.Get("X-Note"))
			got := make([]byte, 5)
			_, err = io.ReadFull(br, got)
			require.NoError(t, err, path)
			require.Equal(t, "FIRST", string(got))
			fmt.Fprint(c, "second.")
			rest, err := io.ReadAll(br)
			require.NoError(t, err)
			require.Equal(t, "SECOND.", string(rest))
			if path == "stays" {
				release <- struct{}{}
			}
			c.Close()
			require.NoError(t, <-closed)
			n++
		}
	})
	require.Equal(t, n, replies.Load())
	require.Eventually(t, func() bool { return gone.Load() == n }, 30e9, 1e6)
}

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// What cannot be switched is refused with nothing sent, and the request can be answered as usual.
func TestSwitchRefused(t *testing.T) {
	next := func(*drivers.Turn, drivers.Link) drivers.Machine { t.Error("switched"); return nil }
	answer := func(err error) (int, string) { return 200, fmt.Sprint(errors.Is(err, ErrSwitch)) }
	handler := Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := SwitcherOf(w).Switch("parrot", next)
		_, body := answer(err)
		_, _ = io.WriteString(w, body)
	})}
	native := Config{Native: NativeFunc(func(c *Ctx) {
		status, body := answer(c.Switch([]byte("parrot"), next))
		_ = c.ReplyString(status, "", body)
	})}
	for _, in := range []string{
		// RFC 9110 section 7.8-15: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request."
		"GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: parrot\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: parrot\r\nContent-Length: 3\r\n\r\n",
	} {
		for _, cfg := range []Config{handler, native} {
			r := newRig(t, cfg).send(in)
			r.until("an answer", func() bool { return strings.HasSuffix(string(r.wire), "true") })
			require.Contains(t, string(r.wire), " 200 OK\r\n")
		}
	}
	require.Nil(t, SwitcherOf(wrapped{}), "another server's")
	late := newRig(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("begun "))
		if _, err := SwitcherOf(w).Switch("parrot", next); !errors.Is(err, ErrAnswered) {
			t.Error(err)
		}
	})})
	late.send(fmt.Sprintf(upgradeRequest, "")).until("an answer", func() bool { return strings.HasSuffix(string(late.wire), "begun ") })
}

// A server that drains tells the machine that takes over; a Next that returns nil drops the connection.
func TestSwitchDraining(t *testing.T) {
	p := &parrot{}
	var next Next = func(*drivers.Turn, drivers.Link) drivers.Machine { return p }
	cfg := Config{Native: NativeFunc(func(c *Ctx) { _ = c.Switch([]byte("parrot"), next) })}
	r := newRig(t, cfg)
	head := fmt.Sprintf(upgradeRequest, "")
	r.send(head[:20])
	r.m.(drivers.Drainer).Drain(&r.turn) // in the middle of a request: it is let finish
	r.send(head[20:])
	require.True(t, p.drained)
	require.True(t, r.closed)
	require.Contains(t, r.take(), " 101 Switching Protocols\r\n")

	next = func(*drivers.Turn, drivers.Link) drivers.Machine { return nil }
	cfg.Hooks.OnDisconnect = []func(ConnInfo, error){func(ConnInfo, error) {}}
	r = newRig(t, cfg).send(head)
	require.True(t, r.abort)
}

// RFC 9110 section 15.5.22-3: "The server MUST send an Upgrade header field in a 426 response to indicate the required
// protocol(s)." Native handlers can; to an HTTP/1.0 client it would mean nothing, and another status is in order.
func TestNativeUpgradeRequired(t *testing.T) {
	cfg := Config{Native: NativeFunc(func(c *Ctx) {
		if c.SetField([]byte("Upgrade"), []byte("parrot")).Error(426) != nil {
			_ = c.Error(400)
		}
	})}
	wire := newRig(t, cfg).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").take()
	require.Contains(t, wire, "HTTP/1.1 426 Upgrade Required\r\n")
	require.Contains(t, wire, "\r\nUpgrade: parrot\r\n")
	require.Contains(t, wire, "\r\nConnection: upgrade\r\n")
	wire = newRig(t, cfg).send("GET / HTTP/1.0\r\n\r\n").take()
	require.Contains(t, wire, "HTTP/1.1 400 Bad Request\r\n")
}

// Machines of switched connections serve later ones, as if they were new; a panic in Next ends one connection only.
func TestSwitchRecycles(t *testing.T) {
	cfg := Config{Native: NativeFunc(func(c *Ctx) {
		boom := string(c.Path()) == "/boom"
		if string(c.Path()) != "/switch" && !boom {
			_ = c.ReplyString(200, "", "as new")
			return
		}
		_ = c.Switch([]byte("parrot"), func(*drivers.Turn, drivers.Link) drivers.Machine {
			if boom {
				panic("as you wish")
			}
			return &parrot{}
		})
	})}
	engines(t, cfg, func(t *testing.T, addr string) {
		for range 5 {
			c := dial(t, addr)
			fmt.Fprintf(c, upgradeRequest+"x.", "switch")
			b, err := io.ReadAll(c)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(b), "\r\n\r\nX."))

			c = dial(t, addr)
			fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\n\r\n")
			b, err = io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, 2, strings.Count(string(b), "as new"))
		}
		c := dial(t, addr)
		fmt.Fprintf(c, upgradeRequest, "boom")
		_, _ = io.ReadAll(c)
		c = dial(t, addr)
		fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
		b, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Contains(t, string(b), "as new")
	})
}
