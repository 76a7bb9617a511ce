package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
)

// Protocols chooses which protocols a Transport speaks.
type Protocols uint8

const (
	// HTTP1 is HTTP/1.1, over TCP and over TLS.
	HTTP1 Protocols = 1 << iota
	// HTTP2 is HTTP/2 over TLS, chosen by ALPN.
	HTTP2
	// H2C is HTTP/2 over TCP by prior knowledge (RFC 9113 section 3.3): for http URLs it is used instead of HTTP/1.1.
	H2C
)

// Defaults of Transport.
const (
	DefaultDialTimeout           = 30 * time.Second
	DefaultTLSTimeout            = 10 * time.Second
	DefaultIdleTimeout           = 90 * time.Second
	DefaultExpectContinueTimeout = time.Second
	DefaultMaxIdlePerHost        = 8
	DefaultMaxIdle               = 64
	DefaultMaxDecompressed       = 16 << 20
)

// DefaultUserAgent is sent if a request has no User-Agent field.
const DefaultUserAgent = "purewire"

// Transport is an http.RoundTripper. Its zero value is ready to use. Its fields must not change after the first use; it is safe
// for any number of goroutines. Of all numbers and durations zero is the default and a negative value means none.
type Transport struct {
	// Protocols: default HTTP1|HTTP2.
	Protocols Protocols
	// TLS is the configuration for https, and for https proxies, whose names and protocols are their own. Nil: crypto/tls's defaults.
	// ServerName and NextProtos are filled in if empty.
	TLS *tls.Config
	// Dial opens connections. Nil: net.Dialer with DialTimeout.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Proxy returns the proxy for a request, nil for none. Nil: ProxyFromEnvironment. NoProxy never returns one.
	Proxy func(*http.Request) (*url.URL, error)

	// Wrap, if not nil, is given each connection once it is established and secured, before the first request, with the protocol
	// that it will speak ("http/1.1" or "h2"). What it returns is used instead: to log or count the bytes, for example.
	Wrap func(nc net.Conn, protocol string) net.Conn

	// DialTimeout bounds the connection to the server or the proxy. Default 30 s.
	DialTimeout time.Duration
	// TLSTimeout bounds the TLS handshake. Default 10 s.
	TLSTimeout time.Duration
	// ResponseHeaderTimeout runs from the end of the request until the response head is here. Default none: use the context,
	// or http.Client.Timeout.
	ResponseHeaderTimeout time.Duration
	// ExpectContinueTimeout is how long a request with Expect: 100-continue waits before it sends its body unasked. Default 1 s.
	// Negative: at once.
	ExpectContinueTimeout time.Duration
	// IdleTimeout closes connections that nobody used for so long. Default 90 s.
	IdleTimeout time.Duration
	// Keepalive is for HTTP/2 connections. Default none.
	Keepalive Keepalive
	// MaxIdlePerHost and MaxIdle bound the idle HTTP/1.1 connections that are kept. Default 8 and 64. Negative: none are kept.
	MaxIdlePerHost, MaxIdle int

	// DisableCompression: do not ask for gzip. Otherwise a response in gzip that the caller did not ask for himself is
	// decompressed, and Response.Uncompressed tells so.
	DisableCompression bool
	// MaxDecompressed bounds such a response in bytes: reading beyond fails with ErrTooBig. Default 16 MiB.
	MaxDecompressed int64
	// UserAgent is sent if a request has none. Default DefaultUserAgent, "-": none is sent.
	UserAgent string

	// HTTP1Limits and HTTP2Config bound what servers may send.
	HTTP1Limits http1.Limits
	HTTP2Config http2.Config

	once sync.Once
	set  *settings
	pool pool
}

// settings are a Transport's, resolved.
type settings struct {
	protocols   Protocols
	prof1       *http1.Profile
	prof2       *http2.Profile
	dialTimeout time.Duration
	tlsTimeout  time.Duration
	idle        time.Duration
	expect      time.Duration
	perHost     int
	maxIdle     int
	maxInflate  int64
	agent       string
	keep        *keepSettings
}

var _ http.RoundTripper = (*Transport)(nil)

func pick[T int | int64 | time.Duration](v, def T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 0
	}
	return v
}

