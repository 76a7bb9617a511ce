package fuzz

import (
	"bytes"
	"errors"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// http1Heads are programs that spell out a request and a response, so that the fuzzer need not guess the lengths.
var http1Heads = [][]byte{
	[]byte("\x00\x03GET\x02/a\x01h\x00\x01\x01A\x01b\x00\x00\x00\x00\x00\x00"),
	[]byte("\x00\x04POST\x01/\x01h\x00\x02\x0ccontent-type\x01x\x06cookie\x03a=b\x02\x00\x00\x00\x00\x05hello\x01\x05x-sum\x01y"),
	[]byte("\x01\x00\xc8\x02OK\x00\x01\x0aset-cookie\x03a=1\x01\x00\x00\x00\x00\x05hello\x00"),
	[]byte("\x01\x01\x30\x00\x00\x01\x04etag\x01z\x01\x00\x00\x00\x00\x00\x00"),
}

// http1Message is a message as an application knows it.
type http1Message struct {
	request  *http1.RequestHead
	response *http1.ResponseHead
	body     []byte
	trailers []codec.Field
}

func http1Fields(p *Program) (list []codec.Field) {
	for range p.N(5) {
		list = append(list, codec.Field{Name: p.Bytes(30), Value: p.Bytes(60)})
	}
	return list
}

// readHTTP1 reads the program as one message, of any bytes.
func readHTTP1(p *Program) *http1Message {
	m := new(http1Message)
	response := p.Bool()
	framings := []http1.Framing{http1.NoBody, http1.Length, http1.Chunked, http1.UntilClose, http1.Tunnel, http1.Tunnel + 1}
	if !response {
		h := &http1.RequestHead{Method: p.Bytes(20), Target: p.Bytes(60), Host: p.Bytes(40), HTTP10: p.N(8) == 7, Fields: http1Fields(p), Framing: Pick(p, framings...)}
		h.Close, h.Expect100 = p.N(4) == 3, p.N(8) == 7
		if p.N(8) == 7 {
			h.Upgrade = p.Bytes(20)
		}
		m.request = h
	} else {
		h := &http1.ResponseHead{Status: p.N(3)<<8 | int(p.Byte()), Reason: p.Bytes(30), HTTP10: p.N(8) == 7, Fields: http1Fields(p), Framing: Pick(p, framings...)}
		h.Close, h.ToHEAD = p.N(4) == 3, p.N(8) == 7
		h.ToCONNECT = !h.ToHEAD && p.N(8) == 7
		if p.N(8) == 7 {
			h.Upgrade = p.Bytes(20)
		}
		m.response = h
	}
	m.body = p.Bytes(200)
	m.trailers = http1Fields(p)
	if m.request != nil {
		m.request.Length = int64(len(m.body))
	} else {
		m.response.Length = int64(len(m.body))
	}
	return m
}

func (m *http1Message) framing() http1.Framing {
	if m.request != nil {
		return m.request.Framing
	}
	return m.response.Framing
}

// misuse holds a refusal to law 6: nothing appended, and the caller is blamed.
func misuseHTTP1(p *Program, before int, out []byte, err error) {
	var e *http1.Error
	if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse {
		p.Fail("the encoder fails with %v", err)
	}
	if len(out) != before {
		p.Fail("refused (%v), and %q was appended", err, out[before:])
	}
}

var http1Marker = []byte("in front of it")

// http1RoundTrip encodes a message of any bytes. It is refused without a trace, or a decoder reads it back the same, and what
// follows it is seen as following it (RFC 9112 section 11.1: no injection).
func http1RoundTrip(p *Program) {
	m := readHTTP1(p)
	var e http1.Encoder
	var err error
	dst := bytes.Clone(http1Marker)
	var out []byte
	if m.request != nil {
		out, err = e.AppendRequest(dst, m.request)
	} else {
		out, err = e.AppendResponse(dst, m.response)
	}
	if err != nil {
		misuseHTTP1(p, len(dst), out, err)
		if e != (http1.Encoder{}) {
			p.Fail("refused (%v), and the encoder has changed", err)
		}
		return
	}
	content := e.Open()
	if content || e.Poisoned() {
		content = m.framing() == http1.Length || m.framing() == http1.Chunked || m.framing() == http1.UntilClose
		content = content && (m.response == nil || !m.response.ToHEAD && m.response.Status != 304)
	}
	if !content {
		m.body = nil
	}
	half := len(m.body) / 2
	out, err = e.AppendBody(out, m.body[:half])
	p.must(err, "first half of the content")
	if out, err = e.AppendBodyHead(out, len(m.body)-half); err != nil {
		p.Fail("second half of the content: %v", err)
	}
	out = append(out, m.body[half:]...)
	before := len(out)
	if out, err = e.AppendEnd(out, m.trailers); err != nil {
		misuseHTTP1(p, before, out, err)
		m.trailers = nil
		out, err = e.AppendEnd(out, nil)
		p.must(err, "end")
	}
	if !bytes.HasPrefix(out, http1Marker) {
		p.Fail("what stood in dst has changed: %q", out[:len(http1Marker)])
	}
	checkHTTP1(p, m, out[len(http1Marker):])
}

// checkHTTP1 reads the message back with another one behind it.
func checkHTTP1(p *Program, m *http1Message, wire []byte) {
	var d http1.Decoder
	last := false
	behind := []byte("GET /behind HTTP/1.1\r\nHost: behind\r\n\r\n")
	if m.request != nil {
		d.InitRequest(nil)
		last = m.request.Close || m.request.HTTP10
	} else {
		d.InitResponse(nil)
		behind = []byte("HTTP/1.1 299 behind\r\nContent-Length: 0\r\n\r\n")
		h := m.response
		last = h.Close || h.HTTP10 || h.Framing == http1.UntilClose || h.Framing == http1.Tunnel
		d.Expect(http1MethodOf(h), len(h.Upgrade) > 0)
	}
	untilClose := m.response != nil && m.response.Framing == http1.UntilClose && !m.response.ToHEAD
	src := bytes.Clone(wire)
	if !last {
		src = append(src, behind...)
	}
	var ev http1.Event
	var body []byte
	for ended := false; !ended; {
		n, err := d.Next(src, &ev)
		src = src[n:]
		if err != nil {
			p.Fail("%q: %v", wire, err)
		}
		switch ev.Kind {
		case http1.None:
			if !untilClose || len(src) > 0 {
				p.Fail("%q: not whole", wire)
			}
			p.must(d.Finish(&ev), "finish of %q", wire)
			untilClose = false
			ended = ev.Kind == http1.End
		case http1.Request, http1.Response:
			m.compareHead(p, wire, &ev)
		case http1.Body:
			body = append(body, ev.Data...)
		case http1.End:
			ended = true
			sameFields(p, "trailers", m.trailers, ev.Fields)
		default:
			p.Fail("%q: event %v", wire, ev.Kind)
		}
	}
	if !bytes.Equal(body, m.body) {
		p.Fail("%q: content %q, sent %q", wire, body, m.body)
	}
	if last {
		if len(src) > 0 {
			p.Fail("%q: %d bytes are left", wire, len(src))
		}
		return
	}
	d.Resume()
	d.Expect(http1.MethodGet, false)
	n, err := d.Next(src, &ev)
	if err != nil || n != len(behind) || string(ev.Target) != "/behind" && ev.Status != 299 {
		p.Fail("%q: behind it %q: %d bytes, %v, %q", wire, src, n, err, ev.Target)
	}
}

// http1MethodOf is the request that the response answers.
func http1MethodOf(h *http1.ResponseHead) http1.Method {
	switch {
	case h.ToCONNECT:
		return http1.MethodConnect
	case h.ToHEAD:
		return http1.MethodHead
	}
	return http1.MethodGet
}

// compareHead holds what was read to what was sent.
func (m *http1Message) compareHead(p *Program, wire []byte, ev *http1.Event) {
	var fields, trailers []codec.Field
	if h := m.request; h != nil {
		fields, trailers = h.Fields, h.Trailers
		if !bytes.Equal(ev.Method, h.Method) || !bytes.Equal(ev.Target, h.Target) || !bytes.Equal(http1.Get(ev.Fields, "Host"), h.Host) {
			p.Fail("%q: read as %q %q %q", wire, ev.Method, ev.Target, http1.Get(ev.Fields, "Host"))
		}
		if ev.KeepAlive == h.Close || ev.Expect100 != h.Expect100 || h.HTTP10 != (ev.Minor == 0) {
			p.Fail("%q: keep-alive %t, expect %t, 1.%d", wire, ev.KeepAlive, ev.Expect100, ev.Minor)
		}
	} else {
		h := m.response
		fields, trailers = h.Fields, h.Trailers
		if ev.Status != h.Status || h.Reason != nil && !bytes.Equal(ev.Reason, h.Reason) {
			p.Fail("%q: read as %d %q", wire, ev.Status, ev.Reason)
		}
	}
	if len(trailers) > 0 {
		return
	}
	var others []codec.Field
	for _, f := range ev.Fields {
		switch http1.LookupName(f.Name) {
		case http1.NameContentLength, http1.NameTransferEncoding, http1.NameConnection, http1.NameUpgrade:
			continue
		case http1.NameHost, http1.NameExpect:
			if m.request != nil {
				continue
			}
		}
		others = append(others, f)
	}
	var sent []codec.Field
	for _, f := range fields {
		if http1.LookupName(f.Name) != http1.NameConnection {
			sent = append(sent, f)
		}
	}
	sameFields(p, "fields", sent, others)
}

// sameFields fails if two lists differ in a name, a value or their order.
func sameFields(p *Program, what string, want, got []codec.Field) {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || !bytes.Equal(want[i].Name, got[i].Name) || !bytes.Equal(want[i].Value, got[i].Value) {
			p.Fail("%s: %d arrived, %d were sent; number %d differs: %s, sent %s", what, len(got), len(want), i, field(got, i), field(want, i))
		}
	}
}

func field(list []codec.Field, i int) string {
	if i >= len(list) {
		return "(none)"
	}
	return string(appendQuoted(nil, list[i].Name)) + ": " + string(appendQuoted(nil, list[i].Value))
}
