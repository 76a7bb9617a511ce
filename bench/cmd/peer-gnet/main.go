// Command peer-gnet serves the benchmark's pages with gnet and a minimal parser of the kind its HTTP example uses: it
// splits the head at its line ends, finds Content-Length, and checks nothing.
package main

import (
	"bytes"
	"runtime"
	"strconv"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"

	"github.com/purewire/purewire/bench/internal/peer"
)

type server struct {
	gnet.BuiltinEventEngine
	date    []byte // refreshed by the ticker, on the loop
	scratch []byte
}

var (
	crlf          = []byte("\r\n")
	contentLength = []byte("content-length")
	connection    = []byte("connection")
	closeToken    = []byte("close")
)

// request is what the parser finds.
type request struct {
	method, path []byte
	length       int // of head and body together
	close        bool
}

// parse finds one request in b. It returns false if there is not a whole one, body included.
func parse(b []byte, r *request) bool {
	i := bytes.Index(b, crlf)
	if i < 0 {
		return false
	}
	line := b[:i]
	sp := bytes.IndexByte(line, ' ')
	if sp < 0 {
		return false
	}
	r.method = line[:sp]
	line = line[sp+1:]
	if sp = bytes.IndexByte(line, ' '); sp < 0 {
		return false
	}
	r.path = line[:sp]
	r.close = false
	body := 0
	for i += 2; ; {
		n := bytes.Index(b[i:], crlf)
		if n < 0 {
			return false
		}
		if n == 0 {
			r.length = i + 2 + body
			return len(b) >= r.length
		}
		f := b[i : i+n]
		if c := bytes.IndexByte(f, ':'); c >= 0 {
			switch name := f[:c]; {
			case len(name) == len(contentLength) && bytes.EqualFold(name, contentLength):
				body, _ = strconv.Atoi(string(bytes.TrimSpace(f[c+1:])))
			case len(name) == len(connection) && bytes.EqualFold(name, connection):
				r.close = bytes.EqualFold(bytes.TrimSpace(f[c+1:]), closeToken)
			}
		}
		i += n + 2
	}
}

func (s *server) OnTick() (time.Duration, gnet.Action) {
	s.date = time.Now().UTC().AppendFormat(s.date[:0], "Mon, 02 Jan 2006 15:04:05 GMT")
	return time.Second, gnet.None
}

func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	b, _ := c.Peek(-1)
	out := s.scratch[:0]
	var r request
	used, action := 0, gnet.None
	for used < len(b) && action == gnet.None && parse(b[used:], &r) {
		if string(r.path) == "/1mb" {
			out = s.head(out, "application/octet-stream", peer.DownloadSize)
			c.Write(out)
			c.Write(peer.Download)
			out = out[:0]
		} else {
			out = append(s.head(out, "text/plain", len(peer.Plaintext)), peer.Plaintext...)
		}
		used += r.length
		if r.close {
			action = gnet.Close
		}
	}
	if len(out) > 0 {
		c.Write(out)
	}
	s.scratch = out
	if used > 0 { // Discard(0) would discard everything
		c.Discard(used)
	}
	return action
}

func (s *server) head(b []byte, kind string, n int) []byte {
	b = append(b, "HTTP/1.1 200 OK\r\nServer: "+peer.Server+"\r\nContent-Type: "...)
	b = append(b, kind...)
	b = append(b, "\r\nDate: "...)
	b = append(b, s.date...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, "\r\n\r\n"...)
}

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	s := &server{}
	s.OnTick()
	peer.Run(func() error {
		return gnet.Run(s, "tcp://"+f.Addr, gnet.WithNumEventLoop(1), gnet.WithReuseAddr(true), gnet.WithTicker(true), gnet.WithLogLevel(logging.ErrorLevel))
	})
}
