package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The tests of this file bring a Decoder through every combination of version, Connection, framing, expectation and upgrade, in both
// roles, octet by octet through two messages, with every call at every octet. What must come of it is computed from the
// RFC by the few functions in front, which share nothing with the decoder.

// sentHead is a head by what RFC 9112 sections 6 and 9 look at.
type sentHead struct {
	minor      int
	connection string // the Connection field, "" for none
	framing    string // "none", "length 0", "length 3", "chunked"
	expect     bool
	upgrade    bool // an Upgrade field
	// of responses
	status  int
	interim bool // 103 comes before it
	// of the request that a response answers
	asked   string
	offered bool // it offered an upgrade
}

// persists is RFC 9112 section 9.3: "close" ends the connection; otherwise HTTP/1.1 persists, and HTTP/1.0 if it says keep-alive.
func (h *sentHead) persists() bool {
	if strings.Contains(h.connection, "close") {
		return false
	}
	return h.minor == 1 || strings.Contains(h.connection, "keep-alive")
}

// upgrades is RFC 9110 section 7.8: an Upgrade field that Connection names; 7.8-14: "A server MUST ignore an Upgrade header field that is
// received in an HTTP/1.0 request."
func (h *sentHead) upgrades() bool {
	return h.minor == 1 && h.upgrade && strings.Contains(h.connection, "upgrade")
}

// waits is RFC 9110 section 10.1.1: 10.1.1-9: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that
// expectation." 10.1.1-11.1: it means content to come; without any there is nothing to wait with.
func (h *sentHead) waits() bool { return h.minor == 1 && h.expect && h.content() != "" }

// how is RFC 9112 section 6.3: how the content of a message is delimited, or that it cannot be read.
func (h *sentHead) how() (f Framing, length int64, refused bool) {
	coded := h.framing == "chunked"
	declared := int64(-1)
	switch h.framing {
	case "length 0":
		declared = 0
	case "length 3":
		declared = 3
	}
	// 6.3-2.2: "A client MUST ignore any Content-Length or Transfer-Encoding header fields received in such a message."
	if h.asked == "CONNECT" && h.status/100 == 2 {
		return Tunnel, 0, false
	}
	// 6.1-16: Transfer-Encoding in an HTTP/1.0 message is faulty framing.
	if coded && h.minor == 0 {
		return 0, 0, true
	}
	if h.status == 0 { // a request
		switch {
		case coded: // 6.3-2.4.1
			return Chunked, -1, false
		case declared >= 0: // 6.3-2.6
			return Length, declared, false
		}
		return NoBody, 0, false // 6.3-2.7
	}
	switch {
	case h.status == 101:
		// RFC 9110 section 15.2.2: the server switches to what the client offered, and says to what.
		if !h.offered || !h.upgrades() {
			return 0, 0, true
		}
		return Tunnel, 0, false
	case h.status == 204: // 6.3-2.1, and 9110-15.3.5: it has none
		return NoBody, 0, false
	case h.asked == "HEAD", h.status == 304: // 6.3-2.1; the length is what there would have been
		return NoBody, declared, false
	case coded:
		return Chunked, -1, false
	case declared >= 0:
		return Length, declared, false
	}
	return UntilClose, -1, false // 6.3-2.8
}

// head is the octets of the head, content those that follow it where there is any.
func (h *sentHead) head() string {
	var b strings.Builder
	if h.status == 0 {
		fmt.Fprintf(&b, "POST /p HTTP/1.%d\r\nHost: h\r\n", h.minor)
	} else {
		if h.interim {
			b.WriteString("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n")
		}
		fmt.Fprintf(&b, "HTTP/1.%d %d X\r\n", h.minor, h.status)
	}
	if h.connection != "" {
		b.WriteString("Connection: " + h.connection + "\r\n")
	}
	if n, ok := strings.CutPrefix(h.framing, "length "); ok {
		b.WriteString("Content-Length: " + n + "\r\n")
	}
	if h.framing == "chunked" {
		b.WriteString("Transfer-Encoding: chunked\r\n")
	}
	if h.expect {
		b.WriteString("Expect: 100-continue\r\n")
	}
	if h.upgrade {
		b.WriteString("Upgrade: other\r\n")
	}
	return b.String() + "\r\n"
}

func (h *sentHead) content() string {
	switch f, n, _ := h.how(); {
	case f == Length && n > 0, f == UntilClose:
		return "abc"
	case f == Chunked:
		return "3\r\nabc\r\n0\r\n\r\n"
	}
	return ""
}

// place is where between the octets of two messages the reader is.
type place struct {
	idle, body, paused, tunnel bool
	// cut: the end of input here cuts a message short. ends: it ends one that ends with the connection.
	cut, ends bool
}

// reader feeds octets one by one and checks what the decoder says of itself at each of them.
type reader struct {
	t    *testing.T
	d    Decoder
	ev   Event
	tail []byte
	name string
	log  []string
}

