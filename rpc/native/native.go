package native

import (
	"context"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
)

// Func answers a unary call: it appends its reply to dst and returns it. req and dst are lent until it returns, what c gives as
// well. An error becomes the status, see rpc.StatusOf. It must not block.
type Func func(c *Call, req, dst []byte) ([]byte, error)

// Handler is a server.NativeHandler that answers the methods registered with it, and passes everything else on.
type Handler struct {
	srv     *rpc.Server
	cfg     rpc.ServerConfig
	accept  []byte
	methods map[string]method
	short   bool // the short way may be taken
	pool    sync.Pool
}

type method struct {
	path string
	f    Func
}

var _ server.NativeHandler = (*Handler)(nil)

// New returns a Handler for methods of srv, which must be the Config.Handler of the same server, or be reached through it.
func New(srv *rpc.Server) *Handler {
	h := &Handler{srv: srv, cfg: srv.Config(), methods: make(map[string]method)}
	h.short = len(h.cfg.Unary) == 0 && !h.cfg.Compress
	for i, e := range h.cfg.Encodings {
		if i > 0 {
			h.accept = append(h.accept, ',')
		}
		h.accept = append(h.accept, e.Name()...)
	}
	h.pool.New = func() any {
		c := &Call{h: h}
		c.step = c.read
		return c
	}
	return h
}

// Unary registers a method, "/Service/Method", with the Handler and with its rpc.Server. It panics as rpc.Server.Unary does.
func (h *Handler) Unary(path string, f Func) {
	h.srv.Unary(path, func(ctx context.Context, req []byte) ([]byte, error) { return h.long(ctx, path, f, req) })
	h.methods[path] = method{path, f}
}

// long runs a method in a handler of rpc.Server.
func (h *Handler) long(ctx context.Context, path string, f Func, req []byte) ([]byte, error) {
	c := &Call{h: h, m: method{path, f}, stream: rpc.StreamOf(ctx), ctx: ctx}
	reply, err := f(c, req, nil)
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// ServeNative answers the call, or passes it on.
func (h *Handler) ServeNative(x *server.Ctx) {
	m, ok := h.methods[string(x.Target())]
	if !ok || !h.short || x.Major() != 2 {
		x.Pass()
		return
	}
	c := h.pool.Get().(*Call)
	if err := grpc.ParseRequest(x.Method(), x.Target(), x.Fields(), &c.head); err != nil || c.head.Wire != grpc.Plain || len(c.head.Encoding) > 0 || !c.takeMetadata(x.Fields()) {
		c.free()
		x.Pass()
		return
	}
	c.m = m
	c.began = x.Now()
	c.kind = contentType(c.head.Subtype)
	c.dec.Init(h.cfg.MaxReceive, 0)
	c.read(x)
}

func contentType(subtype []byte) string {
	switch string(subtype) {
	case "":
		return "application/grpc"
	case "proto":
		return "application/grpc+proto"
	}
	return "application/grpc+" + string(subtype)
}

// read takes what has come of the message, and answers when it is complete.
func (c *Call) read(x *server.Ctx) {
	for {
		p, state := x.PollBody()
		switch state {
		case server.BodyReady:
			if err := c.take(p); err != nil {
				c.fail(x, err)
				return
			}
		case server.BodyPending:
			x.AwaitBody(c.step)
			return
		case server.BodyEOF:
			c.answer(x)
			return
		default:
			x.Abort()
			c.free()
			return
		}
	}
}

// take decodes a piece of the body: it must hold one message.
func (c *Call) take(p []byte) error {
	for len(p) > 0 {
		n, err := c.dec.Next(p, &c.ev)
		p = p[n:]
		switch {
		case err != nil:
			return err
		case c.ev.Kind != grpc.Message:
			continue
		case c.ev.First && c.whole:
			return errMany
		}
		c.req = append(c.req, c.ev.Data...) // grows with what has come, not with what was declared
		c.whole = c.whole || c.ev.Last
	}
	return nil
}

// answer calls the method.
func (c *Call) answer(x *server.Ctx) {
	err := c.dec.Finish(&c.ev)
	switch {
	case err != nil:
	case !c.whole:
		err = errNone
	case c.head.HasTimeout && x.Now().Sub(c.began) >= c.head.Timeout:
		err = context.DeadlineExceeded
	default:
		err = c.run()
	}
	if err != nil {
		c.fail(x, err)
		return
	}
	c.setHead(x)
	trailers := okTrailers
	if len(c.trailer) > 0 {
		trailers = append(append(c.fields[:0], okTrailers...), c.trailer...)
		c.fields = trailers[:0]
	}
	if x.ReplyTrailers(http.StatusOK, c.kind, c.out, trailers) != nil {
		x.Abort()
	}
	c.free()
}

// run calls the method and contains its panic. c.out is the reply with its prefix.
func (c *Call) run() (err error) {
	defer func() {
		if v := recover(); v != nil {
			if f := c.h.cfg.OnPanic; f != nil {
				f(c.m.path, v, debug.Stack())
			}
			err = errPanic
		}
	}()
	out, err := c.m.f(c, c.req, append(c.out[:0], noPrefix[:]...))
	if err != nil {
		return err
	}
	n := len(out) - grpc.PrefixLen
	switch {
	case n < 0:
		return errShort
	case c.h.cfg.MaxSend > 0 && int64(n) > c.h.cfg.MaxSend:
		return errSendLong
	}
	if _, err = grpc.AppendPrefix(out[:0], false, n); err != nil {
		return err
	}
	c.out = out
	return nil
}

var noPrefix [grpc.PrefixLen]byte

// fail ends the call with a status: "Trailers-Only is permitted for calls that produce an immediate error".
func (c *Call) fail(x *server.Ctx, err error) {
	st := rpc.StatusOf(err)
	c.setHead(x)
	var fields []codec.Field
	fields, c.arena = grpc.AppendStatus(c.fields[:0], c.arena, st.Code, st.Message, st.Details)
	c.fields = append(fields, c.trailer...)
	if len(c.header) == 0 {
		for _, f := range c.fields {
			x.SetField(f.Name, f.Value)
		}
		err = x.Reply(http.StatusOK, c.kind, nil)
	} else {
		err = x.ReplyTrailers(http.StatusOK, c.kind, nil, c.fields)
	}
	if err != nil {
		x.Abort()
	}
	c.free()
}

func (c *Call) setHead(x *server.Ctx) {
	if len(c.h.accept) > 0 {
		x.SetField(nameAccept, c.h.accept)
	}
	for i := range c.header {
		x.SetField(c.header[i].Name, c.header[i].Value)
	}
}

var (
	nameAccept = []byte("grpc-accept-encoding")
	okTrailers = []codec.Field{{Name: []byte("grpc-status"), Value: []byte("0")}}
)

// The statuses that this package makes itself: what package rpc answers in the same place.
var (
	errNone     = &rpc.Error{Code: grpc.Unimplemented, Message: "grpc-Cardinality: no request message"}
	errMany     = &rpc.Error{Code: grpc.Unimplemented, Message: "grpc-Cardinality: more than one request message"}
	errPanic    = &rpc.Error{Code: grpc.Internal, Message: "grpc-Status: the handler failed"}
	errShort    = &rpc.Error{Code: grpc.Internal, Message: "grpc-Status: the handler did not append to what it was given"}
	errSendLong = &rpc.Error{Code: grpc.ResourceExhausted, Message: "grpc-LengthPrefixedMessage: message to be sent is over the limit"}
)
