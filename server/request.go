package server

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// protoRequest carries no context; see setContext.
var protoRequest http.Request

// arena cuts strings from one copy of a request head: one allocation for all of them.
type arena struct {
	s  string
	at int
}

func (a *arena) next(n int) string {
	s := a.s[a.at : a.at+n]
	a.at += n
	return s
}

// build fills x.req from a head. It returns false for a target that net/url cannot parse.
func (x *exchange) build(l *local, ev *http1.Event, remote string) bool {
	// Collect, in this order, what has no constant string.
	b := l.buf[:0]
	method := ""
	if ev.MethodID == http1.MethodOther {
		b = append(b, ev.Method...)
	} else {
		method = ev.MethodID.String()
	}
	b = append(b, ev.Target...)
	b = append(b, ev.Authority...)
	for i := range ev.Fields {
		f := &ev.Fields[i]
		if http1.LookupName(f.Name) == http1.NameOther {
			b = append(b, f.Name...)
		}
		b = append(b, f.Value...)
	}
	a := arena{s: string(b)}
	if cap(b) <= highWater {
		l.buf = b[:0]
	}
	if method == "" {
		method = a.next(len(ev.Method))
	}
	target := a.next(len(ev.Target))
	host := a.next(len(ev.Authority))

	r := &x.req
	*r = *protoRequest.WithContext(&x.ctx)
	r.Method, r.RequestURI, r.Host, r.RemoteAddr = method, target, host, remote
	r.ProtoMajor, r.ProtoMinor = 1, int(ev.Minor)
	if ev.Minor == 0 {
		r.Proto = "HTTP/1.0"
	} else {
		r.Proto = "HTTP/1.1"
	}
	r.Header = x.header(ev.Fields, &a)
	switch ev.Framing {
	case http1.Length:
		r.ContentLength = ev.Length
		r.Body = &x.body
		if ev.Length == 0 {
			r.Body = http.NoBody
		}
	case http1.Chunked:
		r.ContentLength = -1
		r.Body = &x.body
		r.TransferEncoding = chunkedEncoding
		delete(r.Header, "Transfer-Encoding")
		delete(r.Header, "Content-Length")
		x.announced()
	default:
		r.Body = http.NoBody
	}
	// As net/http: Close says what the peer asked for.
	r.Close = !ev.KeepAlive
	if pragma, ok := r.Header["Pragma"]; ok && len(pragma) > 0 && pragma[0] == "no-cache" {
		if _, ok := r.Header["Cache-Control"]; !ok {
			r.Header["Cache-Control"] = []string{"no-cache"}
		}
	}
	return x.parseURL(ev, target)
}

var chunkedEncoding = []string{"chunked"}

// header makes the map of the fields. Host is not in it, as in net/http.
func (x *exchange) header(fields []codec.Field, a *arena) http.Header {
	h := make(http.Header, min(len(fields), 64))
	values := make([]string, len(fields))
	for i := range fields {
		f := &fields[i]
		var name string
		if id := http1.LookupName(f.Name); id != http1.NameOther {
			name = goNames[id]
		} else {
			name = textproto.CanonicalMIMEHeaderKey(a.next(len(f.Name)))
		}
		value := a.next(len(f.Value))
		if name == "Host" {
			continue
		}
		if old, ok := h[name]; ok {
			h[name] = append(old, value)
			continue
		}
		values[i] = value
		h[name] = values[i : i+1 : i+1]
	}
	return h
}

// goNames holds net/textproto's spelling of the known names.
var goNames = func() (t []string) {
	t = append(t, "")
	for n := http1.NameOther + 1; n.String() != ""; n++ {
		t = append(t, textproto.CanonicalMIMEHeaderKey(n.String()))
	}
	return t
}()

// announced moves the names in Trailer to Request.Trailer.
func (x *exchange) announced() {
	list, ok := x.req.Header["Trailer"]
	if !ok {
		return
	}
	delete(x.req.Header, "Trailer")
	for _, v := range list {
		for name := range strings.SplitSeq(v, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if name == "" || !http1.TrailerAllowed(viewOf(name)) {
				continue
			}
			if x.req.Trailer == nil {
				x.req.Trailer = make(http.Header)
			}
			x.req.Trailer[name] = nil
		}
	}
}

// parseURL fills Request.URL. Plain origin-form targets, nearly all there are, take the short way; it yields what
// url.ParseRequestURI does.
func (x *exchange) parseURL(ev *http1.Event, target string) bool {
	u := &x.url
	x.req.URL = u
	if ev.Form == http1.OriginForm && plainPath(ev.Path) {
		u.Path = target[:len(ev.Path)]
		if len(target) > len(ev.Path) {
			u.RawQuery = target[len(ev.Path)+1:]
			u.ForceQuery = u.RawQuery == ""
		}
		return true
	}
	// RFC 9112 section 3.2.3: the authority form has no scheme; net/http parses it with one and takes that away.
	connect := ev.Form == http1.AuthorityForm
	if connect {
		target = "http://" + target
	}
	p, err := url.ParseRequestURI(target)
	if err != nil {
		return false
	}
	*u = *p
	if connect {
		u.Scheme = ""
	}
	return true
}

// plainPath reports whether unescaping and escaping leave the path as it is.
func plainPath(p []byte) bool {
	for _, c := range p {
		if !plainByte[c] {
			return false
		}
	}
	return len(p) > 0 && p[0] == '/'
}

var plainByte = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~$&+,/:;=@" {
		t[c] = true
	}
	return t
}()
