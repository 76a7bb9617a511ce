package ws

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// lines makes a field list of "Name: value" lines.
func lines(text ...string) (f []codec.Field) {
	for _, l := range text {
		name, value, _ := strings.Cut(l, ":")
		f = append(f, codec.Field{Name: []byte(name), Value: []byte(strings.TrimSpace(value))})
	}
	return f
}

// sample is the request of RFC 6455 section 1.2 with one line left out and others put in.
func sample(without string, with ...string) *Request {
	all := []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"}
	var kept []string
	for _, l := range all {
		if without == "" || !strings.HasPrefix(l, without+":") {
			kept = append(kept, l)
		}
	}
	return &Request{Method: []byte("GET"), Minor: 1, Host: []byte("server.example.com"), Fields: lines(append(kept, with...)...)}
}

func TestAcceptKey(t *testing.T) {
	// RFC 6455 section 1.3
	accept := AcceptKey([]byte("dGhlIHNhbXBsZSBub25jZQ=="))
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", string(accept[:]))
}

// Each vector is a request and what becomes of it: a reason, or the agreement ("protocol|extensions").
func TestCheckRequest(t *testing.T) {
	acc := &Acceptor{Protocols: []string{"superchat", "chat"}, Deflate: &DeflateOptions{}}
	edit := func(f func(r *Request)) *Request {
		r := sample("")
		f(r)
		return r
	}
	many := strings.Repeat("permessage-deflate, ", 33)
	params := "x" + strings.Repeat("; a=b", 32)
	var protocols []string
	for i := range 65 {
		protocols = append(protocols, fmt.Sprint("p", i))
	}
	const full = "|permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	rows := []struct {
		r    *Request
		fail hreason
		want string
	}{
		{r: sample(""), want: "|"},
		{r: sample("Upgrade", "upgrade: h2c, WebSocket"), want: "|"},
		{r: sample("Connection", "connection: keep-alive, UPGRADE"), want: "|"},
		{r: sample("Connection", "Connection: keep-alive", "Connection: upgrade"), want: "|"},
		{r: edit(func(r *Request) { r.Method = []byte("POST") }), fail: hMethod},
		{r: edit(func(r *Request) { r.Method = []byte("get") }), fail: hMethod},
		{r: edit(func(r *Request) { r.Minor = 0 }), fail: hVersion},
		{r: edit(func(r *Request) { r.Host = nil }), fail: hHost},
		{r: sample("Upgrade"), fail: hUpgrade},
		{r: sample("Upgrade", "Upgrade: websockets"), fail: hUpgrade},
		{r: sample("Upgrade", "Upgrade: websocket/13"), fail: hUpgrade},
		{r: sample("Connection"), fail: hConnection},
		{r: sample("Connection", "Connection: close"), fail: hConnection},
		{r: sample("Sec-WebSocket-Version"), fail: hNoWebSocketVersion},
		{r: sample("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), fail: hWebSocketVersion},
		{r: sample("Sec-WebSocket-Version", "Sec-WebSocket-Version: 013"), fail: hWebSocketVersion},
		{r: sample("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8"), fail: hWebSocketVersion},
		{r: sample("", "Sec-WebSocket-Version: 13"), fail: hWebSocketVersions},
		{r: sample("Sec-WebSocket-Key"), fail: hNoKey},
		{r: sample("", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), fail: hKeys},
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key:"), fail: hKey},
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ="), fail: hKey},
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"), fail: hKey},
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTE="), fail: hKey}, // 17 bytes
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), fail: hKey},     // 15
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy"), fail: hKey}, // 18
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key: ________________________"), fail: hKey},
		{r: sample("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j Q=="), fail: hKey},
		{r: sample("", "Origin: http://server.example.com"), want: "|"},
		{r: sample("", "Origin: http://SERVER.example.com:80"), want: "|"},
		{r: sample("", "Origin: https://server.example.com"), want: "|"},
		{r: sample("", "Origin: http://evil.example.com"), fail: hOrigin},
		{r: sample("", "Origin: http://server.example.com.evil.com"), fail: hOrigin},
		{r: sample("", "Origin: http://server.example.com:8080"), fail: hOrigin},
		{r: sample("", "Origin: https://server.example.com:80"), fail: hOrigin},
		{r: sample("", "Origin: null"), fail: hOrigin},
		{r: sample("", "Origin: server.example.com"), fail: hOrigin},
		{r: sample("", "Origin: http://server.example.com", "Origin: http://server.example.com"), fail: hOrigins},
		{r: sample("", "Sec-WebSocket-Protocol: chat, superchat"), want: "superchat|"},
		{r: sample("", "Sec-WebSocket-Protocol: soap", "Sec-WebSocket-Protocol: chat"), want: "chat|"},
		{r: sample("", "Sec-WebSocket-Protocol: Chat"), want: "|"},
		{r: sample("", "Sec-WebSocket-Protocol: soap"), want: "|"},
		{r: sample("", "Sec-WebSocket-Protocol: a b"), fail: hProtocolToken},
		{r: sample("", "Sec-WebSocket-Protocol: \"chat\""), fail: hProtocolToken},
		{r: sample("", "Sec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b"), fail: hProtocolToken},
		{r: sample("", "Sec-WebSocket-Protocol: chat, soap, chat"), fail: hProtocolTwice},
		{r: sample("", "Sec-WebSocket-Protocol: "+strings.Join(protocols[:64], ",")), want: "|"},
		{r: sample("", "Sec-WebSocket-Protocol: "+strings.Join(protocols, ",")), fail: hProtocolMany},
		{r: sample("", "Sec-WebSocket-Extensions: permessage-deflate"), want: full},
		{r: sample("", "Sec-WebSocket-Extensions: foo; a=b; c=\"d\", permessage-deflate"), want: full},
		{r: sample("", "Sec-WebSocket-Extensions: foo", "Sec-WebSocket-Extensions: Permessage-Deflate"), want: full},
		{r: sample("", "Sec-WebSocket-Extensions: , permessage-deflate ,"), want: full},
		{r: sample("", "Sec-WebSocket-Extensions: foo"), want: "|"},
		{r: sample("", "Sec-WebSocket-Extensions:"), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: ;"), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: foo bar"), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: foo;"), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: foo; a="), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: foo; a=\"\""), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: foo; a=\"b"), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: foo; a=\"b c\""), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: foo; a=\"b\\"), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: permessage-deflate, foo; =b"), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: "+many), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: "+params), fail: hExtensions},
		{r: sample("", "Sec-WebSocket-Extensions: "+params[:len(params)-5]), want: "|"},
		{r: sample("", "Sec-WebSocket-Extensions: foo; a=\"b\\c\""), want: "|"},
	}
	require.GreaterOrEqual(t, len(rows), 50)
	seen := map[string]bool{}
	for i, row := range rows {
		var h Handshake
		err := acc.Check(row.r, &h)
		if row.want == "" {
			require.Same(t, refuse(row.fail), err, "row %d", i)
			seen[err.Error()] = true
			continue
		}
		require.NoError(t, err, "row %d", i)
		require.Equal(t, row.want, string(h.Protocol)+"|"+string(h.ext[:h.extLen]), "row %d", i)
		out, err := h.AppendAccept(nil, nil)
		require.NoError(t, err)
		require.Contains(t, string(out), "HTTP/1.1 101 Switching Protocols\r\n")
		require.Contains(t, string(out), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
	}
	for r := hMethod; r < hExtendedMethod; r++ {
		require.True(t, seen[refuse(r).Error()], refuse(r).Reason)
	}
}

