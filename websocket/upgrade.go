package websocket

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/server"
)

// Upgrader turns HTTP requests into server connections. Its fields must not change after the first use; one Upgrader serves any
// number of requests at the same time.
//
// It is an http.Handler and a server.NativeHandler by itself, with its Handler; Upgrade and UpgradeNative do the same inside
// of handlers that have more to say.
type Upgrader struct {
	Options
	// Protocols are the subprotocols that the server speaks, best first. The first that the client offers is chosen.
	Protocols []string
	// CheckOrigin decides about requests with an Origin field, which browsers send: without the check, any page on the net
	// could talk to the server with its visitor's cookies (RFC 6455 section 10.2). Nil: the origin's host and port must be
	// the request's own. AnyOrigin allows all.
	CheckOrigin func(origin, host []byte) bool
	// Handler serves the connections of ServeHTTP and ServeNative.
	Handler *Handler

	once sync.Once
	set  *settings
	acc  ws.Acceptor
}

// AnyOrigin is a CheckOrigin for services that do not rely on cookies or on the client's place in the network.
func AnyOrigin(origin, host []byte) bool { return true }

var (
	_ http.Handler         = (*Upgrader)(nil)
	_ server.NativeHandler = (*Upgrader)(nil)
)

func (u *Upgrader) init() {
	u.once.Do(func() {
		u.set = u.Options.settings()
		u.acc = ws.Acceptor{Protocols: u.Protocols, CheckOrigin: u.CheckOrigin, Deflate: u.Deflate}
	})
}

// ServeHTTP upgrades every request, or answers why not.
func (u *Upgrader) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = u.Upgrade(w, r, u.handler())
}

// ServeNative is ServeHTTP for package server's native handlers.
func (u *Upgrader) ServeNative(x *server.Ctx) { _, _ = u.UpgradeNative(x, u.handler()) }

// handler is never nil: a connection that nobody reads must at least be read by the machine.
func (u *Upgrader) handler() *Handler {
	if u.Handler == nil {
		return noHandler
	}
	return u.Handler
}

var noHandler = &Handler{}

// Upgrade answers the request with 101, or an extended CONNECT on HTTP/2 (RFC 8441; package server offers it if
// Config.HTTP2.ExtendedConnect is set) with 200, and returns its connection, or answers why not (400, 403, 405, 426, 505) and returns a
// *ws.HandshakeError or what the server said. Fields that w.Header has are sent along.
//
// With a Handler the connection is served by callbacks, and the http.Handler had better return: it is not needed any more, on
// the reactor it even holds a goroutine. With a nil Handler the messages are for ReadMessage, NextReader or NetConn, inside of
// the http.Handler or outside of it.
//
// On package server the connection stays with its driver. On any other server it is hijacked, and served by package stdnet on a
// goroutine of its own.
func (u *Upgrader) Upgrade(w http.ResponseWriter, r *http.Request, h *Handler) (*Conn, error) {
	u.init()
	extended := len(r.Header[":protocol"]) == 1 && r.Header[":protocol"][0] == "websocket"
	if r.ProtoMajor != 1 && !extended {
		// RFC 9113 section 8.6: HTTP/2 "removes support for the 101 (Switching Protocols) informational status code".
		http.Error(w, "WebSocket needs HTTP/1.1 here", http.StatusHTTPVersionNotSupported)
		return nil, ErrProtocol
	}
	var hs ws.Handshake
	q := ws.Request{Method: []byte(r.Method), Minor: uint8(r.ProtoMinor), Host: []byte(r.Host), Fields: fieldsOf(r.Header)}
	if r.ProtoMajor != 1 {
		// RFC 8441 section 5: HTTP/2 has no Upgrade; WebSocket comes as an extended CONNECT.
		q.Minor, q.Extended = 1, true
	}
	if err := u.acc.Check(&q, &hs); err != nil {
		reject(w, err)
		return nil, err
	}
	c := newConn(ws.Server, u.set, h)
	c.agreed(&hs)
	sw := server.SwitcherOf(w)
	if sw == nil {
		if err := c.hijack(w, &hs); err != nil {
			http.Error(w, "cannot upgrade", http.StatusInternalServerError)
			return nil, err
		}
		return c, nil
	}
	for _, f := range hs.AppendFields(nil) {
		w.Header()[string(f.Name)] = []string{string(f.Value)}
	}
	l, err := sw.Switch("websocket", c.attach)
	if err != nil {
		if errors.Is(err, server.ErrSwitch) {
			http.Error(w, "400 Bad Request", http.StatusBadRequest)
		}
		return nil, err
	}
	if h != nil {
		go l.Watch() // should the http.Handler stay, somebody has to read; OnOpen may be running, and Upgrade does not wait for it
	}
	c.mu.Lock()
	c.link = l
	c.mu.Unlock()
	return c, nil
}

