package ws

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/ws"
)

func config() *ws.Config {
	return &ws.Config{
		Limits:     ws.Limits{Message: 16 << 20},
		DeflateMin: -1,
		Rand: func() uint32 {
			var b [4]byte
			_, _ = rand.Read(b[:])
			return binary.LittleEndian.Uint32(b[:])
		},
	}
}

// run drives c over nc until it is closed. Each message goes to answer, which returns what to send for it. in is what was
// read behind the handshake.
func run(nc net.Conn, c *ws.Conn, in []byte, answer func(op ws.Opcode, p []byte) []byte) error {
	var ev ws.Event
	var j ws.Joiner
	var out []byte
	buf := make([]byte, 70_000)
	r, w := 0, copy(buf, in)
	for !c.Closed() {
		n, err := c.Next(buf[r:w], &ev)
		r += n
		switch {
		case err != nil:
			_, _ = nc.Write(c.AppendOwed(nil, 1<<16))
			return err
		case ev.Kind == ws.Data:
			m, done, err := j.Add(&ev)
			if err != nil {
				return err
			}
			if done {
				out = append(out, answer(ev.Opcode, m)...)
			}
		case ev.Kind == ws.None:
			if out = c.AppendOwed(out, 1<<16); len(out) > 0 {
				if _, err := nc.Write(out); err != nil {
					return err
				}
				out = out[:0]
				continue
			}
			w = copy(buf, buf[r:w])
			r = 0
			k, err := nc.Read(buf[w:])
			if w += k; err != nil {
				return c.Finish()
			}
		}
	}
	return nil
}

// head reads one head from nc and returns its event and what was read behind it.
func head(nc net.Conn, d *http1.Decoder) (ev http1.Event, rest []byte, err error) {
	buf := make([]byte, 16<<10)
	w := 0
	for {
		n, err := nc.Read(buf[w:])
		w += n
		if err != nil {
			return ev, nil, err
		}
		k, err := d.Next(buf[:w], &ev)
		if err != nil || ev.Kind != http1.None {
			return ev, buf[k:w], err
		}
	}
}

// echo is a server of ours: it sends every message back, and what it says with AppendFragment in between changes nothing.
func echo(nc net.Conn, o *ws.DeflateOptions) error {
	defer func() { _ = nc.Close() }()
	var d http1.Decoder
	ev, rest, err := head(nc, &d)
	if err != nil {
		return err
	}
	acceptor := ws.Acceptor{Deflate: o, Protocols: []string{"echo"}}
	var h ws.Handshake
	if err := acceptor.Check(&ws.Request{Method: ev.Method, Minor: ev.Minor, Host: ev.Authority, Fields: ev.Fields}, &h); err != nil {
		return err
	}
	out, err := h.AppendAccept(nil, nil)
	if err != nil {
		return err
	}
	if _, err := nc.Write(out); err != nil {
		return err
	}
	var c ws.Conn
	c.Init(ws.Server, config())
	if h.HasDeflate {
		c.SetDeflate(h.Deflate)
	}
	i := 0
	return run(nc, &c, rest, func(op ws.Opcode, p []byte) []byte {
		if i++; i%3 == 0 {
			out, _ := c.AppendFragment(nil, op, p[:len(p)/2], false)
			out, _ = c.AppendFragment(out, op, p[len(p)/2:], true)
			return out
		}
		out, err := c.AppendMessage(nil, op, p)
		if err != nil {
			panic(err)
		}
		return out
	})
}

func payload(i int) []byte {
	switch i % 5 {
	case 0:
		return []byte(strings.Repeat("grüße, 世界! ", i%40))
	case 1:
		return []byte(fmt.Sprintf("message %d", i))
	case 2:
		rng, p := mathrand.New(mathrand.NewPCG(uint64(i), 1)), make([]byte, 1+i*37%5000)
		for j := range p {
			p[j] = "0123456789abcdef"[rng.IntN(16)]
		}
		return p
	case 3:
		return bytes.Repeat([]byte("abcdefg"), i*101%20_000)
	}
	return []byte{}
}

var agreements = []struct {
	mode websocket.CompressionMode
	ours *ws.DeflateOptions
}{
	{websocket.CompressionDisabled, nil},
	{websocket.CompressionDisabled, &ws.DeflateOptions{}},
	{websocket.CompressionNoContextTakeover, &ws.DeflateOptions{}},
	{websocket.CompressionNoContextTakeover, &ws.DeflateOptions{ServerTakeover: true, ClientTakeover: true}},
	{websocket.CompressionContextTakeover, &ws.DeflateOptions{}},
	{websocket.CompressionContextTakeover, &ws.DeflateOptions{ServerTakeover: true, ClientTakeover: true}},
	{websocket.CompressionContextTakeover, &ws.DeflateOptions{ServerTakeover: true, ServerBits: 9}},
	{websocket.CompressionContextTakeover, &ws.DeflateOptions{ClientTakeover: true, ServerBits: 8}},
	{websocket.CompressionContextTakeover, nil},
}

