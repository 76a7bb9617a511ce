package client_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/stretchr/testify/require"
)

func TestClientConveniences(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/echo", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"method":%q,"auth":%q,"type":%q,"body":%q,"cookie":%q}`, r.Method, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), b, r.Header.Get("Cookie"))
	})
	mux.HandleFunc("/api/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "s", Value: "1", Path: "/"})
	})
	mux.HandleFunc("/api/no", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no such thing", 404) })
	s := httptest.NewServer(mux)
	defer s.Close()
	tr := &client.Transport{Proxy: client.NoProxy}
	defer tr.Close()
	c, err := client.New(s.URL+"/api/", client.Bearer("tok"), tr)
	require.NoError(t, err)
	ctx := context.Background()
	type echo struct{ Method, Auth, Type, Body, Cookie string }
	do := func(resp *http.Response, err error) (e echo) {
		require.NoError(t, err)
		require.NoError(t, client.JSON(resp, &e))
		return e
	}
	require.Equal(t, echo{"GET", "Bearer tok", "", "", ""}, do(c.Get(ctx, "echo")))
	_, err = c.Get(ctx, "login")
	require.NoError(t, err)
	require.Equal(t, echo{"POST", "Bearer tok", "application/json", `{"a":1}`, "s=1"}, do(c.Post(ctx, "echo", map[string]int{"a": 1})))
	require.Equal(t, echo{"PUT", "Bearer tok", "application/json", `[1]`, "s=1"}, do(c.Put(ctx, "echo", "[1]")))
	require.Equal(t, echo{"PATCH", "Bearer tok", "", "raw", "s=1"}, do(c.Patch(ctx, "echo", []byte("raw"))))
	require.Equal(t, echo{"POST", "Bearer tok", "text/x", "stream", "s=1"},
		do(c.Do(ctx, "POST", "/api/echo", http.Header{"content-type": {"text/x"}}, strings.NewReader("stream"))))
	require.Equal(t, "DELETE", do(c.Delete(ctx, "echo")).Method)
	resp, err := c.Head(ctx, "echo")
	require.NoError(t, err)
	require.NoError(t, client.Check(resp))
	resp, err = c.Get(ctx, "no")
	require.NoError(t, err)
	_, err = client.Text(resp)
	var se *client.StatusError
	require.ErrorAs(t, err, &se)
	require.Equal(t, 404, se.HTTPStatus())
	require.Equal(t, "no such thing\n", string(se.Body))
	// Credentials stay with the base's origin.
	other := httptest.NewServer(mux)
	defer other.Close()
	require.Empty(t, do(c.Get(ctx, other.URL+"/api/echo")).Auth)
	basic, err := client.New(s.URL, client.Basic("u", "p"), tr)
	require.NoError(t, err)
	require.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("u:p")), do(basic.Get(ctx, "/api/echo")).Auth)
	_, err = client.New("relative", nil, nil)
	require.Error(t, err)
}

func TestRetry(t *testing.T) {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch n.Add(1) {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(503)
		case 2:
			w.WriteHeader(502)
		default:
			fmt.Fprintf(w, "%s", b)
		}
	}))
	defer s.Close()
	tr := &client.Transport{Proxy: client.NoProxy}
	defer tr.Close()
	c := &http.Client{Transport: &client.Retry{Next: tr, Base: time.Millisecond}}
	req, _ := http.NewRequest("PUT", s.URL, strings.NewReader("again"))
	resp, err := c.Do(req)
	require.Equal(t, "again", read(t, resp, err))
	require.Equal(t, int32(3), n.Load())
	n.Store(0)
	resp, err = c.Post(s.URL, "", strings.NewReader("once"))
	read(t, resp, err)
	require.Equal(t, 503, resp.StatusCode, "POST is not tried again")
	n.Store(-10)
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	}))
	defer late.Close()
	resp, err = c.Get(late.URL)
	read(t, resp, err)
	require.Equal(t, int32(-9), n.Load(), "an hour is too long")
}

func TestRedirectPolicies(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer other.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/out":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/in":
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	}))
	defer s.Close()
	tr := &client.Transport{Proxy: client.NoProxy}
	defer tr.Close()
	c := &http.Client{Transport: tr, CheckRedirect: client.FollowAll(5)}
	_, err := c.Get(s.URL + "/loop")
	require.ErrorIs(t, err, client.ErrTooManyRedirects)
	c.CheckRedirect = client.FollowSameOrigin(5)
	_, err = c.Get(s.URL + "/out")
	require.ErrorIs(t, err, client.ErrCrossOrigin)
	req, _ := http.NewRequest("GET", s.URL+"/in", nil)
	res, err := client.Do(c, req)
	require.NoError(t, err)
	require.Equal(t, 1, res.Redirects)
	require.Equal(t, "/end", res.URL().Path)
	require.Positive(t, res.TimeTaken)
	c.CheckRedirect = client.FollowNone
	resp, err := c.Get(s.URL + "/in")
	require.NoError(t, err)
	require.Equal(t, 302, resp.StatusCode)
}

func TestTLSOptions(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	ca, err := client.WithCA(file)
	require.NoError(t, err)
	wrong := ca.Clone()
	wrong.ServerName = "wrong.example"
	var warned strings.Builder
	for name, c := range map[string]struct {
		cfg *tls.Config
		ok  bool
	}{
		"default": {nil, false}, "ca": {ca, true}, "wrong name": {wrong, false}, "skip name": {client.SkipHostname(wrong), true},
		"skip name, unknown authority": {client.SkipHostname(nil), false}, "insecure": {client.Insecure(&warned), true},
	} {
		tr := &client.Transport{Proxy: client.NoProxy, TLS: c.cfg}
		resp, err := (&http.Client{Transport: tr}).Get(s.URL)
		require.Equal(t, c.ok, err == nil, "%s: %v", name, err)
		if err == nil {
			resp.Body.Close()
		}
		tr.Close()
	}
	require.Contains(t, warned.String(), "warning")
	_, err = client.WithCA(filepath.Join(t.TempDir(), "none"))
	require.Error(t, err)
}

