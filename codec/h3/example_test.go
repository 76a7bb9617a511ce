package h3_test

import (
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/h3"
)

// A request and its response, without any transport between the two ends.
func Example() {
	var client, server h3.Conn
	client.Init(h3.Client, nil)
	server.Init(h3.Server, nil)

	// The transport has opened three unidirectional streams for each end: 2, 6, 10 and 3, 7, 11.
	for i := uint64(0); i < 3; i++ {
		client.OpenUni(2 + 4*i)
		server.OpenUni(3 + 4*i)
		server.Open(2 + 4*i)
		client.Open(3 + 4*i)
	}
	var ev h3.Event
	flush := func(from, to *h3.Conn) {
		for {
			id, owes := from.NextOwed()
			if !owes {
				return
			}
			if _, err := to.Next(id, from.AppendOwed(nil, id, 1200), false, &ev); err != nil {
				panic(err)
			}
		}
	}
	flush(&client, &server)
	flush(&server, &client)

	// The client sends a request on stream 0, and ends the stream behind it.
	head := h3.RequestHead{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("example.com"), Path: []byte("/hello")}
	wire, err := client.AppendRequest(nil, 0, &head, nil, true)
	if err != nil {
		panic(err)
	}
	flush(&client, &server)

	server.Open(0)
	if _, err := server.Next(0, wire, true, &ev); err != nil {
		panic(err)
	}
	fmt.Printf("%s %d: %s %s, end %v\n", ev.Kind, ev.Stream, ev.Method, ev.Path, ev.EndStream)

	// The server answers.
	list := []codec.Field{{Name: []byte("content-type"), Value: []byte("text/plain")}}
	wire, err = server.AppendResponse(nil, 0, 200, list, false)
	if err == nil {
		wire, err = server.AppendData(wire, 0, []byte("hello, world"), true)
	}
	if err != nil {
		panic(err)
	}
	flush(&server, &client)
	for !ev.EndStream || ev.Kind != h3.Data {
		n, err := client.Next(0, wire, true, &ev)
		if err != nil {
			panic(err)
		}
		wire = wire[n:]
		switch ev.Kind {
		case h3.Response:
			fmt.Printf("%s %d: %d, %s %s\n", ev.Kind, ev.Stream, ev.Status, ev.Fields[0].Name, ev.Fields[0].Value)
		case h3.Data:
			fmt.Printf("%s %d: %q, end %v\n", ev.Kind, ev.Stream, ev.Data, ev.EndStream)
		}
	}
	// Output:
	// Request 0: GET /hello, end true
	// Response 0: 200, content-type text/plain
	// Data 0: "hello, world", end true
}

// The frame layer alone: what stands on a control stream.
func ExampleParseFrameHeader() {
	s := h3.DefaultSettings()
	s.MaxFieldSectionSize = 65536
	wire := s.Append(h3.AppendStreamType(nil, h3.StreamControl))
	wire = h3.AppendGoAway(wire, 8)

	t, n := h3.ParseStreamType(wire)
	fmt.Println(t)
	for wire = wire[n:]; len(wire) > 0; {
		var h h3.FrameHeader
		n := h3.ParseFrameHeader(wire, &h)
		fmt.Println(h.Type, h.Length)
		wire = wire[n+int(h.Length):]
	}
	// Output:
	// control
	// SETTINGS 5
	// GOAWAY 1
}

// Capsules in the content of a stream, as it comes.
func ExampleCapsules() {
	content := h3.AppendCapsule(nil, h3.CapsuleDatagram, []byte("ping"))
	content = h3.AppendCapsule(content, 0x17, []byte("ignored"))
	content = h3.AppendCapsule(content, h3.CapsuleDatagram, []byte("pong"))

	var c h3.Capsules
	c.Init(nil)
	var ev h3.CapsuleEvent
	var buf []byte
	for len(content) > 0 {
		piece := content[:min(5, len(content))] // one DATA frame's worth
		content = content[len(piece):]
		for buf = append(buf, piece...); ; {
			n, err := c.Next(buf, &ev)
			if err != nil {
				panic(err)
			}
			if buf = buf[n:]; ev.Kind == h3.CapsuleNone {
				break
			}
			fmt.Printf("%q\n", ev.Value)
		}
	}
	fmt.Println(c.Finish())
	// Output:
	// "ping"
	// "pong"
	// <nil>
}

// A message that must not be sent is not: the reason is the one its receiver would give.
func ExampleConn_AppendRequest() {
	var c h3.Conn
	c.Init(h3.Client, nil)
	head := h3.RequestHead{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("example.com"), Path: []byte("/")}
	_, err := c.AppendRequest(nil, 0, &head, []codec.Field{{Name: []byte("connection"), Value: []byte("close")}}, true)
	fmt.Println(err)
	// Output: h3: 9114-4.2-3: connection-specific field
}
