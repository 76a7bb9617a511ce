package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// NoProxy is a Transport.Proxy that never returns one.
func NoProxy(*http.Request) (*url.URL, error) { return nil, nil }

// ProxyFromEnvironment returns the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name (net/http's rules), else the one of
// ALL_PROXY, which NO_PROXY's entries "*" and exact hosts exempt from as well.
func ProxyFromEnvironment(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if u != nil || err != nil {
		return u, err
	}
	if os.Getenv("HTTP_PROXY")+os.Getenv("http_proxy")+os.Getenv("HTTPS_PROXY")+os.Getenv("https_proxy") != "" {
		return nil, nil // NO_PROXY, or the other scheme's: said already
	}
	all := os.Getenv("ALL_PROXY")
	if all == "" {
		all = os.Getenv("all_proxy")
	}
	if all == "" || exempt(req.URL.Hostname()) {
		return nil, nil
	}
	return url.Parse(all)
}

func exempt(host string) bool {
	no := os.Getenv("NO_PROXY")
	if no == "" {
		no = os.Getenv("no_proxy")
	}
	if no == "*" || host == "localhost" {
		return true
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return true
	}
	return hasToken([]string{no}, host)
}

var errProxyScheme = errors.New("client: proxy must be http, https or socks5")

func (tr *Transport) proxyFor(req *http.Request) (*url.URL, error) {
	f := tr.Proxy
	if f == nil {
		f = ProxyFromEnvironment
	}
	u, err := f(req)
	if u == nil || err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, errProxyScheme
}

// reach opens the transport: to the origin, through a tunnel, or to the proxy itself.
func (tr *Transport) reach(ctx context.Context, s *settings, k key, proxy *url.URL, addr string) (net.Conn, error) {
	if proxy == nil {
		return tr.dialTCP(ctx, s, addr)
	}
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	}
	nc, err := tr.dialTCP(ctx, s, net.JoinHostPort(proxy.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if proxy.Scheme == "https" {
		cfg := new(tls.Config)
		if tr.TLS != nil {
			cfg = tr.TLS.Clone()
		}
		cfg.ServerName, cfg.NextProtos = proxy.Hostname(), nil
		cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
		tc := tls.Client(honest{nc}, cfg)
		if err := handshake(ctx, s, tc); err != nil {
			_ = nc.Close()
			return nil, err
		}
		nc = tc
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	switch {
	case proxy.Scheme == "socks5" || proxy.Scheme == "socks5h":
		err = socks5(nc, proxy, addr)
	case k.scheme == "https":
		err = connect(nc, proxy, addr, s.prof1)
	}
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return nc, nil
}

// connect asks an HTTP proxy for a tunnel (RFC 9110 section 9.3.6).
func connect(nc net.Conn, proxy *url.URL, addr string, prof *http1.Profile) error {
	h := http1.RequestHead{Method: []byte("CONNECT"), Target: []byte(addr), Host: []byte(addr)}
	if a := proxyAuth(proxy); a != "" {
		h.Fields = []codec.Field{{Name: []byte("Proxy-Authorization"), Value: []byte(a)}}
	}
	var enc http1.Encoder
	out, err := enc.AppendRequest(nil, &h)
	if err != nil {
		return err
	}
	if _, err := nc.Write(out); err != nil {
		return err
	}
	var dec http1.Decoder
	dec.InitResponse(prof)
	dec.Expect(http1.MethodConnect, false)
	var ev http1.Event
	buf, fill := make([]byte, 8<<10), 0
	for {
		// One byte at a time behind the start: what follows the head belongs to the tunnel.
		n, err := nc.Read(buf[fill : fill+1])
		if err != nil {
			return err
		}
		fill += n
		k, err := dec.Next(buf[:fill], &ev)
		if err != nil {
			return &ProtocolError{Err: clone(err)}
		}
		switch ev.Kind {
		case http1.Response:
			if ev.Status/100 == 2 {
				return nil
			}
			return &ProxyError{Proxy: proxy.Host, Status: ev.Status, Reason: string(ev.Reason)}
		case http1.Informational:
			fill = copy(buf, buf[k:fill])
		}
		if fill == len(buf) {
			return &ProxyError{Proxy: proxy.Host, Reason: "head is too long"}
		}
	}
}

// socks5 asks a SOCKS 5 proxy for a connection (RFC 1928, RFC 1929). The name is resolved by the proxy.
func socks5(nc net.Conn, proxy *url.URL, addr string) error {
	refused := func(why string) error { return &ProxyError{Proxy: proxy.Host, Reason: why} }
	method := byte(0)
	if proxy.User != nil {
		method = 2
	}
	if _, err := nc.Write([]byte{5, 1, method}); err != nil {
		return err
	}
	var b [262]byte
	if _, err := io.ReadFull(nc, b[:2]); err != nil {
		return err
	}
	if b[0] != 5 || b[1] != method {
		return refused("socks5: no acceptable method")
	}
	if method == 2 {
		user := proxy.User.Username()
		pass, _ := proxy.User.Password()
		if len(user) > 255 || len(pass) > 255 {
			return refused("socks5: user or password is too long")
		}
		msg := append([]byte{1, byte(len(user))}, user...)
		msg = append(append(msg, byte(len(pass))), pass...)
		if _, err := nc.Write(msg); err != nil {
			return err
		}
		if _, err := io.ReadFull(nc, b[:2]); err != nil {
			return err
		}
		if b[1] != 0 {
			return refused("socks5: user or password is wrong")
		}
	}
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(p, 10, 16)
	if err != nil || len(host) > 255 {
		return refused("socks5: address")
	}
	msg := []byte{5, 1, 0}
	if ip := net.ParseIP(host); ip == nil {
		msg = append(append(msg, 3, byte(len(host))), host...)
	} else if v4 := ip.To4(); v4 != nil {
		msg = append(append(msg, 1), v4...)
	} else {
		msg = append(append(msg, 4), ip.To16()...)
	}
	msg = append(msg, byte(port>>8), byte(port))
	if _, err := nc.Write(msg); err != nil {
		return err
	}
	if _, err := io.ReadFull(nc, b[:5]); err != nil {
		return err
	}
	if b[1] != 0 {
		return refused(fmt.Sprintf("socks5: reply %d", b[1]))
	}
	rest := 0
	switch b[3] {
	case 1:
		rest = 4 - 1 + 2
	case 3:
		rest = int(b[4]) + 2
	case 4:
		rest = 16 - 1 + 2
	default:
		return refused("socks5: address type")
	}
	_, err = io.ReadFull(nc, b[:rest])
	return err
}