func (tr *Transport) init() *settings {
	tr.once.Do(func() {
		s := &settings{
			protocols: tr.Protocols, dialTimeout: pick(tr.DialTimeout, DefaultDialTimeout), tlsTimeout: pick(tr.TLSTimeout, DefaultTLSTimeout),
			idle: pick(tr.IdleTimeout, DefaultIdleTimeout), expect: pick(tr.ExpectContinueTimeout, DefaultExpectContinueTimeout),
			perHost: pick(tr.MaxIdlePerHost, DefaultMaxIdlePerHost), maxIdle: pick(tr.MaxIdle, DefaultMaxIdle),
			maxInflate: pick(tr.MaxDecompressed, DefaultMaxDecompressed), agent: tr.UserAgent, keep: tr.Keepalive.settings(),
		}
		if s.protocols == 0 {
			s.protocols = HTTP1 | HTTP2
		}
		if s.agent == "" {
			s.agent = DefaultUserAgent
		}
		s.prof1 = http1.Options{Limits: tr.HTTP1Limits}.Profile()
		h2 := tr.HTTP2Config
		if h2.Window.Stream == 0 {
			h2.Window.Stream = 1 << 20
		}
		if h2.Window.Conn == 0 {
			h2.Window.Conn = 4 << 20
		}
		s.prof2 = h2.Profile()
		tr.set = s
		tr.pool.init(s)
	})
	return tr.set
}

var (
	errScheme = errors.New("client: unsupported URL scheme")
	errHost   = errors.New("client: no host in request URL")
	errNilURL = errors.New("client: nil Request.URL")
)

// RoundTrip sends one request and returns its response; see http.RoundTripper. The request's body is always closed, also on errors,
// possibly after RoundTrip has returned.
func (tr *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := tr.init()
	closeBody := func() {
		if req.Body != nil {
			_ = req.Body.Close()
		}
	}
	switch {
	case req.URL == nil:
		closeBody()
		return nil, errNilURL
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		closeBody()
		return nil, errScheme
	case req.URL.Host == "":
		closeBody()
		return nil, errHost
	}
	stale := 0
	for attempt := 0; ; attempt++ {
		r := req
		if attempt > 0 {
			var err error
			if r, err = rewind(req); err != nil {
				return nil, err
			}
		}
		res, c, err := tr.try(s, r, stale == maxStale)
		if err == nil {
			return tr.finish(s, c, res), nil
		}
		again := c.again(req)
		if again && req.Context().Err() != nil {
			return nil, context.Cause(req.Context())
		}
		if c != nil && c.cancelled() != nil && c.unseen() {
			// What failed first could have been tried again, and was not because the caller gave up: that is the reason.
			return nil, c.cancelled()
		}
		if !again {
			return nil, err
		}
		// RFC 9113 section 8.7: a refused stream can be tried again, but what the server has no room for now it has later only.
		refused := new(ResetError)
		switch {
		case !errors.As(err, &refused):
			if stale == maxStale {
				return nil, err
			}
			stale++
		case attempt >= 6:
			return nil, err
		case attempt > 0:
			select {
			case <-time.After(time.Duration(10<<(2*attempt)) * time.Millisecond / 2):
			case <-req.Context().Done():
				return nil, context.Cause(req.Context())
			}
		}
	}
}

// maxStale is how many pooled connections a request tries. A server that was restarted, or a firewall that forgot, may have ended all of them;
// after so many the request gets a new one.
const maxStale = 3

// outOfTime is the error of a dial, or the context's if that is what ended it: a socket whose deadline is the context's may notice first.
func outOfTime(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if at, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return err
}

// unseen reports whether the server has not seen the request, or nothing came of it.
func (c *call) unseen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.retry || c.lost
}

// again reports whether a failed call may be made once more.
func (c *call) again(req *http.Request) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil || !c.retry && !c.lost {
		return false
	}
	// RFC 9110 section 9.2.2: "A client SHOULD NOT automatically retry a request with a non-idempotent method unless it has
	// some means to know that the request semantics are actually idempotent [...] or some means to detect that the
	// original request was never applied": retry is the latter.
	if !c.retry && !idempotent(req) {
		return false
	}
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// idempotent reports whether sending the request twice is as good as once (RFC 9110 section 9.2.2). As in net/http an Idempotency-Key
// makes any request so.
func idempotent(req *http.Request) bool {
	switch req.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	_, a := req.Header["Idempotency-Key"]
	_, b := req.Header["X-Idempotency-Key"]
	return a || b
}

// rewind returns the request with a fresh body.
func rewind(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	b, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	r := *req
	r.Body = b
	return &r, nil
}

