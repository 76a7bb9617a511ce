package h3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/h3"
	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"
)

func field(name, value string) codec.Field {
	return codec.Field{Name: []byte(name), Value: []byte(value)}
}

// request is what our server holds of a request.
type request struct {
	method, path, proto string
	body                []byte
	list, trailers      []codec.Field
}

// app answers the requests that our server gets.
type app struct {
	t        *testing.T
	requests map[uint64]*request
	resets   chan h3.ErrorCode
	seen     chan string
}

func newApp(t *testing.T) *app {
	return &app{t: t, requests: map[uint64]*request{}, resets: make(chan h3.ErrorCode, 10), seen: make(chan string, 1000)}
}

func clone(list []codec.Field) (c []codec.Field) {
	for _, f := range list {
		c = append(c, field(string(f.Name), string(f.Value)))
	}
	return c
}

func (a *app) event(e *end, ev *h3.Event) {
	r := a.requests[ev.Stream]
	switch ev.Kind {
	case h3.Request:
		r = &request{method: string(ev.Method), path: string(ev.Path), proto: string(ev.Protocol), list: clone(ev.Fields)}
		a.requests[ev.Stream] = r
		a.seen <- r.path
		if r.method == "CONNECT" {
			e.must(a.t, ev.Stream, false)(e.c.AppendResponse(nil, ev.Stream, 200, nil, false))
		}
	case h3.Data:
		if r.method == "CONNECT" {
			e.must(a.t, ev.Stream, ev.EndStream)(e.c.AppendData(nil, ev.Stream, ev.Data, ev.EndStream))
			return
		}
		r.body = append(r.body, ev.Data...)
	case h3.Trailers:
		r.trailers = clone(ev.Fields)
	case h3.Datagram:
		if !e.c.DatagramsEnabled() {
			return // the client's SETTINGS have not come yet
		}
		p, err := e.c.AppendDatagram(nil, ev.Stream)
		if err != nil {
			a.t.Error(err)
		}
		_ = e.q.SendDatagram(append(append(p, "again "...), ev.Data...))
	case h3.StreamReset:
		a.resets <- ev.Code
		return
	case h3.StreamError, h3.TooLarge:
		a.t.Errorf("%s %s", ev.Kind, ev.Reason)
		return
	default:
		return
	}
	if ev.EndStream {
		a.answer(e, ev.Stream, r)
	}
}

func (a *app) answer(e *end, id uint64, r *request) {
	out := e.must(a.t, id, false)
	end := e.must(a.t, id, true)
	switch r.path {
	case "/echo":
		list := []codec.Field{field("content-length", strconv.Itoa(len(r.body)))}
		if len(r.trailers) > 0 {
			list = append(list, field("trailer", "x-sum"))
		}
		out(e.c.AppendResponse(nil, id, 200, list, false))
		for b := r.body; len(b) > 0; {
			n := min(len(b), 10_000)
			out(e.c.AppendData(nil, id, b[:n], false))
			b = b[n:]
		}
		if len(r.trailers) > 0 {
			end(e.c.AppendTrailers(nil, id, r.trailers))
			return
		}
		end(e.c.AppendData(nil, id, nil, true))
	case "/big":
		end(e.c.AppendResponse(nil, id, 200, r.list, true))
	case "/hints":
		out(e.c.AppendInformational(nil, id, 103, []codec.Field{field("link", "</style.css>; rel=preload")}))
		end(e.c.AppendResponse(nil, id, 200, []codec.Field{field("content-length", "0")}, true))
	case "/nothing":
		end(e.c.AppendResponse(nil, id, 204, nil, true))
	case "/head":
		end(e.c.AppendResponse(nil, id, 200, []codec.Field{field("content-length", "12345")}, true))
	case "/never":
	default:
		out(e.c.AppendResponse(nil, id, 200, []codec.Field{field("content-type", "text/plain")}, false))
		end(e.c.AppendData(nil, id, []byte(r.method+" "+r.path), true))
	}
}

// theirClient connects a client of quic-go with a server of ours.
func theirClient(t *testing.T) (*http3.ClientConn, *end, *app) {
	a := newApp(t)
	kq, sq := connect(t)
	p := h3.Config{ExtendedConnect: true, Datagrams: true, Seed: 7}.Profile()
	e := newEnd(t, sq, h3.Server, p, a.event)
	k := (&http3.Transport{EnableDatagrams: true, DisableCompression: true}).NewClientConn(kq)
	return k, e, a
}

func do(t *testing.T, k *http3.ClientConn, method, path string, body []byte, edit func(*http.Request)) (*http.Response, []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://localhost"+path, r)
	require.NoError(t, err)
	if edit != nil {
		edit(req)
	}
	resp, err := k.RoundTrip(req)
	require.NoError(t, err)
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	return resp, got
}

// text is n octets that are not all the same.
func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

