package cli

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/purewire/purewire/codec/http1"
)

const decodeHelp = `Usage: purewire decode [flags] [FILE]

Reads one direction of an HTTP/1 connection from FILE or standard input and prints what it says, event by event, each
with the offset where its bytes begin. It reads with the strictness of the server; the first error ends it, with exit
code 1 and the clause that was broken.

Flags:
  --response         the bytes are a server's answers, not a client's requests
  --method NAME      with --response: the method that was asked (GET; HEAD and CONNECT change how answers end)
  --chunk N          present N bytes at a time, to see that nothing changes  (0: as they are read)
  --body             print bodies whole instead of their beginning

Try:
  printf 'GET /a HTTP/1.1\r\nHost: b\r\n\r\n' | purewire decode
  curl -si http://127.0.0.1:8080/json | purewire decode --response
`

func decode(_ context.Context, args []string, e Env) error {
	set := flag.NewFlagSet("decode", flag.ContinueOnError)
	response := set.Bool("response", false, "")
	method := set.String("method", "GET", "")
	chunk := set.Int("chunk", 0, "")
	whole := set.Bool("body", false, "")
	done, err := parse(set, decodeHelp, args, 1, e)
	if err != nil || done {
		return err
	}
	if *chunk < 0 {
		return usagef("--chunk cannot be negative")
	}
	in := e.Stdin
	if name := set.Arg(0); name != "" && name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	p := &printer{w: bufio.NewWriter(e.Stdout), response: *response, method: http1.LookupMethod([]byte(*method)), whole: *whole}
	if *response {
		p.d.InitResponse(nil)
		p.next = true
	} else {
		p.d.InitRequest(nil)
	}
	return errors.Join(p.run(in, *chunk), p.w.Flush())
}

// printer prints the events of one direction of a connection.
type printer struct {
	d        http1.Decoder
	ev       http1.Event
	w        *bufio.Writer
	response bool
	method   http1.Method
	whole    bool
	// off counts the bytes consumed, messages and body those of the stream and of the message.
	off      int64
	messages int
	body     int64
	// next is set between two messages: the decoder is told to go on when there is a byte to read.
	next bool
	// tunnel is set by a head that ends HTTP, left when its message has ended and other bytes follow.
	tunnel, left bool
}

// run is the loop of package codec around any reader.
func (p *printer) run(in io.Reader, chunk int) error {
	buf := make([]byte, 32<<10)
	r, w := 0, 0 // buf[r:w] is unread
	for {
		if w == len(buf) {
			w = copy(buf, buf[r:w])
			r = 0
		}
		if w == len(buf) {
			// A head that does not fit; the decoder's limits bound how far this goes.
			buf = append(buf, make([]byte, len(buf))...)
		}
		limit := len(buf)
		if chunk > 0 {
			limit = min(limit, w+chunk)
		}
		n, err := in.Read(buf[w:limit])
		w += n
		for !p.left {
			if p.next && r < w {
				p.goOn()
			}
			start := p.off
			n, derr := p.d.Next(buf[r:w], &p.ev)
			r += n
			p.off += int64(n)
			if derr != nil {
				return p.broken(derr)
			}
			if p.ev.Kind == http1.None {
				break
			}
			p.print(start)
		}
		if p.left {
			p.off += int64(w - r)
			r, w = 0, 0
		}
		if err == io.EOF {
			return p.finish()
		}
		if err != nil {
			return err
		}
	}
}

// finish tells the decoder that no more comes.
func (p *printer) finish() error {
	if p.left {
		fmt.Fprintf(p.w, "%8d  the end of the input\n", p.off)
		return nil
	}
	if err := p.d.Finish(&p.ev); err != nil {
		return p.broken(err)
	}
	if p.ev.Kind == http1.End {
		p.print(p.off)
	}
	fmt.Fprintf(p.w, "%8d  the end of the input, %d messages\n", p.off, p.messages)
	return nil
}

// broken reports a protocol error.
func (p *printer) broken(err error) error {
	var he *http1.Error
	if !errors.As(err, &he) {
		return err
	}
	fmt.Fprintf(p.w, "%8d  ERROR %s\n", he.Off, he.Reason)
	if p.response {
		return fmt.Errorf("malformed at byte %d", he.Off)
	}
	return fmt.Errorf("malformed at byte %d; a server answers %d %s", he.Off, int(he.Code), http1.ReasonPhrase(int(he.Code)))
}

// print prints the event that began at offset start, and lets the decoder go on behind the end of a message.
func (p *printer) print(start int64) {
	ev := &p.ev
	switch ev.Kind {
	case http1.Request:
		p.body = 0
		p.tunnel = ev.MethodID == http1.MethodConnect
		fmt.Fprintf(p.w, "%8d  request %s %s HTTP/1.%d (%s)\n", start, ev.Method, ev.Target, ev.Minor, p.about())
		p.fields()
	case http1.Response:
		p.body = 0
		p.tunnel = ev.Framing == http1.Tunnel
		fmt.Fprintf(p.w, "%8d  response %d %s HTTP/1.%d (%s)\n", start, ev.Status, ev.Reason, ev.Minor, p.about())
		p.fields()
	case http1.Informational:
		fmt.Fprintf(p.w, "%8d  informational %d %s HTTP/1.%d\n", start, ev.Status, ev.Reason, ev.Minor)
		p.fields()
	case http1.Body:
		p.body += int64(len(ev.Data))
		fmt.Fprintf(p.w, "%8d  body, %d bytes: %s\n", start, len(ev.Data), p.preview(ev.Data))
	case http1.End:
		p.messages++
		fmt.Fprintf(p.w, "%8d  end of message, %d body bytes\n", start, p.body)
		p.fields()
		if p.left = p.tunnel; p.left {
			fmt.Fprintf(p.w, "%8d  HTTP ends here; what follows is another protocol\n", p.off)
			return
		}
		p.next = true
	}
}

// goOn lets the decoder read the next message.
func (p *printer) goOn() {
	p.next = false
	if p.response {
		p.d.Expect(p.method, true)
	} else {
		p.d.Resume()
	}
}

// about tells what a head means for the connection.
func (p *printer) about() string {
	ev := &p.ev
	var a []string
	if len(ev.Authority) > 0 {
		a = append(a, "for "+string(ev.Authority))
	}
	switch ev.Framing {
	case http1.NoBody:
		a = append(a, "no body")
	case http1.Length:
		a = append(a, fmt.Sprintf("body of %d bytes", ev.Length))
	case http1.Chunked:
		a = append(a, "chunked body")
	case http1.UntilClose:
		a = append(a, "body up to the end of the connection")
	case http1.Tunnel:
		a = append(a, "becomes another protocol")
	}
	if ev.Expect100 {
		a = append(a, "waits for 100")
	}
	if ev.Upgrade {
		a = append(a, "upgrade")
	}
	if ev.KeepAlive {
		a = append(a, "keep-alive")
	} else {
		a = append(a, "close")
	}
	return strings.Join(a, ", ")
}

func (p *printer) fields() {
	for _, f := range p.ev.Fields {
		fmt.Fprintf(p.w, "%8s    %s: %s\n", "", f.Name, clean(f.Value))
	}
}

// preview is data as a Go string, cut unless --body was given.
func (p *printer) preview(data []byte) string {
	const show = 60
	if p.whole || len(data) <= show {
		return fmt.Sprintf("%q", data)
	}
	return fmt.Sprintf("%q...", data[:show])
}

// clean makes a value safe for a terminal.
func clean(v []byte) string {
	q := fmt.Sprintf("%q", v)
	if q[1:len(q)-1] == string(v) {
		return string(v)
	}
	return q
}
