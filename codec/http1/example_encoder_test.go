package http1_test

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// A response whose length is known.
func ExampleEncoder() {
	var enc http1.Encoder
	out, err := enc.AppendResponse(nil, &http1.ResponseHead{
		Status:  200,
		Fields:  []codec.Field{{Name: []byte("Content-Type"), Value: []byte("text/plain")}},
		Framing: http1.Length,
		Length:  13,
	})
	if err == nil {
		out, err = enc.AppendBody(out, []byte("Hello, World!"))
	}
	if err == nil {
		out, err = enc.AppendEnd(out, nil)
	}
	fmt.Printf("%s\n%v %v\n", strings.ReplaceAll(string(out), "\r", ""), err, enc.Poisoned())
	// Output:
	// HTTP/1.1 200 OK
	// Content-Type: text/plain
	// Content-Length: 13
	//
	// Hello, World!
	// <nil> false
}

// Large content goes out by reference: the encoder appends the framing only.
func ExampleEncoder_AppendBodyHead() {
	var enc http1.Encoder
	out, _ := enc.AppendRequest(nil, &http1.RequestHead{
		Method: []byte("PUT"), Target: []byte("/big"), Host: []byte("example.com"), Framing: http1.Chunked,
	})
	big := make([]byte, 1<<20)
	out, _ = enc.AppendBodyHead(out, len(big))
	// Send out, then big, as one vectored write. What belongs behind big comes with the next append.
	next, _ := enc.AppendEnd(nil, nil)
	fmt.Printf("%q\n%q\n", out[len(out)-8:], next)
	// Output:
	// "100000\r\n"
	// "\r\n0\r\n\r\n"
}

// What would break out of its place is refused before a byte is written.
func ExampleEncoder_AppendResponse() {
	var enc http1.Encoder
	out, err := enc.AppendResponse(nil, &http1.ResponseHead{
		Status: 302,
		Fields: []codec.Field{{Name: []byte("Location"), Value: []byte("/\r\nSet-Cookie: stolen=1")}},
	})
	fmt.Println(len(out), err)
	// Output: 0 http1: 9110-5.5-5: injection: control character in a field value
}

// A response that is sent many times is encoded once.
func ExampleStatic() {
	var dates http1.DateCache
	ok, _ := http1.NewStatic(&http1.ResponseHead{Status: 200, Date: dates.Bytes(0)}, []byte("ok\n"))
	out := ok.Append(nil, false, false, dates.Bytes(784111777))
	fmt.Print(strings.ReplaceAll(string(out), "\r", ""))
	// Output:
	// HTTP/1.1 200 OK
	// Date: Sun, 06 Nov 1994 08:49:37 GMT
	// Content-Length: 3
	//
	// ok
}

func ExampleHeader() {
	var h http1.Header
	_ = h.Append("Set-Cookie", "a=1")
	_ = h.Append("set-cookie", "b=2")
	_ = h.Set("Vary", "Accept")
	fmt.Println(h.Append("X", "a\r\nb"))
	fmt.Printf("%s %v\n%q\n", h.Get("SET-COOKIE"), h.Has("vary"), h.AppendTo(nil))
	// Output:
	// http1: 9110-5.5-5: injection: control character in a field value
	// a=1 true
	// "Set-Cookie: a=1\r\nset-cookie: b=2\r\nVary: Accept\r\n"
}

func ExampleAppendDate() {
	fmt.Printf("%s\n", http1.AppendDate(nil, 784111777))
	// Output: Sun, 06 Nov 1994 08:49:37 GMT
}
