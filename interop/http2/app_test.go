package http2_test

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
)

// link runs a Conn over a net.Conn in the plainest way there is: one goroutine reads, calls and writes. Peers that write
// without reading would block it for ever; those in this package read always.
type link struct {
	http2.Conn
	nc     net.Conn
	ev     http2.Event
	out    []byte
	handle func(l *link, ev *http2.Event)
	pump   func(l *link) // sends what streams have, before AppendOwed
	start  time.Time
	calls  chan func() // run on the goroutine of the link
	gone   chan struct{}
	err    error
}

func newLink(nc net.Conn, role http2.Role, p *http2.Profile) *link {
	l := &link{nc: nc, start: time.Now(), calls: make(chan func(), 16), gone: make(chan struct{})}
	l.Init(role, p)
	return l
}

// do runs f on the link's goroutine and waits; false if the link is gone.
func (l *link) do(f func()) bool {
	done := make(chan struct{})
	select {
	case l.calls <- func() { f(); close(done) }:
	case <-l.gone:
		return false
	}
	select {
	case <-done:
	case <-l.gone:
		select {
		case <-done: // it was the last that the link did
		default:
			return false
		}
	}
	return true
}

// linger closes the sending side and reads on until the peer closes its own: closed outright, with octets unread, the connection would be
// reset, and the peer might never see why.
func (l *link) linger(input <-chan []byte, more chan<- struct{}) {
	w, ok := l.nc.(interface{ CloseWrite() error })
	if !ok || w.CloseWrite() != nil || l.nc.SetReadDeadline(time.Now().Add(10*time.Second)) != nil {
		return
	}
	for range input {
		more <- struct{}{}
	}
}

func (l *link) run() {
	defer close(l.gone)
	defer l.nc.Close()
	input := make(chan []byte)
	more := make(chan struct{})
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(input)
		for {
			buf := make([]byte, 32<<10)
			n, err := l.nc.Read(buf)
			if n > 0 {
				select {
				case input <- buf[:n]:
				case <-stop:
					return
				}
			}
			if err != nil {
				return
			}
			select {
			case <-more:
			case <-stop:
				return
			}
		}
	}()
	var src []byte
	open := true
	timer := time.NewTimer(time.Hour)
	for open || l.Pending() {
		l.Advance(codec.Time(time.Since(l.start)) + 1)
		for {
			n, err := l.Next(src, &l.ev)
			src = src[n:]
			if err != nil {
				l.err = err
				l.out = l.AppendOwed(l.out[:0], 1<<16)
				l.nc.Write(l.out)
				l.linger(input, more)
				return
			}
			if l.ev.Kind == http2.None {
				break
			}
			l.handle(l, &l.ev)
		}
		for {
			if l.pump != nil {
				l.pump(l)
			}
			if l.out = l.AppendOwed(l.out, 1<<16); len(l.out) == 0 {
				break
			}
			if _, err := l.nc.Write(l.out); err != nil {
				l.err = err
				return
			}
			l.out = l.out[:0]
		}
		if l.Done() || !open {
			return
		}
		wait := time.Hour
		if d := l.Deadline(); d != codec.Never {
			wait = max(0, time.Duration(d)-time.Since(l.start))
		}
		timer.Reset(wait)
		select {
		case p, is := <-input:
			if open = is; is {
				src = append(src[:len(src):len(src)], p...)
				more <- struct{}{}
			} else {
				l.Finish()
			}
		case f := <-l.calls:
			f()
		case <-timer.C:
		}
	}
}

// outgoing is what a stream has to send.
type outgoing struct {
	data     []byte
	end      bool
	trailers []codec.Field
}

// echo is a server application: what each request of these tests wants.
type echo struct {
	out  map[uint32]*outgoing
	seen map[string]int
}

func newEcho() *echo { return &echo{out: map[uint32]*outgoing{}, seen: map[string]int{}} }

func fields(kv ...string) (list []codec.Field) {
	for i := 0; i < len(kv); i += 2 {
		list = append(list, codec.Field{Name: []byte(kv[i]), Value: []byte(kv[i+1])})
	}
	return list
}

func get(list []codec.Field, name string) string {
	for _, f := range list {
		if string(f.Name) == name {
			return string(f.Value)
		}
	}
	return ""
}

// pattern is octet i of every large body.
func pattern(i int) byte { return byte(i ^ i>>8 ^ i>>16) }

func patterned(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = pattern(i)
	}
	return b
}

