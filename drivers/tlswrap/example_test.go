package tlswrap_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/drivers/tlspeek"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// A line protocol over TLS. The machine knows nothing of it; the driver could as well be a reactor.
func Example() {
	shout := &drivertest.Line{Answer: func(dst, line []byte) ([]byte, bool) { return append(append(dst, line...), '!'), true }}
	secure, err := tlswrap.New(shout, &tls.Config{Certificates: []tls.Certificate{exampleCertificate()}}, tlswrap.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := stdnet.New(secure, stdnet.Config{})
	go s.Serve(l)
	defer s.Close()

	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Fprintln(c, "hello")
	answer, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(answer, tls.VersionName(c.ConnectionState().Version), "\n")
	// Output:
	// hello!
	// TLS 1.3
}

// Clients can be refused before any cryptography is done, by what they ask for or by who they look like.
func ExampleOptions() {
	opt := tlswrap.Options{
		MaxHandshakes: 1000,
		OnHello: func(_ drivers.Link, h *tlspeek.Hello) (alert byte) {
			if string(h.ServerName) != "www.example.com" {
				return 112 // unrecognized_name
			}
			return 0
		},
	}
	_, err := tlswrap.New(drivertest.Echo, &tls.Config{Certificates: []tls.Certificate{exampleCertificate()}}, opt)
	fmt.Println(err)
	// Output: <nil>
}

// A setting that would let any client in is refused.
func ExampleValidate() {
	fmt.Println(tlswrap.Validate(&tls.Config{
		Certificates: []tls.Certificate{exampleCertificate()},
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}))
	// Output: tlswrap: invalid tls.Config: ClientAuth is RequireAndVerifyClientCert without ClientCAs
}
