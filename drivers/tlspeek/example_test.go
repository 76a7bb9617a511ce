package tlspeek_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"

	"github.com/purewire/purewire/drivers/tlspeek"
)

// Route by the name that a client asks for, without decrypting anything.
func ExampleHello_Parse() {
	client, server := net.Pipe()
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: "blog.example.com", NextProtos: []string{"h2", "http/1.1"}}).Handshake()
	}()
	var s tlspeek.Scan
	buf := make([]byte, 0, 16<<10)
	for {
		n, err := server.Read(buf[len(buf):cap(buf)])
		if err != nil {
			fmt.Println(err)
			return
		}
		buf = buf[:len(buf)+n]
		complete, ok := s.Next(buf)
		if !ok {
			fmt.Println("this is no TLS")
			return
		}
		if complete {
			break
		}
	}
	_ = server.Close()
	_, _ = io.Copy(io.Discard, client)

	var h tlspeek.Hello
	if err := h.Parse(buf); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, %s\n", h.ServerName, h.Protocols)
	fmt.Printf("%s...\n", h.JA4(nil)[:4])
	// Output:
	// blog.example.com, [h2 http/1.1]
	// t13d...
}