// give presents one more octet, and takes all events.
func (r *reader) give(c byte) error {
	r.tail = append(r.tail, c)
	return r.take()
}

func (r *reader) take() error {
	for {
		n, err := r.d.Next(r.tail, &r.ev)
		r.tail = r.tail[n:]
		if err != nil {
			return err
		}
		if r.ev.Kind == None {
			return nil
		}
		r.log = append(r.log, r.describe())
	}
}

func (r *reader) describe() string {
	ev := &r.ev
	switch ev.Kind {
	case Request:
		return fmt.Sprintf("request %d %d keep %v expect %v upgrade %v", ev.Framing, ev.Length, ev.KeepAlive, ev.Expect100, ev.Upgrade)
	case Response:
		return fmt.Sprintf("response %d %d %d keep %v upgrade %v", ev.Status, ev.Framing, ev.Length, ev.KeepAlive, ev.Upgrade)
	case Informational:
		return fmt.Sprintf("informational %d", ev.Status)
	case Body:
		return "body " + string(ev.Data)
	}
	return "end"
}

// at checks the place behind octet i, and what the end of input would mean there.
func (r *reader) at(i int, p place) {
	r.t.Helper()
	if r.d.Idle() != p.idle || r.d.InBody() != p.body || r.d.Paused() != p.paused || r.d.Tunnel() != p.tunnel {
		r.t.Fatalf("%s, behind octet %d: idle %v body %v paused %v tunnel %v, the RFC says %+v", r.name, i, r.d.Idle(), r.d.InBody(), r.d.Paused(), r.d.Tunnel(), p)
	}
	end := r.d // a copy to try the end of input on
	var ev Event
	err := end.Finish(&ev)
	if (err != nil) != p.cut || (ev.Kind == End) != p.ends {
		r.t.Fatalf("%s, the end of input behind octet %d: %v, event %d, the RFC says %+v", r.name, i, err, ev.Kind, p)
	}
}

// requestLog is what must come of a request.
func (h *sentHead) requestLog() []string {
	f, n, _ := h.how()
	out := []string{fmt.Sprintf("request %d %d keep %v expect %v upgrade %v", f, n, h.persists(), h.waits(), h.upgrades())}
	if h.content() != "" {
		out = append(out, "body a", "body b", "body c")
	}
	return append(out, "end")
}

// TestRequestStates: RFC 9112 sections 6.3 and 9.3, the server's role.
func TestRequestStates(t *testing.T) {
	count := 0
	for _, h := range requestHeads() {
		for _, second := range []sentHead{{minor: 1, framing: "none"}, {minor: 0, framing: "length 3"}} {
			count++
			r := &reader{t: t, name: fmt.Sprintf("%+v, then %+v", h, second)}
			r.d.InitRequest(nil)
			readRequest(r, &h, 0)
			if r.d.Err() != nil {
				continue
			}
			// A paused decoder consumes nothing, whatever comes, until it is resumed. (It is its owner who ends a connection that does not
			// persist.)
			next := second.head() + second.content()
			if n, err := r.d.Next([]byte(next), &r.ev); n != 0 || err != nil || r.ev.Kind != None {
				t.Fatalf("%s: a paused decoder took %d octets, %v", r.name, n, err)
			}
			r.d.Expect(MethodGet, true) // no call of this role
			if !r.d.Paused() {
				t.Fatalf("%s: Expect has moved a decoder of requests", r.name)
			}
			r.d.Resume()
			r.at(-1, place{idle: true})
			readRequest(r, &second, len(h.head()+h.content()))
		}
	}
	t.Logf("%d pairs of requests", count)
}

func requestHeads() (all []sentHead) {
	for minor := range 2 {
		for _, connection := range []string{"", "close", "keep-alive", "upgrade", "keep-alive, upgrade", "close, upgrade", "keep-alive, close"} {
			for _, framing := range []string{"none", "length 0", "length 3", "chunked"} {
				for flags := range 4 {
					all = append(all, sentHead{minor: minor, connection: connection, framing: framing, expect: flags&1 != 0, upgrade: flags&2 != 0})
				}
			}
		}
	}
	return all
}

func readRequest(r *reader, h *sentHead, from int) {
	r.t.Helper()
	r.log = r.log[:0]
	head, content := h.head(), h.content()
	f, _, refused := h.how()
	for i := range len(head) + len(content) {
		err := r.give((head + content)[i])
		last := i == len(head)+len(content)-1
		switch {
		case refused && i == len(head)-1:
			var e *Error
			if !errors.As(err, &e) || e.Code != 400 {
				r.t.Fatalf("%s: %v, the RFC says 400", r.name, err)
			}
			return
		case err != nil:
			r.t.Fatalf("%s, octet %d: %v", r.name, from+i, err)
		case last:
			r.at(from+i, place{idle: true, paused: true})
		case i < len(head)-1:
			r.at(from+i, place{cut: true})
		default:
			r.at(from+i, place{body: true, cut: true})
		}
		if !r.d.Paused() {
			before := r.d
			r.d.Resume()
			if r.d != before {
				r.t.Fatalf("%s, octet %d: Resume has changed something", r.name, from+i)
			}
		}
	}
	if want := h.requestLog(); fmt.Sprint(r.log) != fmt.Sprint(want) {
		r.t.Fatalf("%s (%d):\ngot  %q\nwant %q", r.name, f, r.log, want)
	}
}

