package http2_test

import (
	"fmt"
	"net"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
)

// serve answers every request of a connection with its own path. It is the loop of the package page over a net.Conn.
func serve(nc net.Conn) {
	defer nc.Close()
	var c http2.Conn
	c.Init(http2.Server, nil)
	var ev http2.Event
	buf, w := make([]byte, 128<<10), 0
	content := map[uint32][]byte{}
	out := c.AppendOwed(nil, 1<<16) // our SETTINGS
	for {
		if len(out) > 0 {
			if _, err := nc.Write(out); err != nil || c.Done() {
				return
			}
		}
		n, err := nc.Read(buf[w:])
		if err != nil {
			return
		}
		w += n
		out = out[:0]
		r := 0
		for err == nil {
			n, err = c.Next(buf[r:w], &ev)
			r += n
			if err != nil || ev.Kind == http2.None {
				break
			}
			switch ev.Kind {
			case http2.Request:
				out, _ = c.AppendResponse(out, ev.Stream, 200, []codec.Field{{Name: []byte("content-type"), Value: []byte("text/plain")}}, false)
				content[ev.Stream] = fmt.Appendf(nil, "you asked for %s", ev.Path)
				c.Ready(ev.Stream, true)
			case http2.Data:
				c.Consumed(ev.Stream, len(ev.Data))
			case http2.StreamReset, http2.StreamError:
				delete(content, ev.Stream)
				c.Release(ev.Stream)
			}
		}
		w = copy(buf, buf[r:w])
		for {
			id, _, n := c.NextWritable()
			if n == 0 {
				break
			}
			out, n, _ = c.AppendData(out, id, content[id], true)
			if content[id] = content[id][n:]; len(content[id]) == 0 {
				delete(content, id)
			}
		}
		out = c.AppendOwed(out, 1<<16)
	}
}

// Both ends over a net.Conn: the client asks for two paths at once.
func ExampleConn() {
	near, far := net.Pipe()
	go serve(far)

	var c http2.Conn
	c.Init(http2.Client, nil)
	var out []byte
	for _, path := range []string{"/a", "/b"} {
		out, _, _ = c.AppendRequest(out, &http2.RequestHead{
			Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("example.com"), Path: []byte(path),
		}, nil, true)
	}
	// A pipe has no buffer: somebody must write while we read.
	writes := make(chan []byte, 8)
	defer close(writes)
	go func() {
		for b := range writes {
			near.Write(b)
		}
	}()
	writes <- c.AppendOwed(out, 1<<16)

	var ev http2.Event
	buf, w := make([]byte, 128<<10), 0
	for open := 2; open > 0; {
		n, err := near.Read(buf[w:])
		if err != nil {
			fmt.Println(err)
			return
		}
		w += n
		r := 0
		for {
			n, err := c.Next(buf[r:w], &ev)
			r += n
			if err != nil {
				fmt.Println(err)
				return
			}
			if ev.Kind == http2.None {
				break
			}
			switch ev.Kind {
			case http2.Response:
				fmt.Printf("stream %d: %d %s\n", ev.Stream, ev.Status, ev.Fields[0].Value)
			case http2.Data:
				fmt.Printf("stream %d: %s\n", ev.Stream, ev.Data)
				c.Consumed(ev.Stream, len(ev.Data))
				if ev.EndStream {
					open--
				}
			}
		}
		w = copy(buf, buf[r:w])
		if c.Owes() {
			writes <- c.AppendOwed(nil, 1<<16)
		}
	}
	near.Close()
	// Output:
	// stream 1: 200 text/plain
	// stream 3: 200 text/plain
	// stream 1: you asked for /a
	// stream 3: you asked for /b
}

// A capture file, or any other bytes: no socket, no clock, no goroutine. The frames of a request are decoded as a server
// would see them.
func ExampleConn_Next() {
	capture := []byte(http2.ClientPreface +
		"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + // SETTINGS
		"\x00\x00\x10\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x0bexample.com") // HEADERS, END_STREAM
	var c http2.Conn
	c.Init(http2.Server, nil)
	var ev http2.Event
	for {
		n, err := c.Next(capture, &ev)
		capture = capture[n:]
		if err != nil || ev.Kind == http2.None {
			fmt.Println(len(capture), "octets left,", err)
			return
		}
		fmt.Println(ev.Kind)
		if ev.Kind == http2.Request {
			fmt.Printf("%s %s://%s%s\n", ev.Method, ev.Scheme, ev.Authority, ev.Path)
		}
	}
	// Output:
	// SettingsReceived
	// Request
	// GET http://example.com/
	// 0 octets left, <nil>
}

// A malformed request is the stream's fault; the connection goes on.
func ExampleEvent() {
	var c http2.Conn
	c.Init(http2.Server, nil)
	c.AppendOwed(nil, 1<<16)
	src := http2.AppendSettings([]byte(http2.ClientPreface))
	src = http2.AppendHeaders(src, 1, []byte("\x82\x86\x84\x00\x04Host\x01a"), true, 0, nil)
	var ev http2.Event
	for {
		n, err := c.Next(src, &ev)
		src = src[n:]
		if err != nil || ev.Kind == http2.None {
			break
		}
		if ev.Kind == http2.StreamError {
			fmt.Println(ev.Stream, ev.Code.String(), ev.Reason)
		}
	}
	fmt.Printf("%x\n", c.AppendOwed(nil, 1<<16)) // the acknowledgment of SETTINGS, RST_STREAM
	// Output:
	// 1 PROTOCOL_ERROR 9113-8.2.1-3.1: upper-case letter in a field name
	// 00000004010000000000000403000000000100000001
}
