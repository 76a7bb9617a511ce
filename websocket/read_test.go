package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

// readers starts servers whose http.Handler serves each connection by reading, inside of the handler or on a goroutine beside it.
func readers(t *testing.T, o websocket.Options, serve func(c *websocket.Conn)) []site {
	u := &websocket.Upgrader{Options: o}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		switch {
		case err != nil:
			t.Error(err)
		case r.URL.Path == "/beside":
			go serve(c)
		default:
			serve(c)
		}
	})
	return append(sitesFor(t, server.Config{Handler: h}, ""), foreign(t, h))
}

func everyPath(t *testing.T, all []site, f func(t *testing.T, s site, path string)) {
	each(t, all, func(t *testing.T, s site) {
		for _, path := range []string{"/inside", "/beside"} {
			t.Run(path[1:], func(t *testing.T) { f(t, s, path) })
		}
	})
}

// An echo that reads and sends, as users of other libraries write it.
func TestReadAndSend(t *testing.T) {
	ended := make(chan error, 1)
	all := readers(t, websocket.Options{}, func(c *websocket.Conn) {
		var p []byte
		for {
			op, p, err := c.AppendMessage(context.Background(), p[:0])
			if err != nil {
				ended <- err
				return
			}
			if err := c.Send(context.Background(), op, p); err != nil {
				t.Error(err)
			}
		}
	})
	everyPath(t, all, func(t *testing.T, s site, path string) {
		p := rawDialPath(t, s.addr, path)
		for range 3 {
			p.send(frame(true, ws.Text, "one"), frame(false, ws.Binary, "t"), frame(true, ws.Ping, "x"), frame(true, ws.Continuation, "wo"), frame(true, ws.Text, ""))
			var got []string
			for range 4 {
				_, payload := p.read()
				got = append(got, payload)
			}
			require.ElementsMatch(t, []string{"one", "x", "two", ""}, got)
		}
		big := strings.Repeat("0123456789", 100_000)
		p.send(frame(true, ws.Text, big))
		p.expect(ws.Text, big)
		p.send(frame(true, ws.Close, closing(4000, "done")))
		p.expect(ws.Close, closing(4000, ""))
		p.expectEnd()
		require.Equal(t, &websocket.CloseError{Code: 4000, Reason: "done", Remote: true}, <-ended)
	})
}

// A reader that does not come stops the peer; what is left of a message is skipped; a context ends the waiting only.
func TestReadersPace(t *testing.T) {
	step := make(chan func(c *websocket.Conn))
	all := readers(t, websocket.Options{ReadAhead: 10_000, Limits: ws.Limits{Message: -1}}, func(c *websocket.Conn) {
		for f := range step {
			f(c)
			if f == nil {
				return
			}
			if c.Err() != nil {
				return
			}
		}
	})
	do := func(f func(c *websocket.Conn)) {
		done := make(chan struct{})
		step <- func(c *websocket.Conn) { defer close(done); f(c) }
		<-done
	}
	ctx := context.Background()
	everyPath(t, all, func(t *testing.T, s site, path string) {
		p := rawDialPath(t, s.addr, path)
		do(func(c *websocket.Conn) {
			brief, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
			defer cancel()
			if _, _, err := c.ReadMessage(brief); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if err := c.Send(ctx, websocket.Text, []byte("ready")); err != nil {
				t.Error(err)
			}
		})
		p.expect(ws.Text, "ready")
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for range 300 { // 30 MB: more than any kernel holds
				p.send(frame(true, ws.Binary, strings.Repeat("x", 100_000)))
			}
		}()
		select {
		case <-sent:
			t.Fatal("the peer could send all, and nobody reads")
		case <-time.After(200 * time.Millisecond):
		}
		do(func(c *websocket.Conn) {
			for i := range 300 {
				_, r, err := c.NextReader(ctx)
				if err != nil {
					t.Error(i, err)
					return
				}
				if n, err := io.ReadFull(r, make([]byte, 1000)); err != nil || n != 1000 { // the rest is skipped
					t.Error(i, n, err)
				}
			}
		})
		<-sent
		p.send(frame(true, ws.Text, "last"))
		do(func(c *websocket.Conn) {
			if op, got, err := c.ReadMessage(ctx); op != websocket.Text || string(got) != "last" || err != nil {
				t.Errorf("%q %v", got, err)
			}
			if _, _, err := (&websocket.Conn{}).ReadMessage(ctx); !errors.Is(err, websocket.ErrHandler) {
				t.Error(err)
			}
			_ = c.Close(ws.CloseNormal, "")
		})
		p.expect(ws.Close, closing(1000, ""))
		p.send(frame(true, ws.Close, closing(1000, "")))
		p.expectEnd()
		do(func(c *websocket.Conn) {
			if _, _, err := c.ReadMessage(ctx); websocket.CloseStatus(err) != ws.CloseNormal {
				t.Error(err)
			}
		})
	})
}

