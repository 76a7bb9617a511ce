package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
)

// Config configures a Server. The zero value of every number and duration is its default, a negative one means none.
type Config struct {
	// Handler answers requests with net/http's contract. It may block. With a nil Handler and a nil Native every request
	// is answered 404.
	Handler http.Handler
	// Native is asked first, on the connection's owner. It must not block.
	Native NativeHandler

	// HTTP1 holds the limits and leniencies of the HTTP/1.1 decoder. Its Body limit defaults to none.
	HTTP1 http1.Options

	// HTTP2 holds the limits and windows of HTTP/2. Its windows default to DefaultStreamWindow and DefaultConnWindow.
	HTTP2 http2.Config
	// DisableHTTP2 leaves HTTP/1.1 alone. Otherwise a connection speaks HTTP/2 if TLS has negotiated it, or if it begins with
	// the client preface (h2c by prior knowledge, RFC 9113 section 3.3).
	DisableHTTP2 bool
	// DisableHTTP1 leaves HTTP/2 alone: every connection must begin with the client preface, as behind a proxy that speaks nothing
	// else. Anything else is a connection error (RFC 9113 section 3.4), without an answer in HTTP/1.1.
	DisableHTTP1 bool
	// UpgradeH2C accepts Upgrade: h2c in HTTP/1.1 requests without content (RFC 7540 section 3.2). RFC 9113 has dropped it and no
	// browser ever had it; old clients (nghttp, curl --http2) ask for it. Default false: the field is ignored.
	UpgradeH2C bool

	// Deadlines bounds how long a peer or a handler may take.
	Deadlines Deadlines
	// Keepalive is for HTTP/2 connections.
	Keepalive Keepalive

	// MaxRequestsPerConn closes a connection after that many requests. Default: none.
	MaxRequestsPerConn int
	// DrainBody is how many bytes of an unread request body are read and dropped to keep the connection; above it the
	// connection is closed (RFC 9112 section 9.3). Default 256 KiB. Negative: never drain, always close.
	DrainBody int64
	// MaxPipelined bounds the finished answers that wait for a peer that does not read; parsing stops there.
	// Default 64.
	MaxPipelined int
	// MaxInFlight bounds the requests of all connections that are being handled at the same time by http.Handlers or by native
	// handlers that answer later. Above it requests are shed with 503. A handler that was too slow, so that its request was
	// answered without it, counts until it returns; one that took its connection over does not count. Default: none.
	MaxInFlight int
	// RetryAfter is the Retry-After of a shed request, rounded up to seconds. Default 1 s. Negative: no such field.
	RetryAfter time.Duration

	// ExposeErrors adds the reason to error bodies: the clause of the RFC that a request violated, or the text of an
	// error that a HandlerE returned. Default false: error bodies are fixed texts. Nothing of the request is
	// ever repeated either way.
	ExposeErrors bool
	// TrustedProxies wraps Handler in RealIP when it is not empty.
	TrustedProxies []netip.Prefix

	// Hooks observe connections and requests.
	Hooks Hooks
	// ErrorLog receives what net/http would write to its log: panics, misuse of ResponseWriter. nil: dropped. It is called
	// from any goroutine.
	ErrorLog func(format string, args ...any)
}

// Deadlines bounds how long things may take. Zero is the default, negative is none.
type Deadlines struct {
	// FirstByte runs from the accept of a connection to the first byte of its first request. Default 10 s. Expired:
	// closed silently.
	FirstByte time.Duration
	// Head runs from the first byte of a request head to its end; single bytes do not extend it. Default 10 s.
	// Expired: 408.
	Head time.Duration
	// BodyIdle bounds the time without a byte while a request body is awaited. Default 30 s. Expired: reading the body
	// fails with ErrTimeout; 408 if nothing was answered.
	BodyIdle time.Duration
	// BodyMinRate is the lowest average rate of a request body in bytes per second, after BodyGrace. Default 240.
	BodyMinRate int
	// BodyGrace is the time at the start of a body during which BodyMinRate is not asked for. Default 5 s.
	BodyGrace time.Duration
	// Handler runs from the start of a handler until it has begun its response. Default 30 s. Expired: the
	// request's context is cancelled with ErrTimeout, the answer is 503, and the connection closes.
	Handler time.Duration
	// Request runs from the first byte of a request until its response has begun: reading and handling together. Default
	// 60 s. It must not be shorter than Handler. Expired: as Handler.
	Request time.Duration
	// Idle bounds the time between requests. Default 60 s. Expired: closed silently.
	Idle time.Duration
	// Write bounds the time from the end of a request head until its response was handed to the kernel, as
	// http.Server.WriteTimeout. Default none, since drivers have a guard against peers that stop reading (WriteStall). Expired: the
	// connection is dropped. For HTTP/1.1 only: HTTP/2 has HTTP2.Limits.StallTimeout.
	Write time.Duration
}

