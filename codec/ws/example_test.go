package ws_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/ws"
)

// The loop of an echo server over any net.Conn, behind the opening handshake. The Conn holds no buffer; this function owns them.
func ExampleConn() {
	client, server := net.Pipe()
	answers := make(chan string)
	go talk(client, answers)

	var c ws.Conn
	c.Init(ws.Server, nil)
	var ev ws.Event
	var j ws.Joiner
	buf, out := make([]byte, 4096), []byte(nil)
	for r, w := 0, 0; !c.Closed(); {
		n, err := c.Next(buf[r:w], &ev)
		r += n
		switch {
		case err != nil:
			fmt.Println("server: failed:", err)
		case ev.Kind == ws.Data:
			message, done, err := j.Add(&ev)
			if done && err == nil {
				out, _ = c.AppendMessage(out, ev.Opcode, message)
			}
		case ev.Kind == ws.Control && ev.Opcode == ws.Close:
			fmt.Println("server: close", int(ev.Code), string(ev.Reason))
		case ev.Kind == ws.None: // needs more
			if out = c.AppendOwed(out, 1<<16); len(out) > 0 {
				_, _ = server.Write(out)
				out = out[:0]
				continue
			}
			w = copy(buf, buf[r:w])
			r = 0
			n, err := server.Read(buf[w:])
			w += n
			if err != nil {
				fmt.Println("server: end of input:", c.Finish())
				return
			}
		}
	}
	_ = server.Close()
	for s := range answers {
		fmt.Println("client:", s)
	}
	// Output:
	// server: close 1000 bye
	// client: text "Hello"
	// client: close 1000
}

// talk is a client: a message in two fragments, then a Close frame.
func talk(conn net.Conn, answers chan<- string) {
	var c ws.Conn
	c.Init(ws.Client, &ws.Config{Rand: rand.Uint32}) // for an example; a real client takes crypto/rand
	out, _ := c.AppendFragment(nil, ws.Text, []byte("Hel"), false)
	out, _ = c.AppendFragment(out, ws.Text, []byte("lo"), true)
	out, _ = c.AppendClose(out, ws.CloseNormal, []byte("bye"))
	go func() { _, _ = conn.Write(out) }()

	var heard []string
	var ev ws.Event
	buf := make([]byte, 4096)
	for r, w := 0, 0; !c.Closed(); {
		n, err := c.Next(buf[r:w], &ev)
		r += n
		switch {
		case err != nil:
			heard = append(heard, err.Error())
		case ev.Kind == ws.Data:
			heard = append(heard, fmt.Sprintf("%s %q", ev.Opcode, ev.Payload))
		case ev.Kind == ws.Control && ev.Opcode == ws.Close:
			heard = append(heard, fmt.Sprintf("close %d", ev.Code))
		default:
			k, err := conn.Read(buf[w:])
			w += k
			if err != nil {
				answers <- err.Error()
				close(answers)
				return
			}
		}
	}
	for _, s := range heard {
		answers <- s
	}
	close(answers)
}

// The opening handshake, both sides. The fields come from an http1.Decoder, or from anywhere else.
func ExampleAcceptor() {
	request := ws.Request{
		Method: []byte("GET"), Minor: 1, Host: []byte("server.example.com"),
		Fields: []codec.Field{
			{Name: []byte("Upgrade"), Value: []byte("websocket")},
			{Name: []byte("Connection"), Value: []byte("Upgrade")},
			{Name: []byte("Sec-WebSocket-Key"), Value: []byte("dGhlIHNhbXBsZSBub25jZQ==")},
			{Name: []byte("Sec-WebSocket-Version"), Value: []byte("13")},
			{Name: []byte("Sec-WebSocket-Protocol"), Value: []byte("chat, superchat")},
			{Name: []byte("Sec-WebSocket-Extensions"), Value: []byte("permessage-deflate; client_max_window_bits")},
		},
	}
	policy := ws.Acceptor{Protocols: []string{"superchat"}, Deflate: &ws.DeflateOptions{ClientBits: 12}}
	var h ws.Handshake
	if err := policy.Check(&request, &h); err != nil {
		fmt.Println(err)
		return
	}
	out, _ := h.AppendAccept(nil, nil)
	fmt.Print(strings.ReplaceAll(string(out), "\r\n", "\n"))
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
	// Sec-WebSocket-Protocol: superchat
	// Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=12
	// Upgrade: websocket
	// Connection: upgrade
}

func ExampleOpening() {
	o := ws.Opening{Host: []byte("server.example.com"), Target: []byte("/chat"), Nonce: [16]byte([]byte("the sample nonce"))}
	out, _ := o.AppendRequest(nil)
	fmt.Print(strings.ReplaceAll(string(out), "\r\n", "\n"))
	var h ws.Handshake
	fmt.Println(o.Check(200, nil, &h))
	// Output:
	// GET /chat HTTP/1.1
	// Host: server.example.com
	// Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
	// Sec-WebSocket-Version: 13
	// Upgrade: websocket
	// Connection: upgrade
	//
	// ws: handshake: 6455-4.1-22: the status code of the response is not the one that accepts
}

// A message for many connections is encoded once, in every form that they may need.
func ExampleNewPrepared() {
	m, err := ws.NewPrepared(ws.Text, []byte("for everybody"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		var c ws.Conn
		c.Init(ws.Server, nil)
		frame, _ := c.PreparedFrame(m) // the same bytes for all: to be sent by reference
		fmt.Printf("%q\n", frame)
	}
	// Output:
	// "\x81\rfor everybody"
	// "\x81\rfor everybody"
	// "\x81\rfor everybody"
}
