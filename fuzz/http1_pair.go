package fuzz

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// http1Conversation is a client and a server that talk over two links. Both know by number what a message has to look like.
type http1Conversation struct {
	p        *Program
	toServer link
	toClient link

	requests  []*http1Exchange
	sendReq   http1.Encoder
	readReq   http1.Decoder
	sendResp  http1.Encoder
	readResp  http1.Decoder
	reading   int // exchange whose request the server reads
	answering int // exchange that the server answers
	awaiting  int // exchange whose response the client reads
	evServer  http1.Event
	evClient  http1.Event
	clientEnd bool // the client has said that no request follows
	serverEnd bool // the server has said that no response follows
}

// http1Exchange is a request with its response.
type http1Exchange struct {
	method   string
	framing  http1.Framing
	size     int // of the request's content
	sent     int
	got      int // that has come to the server
	trailers []codec.Field
	closes   bool
	whole    bool // the request was sent
	read     bool // the server has read all of it
	headSeen bool

	status        int
	respFraming   http1.Framing
	respSize      int
	respSent      int
	respGot       int
	respTrailers  []codec.Field
	respCloses    bool
	responding    bool
	respWhole     bool
	informational int // 1xx sent
	respHeadSeen  bool
	done          bool // the client has read the response
}

func http1Pair(p *Program) {
	c := &http1Conversation{p: p}
	c.readReq.InitRequest(nil)
	c.readResp.InitResponse(nil)
	for p.More() {
		c.step()
	}
	c.settle()
}

func (c *http1Conversation) step() {
	p := c.p
	switch p.N(8) {
	case 0, 1:
		c.request()
	case 2:
		c.requestBody(p.Size())
	case 3:
		c.respond()
	case 4:
		c.responseBody(p.Size())
	case 5:
		c.toServer.carry(p.Size())
		c.server()
	case 6:
		c.toClient.carry(p.Size())
		c.client()
	case 7:
		if p.N(64) == 63 {
			c.toServer.broken = true
		} else if p.N(64) == 63 {
			c.toClient.broken = true
		}
	}
}

// numbered is a field that tells which message it belongs to.
func numbered(i int, key string) []codec.Field {
	return []codec.Field{{Name: []byte("X-" + key), Value: fmt.Appendf(nil, "%d", i)}}
}

func (c *http1Conversation) request() {
	if c.sendReq.Open() || c.clientEnd || len(c.requests) > 200 {
		return
	}
	p := c.p
	x := &http1Exchange{method: Pick(p, "GET", "POST", "HEAD", "PUT", "OPTIONS", "BREW")}
	x.framing = Pick(p, http1.NoBody, http1.Length, http1.Chunked)
	i := len(c.requests)
	h := &http1.RequestHead{Method: []byte(x.method), Target: fmt.Appendf(nil, "/%d", i), Host: []byte("a.test"), Framing: x.framing, Fields: numbered(i, "Request")}
	if x.framing != http1.NoBody {
		x.size = p.Size()
		h.Length = int64(x.size)
		h.Expect100 = x.size > 0 && p.N(8) == 7
	}
	if x.framing == http1.Chunked && p.N(4) == 3 {
		x.trailers = numbered(i, "Sum")
		h.Trailers = x.trailers
	}
	x.closes = p.N(32) == 31
	h.Close = x.closes
	c.clientEnd = x.closes
	var err error
	c.toServer.out, err = c.sendReq.AppendRequest(c.toServer.out, h)
	p.must(err, "request %d", i)
	c.requests = append(c.requests, x)
	if x.size == 0 {
		c.requestBody(0)
	}
}

// requestBody sends up to n bytes of the request that is open, and its end behind the last.
func (c *http1Conversation) requestBody(n int) {
	i := len(c.requests) - 1
	if i < 0 || c.requests[i].whole {
		return
	}
	x := c.requests[i]
	c.toServer.out, x.sent = c.body(&c.sendReq, c.toServer.out, uint32(i), x.sent, min(n, x.size-x.sent))
	if x.sent == x.size {
		var err error
		c.toServer.out, err = c.sendReq.AppendEnd(c.toServer.out, x.trailers)
		c.p.must(err, "end of request %d", i)
		x.whole = true
	}
}