func TestCoderClient(t *testing.T) {
	for i, a := range agreements {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			ours, theirs := net.Pipe()
			done := make(chan error, 1)
			go func() { done <- echo(ours, a.ours) }()
			tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return theirs, nil }}
			c, _, err := websocket.Dial(ctx, "ws://pipe/echo", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: tr}, CompressionMode: a.mode, CompressionThreshold: 1, Subprotocols: []string{"x", "echo"},
			})
			require.NoError(t, err)
			require.Equal(t, "echo", c.Subprotocol())
			c.SetReadLimit(16 << 20)
			for i := range 200 {
				p, kind := payload(i), websocket.MessageText
				if i%7 == 6 {
					kind = websocket.MessageBinary
				}
				sent := make(chan error, 1)
				go func() { sent <- c.Write(ctx, kind, p) }()
				k, got, err := c.Read(ctx)
				require.NoError(t, err)
				require.NoError(t, <-sent)
				require.Equal(t, kind, k)
				require.True(t, bytes.Equal(p, got), "message %d", i)
			}
			require.NoError(t, c.Close(websocket.StatusNormalClosure, "bye"))
			require.NoError(t, <-done)
		})
	}
}

// one is a listener for one connection.
type one struct {
	conn chan net.Conn
	once sync.Once
}

func (l *one) Accept() (net.Conn, error) {
	c, ok := <-l.conn
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l *one) Close() error   { l.once.Do(func() { close(l.conn) }); return nil }
func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

func TestCoderServer(t *testing.T) {
	for i, a := range agreements {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			ours, theirs := net.Pipe()
			l := &one{conn: make(chan net.Conn, 1)}
			l.conn <- theirs
			ended := make(chan error, 1)
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: a.mode, CompressionThreshold: 1})
				if err != nil {
					ended <- err
					return
				}
				c.SetReadLimit(16 << 20)
				for err == nil {
					var kind websocket.MessageType
					var p []byte
					if kind, p, err = c.Read(r.Context()); err == nil {
						err = c.Write(r.Context(), kind, p)
					}
				}
				ended <- err
			})}
			go func() { _ = srv.Serve(l) }()
			defer func() { _ = srv.Close() }()
			defer func() { _ = ours.Close() }()
			require.NoError(t, ours.SetDeadline(time.Now().Add(2*time.Minute)))

			o := ws.Opening{Host: []byte("pipe"), Deflate: a.ours}
			_, _ = rand.Read(o.Nonce[:])
			out, err := o.AppendRequest(nil)
			require.NoError(t, err)
			_, err = ours.Write(out)
			require.NoError(t, err)
			var d http1.Decoder
			d.InitResponse(nil)
			d.Expect(http1.MethodGet, true)
			ev, rest, err := head(ours, &d)
			require.NoError(t, err)
			var h ws.Handshake
			err = o.Check(ev.Status, ev.Fields, &h)
			// coder/websocket accepts an offer of server_max_window_bits without answering it: that is refused.
			var he *ws.HandshakeError
			if a.ours != nil && a.ours.ServerBits != 0 && errors.As(err, &he) {
				require.Contains(t, he.Reason, "server_max_window_bits")
				return
			}
			require.NoError(t, err)
			var c ws.Conn
			c.Init(ws.Client, config())
			if h.HasDeflate {
				c.SetDeflate(h.Deflate)
			}
			i := 0
			first, err := c.AppendMessage(nil, ws.Text, payload(0))
			require.NoError(t, err)
			wrote := make(chan error, 1)
			go func() { _, err := ours.Write(first); wrote <- err }()
			err = run(ours, &c, rest, func(op ws.Opcode, p []byte) []byte {
				require.True(t, bytes.Equal(payload(i), p), "message %d", i)
				if i++; i == 200 {
					out, _ := c.AppendClose(nil, ws.CloseNormal, nil)
					return out
				}
				out, err := c.AppendMessage(nil, ws.Text, payload(i))
				require.NoError(t, err)
				return out
			})
			require.NoError(t, err)
			require.NoError(t, <-wrote)
			require.Equal(t, 200, i)
			require.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(<-ended))
		})
	}
}

// gobwas/ws as a client without compression, with its own dialer and reader.
func TestGobwasClient(t *testing.T) {
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- echo(ours, nil) }()
	require.NoError(t, theirs.SetDeadline(time.Now().Add(2*time.Minute)))
	dialer := gobwas.Dialer{NetDial: func(context.Context, string, string) (net.Conn, error) { return theirs, nil }}
	nc, br, _, err := dialer.Dial(context.Background(), "ws://pipe/echo")
	require.NoError(t, err)
	require.Nil(t, br)
	for i := range 200 {
		sent := make(chan error, 1)
		go func() { sent <- wsutil.WriteClientText(nc, payload(i)) }()
		got, err := wsutil.ReadServerText(nc)
		require.NoError(t, err)
		require.NoError(t, <-sent)
		require.True(t, bytes.Equal(payload(i), got), "message %d", i)
	}
	sent := make(chan error, 1)
	go func() {
		sent <- gobwas.WriteFrame(nc, gobwas.MaskFrame(gobwas.NewCloseFrame(gobwas.NewCloseFrameBody(1000, "bye"))))
	}()
	f, err := gobwas.ReadFrame(nc)
	require.NoError(t, err)
	require.NoError(t, <-sent)
	require.Equal(t, gobwas.OpClose, f.Header.OpCode)
	require.NoError(t, <-done)
	_, err = nc.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}
