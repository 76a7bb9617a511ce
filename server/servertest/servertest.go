package servertest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/memlink"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
)

// Protocol is what the clients of a Server speak with it.
type Protocol uint8

const (
	// HTTP1 is HTTP/1.1 in plain text.
	HTTP1 Protocol = iota
	// H2C is HTTP/2 in plain text by prior knowledge (RFC 9113 section 3.3).
	H2C
	// HTTP1TLS is HTTP/1.1 over TLS.
	HTTP1TLS
	// HTTP2 is HTTP/2 over TLS, negotiated by ALPN (RFC 9113 section 3.2).
	HTTP2
)

// String returns the constant's name.
func (p Protocol) String() string {
	names := [...]string{"HTTP1", "H2C", "HTTP1TLS", "HTTP2"}
	if int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("Protocol(%d)", uint8(p))
}

func (p Protocol) secure() bool { return p == HTTP1TLS || p == HTTP2 }

// Host is the host of Server.URL. The domain is reserved for tests (RFC 6761 section 6.2).
const Host = "server.test"

// Options of a Server. The zero value is ready to use.
type Options struct {
	// Protocol is what the clients speak. Over plain text the server understands HTTP/1.1 and HTTP/2 whatever it is.
	Protocol Protocol
	// Config configures the server: deadlines, limits, hooks, a Native handler. Its Handler is replaced by the one that New is given,
	// unless that is nil.
	Config server.Config
	// Driver configures the driver.
	Driver stdnet.Config
	// Link configures the connections: buffers, latency, faults.
	Link memlink.Config
	// TLS is the server's, for HTTP1TLS and HTTP2. Certificates and NextProtos are filled in if empty; the certificate is for Host,
	// example.com and their subdomains, and for 192.0.2.1. Clients trust it and the last of each chain in Certificates.
	TLS *tls.Config
}

// Server is a server in memory with its clients. All its methods are safe from any goroutine.
type Server struct {
	// URL is the server's, without a path: "http://server.test" or "https://server.test".
	URL string
	// HTTP is the server itself.
	HTTP *server.Server
	// Transport is that of Client. Its fields may be changed before the first request.
	Transport *client.Transport
	// Link is where connections come from.
	Link *memlink.Listener

	opts   Options
	client *http.Client
	roots  *x509.CertPool
	driver *stdnet.Server
	served chan struct{}

	mu    sync.Mutex
	quiet sync.Cond
	busy  int               // handlers that have not returned
	std   []*http.Transport // of NetHTTP
}

// New starts a server with h. A nil h leaves Options.Config.Handler. It panics where server.New fails, or stdnet.New panics, about the
// configuration. The Server has to be closed.
func New(h http.Handler, o Options) *Server {
	s := &Server{opts: o, URL: "http://" + Host, served: make(chan struct{})}
	s.quiet.L = &s.mu
	cfg := o.Config
	if h != nil {
		cfg.Handler = h
	}
	if cfg.Handler != nil {
		cfg.Handler = s.count(cfg.Handler)
	}
	var err error
	if s.HTTP, err = server.New(cfg); err != nil {
		panic(err)
	}
	s.driver = stdnet.New(s.HTTP, o.Driver)
	s.Link = memlink.Listen(o.Link)
	var l net.Listener = s.Link
	if o.Protocol.secure() {
		s.URL = "https://" + Host
		l = tls.NewListener(l, s.tlsConfig())
	}
	s.Transport = &client.Transport{Proxy: client.NoProxy, Dial: s.Link.DialContext, TLS: &tls.Config{RootCAs: s.roots}}
	switch o.Protocol {
	case HTTP1, HTTP1TLS:
		s.Transport.Protocols = client.HTTP1
	case H2C:
		s.Transport.Protocols = client.H2C
	case HTTP2:
		s.Transport.Protocols = client.HTTP2
	default:
		panic("servertest: no such protocol: " + o.Protocol.String())
	}
	s.client = &http.Client{Transport: s.Transport}
	go func() {
		defer close(s.served)
		_ = s.driver.Serve(l)
	}()
	return s
}

// Client returns a client of package client whose connections lead to the server, whatever the host of the URL. It is the same at every call, and has no cookies and
// no time limit.
func (s *Server) Client() *http.Client { return s.client }

