package client_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/drivers/memlink"
)

// cuttable are responses that can be told from each of their beginnings, in plain text or, those that end with the connection, under TLS.
var cuttable = []struct {
	answer, content string
	untilClose      bool
}{
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", "whole", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole", "whole", false},
	{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nwhole", "whole", false},
	{"HTTP/1.1 200 \r\ncontent-length: 05\r\n\r\nwhole", "whole", false},
	{"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "none", false},
	{"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nX-A: b\r\nX-A: c\r\n\r\n\r\n", "\r\n", false},
	{"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/9\r\nContent-Length: 3\r\n\r\nabc", "abc", false},
	{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", false},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n", "whole", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwh\r\n3\r\nole\r\n0\r\n\r\n", "whole", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nwhole\r\n0;c\r\n\r\n", "whole", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nwhole\r\n0\r\nX-Sum: 1\r\n\r\n", "whole", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", "", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", "0123456789", false},
	{"HTTP/1.1 200 OK\r\n\r\nwhole", "whole", true},
	{"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the connection ends", "until the connection ends", true},
	{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n" + strings.Repeat("line\n", 8), strings.Repeat("line\n", 8), true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nwhole", "", true}, // refused, as no client of ours asked for it
}

// cut answers one request with the beginning of a response and ends the connection, by TLS's rules or without a word.
func cut(t *testing.T, cert []tls.Certificate, roots *tls.Config, beginning string, alert bool) (content string, err error) {
	synctest.Test(t, func(t *testing.T) {
		l := memlink.Listen(memlink.Config{})
		defer l.Close()
		go func() {
			for {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				var c net.Conn = nc
				if cert != nil {
					c = tls.Server(nc, &tls.Config{Certificates: cert})
				}
				_, _ = c.Read(make([]byte, 4096))
				for b := beginning; b != ""; b = b[min(10, len(b)):] {
					_, _ = io.WriteString(c, b[:min(10, len(b))]) // one record each
				}
				if alert {
					_ = c.(*tls.Conn).CloseWrite()
				}
				_ = nc.(*memlink.Conn).CloseWrite()
				_, _ = io.Copy(io.Discard, nc)
				_ = nc.Close()
			}
		}()
		tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.HTTP1, Dial: l.DialContext, TLS: roots}
		defer tr.Close()
		url := "http://example.com/"
		if cert != nil {
			url = "https://example.com/"
		}
		var resp *http.Response
		if resp, err = tr.RoundTrip(httptest.NewRequest("GET", url, nil)); err == nil {
			var b []byte
			b, err = io.ReadAll(resp.Body)
			content = string(b)
			resp.Body.Close()
		}
	})
	return content, err
}

// H1-20: none of the beginnings of a response is reported complete.
func TestTruncatedAtEveryOctet(t *testing.T) {
	for _, c := range cuttable {
		if c.untilClose {
			continue // RFC 9112 section 8: in plain text nothing tells
		}
		for n := range len(c.answer) {
			_, err := cut(t, nil, nil, c.answer[:n], false)
			require.Error(t, err, "%q", c.answer[:n])
		}
		content, err := cut(t, nil, nil, c.answer, false)
		require.NoError(t, err, "%q", c.answer)
		require.Equal(t, c.content, content)
	}
}

// T-03, RFC 9112 section 9.8-4: nor under TLS, where the connection ends between two records, without a closure alert.
func TestTruncatedAtEveryRecord(t *testing.T) {
	ts := httptest.NewTLSServer(nil)
	defer ts.Close()
	roots := ts.Client().Transport.(*http.Transport).TLSClientConfig
	for _, c := range cuttable {
		for n := 0; n < len(c.answer); n += 10 {
			_, err := cut(t, ts.TLS.Certificates, roots, c.answer[:n], false)
			require.Error(t, err, "%q", c.answer[:n])
		}
		content, err := cut(t, ts.TLS.Certificates, roots, c.answer, true)
		if c.untilClose && c.content == "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, "%q", c.answer)
		require.Equal(t, c.content, content)
		_, err = cut(t, ts.TLS.Certificates, roots, c.answer, false)
		require.Equal(t, c.untilClose, err != nil, "%q: %v", c.answer, err)
	}
}
