package ws

import (
	"encoding/base64"
	"slices"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// Opening is a client's side of the opening handshake: the request to send, and what the response is held against.
type Opening struct {
	// Host is the Host field's value; Target the path and query, "/" if empty.
	Host, Target []byte
	// Origin is the Origin field's value, empty for none. Browsers must send one, others need not.
	Origin []byte
	// Protocols are the subprotocols to offer, best first.
	Protocols []string
	// Deflate is the permessage-deflate to offer, nil for none.
	Deflate *DeflateOptions
	// Nonce is the key: 16 unpredictable bytes, new for each connection (RFC 6455 section 4.1-15).
	Nonce [16]byte
	// Fields are sent as well, behind the handshake's own.
	Fields []codec.Field
	// Extended says that the request goes out as an extended CONNECT (RFC 8441, RFC 9220). Then Host and Target are
	// pseudo-header fields, and AppendFields makes the rest of the header section.
	Extended bool
}

func (o *Opening) key() []byte {
	return base64.StdEncoding.AppendEncode(make([]byte, 0, 24), o.Nonce[:])
}

// AppendFields appends the fields of the request (RFC 6455 section 4.1-8). Method, target, Host, Upgrade and Connection are
// the caller's. The error is a *HandshakeError: a subprotocol that cannot be offered.
func (o *Opening) AppendFields(dst []codec.Field) ([]codec.Field, error) {
	from := dst
	add := func(name string, value []byte) {
		dst = append(dst, codec.Field{Name: []byte(name), Value: value})
	}
	if !o.Extended {
		add("Sec-WebSocket-Key", o.key())
	}
	add("Sec-WebSocket-Version", []byte("13"))
	if len(o.Origin) > 0 {
		add("Origin", o.Origin)
	}
	if len(o.Protocols) > 0 {
		var list []byte
		for i, p := range o.Protocols {
			// 17.10: "The elements that comprise this value MUST be non-empty strings [...] and MUST all be unique strings."
			if !http1.IsToken(p) || slices.Contains(o.Protocols[:i], p) {
				return from, refuse(hOpeningProtocol)
			}
			if i > 0 {
				list = append(list, ", "...)
			}
			list = append(list, p...)
		}
		add("Sec-WebSocket-Protocol", list)
	}
	if o.Deflate != nil {
		add("Sec-WebSocket-Extensions", AppendDeflateOffer(nil, o.Deflate))
	}
	return append(dst, o.Fields...), nil
}

// AppendRequest appends the whole request, as HTTP/1.1. The error is a *HandshakeError or an *http1.Error; dst is then as
// it was. Read the response with an http1.Decoder that was told Expect(http1.MethodGet, true).
func (o *Opening) AppendRequest(dst []byte) ([]byte, error) {
	fields, err := o.AppendFields(nil)
	if err != nil {
		return dst, err
	}
	h := http1.RequestHead{Method: []byte("GET"), Target: o.Target, Host: o.Host, Upgrade: []byte("websocket"), Fields: fields}
	if len(h.Target) == 0 {
		h.Target = []byte("/")
	}
	var enc http1.Encoder
	return enc.AppendRequest(dst, &h)
}

// Check judges the response (RFC 6455 section 4.1-21) and fills h with what is agreed, or returns a *HandshakeError. Of an
// http1.Event status and fields are Status and Fields. Protocol is a view of the fields.
func (o *Opening) Check(status int, fields []codec.Field, h *Handshake) error {
	*h = Handshake{extended: o.Extended}
	if o.Extended {
		// RFC 8441 section 5: a 2xx status in place of 101, without Sec-WebSocket-Accept.
		if status/100 != 2 {
			return refuse(hStatus)
		}
	} else if err := o.checkSwitch(status, fields, h); err != nil {
		return err
	}
	// RFC 6455 section 4.1-27: "if this header field indicates the use of a subprotocol that was not present in the
	// client's handshake [...], the client MUST _Fail the WebSocket Connection_."
	switch http1.Count(fields, "Sec-WebSocket-Protocol") {
	case 0:
	case 1:
		p := http1.Get(fields, "Sec-WebSocket-Protocol")
		if !slices.Contains(o.Protocols, string(p)) {
			return refuse(hAnswerProtocol)
		}
		h.Protocol = p
	default:
		return refuse(hAnswerProtocols)
	}
	var err error
	h.Deflate, h.HasDeflate, err = CheckDeflateAnswer(fields, o.Deflate)
	return err
}

// checkSwitch judges what only a response to an Upgrade has.
func (o *Opening) checkSwitch(status int, fields []codec.Field, h *Handshake) error {
	switch {
	case status != 101:
		return refuse(hStatus)
	// 34.2: "if the |Upgrade| header field contains a value that is not an ASCII case-insensitive match for the value
	// "websocket", the client MUST _Fail_".
	case http1.Count(fields, "Upgrade") != 1 || !http1.EqualFold(http1.Get(fields, "Upgrade"), "websocket"):
		return refuse(hAnswerUpgrade)
	case !http1.HasToken(fields, "Connection", "upgrade"):
		return refuse(hAnswerConnection)
	case http1.Count(fields, "Sec-WebSocket-Accept") != 1:
		return refuse(hAnswerAccepts)
	}
	h.accept = AcceptKey(o.key())
	if string(http1.Get(fields, "Sec-WebSocket-Accept")) != string(h.accept[:]) {
		return refuse(hAnswerAccept)
	}
	return nil
}
