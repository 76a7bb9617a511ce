package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// attack is a group of hostile clients.
type attack struct {
	addr  string
	kinds []*kind
}

// kind is one way to attack, and what came of it.
type kind struct {
	name    string
	workers int           // connections at the same time
	pause   time.Duration // the mean pause between two connections of one worker
	run     func(*peer) error
	control func(network, address string, c syscall.RawConn) error // of the socket, before it connects; may be nil

	mu             sync.Mutex
	episodes       int
	sent, received int64
	answers        map[string]int // by what the first answer of a connection says
	wrong          int64
	errors         []string // the first few
}

// The pauses bound the load: about 150 connections a second, most of them short.
func newAttack(addr string) *attack {
	return &attack{addr: addr, kinds: []*kind{
		{name: "garbage", workers: 4, pause: 150 * time.Millisecond, run: garbage},
		{name: "mutated", workers: 8, pause: 150 * time.Millisecond, run: mutated},
		{name: "oversize head", workers: 2, pause: 400 * time.Millisecond, run: oversize},
		{name: "tiny chunks", workers: 2, pause: 400 * time.Millisecond, run: tinyChunks},
		{name: "reset", workers: 4, pause: 150 * time.Millisecond, run: reset},
		{name: "half-close", workers: 4, pause: 200 * time.Millisecond, run: halfClose},
		{name: "unread flood", workers: 6, pause: 2 * time.Second, run: flood, control: smallWindow},
		{name: "slow head", workers: 48, pause: time.Second, run: slowHead},
		{name: "slow body", workers: 24, pause: time.Second, run: slowBody},
		{name: "silence", workers: 24, pause: time.Second, run: silence},
	}}
}

// start runs the clients until ctx ends; then their connections are closed at once.
func (a *attack) start(ctx context.Context, wg *sync.WaitGroup, seed uint64) {
	for i, k := range a.kinds {
		k.answers = map[string]int{}
		for j := range k.workers {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(seed, uint64(1000+100*i+j)))
				for sleep(ctx, time.Duration(rnd.Int64N(int64(2*k.pause)))) {
					k.episode(ctx, a.addr, rnd)
				}
			})
		}
	}
}

// smallWindow has a connection take little from its peer. It comes before the handshake: a receive buffer that shrinks later makes
// the kernel drop what it had promised to take, and then it takes some of each retransmission, for minutes, which is no stall.
func smallWindow(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) // a wish
	})
}

// peer is one hostile connection.
type peer struct {
	*net.TCPConn
	ctx            context.Context
	rnd            *rand.Rand
	sent, received int64
	head           []byte // the first bytes received
	h2             bool   // the connection preface of HTTP/2 was sent
}

// isSettings reports whether b begins with a SETTINGS frame of stream 0, as the server's connection preface does (RFC 9113
// section 3.4).
func isSettings(b []byte) bool {
	return len(b) >= 9 && b[0] == 0 && b[3] == 4 && b[4] == 0 && b[5]|b[6]|b[7]|b[8] == 0
}

// wrongError is what the server must not do, whatever was sent. Other errors of a connection under attack are expected.
type wrongError string

func (e wrongError) Error() string { return string(e) }

// episode is one connection.
func (k *kind) episode(ctx context.Context, addr string, rnd *rand.Rand) {
	d := net.Dialer{Control: k.control}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		if ctx.Err() == nil {
			k.bad(err)
		}
		return
	}
	p := &peer{TCPConn: conn.(*net.TCPConn), ctx: ctx, rnd: rnd}
	release := context.AfterFunc(ctx, func() { p.Close() })
	err = k.run(p)
	release()
	if rnd.IntN(3) == 0 {
		_ = p.SetLinger(0) // the close is a reset
	}
	p.Close()

	answer := "none"
	if len(p.head) > 0 {
		answer = "garbled"
		if status, ok := statusOf(p.head); ok {
			answer = status
		} else if p.h2 && isSettings(p.head) {
			answer = "HTTP/2"
		}
	}
	k.mu.Lock()
	k.episodes++
	k.sent += p.sent
	k.received += p.received
	k.answers[answer]++
	k.mu.Unlock()
	var wrong wrongError
	switch {
	case errors.As(err, &wrong):
		if ctx.Err() == nil {
			k.bad(err)
		}
	case answer == "garbled":
		k.bad(fmt.Errorf("the answer is no HTTP: %.60q", p.head))
	case answer == "500":
		k.bad(errors.New("status 500: something unexpected happened in the server"))
	}
}

// bad counts what must not happen.
func (k *kind) bad(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wrong++
	if len(k.errors) < 5 {
		k.errors = append(k.errors, err.Error())
	}
}

