package tlswrap_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// TL05: the state of the connection is known in Accept.
func TestStateIsKnownInAccept(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, func(_ *rig, cfg *tls.Config, _ *tlswrap.Options) { cfg.NextProtos = []string{"h2", "http/1.1"} })
		cfg := r.config(v)
		cfg.NextProtos = []string{"http/1.1"}
		c, m := r.open(cfg)
		if m.state.Version != v || m.state.NegotiatedProtocol != "http/1.1" || m.state.ServerName != "localhost" || m.state.DidResume {
			t.Errorf("%+v", m.state)
		}
		echo(t, c, "hello")
		if again := m.link.(interface{ ConnectionState() *tls.ConnectionState }).ConnectionState(); again != m.state {
			t.Error("the state is not shared")
		}
	})
}

// TL04: RFC 8446 section 4.6.1, RFC 5077.
func TestResumption(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		cfg := r.config(v)
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for i := range 3 {
			c, m := r.open(cfg)
			echo(t, c, "hello") // the ticket of TLS 1.3 comes before it
			if resumed := i > 0; c.ConnectionState().DidResume != resumed || m.state.DidResume != resumed {
				t.Errorf("connection %d: resumed %v, %v", i, c.ConnectionState().DidResume, m.state.DidResume)
			}
			_ = c.Close()
		}
	})
}

// TL02: mTLS.
func TestClientCertificates(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, func(r *rig, cfg *tls.Config, _ *tlswrap.Options) {
			cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, r.ca.pool
		})
		cfg := r.config(v)
		cfg.Certificates = []tls.Certificate{r.ca.issue(t, "alice")}
		c, m := r.open(cfg)
		echo(t, c, "hello")
		if len(m.state.PeerCertificates) != 1 || m.state.PeerCertificates[0].Subject.CommonName != "alice" {
			t.Errorf("%v", m.state.PeerCertificates)
		}
		for name, certs := range map[string][]tls.Certificate{"none": nil, "stranger": {newAuthority(t).issue(t, "mallory")}} {
			cfg := r.config(v)
			cfg.Certificates = certs
			c, err := r.dial(cfg)
			if err == nil { // TLS 1.3: the server's verdict comes after the client is through
				_, err = c.Read(make([]byte, 1))
			}
			var alert tls.AlertError
			if op := (*net.OpError)(nil); !errors.As(err, &alert) && !(errors.As(err, &op) && op.Op == "remote error") {
				t.Errorf("%s: the client sees no alert: %v", name, err)
			}
			if err := recv(t, "the handshake", r.hands); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if n := len(r.svc.accepted); n != 0 {
			t.Errorf("%d strangers reached the service", n)
		}
	})
}

// TL07. RFC 7301 section 3.2: "In the event that the server supports no protocols that the client advertises, then the server SHALL
// respond with a fatal "no_application_protocol" alert."
func TestALPNMismatch(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, func(_ *rig, cfg *tls.Config, _ *tlswrap.Options) { cfg.NextProtos = []string{"h2", "http/1.1"} })
		for _, c := range []struct {
			offer []string
			want  string
		}{{nil, ""}, {[]string{"h2"}, "h2"}, {[]string{"spdy/1", "http/1.1"}, "http/1.1"}, {[]string{"http/1.1", "h2"}, "h2"}} {
			cfg := r.config(v)
			cfg.NextProtos = c.offer
			conn, m := r.open(cfg)
			if m.state.NegotiatedProtocol != c.want {
				t.Errorf("%q: %q", c.offer, m.state.NegotiatedProtocol)
			}
			_ = conn.Close()
		}
		cfg := r.config(v)
		cfg.NextProtos = []string{"ftp", "imap"}
		_, err := r.dial(cfg)
		if err == nil || !strings.Contains(err.Error(), "no application protocol") {
			t.Errorf("the client sees %v", err)
		}
		if err := recv(t, "the handshake", r.hands); err == nil {
			t.Error("accepted")
		}
	})
}

