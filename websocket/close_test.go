package websocket_test

import (
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

// closes returns an Upgrader whose OnClose calls arrive on a channel, whose text messages "close N why" close, and that echoes
// everything else.
func closes(o websocket.Options) (*websocket.Upgrader, chan *websocket.CloseError) {
	got := make(chan *websocket.CloseError, 100)
	return &websocket.Upgrader{Options: o, Handler: &websocket.Handler{
		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
			switch {
			case string(p) == "close":
				_ = c.Close(3001, "as you wish")
				if err := c.TrySend(websocket.Text, p); !errors.Is(err, net.ErrClosed) {
					panic(err)
				}
			case string(p) == "panic":
				panic("as you wish")
			case string(p) == "abort":
				c.Abort()
			default:
				_ = c.TrySend(op, p)
			}
		},
		OnClose: func(c *websocket.Conn, err *websocket.CloseError) { got <- err },
	}}, got
}

func next(t *testing.T, ch chan *websocket.CloseError) *websocket.CloseError {
	t.Helper()
	select {
	case err := <-ch:
		return err
	case <-time.After(time.Minute):
		t.Fatal("OnClose was not called")
		return nil
	}
}

// Each way to end a connection: what the peer sees, and what OnClose is told, once.
func TestEndings(t *testing.T) {
	u, got := closes(websocket.Options{Limits: ws.Limits{Message: 1000}})
	each(t, sites(t, u), func(t *testing.T, s site) {
		for _, c := range []struct {
			name   string
			send   string
			answer string // payload of the Close frame
			code   ws.CloseCode
			reason string
			remote bool
		}{
			{"the peer closes", frame(true, ws.Close, closing(3000, "why")), closing(3000, ""), 3000, "why", true},
			{"the peer closes without a code", frame(true, ws.Close, ""), "", ws.CloseNoStatus, "", true},
			{"not masked", "\x81\x01x", closing(1002, ""), 1002, "", false},
			{"not text", frame(true, ws.Text, "\xff"), closing(1007, ""), 1007, "", false},
			{"too long", frame(true, ws.Binary, strings.Repeat("x", 1001)), closing(1009, ""), 1009, "", false},
			{"bad close code", frame(true, ws.Close, closing(1005, "")), closing(1002, ""), 1002, "", false},
		} {
			t.Run(c.name, func(t *testing.T) {
				p := rawDial(t, s.addr, frame(true, ws.Text, "first")+c.send+frame(true, ws.Text, "never"))
				p.expect(ws.Text, "first")
				p.expect(ws.Close, c.answer)
				p.expectEnd()
				err := next(t, got)
				require.Equal(t, c.code, err.Code)
				require.Equal(t, c.reason, err.Reason)
				require.Equal(t, c.remote, err.Remote)
				require.ErrorIs(t, err, c.code)
			})
		}
		t.Run("we close", func(t *testing.T) {
			p := rawDial(t, s.addr, frame(true, ws.Text, "close"))
			p.expect(ws.Close, closing(3001, "as you wish"))
			p.send(frame(true, ws.Ping, "late"), frame(true, ws.Close, closing(3001, "so be it")))
			p.expectEnd()
			err := next(t, got)
			require.Equal(t, &websocket.CloseError{Code: 3001, Reason: "so be it", Remote: true}, err)
		})
		t.Run("the peer leaves", func(t *testing.T) {
			p := rawDial(t, s.addr, frame(true, ws.Text, "here")+frame(false, ws.Text, "begun"))
			p.expect(ws.Text, "here")
			_ = p.c.(*net.TCPConn).CloseWrite()
			p.expectEnd()
			require.Equal(t, ws.CloseAbnormal, next(t, got).Code)
		})
		t.Run("reset", func(t *testing.T) {
			p := rawDial(t, s.addr, frame(true, ws.Text, "here"))
			p.expect(ws.Text, "here")
			_ = p.c.(*net.TCPConn).SetLinger(0)
			_ = p.c.Close()
			err := next(t, got)
			require.Equal(t, ws.CloseAbnormal, err.Code)
			require.False(t, err.Remote)
			require.Error(t, err.Err)
		})
		for _, how := range []string{"abort", "panic"} {
			t.Run(how, func(t *testing.T) {
				other := rawDial(t, s.addr, "")
				p := rawDial(t, s.addr, "")
				p.send(frame(true, ws.Text, how))
				_, err := p.br.ReadByte()
				require.Error(t, err)
				require.Equal(t, ws.CloseAbnormal, next(t, got).Code)
				other.send(frame(true, ws.Text, "alive"))
				other.expect(ws.Text, "alive")
				other.send(frame(true, ws.Close, ""))
				other.expect(ws.Close, "")
				require.True(t, next(t, got).Remote)
			})
		}
		time.Sleep(5 * time.Millisecond)
		require.Empty(t, got, "OnClose more than once")
	})
}

