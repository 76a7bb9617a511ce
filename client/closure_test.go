package client_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/drivers/memlink"
)

// RFC 9112 section 9.8-4: "A response that has neither chunked transfer coding nor Content-Length is complete only if a valid closure alert
// has been received."
func TestIncompleteClose(t *testing.T) {
	ts := httptest.NewUnstartedServer(nil)
	ts.StartTLS() // for its certificate
	defer ts.Close()
	for name, c := range map[string]struct {
		answer   string
		alert    bool
		complete bool
	}{
		"until close, alert":  {"HTTP/1.1 200 OK\r\n\r\nwhole", true, true},
		"until close, none":   {"HTTP/1.1 200 OK\r\n\r\nwhole", false, false},
		"length, none":        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", false, true},
		"chunked, none":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n", false, true},
		"short length, none":  {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nwhole", false, false},
		"short length, alert": {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nwhole", true, false},
		"short chunks, none":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := memlink.Listen(memlink.Config{})
				go func() {
					nc, err := l.Accept()
					if err != nil {
						return
					}
					tc := tls.Server(nc, &tls.Config{Certificates: ts.TLS.Certificates})
					_, _ = tc.Read(make([]byte, 4096))
					_, _ = io.WriteString(tc, c.answer)
					if c.alert {
						_ = tc.CloseWrite()
					}
					_ = nc.(*memlink.Conn).CloseWrite()
					_, _ = io.Copy(io.Discard, nc)
					_ = nc.Close()
				}()
				defer l.Close()
				cfg := ts.Client().Transport.(*http.Transport).TLSClientConfig
				tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.HTTP1, Dial: l.DialContext, TLS: cfg}
				defer tr.Close()
				resp, err := (&http.Client{Transport: tr}).Get("https://example.com/")
				require.NoError(t, err)
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				require.Equal(t, "whole", string(b))
				switch {
				case c.complete:
					require.NoError(t, err)
				case !c.alert:
					require.ErrorIs(t, err, client.ErrTruncated)
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				default:
					require.Error(t, err)
				}
			})
		})
	}
}
