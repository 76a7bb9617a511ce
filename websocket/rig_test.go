package websocket_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

// site is a server under test.
type site struct {
	name, addr string
	native     bool
	// drain shuts it down gracefully; nil where nobody can.
	drain func(context.Context) drivers.Report
}

func (s site) url(path string) string { return "ws://" + s.addr + path }

// sites starts servers that answer everything with u: both drivers, with http.Handlers and without, and Go's own server.
func sites(t testing.TB, u *websocket.Upgrader) []site {
	mux := http.NewServeMux()
	mux.Handle("/", u)
	return append(sitesFor(t, server.Config{Handler: mux}, "-http"), append(sitesFor(t, server.Config{Native: u}, "-native"), foreign(t, mux))...)
}

func foreign(t testing.TB, h http.Handler) site {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return site{name: "nethttp", addr: s.Listener.Addr().String()}
}

// sitesFor starts one server on both drivers.
func sitesFor(t testing.TB, cfg server.Config, kind string) []site {
	t.Helper()
	srv, err := server.New(cfg)
	require.NoError(t, err)
	native := cfg.Native != nil

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := stdnet.New(srv, stdnet.Config{})
	served := make(chan struct{})
	go func() { defer close(served); _ = d.Serve(l) }()
	t.Cleanup(func() { _ = d.Close(); <-served })

	r, err := reactor.New(srv, reactor.Config{Loops: 2})
	require.NoError(t, err)
	require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
	require.NoError(t, r.Start())
	t.Cleanup(func() { _ = r.Close() })
	return []site{
		{"stdnet" + kind, l.Addr().String(), native, d.Shutdown},
		{"reactor" + kind, r.Addrs()[0].String(), native, r.Shutdown},
	}
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func echoHandler() *websocket.Handler {
	return &websocket.Handler{OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) { _ = c.TrySend(op, p) }}
}

// peer is a client by hand: it sends and expects exactly the frames that the test names.
type peer struct {
	t    testing.TB
	c    net.Conn
	br   *bufio.Reader
	resp *http.Response
}

// rawDial sends a handshake with more behind it, and reads the answer.
func rawDial(t testing.TB, addr, more string, fields ...string) *peer {
	t.Helper()
	return rawDialOn(t, addr, "/", more, fields)
}

func rawDialPath(t testing.TB, addr, path string) *peer { return rawDialOn(t, addr, path, "", nil) }

func rawDialOn(t testing.TB, addr, path, more string, fields []string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(2*time.Minute)))
	key := make([]byte, 16)
	_, _ = rand.Read(key)
	head := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.StdEncoding.EncodeToString(key) + "\r\n"
	for _, f := range fields {
		head += f + "\r\n"
	}
	_, err = io.WriteString(c, head+"\r\n"+more)
	require.NoError(t, err)
	p := &peer{t: t, c: c, br: bufio.NewReader(c)}
	p.resp, err = http.ReadResponse(p.br, nil)
	require.NoError(t, err)
	return p
}

// frame is a masked frame.
func frame(fin bool, op ws.Opcode, payload string) string {
	b, err := ws.AppendHeader(nil, &ws.Header{Fin: fin, Opcode: op, Masked: true, Key: [4]byte{1, 2, 3, 4}, Length: int64(len(payload))})
	if err != nil {
		panic(err)
	}
	p := []byte(payload)
	ws.Mask(p, [4]byte{1, 2, 3, 4}, 0)
	return string(b) + string(p)
}

func (p *peer) send(frames ...string) {
	p.t.Helper()
	_, err := io.WriteString(p.c, strings.Join(frames, ""))
	require.NoError(p.t, err)
}

// expect reads one frame and describes it: "text fin: payload".
func (p *peer) expect(op ws.Opcode, payload string) {
	p.t.Helper()
	h, got := p.read()
	require.Equal(p.t, op, h.Opcode, "%+v %q", h, got)
	require.True(p.t, h.Fin)
	require.Equal(p.t, payload, got)
}

func (p *peer) read() (ws.Header, string) {
	p.t.Helper()
	var h ws.Header
	for n := 2; ; n++ {
		b, err := p.br.Peek(n)
		require.NoError(p.t, err)
		k, err := ws.ParseHeader(b, &h, ws.FromServer)
		require.NoError(p.t, err)
		if k > 0 {
			_, _ = p.br.Discard(k)
			break
		}
	}
	got := make([]byte, h.Length)
	_, err := io.ReadFull(p.br, got)
	require.NoError(p.t, err)
	return h, string(got)
}

// expectEnd wants the transport to end.
func (p *peer) expectEnd() {
	p.t.Helper()
	rest, err := io.ReadAll(p.br)
	require.NoError(p.t, err)
	require.Empty(p.t, rest)
}

func closing(code ws.CloseCode, reason string) string {
	return string([]byte{byte(code >> 8), byte(code)}) + reason
}

func each(t *testing.T, all []site, f func(t *testing.T, s site)) {
	t.Helper()
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
}
