package tlswrap_test

import (
	"bytes"
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
	"github.com/purewire/purewire/drivers/tlspeek"
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
			r := newRig(t, e, func(_ *rig, _ *tls.Config, o *tlswrap.Options) { o.HandshakeTimeout = 50 * time.Millisecond })
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
				continue
			}
			if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrHandshakeTimeout) {
				t.Errorf("after %d bytes: %v", sent, err)
			}
			await(t, "the slot", func() bool { run, wait := r.wrap.Handshakes(); return run == 0 && wait == 0 })
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

// T-01: a handshake and data that come one byte at a time.
func TestOneByteAtATime(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		c := tls.Client(dribble{r.tcp()}, r.config(v))
		echo(t, c, strings.Repeat("hello ", 300))
		_ = c.Close()
		m := recv(t, "accept", r.svc.accepted)
		if err := recv(t, "the end", m.closed); err != nil || !m.peerClosed.Load() {
			t.Errorf("Closed(%v), PeerClosed %v", err, m.peerClosed.Load())
		}
	})
}

// shred splits handshake records into records of one byte.
type shred struct {
	net.Conn
	done bool
}

func (c *shred) Write(p []byte) (int, error) {
	if c.done || p[0] != 22 {
		return c.Conn.Write(p)
	}
	c.done = true
	var out []byte
	for _, b := range p[5:] {
		out = append(out, 22, p[1], p[2], 0, 1, b)
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// T-01: "ClientHello split into 1-byte records". RFC 8446 section 5.1: "Handshake messages MAY be coalesced into a single TLSPlaintext
// record or fragmented across several records".
func TestHelloInOneByteRecords(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		cfg := r.config(v)
		cfg.CurvePreferences = []tls.CurveID{tls.X25519} // a short hello: six bytes of records for each of its own
		c := tls.Client(&shred{Conn: r.tcp()}, cfg)
		echo(t, c, "hello")
	})
}

// What is no TLS gets an alert, or what Options.NotTLS says, at once; and costs no handshake.
func TestNotTLS(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		alert := []byte{21, 3, 1, 0, 2, 2, 10} // unexpected_message
		r := newRig(t, e, func(_ *rig, _ *tls.Config, o *tlswrap.Options) {
			o.NotTLS = func(first []byte) []byte {
				if first[0] == 'G' {
					return []byte("this is a TLS port\n")
				}
				return nil
			}
		})
		for in, want := range map[string]string{
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n":     "this is a TLS port\n",
			"\x00":                                  string(alert),
			"SSH-2.0-x\r\n":                         string(alert),
			"\x80\x2e\x01\x03\x01":                  string(alert), // SSLv2
			"\x15\x03\x01\x00\x02\x01\x00":          string(alert), // an alert
			"\x17\x03\x03\x00\x01x":                 string(alert), // application data
			"\x16\x02":                              string(alert), // no version 3
			"\x16\x03\x01\x00\x00":                  string(alert), // empty
			"\x16\x03\x01\x40\x01":                  string(alert), // longer than a record may be
			"\x16\x03\x01\x00\x01\x02":              string(alert), // a ServerHello
			"\x16\x03\x01\x00\x01\x01\x17\x03\x01x": string(alert), // goes on as something else
		} {
			c := r.tcp()
			if _, err := io.WriteString(c, in); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(c)
			if string(got) != want || err != nil {
				t.Errorf("%q is answered with %q, %v", in, got, err)
			}
			if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrNotTLS) {
				t.Errorf("%q: %v", in, err)
			}
			_ = c.Close()
		}
	})
}

// T-01: the cap on the ClientHello, declared or reached, and its twin just below.
func TestHelloTooLong(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, func(_ *rig, cfg *tls.Config, o *tlswrap.Options) {
			o.MaxHello = 8 << 10
			cfg.NextProtos = []string{"x"}
		})
		decodeError := []byte{21, 3, 1, 0, 2, 2, 50}
		c := r.tcp()
		_, _ = c.Write([]byte{22, 3, 1, 0x10, 0, 1, 0, 0x20, 0}) // declares 8 KiB
		if got, err := io.ReadAll(c); !bytes.Equal(got, decodeError) || err != nil {
			t.Errorf("%x, %v", got, err)
		}
		if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrHello) {
			t.Error(err)
		}
		c = r.tcp() // six bytes for one
		_, _ = c.Write(slices.Concat([]byte{22, 3, 1, 0, 4, 1, 0, 0x10, 0}, bytes.Repeat([]byte{22, 3, 1, 0, 1, 0}, 1400)))
		if got, err := io.ReadAll(c); !bytes.Equal(got, decodeError) || err != nil {
			t.Errorf("%x, %v", got, err)
		}
		if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrHello) {
			t.Error(err)
		}
		cfg := r.config(tls.VersionTLS13)
		for i := range 25 { // 6.4 KB of protocols
			cfg.NextProtos = append(cfg.NextProtos, fmt.Sprintf("%0250d", i))
		}
		cfg.NextProtos = append(cfg.NextProtos, "x")
		tc, _ := r.open(cfg)
		echo(t, tc, "hello")
	})
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

// TL09: OnHello sees the ClientHello before anything else happens, and may refuse.
func TestOnHello(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		prints := make(chan string, 10)
		var link drivers.Link
		r := newRig(t, e, func(_ *rig, cfg *tls.Config, o *tlswrap.Options) {
			cfg.NextProtos = []string{"h2"}
			o.OnHello = func(l drivers.Link, h *tlspeek.Hello) byte {
				if string(h.ServerName) == "forbidden.example" {
					return 112 // unrecognized_name
				}
				link = l
				prints <- fmt.Sprintf("%s %s %s", h.ServerName, h.Protocols, h.JA4(nil)[:3])
				return 0
			}
		})
		cfg := r.config(v)
		cfg.NextProtos = []string{"h2"}
		cfg.ServerName = "forbidden.example"
		if _, err := r.dial(cfg); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("the client sees %v", err)
		}
		var refused *tlswrap.RefusedError
		if err := recv(t, "the verdict", r.hands); !errors.As(err, &refused) || refused.Alert != 112 {
			t.Error(err)
		}
		cfg.ServerName = "localhost"
		c, m := r.open(cfg)
		echo(t, c, "hello")
		want := map[uint16]string{tls.VersionTLS12: "localhost [h2] t12", tls.VersionTLS13: "localhost [h2] t13"}[v]
		if got := recv(t, "the hello", prints); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if link.RemoteAddr().String() != m.link.RemoteAddr().String() {
			t.Error("another link")
		}
		// What tlspeek cannot read is refused.
		raw := r.tcp()
		_, _ = raw.Write([]byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 0})
		if got, err := io.ReadAll(raw); !bytes.Equal(got, []byte{21, 3, 1, 0, 2, 2, 50}) || err != nil {
			t.Errorf("%x, %v", got, err)
		}
		var bad *tlspeek.Error
		if err := recv(t, "the verdict", r.hands); !errors.As(err, &bad) {
			t.Error(err)
		}
	})
}
