package http1

import (
	"github.com/purewire/purewire/codec/internal/syntax"
	"slices"
	"strconv"

	"github.com/purewire/purewire/codec"
)

// RequestHead is what AppendRequest sends. It is only read.
type RequestHead struct {
	// Method is a token, as it is to be sent: methods are case-sensitive (RFC 9110 section 9.1).
	Method []byte
	// Target is the request target in the form that the method needs (RFC 9112 section 3.2).
	Target []byte
	// HTTP10 sends HTTP/1.0 as the version: for a server that is not known to understand HTTP/1.1.
	HTTP10 bool
	// Host is the Host field's value, sent first. Empty: an empty Host, as RFC 9112 section 3.2-6 asks if the target
	// URI has no authority; in HTTP/1.0 none is sent then.
	Host []byte
	// Fields are sent in this order and spelling. Not among them: Content-Length, Transfer-Encoding, Host, Upgrade,
	// Expect, Keep-Alive, Connection with close, keep-alive or upgrade.
	Fields []codec.Field
	// Trailers names the trailer fields to come in a Trailer field (RFC 9110 section 6.6.2). Only the names are used;
	// the list that AppendEnd gets serves well. Chunked only.
	Trailers []codec.Field
	// Framing is NoBody, Length or Chunked. With NoBody a POST, PUT or PATCH says Content-Length: 0 (RFC 9110 section
	// 8.6-5).
	Framing Framing
	// Length is the content's length in bytes, for Framing Length.
	Length int64
	// Close says that this is the connection's last request.
	Close bool
	// Upgrade is the list of protocols offered in an Upgrade field, empty for none.
	Upgrade []byte
	// Expect100 says Expect: 100-continue; only with content.
	Expect100 bool
}

// ResponseHead is what AppendResponse sends. It is only read.
type ResponseHead struct {
	// Status is 200 to 599, or 101. Other informational responses are AppendInformational's.
	Status int
	// Reason is the reason phrase; nil means the standard one (ReasonPhrase).
	Reason []byte
	// HTTP10 says that the request was HTTP/1.0: chunked and Upgrade are refused, and a connection that stays open
	// says keep-alive. The version sent is HTTP/1.1 all the same (RFC 9110 section 6.2-7).
	HTTP10 bool
	// Fields are sent in this order and spelling. Not among them: Content-Length, Transfer-Encoding, Upgrade,
	// Keep-Alive, Connection with close, keep-alive or upgrade; Date and Trailer only if the members below are empty.
	Fields []codec.Field
	// Trailers names the trailer fields to come in a Trailer field (RFC 9110 section 6.6.2), see RequestHead.
	Trailers []codec.Field
	// Framing is NoBody, Length, Chunked, UntilClose or Tunnel. NoBody says Content-Length: 0 where a client would wait
	// for content otherwise; not in answers to HEAD, where it says nothing about the content.
	Framing Framing
	// Length is the content's length in bytes, for Framing Length. In answers to HEAD and with 304 it is only told.
	Length int64
	// ToHEAD says that the request was HEAD: the head is as for GET, no content follows.
	ToHEAD bool
	// ToCONNECT says that the request was CONNECT: a 2xx response has Framing Tunnel.
	ToCONNECT bool
	// Close says that the connection is closed after this response. Framing UntilClose implies it.
	Close bool
	// Upgrade is the protocol list of an Upgrade field: the new protocol with 101 (Framing Tunnel), what is offered
	// otherwise. Empty for none.
	Upgrade []byte
	// Date is the Date field's value, DateLen bytes (AppendDate, DateCache), nil for none.
	Date []byte
}

