package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"
)

// Client is an http.Client with what most programs want around it: a base URL, authentication, a time limit, JSON. The zero value is
// not usable: see New. Everything of http.Client works on Client.HTTP.
type Client struct {
	// HTTP does the work: its Transport is a *Transport, behind Retry if that was asked for.
	HTTP *http.Client
	base *url.URL
	auth Auth
}

// Auth adds credentials to a request.
type Auth interface{ Apply(h http.Header) }

// AuthFunc adapts a function to Auth: any scheme that sets fields.
type AuthFunc func(h http.Header)

// Apply calls f.
func (f AuthFunc) Apply(h http.Header) { f(h) }

// Basic returns HTTP Basic credentials (RFC 7617).
func Basic(user, password string) Auth {
	return AuthFunc(func(h http.Header) {
		r := http.Request{Header: h}
		r.SetBasicAuth(user, password)
	})
}

// Bearer returns a bearer token (RFC 6750).
func Bearer(token string) Auth {
	return AuthFunc(func(h http.Header) { h.Set("Authorization", "Bearer "+token) })
}

// DefaultTimeout bounds a whole exchange of a Client, the body included.
const DefaultTimeout = 30 * time.Second

// New returns a Client. base is what relative URLs are resolved against, empty for none; auth may be nil; it is applied to requests
// to the base's origin only. tr may be nil. Cookies are kept (RFC 6265) for the life of the Client.
func New(base string, auth Auth, tr http.RoundTripper) (*Client, error) {
	c := &Client{auth: auth}
	if base != "" {
		u, err := url.Parse(base)
		if err != nil {
			return nil, err
		}
		if u.Scheme == "" || u.Host == "" {
			return nil, fmt.Errorf("client: base URL %q is not absolute", base)
		}
		c.base = u
	}
	if tr == nil {
		tr = &Transport{}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c.HTTP = &http.Client{Transport: tr, Jar: jar, Timeout: DefaultTimeout}
	return c, nil
}

// Resolve returns the URL that ref stands for.
func (c *Client) Resolve(ref string) (*url.URL, error) {
	u, err := url.Parse(ref)
	if err != nil || c.base == nil {
		return u, err
	}
	return c.base.ResolveReference(u), nil
}

// Do sends a request. body decides the content: nil for none, a []byte or an io.Reader as it is, a string or anything else as
// JSON (a string is taken for JSON text already), with Content-Type: application/json unless header has one. header may be nil.
func (c *Client) Do(ctx context.Context, method, ref string, header http.Header, body any) (*http.Response, error) {
	u, err := c.Resolve(ref)
	if err != nil {
		return nil, err
	}
	var r io.Reader
	isJSON := false
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	case io.Reader:
		r = b
	case string:
		r, isJSON = bytes.NewReader([]byte(b)), true
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		r, isJSON = bytes.NewReader(text), true
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return nil, err
	}
	for k, vs := range header {
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	if isJSON && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.auth != nil && (c.base == nil || sameOrigin(c.base, u)) {
		c.auth.Apply(req.Header)
	}
	return c.HTTP.Do(req)
}

// Get, Post, Put, Patch, Delete and Head are Do with that method.
func (c *Client) Get(ctx context.Context, ref string) (*http.Response, error) {
	return c.Do(ctx, http.MethodGet, ref, nil, nil)
}

// Post sends body; see Do.
func (c *Client) Post(ctx context.Context, ref string, body any) (*http.Response, error) {
	return c.Do(ctx, http.MethodPost, ref, nil, body)
}

// Put sends body; see Do.
func (c *Client) Put(ctx context.Context, ref string, body any) (*http.Response, error) {
	return c.Do(ctx, http.MethodPut, ref, nil, body)
}

// Patch sends body; see Do.
func (c *Client) Patch(ctx context.Context, ref string, body any) (*http.Response, error) {
	return c.Do(ctx, http.MethodPatch, ref, nil, body)
}

// Delete deletes.
func (c *Client) Delete(ctx context.Context, ref string) (*http.Response, error) {
	return c.Do(ctx, http.MethodDelete, ref, nil, nil)
}

// Head asks for the head only.
func (c *Client) Head(ctx context.Context, ref string) (*http.Response, error) {
	return c.Do(ctx, http.MethodHead, ref, nil, nil)
}

// StatusError is what Check makes of a response that is no success.
type StatusError struct {
	// Status is the status code, Phrase the status line's text.
	Status int
	Phrase string
	// Body is the beginning of the content, at most 4 KiB.
	Body []byte
}

// Error returns the status.
func (e *StatusError) Error() string { return "client: server answered " + e.Phrase }

// HTTPStatus returns the status code.
func (e *StatusError) HTTPStatus() int { return e.Status }

// Check returns a *StatusError, and closes the body, if the status is not 2xx.
func Check(resp *http.Response) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return &StatusError{Status: resp.StatusCode, Phrase: resp.Status, Body: b}
}

// DefaultMaxBody bounds what Text and JSON read: 16 MiB.
const DefaultMaxBody = 16 << 20

// Text checks the status and returns the content. It closes the body.
func Text(resp *http.Response) (string, error) {
	if err := Check(resp); err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, DefaultMaxBody+1))
	if err == nil && len(b) > DefaultMaxBody {
		err = ErrTooBig
	}
	return string(b), err
}

// JSON checks the status and decodes the content to v. It closes the body.
func JSON(resp *http.Response, v any) error {
	text, err := Text(resp)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), v)
}