// TestResponseStates: RFC 9112 sections 6.3, 8 and 9.3, and RFC 9110 section 15.2, the client's role.
func TestResponseStates(t *testing.T) {
	count := 0
	for _, h := range responseHeads() {
		count++
		r := &reader{t: t, name: fmt.Sprintf("%+v", h)}
		r.d.InitResponse(nil)
		// Without a request there is no response (9112-9.2): nothing is consumed.
		if n, err := r.d.Next([]byte(h.head()), &r.ev); n != 0 || err != nil {
			t.Fatalf("%s: %d octets of a response that nobody asked for, %v", r.name, n, err)
		}
		r.at(-1, place{idle: true, paused: true})
		r.d.Resume() // no call of this role
		if !r.d.Paused() {
			t.Fatal("Resume has moved a decoder of responses")
		}
		r.d.Expect(LookupMethod([]byte(h.asked)), h.offered)
		readResponse(r, &h)
	}
	t.Logf("%d responses", count)
}

func responseHeads() (all []sentHead) {
	for minor := range 2 {
		for _, connection := range []string{"", "close", "keep-alive", "upgrade", "close, upgrade"} {
			for _, framing := range []string{"none", "length 0", "length 3", "chunked"} {
				for _, status := range []int{101, 200, 204, 304, 404} {
					for _, asked := range []string{"GET", "HEAD", "CONNECT"} {
						for flags := range 8 {
							all = append(all, sentHead{minor: minor, connection: connection, framing: framing, status: status, asked: asked,
								upgrade: flags&1 != 0, offered: flags&2 != 0, interim: flags&4 != 0})
						}
					}
				}
			}
		}
	}
	return all
}

func readResponse(r *reader, h *sentHead) {
	r.t.Helper()
	head, content := h.head(), h.content()
	f, length, refused := h.how()
	early := 0
	if h.interim {
		early = strings.Index(head, "\r\n\r\n") + 4
	}
	for i := range len(head) + len(content) {
		err := r.give((head + content)[i])
		last := i == len(head)+len(content)-1
		switch {
		case refused && i == len(head)-1:
			if err == nil {
				r.t.Fatalf("%s is accepted", r.name)
			}
			return
		case err != nil:
			r.t.Fatalf("%s, octet %d: %v", r.name, i, err)
		case i < len(head)-1:
			r.at(i, place{cut: true}) // 8-2: also behind an informational response
		case f == Tunnel:
			r.at(i, place{tunnel: true})
		case f == UntilClose:
			r.at(i, place{body: true, ends: true}) // 8-5: complete unless TLS says otherwise
		case last:
			r.at(i, place{idle: true, paused: true})
		default:
			r.at(i, place{body: true, cut: true}) // 8-4
		}
	}
	var want []string
	if early > 0 {
		want = append(want, "informational 103")
	}
	keep := h.persists() && f != UntilClose && f != Tunnel // 6.3-2.8: it ends with the connection
	want = append(want, fmt.Sprintf("response %d %d %d keep %v upgrade %v", h.status, f, length, keep, h.status == 101))
	if content != "" {
		want = append(want, "body a", "body b", "body c")
	}
	if f == UntilClose {
		if err := r.d.Finish(&r.ev); err != nil || r.ev.Kind != End {
			r.t.Fatalf("%s: %v at its end", r.name, err)
		}
	} else {
		want = append(want, "end")
	}
	if fmt.Sprint(r.log) != fmt.Sprint(want) {
		r.t.Fatalf("%s:\ngot  %q\nwant %q", r.name, r.log, want)
	}
	switch {
	case f == Tunnel:
		// HTTP has ended: what comes is another protocol's, and no call brings it back.
		r.d.Expect(MethodGet, true)
		if n, err := r.d.Next([]byte("HTTP/1.1 200 X\r\n\r\n"), &r.ev); n != 0 || err != nil || !r.d.Tunnel() {
			r.t.Fatalf("%s: %d octets of the tunnel were read, %v", r.name, n, err)
		}
	case f != UntilClose:
		r.d.Expect(MethodGet, false)
		r.log = r.log[:0]
		for _, c := range []byte("HTTP/1.1 204 X\r\n\r\n") {
			if err := r.give(c); err != nil {
				r.t.Fatal(err)
			}
		}
		if fmt.Sprint(r.log) != "[response 204 0 0 keep true upgrade false end]" {
			r.t.Fatalf("%s: then %q", r.name, r.log)
		}
	}
}
