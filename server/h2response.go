package server

import (
	"net/http"
	"strconv"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// h2side is what an exchange has beside its buffers when it came by HTTP/2: heads are kept as field lists until the machine takes
// them, since only the connection's owner may compress them. Content stays in outBuf.out as it is. All of it is guarded by exchange.g.mu,
// except link.
type h2side struct {
	link h2link

	infos    []h2head
	head     h2head
	wantDate bool
	ready    bool // head is set and was not taken
	noBody   bool // the response ends with its head, whatever the handler writes
	trailers []codec.Field
	shutdown bool // the handler asked for Connection: close
	names    []byte

	credit    int // bytes of the body that were read and not yet told to the peer
	creditMin int
}

// h2head is a head section to be sent.
type h2head struct {
	status int
	fields []codec.Field
}

// h2link is the Link of one stream: its Wake says which stream has news.
type h2link struct {
	drivers.Link
	c        *h2conn
	slot, id uint32
}

// Wake makes the connection look at this stream.
func (l *h2link) Wake() {
	l.c.wakes.add(l.slot, l.id)
	l.Link.Wake()
}

// Pump: streams never occupy the goroutine that moves the connection's bytes.
func (l *h2link) Pump() bool { return false }

// Watch: the connection is read all the time.
func (l *h2link) Watch() {}

// giveCredit notes that n bytes of the body are no longer held. mu is held, and released for a moment.
func (x *exchange) giveCredit(n int) {
	h := x.h2
	h.credit += n
	if h.credit >= h.creditMin && n > 0 {
		x.g.mu.Unlock()
		x.link.Wake()
		x.g.mu.Lock()
	}
}

// inform queues a 1xx response. The handler may change its header afterwards, so the fields are copied.
func (h *h2side) inform(code int, header http.Header) {
	var fields []codec.Field
	for k, vs := range header {
		if k == "Content-Length" || !http1.IsToken(k) || h2Own(k) {
			continue
		}
		name := lowerName(new([]byte), viewOf(k))
		for _, v := range vs {
			fields = append(fields, codec.Field{Name: name, Value: cleanValue(viewOf(v))})
		}
	}
	h.infos = append(h.infos, h2head{code, fields})
}

// h2Own reports whether a field has no place in HTTP/2 (RFC 9113 section 8.2.2: connection-specific fields).
func h2Own(k string) bool {
	switch k {
	case "Connection", "Upgrade", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding":
		return true
	}
	return false
}

// lowerNames holds the names that have numbers, in lower case.
var lowerNames = func() (t [][]byte) {
	t = append(t, nil)
	for n := http1.NameOther + 1; n.String() != ""; n++ {
		b := []byte(n.String())
		for i, c := range b {
			if c >= 'A' && c <= 'Z' {
				b[i] = c | 0x20
			}
		}
		t = append(t, b)
	}
	return t
}()

// lowerName returns a field name in lower case: RFC 9113 section 8.2: "Field names MUST be converted to lowercase when
// constructing an HTTP/2 message". Unknown ones are made in arena.
func lowerName(arena *[]byte, name []byte) []byte {
	if n := http1.LookupName(name); n != http1.NameOther {
		return lowerNames[n]
	}
	at := len(*arena)
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		*arena = append(*arena, c)
	}
	return (*arena)[at:len(*arena):len(*arena)]
}

var (
	nameLowerType   = []byte("content-type")
	nameLowerLength = []byte("content-length")
	nameLowerDate   = []byte("date")
)

// commitH2 fixes the response head. p is content that follows the buffered one; done says that it is all there is. mu is held.
func (w *writer) commitH2(p []byte, done bool) {
	x, ob, h := w.x, w.x.ob, w.x.h2
	fields, s := w.fields(h.head.fields[:0])
	length := w.length
	size := int64(len(ob.body) + len(p))
	allowed := bodyAllowed(w.status)
	if done && !s.trailer && allowed && length < 0 && (!x.isHead || size > 0) {
		length = size
	}
	if w.status == http.StatusResetContent {
		// RFC 9110 section 15.3.6-3: "a server MUST NOT generate content in a 205 response".
		length, allowed = 0, false
		ob.body = ob.body[:0]
	}
	connect := x.req.Method == http.MethodConnect && w.status/100 == 2
	w.chunked = allowed && !x.isHead // trailers may follow
	h.noBody = !allowed || x.isHead
	n := 0
	for _, f := range fields {
		if k := string(f.Name); h2Own(k) {
			continue
		}
		f.Name = lowerName(&h.names, f.Name)
		fields[n] = f
		n++
	}
	fields = fields[:n]
	if allowed && !s.contentEncoding && !s.contentType && size > 0 {
		fields = append(fields, codec.Field{Name: nameLowerType, Value: viewOf(sniff(ob.body, p))})
	}
	// RFC 9110 section 8.6-8: no Content-Length in 1xx, 204, and 2xx to CONNECT.
	if length >= 0 && w.status != http.StatusNoContent && !connect {
		fields = append(fields, codec.Field{Name: nameLowerLength, Value: strconv.AppendInt(nil, length, 10)})
	}
	h.wantDate = !s.date && !s.noDate
	h.shutdown = h.shutdown || s.closing
	h.head = h2head{w.status, fields}
	h.ready = true
}

// endH2 ends the message. mu is held.
func (w *writer) endH2() {
	x := w.x
	if w.length >= 0 && w.written < w.length && !x.isHead && bodyAllowed(w.status) {
		// RFC 9113 section 8.1.1: a message shorter than its Content-Length is malformed; a reset says so.
		x.abort = true
	}
	fields := w.trailers()
	for i := range fields {
		fields[i].Name = lowerName(&x.h2.names, fields[i].Name)
	}
	x.h2.trailers = append(x.h2.trailers[:0], fields...)
	x.done = true
}
