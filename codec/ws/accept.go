package ws

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// Request is what the server's side of a handshake looks at. Of an http1.Event these are Method, Minor, Authority, Fields.
type Request struct {
	Method []byte
	// Minor is the minor version of HTTP/1.
	Minor uint8
	// Host is the host and port that the request is for.
	Host   []byte
	Fields []codec.Field
	// Extended says that the request came as an extended CONNECT with :protocol websocket (RFC 8441, RFC 9220): it has
	// no Upgrade, no Connection and no key, and is accepted with 200.
	Extended bool
}

// Acceptor is a server's policy for opening handshakes. It is only read.
type Acceptor struct {
	// Protocols are the subprotocols that the server speaks, best first. The first that the client offers is chosen; if
	// there is none the connection has no subprotocol.
	Protocols []string
	// CheckOrigin decides about requests with an Origin field: those that browsers send for a page. Without the check any
	// page on the net can talk to the server with its visitor's cookies (RFC 6455 section 10.2). Nil: the origin's host and
	// port must be the request's own. Requests without Origin are not browsers' and are not asked about.
	CheckOrigin func(origin, host []byte) bool
	// Deflate says how permessage-deflate is accepted. Nil: it is declined.
	Deflate *DeflateOptions
}

// Handshake is the outcome of a successful handshake. It holds its bytes, but for Protocol.
type Handshake struct {
	// Protocol is the subprotocol agreed on, nil for none.
	Protocol []byte
	// HasDeflate says that permessage-deflate is agreed on, as in Deflate: to be given to Conn.SetDeflate.
	HasDeflate bool
	Deflate    Deflate

	extended bool
	accept   [acceptLen]byte
	ext      [160]byte
	extLen   int
}

// acceptLen is the length of the base64 of a SHA-1 sum.
const acceptLen = 28

// maxProtocols bounds the names in Sec-WebSocket-Protocol.
const maxProtocols = 64

