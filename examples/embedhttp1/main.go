// Command embedhttp1 is a web server in a plain net.Conn loop: it owns the sockets and the goroutines, package http1
// only reads and writes bytes. Start it, then: curl -d hello http://127.0.0.1:8081/
package main

import (
	"flag"
	"fmt"
	"log"
	"net"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "where to listen")
	flag.Parse()
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/\n", l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer c.Close()
			if err := serve(c); err != nil {
				log.Print(err)
			}
		}()
	}
}

// serve answers every request on c with its method, target and the size of its body.
func serve(c net.Conn) error {
	var d http1.Decoder
	var e http1.Encoder
	var ev http1.Event
	var out, line []byte
	var size int
	var keep, head bool
	buf := make([]byte, 4096)
	r, w := 0, 0
	for {
		n, err := d.Next(buf[r:w], &ev)
		r += n
		if err != nil {
			fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			return err
		}
		switch ev.Kind {
		case http1.None: // need more
			if len(out) > 0 { // all requests that had arrived are answered: one write
				if _, err := c.Write(out); err != nil {
					return err
				}
				out = out[:0]
			}
			w = copy(buf, buf[r:w])
			r = 0
			if w == len(buf) {
				buf = append(buf, make([]byte, len(buf))...) // the decoder's limits bound this
			}
			n, err := c.Read(buf[w:])
			if err != nil {
				return d.Finish(&ev) // nil between two requests
			}
			w += n
		case http1.Request:
			line = fmt.Appendf(line[:0], "%s %s", ev.Method, ev.Target)
			size, keep, head = 0, ev.KeepAlive, ev.MethodID == http1.MethodHead
			if ev.Expect100 {
				out, _ = e.AppendInformational(out, 100, nil)
			}
		case http1.Body:
			size += len(ev.Data)
		case http1.End:
			line = fmt.Appendf(line, " with %d bytes\n", size)
			out, err = e.AppendResponse(out, &http1.ResponseHead{
				Status: 200, Framing: http1.Length, Length: int64(len(line)), Close: !keep, ToHEAD: head,
				Fields: []codec.Field{{Name: []byte("Content-Type"), Value: []byte("text/plain")}},
			})
			if err == nil && !head {
				out, err = e.AppendBody(out, line)
			}
			if err == nil {
				out, err = e.AppendEnd(out, nil)
			}
			if err != nil {
				return err
			}
			if !keep {
				_, err = c.Write(out)
				return err
			}
			d.Resume()
		}
	}
}
