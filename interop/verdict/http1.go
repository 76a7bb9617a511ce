package verdict

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"

	core "github.com/purewire/purewire/corpus/verdict"
)

// sentinel is a request that a server sees as one of its own exactly where the input in front of it ends between two
// messages. Servers do not tell how far they have read.
const (
	sentinelTarget = "/purewire-sentinel"
	sentinel       = "GET " + sentinelTarget + " HTTP/1.1\r\nHost: sentinel\r\n\r\n"
)

// served is what a server's handler has seen.
type served struct {
	messages []core.Message
	// err is the first failure to read content.
	err error
	// closing: the last request was the connection's last.
	closing bool
	// rest is the sentinel: the handler has seen it, alone.
	rest bool
}

// judgeServer runs a server on the input, and on the input with a sentinel behind it to tell Accept from More.
func judgeServer(in []byte, run func(in []byte) (served, error)) core.Verdict {
	s, refusal := run(in)
	v := core.Verdict{Messages: s.messages, Left: -1}
	switch {
	case errors.Is(refusal, errLate):
		return core.Verdict{Reason: refusal.Error(), Left: -1}
	case s.err != nil && !cut(s.err):
		v.Outcome, v.Reason = core.Reject, s.err.Error()
	case s.err != nil:
		v.Outcome = core.More
	case refusal != nil:
		v.Outcome, v.Reason = core.Reject, refusal.Error()
	case s.closing:
		v.Outcome = core.Accept
	default:
		v.Outcome = core.More
		if again, err := run(append(bytes.Clone(in), sentinel...)); err == nil && again.rest && len(again.messages) == len(s.messages) {
			v.Outcome = core.Accept
		}
	}
	return v
}

var errLate = errors.New("no answer in time")

// cut tells whether an error says that the input ended too early.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// refused finds the answer of 400 or above that a server gave by itself, the handler giving 204 only.
func refused(out []byte) error {
	i := bytes.Index(out, []byte("HTTP/1.1 4"))
	if i < 0 {
		i = bytes.Index(out, []byte("HTTP/1.1 5"))
	}
	if i < 0 {
		return nil
	}
	head, body, _ := bytes.Cut(out[i+len("HTTP/1.1 "):], []byte("\r\n\r\n"))
	status, _, _ := bytes.Cut(head, []byte("\r\n"))
	text := string(status)
	if b := string(body); strings.HasPrefix(b, text) {
		text = b
	} else if b != "" {
		text += ": " + b
	}
	return errors.New(text)
}

// httpMessage is the message of a request, its content read.
func httpMessage(r *http.Request) (m core.Message, err error) {
	body, err := io.ReadAll(r.Body)
	m = core.Message{Head: r.Method + " " + r.RequestURI, Authority: r.Host, Fields: headerFields(r.Header), Trailers: headerFields(r.Trailer)}
	m.Content(body)
	return m, err
}

func headerFields(h http.Header) []core.Field {
	var list []core.Field
	for name, values := range h {
		for _, v := range values {
			list = append(list, core.Field{Name: name, Value: v})
		}
	}
	return core.Canonical(list)
}

// nethttpServer is http.Server.
func nethttpServer(in *core.Input) core.Verdict {
	return judgeServer(in.Bytes, func(p []byte) (s served, err error) {
		c := newConn()
		c.feed(p)
		c.eof()
		var mu sync.Mutex
		srv := &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if r.RequestURI == sentinelTarget {
				s.rest = r.Host == "sentinel" && len(r.Header) == 0
				w.WriteHeader(204)
				return
			}
			m, err := httpMessage(r)
			if err != nil {
				s.err = err
				return
			}
			s.messages = append(s.messages, m)
			s.closing = r.Close
			w.WriteHeader(204)
		})}
		if !within(func() { srv.Serve(&one{c: c}) }) {
			c.Close()
			return s, errLate
		}
		mu.Lock()
		defer mu.Unlock()
		if s.err != nil {
			return s, nil // an answer of 400 says the same
		}
		return s, refused(c.written())
	})
}

var quiet = log.New(io.Discard, "", 0)

// nethttpRequests is http.ReadRequest, again and again.
func nethttpRequests(in *core.Input) (v core.Verdict) {
	src := bytes.NewReader(in.Bytes)
	br := bufio.NewReader(src)
	left := func() int64 { return int64(src.Len() + br.Buffered()) }
	v.Left = int64(len(in.Bytes))
	for left() > 0 {
		r, err := http.ReadRequest(br)
		var m core.Message
		if err == nil {
			m, err = httpMessage(r)
		}
		if err != nil {
			return failed(v, err)
		}
		v.Messages = append(v.Messages, m)
		v.Left = left()
		if r.Close {
			break
		}
	}
	v.Outcome = core.Accept
	return v
}