// Defaults of Config and Deadlines.
const (
	DefaultFirstByte    = 10 * time.Second
	DefaultHead         = 10 * time.Second
	DefaultBodyIdle     = 30 * time.Second
	DefaultBodyMinRate  = 240
	DefaultBodyGrace    = 5 * time.Second
	DefaultHandler      = 30 * time.Second
	DefaultRequest      = 60 * time.Second
	DefaultIdle         = 60 * time.Second
	DefaultDrainBody    = 256 << 10
	DefaultMaxPipelined = 64
	DefaultRetryAfter   = time.Second
	// DefaultStreamWindow and DefaultConnWindow are the receive windows of HTTP/2 in bytes: what a client may send ahead of
	// its handlers, on one stream and on all of a connection.
	DefaultStreamWindow = 256 << 10
	DefaultConnWindow   = 1 << 20
)

// BladeDefaults returns the deadlines of the Blade preset: 2000 ms to read a request, 2000 ms to write its response; on
// expiry the client is dropped.
func BladeDefaults() Deadlines {
	const t = 2000 * time.Millisecond
	return Deadlines{FirstByte: t, Head: t, BodyIdle: t, Idle: t, Write: t}
}

// Validate reports settings that contradict each other, all of them joined. New calls it.
func (c *Config) Validate() error {
	var errs []error
	d := c.Deadlines.withDefaults()
	if d.Request > 0 && d.Handler > d.Request {
		errs = append(errs, fmt.Errorf("server: Deadlines.Request (%v) is shorter than Deadlines.Handler (%v)", d.Request, d.Handler))
	}
	if d.Request > 0 && d.Head > d.Request {
		errs = append(errs, fmt.Errorf("server: Deadlines.Request (%v) is shorter than Deadlines.Head (%v)", d.Request, d.Head))
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() {
			errs = append(errs, errors.New("server: TrustedProxies holds an invalid prefix"))
			break
		}
	}
	if c.DisableHTTP1 && c.DisableHTTP2 {
		errs = append(errs, errors.New("server: DisableHTTP1 and DisableHTTP2 leave nothing to speak"))
	}
	if len(c.TrustedProxies) > 0 && c.Handler == nil {
		errs = append(errs, errors.New("server: TrustedProxies needs a Handler"))
	}
	if err := c.Hooks.validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// pick resolves zero (default) and negative (none, as zero from here on).
func pick[T int | int64 | time.Duration](v, def T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 0
	}
	return v
}

// withDefaults returns d with zero resolved to the defaults and negative values to zero, which means none.
func (d Deadlines) withDefaults() Deadlines {
	return Deadlines{
		FirstByte:   pick(d.FirstByte, DefaultFirstByte),
		Head:        pick(d.Head, DefaultHead),
		BodyIdle:    pick(d.BodyIdle, DefaultBodyIdle),
		BodyMinRate: pick(d.BodyMinRate, DefaultBodyMinRate),
		BodyGrace:   pick(d.BodyGrace, DefaultBodyGrace),
		Handler:     pick(d.Handler, DefaultHandler),
		Request:     pick(d.Request, DefaultRequest),
		Idle:        pick(d.Idle, DefaultIdle),
		Write:       pick(d.Write, 0),
	}
}
