package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// sameOrigin compares scheme, host and port (RFC 6454).
func sameOrigin(a, b *url.URL) bool {
	as, aa := originOf(a)
	bs, ba := originOf(b)
	return as == bs && aa == ba
}

var (
	// ErrTooManyRedirects: FollowAll's limit.
	ErrTooManyRedirects = errors.New("client: too many redirects")
	// ErrCrossOrigin: a redirect to another origin under FollowSameOrigin.
	ErrCrossOrigin = errors.New("client: redirect to another origin")
)

// FollowAll returns a CheckRedirect for http.Client that follows up to max redirects. (http.Client itself drops Authorization and
// cookies when the host changes, and turns POST into GET for 301 to 303.)
func FollowAll(max int) func(*http.Request, []*http.Request) error {
	return func(_ *http.Request, via []*http.Request) error {
		if len(via) > max {
			return ErrTooManyRedirects
		}
		return nil
	}
}

// FollowSameOrigin is FollowAll for redirects that stay at the origin of the first request; others fail with ErrCrossOrigin.
func FollowSameOrigin(max int) func(*http.Request, []*http.Request) error {
	all := FollowAll(max)
	return func(req *http.Request, via []*http.Request) error {
		if !sameOrigin(req.URL, via[0].URL) {
			return ErrCrossOrigin
		}
		return all(req, via)
	}
}

// FollowNone returns redirects to the caller.
func FollowNone(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Retry is an http.RoundTripper that tries idempotent requests again: after an error of the network, and after 429, 502, 503 and 504. It
// waits a random time up to Base, doubled each time, at most Max (full jitter), or as long as Retry-After says.
type Retry struct {
	// Next does the work. Nil: a new Transport would be lost with its connections, so it must be set.
	Next http.RoundTripper
	// Attempts counts the first one too. Default 3.
	Attempts int
	// Base and Max bound the waiting. Default 100 ms and 2 s. A Retry-After above Max is not waited for: its response is returned.
	Base, Max time.Duration
}

// RoundTrip sends the request.
func (r *Retry) RoundTrip(req *http.Request) (*http.Response, error) {
	attempts := r.Attempts
	if attempts <= 0 {
		attempts = 3
	}
	base, limit := r.Base, r.Max
	if base <= 0 {
		base = 100 * time.Millisecond
	}
	if limit <= 0 {
		limit = 2 * time.Second
	}
	again := idempotent(req) && (req.Body == nil || req.Body == http.NoBody || req.GetBody != nil)
	for n := 1; ; n++ {
		out := req
		if n > 1 {
			var err error
			if out, err = rewind(req); err != nil {
				return nil, err
			}
		}
		resp, err := r.Next.RoundTrip(out)
		if !again || n >= attempts || !worth(resp, err) || req.Context().Err() != nil {
			return resp, err
		}
		wait := time.Duration(rand.Int64N(int64(min(base<<(n-1), limit)) + 1))
		if resp != nil {
			if after, ok := retryAfter(resp); ok {
				if after > limit {
					return resp, nil
				}
				wait = after
			}
			_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
			_ = resp.Body.Close()
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-req.Context().Done():
			t.Stop()
			return nil, req.Context().Err()
		}
	}
}

// worth reports whether another attempt may do better.
func worth(resp *http.Response, err error) bool {
	if err != nil {
		var p *ProtocolError
		return !errors.As(err, &p) && !errors.Is(err, ErrClosed)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds or a date.
func retryAfter(resp *http.Response) (time.Duration, bool) {
	v := resp.Header.Get("Retry-After")
	if v == "" {
		return 0, false
	}
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	at, err := http.ParseTime(v)
	return max(time.Until(at), 0), err == nil
}

// WithCA returns a TLS configuration that trusts the certificates in a PEM file beside nobody else.
func WithCA(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("client: no certificate in " + file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// SkipHostname returns a copy of cfg (nil: the defaults) that verifies the server's certificate chain but not the name in it: for
// servers that are reached by an address. It is weaker than it looks: any certificate of a trusted authority will do.
func SkipHostname(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		cfg = new(tls.Config)
	}
	cfg = cfg.Clone()
	roots := cfg.RootCAs
	cfg.InsecureSkipVerify = true // VerifyConnection does it
	cfg.VerifyConnection = func(st tls.ConnectionState) error {
		if len(st.PeerCertificates) == 0 {
			return errors.New("client: server sent no certificate")
		}
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range st.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := st.PeerCertificates[0].Verify(o)
		return err
	}
	return cfg
}

// Insecure returns a TLS configuration that verifies nothing, and says so on warn, which should be os.Stderr.
func Insecure(warn io.Writer) *tls.Config {
	_, _ = io.WriteString(warn, "warning: TLS certificates are not verified\n")
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}

// Result describes an exchange beside its response.
type Result struct {
	*http.Response
	// TimeTaken runs from the start of Do to the response head.
	TimeTaken time.Duration
	// Redirects counts those that were followed.
	Redirects int
}

// URL is who answered: the last request's URL.
func (r *Result) URL() *url.URL { return r.Request.URL }

// Do sends a request with c and measures.
func Do(c *http.Client, req *http.Request) (*Result, error) {
	start := time.Now()
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	r := &Result{Response: resp, TimeTaken: time.Since(start)}
	for q := resp.Request; q != nil && q.Response != nil; q = q.Response.Request {
		r.Redirects++
	}
	return r, nil
}