func (e *echo) handle(l *link, ev *http2.Event) {
	id := ev.Stream
	o := e.out[id]
	check := func(out []byte, err error) {
		if err != nil {
			panic(err)
		}
		l.out = out
	}
	switch ev.Kind {
	case http2.Request:
		path := string(ev.Path)
		e.seen[path]++
		switch {
		case path == "/info":
			check(l.AppendInformational(l.out, id, 103, fields("link", "</a.css>")))
			check(l.AppendResponse(l.out, id, 204, nil, true))
			return
		case path == "/reset":
			l.Reset(id, http2.InternalError)
			return
		case path == "/fields":
			list := fields("x-method", string(ev.Method), "x-authority", string(ev.Authority), "x-scheme", string(ev.Scheme),
				"x-cookie", get(ev.Fields, "cookie"), "x-big", get(ev.Fields, "x-big"), "x-length", strconv.FormatInt(ev.ContentLength, 10))
			check(l.AppendResponse(l.out, id, 200, list, true))
			return
		case len(path) > 5 && path[:5] == "/big/":
			n, _ := strconv.Atoi(path[5:])
			check(l.AppendResponse(l.out, id, 200, fields("content-length", path[5:]), n == 0))
			if n > 0 {
				e.out[id] = &outgoing{data: patterned(n), end: true}
				l.Ready(id, true)
			}
			return
		}
		check(l.AppendResponse(l.out, id, 200, fields("content-type", "x-echo", "trailer", "x-octets"), false))
		e.out[id] = &outgoing{end: ev.EndStream, trailers: fields("x-octets", "0")}
	case http2.TooLarge:
		check(l.AppendResponse(l.out, id, 431, nil, true))
		l.Reset(id, http2.NoError)
		return
	case http2.Data:
		if o == nil || o.trailers == nil { // the answer does not depend on the content
			l.Consumed(id, len(ev.Data))
			return
		}
		o.data = append(o.data, ev.Data...)
		n, _ := strconv.Atoi(string(o.trailers[0].Value))
		o.trailers[0].Value = strconv.AppendInt(nil, int64(n+len(ev.Data)), 10)
		o.end = ev.EndStream
		l.Consumed(id, len(ev.Data))
	case http2.Trailers:
		if o == nil || o.trailers == nil {
			return
		}
		o.end = true
		for _, f := range ev.Fields {
			o.trailers = append(o.trailers, codec.Field{Name: bytes.Clone(f.Name), Value: bytes.Clone(f.Value)})
		}
	case http2.StreamReset, http2.StreamError:
		e.seen[ev.Kind.String()]++
		delete(e.out, id)
		l.Release(id)
		return
	default:
		return
	}
	l.Ready(id, true)
}

func (e *echo) pump(l *link) {
	for range 64 {
		id, _, n := l.NextWritable()
		if n == 0 {
			if id == 0 {
				break
			}
		}
		if !sendOne(l, id, n, e.out) {
			break
		}
	}
	// Streams whose last piece is out, or that never had one.
	for id, o := range e.out {
		if o.end && len(o.data) == 0 {
			finish(l, id, o)
			delete(e.out, id)
		}
	}
}

func sendOne(l *link, id uint32, n int, all map[uint32]*outgoing) bool {
	o := all[id]
	if o == nil || n == 0 {
		return false
	}
	if len(o.data) == 0 {
		l.Ready(id, false)
		return true
	}
	piece := o.data[:min(n, len(o.data))]
	last := o.end && len(piece) == len(o.data) && o.trailers == nil
	out, k, err := l.AppendData(l.out, id, piece, last)
	if err != nil {
		panic(err)
	}
	l.out, o.data = out, o.data[k:]
	if last && len(o.data) == 0 {
		delete(all, id)
	}
	if len(l.out) > 1<<17 {
		return false // write first
	}
	return true
}

func finish(l *link, id uint32, o *outgoing) {
	var err error
	if o.trailers != nil {
		l.out, err = l.AppendTrailers(l.out, id, o.trailers)
	} else {
		l.out, _, err = l.AppendData(l.out, id, nil, true)
	}
	if err != nil {
		panic(err)
	}
}

// echoServer serves on a loopback listener until the test ends; it returns the address.
func echoServer(t *testing.T, p *http2.Profile) (addr string, links func() []*link) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []*link
	var wg sync.WaitGroup
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			l := newLink(nc, http2.Server, p)
			app := newEcho()
			l.handle, l.pump = app.handle, app.pump
			mu.Lock()
			all = append(all, l)
			wg.Add(1)
			mu.Unlock()
			go func() { defer wg.Done(); l.run() }()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for _, l := range all {
			l.nc.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String(), func() []*link {
		mu.Lock()
		defer mu.Unlock()
		return append([]*link(nil), all...)
	}
}

// failed explains a Conn's error for reports.
func failed(err error) string {
	var e *http2.Error
	if err == nil {
		return "none"
	}
	if asError(err, &e) {
		return fmt.Sprintf("%s %s %s", e.Scope, e.Code, e.Reason)
	}
	return err.Error()
}

func asError(err error, e **http2.Error) bool {
	x, is := err.(*http2.Error)
	if is {
		*e = x
	}
	return is
}