func TestCheckExtendedConnect(t *testing.T) {
	var h Handshake
	r := &Request{Method: []byte("CONNECT"), Extended: true, Host: []byte("a"),
		Fields: lines("sec-websocket-version: 13", "sec-websocket-protocol: chat", "origin: https://a")}
	acc := &Acceptor{Protocols: []string{"chat"}}
	require.NoError(t, acc.Check(r, &h))
	require.Equal(t, lines("Sec-WebSocket-Protocol: chat"), h.AppendFields(nil))
	r.Method = []byte("GET")
	require.Same(t, refuse(hExtendedMethod), acc.Check(r, &h))
	r.Method, r.Fields = []byte("CONNECT"), lines("sec-websocket-version: 12")
	require.Same(t, refuse(hWebSocketVersion), acc.Check(r, &h))

	o := &Opening{Extended: true, Protocols: []string{"chat"}}
	f, err := o.AppendFields(nil)
	require.NoError(t, err)
	require.Equal(t, lines("Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: chat"), f)
	require.NoError(t, o.Check(200, lines("sec-websocket-protocol: chat"), &h))
	require.Equal(t, "chat", string(h.Protocol))
	require.Same(t, refuse(hStatus), o.Check(404, nil, &h))
	require.Same(t, refuse(hStatus), o.Check(101, nil, &h))
}

func TestCheckOriginHook(t *testing.T) {
	var h Handshake
	asked := ""
	acc := &Acceptor{CheckOrigin: func(origin, host []byte) bool {
		asked = string(origin) + " " + string(host)
		return string(origin) == "https://good"
	}}
	require.NoError(t, acc.Check(sample("", "Origin: https://good"), &h))
	require.Equal(t, "https://good server.example.com", asked)
	require.Same(t, refuse(hOrigin), acc.Check(sample("", "Origin: https://bad"), &h))
	asked = ""
	require.NoError(t, acc.Check(sample(""), &h))
	require.Empty(t, asked)
}

