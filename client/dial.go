package client

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/stdnet"
)

// carrier is the driver of all client connections: it lends its machines the memory of its workers.
var carrier = sync.OnceValue(func() *stdnet.Server { return stdnet.New(service{}, stdnet.Config{LingerTime: -1, MaxPosts: -1}) })

type service struct{}

func (service) NewLocal() any                                      { return newLocals() }
func (service) Accept(*drivers.Turn, drivers.Link) drivers.Machine { return nil }

// conn returns a connection for the request: one that waits, or a new one, which it is in any case if fresh is set.
func (tr *Transport) conn(s *settings, req *http.Request, fresh bool) (m machine, reused bool, err error) {
	ctx := req.Context()
	proxy, err := tr.proxyFor(req)
	if err != nil {
		return nil, false, err
	}
	k := key{}
	k.scheme, k.addr = originOf(req.URL)
	if proxy != nil {
		k.proxy = proxy.String()
		if k.scheme == "http" && proxy.Scheme != "socks5" && proxy.Scheme != "socks5h" {
			k.addr = "" // one connection to the proxy serves all origins
		}
	}
	if k.scheme == "http" && s.protocols&(HTTP1|H2C) == 0 {
		return nil, false, errNoPlain
	}
	mayShare := k.scheme == "https" && s.protocols&HTTP2 != 0 || k.scheme == "http" && s.protocols&H2C != 0 && proxy == nil
	if tr.upgrades(req) {
		mayShare = false
	}
	alone := false
	for {
		var c *conn
		var d *dialling
		lead := fresh
		if !fresh {
			c, d, lead, err = tr.pool.take(k, mayShare && !alone)
		}
		switch {
		case err != nil:
			return nil, false, err
		case c != nil && c.h2 != nil && tr.upgrades(req):
			c.h2.release()
		case c != nil:
			return c.m, true, nil
		case !lead:
			select {
			case <-d.done:
				alone = d.failed // one after the other would take the sum of their timeouts
				continue
			case <-ctx.Done():
				return nil, false, context.Cause(ctx)
			}
		}
		c, err = tr.dial(ctx, s, k, req, proxy)
		if err != nil {
			_ = tr.pool.dialled(k, nil, d, mayShare)
			return nil, false, err
		}
		if err := tr.pool.dialled(k, c, d, mayShare); err != nil {
			c.m.shut(true)
			return nil, false, err
		}
		return c.m, false, nil
	}
}

// upgrades reports whether the request needs HTTP/1.1 for its own: it asks to switch protocols.
func (tr *Transport) upgrades(req *http.Request) bool { return req.Header.Get("Upgrade") != "" }

// dial opens a connection and starts its machine. An HTTP/2 connection comes reserved for one call.
func (tr *Transport) dial(ctx context.Context, s *settings, k key, req *http.Request, proxy *url.URL) (*conn, error) {
	if s.dialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.dialTimeout+s.tlsTimeout)
		defer cancel()
	}
	nc, err := tr.reach(ctx, s, k, proxy, originAddr(req.URL))
	if err != nil {
		return nil, err
	}
	c := &conn{p: &tr.pool, k: k}
	h2 := k.scheme == "http" && s.protocols&H2C != 0 && proxy == nil && !tr.upgrades(req)
	if k.scheme == "https" {
		tc := tls.Client(honest{nc}, tr.tlsConfig(s, req.URL.Hostname(), tr.upgrades(req)))
		if err := handshake(ctx, s, tc); err != nil {
			_ = nc.Close()
			return nil, err
		}
		h2 = tc.ConnectionState().NegotiatedProtocol == "h2"
		if !h2 && s.protocols&HTTP1 == 0 {
			_ = nc.Close()
			return nil, errNotHTTP2
		}
		nc = tc
	}
	if tr.Wrap != nil {
		protocol := "http/1.1"
		if h2 {
			protocol = "h2"
		}
		nc = tr.Wrap(nc, protocol)
	}
	started := make(chan machine, 1)
	go func() {
		err := carrier().ServeMachine(nc, nil, func(t *drivers.Turn, l drivers.Link) drivers.Machine {
			if h2 {
				c.h2 = newH2(t, l, c, s.prof2, s.keep)
				c.h2.open = 1
				c.m = c.h2
			} else {
				m := newH1(l, c, s.prof1)
				if proxy != nil && k.scheme == "http" && k.addr == "" {
					m.proxy, m.auth = true, proxyAuth(proxy)
				}
				c.m = m
			}
			started <- c.m
			return c.m
		})
		_ = err // the machine's Closed has told the pool
		close(started)
	}()
	if m := <-started; m == nil {
		return nil, ErrServerClosed
	}
	return c, nil
}

// tlsConfig fills in what the caller left open.
func (tr *Transport) tlsConfig(s *settings, name string, only1 bool) *tls.Config {
	var cfg *tls.Config
	if tr.TLS != nil {
		cfg = tr.TLS.Clone()
	} else {
		cfg = new(tls.Config)
	}
	if cfg.ServerName == "" {
		cfg.ServerName = name
	}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	if len(cfg.NextProtos) == 0 {
		if s.protocols&HTTP2 != 0 {
			cfg.NextProtos = append(cfg.NextProtos, "h2")
		}
		if s.protocols&HTTP1 != 0 {
			cfg.NextProtos = append(cfg.NextProtos, "http/1.1")
		}
	}
	if only1 {
		cfg.NextProtos = slices.DeleteFunc(slices.Clone(cfg.NextProtos), func(p string) bool { return p == "h2" })
	}
	return cfg
}

// handshake bounds the TLS handshake.
func handshake(ctx context.Context, s *settings, tc *tls.Conn) error {
	if s.tlsTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.tlsTimeout)
		defer cancel()
	}
	return tc.HandshakeContext(ctx)
}

func (tr *Transport) dialTCP(ctx context.Context, s *settings, addr string) (net.Conn, error) {
	if s.dialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.dialTimeout)
		defer cancel()
	}
	if tr.Dial != nil {
		return tr.Dial(ctx, "tcp", addr)
	}
	d := net.Dialer{KeepAlive: 30 * time.Second}
	return d.DialContext(ctx, "tcp", addr)
}

func originAddr(u *url.URL) string {
	_, a := originOf(u)
	return a
}

// proxyAuth is the Proxy-Authorization for a proxy whose URL has a user.
func proxyAuth(u *url.URL) string {
	if u.User == nil {
		return ""
	}
	p, _ := u.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+p))
}
