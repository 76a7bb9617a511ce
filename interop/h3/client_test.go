package h3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/h3"
	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"
)

// talk sends a datagram again and again, until it is told to stop.
func talk(stop <-chan struct{}, send func() error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for send() == nil {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

// exchange is what our client holds of a request.
type exchange struct {
	status   int
	infos    []int
	length   int64
	list     []codec.Field
	body     []byte
	trailers []codec.Field
	err      string
	came     chan struct{} // the head has
	done     chan struct{}
}

// browser makes requests with our client.
type browser struct {
	t         *testing.T
	e         *end
	exchanges map[uint64]*exchange
	settings  chan struct{}
	goaway    chan uint64
	datagrams chan string
	unblocked int
}

func (b *browser) event(_ *end, ev *h3.Event) {
	x := b.exchanges[ev.Stream]
	switch ev.Kind {
	case h3.SettingsReceived:
		close(b.settings)
		return
	case h3.GoAwayReceived:
		b.goaway <- ev.LastStream
		return
	case h3.Unblocked:
		b.unblocked++
		return
	case h3.Datagram:
		select {
		case b.datagrams <- string(ev.Data):
		default:
		}
		return
	case h3.Informational:
		x.infos = append(x.infos, ev.Status)
	case h3.Response:
		x.status, x.length, x.list = ev.Status, ev.ContentLength, clone(ev.Fields)
		close(x.came)
	case h3.Data:
		x.body = append(x.body, ev.Data...)
	case h3.Trailers:
		x.trailers = clone(ev.Fields)
	case h3.StreamReset:
		x.err = fmt.Sprint("reset ", ev.Code, " retry ", ev.Retry)
		close(x.done)
		return
	case h3.StreamError:
		x.err = ev.Reason
		close(x.done)
		return
	default:
		return
	}
	if ev.EndStream {
		close(x.done)
	}
}

func newBrowser(t *testing.T, q *quicgo.Conn, p *h3.Profile) *browser {
	b := &browser{t: t, exchanges: map[uint64]*exchange{}, settings: make(chan struct{}), goaway: make(chan uint64, 10), datagrams: make(chan string, 10)}
	b.e = newEnd(t, q, h3.Client, p, b.event)
	return b
}

// send sends a request, with its content and trailers unless it stays open.
func (b *browser) send(method, path, proto string, list []codec.Field, body []byte, trailers []codec.Field, open bool) (uint64, *exchange) {
	x := &exchange{came: make(chan struct{}), done: make(chan struct{})}
	qs, err := b.e.q.OpenStream()
	require.NoError(b.t, err)
	id := uint64(qs.StreamID())
	head := &h3.RequestHead{Method: []byte(method), Scheme: []byte("https"), Authority: []byte("localhost"), Path: []byte(path)}
	if proto != "" {
		head.Protocol = []byte(proto)
	}
	b.e.ask(b.t, func() {
		b.exchanges[id] = x
		b.e.add(&stream{id: id, send: qs, recv: qs})
		end := !open && body == nil && trailers == nil
		b.e.must(b.t, id, end)(b.e.c.AppendRequest(nil, id, head, list, end))
		if end || open {
			return
		}
		for len(body) > 10_000 {
			b.e.must(b.t, id, false)(b.e.c.AppendData(nil, id, body[:10_000], false))
			body = body[10_000:]
		}
		b.e.must(b.t, id, trailers == nil)(b.e.c.AppendData(nil, id, body, trailers == nil))
		if trailers != nil {
			b.e.must(b.t, id, true)(b.e.c.AppendTrailers(nil, id, trailers))
		}
	})
	return id, x
}

// do sends a request and waits for the response.
func (b *browser) do(method, path string, list []codec.Field, body []byte, trailers []codec.Field) *exchange {
	_, x := b.send(method, path, "", list, body, trailers, false)
	wait(b.t, x.done)
	require.Empty(b.t, x.err)
	return x
}

func value(list []codec.Field, name string) string {
	for _, f := range list {
		if string(f.Name) == name {
			return string(f.Value)
		}
	}
	return ""
}

// theirHandler answers the requests that quic-go's server gets.
func theirHandler(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		if r.Proto != "websocket" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusOK)
		s, err := w.(http3.HTTPStreamer).HTTPStream()
		if err != nil {
			return
		}
		defer s.Close()
		go func() {
			for {
				p, err := s.ReceiveDatagram(r.Context())
				if err != nil {
					return
				}
				_ = s.SendDatagram(append([]byte("again "), p...))
			}
		}()
		_, _ = io.Copy(s, s)
	case r.URL.Path == "/echo":
		body, _ := io.ReadAll(r.Body)
		if v := r.Trailer.Get("x-sum"); v != "" {
			w.Header().Set("trailer", "x-sum")
			w.Header().Set("x-sum", v)
		} else {
			w.Header().Set("content-length", strconv.Itoa(len(body)))
		}
		_, _ = w.Write(body)
	case r.URL.Path == "/big":
		w.Header().Set("x-big", r.Header.Get("x-big"))
	case r.URL.Path == "/hints":
		w.Header().Set("link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
	case r.URL.Path == "/nothing":
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/head":
		w.Header().Set("content-length", "12345")
	case r.URL.Path == "/abort":
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("content-type", "text/plain")
		_, _ = io.WriteString(w, r.Method+" "+r.URL.Path)
	}
}

// theirServer connects a client of ours with a server of quic-go.
func theirServer(t *testing.T) (*browser, *http3.Server) {
	kq, sq := connect(t)
	s := &http3.Server{Handler: http.HandlerFunc(theirHandler), EnableDatagrams: true}
	done := make(chan struct{})
	go func() {
		_ = s.ServeQUICConn(sq)
		close(done)
	}()
	t.Cleanup(func() {
		_ = kq.CloseWithError(0x100, "")
		wait(t, done)
	})
	return newBrowser(t, kq, h3.Config{Datagrams: true, Seed: 3}.Profile()), s
}

// exchanges that every server must have with our client.
func common(t *testing.T, b *browser) {
	for i := range 20 {
		x := b.do("GET", fmt.Sprintf("/hello/%d", i), nil, nil, nil)
		require.Equal(t, 200, x.status)
		require.Equal(t, "text/plain", value(x.list, "content-type"))
		require.Equal(t, fmt.Sprintf("GET /hello/%d", i), string(x.body))
	}

	body := text(300_000)
	x := b.do("POST", "/echo", []codec.Field{field("content-length", "300000")}, body, nil)
	require.Equal(t, int64(len(body)), x.length)
	require.True(t, bytes.Equal(body, x.body))

	x = b.do("POST", "/echo", []codec.Field{field("trailer", "x-sum")}, body, []codec.Field{field("x-sum", "17")})
	require.True(t, bytes.Equal(body, x.body))
	require.Equal(t, "17", value(x.trailers, "x-sum"))

	big := strings.Repeat("abcdefgh", 2500)
	x = b.do("GET", "/big", []codec.Field{field("x-big", big)}, nil, nil)
	require.Equal(t, big, value(x.list, "x-big"))

	x = b.do("GET", "/hints", nil, nil, nil)
	require.Equal(t, 200, x.status)
	require.Equal(t, []int{103}, x.infos)

	x = b.do("GET", "/nothing", nil, nil, nil)
	require.Equal(t, 204, x.status)
	require.Empty(t, x.body)
	x = b.do("HEAD", "/head", nil, nil, nil)
	require.Equal(t, int64(12345), x.length)
	require.Empty(t, x.body)
	b.e.ask(t, func() { require.Zero(t, b.e.c.Streams()) })
}

// tunnel is an extended CONNECT with content and datagrams both ways.
func tunnel(t *testing.T, b *browser) {
	wait(t, b.settings)
	id, x := b.send("CONNECT", "/chat", "websocket", nil, nil, nil, true)
	wait(t, x.came)
	require.Equal(t, 200, x.status)
	stop := make(chan struct{})
	defer close(stop)
	go talk(stop, func() error {
		b.e.do(func() {
			if p, err := b.e.c.AppendDatagram(nil, id); err == nil { // until the tunnel has ended
				_ = b.e.q.SendDatagram(append(p, "and"...))
			}
		})
		return nil
	})
	require.Equal(t, "again and", wait(t, b.datagrams))
	body := text(10_000)
	b.e.ask(t, func() { b.e.must(t, id, true)(b.e.c.AppendData(nil, id, body, true)) })
	wait(t, x.done)
	require.Empty(t, x.err)
	require.Equal(t, body, x.body)
}

// Our client has every kind of exchange with quic-go's server, on one connection.
func TestTheirServer(t *testing.T) {
	b, _ := theirServer(t)
	common(t, b)
	tunnel(t, b)
	_, x := b.send("GET", "/abort", "", nil, nil, nil, false)
	wait(t, x.done)
	require.Equal(t, "reset H3_INTERNAL_ERROR retry false", x.err)
}

// quic-go's server goes away: the request that is open ends well, and our client sends no other.
func TestTheirServerGoAway(t *testing.T) {
	b, s := theirServer(t)
	wait(t, b.settings)
	id, x := b.send("CONNECT", "/chat", "websocket", nil, nil, nil, true)
	wait(t, x.came)
	down := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		down <- s.Shutdown(ctx)
	}()
	require.Equal(t, id+4, wait(t, b.goaway))
	b.e.ask(t, func() {
		require.Equal(t, h3.GoneAway, b.e.c.OpenBlocked())
		b.e.must(t, id, true)(b.e.c.AppendData(nil, id, []byte("last words"), true))
	})
	wait(t, x.done)
	require.Equal(t, "last words", string(x.body))
	b.e.ask(t, func() { b.e.c.GoAway() })
	b.e.ask(t, func() { require.True(t, b.e.c.Done()) })
	require.NoError(t, b.e.q.CloseWithError(quicgo.ApplicationErrorCode(h3.NoError), ""))
	require.NoError(t, wait(t, down))
}

