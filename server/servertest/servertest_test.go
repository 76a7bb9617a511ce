package servertest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/server/servertest"
)

var protocols = []servertest.Protocol{servertest.HTTP1, servertest.H2C, servertest.HTTP1TLS, servertest.HTTP2}

// Every protocol, with both clients, in a bubble and outside.
func TestProtocols(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s%s tls=%v %s", r.Proto, r.Host, r.URL.Path, r.TLS != nil, b)
	})
	for _, p := range protocols {
		run := func(t *testing.T) {
			s := servertest.New(h, servertest.Options{Protocol: p})
			defer s.Close()
			proto, secure := "HTTP/1.1", p == servertest.HTTP1TLS || p == servertest.HTTP2
			if p == servertest.H2C || p == servertest.HTTP2 {
				proto = "HTTP/2.0"
			}
			for _, c := range []*http.Client{s.Client(), s.NetHTTP()} {
				for range 2 {
					resp, err := c.Post(s.URL+"/a", "text/plain", http.NoBody)
					require.NoError(t, err)
					b, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					resp.Body.Close()
					require.Equal(t, fmt.Sprintf("%s server.test/a tls=%v ", proto, secure), string(b))
					require.Equal(t, proto, resp.Proto)
				}
			}
		}
		t.Run(p.String(), run)
		t.Run(p.String()+"/bubble", func(t *testing.T) { synctest.Test(t, run) })
	}
}

// A handler that sleeps an hour.
func TestVirtualTime(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(time.Hour)
					io.WriteString(w, "late")
				}), servertest.Options{Protocol: p, Config: server.Config{Deadlines: server.Deadlines{Handler: -1, Request: -1}}})
				defer s.Close()
				start := time.Now()
				resp, err := s.Client().Get(s.URL)
				require.NoError(t, err)
				b, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, "late", string(b))
				require.Equal(t, time.Hour, time.Since(start))
			})
		})
	}
}