// RFC 8996 section 4: "TLS 1.0 MUST NOT be used." The alert says why.
func TestOldVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, nil)
		_, err := r.dial(r.config(tls.VersionTLS11))
		if err == nil || !strings.Contains(err.Error(), "protocol version not supported") {
			t.Errorf("the client sees %v", err)
		}
		if err := recv(t, "the handshake", r.hands); err == nil {
			t.Error("accepted")
		}
	})
}

// T-01: whoever stalls is closed at the deadline, wherever it stalls; until the ClientHello is whole there is no goroutine.
func TestHandshakeTimeout(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		hello := clientHello(t)
		for _, sent := range []int{0, 1, 4, 5, 100, len(hello) - 1, len(hello)} {
			t.Run(fmt.Sprint(sent, " bytes"), func(t *testing.T) {
				t.Parallel() // it waits; long enough for the bytes to come in time on a busy machine, or nobody has begun a handshake
				r := newRig(t, e, func(_ *rig, _ *tls.Config, o *tlswrap.Options) { o.HandshakeTimeout = 2 * time.Second })
				c := r.tcp()
				if _, err := c.Write(hello[:sent]); err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
					t.Error(err)
				}
				if sent == 0 {
					if n := len(r.hands); n != 0 {
						t.Error("a handshake that nobody began was reported")
					}
					return
				}
				if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrHandshakeTimeout) {
					t.Errorf("after %d bytes: %v", sent, err)
				}
				await(t, "the slot", func() bool { run, wait := r.wrap.Handshakes(); return run == 0 && wait == 0 })
			})
		}
	})
}

// clientHello records what a client sends first.
func clientHello(tb testing.TB) []byte {
	tb.Helper()
	a, b := net.Pipe()
	defer a.Close()
	go func() { _ = tls.Client(b, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true}).Handshake() }()
	buf := make([]byte, 16<<10)
	n, err := a.Read(buf)
	if err != nil {
		tb.Fatal(err)
	}
	_ = b.Close()
	return buf[:n]
}

// T-01: the cap on handshakes in flight. Those beyond it wait, in order, and are served when a place is free.
func TestHandshakeCap(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, func(_ *rig, _ *tls.Config, o *tlswrap.Options) { o.MaxHandshakes = 2; o.Computing = 1 })
		hello := clientHello(t)
		var stalled []net.Conn
		for range 2 {
			c := r.tcp()
			if _, err := c.Write(hello); err != nil {
				t.Fatal(err)
			}
			stalled = append(stalled, c)
		}
		await(t, "both places taken", func() bool { run, _ := r.wrap.Handshakes(); return run == 2 })
		// The third leaves while it waits.
		gone := r.tcp()
		_, _ = gone.Write(hello)
		await(t, "the third to wait", func() bool { _, wait := r.wrap.Handshakes(); return wait == 1 })
		_ = gone.Close()
		served := make(chan error, 2)
		for range 2 {
			go func() {
				c, err := r.dial(r.config(tls.VersionTLS13))
				if err == nil {
					_, err = c.Write([]byte("x"))
				}
				served <- err
			}()
		}
		await(t, "the honest ones to wait", func() bool { _, wait := r.wrap.Handshakes(); return wait >= 2 })
		if run, _ := r.wrap.Handshakes(); run != 2 {
			t.Errorf("%d handshakes run", run)
		}
		for _, c := range stalled {
			_ = c.Close()
		}
		for range 2 {
			if err := recv(t, "an honest client", served); err != nil {
				t.Error(err)
			}
		}
		await(t, "all places free", func() bool { run, wait := r.wrap.Handshakes(); return run == 0 && wait == 0 })
		// And the twin: far more than the cap, all served.
		for range 50 {
			go func() {
				c, err := r.dial(r.config(tls.VersionTLS13))
				if err == nil {
					_, err = c.Write([]byte("x"))
				}
				served <- err
			}()
		}
		for range 50 {
			if err := recv(t, "an honest client", served); err != nil {
				t.Error(err)
			}
		}
	})
}