// A peer that does not answer our Close frame, or our Pings, is dropped.
func TestPeersThatDoNotAnswer(t *testing.T) {
	u, got := closes(websocket.Options{CloseTimeout: 30 * time.Millisecond})
	each(t, sites(t, u), func(t *testing.T, s site) {
		p := rawDial(t, s.addr, frame(true, ws.Text, "close"))
		p.expect(ws.Close, closing(3001, "as you wish"))
		err := next(t, got)
		require.Equal(t, ws.CloseAbnormal, err.Code)
		require.Error(t, err.Err)
	})
	// Long enough for a busy machine to answer in time.
	const pongTimeout = 2 * time.Second
	u, got = closes(websocket.Options{PingInterval: 40 * time.Millisecond, PongTimeout: pongTimeout})
	each(t, sites(t, u), func(t *testing.T, s site) {
		t.Parallel()
		p := rawDial(t, s.addr, "")
		for begin := time.Now(); time.Since(begin) < pongTimeout*5/4; { // who answers stays
			p.expect(ws.Ping, "")
			p.send(frame(true, ws.Pong, ""))
		}
		p.expect(ws.Ping, "")
		require.Equal(t, ws.CloseAbnormal, next(t, got).Code)
	})
}

// A drain says 1001, and is over when the peers have answered.
func TestDrain(t *testing.T) {
	for _, kind := range []string{"stdnet-http", "reactor-http", "stdnet-native", "reactor-native"} {
		t.Run(kind, func(t *testing.T) {
			u, got := closes(websocket.Options{})
			for _, s := range sites(t, u) {
				if s.name != kind {
					continue
				}
				var peers []*peer
				for range 5 {
					p := rawDial(t, s.addr, frame(true, ws.Text, "x"))
					p.expect(ws.Text, "x")
					peers = append(peers, p)
				}
				done := make(chan int, 1)
				go func() { done <- s.drain(soon(t)).Drained }()
				for _, p := range peers {
					p.expect(ws.Close, closing(1001, ""))
					p.send(frame(true, ws.Close, closing(1001, "")))
					p.expectEnd()
					require.Equal(t, ws.CloseGoingAway, next(t, got).Code)
				}
				require.Equal(t, 5, <-done)
			}
		})
	}
}

// A panic in OnOpen ends the connection for those who already use it.
func TestPanicInOnOpen(t *testing.T) {
	u := &websocket.Upgrader{}
	failed := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered := make(chan struct{})
		c, err := u.Upgrade(w, r, &websocket.Handler{OnOpen: func(*websocket.Conn) {
			<-entered // not a thing to do in a callback, but then, neither is this
			panic("as you wish")
		}})
		close(entered)
		if err != nil {
			t.Error(err)
			return
		}
		for err == nil {
			err = c.Send(context.Background(), websocket.Text, []byte("x"))
		}
		failed <- err
	})
	each(t, sitesFor(t, server.Config{Handler: h}, ""), func(t *testing.T, s site) {
		nc, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		require.Equal(t, ws.CloseAbnormal, websocket.CloseStatus(<-failed))
		_, err = io.Copy(io.Discard, nc) // the 101, if the driver got that far, and the end
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}
