package tlswrap_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// stdnet also serves a listener of crypto/tls: the handshake comes before Accept, which knows the state; a stalled one ends; and
// with NewListener truncation is an error.
func TestListener(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) {
			t.Parallel()                 // it waits
			const soon = 2 * time.Second // time enough for a handshake on a busy machine
			ca := newAuthority(t)
			svc := newWatched()
			tcp, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tlswrap.NewListener(tcp, &tls.Config{}); !errors.Is(err, tlswrap.ErrConfig) {
				t.Errorf("%v", err)
			}
			l, err := tlswrap.NewListener(tcp, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "localhost")}, NextProtos: []string{"x"}})
			if err != nil {
				t.Fatal(err)
			}
			s := stdnet.New(drivertest.Guard(t, svc), stdnet.Config{Handshake: soon})
			done := make(chan error, 1)
			go func() { done <- s.Serve(l) }()
			defer func() { _ = s.Close(); <-done }()
			connect := func() *tls.Conn {
				c, err := net.Dial("tcp", tcp.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				t.Cleanup(func() { _ = c.Close() })
				return tls.Client(strict{c}, &tls.Config{RootCAs: ca.pool, ServerName: "localhost", NextProtos: []string{"x"}, MinVersion: v, MaxVersion: v})
			}
			c := connect()
			echo(t, c, "hello")
			m := recv(t, "accept", svc.accepted)
			if m.state.Version != v || m.state.NegotiatedProtocol != "x" {
				t.Errorf("%+v", m.state)
			}
			time.Sleep(soon + soon/4) // the handshake's deadline does not outlive it
			echo(t, c, "hello again")
			_ = c.CloseWrite()
			if _, err := io.ReadAll(c); err != nil {
				t.Error(err)
			}
			if err := recv(t, "the end", m.closed); err != nil || !m.peerClosed.Load() {
				t.Errorf("Closed(%v), PeerClosed %v", err, m.peerClosed.Load())
			}

			c = connect()
			echo(t, c, "hello")
			m = recv(t, "accept", svc.accepted)
			_ = c.NetConn().(strict).Conn.(*net.TCPConn).CloseWrite()
			if err := recv(t, "the end", m.closed); !errors.Is(err, tlswrap.ErrTruncated) || m.peerClosed.Load() {
				t.Errorf("Closed(%v), PeerClosed %v", err, m.peerClosed.Load())
			}

			stalled := connect().NetConn()
			_, _ = stalled.Write(clientHello(t)[:20])
			if _, err := io.ReadAll(stalled); !errors.Is(err, errBareFIN) {
				t.Errorf("a stalled handshake: %v", err)
			}
			if n := len(svc.accepted); n != 0 {
				t.Errorf("%d machines for a handshake that failed", n)
			}
		})
	}
}
