package http2

import (
	"errors"
	"testing"

	"github.com/purewire/purewire/codec"
)

// newPair is a server and a client that have exchanged their prefaces.
func newPair(t *testing.T, server, client *Profile) *connPair {
	p := &connPair{t: t}
	p.s.Init(Server, server)
	p.c.Init(Client, client)
	p.s.Advance(1)
	p.c.Advance(1)
	p.settle()
	return p
}

type connPair struct {
	t      *testing.T
	s, c   Conn
	events []string // "server Request", ...
	ev     Event
	onEv   func(c *Conn, ev *Event)
	last   struct {
		stream uint32
		code   ErrorCode
		reason string
		retry  bool
	}
}

// settle moves all that both ends owe, and out first if it is given, until nothing is left.
func (p *connPair) settle() {
	p.t.Helper()
	for p.s.Owes() || p.c.Owes() {
		p.toClient(p.s.AppendOwed(nil, 1<<20))
		p.toServer(p.c.AppendOwed(nil, 1<<20))
	}
}

func (p *connPair) toClient(b []byte) { p.t.Helper(); p.feed(&p.c, "client", b) }
func (p *connPair) toServer(b []byte) { p.t.Helper(); p.feed(&p.s, "server", b) }

func (p *connPair) feed(c *Conn, name string, b []byte) {
	p.t.Helper()
	for {
		n, err := c.Next(b, &p.ev)
		if err != nil {
			p.t.Fatalf("%s: %v", name, err)
		}
		b = b[n:]
		if p.ev.Kind == None {
			break
		}
		p.events = append(p.events, name+" "+p.ev.Kind.String())
		p.last.stream, p.last.code, p.last.reason, p.last.retry = p.ev.Stream, p.ev.Code, p.ev.Reason, p.ev.Retry
		if p.onEv != nil {
			p.onEv(c, &p.ev)
		}
	}
	if len(b) > 0 {
		p.t.Fatalf("%s has left %d octets", name, len(b))
	}
}

func (p *connPair) expect(want ...string) {
	p.t.Helper()
	if len(want) != len(p.events) {
		p.t.Fatalf("events %q, want %q", p.events, want)
	}
	for i := range want {
		if p.events[i] != want[i] {
			p.t.Fatalf("events %q, want %q", p.events, want)
		}
	}
	p.events = nil
}

var getHead = &RequestHead{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("a.test"), Path: []byte("/")}

func (p *connPair) request(end bool) uint32 {
	p.t.Helper()
	out, id, err := p.c.AppendRequest(nil, getHead, nil, end)
	if err != nil {
		p.t.Fatal(err)
	}
	p.toServer(out)
	return id
}

// misuse checks that err is the caller's bug, and which.
func misuseIs(t *testing.T, err error, f Fault) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse || e.Reason != f.Reason() {
		t.Errorf("got %v, want %q", err, f.Reason())
	}
}