// statusOf returns the three digits of a status line. A head of which a part is missing passes as "cut".
func statusOf(head []byte) (string, bool) {
	const start = "HTTP/1.1 "
	switch {
	case !bytes.HasPrefix([]byte(start), head[:min(len(head), len(start))]):
		return "", false
	case len(head) < len(start)+3:
		return "cut", true
	}
	s := head[len(start) : len(start)+3]
	for _, c := range s {
		if c < '0' || c > '9' {
			return "", false
		}
	}
	return string(s), true
}

func (p *peer) Write(b []byte) (int, error) {
	n, err := p.TCPConn.Write(b)
	p.sent += int64(n)
	return n, err
}

func (p *peer) Read(b []byte) (int, error) {
	n, err := p.TCPConn.Read(b)
	p.received += int64(n)
	if n > 0 && len(p.head) < 64 {
		p.head = append(p.head, b[:min(n, 64)]...)
	}
	return n, err
}

// cut sends b in pieces of random length, sometimes with a pause between them.
func (p *peer) cut(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), 1+p.rnd.IntN(2*len(b)))
		if _, err := p.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if p.rnd.IntN(4) == 0 && !sleep(p.ctx, time.Duration(p.rnd.IntN(20))*time.Millisecond) {
			return p.ctx.Err()
		}
	}
	return nil
}

// drain reads until the end, at most for d and 4 MiB. It is true if the server closed the connection.
func (p *peer) drain(d time.Duration) bool {
	_ = p.SetReadDeadline(time.Now().Add(d)) // fails on a closed connection only, and then Read fails too
	_, err := io.CopyN(io.Discard, struct{ io.Reader }{p}, 4<<20)
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed)
}

func garbage(p *peer) error {
	b := make([]byte, 1+p.rnd.IntN(6000))
	switch p.rnd.IntN(3) {
	case 0: // any bytes
		for i := range b {
			b[i] = byte(p.rnd.Uint32())
		}
	case 1: // bytes that matter to the syntax
		const few = "GET / HTTP/1.1\r\n: ;,\x00\t\xff0a"
		for i := range b {
			b[i] = few[p.rnd.IntN(len(few))]
		}
	case 2: // the preface of another protocol, then any bytes
		which := p.rnd.IntN(4)
		p.h2 = which == 0
		n := copy(b, []string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SSH-2.0-OpenSSH_9.9\r\n", "\x00\x00\x00"}[which])
		for i := range b[n:] {
			b[n+i] = byte(p.rnd.Uint32())
		}
	}
	if err := p.cut(b); err != nil {
		return err
	}
	p.drain(time.Duration(p.rnd.IntN(500)) * time.Millisecond)
	return nil
}

// seeds are the valid requests that are mutated.
var seeds = []string{
	"GET /plaintext HTTP/1.1\r\nHost: localhost\r\nUser-Agent: soak\r\nAccept: */*\r\n\r\n",
	"GET /native/plaintext HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
	"HEAD /bytes/1000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /bytes/5000?chunked HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world",
	"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-T: 1\r\n\r\n",
	"PUT /upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
	"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET http://localhost/json?a=b HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; c=d\r\n\r\n",
	"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
	"GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"GET /sse?every=10ms&count=5 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
}

// mutate returns some requests in a row with a few errors in them.
func mutate(rnd *rand.Rand) []byte {
	var b []byte
	for range 1 + rnd.IntN(4) {
		b = append(b, seeds[rnd.IntN(len(seeds))]...)
	}
	marks := []string{"\r\n", "\n", "\r", "\x00", " ", ":", ",", ";", "\t", "\xff", "0", "-1", "ffffffffffffffff", "9999999999999999999",
		"\r\n\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "HTTP/1.1", "Connection: close\r\n"}
	for range 1 + rnd.IntN(6) {
		if len(b) == 0 {
			break
		}
		i := rnd.IntN(len(b))
		switch rnd.IntN(6) {
		case 0:
			b[i] ^= 1 << rnd.IntN(8)
		case 1:
			b[i] = byte(rnd.Uint32())
		case 2: // a part is missing
			b = append(b[:i], b[min(len(b), i+1+rnd.IntN(20)):]...)
		case 3: // a part is there twice
			b = append(b[:i:i], append(bytes.Clone(b[max(0, i-rnd.IntN(40)):i]), b[i:]...)...)
		case 4:
			b = append(b[:i:i], append([]byte(marks[rnd.IntN(len(marks))]), b[i:]...)...)
		case 5: // the end is missing
			if rnd.IntN(4) == 0 {
				b = b[:i]
			}
		}
	}
	return b
}

func mutated(p *peer) error {
	if err := p.cut(mutate(p.rnd)); err != nil {
		return err
	}
	if p.rnd.IntN(3) == 0 {
		_ = p.CloseWrite() // fails if the server has reset the connection, which it may
	}
	p.drain(time.Duration(p.rnd.IntN(400)) * time.Millisecond)
	return nil
}