// failed is v with an error at its end.
func failed(v core.Verdict, err error) core.Verdict {
	if cut(err) {
		v.Outcome = core.More
		return v
	}
	v.Outcome, v.Reason = core.Reject, err.Error()
	return v
}

// nethttpResponses is http.ReadResponse, again and again. It leaves 1xx responses to its caller, who skips them.
func nethttpResponses(in *core.Input) (v core.Verdict) {
	src := bytes.NewReader(in.Bytes)
	br := bufio.NewReader(src)
	left := func() int64 { return int64(src.Len() + br.Buffered()) }
	v.Left = int64(len(in.Bytes))
	for left() > 0 {
		r, err := http.ReadResponse(br, &http.Request{Method: in.Method})
		if err != nil {
			return failed(v, err)
		}
		if r.StatusCode < 200 && r.StatusCode != 101 {
			continue
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return failed(v, err)
		}
		m := core.Message{Head: fmt.Sprint(r.StatusCode), Fields: headerFields(r.Header), Trailers: headerFields(r.Trailer)}
		m.Content(body)
		v.Messages = append(v.Messages, m)
		v.Left = left()
		if r.Close {
			break
		}
	}
	v.Outcome = core.Accept
	return v
}

// fasthttpServer is fasthttp.Server.
func fasthttpServer(in *core.Input) core.Verdict {
	return judgeServer(in.Bytes, func(p []byte) (s served, err error) {
		c := newConn()
		c.feed(p)
		c.eof()
		var refusal error
		srv := &fasthttp.Server{
			Logger:                       quiet,
			NoDefaultServerHeader:        true,
			NoDefaultDate:                true,
			NoDefaultContentType:         true,
			DisablePreParseMultipartForm: true,
			ErrorHandler: func(ctx *fasthttp.RequestCtx, err error) {
				refusal = err
				ctx.SetStatusCode(400)
			},
			Handler: func(ctx *fasthttp.RequestCtx) {
				ctx.SetStatusCode(204)
				if string(ctx.Request.Header.RequestURI()) == sentinelTarget {
					s.rest = string(ctx.Request.Header.Host()) == "sentinel"
					return
				}
				h := &ctx.Request.Header
				m := core.Message{Head: string(h.Method()) + " " + string(h.RequestURI()), Authority: string(ctx.Host())}
				trailers := map[string]bool{}
				for name := range h.Trailers() {
					trailers[strings.ToLower(string(name))] = true
				}
				var fields, trail []core.Field
				for name, value := range h.All() {
					f := core.Field{Name: string(name), Value: string(value)}
					if trailers[strings.ToLower(f.Name)] {
						trail = append(trail, f)
					} else {
						fields = append(fields, f)
					}
				}
				m.Fields, m.Trailers = core.Canonical(fields), core.Canonical(trail)
				m.Content(ctx.Request.Body())
				s.messages = append(s.messages, m)
				s.closing = h.ConnectionClose()
			},
		}
		if !within(func() { err = srv.ServeConn(c) }) {
			c.Close()
			return s, errLate
		}
		if refusal == nil {
			refusal = err
		}
		if refusal = brief(refusal); refusal == nil || cut(refusal) {
			return s, nil
		}
		return s, refusal
	})
}

// brief is an error of fasthttp without the input that it quotes, and the end of input where it is about that.
func brief(err error) error {
	if err == nil {
		return nil
	}
	text, _, _ := strings.Cut(err.Error(), ": buffer size=")
	if text = strings.TrimPrefix(text, "error when reading request headers: "); strings.HasSuffix(text, io.EOF.Error()) {
		return io.EOF
	}
	return errors.New(text)
}

// fasthttpResponses is fasthttp.Response.Read, again and again.
func fasthttpResponses(in *core.Input) (v core.Verdict) {
	src := bytes.NewReader(in.Bytes)
	br := bufio.NewReader(src)
	left := func() int64 { return int64(src.Len() + br.Buffered()) }
	v.Left = int64(len(in.Bytes))
	for left() > 0 {
		var r fasthttp.Response
		r.SkipBody = in.Method == "HEAD"
		r.Header.SetNoDefaultContentType(true)
		if err := r.Read(br); err != nil {
			return failed(v, brief(err))
		}
		m := core.Message{Head: fmt.Sprint(r.StatusCode())}
		var trailers []string
		for name := range r.Header.Trailers() {
			trailers = append(trailers, string(name))
		}
		var fields, trail []core.Field
		for name, value := range r.Header.All() {
			f := core.Field{Name: string(name), Value: string(value)}
			if slices.Contains(trailers, f.Name) {
				trail = append(trail, f)
			} else {
				fields = append(fields, f)
			}
		}
		m.Fields, m.Trailers = core.Canonical(fields), core.Canonical(trail)
		m.Content(r.Body())
		v.Messages = append(v.Messages, m)
		v.Left = left()
		if r.ConnectionClose() {
			break
		}
	}
	v.Outcome = core.Accept
	return v
}
