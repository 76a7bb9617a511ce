package server

import (
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// upgradeH2 answers a request that asks for h2c with 101 and makes the machine that goes on with it as stream 1, its output appended
// behind the 101. It returns nil if the request asks for something else, or wrongly: then it is served as HTTP/1.1 (RFC 7540
// section 3.2: "A server that does not support HTTP/2 can respond to the request as though the Upgrade header field were absent").
func (c *conn) upgradeH2(t *drivers.Turn, l *local, out []byte) (*h2conn, []byte) {
	ev, srv := &l.ev, c.srv
	if ev.Framing != http1.NoBody || !http1.HasToken(ev.Fields, "Upgrade", "h2c") {
		return nil, out
	}
	// RFC 7540 section 3.2: "A server MUST ignore an "h2" token in an Upgrade header field": over TLS there is ALPN.
	if tl, ok := c.link.(TLSLink); ok && tl.ConnectionState() != nil {
		return nil, out
	}
	// RFC 7540 section 3.2.1: "A server MUST NOT upgrade the connection to HTTP/2 if this header field is not present or if more
	// than one is present."
	if http1.Count(ev.Fields, "HTTP2-Settings") != 1 {
		return nil, out
	}
	settings, err := http2.DecodeUpgradeSettings(l.buf[:0], http1.Get(ev.Fields, "HTTP2-Settings"))
	if err != nil {
		return nil, out
	}
	next := &h2conn{srv: srv, link: c.link, id: c.id}
	if next.c.InitUpgraded(http2.Server, srv.h2, settings) != nil {
		return nil, out
	}
	next.c.Advance(t.Now)
	l.head = http1.ResponseHead{Status: http.StatusSwitchingProtocols, Framing: http1.Tunnel, Upgrade: []byte("h2c")}
	var enc http1.Encoder
	o, err := enc.AppendResponse(out, &l.head)
	if err != nil {
		return nil, out
	}
	out = next.c.AppendOwed(o, highWater)
	ev.Fields = withoutHop(ev.Fields)
	ev.Minor, ev.KeepAlive, ev.Upgrade = 1, true, false
	l.h2.Protocol = nil
	s := next.open(l, 1)
	s.isHead = ev.MethodID == http1.MethodHead
	out = s.start(t, l, out)
	out = next.pump(t, l, out, len(out)+highWater)
	next.settle(t)
	return next, out
}

// withoutHop drops, in place, the fields that were about the HTTP/1.1 connection.
func withoutHop(fields []codec.Field) []codec.Field {
	n := 0
	for _, f := range fields {
		if http1.EqualFold(f.Name, "Connection") || http1.EqualFold(f.Name, "Upgrade") || http1.EqualFold(f.Name, "Keep-Alive") ||
			http1.EqualFold(f.Name, "HTTP2-Settings") {
			continue
		}
		fields[n] = f
		n++
	}
	return fields[:n]
}