// quic-go's client has every kind of exchange with our server, on one connection.
func TestTheirClient(t *testing.T) {
	k, e, a := theirClient(t)
	for i := range 20 {
		resp, got := do(t, k, "GET", fmt.Sprintf("/hello/%d", i), nil, nil)
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, "text/plain", resp.Header.Get("content-type"))
		require.Equal(t, fmt.Sprintf("GET /hello/%d", i), string(got))
	}

	body := text(300_000)
	resp, got := do(t, k, "POST", "/echo", body, nil)
	require.Equal(t, int64(len(body)), resp.ContentLength)
	require.True(t, bytes.Equal(body, got))

	resp, got = do(t, k, "POST", "/echo", body, func(r *http.Request) {
		r.ContentLength = -1
		r.Trailer = http.Header{"X-Sum": {"17"}}
	})
	require.True(t, bytes.Equal(body, got))
	require.Equal(t, "17", resp.Trailer.Get("x-sum"))

	big := strings.Repeat("abcdefgh", 2500)
	resp, _ = do(t, k, "GET", "/big", nil, func(r *http.Request) { r.Header.Set("X-Big", big) })
	require.Equal(t, big, resp.Header.Get("x-big"))

	var hints []int
	resp, _ = do(t, k, "GET", "/hints", nil, func(r *http.Request) {
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, code)
			require.NotEmpty(t, h.Get("link"))
			return nil
		}}
		*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
	})
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, []int{103}, hints)

	resp, got = do(t, k, "GET", "/nothing", nil, nil)
	require.Equal(t, 204, resp.StatusCode)
	require.Empty(t, got)
	resp, got = do(t, k, "HEAD", "/head", nil, nil)
	require.Equal(t, int64(12345), resp.ContentLength)
	require.Empty(t, got)

	e.ask(t, func() {
		s, told := e.c.PeerSettings()
		require.True(t, told)
		require.True(t, s.Datagram)
		require.Zero(t, s.QPACKMaxTableCapacity)
		require.Zero(t, e.c.Streams())
	})
	require.Empty(t, a.resets)
}

// Extended CONNECT with content and datagrams both ways.
func TestTheirClientConnect(t *testing.T) {
	k, _, _ := theirClient(t)
	wait(t, k.ReceivedSettings())
	require.True(t, k.Settings().EnableExtendedConnect)
	require.True(t, k.Settings().EnableDatagrams)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := k.OpenRequestStream(ctx)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodConnect, "https://localhost/chat", nil)
	require.NoError(t, err)
	req.Proto = "websocket"
	require.NoError(t, s.SendRequestHeader(req))
	resp, err := s.ReadResponse()
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
	body := text(10_000)
	_, err = s.Write(body)
	require.NoError(t, err)
	got := make([]byte, len(body))
	_, err = io.ReadFull(s, got)
	require.NoError(t, err)
	require.Equal(t, body, got)

	// Datagrams can be lost, even here: one of many is enough.
	stop := make(chan struct{})
	defer close(stop)
	go talk(stop, func() error { return s.SendDatagram([]byte("and")) })
	d, err := s.ReceiveDatagram(ctx)
	require.NoError(t, err)
	require.Equal(t, "again and", string(d))

	require.NoError(t, s.Close())
	rest, err := io.ReadAll(s)
	require.NoError(t, err)
	require.Empty(t, rest)
}

// A client that gives a request up.
func TestTheirClientCancels(t *testing.T) {
	k, e, a := theirClient(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "https://localhost/never", nil)
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := k.RoundTrip(req)
		failed <- err
	}()
	require.Equal(t, "/never", wait(t, a.seen))
	cancel()
	require.ErrorIs(t, wait(t, failed), context.Canceled)
	require.Equal(t, h3.RequestCancelled, wait(t, a.resets))
	e.ask(t, func() { require.Zero(t, e.c.Streams()) })
	_, got := do(t, k, "GET", "/on", nil, nil)
	require.Equal(t, "GET /on", string(got))
}

// Our server goes away: the request that is open ends well, and quic-go's client sends no other.
func TestTheirClientGoAway(t *testing.T) {
	k, e, a := theirClient(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pr, pw := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, "POST", "https://localhost/echo", pr)
	require.NoError(t, err)
	type result struct {
		resp *http.Response
		err  error
	}
	results := make(chan result, 1)
	go func() {
		resp, err := k.RoundTrip(req)
		results <- result{resp, err}
	}()
	require.Equal(t, "/echo", wait(t, a.seen))
	e.ask(t, func() { e.c.Shutdown(); e.c.GoAway() })
	// The client sees GOAWAY sooner or later: requests until then are refused, or not sent.
	for {
		req, err := http.NewRequestWithContext(ctx, "GET", "https://localhost/late", nil)
		require.NoError(t, err)
		_, err = k.RoundTrip(req)
		require.Error(t, err)
		require.NoError(t, ctx.Err())
		if strings.Contains(err.Error(), "graceful shutdown") {
			break
		}
	}
	_, err = pw.Write([]byte("last words"))
	require.NoError(t, err)
	require.NoError(t, pw.Close())
	r := wait(t, results)
	require.NoError(t, r.err)
	got, err := io.ReadAll(r.resp.Body)
	require.NoError(t, err)
	require.Equal(t, "last words", string(got))
	// quic-go closes an idle connection that goes away; ours has nothing left to do.
	wait(t, e.over)
	require.NoError(t, e.err)
	var ae *quicgo.ApplicationError
	require.ErrorAs(t, context.Cause(e.q.Context()), &ae)
	require.Equal(t, quicgo.ApplicationErrorCode(h3.NoError), ae.ErrorCode)
}
