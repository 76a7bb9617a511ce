package ws

import (
	"strconv"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// Deflate is what two peers have agreed on for permessage-deflate (RFC 7692 section 7.1).
type Deflate struct {
	// ServerNoTakeover: the server begins every message with an empty window. ClientNoTakeover: so does the client.
	ServerNoTakeover, ClientNoTakeover bool
	// ServerBits and ClientBits are the base-2 logarithm of the window that each compresses with, 8 to 15.
	ServerBits, ClientBits uint8
}

// DeflateOptions says what one side wants of permessage-deflate. The zero value is the cheapest for memory among those with a
// full window: no context is kept between messages in either direction.
type DeflateOptions struct {
	// ServerBits and ClientBits bound the windows, 8 to 15; anything else means 15. As a server, ClientBits takes effect only
	// with clients that offer to be told.
	ServerBits, ClientBits int
	// ServerTakeover and ClientTakeover allow each side to keep its window from message to message: better compression of short
	// messages, at the price of a window, and its compressor's copy, held for each connection.
	ServerTakeover, ClientTakeover bool
}

func windowBits(n int) uint8 {
	if n < 8 || n > 15 {
		return 15
	}
	return uint8(n)
}

// maxExtensions bounds the extensions and parameters, together, that one header section may name.
const maxExtensions = 32

const deflateName = "permessage-deflate"

// deflateParams are the parameters of one offer or answer. Bits are 0 if not there; clientHint is
// client_max_window_bits without a value.
type deflateParams struct {
	serverNo, clientNo, clientHint bool
	serverBits, clientBits         uint8
}

// AcceptDeflate goes through the offers in a request's Sec-WebSocket-Extensions fields, in the client's order of preference, and
// accepts the first that a server with options o can. It appends the answer, the value of the response's field, to dst.
// accepted is false if there is no such offer: then the answer has no such field. bad says that the fields break the grammar
// of RFC 6455 section 9.1, or name more than 32 extensions and parameters: the handshake must fail.
func AcceptDeflate(dst []byte, fields []codec.Field, o *DeflateOptions) (answer []byte, d Deflate, accepted, bad bool) {
	s := extensions{fields: fields}
	for {
		name, params, more := s.next()
		if !more {
			return dst, d, accepted, s.bad
		}
		p, valid := s.deflate(params, name, false)
		if !valid || accepted || s.bad || o == nil {
			continue
		}
		accepted = true
		dst, d = p.accept(dst, o)
	}
}

// accept decides for a valid offer and appends the answer.
func (p *deflateParams) accept(dst []byte, o *DeflateOptions) ([]byte, Deflate) {
	d := Deflate{
		// RFC 7692 section 7.1.1.1: a server accepts an offer with server_no_context_takeover by including it, and may
		// include it unasked. Section 7.1.1.2: likewise client_no_context_takeover.
		ServerNoTakeover: p.serverNo || !o.ServerTakeover,
		ClientNoTakeover: p.clientNo || !o.ClientTakeover,
		ServerBits:       windowBits(o.ServerBits),
		ClientBits:       15,
	}
	// RFC 7692 section 7.1.2.1: the server answers with the same or a smaller value.
	if p.serverBits != 0 {
		d.ServerBits = min(d.ServerBits, p.serverBits)
	}
	// RFC 7692 section 7.1.2.2: "If a received extension negotiation offer doesn't have the "client_max_window_bits"
	// extension parameter, the corresponding extension negotiation response to the offer MUST NOT include" it.
	if p.clientHint || p.clientBits != 0 {
		d.ClientBits = windowBits(o.ClientBits)
		if p.clientBits != 0 {
			d.ClientBits = min(d.ClientBits, p.clientBits)
		}
	}
	dst = append(dst, deflateName...)
	dst = appendFlag(dst, "; server_no_context_takeover", d.ServerNoTakeover)
	dst = appendFlag(dst, "; client_no_context_takeover", d.ClientNoTakeover)
	if p.serverBits != 0 || d.ServerBits < 15 {
		dst = appendBits(dst, "; server_max_window_bits=", d.ServerBits)
	}
	if d.ClientBits < 15 {
		dst = appendBits(dst, "; client_max_window_bits=", d.ClientBits)
	}
	return dst, d
}

// AppendDeflateOffer appends a client's offer, the value of a Sec-WebSocket-Extensions field.
func AppendDeflateOffer(dst []byte, o *DeflateOptions) []byte {
	dst = append(dst, deflateName...)
	dst = appendFlag(dst, "; server_no_context_takeover", !o.ServerTakeover)
	dst = appendFlag(dst, "; client_no_context_takeover", !o.ClientTakeover)
	if bits := windowBits(o.ServerBits); bits < 15 {
		dst = appendBits(dst, "; server_max_window_bits=", bits)
	}
	if bits := windowBits(o.ClientBits); bits < 15 {
		return appendBits(dst, "; client_max_window_bits=", bits)
	}
	return append(dst, "; client_max_window_bits"...)
}

// CheckDeflateAnswer reads a response's Sec-WebSocket-Extensions fields. o is what was offered, nil for nothing. agreed is false
// if the server declined; a non-nil error says that its answer is not one to this offer: the connection must fail.
func CheckDeflateAnswer(fields []codec.Field, o *DeflateOptions) (d Deflate, agreed bool, err error) {
	s := extensions{fields: fields}
	for {
		name, params, more := s.next()
		switch {
		case s.bad:
			return Deflate{}, false, refuse(hAnswerGrammar)
		case !more:
			return d, agreed, nil
		// RFC 6455 section 4.1-35.5: an extension that was not present in the client's handshake: the client MUST _Fail_.
		case o == nil || agreed || !http1.EqualFold(name, deflateName):
			return Deflate{}, false, refuse(hAnswerExtension)
		}
		p, valid := s.deflate(params, name, true)
		switch {
		case s.bad:
			return Deflate{}, false, refuse(hAnswerGrammar)
		case !valid:
			return Deflate{}, false, refuse(hAnswerParams)
		}
		offeredServer, offeredClient := windowBits(o.ServerBits), windowBits(o.ClientBits)
		switch {
		// RFC 7692 section 7.1.1.1: a server that accepts an offer with server_no_context_takeover includes it.
		case !o.ServerTakeover && !p.serverNo:
			return Deflate{}, false, refuse(hAnswerTakeover)
		// RFC 7692 section 7.1.2.1: a server that accepts an offer with server_max_window_bits answers with the same or a
		// smaller value.
		case offeredServer < 15 && (p.serverBits == 0 || p.serverBits > offeredServer):
			return Deflate{}, false, refuse(hAnswerServerBits)
		// RFC 7692 section 7.1.2.2: likewise for client_max_window_bits, if it is there.
		case p.clientBits > offeredClient:
			return Deflate{}, false, refuse(hAnswerClientBits)
		}
		agreed = true
		d = Deflate{ServerNoTakeover: p.serverNo, ClientNoTakeover: p.clientNo || !o.ClientTakeover, ServerBits: 15, ClientBits: offeredClient}
		if p.serverBits != 0 {
			d.ServerBits = p.serverBits
		}
		if p.clientBits != 0 {
			d.ClientBits = p.clientBits
		}
	}
}

// deflate reads the parameters of one extension. valid says that it is permessage-deflate with parameters that an offer, or an
// answer, may have. The grammar is checked in any case.
//
// RFC 7692 section 7.1: an offer MUST be declined, an answer fails the connection, if it has a parameter that is not
// defined for it, one with an invalid value, or one twice.
func (s *extensions) deflate(params, name []byte, answer bool) (p deflateParams, valid bool) {
	valid = http1.EqualFold(name, deflateName)
	seen := [4]bool{}
	once := func(i int) bool {
		was := seen[i]
		seen[i] = true
		return !was
	}
	for {
		key, value, has, more := s.param(&params)
		if !more {
			return p, valid
		}
		good := false
		switch {
		case http1.EqualFold(key, "server_no_context_takeover"):
			good, p.serverNo = once(0) && !has, true
		case http1.EqualFold(key, "client_no_context_takeover"):
			good, p.clientNo = once(1) && !has, true
		case http1.EqualFold(key, "server_max_window_bits"):
			p.serverBits = parseBits(value)
			good = once(2) && p.serverBits != 0
		case http1.EqualFold(key, "client_max_window_bits"):
			p.clientBits = parseBits(value)
			p.clientHint = !has
			good = once(3) && (p.clientBits != 0 || !has && !answer)
		}
		valid = valid && good
	}
}

// parseBits reads a window size: "8" to "15", without leading zeros (RFC 7692 section 7.1.2), 0 for anything else.
func parseBits(v []byte) uint8 {
	switch {
	case len(v) == 1 && (v[0] == '8' || v[0] == '9'):
		return v[0] - '0'
	case len(v) == 2 && v[0] == '1' && v[1] >= '0' && v[1] <= '5':
		return 10 + v[1] - '0'
	}
	return 0
}

func appendFlag(dst []byte, flag string, on bool) []byte {
	if on {
		dst = append(dst, flag...)
	}
	return dst
}

func appendBits(dst []byte, name string, bits uint8) []byte {
	return strconv.AppendUint(append(dst, name...), uint64(bits), 10)
}
