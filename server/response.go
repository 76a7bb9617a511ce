package server

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// response is the http.ResponseWriter of HTTP/1.1: a writer whose connection can be taken over.
type response struct{ writer }

// writer is the http.ResponseWriter of every wire. Its own fields belong to the handler.
type writer struct {
	x       *exchange
	header  http.Header
	status  int
	length  int64 // declared Content-Length, -1 none
	written int64
	wrote   bool // WriteHeader was called
	ended   bool // the handler has returned
	chunked bool
}

var (
	_ http.Hijacker                          = (*response)(nil)
	_ http.Flusher                           = (*writer)(nil)
	_ interface{ CloseNotify() <-chan bool } = (*writer)(nil) // http.CloseNotifier, which old handlers ask for
	_ io.ReaderFrom                          = (*writer)(nil)
	_ io.StringWriter                        = (*writer)(nil)
	_ interface{ FlushError() error }        = (*writer)(nil)
)

var errWriteDeadline error = os.ErrDeadlineExceeded

// never is the relative deadline that takes a deadline away.
const never = time.Duration(-1 << 63)

// Header returns the header map that WriteHeader sends.
func (w *writer) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader begins the response, or sends an informational one (RFC 9110 section 15.2).
func (w *writer) WriteHeader(code int) {
	x := w.x
	switch {
	case x.hijacked():
		x.srv.logf("server: WriteHeader on hijacked connection")
		return
	case w.wrote:
		x.srv.logf("server: superfluous WriteHeader(%d)", code)
		return
	case code < 100 || code > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %v", code))
	}
	if code == http.StatusSwitchingProtocols && x.h2 != nil {
		// RFC 9113 section 8.6: "HTTP/2 removes support for the 101 (Switching Protocols) informational status code".
		x.srv.logf("server: WriteHeader(101) on HTTP/2")
		return
	}
	if code < 200 && code != http.StatusSwitchingProtocols {
		x.g.mu.Lock()
		defer x.g.mu.Unlock()
		if code == http.StatusContinue {
			x.expect, x.continued = false, true
		}
		// RFC 9110 section 15.2-1: a server MUST NOT send a 1xx response to an HTTP/1.0 client.
		if x.minor == 0 {
			return
		}
		x.informational(code, w.header)
		x.g.push(x.outClear)
		return
	}
	w.wrote = true
	w.status = code
	x.g.mu.Lock()
	x.expect = false
	x.g.mu.Unlock()
	if cl := first(w.header, "Content-Length"); cl != "" {
		v, err := strconv.ParseInt(cl, 10, 64)
		if err == nil && v >= 0 {
			w.length = v
		} else {
			x.srv.logf("server: invalid Content-Length of %q", cl)
			w.header.Del("Content-Length")
		}
	}
	w.snapshot()
}

// first returns the first value of a field, without canonicalizing the name.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// snapshot freezes the header: what the handler changes after WriteHeader has no effect, but for trailers.
func (w *writer) snapshot() {
	ob := w.x.ob
	ob.snap = ob.snap[:0]
	for k, vs := range w.header {
		for _, v := range vs {
			ob.snap = append(ob.snap, codec.Field{Name: viewOf(k), Value: viewOf(v)})
		}
		if len(vs) == 0 && (k == "Date" || k == "Content-Type" || k == "Connection") {
			// A key without values suppresses the field that would be added.
			ob.snap = append(ob.snap, codec.Field{Name: viewOf(k), Sensitive: true})
		}
	}
}

// informational queues a 1xx response. mu is held.
func (x *exchange) informational(code int, h http.Header) {
	if x.committed || x.dead != nil || x.taken || x.ob == nil {
		return
	}
	if x.h2 != nil {
		x.h2.inform(code, h)
		return
	}
	fields := x.ob.fields[:0]
	for k, vs := range h {
		if k == "Content-Length" || k == "Transfer-Encoding" || !http1.IsToken(viewOf(k)) || ownName(k) {
			continue
		}
		for _, v := range vs {
			fields = append(fields, codec.Field{Name: viewOf(k), Value: cleanValue(viewOf(v))})
		}
	}
	if out, err := x.enc.AppendInformational(x.ob.out, code, fields); err == nil {
		x.ob.out = out
	}
	x.ob.fields = fields[:0]
}

// ownName reports whether the encoder writes the field itself.
func ownName(k string) bool { return k == "Connection" || k == "Upgrade" || k == "Keep-Alive" }

// cleanValue makes a value sendable as net/http does: line breaks become spaces, blanks at the ends go. Other control
// characters become spaces as well (RFC 9110 section 5.5-5).
func cleanValue(v []byte) []byte {
	for i, c := range v {
		if c < 0x20 && c != '\t' || c == 0x7f {
			v = append([]byte(nil), v...)
			for j := i; j < len(v); j++ {
				if v[j] < 0x20 && v[j] != '\t' || v[j] == 0x7f {
					v[j] = ' '
				}
			}
			break
		}
	}
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}

// Write sends content.
func (w *writer) Write(p []byte) (int, error) { return w.write(p) }

// WriteString sends content.
func (w *writer) WriteString(s string) (int, error) { return w.write(viewOf(s)) }

