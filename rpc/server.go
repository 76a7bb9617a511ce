package rpc

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/grpc"
)

// ServerConfig configures a Server. Its zero value is fine.
type ServerConfig struct {
	// MaxReceive bounds a request message in bytes, as sent and inflated. 0 is 4 MiB, negative none.
	MaxReceive int64
	// MaxSend bounds a response message in bytes before compression. 0 and negative: none (the format allows 4 GiB - 1).
	MaxSend int64
	// Encodings are the message encodings that are understood and used, in the order of preference. nil: Gzip and Deflate;
	// empty: none.
	Encodings []*Encoding
	// Compress has responses compressed in the first of Encodings that the client accepts. Otherwise a response is compressed
	// if the request was, in the same encoding.
	Compress bool
	// Unary and Stream are called around handlers, the first outermost.
	Unary  []UnaryInterceptor
	Stream []StreamInterceptor
	// OnPanic is told of panics in handlers. nil: they are dropped.
	OnPanic func(method string, value any, stack []byte)
}

// UnaryFunc handles a unary call. req is valid until it returns; the reply must not be changed afterwards. StreamOf(ctx) has
// the metadata. An error becomes the status, see StatusOf.
type UnaryFunc func(ctx context.Context, req []byte) (reply []byte, err error)

// StreamFunc handles a streaming call. What it returns is the status, see StatusOf.
type StreamFunc func(s *Stream) error

// UnaryInterceptor is called in place of a unary handler, which is next. method is the path, byte for byte what routing used.
type UnaryInterceptor func(ctx context.Context, method string, req []byte, next UnaryFunc) ([]byte, error)

// StreamInterceptor is called in place of a handler of the three streaming kinds, which is next.
type StreamInterceptor func(s *Stream, next StreamFunc) error

// Server is an http.Handler that answers gRPC and gRPC-Web calls. Methods are registered before it serves.
type Server struct {
	cfg      ServerConfig
	accept   []string // grpc-accept-encoding
	methods  map[string]method
	services map[string]bool
}

type method struct {
	unary  UnaryFunc
	stream StreamFunc
}

// NewServer returns a Server without methods.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Encodings == nil {
		cfg.Encodings = defaultEncodings
	}
	var accept []string
	if names := namesOf(cfg.Encodings); names != "" {
		accept = []string{names}
	}
	return &Server{cfg: cfg, accept: accept, methods: make(map[string]method), services: make(map[string]bool)}
}

// Config returns the configuration, defaults filled in. It must not be changed.
func (s *Server) Config() ServerConfig { return s.cfg }

func (s *Server) add(path string, m method) {
	service, _, ok := grpc.SplitPath([]byte(path))
	if _, dup := s.methods[path]; !ok || dup {
		panic("rpc: " + path + " is not /Service/Method, or is registered already")
	}
	s.services[string(service)] = true
	s.methods[path] = m
}

// Services returns the full names of the services that have a registered method, sorted.
func (s *Server) Services() []string { return slices.Sorted(maps.Keys(s.services)) }

// Unary registers a method: "/Service/Method". It panics on another form, and if the method is registered already, as the
// other three do.
func (s *Server) Unary(path string, h UnaryFunc) {
	for i := len(s.cfg.Unary) - 1; i >= 0; i-- {
		ic, next := s.cfg.Unary[i], h
		h = func(ctx context.Context, req []byte) ([]byte, error) { return ic(ctx, path, req, next) }
	}
	s.add(path, method{unary: h})
}

// Bidi registers a method that receives and sends any number of messages, in any order.
func (s *Server) Bidi(path string, h StreamFunc) {
	for i := len(s.cfg.Stream) - 1; i >= 0; i-- {
		ic, next := s.cfg.Stream[i], h
		h = func(st *Stream) error { return ic(st, next) }
	}
	s.add(path, method{stream: h})
}

// ClientStream registers a method that receives any number of messages and returns one.
func (s *Server) ClientStream(path string, h func(s *Stream) (reply []byte, err error)) {
	s.Bidi(path, func(st *Stream) error {
		reply, err := h(st)
		if err != nil {
			return err
		}
		return st.send(reply, false)
	})
}

// ServerStream registers a method that is given one message, valid until it returns, and sends any number.
func (s *Server) ServerStream(path string, h func(req []byte, s *Stream) error) {
	s.Bidi(path, func(st *Stream) error {
		req, err := st.in.only(rNoRequest, rManyRequest)
		if err != nil {
			return st.cause(err)
		}
		return h(req, st)
	})
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var head grpc.Request
	path := r.RequestURI
	if path == "" && r.URL != nil {
		path = r.URL.EscapedPath()
	}
	// G-02: the path is judged before anybody else sees it, and only the canonical form is routed.
	var room [8]codec.Field
	err := grpc.ParseRequest(viewOf(r.Method), viewOf(path), protocolFields(room[:0], r.Header), &head)
	if grpc.IsContentType(err) {
		// "If Content-Type does not begin with "application/grpc", gRPC servers SHOULD respond with HTTP status of 415
		// (Unsupported Media Type)."
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	if head.Wire == grpc.Plain && r.ProtoMajor < 2 {
		w.WriteHeader(http.StatusHTTPVersionNotSupported)
		return
	}
	ctx := r.Context() // the HTTP server ends it with the stream, and when we return
	if head.HasTimeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, head.Timeout)
		defer cancel()
	}
	st := &Stream{srv: s, w: w, header: r.Header, method: path, wire: head.Wire,
		subtype: string(head.Subtype), acceptEncoding: string(head.AcceptEncoding)}
	st.ctx = context.WithValue(ctx, streamKey{}, st)
	if err == nil {
		err = st.prepare(r, &head)
	}
	var m method
	if err == nil {
		if m = s.methods[path]; m.unary == nil && m.stream == nil {
			err = &Error{Code: grpc.Unimplemented, Message: rNoMethod}
			if !s.services[string(head.Service)] {
				err = &Error{Code: grpc.Unimplemented, Message: rNoService}
			}
		}
	}
	if err == nil {
		if head.HasTimeout {
			release := st.watch()
			err = st.run(m)
			release()
		} else {
			err = st.run(m) // the HTTP server ends reads and writes of a stream that is gone
		}
	}
	st.end(err)
	st.in.release()
}

// run calls the handler.
func (st *Stream) run(m method) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if e, ok := v.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(v) // the handler wants the stream reset
		}
		if f := st.srv.cfg.OnPanic; f != nil {
			f(st.method, v, debug.Stack())
		}
		err = &Error{Code: grpc.Internal, Message: rPanic}
	}()
	if m.stream != nil {
		return m.stream(st)
	}
	req, err := st.in.only(rNoRequest, rManyRequest)
	if err != nil {
		return st.cause(err)
	}
	if err := st.ctx.Err(); err != nil { // the time was up before the message was here
		return err
	}
	reply, err := m.unary(st.ctx, req)
	if err != nil {
		return err
	}
	return st.send(reply, false)
}

// deadlineGrace is how long a response may still leave after the deadline of its call.
const deadlineGrace = time.Second
