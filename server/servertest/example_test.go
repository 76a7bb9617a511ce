package servertest_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/purewire/purewire/drivers/memlink"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/server/servertest"
)

func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, %s, over %s", r.PathValue("name"), r.Proto)
	})
	for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.HTTP2} {
		s := servertest.New(mux, servertest.Options{Protocol: p})
		resp, err := s.Client().Get(s.URL + "/hello/world")
		if err != nil {
			fmt.Println(err)
			return
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(string(b), err)
		s.Close()
	}
	// Output:
	// hello, world, over HTTP/1.1 <nil>
	// hello, world, over HTTP/2.0 <nil>
}

// Two lengths in one request: whoever believes the other one would take what follows for a request.
func ExampleServer_Raw() {
	s := servertest.New(http.NotFoundHandler(), servertest.Options{})
	defer s.Close()
	out, err := s.Raw([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"))
	fmt.Printf("%.24s %v\n", out, err)
	// Output: HTTP/1.1 400 Bad Request <nil>
}

// A handler that never blocks, and a network that breaks in the middle of its first answer. The request is a POST: it is not made again.
func Example_faults() {
	s := servertest.New(nil, servertest.Options{
		Config: server.Config{Native: server.NativeFunc(func(c *server.Ctx) {
			_ = c.ReplyString(200, "text/plain", "all of it")
		})},
		Link: memlink.Config{Faults: func(n int) (client, server memlink.Plan) {
			if n == 0 {
				server.Write = []memlink.Fault{{At: 100, Kind: memlink.Reset}}
			}
			return client, server
		}},
	})
	defer s.Close()
	for range 2 {
		resp, err := s.Client().Post(s.URL, "text/plain", http.NoBody)
		if err != nil {
			fmt.Println("an error")
			continue
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(string(b), err)
	}
	// Output:
	// an error
	// all of it <nil>
}