func (w *writer) write(p []byte) (int, error) {
	x := w.x
	if x.hijacked() {
		return 0, http.ErrHijacked
	}
	if w.ended {
		return 0, ErrAnswered
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.length != -1 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	ob := x.ob
	if len(ob.body)+len(p) <= bufferBefore {
		ob.body = append(ob.body, p...)
		return len(p), nil
	}
	if err := w.send(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom sends all of r.
func (w *writer) ReadFrom(r io.Reader) (n int64, err error) {
	b := getIn()
	defer inPool.Put(b)
	if cap(b.b) < 32<<10 {
		b.b = make([]byte, 0, 32<<10)
	}
	buf := b.b[:32<<10]
	for {
		k, rerr := r.Read(buf)
		if k > 0 {
			m, werr := w.write(buf[:k])
			n += int64(m)
			if werr != nil {
				return n, werr
			}
		}
		if rerr == io.EOF {
			return n, nil
		}
		if rerr != nil {
			return n, rerr
		}
	}
}

// Flush sends what is buffered.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError sends what is buffered, and tells if that is not possible any more.
func (w *writer) FlushError() error {
	x := w.x
	if x.hijacked() {
		return http.ErrHijacked
	}
	if w.ended {
		return ErrAnswered
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if err := w.send(nil, false); err != nil {
		return err
	}
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	x.g.push(x.outClear)
	if x.dead != nil || x.taken {
		return x.deadErr()
	}
	return nil
}

const (
	lendMin = 64 << 10 // writes from here on go by reference
	wakeMin = 16 << 10 // encoded bytes that are worth waking the machine
)

// send encodes the buffered content and p behind it, after the head if that is not sent yet. Whoever calls it with done set makes it the end
// of the response.
func (w *writer) send(p []byte, done bool) error {
	x, ob := w.x, w.x.ob
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	if x.dead != nil || x.taken {
		return x.deadErr()
	}
	if !x.committed {
		if err := w.commit(p, done); err != nil {
			return err
		}
	}
	if n := len(ob.body) + len(p); n > 0 && !x.isHead && bodyAllowed(w.status) {
		if x.pending() >= highWater {
			x.wake()
			x.g.wait(x.outRoom)
			if x.dead != nil || x.taken {
				return x.deadErr()
			}
		}
		if x.h2 == nil {
			var err error
			if ob.out, err = x.enc.AppendBodyHead(ob.out, n); err != nil {
				return err
			}
		}
		ob.out = append(ob.out, ob.body...)
		ob.body = ob.body[:0]
		if len(p) >= lendMin {
			x.payload = p
			x.wake()
			x.g.wait(x.outClear)
			if x.dead != nil || x.taken {
				x.payload = nil
				return x.deadErr()
			}
		} else {
			ob.out = append(ob.out, p...)
			if x.pending() >= wakeMin && !done {
				x.wake()
			}
		}
	}
	ob.body = ob.body[:0]
	if done {
		w.end()
	}
	return nil
}

// wake has the machine look, once for any number of writes. mu is held.
func (x *exchange) wake() {
	if x.woken {
		return
	}
	x.woken = true
	x.g.mu.Unlock()
	x.link.Wake()
	x.g.mu.Lock()
}

// end ends the message. mu is held.
func (w *writer) end() {
	x, ob := w.x, w.x.ob
	if x.h2 != nil {
		w.endH2()
		return
	}
	var err error
	if ob.out, err = x.enc.AppendEnd(ob.out, w.trailers()); err != nil {
		if x.enc.Poisoned() {
			// RFC 9112 section 8-4: a message shorter than its Content-Length is incomplete, and the close says so.
			x.closeConn = true
		} else if ob.out, err = x.enc.AppendEnd(ob.out, nil); err != nil {
			x.closeConn = true
		}
	}
	x.done = true
}

// trailers returns the trailer section to send: declared ones and those with http.TrailerPrefix.
func (w *writer) trailers() []codec.Field {
	if !w.chunked {
		return nil
	}
	fields := w.x.ob.fields[:0]
	for _, f := range w.x.ob.snap {
		if string(f.Name) != "Trailer" {
			continue
		}
		for name := range strings.SplitSeq(string(f.Value), ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			fields = trailerField(fields, name, w.header[name])
		}
	}
	for k, vs := range w.header {
		if name, ok := strings.CutPrefix(k, http.TrailerPrefix); ok {
			fields = trailerField(fields, name, vs)
		}
	}
	w.x.ob.fields = fields
	return fields
}

func trailerField(dst []codec.Field, name string, vs []string) []codec.Field {
	// RFC 9110 section 6.5.1-2: framing, routing and authentication fields must not be trailers.
	if !http1.IsToken(viewOf(name)) || !http1.TrailerAllowed(viewOf(name)) {
		return dst
	}
	for _, v := range vs {
		dst = append(dst, codec.Field{Name: viewOf(name), Value: cleanValue(viewOf(v))})
	}
	return dst
}

// finish completes the response after the handler returned.
func (w *writer) finish() {
	x := w.x
	if x.hijacked() || w.ended {
		return
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if err := w.send(nil, true); err != nil {
		x.g.mu.Lock()
		x.closeConn, x.done = true, true
		x.g.mu.Unlock()
	}
	w.ended = true
	if x.info != nil && !x.isTaken() {
		x.info.Status, x.info.Bytes = w.status, w.written
	}
}

func (x *exchange) isTaken() bool {
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return x.taken
}

func (x *exchange) hijacked() bool {
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return x.hijack != nil || x.next != nil
}

// reset forgets an unsent response.
func (w *writer) reset() {
	w.header, w.status, w.length, w.written, w.wrote, w.ended = nil, 0, -1, 0, false, false
	w.x.ob.body, w.x.ob.snap = w.x.ob.body[:0], w.x.ob.snap[:0]
}

// fixed answers with the fixed text of a status.
func (w *writer) fixed(status int) {
	w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
	w.WriteHeader(status)
	_, _ = w.WriteString(errorBody(status, ""))
}

// bodyAllowed reports whether a response with that status has content (RFC 9110 section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