// Both ends are ours, with the dynamic table, over streams that come in any order.
func TestOursDynamic(t *testing.T) {
	kq, sq := connect(t)
	a := newApp(t)
	p := h3.Config{ExtendedConnect: true, Datagrams: true}.Profile()
	s := newEnd(t, sq, h3.Server, p, a.event)
	b := newBrowser(t, kq, p)
	wait(t, b.settings)
	common(t, b)
	tunnel(t, b)
	require.Empty(t, a.resets)
	// Many at once, with fields that enter the table.
	var all []*exchange
	for i := range 80 {
		_, x := b.send("GET", "/big", "", []codec.Field{field("x-who", "somebody"), field("x-many", strconv.Itoa(i%7)), field("x-n", strconv.Itoa(i))}, nil, nil, false)
		all = append(all, x)
	}
	for i, x := range all {
		wait(t, x.done)
		require.Empty(t, x.err)
		require.Equal(t, "somebody", value(x.list, "x-who"))
		require.Equal(t, strconv.Itoa(i), value(x.list, "x-n"))
	}
	for _, e := range []*end{s, b.e} {
		e.ask(t, func() {
			require.NoError(t, e.c.Err())
			require.Zero(t, e.c.Streams())
			// The table was in use: instructions and answers to them.
			own := uint64(2)
			if e == s {
				own = 3
			}
			require.Greater(t, e.wrote[own+4], 50)
			require.Greater(t, e.wrote[own+8], 1)
		})
	}
}
