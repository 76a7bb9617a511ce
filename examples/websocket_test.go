//go:build linux || darwin || freebsd

package examples

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/websocket"
)

func TestWebSocketEcho(t *testing.T) {
	addr := program(t, "wsecho", "-addr", "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "run", "./wsecho", "-dial", "ws://"+addr+"/", "hello", "again").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "hello again\n", string(out))
}

func TestWebSocketChat(t *testing.T) {
	addr := program(t, "wschat", "-addr", "127.0.0.1:0")
	status, page := do(t, newClient(t), "GET", "http://"+addr+"/", "")
	require.Equal(t, 200, status)
	require.Contains(t, page, "new WebSocket")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var guests []*websocket.Conn
	for range 3 {
		c, err := websocket.Dial(ctx, "ws://"+addr+"/room")
		require.NoError(t, err)
		guests = append(guests, c)
		// Everybody is in the room once everybody hears the latest guest.
		require.NoError(t, c.Send(ctx, websocket.Text, []byte("hello")))
		for _, g := range guests {
			_, p, err := g.ReadMessage(ctx)
			require.NoError(t, err)
			require.Equal(t, "hello", string(p))
		}
	}
}