// try makes one attempt, on a new connection if fresh is set. The call is nil if there was none.
func (tr *Transport) try(s *settings, req *http.Request, fresh bool) (*http.Response, *call, error) {
	m, reused, err := tr.conn(s, req, fresh)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, nil, outOfTime(req.Context(), err)
	}
	r := tr.prepare(s, req)
	c := newCall(r)
	c.lost = false
	c.gzip = r != req && r.Header.Get("Accept-Encoding") == "" && !tr.DisableCompression && req.Header.Get("Range") == "" && req.Method != "HEAD"
	c.length = lengthOf(r)
	if c.trace != nil && c.trace.GotConn != nil {
		c.trace.GotConn(httptrace.GotConnInfo{Reused: reused})
	}
	c.expect = c.length != 0 && hasToken(r.Header["Expect"], "100-continue")
	c.mu.Lock()
	c.stop = context.AfterFunc(c.ctx, func() { c.cancel(context.Cause(c.ctx)) })
	c.mu.Unlock()
	if err := m.begin(c); err != nil {
		c.fail(err, true)
	}
	if c.length != 0 {
		go c.send(r.Body)
	} else if r.Body != nil {
		_ = r.Body.Close()
	}
	if c.expect {
		t := time.AfterFunc(s.expect, c.continue100)
		defer t.Stop()
	}
	if tr.ResponseHeaderTimeout > 0 {
		select {
		case <-c.ready:
		case <-c.written:
			t := time.AfterFunc(tr.ResponseHeaderTimeout, func() {
				c.mu.Lock()
				late := !c.settled
				c.mu.Unlock()
				if late {
					c.cancel(ErrHeaderTimeout)
				}
			})
			<-c.ready
			t.Stop()
		}
	}
	<-c.ready
	c.mu.Lock()
	res, err := c.res, c.err
	if err != nil && !reused && !c.retry {
		c.lost = false // a fresh connection that breaks is no stale one
	}
	c.mu.Unlock()
	if err != nil {
		c.untie()
		return nil, c, err
	}
	return res, c, nil
}

// lengthOf is the length of the request's content, -1 if it is not known.
func lengthOf(r *http.Request) int64 {
	if r.Body == nil || r.Body == http.NoBody {
		return 0
	}
	if r.ContentLength > 0 {
		return r.ContentLength
	}
	return -1
}

// prepare returns the request with the fields that Transport adds. The caller's request is not changed.
func (tr *Transport) prepare(s *settings, req *http.Request) *http.Request {
	r := *req
	if r.Method == "" {
		r.Method = "GET"
	}
	r.Header = make(http.Header, len(req.Header)+2)
	for k, v := range req.Header {
		r.Header[k] = v
	}
	if _, ok := req.Header["User-Agent"]; !ok && s.agent != "-" {
		r.Header["User-Agent"] = []string{s.agent}
	} else if len(req.Header["User-Agent"]) > 0 && req.Header["User-Agent"][0] == "" {
		delete(r.Header, "User-Agent")
	}
	if _, ok := r.Header["Authorization"]; !ok && req.URL.User != nil {
		p, _ := req.URL.User.Password()
		r.SetBasicAuth(req.URL.User.Username(), p)
	}
	return &r
}

// finish makes the response what callers expect: decompressed if that was our idea, and with the caller's own request.
func (tr *Transport) finish(s *settings, c *call, res *http.Response) *http.Response {
	if c.gzip && http1.EqualFold(res.Header.Get("Content-Encoding"), "gzip") && res.Body != http.NoBody {
		res.Header.Del("Content-Encoding")
		res.Header.Del("Content-Length")
		res.ContentLength = -1
		res.Uncompressed = true
		res.Body = &inflater{src: res.Body, left: s.maxInflate}
	}
	return res
}

// CloseIdleConnections closes the connections that carry no request.
func (tr *Transport) CloseIdleConnections() {
	tr.init()
	tr.pool.closeIdle()
}

// Close closes all connections; requests under way fail with ErrClosed.
func (tr *Transport) Close() error {
	tr.init()
	tr.pool.close()
	return nil
}

// IdleCount returns how many idle HTTP/1.1 connections are kept.
func (tr *Transport) IdleCount() int {
	tr.init()
	return tr.pool.idleCount()
}

var wroteOK httptrace.WroteRequestInfo

var _ io.Closer = (*Transport)(nil)