// UpgradeNative is Upgrade for package server's native handlers. The connection costs no goroutine and no http.Request. With a
// nil Handler, only other goroutines may read from it. Fields set with Ctx.SetField are sent along.
func (u *Upgrader) UpgradeNative(x *server.Ctx, h *Handler) (*Conn, error) {
	u.init()
	s := shakes.Get().(*shake)
	defer s.free()
	hs := &s.hs
	q := ws.Request{Method: x.Method(), Minor: x.Minor(), Host: x.Authority(), Fields: x.Fields()}
	if x.Major() != 1 {
		q.Minor, q.Extended = 1, string(x.Protocol()) == "websocket"
		if !q.Extended {
			_ = x.Error(http.StatusHTTPVersionNotSupported)
			return nil, ErrProtocol
		}
	}
	if err := u.acc.Check(&q, hs); err != nil {
		rejectNative(x, err)
		return nil, err
	}
	c := newConn(ws.Server, u.set, h)
	c.agreed(hs)
	s.fields = hs.AppendFields(s.fields[:0])
	for _, f := range s.fields {
		x.SetField(f.Name, f.Value)
	}
	if err := x.Switch(upgradeName, c.attach); err != nil {
		if errors.Is(err, server.ErrSwitch) {
			_ = x.Error(http.StatusBadRequest)
		}
		return nil, err
	}
	return c, nil
}

// shake is what a native upgrade needs for a moment: ten thousand connections that were opened in one go would leave as many
// behind for the garbage collector.
type shake struct {
	hs     ws.Handshake
	fields []codec.Field
}

var shakes = sync.Pool{New: func() any { return new(shake) }}

func (s *shake) free() {
	s.hs = ws.Handshake{}
	clear(s.fields)
	shakes.Put(s)
}

var upgradeName = []byte("websocket")

// reject answers a request whose handshake failed.
func reject(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var e *ws.HandshakeError
	if errors.As(err, &e) {
		status = e.Status
	}
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodGet)
	case http.StatusUpgradeRequired:
		// RFC 6455 section 4.2.2: the answer names "the version(s) the server is capable of understanding"; RFC 9110 section
		// 15.5.22-3: "The server MUST send an Upgrade header field in a 426 response".
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	http.Error(w, http.StatusText(status), status)
}

func rejectNative(x *server.Ctx, err error) {
	status := http.StatusBadRequest
	var e *ws.HandshakeError
	if errors.As(err, &e) {
		status = e.Status
	}
	switch status {
	case http.StatusMethodNotAllowed:
		x.SetField([]byte("Allow"), []byte("GET"))
	case http.StatusUpgradeRequired:
		x.SetField([]byte("Upgrade"), upgradeName).SetField([]byte("Sec-WebSocket-Version"), []byte("13"))
	}
	_ = x.Error(status)
}

// fieldsOf is a header map as a list.
func fieldsOf(h http.Header) []codec.Field {
	fields := make([]codec.Field, 0, len(h)+4)
	for name, values := range h {
		for _, v := range values {
			fields = append(fields, codec.Field{Name: []byte(name), Value: []byte(v)})
		}
	}
	return fields
}

// hijack takes the connection away from a server that is not ours, and has package stdnet serve it.
func (c *Conn) hijack(w http.ResponseWriter, hs *ws.Handshake) error {
	var extra []codec.Field
	for _, f := range fieldsOf(w.Header()) {
		switch string(f.Name) {
		case "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Keep-Alive":
		default:
			extra = append(extra, f)
		}
	}
	head, err := hs.AppendAccept(nil, extra)
	if err != nil {
		return err
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	_ = nc.SetDeadline(time.Time{})
	early, _ := rw.Reader.Peek(rw.Reader.Buffered())
	early = append([]byte(nil), early...) // the bufio.Reader may be the server's, for somebody else soon
	dst, b := c.room(len(head))
	c.keep(append(dst, head...), b)
	go func() { _ = own().ServeMachine(nc, early, c.attach) }()
	return nil
}