func (c *http1Conversation) body(e *http1.Encoder, out []byte, key uint32, at, n int) ([]byte, int) {
	b := content(key, at, n)
	var err error
	if c.p.Bool() {
		out, err = e.AppendBody(out, b)
	} else if out, err = e.AppendBodyHead(out, n); err == nil {
		out = append(out, b...)
	}
	c.p.must(err, "content of message %d at %d", key, at)
	return out, at + n
}

// respond begins the response to the oldest request whose head is known and that has none.
func (c *http1Conversation) respond() {
	if c.answering >= len(c.requests) || c.serverEnd {
		return
	}
	x, i, p := c.requests[c.answering], c.answering, c.p
	if !x.headSeen || x.responding {
		return
	}
	if x.informational < 3 && p.N(8) == 7 {
		x.informational++
		var err error
		c.toClient.out, err = c.sendResp.AppendInformational(c.toClient.out, Pick(p, 100, 102, 103), numbered(i, "Hint"))
		p.must(err, "1xx for %d", i)
		return
	}
	x.status = Pick(p, 200, 204, 304, 404, 500)
	x.respFraming = Pick(p, http1.Length, http1.Chunked, http1.NoBody, http1.UntilClose)
	if x.status == 204 || x.status == 304 && x.respFraming == http1.UntilClose {
		x.respFraming = http1.NoBody
	}
	h := &http1.ResponseHead{Status: x.status, Framing: x.respFraming, Fields: numbered(i, "Response"), ToHEAD: x.method == "HEAD"}
	if x.respFraming != http1.NoBody {
		x.respSize = p.Size()
		h.Length = int64(x.respSize)
	}
	none := h.ToHEAD || x.status == 304
	if none {
		x.respSize = 0
	}
	if x.respFraming == http1.Chunked && !none && p.N(4) == 3 {
		x.respTrailers = numbered(i, "Sum")
		h.Trailers = x.respTrailers
	}
	// RFC 9112 section 9.6-7: a server that got close answers this request, says close, and no other.
	x.respCloses = x.closes || p.N(32) == 31
	h.Close = x.respCloses
	x.respCloses = x.respCloses || x.respFraming == http1.UntilClose && !none
	var err error
	c.toClient.out, err = c.sendResp.AppendResponse(c.toClient.out, h)
	p.must(err, "response %d", i)
	x.responding = true
	c.serverEnd = x.respCloses
	if x.respSize == 0 {
		c.responseBody(0)
	}
}

func (c *http1Conversation) responseBody(n int) {
	i := c.answering
	if i >= len(c.requests) || !c.requests[i].responding {
		return
	}
	x := c.requests[i]
	c.toClient.out, x.respSent = c.body(&c.sendResp, c.toClient.out, ^uint32(i), x.respSent, min(n, x.respSize-x.respSent))
	if x.respSent < x.respSize {
		return
	}
	var err error
	c.toClient.out, err = c.sendResp.AppendEnd(c.toClient.out, x.respTrailers)
	c.p.must(err, "end of response %d", i)
	x.respWhole = true
	c.answering++
}

// server reads what has arrived.
func (c *http1Conversation) server() {
	p := c.p
	for {
		if c.readReq.Paused() {
			c.readReq.Resume()
		}
		ev := &c.evServer
		n, err := c.readReq.Next(c.toServer.in, ev)
		if err != nil {
			p.Fail("the server fails: %v", err)
		}
		if c.event(ev, c.reading, false); ev.Kind == http1.End {
			c.requests[c.reading].read = true
			c.reading++
		}
		c.toServer.consume(n)
		if ev.Kind == http1.None {
			return
		}
	}
}

// client reads what has arrived.
func (c *http1Conversation) client() {
	for {
		if c.readResp.Paused() && c.awaiting < len(c.requests) {
			c.readResp.Expect(http1.LookupMethod([]byte(c.requests[c.awaiting].method)), false)
		}
		ev := &c.evClient
		n, err := c.readResp.Next(c.toClient.in, ev)
		if err != nil {
			c.p.Fail("the client fails: %v", err)
		}
		if c.event(ev, c.awaiting, true); ev.Kind == http1.End {
			c.requests[c.awaiting].done = true
			c.awaiting++
		}
		c.toClient.consume(n)
		if ev.Kind == http1.None {
			return
		}
	}
}