// AppendRequest begins a request.
func (e *Encoder) AppendRequest(dst []byte, h *RequestHead) ([]byte, error) {
	if err := e.begin(); err != nil {
		return dst, err
	}
	size, err := h.check()
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, size)
	dst = append(dst, h.Method...)
	dst = append(dst, ' ')
	dst = append(dst, h.Target...)
	if h.HTTP10 {
		dst = append(dst, " HTTP/1.0\r\n"...)
	} else {
		dst = append(dst, " HTTP/1.1\r\n"...)
	}
	// RFC 9112 section 3.2-5: "A client MUST send a Host header field in all HTTP/1.1 request messages."
	if !h.HTTP10 || len(h.Host) > 0 {
		dst = append(dst, "Host: "...)
		dst = append(dst, h.Host...)
		dst = append(dst, '\r', '\n')
	}
	for i := range h.Fields {
		dst = appendField(dst, &h.Fields[i])
	}
	if h.Expect100 {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	switch {
	case h.Framing == Length:
		dst = appendLength(dst, h.Length)
	case h.Framing == Chunked:
		dst = appendChunked(dst, h.Trailers)
	case LookupMethod(h.Method) == MethodPost || LookupMethod(h.Method) == MethodPut || LookupMethod(h.Method) == MethodPatch:
		dst = appendLength(dst, 0)
	}
	dst = appendConnection(dst, h.Close, h.HTTP10 && !h.Close, h.Upgrade)
	e.start(h.Framing, h.Length, true, h.Close)
	return append(dst, '\r', '\n'), nil
}

// check refuses what would make a faulty head, and returns how many bytes the head needs at most.
func (h *RequestHead) check() (size int, err error) {
	if !IsToken(h.Method) {
		return 0, errEncMethod
	}
	// RFC 9112 section 3.2: the target has one of four forms; which ones depends on the method.
	if !targetFits(LookupMethod(h.Method), h.Target) {
		return 0, errEncTarget
	}
	if len(h.Host) > 0 && !ValidHost(h.Host) {
		return 0, errEncHost
	}
	own := ownHost | ownExpect
	if len(h.Trailers) > 0 {
		own |= ownTrailer
	}
	size, err = checkHead(h.Fields, h.Trailers, h.Framing, h.Upgrade, h.HTTP10, own)
	if err != nil {
		return 0, err
	}
	content := false
	switch h.Framing {
	case NoBody:
	case Length:
		if h.Length < 0 {
			return 0, errEncLength
		}
		content = h.Length > 0
	case Chunked:
		content = true
	case UntilClose, Tunnel:
		// RFC 9112 section 6.3-2.7: a request without Content-Length and Transfer-Encoding has no content.
		return 0, errEncUntilClose
	default:
		return 0, errEncFramingBad
	}
	// RFC 9110 section 9.3.8-4: "A client MUST NOT send content in a TRACE request." 9.3.6-13: "A CONNECT request message
	// does not have content."
	if h.Framing != NoBody {
		if m := LookupMethod(h.Method); m == MethodTrace || m == MethodConnect {
			return 0, errEncMethodBody
		}
	}
	// RFC 9110 section 10.1.1-11.1: "A client MUST NOT generate a 100-continue expectation in a request that does not
	// include content."
	if h.Expect100 && (!content || h.HTTP10) {
		return 0, errEncExpect
	}
	return size + len(h.Method) + len(h.Target) + len(h.Host) + 64, nil
}

