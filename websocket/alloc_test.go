//go:build !race

package websocket_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/websocket"
)

// An echoed message costs no allocation, over real sockets, once buffers are there: whole or in pieces, plain or deflated,
// answered in place or through the queue.
func TestAllocs(t *testing.T) {
	conns := make(chan *websocket.Conn, 1)
	u := &websocket.Upgrader{Options: websocket.Options{Deflate: &ws.DeflateOptions{}}, Handler: &websocket.Handler{
		OnOpen: func(c *websocket.Conn) { conns <- c },
		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
			if err := c.TrySend(op, p); err != nil {
				panic(err)
			}
		},
	}}
	large := strings.Repeat("0123456789abcdef", 1000)
	each(t, sites(t, u), func(t *testing.T, s site) {
		for _, c := range []struct{ name, in, out string }{
			{"128", frame(true, ws.Binary, large[:128]), "\x82\x7e\x00\x80" + large[:128]},
			{"16000", frame(true, ws.Text, large), "\x81\x7e\x3e\x80" + large},
			{"fragments", frame(false, ws.Binary, large[:100]) + frame(true, ws.Ping, "p") + frame(true, ws.Continuation, large[100:300]), "\x8a\x01p\x82\x7e\x01\x2c" + large[:300]},
			{"many", strings.Repeat(frame(true, ws.Binary, large[:10]), 100), strings.Repeat("\x82\x0a"+large[:10], 100)},
		} {
			t.Run(c.name, func(t *testing.T) {
				p := rawDial(t, s.addr, "")
				<-conns
				in, out := []byte(c.in), make([]byte, len(c.out))
				require.Zero(t, p.br.Buffered())
				nc := p.c.(*net.TCPConn)
				round := func() {
					if _, err := nc.Write(in); err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(nc, out); err != nil {
						t.Fatal(err)
					}
				}
				for range 50 {
					round()
				}
				require.Equal(t, c.out, string(out))
				// The runtime may allocate for itself now and then.
				require.Less(t, testing.AllocsPerRun(300, round), 0.5)
			})
		}
	})
}
