package demo

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/websocket"
)

const (
	// MaxLine bounds a line of /ws/chat, in bytes. Longer: the connection is closed with 1009.
	MaxLine = 1 << 10
	// NativeEchoPath is where servers with a native handler answer with EchoSocket. The Handler answers it too, for servers that
	// have none.
	NativeEchoPath = "/native/ws/echo"
	// history is how many lines a newcomer to the chat is shown.
	history = 20
)

// EchoSocket sends every message back, piece by piece as it arrives, so that its length is nobody's memory. It accepts
// permessage-deflate.
var EchoSocket = &websocket.Upgrader{
	Options:     websocket.Options{Deflate: &ws.DeflateOptions{}, Limits: ws.Limits{Message: 1 << 30, Fragments: 1 << 17}},
	CheckOrigin: websocket.AnyOrigin, // an echo knows no secrets
	Handler: &websocket.Handler{
		OnFragment: func(c *websocket.Conn, op websocket.Opcode, p []byte, last bool) { _ = c.TrySendFragment(op, p, last) },
	},
}

// chat is a room: what one guest says, all guests see.
type chat struct {
	up    websocket.Upgrader
	room  websocket.Group
	mu    sync.Mutex
	last  int      // number of the latest guest
	lines []string // the latest ones
}

func newChat() *chat {
	c := &chat{}
	c.up.Options = websocket.Options{Deflate: &ws.DeflateOptions{}, Limits: ws.Limits{Message: MaxLine}}
	c.up.Handler = &websocket.Handler{OnOpen: c.enter, OnMessage: c.hear, OnClose: c.leave}
	return c
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.up.ServeHTTP(w, r) }

func (c *chat) enter(conn *websocket.Conn) {
	c.mu.Lock()
	c.last++
	name := fmt.Sprintf("guest %d", c.last)
	before := strings.Join(c.lines, "\n")
	c.mu.Unlock()
	conn.SetData(name)
	if before != "" {
		_ = conn.TrySend(websocket.Text, []byte(before))
	}
	c.room.Add(conn)
	c.say(name + " enters")
}

func (c *chat) hear(conn *websocket.Conn, op websocket.Opcode, p []byte) {
	if op != websocket.Text {
		_ = conn.Close(ws.CloseUnsupportedData, "text only")
		return
	}
	line := strings.TrimSpace(strings.ReplaceAll(string(p), "\n", " "))
	if line != "" {
		c.say(conn.Data().(string) + ": " + line)
	}
}

func (c *chat) leave(conn *websocket.Conn, _ *websocket.CloseError) {
	c.room.Remove(conn)
	c.say(conn.Data().(string) + " leaves")
}

// say sends a line to all.
func (c *chat) say(line string) {
	c.mu.Lock()
	if c.lines = append(c.lines, line); len(c.lines) > history {
		c.lines = append(c.lines[:0], c.lines[1:]...)
	}
	c.mu.Unlock()
	m, err := websocket.NewPrepared(websocket.Text, []byte(line))
	if err != nil {
		return // it cannot be: a line is made of text
	}
	c.room.Broadcast(m, (*websocket.Conn).Abort) // a guest who does not read cannot hold up the others
}