// event holds what arrives to what message i is.
func (c *http1Conversation) event(ev *http1.Event, i int, response bool) {
	p := c.p
	if ev.Kind == http1.None {
		return
	}
	if i >= len(c.requests) {
		p.Fail("%v of message %d, which nobody has sent", ev.Kind, i)
	}
	x := c.requests[i]
	number := fmt.Appendf(nil, "%d", i)
	switch ev.Kind {
	case http1.Request:
		x.headSeen = true
		if string(ev.Method) != x.method || string(ev.Path) != fmt.Sprintf("/%d", i) || !bytes.Equal(http1.Get(ev.Fields, "X-Request"), number) || ev.KeepAlive == x.closes {
			p.Fail("request %d is read as %q %q", i, ev.Method, ev.Path)
		}
	case http1.Response:
		x.respHeadSeen = true
		if ev.Status != x.status || !bytes.Equal(http1.Get(ev.Fields, "X-Response"), number) || ev.KeepAlive == x.respCloses {
			p.Fail("response %d is read as %d, keep-alive %t", i, ev.Status, ev.KeepAlive)
		}
	case http1.Informational:
		if x.informational == 0 || !bytes.Equal(http1.Get(ev.Fields, "X-Hint"), number) {
			p.Fail("response %d: 1xx that nobody has sent", i)
		}
	case http1.Body:
		got, key := &x.got, uint32(i)
		if response {
			got, key = &x.respGot, ^key
		}
		if !bytes.Equal(ev.Data, content(key, *got, len(ev.Data))) {
			p.Fail("content of message %d differs behind %d", i, *got)
		}
		*got += len(ev.Data)
	case http1.End:
		got, size, trailers := x.got, x.size, x.trailers
		if response {
			got, size, trailers = x.respGot, x.respSize, x.respTrailers
		}
		if got != size {
			p.Fail("message %d ends at %d, its content has %d bytes", i, got, size)
		}
		sameFields(p, "trailers", trailers, ev.Fields)
	}
}

// settle brings everything to its end: what was sent arrives, unless a link broke.
func (c *http1Conversation) settle() {
	for n := 0; ; n++ {
		if n > 4*len(c.requests)+16 {
			c.p.Fail("stuck: %d requests, %d read, %d answered, %d responses read", len(c.requests), c.reading, c.answering, c.awaiting)
		}
		c.requestBody(1 << 20)
		c.toServer.carry(-1)
		c.server()
		c.respond()
		c.responseBody(1 << 20)
		c.toClient.carry(-1)
		c.client()
		if c.toServer.broken || c.toClient.broken || c.serverEnd && !c.sendResp.Open() {
			break
		}
		if c.awaiting == len(c.requests) {
			break
		}
	}
	c.finish()
}

// finish closes both directions. An end that has read its last message whole takes it well, another one calls it what it is:
// RFC 9112 section 8-5, an incomplete message.
func (c *http1Conversation) finish() {
	c.toServer.carry(-1)
	c.server()
	c.toClient.carry(-1)
	c.client()
	ended := func(d *http1.Decoder, ev *http1.Event, in []byte, i int, response bool) {
		clean := d.Idle() || d.Paused()
		untilClose := d.InBody() && i < len(c.requests) && response && c.requests[i].respFraming == http1.UntilClose
		err := d.Finish(ev)
		var e *http1.Error
		switch {
		case err == nil && !clean && !untilClose && len(in) > 0:
			c.p.Fail("%d bytes of a message are taken for its end", len(in))
		case err != nil && (clean && len(in) == 0 || untilClose):
			c.p.Fail("the end of the connection behind a whole message: %v", err)
		case err != nil && (!errors.As(err, &e) || e.Scope != codec.ScopeConn):
			c.p.Fail("Finish: %v", err)
		}
	}
	ended(&c.readReq, &c.evServer, c.toServer.in, c.reading, false)
	ended(&c.readResp, &c.evClient, c.toClient.in, c.awaiting, true)
	if c.toServer.broken || c.toClient.broken {
		return
	}
	for i, x := range c.requests[:c.awaiting] {
		if !x.headSeen || !x.done || !x.respWhole {
			c.p.Fail("exchange %d: %+v", i, *x)
		}
	}
	if !c.serverEnd && c.awaiting != len(c.requests) {
		c.p.Fail("%d of %d responses", c.awaiting, len(c.requests))
	}
}
