package http1_test

import (
	"errors"
	"fmt"
	"net"

	"github.com/purewire/purewire/codec/http1"
)

// The loop of a server over any net.Conn. The decoder holds no buffer; this function owns it.
func ExampleDecoder() {
	client, server := net.Pipe()
	go func() {
		_, _ = client.Write([]byte("GET /hello?x HTTP/1.1\r\nHost: example.com\r\n\r\nPOST /up HTTP/1.1\r\nHost: example.com\r\nTransfer-Enc"))
		_, _ = client.Write([]byte("oding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\nGET / HTTP/2.0\r\n\r\n"))
		_ = client.Close()
	}()

	var d http1.Decoder // of requests, with default limits
	var ev http1.Event
	buf := make([]byte, http1.DefaultHead)
	r, w := 0, 0
	for {
		n, err := d.Next(buf[r:w], &ev)
		r += n
		if err != nil {
			var e *http1.Error
			errors.As(err, &e)
			fmt.Println("answer", int(e.Code), "and close:", e.Reason)
			break
		}
		switch ev.Kind {
		case http1.Request:
			fmt.Printf("%s %s of %s, keep-alive %v\n", ev.Method, ev.Path, ev.Authority, ev.KeepAlive)
		case http1.Body:
			fmt.Printf("  content %q\n", ev.Data)
		case http1.End:
			fmt.Printf("  end, %d trailers\n", len(ev.Fields))
			d.Resume() // after the answer was sent
		case http1.None: // needs more
			w = copy(buf, buf[r:w])
			r = 0
			n, err := server.Read(buf[w:])
			w += n
			if err != nil && n == 0 {
				fmt.Println("end of input:", d.Finish(&ev))
				return
			}
		}
	}
	_ = server.Close()
	// Output:
	// GET /hello of example.com, keep-alive true
	//   end, 0 trailers
	// POST /up of example.com, keep-alive true
	//   content "hello"
	//   end, 1 trailers
	// answer 505 and close: 9110-15.6.6-1: version other than 1.0 and 1.1
}

// A client says what it asked before it reads: the framing of a response depends on it.
func ExampleDecoder_Expect() {
	var d http1.Decoder
	d.InitResponse(nil)
	d.Expect(http1.MethodHead, false)
	var ev http1.Event
	src := []byte("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
	for !d.Paused() {
		n, err := d.Next(src, &ev)
		if err != nil {
			fmt.Println(err)
			return
		}
		src = src[n:]
		switch ev.Kind {
		case http1.Informational:
			fmt.Println("hint", ev.Status)
		case http1.Response:
			fmt.Printf("%d %s, %d bytes for a GET\n", ev.Status, ev.Reason, ev.Length)
		case http1.End:
			fmt.Println("end")
		}
	}
	// Output:
	// hint 103
	// 200 OK, 5000 bytes for a GET
	// end
}

func ExampleParseRequestHead() {
	var h http1.Head
	src := []byte("GET / HTTP/1.1\r\nHost: a\r\n")
	n, err := http1.ParseRequestHead(src, &h, nil)
	fmt.Println(n, err)
	n, err = http1.ParseRequestHead(append(src, "\r\n"...), &h, nil)
	fmt.Println(n, err, string(h.Target), string(h.Fields[0].Value))
	// Output:
	// 0 <nil>
	// 27 <nil> / a
}

func ExampleCookieValue() {
	var h http1.Head
	if _, err := http1.ParseRequestHead([]byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: theme=dark; id=7\r\n\r\n"), &h, nil); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", http1.CookieValue(h.Fields, "id"))
	for name, value := range http1.Cookies(h.Fields) {
		fmt.Printf("%s is %s\n", name, value)
	}
	// Output:
	// 7
	// theme is dark
	// id is 7
}

func ExampleAppendPercentDecoded() {
	var buf [64]byte
	path, ok := http1.AppendPercentDecoded(buf[:0], []byte("/caf%C3%A9/a+b"), http1.PercentPath)
	fmt.Printf("%s %v\n", path, ok)
	query, ok := http1.AppendPercentDecoded(buf[:0], []byte("a+b%2Bc"), http1.PercentQuery)
	fmt.Printf("%s %v\n", query, ok)
	_, ok = http1.AppendPercentDecoded(nil, []byte("100%"), http1.PercentPath)
	fmt.Println(ok)
	// Output:
	// /café/a+b true
	// a b+c true
	// false
}

// A server that looks at no field, such as one that answers every path from memory, saves the list. Framing is what it always is.
func ExampleOptions_framingOnly() {
	profile := http1.Options{FramingOnly: true}.Profile()
	var d http1.Decoder
	d.InitRequest(profile)
	var ev http1.Event
	_, err := d.Next([]byte("POST /a HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"), &ev)
	fmt.Printf("%s for %s, %d bytes, keep-alive %v, %d fields, %v\n", ev.Path, ev.Authority, ev.Length, ev.KeepAlive, len(ev.Fields), err)
	// Output:
	// /a for a, 3 bytes, keep-alive false, 0 fields, <nil>
}
