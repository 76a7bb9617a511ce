package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/websocket"
)

// The client asks for the number of cases, echoes in each of them, and says good-bye.
func TestRun(t *testing.T) {
	for _, driver := range []string{"stdnet", "reactor", "read"} {
		t.Run(driver, func(t *testing.T) {
			var echoed, done atomic.Int32
			plain := func(open func(c *websocket.Conn)) *websocket.Upgrader {
				return &websocket.Upgrader{CheckOrigin: websocket.AnyOrigin, Handler: &websocket.Handler{OnOpen: open}}
			}
			mux := http.NewServeMux()
			mux.Handle("/getCaseCount", plain(func(c *websocket.Conn) {
				_ = c.TrySend(websocket.Text, []byte("3"))
				_ = c.Close(ws.CloseNormal, "")
			}))
			play := plain(func(c *websocket.Conn) { _ = c.TrySend(websocket.Text, []byte("echo this")) })
			play.Handler.OnMessage = func(c *websocket.Conn, op websocket.Opcode, p []byte) {
				if op == websocket.Text && string(p) == "echo this" {
					echoed.Add(1)
				}
				_ = c.Close(ws.CloseNormal, "")
			}
			mux.Handle("/runCase", play)
			mux.Handle("/updateReports", plain(func(c *websocket.Conn) {
				done.Add(1)
				_ = c.Close(ws.CloseNormal, "")
			}))
			srv := httptest.NewServer(mux)
			defer srv.Close()
			ctx, stop := context.WithTimeout(context.Background(), time.Minute)
			defer stop()
			base := strings.Replace(srv.URL, "http", "ws", 1)
			require.NoError(t, run(ctx, driver, base, &ws.DeflateOptions{}))
			require.EqualValues(t, 3, echoed.Load())
			require.EqualValues(t, 1, done.Load())
		})
	}
}

func TestRunErrors(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	base := strings.Replace(srv.URL, "http", "ws", 1)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	require.Error(t, run(ctx, "stdnet", base, nil), "no server of cases")
	require.ErrorContains(t, run(ctx, "pigeon", base, nil), "no driver")
}
