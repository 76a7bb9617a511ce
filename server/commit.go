package server

import (
	"net/http"

	"github.com/purewire/purewire/codec/http1"

	"github.com/purewire/purewire/codec"
)

// seen notes which fields the handler set.
type seen struct {
	contentType, contentLength, contentEncoding, transferEncoding, trailer, date, noDate bool

	connection    bool
	closing, keep bool
	te, upgrade   []byte
}

// commit encodes the response head. p is content that follows the buffered one; done says that it is all there is. mu is held.
func (w *writer) commit(p []byte, done bool) error {
	x, ob := w.x, w.x.ob
	x.committed = true
	if x.h2 != nil {
		w.commitH2(p, done)
		return nil
	}
	fields, s := w.fields(ob.fields[:0])
	h := &ob.head
	*h = http1.ResponseHead{Status: w.status, HTTP10: x.minor == 0, ToHEAD: x.isHead}
	length := w.length
	size := int64(len(ob.body) + len(p))
	allowed := bodyAllowed(w.status)

	// As net/http: the length of a short response is known by the time its handler is done. Not for HEAD without content, where a
	// handler may have skipped what it would send to GET.
	if done && !s.trailer && !s.transferEncoding && allowed && length < 0 && (!x.isHead || size > 0) {
		length = size
	}
	if s.transferEncoding && string(s.te) != "identity" {
		length = -1
	}
	switch {
	case x.req.Method == http.MethodConnect && w.status/100 == 2:
		h.Framing, h.ToCONNECT = http1.Tunnel, true
		x.closeConn = true
	case w.status == http.StatusSwitchingProtocols:
		h.Framing, h.Upgrade = http1.Tunnel, s.upgrade
		x.closeConn = true
	case !allowed:
		h.Framing = http1.NoBody
	case length >= 0:
		h.Framing, h.Length = http1.Length, length
	case x.isHead:
		h.Framing = http1.NoBody
	case x.minor == 0, string(s.te) == "identity":
		h.Framing = http1.UntilClose
		x.closeConn = true
	default:
		h.Framing = http1.Chunked
		w.chunked = true
	}
	if w.status == http.StatusResetContent {
		// RFC 9110 section 15.3.6-3: "a server MUST NOT generate content in a 205 response".
		h.Framing, h.Length = http1.Length, 0
		ob.body = ob.body[:0]
	}
	if w.status != http.StatusSwitchingProtocols && len(s.upgrade) > 0 && x.minor > 0 {
		h.Upgrade = s.upgrade
	}
	if x.minor == 0 {
		// RFC 9112 section 9.3-3.3: an HTTP/1.0 client that asked for keep-alive gets it if the end of the message can be told.
		if !x.wants10 || h.Framing == http1.UntilClose {
			x.closeConn = true
		}
	}
	if s.closing {
		x.closeConn = true
	}
	// RFC 9112 section 9.3-7: a request body that nobody read is dropped, if it is short, or the connection closes.
	if !x.inEOF {
		switch {
		case x.inErr != nil:
			x.closeConn = true
		case x.left >= 0 && x.left+int64(len(x.in)-x.inOff) > x.srv.drainBody, x.srv.drainBody == 0:
			x.closeConn = true
		case x.expectUnmet():
			x.closeConn = true
		}
	}
	h.Close = x.closeConn
	if allowed && !s.contentEncoding && !s.contentType && !s.transferEncoding && size > 0 {
		fields = append(fields, codec.Field{Name: nameContentType, Value: viewOf(sniff(ob.body, p))})
	}
	if !s.date && !s.noDate {
		h.Date = datePlaceholder
	}
	h.Fields = fields
	mark := len(ob.out)
	out, err := x.enc.AppendResponse(ob.out, h)
	if err != nil {
		// RFC 9110 section 15-6: "Values outside the range 100..599 are invalid", and other heads that cannot be sent.
		x.srv.logf("server: response replaced by 500: %v", err)
		x.closeConn = true
		w.status, w.chunked, w.length = http.StatusInternalServerError, false, -1
		ob.body = ob.body[:0]
		x.enc = http1.Encoder{}
		*h = http1.ResponseHead{Status: 500, HTTP10: x.minor == 0, ToHEAD: x.isHead, Close: true, Date: datePlaceholder}
		out, _ = x.enc.AppendResponse(ob.out, h)
	}
	ob.out = out
	if h.Date != nil {
		for out[mark] != '\n' {
			mark++
		}
		ob.date = mark + 1 + len("Date: ")
	}
	ob.fields = fields[:0]
	return err
}

// expectUnmet reports whether the client was promised nothing and may or may not send its content. mu is held.
func (x *exchange) expectUnmet() bool {
	return x.req.ContentLength != 0 && !x.continued && len(x.in) == 0 && hasExpect(x.req.Header)
}

func hasExpect(h http.Header) bool { return len(h["Expect"]) > 0 }

// datePlaceholder is overwritten when the machine takes the bytes, since it knows the time.
var datePlaceholder = http1.AppendDate(nil, 0)

// fields copies the sendable part of the header.
func (w *writer) fields(dst []codec.Field) ([]codec.Field, seen) {
	var s seen
	snap := w.x.ob.snap
	for i := range snap {
		f := &snap[i]
		name := string(f.Name) // does not escape: no allocation
		switch name {
		case "Content-Type":
			s.contentType = true
			if f.Sensitive || w.status == http.StatusNotModified {
				continue
			}
		case "Date":
			if s.date || f.Sensitive {
				s.noDate = s.noDate || f.Sensitive
				continue
			}
			s.date = true
		case "Content-Length":
			s.contentLength = true
			continue
		case "Content-Encoding":
			s.contentEncoding = s.contentEncoding || len(f.Value) > 0
		case "Transfer-Encoding":
			if len(f.Value) > 0 && !s.transferEncoding {
				s.transferEncoding, s.te = true, f.Value
			}
			continue
		case "Connection":
			s.connection = true
			if listHas(f.Value, "close") {
				s.closing = true
			}
			if listHas(f.Value, "keep-alive") {
				s.keep = true
			}
			continue
		case "Upgrade":
			s.upgrade = f.Value
			continue
		case "Keep-Alive":
			continue
		case "Trailer":
			s.trailer = true
		default:
			if len(name) > len(http.TrailerPrefix) && name[:len(http.TrailerPrefix)] == http.TrailerPrefix {
				s.trailer = true
				continue
			}
			if !http1.IsToken(f.Name) {
				continue
			}
		}
		dst = append(dst, codec.Field{Name: f.Name, Value: cleanValue(f.Value)})
	}
	return dst, s
}

// listHas reports whether a comma-separated list has the token.
func listHas(list []byte, token string) bool {
	for len(list) > 0 {
		i := 0
		for i < len(list) && list[i] != ',' {
			i++
		}
		if http1.EqualFold(cleanValue(list[:i]), token) {
			return true
		}
		list = list[min(i+1, len(list)):]
	}
	return false
}

// sniff detects the content type of a followed by b.
func sniff(a, b []byte) string {
	const n = 512
	if len(a) >= n || len(b) == 0 {
		return http.DetectContentType(a)
	}
	if len(a) == 0 {
		return http.DetectContentType(b)
	}
	var buf [n]byte
	k := copy(buf[:], a)
	k += copy(buf[k:], b)
	return http.DetectContentType(buf[:k])
}