// AcceptKey returns the Sec-WebSocket-Accept value for a Sec-WebSocket-Key value (RFC 6455 section 4.2.2).
func AcceptKey(key []byte) (accept [acceptLen]byte) {
	var in [64]byte
	sum := sha1.Sum(append(append(in[:0], key...), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	base64.StdEncoding.Encode(accept[:], sum[:])
	return accept
}

// IsUpgrade reports whether the fields of a request ask for WebSocket: a cheap test for a server that has other things to
// do at the same place. Check says whether they ask well.
func IsUpgrade(fields []codec.Field) bool {
	return http1.HasToken(fields, "Upgrade", "websocket") && http1.HasToken(fields, "Connection", "upgrade")
}

// Check judges a request and fills h with what is agreed, or returns a *HandshakeError (RFC 6455 section 4.2.1). Answer with
// h.AppendAccept or the error's AppendReject.
func (a *Acceptor) Check(r *Request, h *Handshake) error {
	*h = Handshake{extended: r.Extended}
	key, err := r.check()
	if err != nil {
		return err
	}
	if !r.Extended {
		h.accept = AcceptKey(key)
	}
	switch http1.Count(r.Fields, "Origin") {
	case 0:
	case 1:
		allowed := a.CheckOrigin
		if allowed == nil {
			allowed = sameOrigin
		}
		if !allowed(http1.Get(r.Fields, "Origin"), r.Host) {
			return refuse(hOrigin)
		}
	default:
		return refuse(hOrigins)
	}
	if err := a.protocol(r.Fields, h); err != nil {
		return err
	}
	answer, d, accepted, bad := AcceptDeflate(h.ext[:0], r.Fields, a.Deflate)
	if bad {
		return refuse(hExtensions)
	}
	h.extLen, h.Deflate, h.HasDeflate = len(answer), d, accepted
	return nil
}

// check judges everything that no policy is asked about, and returns the key.
func (r *Request) check() (key []byte, err error) {
	f := r.Fields
	switch {
	case r.Extended:
		// RFC 8441 section 4: the method is CONNECT; section 5: |Upgrade|, |Connection| and |Sec-WebSocket-Key| are not used.
		if string(r.Method) != "CONNECT" {
			return nil, refuse(hExtendedMethod)
		}
	// RFC 6455 section 4.1-10: "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
	case string(r.Method) != "GET":
		return nil, refuse(hMethod)
	case r.Minor == 0:
		return nil, refuse(hVersion)
	// 17.5: "an |Upgrade| header field whose value MUST include the "websocket" keyword"
	case !http1.HasToken(f, "Upgrade", "websocket"):
		return nil, refuse(hUpgrade)
	// 17.6: "a |Connection| header field whose value MUST include the "Upgrade" token"
	case !http1.HasToken(f, "Connection", "upgrade"):
		return nil, refuse(hConnection)
	}
	// 17.4: "The request MUST contain a |Host| header field"
	if len(r.Host) == 0 {
		return nil, refuse(hHost)
	}
	// 17.9: "a header field with the name |Sec-WebSocket-Version|. The value of this header field MUST be 13."
	switch http1.Count(f, "Sec-WebSocket-Version") {
	case 0:
		return nil, refuse(hNoWebSocketVersion)
	case 1:
		if string(http1.Get(f, "Sec-WebSocket-Version")) != "13" {
			return nil, refuse(hWebSocketVersion)
		}
	default:
		return nil, refuse(hWebSocketVersions)
	}
	if r.Extended {
		return nil, nil
	}
	// 17.7: "a header field with the name |Sec-WebSocket-Key|. The value of this header field MUST be a nonce consisting of
	// a randomly selected 16-byte value that has been base64-encoded".
	switch http1.Count(f, "Sec-WebSocket-Key") {
	case 0:
		return nil, refuse(hNoKey)
	case 1:
		key = http1.Get(f, "Sec-WebSocket-Key")
		var nonce [18]byte
		if len(key) != 24 {
			return nil, refuse(hKey)
		}
		if n, err := base64.StdEncoding.Decode(nonce[:], key); err != nil || n != 16 {
			return nil, refuse(hKey)
		}
		return key, nil
	}
	return nil, refuse(hKeys)
}

// protocol chooses the subprotocol. RFC 6455 section 4.1-18: the offered names "MUST be non-empty strings" of token
// characters "and MUST all be unique strings".
func (a *Acceptor) protocol(fields []codec.Field, h *Handshake) error {
	var names [maxProtocols][]byte
	n := 0
	best := len(a.Protocols)
	for v := range http1.Tokens(fields, "Sec-WebSocket-Protocol") {
		if !http1.IsToken(v) {
			return refuse(hProtocolToken)
		}
		if n == maxProtocols {
			return refuse(hProtocolMany)
		}
		for _, other := range names[:n] {
			if bytes.Equal(other, v) {
				return refuse(hProtocolTwice)
			}
		}
		names[n] = v
		n++
		for i, mine := range a.Protocols[:best] {
			if mine == string(v) {
				best, h.Protocol = i, v
				break
			}
		}
	}
	return nil
}

// sameOrigin reports whether a serialised origin (RFC 6454 section 6.2) has that host and port. "null" has none.
func sameOrigin(origin, host []byte) bool {
	i := bytes.Index(origin, []byte("://"))
	if i < 0 {
		return false
	}
	scheme, authority := origin[:i], origin[i+3:]
	port := []byte(":80")
	if http1.EqualFold(scheme, "https") {
		port = []byte(":443")
	}
	return http1.EqualFold(bytes.TrimSuffix(authority, port), bytes.TrimSuffix(host, port))
}

// AppendFields appends the fields that the response needs: Sec-WebSocket-Accept (not for an extended CONNECT),
// Sec-WebSocket-Protocol and Sec-WebSocket-Extensions where there is one. Status, Upgrade and Connection are the
// caller's. The values are views of h and of the request.
func (h *Handshake) AppendFields(dst []codec.Field) []codec.Field {
	if !h.extended {
		dst = append(dst, codec.Field{Name: []byte("Sec-WebSocket-Accept"), Value: h.accept[:]})
	}
	if h.Protocol != nil {
		dst = append(dst, codec.Field{Name: []byte("Sec-WebSocket-Protocol"), Value: h.Protocol})
	}
	if h.extLen > 0 {
		dst = append(dst, codec.Field{Name: []byte("Sec-WebSocket-Extensions"), Value: h.ext[:h.extLen]})
	}
	return dst
}

// AppendAccept appends the whole 101 response, with extra fields behind those that it needs. The error is an *http1.Error:
// an extra field cannot be sent. Behind the response the connection speaks WebSocket.
func (h *Handshake) AppendAccept(dst []byte, extra []codec.Field) ([]byte, error) {
	var room [8]codec.Field
	var enc http1.Encoder
	return enc.AppendResponse(dst, &http1.ResponseHead{
		Status: 101, Framing: http1.Tunnel, Upgrade: []byte("websocket"),
		Fields: append(h.AppendFields(room[:0]), extra...),
	})
}

func fieldsOf(name, value string) []codec.Field {
	return []codec.Field{{Name: []byte(name), Value: []byte(value)}}
}