// AppendResponse begins a final response, or the 101 that ends HTTP on this connection.
func (e *Encoder) AppendResponse(dst []byte, h *ResponseHead) ([]byte, error) {
	if err := e.begin(); err != nil {
		return dst, err
	}
	size, err := h.check()
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, size)
	dst = appendStatusLine(dst, h.Status, h.Reason)
	if h.Date != nil {
		dst = append(dst, "Date: "...)
		dst = append(dst, h.Date...)
		dst = append(dst, '\r', '\n')
	}
	for i := range h.Fields {
		dst = appendField(dst, &h.Fields[i])
	}
	switch h.Framing {
	case Length:
		if h.Status != 204 {
			dst = appendLength(dst, h.Length)
		}
	case Chunked:
		dst = appendChunked(dst, h.Trailers)
	case NoBody:
		// RFC 9112 section 6.3-2.8: without a length the client would read until the connection ends.
		if h.Status != 204 && h.Status != 304 && !h.ToHEAD {
			dst = appendLength(dst, 0)
		}
	}
	content := !h.ToHEAD && h.Status != 304
	last := h.Close || h.Framing == UntilClose && content
	if h.Framing == Tunnel {
		last = false
	}
	dst = appendConnection(dst, last, h.HTTP10 && !last && h.Framing != Tunnel, h.Upgrade)
	e.start(h.Framing, h.Length, content, last)
	return append(dst, '\r', '\n'), nil
}

// check refuses what would make a faulty head, and returns how many bytes the head needs at most.
func (h *ResponseHead) check() (size int, err error) {
	// RFC 9110 section 15-6: "Values outside the range 100..599 are invalid."
	if (h.Status < 200 && h.Status != 101) || h.Status > 599 {
		return 0, errEncStatus
	}
	if len(h.Reason) > 0 && syntax.HasControl(h.Reason) {
		return 0, errEncReason
	}
	if h.Date != nil && (len(h.Date) != DateLen || syntax.HasControl(h.Date)) {
		return 0, errEncDate
	}
	var own ownFields
	if h.Date != nil {
		own |= ownDate
	}
	if len(h.Trailers) > 0 {
		own |= ownTrailer
	}
	size, err = checkHead(h.Fields, h.Trailers, h.Framing, h.Upgrade, h.HTTP10, own)
	if err != nil {
		return 0, err
	}
	if h.Framing > Tunnel {
		return 0, errEncFramingBad
	}
	if h.Framing == Length && h.Length < 0 {
		return 0, errEncLength
	}
	// RFC 9110 section 7.8-5: "A server that sends a 101 (Switching Protocols) response MUST send an Upgrade header field".
	switching := h.Status == 101 && len(h.Upgrade) > 0
	connected := h.ToCONNECT && h.Status/100 == 2
	switch {
	case (h.Framing == Tunnel || h.Status == 101) && !connected:
		if !switching || h.Framing != Tunnel {
			return 0, errEncTunnel
		}
	case connected && h.Framing != Tunnel:
		// RFC 9110 section 9.3.6-12: "A server MUST NOT send any Transfer-Encoding or Content-Length header fields in a
		// 2xx (Successful) response to CONNECT."
		return 0, errEncConnect
	case connected:
	case h.Status == 204 && h.Framing != NoBody:
		// RFC 9110 section 8.6-8 and RFC 9112 section 6.1-10: no Content-Length and no Transfer-Encoding with 204.
		return 0, errEncNoContent
	case h.Status == 205 && h.Framing != NoBody && (h.Framing != Length || h.Length != 0):
		// RFC 9110 section 15.3.6-3: "a server MUST NOT generate content in a 205 response".
		return 0, errEncNoContent
	case h.Status == 304 && h.Framing == UntilClose:
		return 0, errEncNotModified
	case h.Status == 426 && len(h.Upgrade) == 0:
		// RFC 9110 section 7.8-6: "A server that sends a 426 (Upgrade Required) response MUST send an Upgrade header field".
		return 0, errEncUpgrade426
	}
	return size + len(h.Reason) + 128, nil
}

// AppendInformational appends a whole informational response: 100 to 199 but 101, without content (RFC 9110 section 15.2).
// It is refused between head and end of another message. A server must not send one to an HTTP/1.0 client (RFC 9110
// section 15.2-1); the Encoder does not know the request, so that is the caller's to see to.
func (e *Encoder) AppendInformational(dst []byte, status int, fields []codec.Field) ([]byte, error) {
	if err := e.begin(); err != nil {
		return dst, err
	}
	if status < 100 || status > 199 || status == 101 {
		return dst, errEncInfoStatus
	}
	size, err := checkHead(fields, nil, NoBody, nil, false, 0)
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, size+64)
	dst = appendStatusLine(dst, status, nil)
	for i := range fields {
		dst = appendField(dst, &fields[i])
	}
	e.mode = encIdle
	return append(dst, '\r', '\n'), nil
}