// dribble sends byte by byte.
type dribble struct{ net.Conn }

func (c dribble) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// T-01: the cap on the bytes of a handshake, and its twin.
func TestHandshakeTooLarge(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, func(r *rig, cfg *tls.Config, o *tlswrap.Options) {
			cfg.ClientAuth, cfg.ClientCAs = tls.RequestClientCert, r.ca.pool
			o.MaxHandshake = 32 << 10
		})
		pair := r.ca.issue(t, "alice")
		chain := func(n int) *tls.Config {
			cfg := r.config(v)
			fat := tls.Certificate{PrivateKey: pair.PrivateKey, Certificate: slices.Clone(pair.Certificate)}
			for range n {
				fat.Certificate = append(fat.Certificate, r.ca.cert.Raw)
			}
			cfg.Certificates = []tls.Certificate{fat}
			return cfg
		}
		each := len(r.ca.cert.Raw)
		c, err := r.dial(chain(40 << 10 / each))
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		if err == nil {
			t.Error("the client notices nothing")
		}
		if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrHandshakeSize) {
			t.Error(err)
		}
		tc, _ := r.open(chain(20 << 10 / each))
		echo(t, tc, "hello")
	})
}

// A panic in one of tls.Config's functions ends one connection.
func TestPanicInTheHandshake(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, func(_ *rig, cfg *tls.Config, _ *tlswrap.Options) {
			cert := cfg.Certificates[0]
			cfg.Certificates = nil
			cfg.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
				switch h.ServerName {
				case "panic.example":
					panic("GetCertificate")
				case "exit.example":
					runtime.Goexit()
				}
				return &cert, nil
			}
		})
		for _, name := range []string{"panic.example", "exit.example"} {
			cfg := r.config(tls.VersionTLS13)
			cfg.ServerName = name
			if _, err := r.dial(cfg); err == nil {
				t.Error("the handshake succeeded")
			}
			if err := recv(t, "the verdict", r.hands); err == nil {
				t.Error("no error")
			}
		}
		await(t, "the places", func() bool { run, _ := r.wrap.Handshakes(); return run == 0 })
		c, _ := r.open(r.config(tls.VersionTLS13))
		echo(t, c, "hello")
	})
}

// A drain lets a handshake in flight come to its end, and closes what has not begun.
func TestDrainDuringHandshake(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, nil)
		quiet, half := r.tcp(), r.tcp()
		_, _ = half.Write(clientHello(t)[:50])
		gate := make(chan struct{})
		conn := &held{Conn: r.tcp(), gate: gate}
		result := make(chan error, 1)
		go func() {
			c := tls.Client(strict{conn}, r.config(tls.VersionTLS13))
			if err := c.Handshake(); err != nil {
				result <- err
				return
			}
			_, err := c.Read(make([]byte, 1))
			result <- err
		}()
		await(t, "the handshake to begin", func() bool { run, _ := r.wrap.Handshakes(); return run == 1 })
		rep := make(chan drivers.Report, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			rep <- r.server.Shutdown(ctx)
		}()
		for _, c := range []net.Conn{quiet, half} {
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%d, %v", n, err)
			}
			_ = c.Close()
		}
		close(gate)
		if err := recv(t, "the client", result); err != io.EOF {
			t.Errorf("the client sees %v, not close_notify", err)
		}
		_ = conn.Close()
		if got := recv(t, "the drain", rep); got.Drained != 3 || got.TimedOut != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// held keeps back everything after the first write.
type held struct {
	net.Conn
	gate  chan struct{}
	wrote bool
}

func (c *held) Write(p []byte) (int, error) {
	if c.wrote {
		<-c.gate
	}
	c.wrote = true
	return c.Conn.Write(p)
}