// proxyServer is an HTTP proxy and a SOCKS 5 one, by the first byte. It counts what it was asked for.
func proxyServer(t *testing.T, log chan string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	join := func(a, b net.Conn, r io.Reader) {
		go func() { _, _ = io.Copy(a, b); a.Close() }()
		_, _ = io.Copy(b, r)
		b.Close()
	}
	serve := func(nc net.Conn) {
		defer nc.Close()
		br := bufio.NewReader(nc)
		first, err := br.Peek(1)
		if err != nil {
			return
		}
		if first[0] == 5 {
			buf := make([]byte, 300)
			_, _ = io.ReadFull(br, buf[:3])
			_, _ = nc.Write([]byte{5, buf[2]})
			if buf[2] == 2 {
				_, _ = io.ReadFull(br, buf[:2])
				n := buf[1]
				_, _ = io.ReadFull(br, buf[:int(n)+1])
				user := string(buf[:n])
				n = buf[n]
				_, _ = io.ReadFull(br, buf[:n])
				if user+":"+string(buf[:n]) != "u:p" {
					_, _ = nc.Write([]byte{1, 1})
					return
				}
				_, _ = nc.Write([]byte{1, 0})
			}
			_, _ = io.ReadFull(br, buf[:10])
			addr := fmt.Sprintf("%d.%d.%d.%d:%d", buf[4], buf[5], buf[6], buf[7], int(buf[8])<<8|int(buf[9]))
			log <- "socks " + addr
			up, err := net.Dial("tcp", addr)
			if err != nil {
				_, _ = nc.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
				return
			}
			_, _ = nc.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
			join(nc, up, br)
			return
		}
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			log <- req.Method + " " + req.RequestURI + " " + req.Header.Get("Proxy-Authorization")
			if req.Method == "CONNECT" {
				if req.Host == "refused.example:443" {
					_, _ = io.WriteString(nc, "HTTP/1.1 403 Not This One\r\nContent-Length: 0\r\n\r\n")
					return
				}
				up, err := net.Dial("tcp", req.Host)
				if err != nil {
					return
				}
				_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
				join(nc, up, br)
				return
			}
			req.RequestURI = ""
			resp, err := (&http.Transport{}).RoundTrip(req)
			if err != nil {
				return
			}
			_ = resp.Write(nc)
		}
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serve(nc)
		}
	}()
	return l.Addr().String()
}

func TestProxies(t *testing.T) {
	log := make(chan string, 20)
	addr := proxyServer(t, log)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	plain := httptest.NewServer(h)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(h)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	roots := secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("u:p"))
	for _, c := range []struct{ proxy, url, proto, log string }{
		{"http://u:p@" + addr, plain.URL, "HTTP/1.1", "GET " + plain.URL + "/ " + basic},
		{"http://u:p@" + addr, secure.URL, "HTTP/2.0", "CONNECT " + secure.Listener.Addr().String() + " " + basic},
		{"socks5://" + addr, plain.URL, "HTTP/1.1", "socks " + plain.Listener.Addr().String()},
		{"socks5://u:p@" + addr, secure.URL, "HTTP/2.0", "socks " + secure.Listener.Addr().String()},
	} {
		u, _ := url.Parse(c.proxy)
		tr := &client.Transport{Proxy: http.ProxyURL(u), TLS: &tls.Config{RootCAs: roots}}
		for range 2 {
			resp, err := (&http.Client{Transport: tr, Timeout: soon}).Get(c.url + "/")
			require.Equal(t, c.proto, read(t, resp, err))
		}
		require.Equal(t, c.log, <-log)
		tr.Close()
		for len(log) > 0 {
			<-log
		}
	}
	u, _ := url.Parse("http://" + addr)
	tr := &client.Transport{Proxy: http.ProxyURL(u)}
	defer tr.Close()
	_, err := (&http.Client{Transport: tr, Timeout: soon}).Get("https://refused.example/")
	var pe *client.ProxyError
	require.ErrorAs(t, err, &pe)
	require.Equal(t, 403, pe.Status)
	bad, _ := url.Parse("socks5://u:wrong@" + addr)
	tr2 := &client.Transport{Proxy: http.ProxyURL(bad)}
	defer tr2.Close()
	_, err = (&http.Client{Transport: tr2, Timeout: soon}).Get(plain.URL)
	require.True(t, errors.As(err, &pe), "%v", err)
	odd, _ := url.Parse("gopher://h")
	tr3 := &client.Transport{Proxy: http.ProxyURL(odd)}
	_, err = (&http.Client{Transport: tr3}).Get(plain.URL)
	require.Error(t, err)
}

// The proxies of this machine are none of the tests': net/http reads the environment once, so they go before anybody asks.
func init() {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"} {
		_ = os.Unsetenv(name)
		_ = os.Unsetenv(strings.ToUpper(name))
	}
}

func TestProxyFromEnvironment(t *testing.T) {
	t.Setenv("ALL_PROXY", "socks5://proxy.example:1080")
	t.Setenv("NO_PROXY", "exempt.example")
	for host, want := range map[string]string{"other.example": "socks5://proxy.example:1080", "exempt.example": "", "127.0.0.1": "", "localhost": ""} {
		req, _ := http.NewRequest("GET", "http://"+host+"/", nil)
		u, err := client.ProxyFromEnvironment(req)
		require.NoError(t, err)
		got := ""
		if u != nil {
			got = u.String()
		}
		require.Equal(t, want, got, host)
	}
}