// ownFields says which names the head's own members stand for.
type ownFields uint8

const (
	ownHost ownFields = 1 << iota
	ownExpect
	ownTrailer
	ownDate
)

// checkHead refuses what is faulty in either kind of head, and returns how many bytes the fields need at most.
func checkHead(fields, trailers []codec.Field, f Framing, upgrade []byte, http10 bool, own ownFields) (int, error) {
	size := 0
	for i := range fields {
		name, value := fields[i].Name, fields[i].Value
		if err := checkViews(name, value); err != nil {
			return 0, err
		}
		if err := checkOwn(name, value, own); err != nil {
			return 0, err
		}
		size += len(name) + len(value) + 4
	}
	if len(trailers) > 0 {
		if f != Chunked {
			return 0, errEncTrailers
		}
		for i := range trailers {
			if !IsToken(trailers[i].Name) {
				return 0, errEncName
			}
			if !TrailerAllowed(trailers[i].Name) {
				return 0, errEncTrailer
			}
			size += len(trailers[i].Name) + 11
		}
	}
	if len(upgrade) > 0 {
		if http10 {
			return 0, errEncUpgrade10
		}
		if !isProtocolList(upgrade) {
			return 0, errEncUpgrade
		}
		size += len(upgrade) + 32
	}
	// RFC 9112 section 6.1-13: "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding
	// request indicates HTTP/1.1 (or later minor revisions)." And of clients: "unless it knows the server will handle
	// HTTP/1.1".
	if f == Chunked && http10 {
		return 0, errEncChunked10
	}
	return size, nil
}

// checkOwn refuses fields that the head's members stand for. The length of a name tells almost all others apart.
func checkOwn(name, value []byte, own ownFields) error {
	switch len(name) {
	case 4:
		if own&ownHost != 0 && EqualFold(name, "Host") {
			return errEncHostField
		}
		if own&ownDate != 0 && EqualFold(name, "Date") {
			return errEncOwnField
		}
	case 6:
		if own&ownExpect != 0 && EqualFold(name, "Expect") {
			return errEncOwnField
		}
	case 7:
		if EqualFold(name, "Upgrade") || own&ownTrailer != 0 && EqualFold(name, "Trailer") {
			return errEncOwnField
		}
	case 10:
		if EqualFold(name, "Keep-Alive") {
			return errEncOwnField
		}
		if EqualFold(name, "Connection") {
			return checkOptions(value)
		}
	case 14:
		// RFC 9112 section 6.2-2: "A sender MUST NOT send a Content-Length header field in any message that contains a
		// Transfer-Encoding header field."
		if EqualFold(name, "Content-Length") {
			return errEncFraming
		}
	case 17:
		if EqualFold(name, "Transfer-Encoding") {
			return errEncFraming
		}
	}
	return nil
}

// checkOptions refuses connection options that the head's members stand for.
func checkOptions(list []byte) error {
	for len(list) > 0 {
		var tok []byte
		tok, list = cutToken(list)
		if len(tok) == 0 {
			continue
		}
		if !IsToken(tok) || EqualFold(tok, "close") || EqualFold(tok, "keep-alive") || EqualFold(tok, "upgrade") {
			return errEncConnection
		}
	}
	return nil
}

