package websocket

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/stdnet"
)

// Dialer opens client connections. The zero value is ready to use, and Dial uses it. Its fields must not change after the first
// use; it is safe for any number of calls at the same time.
type Dialer struct {
	Options
	// Protocols are the subprotocols to offer, best first.
	Protocols []string
	// Origin is the Origin field, for servers that ask for one. Empty: none is sent.
	Origin string
	// Header is sent as well, for example Authorization or Cookie. Host, and fields of the handshake, cannot be in it.
	Header http.Header
	// Host replaces the Host field, which is the URL's otherwise.
	Host string
	// TLS is used for wss. Nil: the defaults of crypto/tls. ServerName and NextProtos are filled in if empty.
	TLS *tls.Config
	// Timeout bounds the attempt as a whole, beside the context. Default 30 s, negative: none.
	Timeout time.Duration
	// NetDial opens the transport, for proxies and the like. Nil: net.Dialer. It is not asked to do TLS.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Handler gets the messages, as callbacks. Nil: ReadMessage, NextReader or NetConn.
	Handler *Handler
	// Loop, if not nil, carries ws connections without a goroutine: a *reactor.Reactor. wss is not for it.
	Loop Loop
	// RoundTripper, if not nil, carries connections over HTTP/2, as streams of extended CONNECT (RFC 8441) among its other requests: a
	// *client.Transport, for servers that allow it. TLS, NetDial and Loop are not used then.
	RoundTripper http.RoundTripper

	once sync.Once
	set  *settings
	prof *http1.Profile
}

// Loop is a driver that connects by itself, such as *reactor.Reactor.
type Loop interface {
	Dial(ctx context.Context, network, addr string, start func(t *drivers.Turn, l drivers.Link) drivers.Machine) (drivers.Link, error)
}

// DefaultDialTimeout is how long a Dialer tries.
const DefaultDialTimeout = 30 * time.Second

var defaultDialer Dialer

// Dial opens a connection to a ws or wss URL with the zero Dialer: messages are for ReadMessage.
func Dial(ctx context.Context, rawURL string) (*Conn, error) { return defaultDialer.Dial(ctx, rawURL) }

// own is the driver of client connections and of those that were taken from other servers.
var own = sync.OnceValue(func() *stdnet.Server {
	return stdnet.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return nil }), stdnet.Config{})
})

var errScheme = errors.New("websocket: want a URL with scheme ws or wss and a host, without fragment or user")

// Dial connects, sends the handshake and waits for the answer. Redirects are not followed. ctx bounds the attempt only. The error
// is a *DialError if it is not about the arguments.
func (d *Dialer) Dial(ctx context.Context, rawURL string) (*Conn, error) {
	d.once.Do(func() {
		d.set = d.Options.settings()
		d.prof = http1.Options{}.Profile()
	})
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	// RFC 6455 section 3: "ws-URI" and "wss-URI"; "Fragment identifiers are meaningless [...] and MUST NOT be used".
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Hostname() == "" || u.Fragment != "" || u.User != nil {
		return nil, errScheme
	}
	secure := u.Scheme == "wss"
	if secure && d.Loop != nil {
		return nil, fmt.Errorf("websocket: Dialer.Loop does not do TLS")
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if secure {
			port = "443"
		}
	}
	addr := net.JoinHostPort(u.Hostname(), port)
	c := newConn(ws.Client, d.set, d.Handler)
	if d.RoundTripper != nil {
		return d.dialStream(ctx, c, u)
	}
	o, err := d.opening(c, u)
	if err != nil {
		return nil, err
	}
	timeout := d.Timeout
	if timeout == 0 {
		timeout = DefaultDialTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var abort func()
	if d.Loop != nil {
		if _, err := d.Loop.Dial(ctx, "tcp", addr, o.start); err != nil {
			return nil, &DialError{Err: err}
		}
		abort = func() { o.abandon() }
	} else {
		nc, err := d.connect(ctx, addr, secure, u.Hostname())
		if err != nil {
			return nil, &DialError{Err: err}
		}
		go func() { _ = own().ServeMachine(nc, nil, o.start) }()
		abort = func() { _ = nc.Close() }
	}
	select {
	case err = <-o.done:
	case <-ctx.Done():
		abort()
		if err = <-o.done; err == nil { // the answer was quicker
			c.Abort()
		}
		err = &DialError{Err: context.Cause(ctx)}
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// opening makes the machine of the handshake.
func (d *Dialer) opening(c *Conn, u *url.URL) (*opening, error) {
	req := &ws.Opening{
		Host: []byte(u.Host), Target: []byte(u.RequestURI()), Origin: []byte(d.Origin), Protocols: d.Protocols,
		Deflate: d.Deflate, Fields: fieldsOf(d.Header),
	}
	if d.Host != "" {
		req.Host = []byte(d.Host)
	}
	// RFC 6455 section 4.1-15: "The nonce MUST be selected randomly for each connection."
	_, _ = rand.Read(req.Nonce[:])
	return newOpening(c, req, d.prof)
}

// connect opens the transport.
func (d *Dialer) connect(ctx context.Context, addr string, secure bool, host string) (net.Conn, error) {
	dial := d.NetDial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", addr)
	if err != nil || !secure {
		return nc, err
	}
	cfg := d.TLS.Clone()
	if cfg == nil {
		cfg = new(tls.Config)
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	if len(cfg.NextProtos) == 0 {
		cfg.NextProtos = []string{"http/1.1"}
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return tc, nil
}

// abandon drops an attempt on a Loop.
func (o *opening) abandon() {
	if err := o.link.Post(func(*drivers.Turn, error) { o.state = drivers.Abort }); err != nil {
		o.end(err)
	}
}