func TestReject(t *testing.T) {
	require.Equal(t, "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n"+
		"Upgrade: websocket\r\nConnection: upgrade, close\r\n\r\n", string(refuse(hWebSocketVersion).AppendReject(nil)))
	require.Equal(t, "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		string(refuse(hMethod).AppendReject(nil)))
	require.Equal(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", string(refuse(hOrigin).AppendReject(nil)))
	for r := range numHandshakeReasons {
		require.NotEmpty(t, refuse(r).AppendReject(nil))
		require.Regexp(t, `^(6454|6455|7692|8441)-\d+(\.\d+)*-\d+(\.\d+)?: .`, refuse(r).Reason)
	}
	require.Len(t, HandshakeReasons(), int(numHandshakeReasons))
}

// opened returns a client's opening and the fields of a good response to it, with lines left out or put in.
func opened(o *Opening, without string, with ...string) []codec.Field {
	accept := AcceptKey(o.key())
	all := []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + string(accept[:])}
	var kept []string
	for _, l := range all {
		if without == "" || !strings.HasPrefix(l, without+":") {
			kept = append(kept, l)
		}
	}
	return lines(append(kept, with...)...)
}

func TestCheckResponse(t *testing.T) {
	o := &Opening{Host: []byte("a"), Protocols: []string{"chat", "soap"}, Nonce: [16]byte([]byte("the sample nonce")),
		Deflate: &DeflateOptions{ServerBits: 12, ClientBits: 10}}
	small := &Opening{Host: []byte("a"), Deflate: &DeflateOptions{ServerTakeover: true, ClientTakeover: true}}
	plain := &Opening{Host: []byte("a")}
	const ext = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits="
	for i, row := range []struct {
		o      *Opening
		status int
		fields []codec.Field
		fail   hreason
		want   string
	}{
		{o, 101, opened(o, ""), 0, "|off"},
		{o, 200, opened(o, ""), hStatus, ""},
		{o, 101, opened(o, "Upgrade"), hAnswerUpgrade, ""},
		{o, 101, opened(o, "Upgrade", "Upgrade: WebSocket"), 0, "|off"},
		{o, 101, opened(o, "Upgrade", "Upgrade: websocket, h2c"), hAnswerUpgrade, ""},
		{o, 101, opened(o, "", "Upgrade: websocket"), hAnswerUpgrade, ""},
		{o, 101, opened(o, "Connection"), hAnswerConnection, ""},
		{o, 101, opened(o, "Connection", "Connection: keep-alive, upgrade"), 0, "|off"},
		{o, 101, opened(o, "Sec-WebSocket-Accept"), hAnswerAccepts, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Accept: x"), hAnswerAccepts, ""},
		{o, 101, opened(o, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="), hAnswerAccept, ""},
		{o, 101, opened(plain, ""), hAnswerAccept, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Protocol: soap"), 0, "soap|off"},
		{o, 101, opened(o, "", "Sec-WebSocket-Protocol: Soap"), hAnswerProtocol, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Protocol: chat, soap"), hAnswerProtocol, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: soap"), hAnswerProtocols, ""},
		{plain, 101, opened(plain, "", "Sec-WebSocket-Protocol: chat"), hAnswerProtocol, ""},
		{plain, 101, opened(plain, "", "Sec-WebSocket-Extensions: permessage-deflate"), hAnswerExtension, ""},
		{o, 101, opened(o, "", ext+"12"), 0, "|{true true 12 10}"},
		{o, 101, opened(o, "", ext+"8; client_max_window_bits=9; client_no_context_takeover"), 0, "|{true true 8 9}"},
		{o, 101, opened(o, "", ext+"\"9\""), 0, "|{true true 9 10}"},
		{o, 101, opened(o, "", ext+"13"), hAnswerServerBits, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"), hAnswerServerBits, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12"), hAnswerTakeover, ""},
		{o, 101, opened(o, "", ext+"12; client_max_window_bits=11"), hAnswerClientBits, ""},
		{o, 101, opened(o, "", ext+"12; client_max_window_bits"), hAnswerParams, ""},
		{o, 101, opened(o, "", ext+"7"), hAnswerParams, ""},
		{o, 101, opened(o, "", ext+"16"), hAnswerParams, ""},
		{o, 101, opened(o, "", ext+"08"), hAnswerParams, ""},
		{o, 101, opened(o, "", ext+"12; server_no_context_takeover"), hAnswerParams, ""},
		{o, 101, opened(o, "", ext+"12; x=y"), hAnswerParams, ""},
		{o, 101, opened(o, "", ext+"12; client_no_context_takeover=1"), hAnswerParams, ""},
		{o, 101, opened(o, "", ext+"12, permessage-deflate"), hAnswerExtension, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Extensions: x-webkit-deflate-frame"), hAnswerExtension, ""},
		{o, 101, opened(o, "", ext+"12;"), hAnswerGrammar, ""},
		{o, 101, opened(o, "", "Sec-WebSocket-Extensions:"), hAnswerGrammar, ""},
		{small, 101, opened(small, "", "Sec-WebSocket-Extensions: permessage-deflate"), 0, "|{false false 15 15}"},
		{small, 101, opened(small, "", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=11; client_max_window_bits=8"), 0, "|{true false 11 8}"},
	} {
		var h Handshake
		err := row.o.Check(row.status, row.fields, &h)
		if row.want == "" {
			require.Same(t, refuse(row.fail), err, "row %d", i)
			continue
		}
		require.NoError(t, err, "row %d", i)
		got := string(h.Protocol) + "|off"
		if h.HasDeflate {
			got = fmt.Sprintf("%s|%v", h.Protocol, h.Deflate)
		}
		require.Equal(t, row.want, got, "row %d", i)
	}
}

// What the client sends is what the server accepts, through real heads, and its answer is what the client expects.
func TestHandshakeBothRoles(t *testing.T) {
	for _, o := range []*Opening{
		{Host: []byte("a:8080"), Target: []byte("/chat?x"), Origin: []byte("http://a:8080"), Protocols: []string{"b", "chat"}},
		{Host: []byte("a"), Deflate: &DeflateOptions{}},
		{Host: []byte("a"), Deflate: &DeflateOptions{ServerBits: 9, ClientBits: 10, ServerTakeover: true}, Fields: lines("Cookie: a=b")},
	} {
		copy(o.Nonce[:], "0123456789abcdef")
		wire, err := o.AppendRequest([]byte("x"))
		require.NoError(t, err)
		var sd, cd http1.Decoder
		var ev http1.Event
		n, err := sd.Next(wire[1:], &ev)
		require.NoError(t, err)
		require.Equal(t, len(wire)-1, n)
		require.True(t, ev.Upgrade && IsUpgrade(ev.Fields))
		acc := Acceptor{Protocols: []string{"chat"}, Deflate: &DeflateOptions{ClientTakeover: true}}
		var h, ch Handshake
		require.NoError(t, acc.Check(&Request{Method: ev.Method, Minor: ev.Minor, Host: ev.Authority, Fields: ev.Fields}, &h))
		wire, err = h.AppendAccept(nil, lines("Server: x"))
		require.NoError(t, err)

		cd.InitResponse(nil)
		cd.Expect(http1.MethodGet, true)
		n, err = cd.Next(wire, &ev)
		require.NoError(t, err)
		require.Equal(t, len(wire), n)
		require.Equal(t, http1.Tunnel, ev.Framing)
		require.NoError(t, o.Check(ev.Status, ev.Fields, &ch))
		require.Equal(t, h.HasDeflate, ch.HasDeflate)
		require.Equal(t, h.Protocol, ch.Protocol)
		require.Equal(t, o.Deflate != nil, h.HasDeflate)
		require.Equal(t, h.Deflate, ch.Deflate)
	}
	o := Opening{Host: []byte("a"), Protocols: []string{"a", "a"}}
	_, err := o.AppendRequest(nil)
	require.Same(t, refuse(hOpeningProtocol), err)
	o = Opening{Host: []byte("a"), Protocols: []string{"a b"}}
	_, err = o.AppendRequest(nil)
	require.Same(t, refuse(hOpeningProtocol), err)
	o = Opening{Host: []byte("a b")}
	dst, err := o.AppendRequest([]byte("kept"))
	var he *http1.Error
	require.True(t, errors.As(err, &he))
	require.Equal(t, "kept", string(dst))
	h := Handshake{Protocol: []byte("a\r\nb")}
	_, err = h.AppendAccept(nil, nil)
	require.Error(t, err)
	require.False(t, IsUpgrade(lines("Upgrade: websocket")))
}

// The work for a giant extension list is one pass over it: each byte is looked at a bounded number of times, and the count of
// members is bounded in any case.
func TestGiantExtensionList(t *testing.T) {
	big := "x;" + strings.Repeat(" ", 1<<20)
	var h Handshake
	acc := Acceptor{Deflate: &DeflateOptions{}}
	require.Same(t, refuse(hExtensions), acc.Check(sample("", "Sec-WebSocket-Extensions: "+big+";"), &h))
	require.Same(t, refuse(hExtensions), acc.Check(sample("", "Sec-WebSocket-Extensions: "+strings.Repeat("a,", 1<<19)), &h))
	require.NoError(t, acc.Check(sample("", "Sec-WebSocket-Extensions: "+strings.Repeat(",", 1<<20)+"permessage-deflate"), &h))
	require.True(t, h.HasDeflate)
}
