package fuzz

import (
	"bytes"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/ws"
)

// wsHandshakes are programs with offers in their fields.
var wsHandshakes = [][]byte{
	append([]byte("\x00\x01\x00\x01\x00\x04"), "chat\x2apermessage-deflate; client_max_window_bits\x00\x00"...),
	append([]byte("\x01\x01\x2a\x01\x13\x00"), "\x00\x34permessage-deflate; server_max_window_bits=10, foo\x00"...),
	append([]byte("\x00\x00\x00\x00\x00\x06"), "a, b,c\x13x-webkit-deflate-frame\x08http://a"...),
}

func wsDeflateOptions(p *Program) *ws.DeflateOptions {
	c := p.Byte()
	if c&1 == 0 {
		return nil
	}
	bits := p.Byte()
	return &ws.DeflateOptions{ServerTakeover: c&2 != 0, ClientTakeover: c&4 != 0, ServerBits: int(bits & 15), ClientBits: int(bits >> 4)}
}

// wsHandshake lets an Opening and an Acceptor shake hands over HTTP/1.1, or as extended CONNECT: both agree on the same. Fields of
// any bytes that come on top are refused, or come through and change nothing but what they say.
func wsHandshake(p *Program) {
	protocols := []string{"chat", "superchat", "a", "graphql-ws"}
	offered, spoken := protocols[:p.N(4)], protocols[p.N(4):]
	o := ws.Opening{Host: []byte("server.example.com"), Target: []byte("/x"), Protocols: offered, Deflate: wsDeflateOptions(p), Extended: p.N(4) == 3}
	acc := ws.Acceptor{Protocols: spoken, Deflate: wsDeflateOptions(p), CheckOrigin: func(_, _ []byte) bool { return true }}
	copy(o.Nonce[:], content(uint32(p.Byte()), 0, len(o.Nonce)))
	plain := true
	for _, name := range []string{"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin"} {
		if v := p.Bytes(90); len(v) > 0 {
			o.Fields = append(o.Fields, codec.Field{Name: []byte(name), Value: v})
			plain = false
		}
	}
	r, ok := wsRequest(p, &o, plain)
	if !ok {
		return
	}
	var server, client ws.Handshake
	if err := acc.Check(r, &server); err != nil {
		if plain {
			p.Fail("an honest request is refused: %v", err)
		}
		return
	}
	status, fields := 200, server.AppendFields(nil)
	if !o.Extended {
		wire, err := server.AppendAccept(nil, nil)
		p.must(err, "answer")
		var d http1.Decoder
		d.InitResponse(nil)
		d.Expect(http1.MethodGet, true)
		var ev http1.Event
		n, err := d.Next(wire, &ev)
		if err != nil || n != len(wire) || ev.Kind != http1.Response || ev.Framing != http1.Tunnel {
			p.Fail("the answer %q is read as %v with %d bytes: %v", wire, ev.Kind, n, err)
		}
		status, fields = ev.Status, ev.Fields
	}
	if err := o.Check(status, fields, &client); err != nil {
		if plain {
			p.Fail("the client refuses what it was answered: %v", err)
		}
		return // it was answered to an offer that it does not know of
	}
	if !bytes.Equal(client.Protocol, server.Protocol) || client.HasDeflate != server.HasDeflate {
		p.Fail("the client has %q and deflate %t, the server %q and %t", client.Protocol, client.HasDeflate, server.Protocol, server.HasDeflate)
	}
	if !server.HasDeflate {
		return
	}
	// What one end compresses with, the other must be able to read: the window it has to keep is never smaller than what it may get.
	s, c := server.Deflate, client.Deflate
	if c.ServerBits != s.ServerBits || c.ServerNoTakeover != s.ServerNoTakeover || c.ClientBits > s.ClientBits || !c.ClientNoTakeover && s.ClientNoTakeover ||
		min(s.ServerBits, s.ClientBits, c.ClientBits) < 8 || max(s.ServerBits, s.ClientBits) > 15 {
		p.Fail("agreed on %+v, the client has %+v", s, c)
	}
}

// wsRequest makes the request and reads it as a server does.
func wsRequest(p *Program, o *ws.Opening, plain bool) (*ws.Request, bool) {
	if o.Extended {
		fields, err := o.AppendFields(nil)
		if err != nil && plain {
			p.Fail("an honest request is not made: %v", err)
		}
		return &ws.Request{Method: []byte("CONNECT"), Host: o.Host, Fields: fields, Extended: true}, err == nil
	}
	wire, err := o.AppendRequest(nil)
	if err != nil {
		if plain || len(wire) > 0 {
			p.Fail("a request is not made: %v", err)
		}
		return nil, false
	}
	var d http1.Decoder
	d.InitRequest(nil)
	ev := new(http1.Event)
	n, err := d.Next(wire, ev)
	if err != nil || n != len(wire) || ev.Kind != http1.Request || !ev.Upgrade {
		p.Fail("the request %q is read as %v with %d bytes: %v", wire, ev.Kind, n, err)
	}
	return &ws.Request{Method: ev.Method, Minor: ev.Minor, Host: ev.Authority, Fields: ev.Fields}, true
}