// checkViews refuses a field that would not be read back as it is.
func checkViews(name, value []byte) error {
	// RFC 9110 section 5.1-2: field-name = token.
	if !IsToken(name) {
		return errEncName
	}
	// RFC 9110 section 5.5-5: "Field values containing CR, LF, or NUL characters are invalid and dangerous". The other
	// control characters are invalid as well.
	if syntax.HasControl(value) {
		return errEncValue
	}
	// RFC 9110 section 5.5-3: "A field value does not include leading or trailing whitespace."
	if syntax.IsBlankEnded(value) {
		return errEncBlank
	}
	return nil
}

// checkField is checkViews for strings and bytes.
func checkField[T ~string | ~[]byte](name, value T) error {
	if !IsToken(name) {
		return errEncName
	}
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return errEncValue
		}
	}
	if syntax.IsBlankEnded(value) {
		return errEncBlank
	}
	return nil
}

func appendStatusLine(dst []byte, status int, reason []byte) []byte {
	if status == 200 && reason == nil {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, 'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ',
		'0'+byte(status/100), '0'+byte(status/10%10), '0'+byte(status%10), ' ')
	if reason == nil {
		dst = append(dst, reasonPhrases[status-100]...)
	} else {
		dst = append(dst, reason...)
	}
	return append(dst, '\r', '\n')
}

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

func appendChunked(dst []byte, trailers []codec.Field) []byte {
	dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	for i := range trailers {
		if i == 0 {
			dst = append(dst, "Trailer: "...)
		} else {
			dst = append(dst, ',', ' ')
		}
		dst = append(dst, trailers[i].Name...)
	}
	if len(trailers) > 0 {
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// appendConnection appends Connection and Upgrade. RFC 9110 section 7.8-14: "A sender of Upgrade MUST also send an
// "Upgrade" connection option".
func appendConnection(dst []byte, closing, keep bool, upgrade []byte) []byte {
	if len(upgrade) > 0 {
		dst = append(dst, "Upgrade: "...)
		dst = append(dst, upgrade...)
		dst = append(dst, '\r', '\n')
	}
	switch {
	case len(upgrade) > 0 && closing:
		dst = append(dst, "Connection: upgrade, close\r\n"...)
	case len(upgrade) > 0:
		dst = append(dst, "Connection: upgrade\r\n"...)
	case closing:
		dst = append(dst, "Connection: close\r\n"...)
	case keep:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return dst
}

// targetFits is ParseTarget without taking the target apart: nothing of it escapes to the heap.
func targetFits(m Method, b []byte) bool {
	for _, c := range b {
		if syntax.Class[c]&clsTarget == 0 {
			return false
		}
	}
	switch {
	case len(b) == 0:
		return false
	case m == MethodConnect:
		n, port, valid := syntax.SplitHost(b)
		return valid && n > 0 && port && n+1 < len(b)
	case b[0] == '/':
		return true
	case b[0] == '*':
		return len(b) == 1 && m == MethodOptions
	}
	i := 0
	for i < len(b) && (isLetter(b[i]) || i > 0 && (isDigit(b[i]) || b[i] == '+' || b[i] == '-' || b[i] == '.')) {
		i++
	}
	if i == 0 || len(b)-i < 3 || string(b[i:i+3]) != "://" {
		return false
	}
	to := i + 3
	for to < len(b) && b[to] != '/' && b[to] != '?' {
		to++
	}
	n, _, valid := syntax.SplitHost(b[i+3 : to])
	return valid && n > 0
}

// isProtocolList reports whether the value is a list of protocol names with optional versions, without empty members
// (RFC 9110 section 7.8-3).
func isProtocolList(list []byte) bool {
	if syntax.IsBlankEnded(list) || list[len(list)-1] == ',' {
		return false
	}
	for len(list) > 0 {
		var tok []byte
		tok, list = cutToken(list)
		slashes := 0
		for i, c := range tok {
			if c == '/' {
				slashes++
				if slashes > 1 || i == 0 || i == len(tok)-1 {
					return false
				}
			} else if syntax.Class[c]&clsToken == 0 {
				return false
			}
		}
		if len(tok) == 0 {
			return false
		}
	}
	return true
}
