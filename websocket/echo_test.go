package websocket_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/websocket"
)

// Every kind of server answers by hand-made frames, from the first byte behind the request.
func TestEchoByHand(t *testing.T) {
	u := &websocket.Upgrader{Handler: echoHandler()}
	each(t, sites(t, u), func(t *testing.T, s site) {
		p := rawDial(t, s.addr, frame(true, ws.Text, "with the request")+frame(true, ws.Ping, "p"))
		require.Equal(t, 101, p.resp.StatusCode)
		require.Equal(t, "websocket", p.resp.Header.Get("Upgrade"))
		p.expect(ws.Text, "with the request")
		p.expect(ws.Pong, "p")
		p.send(frame(false, ws.Binary, "one "), frame(true, ws.Ping, ""), frame(false, ws.Continuation, ""), frame(true, ws.Continuation, "message"))
		got := map[ws.Opcode]string{}
		for range 2 { // the pong may come first
			h, payload := p.read()
			got[h.Opcode] = payload
		}
		require.Equal(t, map[ws.Opcode]string{ws.Pong: "", ws.Binary: "one message"}, got)
		long := strings.Repeat("0123456789", 30_000)
		p.send(frame(true, ws.Text, long))
		p.expect(ws.Text, long)
		p.send(frame(true, ws.Close, closing(3000, "enough")))
		p.expect(ws.Close, closing(3000, ""))
		p.expectEnd()
	})
}

// The client and every kind of server, whole messages by reading.
func TestDialAndRead(t *testing.T) {
	u := &websocket.Upgrader{Handler: echoHandler(), Protocols: []string{"b", "a"}}
	d := &websocket.Dialer{Protocols: []string{"a", "b"}}
	each(t, sites(t, u), func(t *testing.T, s site) {
		ctx := soon(t)
		c, err := d.Dial(ctx, s.url("/x?y"))
		require.NoError(t, err)
		require.Equal(t, "b", c.Protocol())
		for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
			want := strings.Repeat("x", n)
			require.NoError(t, c.Send(ctx, websocket.Text, []byte(want)))
			op, got, err := c.ReadMessage(ctx)
			require.NoError(t, err)
			require.Equal(t, websocket.Text, op)
			require.True(t, want == string(got), "%d bytes, want %d", len(got), n)
		}
		require.NoError(t, c.Close(ws.CloseNormal, "bye"))
		_, _, err = c.ReadMessage(ctx)
		require.ErrorIs(t, err, ws.CloseNormal)
		require.Equal(t, ws.CloseNormal, websocket.CloseStatus(err))
	})
}
