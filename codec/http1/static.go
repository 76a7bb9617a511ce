package http1

import (
	"strconv"

	"github.com/purewire/purewire/codec"
)

// Static is a response encoded once and sent many times: a copy, and the date patched in. It is immutable after NewStatic
// and may be shared by any number of connections. For the status pages, health checks and small files of a server.
type Static struct {
	keep, keep10, closing staticForm

	status int
	fields []codec.Field
	dated  bool
}

// staticForm is a response with one answer to "does the connection stay open?".
type staticForm struct {
	text []byte // head and content
	head int    // length of the head
	date int    // offset of the date in text, 0 for none
}

// NewStatic encodes the response to its three forms: keep-alive, keep-alive for HTTP/1.0 clients, close. Of h it reads
// Status, Reason, Fields, Upgrade and Date; the framing is the content's: Content-Length, or none if the status has no
// content, when content is refused. If h.Date is nil the forms have no Date, else Append can patch it. h and body are
// copied. It refuses what AppendResponse refuses.
func NewStatic(h *ResponseHead, body []byte) (*Static, error) {
	g := *h
	g.Framing, g.Length = Length, int64(len(body))
	g.ToHEAD, g.ToCONNECT, g.HTTP10, g.Close, g.Trailers = false, false, false, false, nil
	if len(body) == 0 {
		g.Framing = NoBody
	} else if h.Status == 304 {
		return nil, errEncNoBody
	}
	s := &Static{status: h.Status, dated: h.Date != nil}
	var err error
	if s.keep, err = newStaticForm(g, body); err != nil {
		return nil, err
	}
	g.Close = true
	if s.closing, err = newStaticForm(g, body); err != nil {
		return nil, err
	}
	// An HTTP/1.0 client is not offered an Upgrade (RFC 9110 section 7.8-14).
	g.Close, g.HTTP10, g.Upgrade = false, true, nil
	if s.keep10, err = newStaticForm(g, body); err != nil {
		s.keep10, err = s.closing, nil // 426 to an HTTP/1.0 client: close
	}
	s.parts(h.Fields, len(body))
	return s, err
}

// parts keeps what HTTP/2 and HTTP/3 need: names in lower case, no fields of the connection, the length as a field.
func (s *Static) parts(fields []codec.Field, length int) {
	for i := range fields {
		name := make([]byte, len(fields[i].Name))
		for j, c := range fields[i].Name {
			if name[j] = c; c >= 'A' && c <= 'Z' {
				name[j] = c | 0x20
			}
		}
		s.fields = append(s.fields, codec.Field{Name: name, Value: append([]byte(nil), fields[i].Value...), Sensitive: fields[i].Sensitive})
	}
	if length > 0 || s.status != 204 && s.status != 304 && s.status >= 200 {
		s.fields = append(s.fields, codec.Field{Name: []byte("content-length"), Value: strconv.AppendInt(nil, int64(length), 10)})
	}
}

// Parts returns the response as HTTP/2 and HTTP/3 send it: names in lower case, Content-Length among the fields, but no Date:
// dated tells that it was made with one. The slices must not be written to.
func (s *Static) Parts() (status int, fields []codec.Field, content []byte, dated bool) {
	return s.status, s.fields, s.keep.text[s.keep.head:], s.dated
}

func newStaticForm(h ResponseHead, body []byte) (f staticForm, err error) {
	var e Encoder
	if f.text, err = e.AppendResponse(nil, &h); err != nil {
		return f, err
	}
	f.head = len(f.text)
	if f.text, err = e.AppendBody(f.text, body); err != nil {
		return f, err
	}
	if h.Date != nil {
		// Date is the first field: behind "HTTP/1.1 200 " + reason + CRLF + "Date: ".
		i := 0
		for f.text[i] != '\n' {
			i++
		}
		f.date = i + 1 + len("Date: ")
	}
	return f, nil
}

// Append appends the response in its close or keep-alive form; with head, only its head: the answer to HEAD. date is put
// in place of the date if it has DateLen bytes (DateCache.Bytes) and the response was made with one. The caller closes the
// connection after the close form: no Encoder knows of it.
func (s *Static) Append(dst []byte, closing, head bool, date []byte) []byte {
	if closing {
		return s.closing.append(dst, head, date)
	}
	return s.keep.append(dst, head, date)
}

// Append10 appends the form for an HTTP/1.0 client whose connection stays open: it says keep-alive.
func (s *Static) Append10(dst []byte, head bool, date []byte) []byte {
	return s.keep10.append(dst, head, date)
}

// Len returns the length of the longest form: room for any Append.
func (s *Static) Len() int { return max(len(s.keep.text), len(s.keep10.text), len(s.closing.text)) }

func (f *staticForm) append(dst []byte, head bool, date []byte) []byte {
	text := f.text
	if head {
		text = text[:f.head]
	}
	at := len(dst)
	dst = append(dst, text...)
	if f.date > 0 && len(date) == DateLen {
		copy(dst[at+f.date:], date)
	}
	return dst
}