// A connection as a stream of bytes, on both ends, with deadlines.
func TestNetConn(t *testing.T) {
	all := readers(t, websocket.Options{}, func(c *websocket.Conn) {
		nc := c.NetConn(websocket.Binary)
		_, _ = io.Copy(nc, nc)
		_ = nc.Close()
	})
	everyPath(t, all, func(t *testing.T, s site, path string) {
		c, err := websocket.Dial(soon(t), s.url(path))
		require.NoError(t, err)
		nc := c.NetConn(websocket.Binary)
		require.Equal(t, s.addr, nc.RemoteAddr().String())
		require.NotNil(t, nc.LocalAddr())
		require.NoError(t, nc.SetDeadline(time.Now().Add(2*time.Minute)))
		want := pattern(3 << 20)
		go func() {
			for p := want; len(p) > 0; {
				n := min(len(p), 100_000)
				_, _ = nc.Write(p[:n])
				p = p[n:]
			}
		}()
		got := make([]byte, len(want))
		_, err = io.ReadFull(nc, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
		// A deadline moves for a Read that waits.
		require.NoError(t, nc.SetReadDeadline(time.Now().Add(time.Hour)))
		time.AfterFunc(10*time.Millisecond, func() { _ = nc.SetReadDeadline(time.Now()) })
		_, err = nc.Read(got)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, nc.SetReadDeadline(time.Time{}))
		_, err = nc.Write([]byte("again"))
		require.NoError(t, err)
		_, err = io.ReadFull(nc, got[:5])
		require.NoError(t, err)
		require.NoError(t, nc.Close())
		_, err = nc.Read(got)
		require.ErrorIs(t, err, io.EOF)
		_, err = nc.Write(got)
		require.Error(t, err)
	})
}

// A text is no piece of a binary stream: 1003.
func TestNetConnType(t *testing.T) {
	all := readers(t, websocket.Options{}, func(c *websocket.Conn) {
		if _, err := c.NetConn(websocket.Binary).Read(make([]byte, 1)); websocket.CloseStatus(err) != ws.CloseUnsupportedData {
			t.Error(err)
		}
	})
	everyPath(t, all, func(t *testing.T, s site, path string) {
		p := rawDialPath(t, s.addr, path)
		p.send(frame(true, ws.Text, "x"))
		p.expect(ws.Close, closing(1003, ""))
	})
}

// A message of unknown length goes out in fragments; others wait for its end, control frames do not.
func TestWriter(t *testing.T) {
	all := readers(t, websocket.Options{}, func(c *websocket.Conn) {
		ctx := context.Background()
		w := c.NextWriter(ctx, websocket.Text)
		for range 3 {
			_, _ = io.WriteString(w, strings.Repeat("x", 3000))
		}
		if err := c.TrySend(websocket.Text, nil); !errors.Is(err, websocket.ErrOpen) {
			t.Error(err)
		}
		if err := c.TryPing([]byte("between")); err != nil {
			t.Error(err)
		}
		after := make(chan error, 1)
		go func() { after <- c.Send(ctx, websocket.Text, []byte("after")) }()
		_, _ = io.WriteString(w, strings.Repeat("y", 20_000))
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := w.Close(); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := <-after; err != nil {
			t.Error(err)
		}
		_ = c.NextWriter(ctx, websocket.Binary).Close() // an empty message
		_, _, _ = c.ReadMessage(ctx)
	})
	everyPath(t, all, func(t *testing.T, s site, path string) {
		p := rawDialPath(t, s.addr, path)
		var message strings.Builder
		frames, pings := 0, 0
		for fin := false; !fin; {
			h, payload := p.read()
			if h.Opcode == ws.Ping {
				require.Equal(t, "between", payload)
				pings++
				continue
			}
			message.WriteString(payload)
			frames++
			fin = h.Fin
		}
		require.Equal(t, strings.Repeat("x", 9000)+strings.Repeat("y", 20_000), message.String())
		require.Greater(t, frames, 2)
		require.Equal(t, 1, pings)
		p.expect(ws.Text, "after")
		p.expect(ws.Binary, "")
	})
}