// NetHTTP returns a new client of net/http for the same server and protocol, to compare.
func (s *Server) NetHTTP() *http.Client {
	p := new(http.Protocols)
	switch s.opts.Protocol {
	case HTTP1, HTTP1TLS:
		p.SetHTTP1(true)
	case H2C:
		p.SetUnencryptedHTTP2(true)
	case HTTP2:
		p.SetHTTP2(true)
	}
	tr := &http.Transport{DialContext: s.Link.DialContext, Protocols: p, TLSClientConfig: &tls.Config{RootCAs: s.roots}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.std = append(s.std, tr)
	return &http.Client{Transport: tr}
}

// DialContext opens a connection to the server without TLS, whatever the Protocol. It ignores network and addr: it fits the hooks for dialers that
// clients have.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return s.Link.DialContext(ctx, network, addr)
}

// Dial opens a connection on which the Protocol can be spoken: with TLS, and its handshake done, where it has that.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	nc, err := s.Link.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return s.secure(ctx, nc)
}

func (s *Server) secure(ctx context.Context, nc net.Conn) (net.Conn, error) {
	if !s.opts.Protocol.secure() {
		return nc, nil
	}
	next := "http/1.1"
	if s.opts.Protocol == HTTP2 {
		next = "h2"
	}
	tc := tls.Client(nc, &tls.Config{RootCAs: s.roots, ServerName: Host, NextProtos: []string{next}})
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return tc, nil
}

// Raw opens a connection, sends the pieces as they are, finishes its direction, and returns everything that the server sends until that
// closes. No read of the server goes across the end of a piece: a request can be cut anywhere. The network's faults (Options.Link.Faults) are left out. If
// the connection ends by anything but the server's regular close, err tells how; out is what came until then.
//
// The server hears that its peer has finished while it still answers. As with net/http that cancels the contexts of requests under way on HTTP/1.1;
// handlers that look at theirs want Dial and an open connection.
func (s *Server) Raw(pieces ...[]byte) (out []byte, err error) {
	ctx := context.Background()
	var cuts memlink.Plan
	end := int64(0)
	if !s.opts.Protocol.secure() { // there every piece is a record, and read as one
		for _, p := range pieces {
			end += int64(len(p))
			cuts.Read = append(cuts.Read, memlink.Fault{At: end, Kind: memlink.Split})
		}
	}
	nc, err := s.Link.DialPlans(ctx, memlink.Plan{}, cuts)
	if err != nil {
		return nil, err
	}
	if nc, err = s.secure(ctx, nc); err != nil {
		return nil, err
	}
	defer nc.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, p := range pieces {
			if _, err := nc.Write(p); err != nil {
				return // the server has closed: what it said first is the answer
			}
		}
		_ = nc.(interface{ CloseWrite() error }).CloseWrite()
	}()
	out, err = io.ReadAll(nc)
	_ = nc.SetWriteDeadline(time.Unix(1, 0))
	<-sent
	return out, err
}

// CloseClientConnections resets all connections; requests under way fail. New ones can be opened.
func (s *Server) CloseClientConnections() { s.Link.Reset() }

func (s *Server) transports() []*http.Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Transport(nil), s.std...)
}

// Shutdown stops accepting, lets requests in flight finish, and closes every connection, those that still live when ctx is done included. It
// reports how that went. Close is still needed.
func (s *Server) Shutdown(ctx context.Context) drivers.Report { return s.driver.Shutdown(ctx) }

// Close closes the server, its connections, those of Dial included, and its clients. Requests under way fail, and their contexts are
// cancelled. It waits until every handler has returned.
func (s *Server) Close() {
	_ = s.Transport.Close()
	_ = s.driver.Close()
	<-s.served
	for _, tr := range s.transports() {
		tr.CloseIdleConnections()
	}
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		s.mu.Lock()
		for s.busy > 0 {
			s.quiet.Wait()
		}
		s.mu.Unlock()
		if s.HTTP.InFlight() == 0 {
			break
		}
		time.Sleep(wait) // a request that was accepted is about to reach its handler, or a native handler answers later
	}
	s.Link.Reset() // what still wants to say goodbye need not wait for a network that is slow
}

// count keeps count of the handlers that have not returned.
func (s *Server) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.busy++
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.busy--
			s.quiet.Broadcast()
		}()
		h.ServeHTTP(w, r)
	})
}
