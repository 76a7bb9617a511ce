package server

import (
	"crypto/tls"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// Server makes one machine per connection. It is a drivers.Service, safe for any number of drivers at the same time.
type Server struct {
	cfg     Config
	d       Deadlines // resolved: 0 means none
	keep    Keepalive // likewise
	aged    atomic.Uint64
	handler http.Handler
	native  NativeHandler
	profile *http1.Profile
	h2      *http2.Profile // nil: HTTP/1.1 only
	only2   bool
	// h2Stream is the receive window of a stream.
	h2Stream   uint32
	upgradeH2C bool
	retry      string

	maxRequests  uint32
	maxPipelined uint32
	drainBody    int64
	maxInFlight  int64
	hooked       bool // any of OnReceive, OnReply

	conns    atomic.Uint64 // IDs given out
	inFlight atomic.Int64
	std      *http.Server // what http.ServerContextKey yields
}

// TLSLink is implemented by a drivers.Link of a driver that speaks TLS. What it returns becomes Request.TLS; nil on a plain
// connection.
type TLSLink interface{ ConnectionState() *tls.ConnectionState }

var _ drivers.Service = (*Server)(nil)

// New returns a server for cfg, or what Validate finds wrong with it. cfg is copied.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, d: cfg.Deadlines.withDefaults(), keep: cfg.Keepalive.withDefaults(), handler: cfg.Handler, native: cfg.Native, profile: cfg.HTTP1.Profile()}
	if len(cfg.TrustedProxies) > 0 {
		s.handler = RealIP(cfg.TrustedProxies)(cfg.Handler)
	}
	if s.handler == nil {
		s.handler = http.NotFoundHandler()
	}
	s.maxRequests = uint32(min(pick(cfg.MaxRequestsPerConn, 0), math.MaxInt32))
	s.maxPipelined = uint32(min(pick(cfg.MaxPipelined, DefaultMaxPipelined), math.MaxInt32))
	if s.maxPipelined == 0 {
		s.maxPipelined = math.MaxUint32
	}
	s.drainBody = pick(cfg.DrainBody, DefaultDrainBody)
	s.maxInFlight = int64(pick(cfg.MaxInFlight, 0))
	if r := pick(cfg.RetryAfter, DefaultRetryAfter); r > 0 {
		s.retry = strconv.FormatInt(int64((r+time.Second-1)/time.Second), 10)
	}
	if !cfg.DisableHTTP2 {
		h2 := cfg.HTTP2
		if h2.Window.Stream == 0 {
			h2.Window.Stream = DefaultStreamWindow
		}
		if h2.Window.Conn == 0 {
			h2.Window.Conn = max(DefaultConnWindow, h2.Window.Stream)
		}
		s.h2, s.h2Stream = h2.Profile(), h2.Window.Stream
		s.upgradeH2C, s.only2 = cfg.UpgradeH2C, cfg.DisableHTTP1
	}
	h := &cfg.Hooks
	s.hooked = len(h.OnReceive)+len(h.OnReply) > 0
	s.std = &http.Server{Handler: s.handler}
	return s, nil
}

// InFlight returns the requests being handled now by http.Handlers or by native handlers that answer later.
func (s *Server) InFlight() int { return int(s.inFlight.Load()) }

// acquire counts one request in flight; false means shed it.
func (s *Server) acquire() bool {
	if n := s.inFlight.Add(1); s.maxInFlight > 0 && n > s.maxInFlight {
		s.inFlight.Add(-1)
		return false
	}
	return true
}

func (s *Server) release() { s.inFlight.Add(-1) }

// local is what one worker lends to the machines it runs: everything that a waiting connection does not need.
type local struct {
	ev     http1.Event // the request head
	body   http1.Event // body pieces, so that head views survive
	ctx    Ctx
	head   http1.ResponseHead
	fields []codec.Field
	dates  http1.DateCache
	buf    []byte // scratch
	free   []*native
	conns  []*conn // machines of connections that were switched
	h2     http2.Event
	h2free []*h2stream
	names  []byte // field names in lower case
	num    []byte
}

// date returns the 29 bytes of the Date value; they stay valid until the next call.
func (l *local) date(unix int64) []byte { return l.dates.Bytes(unix) }

// NewLocal returns one worker's scratch space.
func (s *Server) NewLocal() any { return new(local) }

// Accept returns the machine of a new connection.
func (s *Server) Accept(t *drivers.Turn, l drivers.Link) drivers.Machine {
	if tl, ok := l.(TLSLink); ok && s.h2 != nil {
		// RFC 9113 section 3.2: the protocol identifier "h2" in ALPN chooses HTTP/2 over TLS.
		if st := tl.ConnectionState(); st != nil && st.NegotiatedProtocol == "h2" {
			return s.newH2(t, l, s.greet(l))
		}
	}
	if s.only2 {
		return s.newH2(t, l, s.greet(l))
	}
	c := t.Local.(*local).newConn()
	c.srv, c.link = s, l
	c.dec.InitRequest(s.profile)
	if s.d.FirstByte > 0 {
		c.start = t.Now
		c.deadline = t.Now.Add(s.d.FirstByte)
	}
	c.id = s.greet(l)
	c.settle(t)
	return c
}

// greet numbers a new connection and tells the hooks, if anybody wants to know.
func (s *Server) greet(l drivers.Link) (id uint64) {
	h := &s.cfg.Hooks
	if len(h.OnConnect)+len(h.OnDisconnect)+len(h.OnError) == 0 && !s.hooked {
		return 0
	}
	id = s.conns.Add(1)
	if len(h.OnConnect) > 0 {
		info := ConnInfo{ID: id, Local: l.LocalAddr(), Remote: l.RemoteAddr()}
		for _, f := range h.OnConnect {
			f(info)
		}
	}
	return id
}
