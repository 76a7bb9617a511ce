package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// The deadlines of the demo server, which are the server package's defaults, and what a busy machine adds to them.
const (
	headLimit = 10 * time.Second
	bodyLimit = 30 * time.Second
	stallLong = 30 * time.Second
	slack     = 20 * time.Second
)

// oversize sends a head over the limit: in its target, in one field, in many fields.
func oversize(p *peer) error {
	n := 70_000 + p.rnd.IntN(2_000_000)
	head := "GET /plaintext HTTP/1.1\r\nHost: a\r\n"
	switch p.rnd.IntN(3) {
	case 0:
		head = "GET /" + strings.Repeat("a", n)
	case 1:
		head += "X-Long: " + strings.Repeat("b", n)
	case 2:
		head += strings.Repeat("X: y\r\n", n/6)
	}
	// The server may close while this is on its way; then Write fails.
	_ = p.cut([]byte(head + "\r\n\r\n"))
	p.drain(5 * time.Second)
	if status, ok := statusOf(p.head); ok && status != "cut" && status[0] != '4' {
		return wrongError(fmt.Sprintf("a head of %d bytes is answered %s", n, status))
	}
	return nil
}

// tinyChunks sends a body in chunks that are nearly all framing, without end.
func tinyChunks(p *peer) error {
	chunk := []byte("1;" + strings.Repeat("e", 1+p.rnd.IntN(60)) + "=x\r\na\r\n")
	if _, err := p.Write([]byte("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")); err != nil {
		return err
	}
	block := bytes.Repeat(chunk, 200)
	for range 100 {
		if _, err := p.Write(block); err != nil {
			break
		}
	}
	p.drain(5 * time.Second)
	return nil
}

// reset leaves with a RST at a random point of a request, of its body, or of the answer.
func reset(p *peer) error {
	req := []byte(seeds[p.rnd.IntN(len(seeds))])
	switch p.rnd.IntN(4) {
	case 0:
		req = req[:p.rnd.IntN(len(req))]
	case 1:
		req = []byte("GET /bytes/10000000 HTTP/1.1\r\nHost: a\r\n\r\n")
	case 2:
		req = append([]byte("PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n"), make([]byte, p.rnd.IntN(300_000))...)
	case 3:
		req = []byte("GET /sse?every=10ms HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	if err := p.cut(req); err != nil {
		return err
	}
	if p.rnd.IntN(2) == 0 {
		p.drain(time.Duration(p.rnd.IntN(100)) * time.Millisecond)
	}
	return p.SetLinger(0)
}

// halfClose finishes sending behind whole requests, or in the middle of one, and wants the answers to the whole ones and
// then the end.
func halfClose(p *peer) error {
	n := p.rnd.IntN(4)
	req := strings.Repeat("GET /native/plaintext HTTP/1.1\r\nHost: a\r\n\r\n", n)
	if part := seeds[0]; p.rnd.IntN(2) == 0 {
		req += part[:p.rnd.IntN(len(part))]
	}
	if err := p.cut([]byte(req)); err != nil {
		return err
	}
	if err := p.CloseWrite(); err != nil {
		return err
	}
	var got bytes.Buffer
	_ = p.SetReadDeadline(time.Now().Add(slack)) // fails on a closed connection only, and then Read fails too
	b := make([]byte, 4096)
	for {
		m, err := p.Read(b)
		got.Write(b[:m])
		if err == nil {
			continue
		}
		if err.Error() != "EOF" && p.ctx.Err() == nil {
			return wrongError(fmt.Sprintf("%d requests and a FIN: %v behind %d bytes", n, err, got.Len()))
		}
		break
	}
	if have := strings.Count(got.String(), "\r\n\r\nHello, World!"); have != n {
		return wrongError(fmt.Sprintf("%d requests and a FIN: %d answers", n, have))
	}
	return nil
}

// flood sends requests and reads no answer, until the server stops reading or closes. The drivers look whether the kernel's
// queue has become shorter once per stall time, so the little that fits into this side's buffer earns a second one.
func flood(p *peer) error {
	req := bytes.Repeat([]byte([]string{
		"GET /native/plaintext HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /bytes/1000000 HTTP/1.1\r\nHost: a\r\n\r\n",
		"HEAD /bytes/1 HTTP/1.1\r\nHost: a\r\n\r\n",
	}[p.rnd.IntN(4)]), 200)
	long := p.rnd.IntN(4) == 0
	wait := time.Second
	if long {
		wait = 2*stallLong + slack
	}
	_ = p.SetWriteDeadline(time.Now().Add(wait)) // fails on a closed connection only, and then Write fails too
	for range 2000 {
		if _, err := p.Write(req); err != nil {
			if long && isTimeout(err) {
				return wrongError(fmt.Sprintf("reads nothing for %v, and the server is still there", wait))
			}
			return nil
		}
		if !sleep(p.ctx, time.Millisecond) {
			return nil
		}
	}
	return nil
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// trickle sends b byte by byte, the same bytes again and again, until the server closes, at most for limit. It is true if the server
// did.
func (p *peer) trickle(b string, limit time.Duration) bool {
	closed := make(chan struct{})
	go func() { p.drain(limit + slack); close(closed) }()
	end := time.Now().Add(limit)
	for i := 0; time.Now().Before(end); i++ {
		select {
		case <-closed:
			return true
		case <-p.ctx.Done():
			<-closed
			return true
		case <-time.After(time.Duration(100+p.rnd.IntN(400)) * time.Millisecond):
		}
		if _, err := p.Write([]byte{b[i%len(b)]}); err != nil {
			<-closed
			return true
		}
	}
	p.Close()
	<-closed
	return false
}

// slowHead sends a head that never ends, a byte at a time.
func slowHead(p *peer) error {
	if _, err := p.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		return err
	}
	if !p.trickle("X-Slow: and slower\r\n", headLimit+slack) {
		return wrongError("a head that never ends is not cut off")
	}
	return nil
}

// slowBody sends a body a byte at a time, far below the minimum rate.
func slowBody(p *peer) error {
	req := "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
	if p.rnd.IntN(2) == 0 {
		req = "PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n"
	}
	if _, err := p.Write([]byte(req)); err != nil {
		return err
	}
	if !p.trickle("a", bodyLimit+slack) {
		return wrongError("a body that never ends is not cut off")
	}
	return nil
}

// silence connects and sends nothing, or the half of something.
func silence(p *peer) error {
	limit := headLimit
	switch p.rnd.IntN(3) {
	case 0:
		_, _ = p.Write([]byte("GET / HT")) // the server cannot have closed yet
	case 1:
		_, _ = p.Write([]byte("PUT /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"))
		limit = bodyLimit
	}
	if !p.drain(limit+slack) && p.ctx.Err() == nil {
		return wrongError("a silent connection is not closed")
	}
	return nil
}
