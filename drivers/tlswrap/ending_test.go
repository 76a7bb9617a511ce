package tlswrap_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// RFC 8446 section 6.1: close_notify is the end of the stream; it is answered with close_notify.
func TestCloseNotify(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		c, m := r.open(r.config(v))
		if _, err := io.WriteString(c, "last words"); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c) // strict: a bare FIN is an error
		if string(got) != "last words" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if err := recv(t, "the end", m.closed); err != nil || !m.peerClosed.Load() {
			t.Errorf("Closed(%v), PeerClosed %v", err, m.peerClosed.Load())
		}
	})
}

// RFC 8446 section 6.1: "Each party MUST send a "close_notify" alert before closing its write side".
func TestServerSendsCloseNotify(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		c, m := r.open(r.config(v))
		if _, err := io.WriteString(c, "q"); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); string(got) != "q" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		_ = c.Close()
		if err := recv(t, "the end", m.closed); err != nil || m.peerClosed.Load() {
			t.Errorf("Closed(%v), PeerClosed %v", err, m.peerClosed.Load())
		}
	})
}

// T-03: a FIN without close_notify is a truncation: an error, and never PeerClosed.
func TestTruncation(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		for _, tail := range []string{"", "\x17", "\x17\x03\x03\x00\x20", "\x17\x03\x03\x00\x20half a record"} {
			c, m := r.open(r.config(v))
			echo(t, c, "hello")
			raw := c.NetConn().(strict).Conn.(*net.TCPConn)
			if _, err := io.WriteString(raw, tail); err != nil {
				t.Fatal(err)
			}
			if err := raw.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if err := recv(t, "the end", m.closed); !errors.Is(err, tlswrap.ErrTruncated) || m.peerClosed.Load() {
				t.Errorf("%q: Closed(%v), PeerClosed %v", tail, err, m.peerClosed.Load())
			}
		}
	})
}

// The order of things counts, not when the driver sees them: close_notify that waits behind input which the machine does not want yet is
// found when it is its turn; and a FIN there is a truncation only then.
func TestEndBehindUnwantedInput(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		for _, polite := range []bool{true, false} {
			c, m := r.open(r.config(v))
			echo(t, c, "p") // the machine wants no more input
			for range 3 {
				if _, err := io.WriteString(c, "more"); err != nil {
					t.Fatal(err)
				}
			}
			if polite {
				_ = c.CloseWrite()
			}
			_ = c.NetConn().(strict).Conn.(*net.TCPConn).CloseWrite()
			time.Sleep(20 * time.Millisecond) // for the FIN to be seen early, if it is going to be
			select {
			case err := <-m.closed:
				t.Fatalf("Closed(%v) with unread input", err)
			default:
			}
			m.link.Wake()
			err := recv(t, "the end", m.closed)
			if m.in.Load() != 1+3*4 {
				t.Errorf("%d bytes were presented", m.in.Load())
			}
			if polite && (err != nil || !m.peerClosed.Load()) || !polite && (!errors.Is(err, tlswrap.ErrTruncated) || m.peerClosed.Load()) {
				t.Errorf("polite %v: Closed(%v), PeerClosed %v", polite, err, m.peerClosed.Load())
			}
			_ = c.Close()
		}
	})
}

// RFC 8446 section 6.1: "Any data received after a closure alert has been received MUST be ignored."
func TestDataAfterCloseNotify(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		c, m := r.open(r.config(v))
		raw := c.NetConn().(strict).Conn
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, _ = raw.Write(bytes.Repeat([]byte("\x17\x03\x03\x00\x04junk"), 100))
		if err := recv(t, "the end", m.closed); err != nil || m.in.Load() != 0 {
			t.Errorf("Closed(%v) after %d bytes", err, m.in.Load())
		}
	})
}

// The inner service may refuse: the peer sees an orderly end.
func TestInnerRefuses(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, func(r *rig, _ *tls.Config, _ *tlswrap.Options) { r.svc.refuse = true })
		c, err := r.dial(r.config(v))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// A drain closes idle connections with close_notify.
func TestDrain(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		idle, m1 := r.open(r.config(v))
		busy, m2 := r.open(r.config(v))
		echo(t, busy, "p")
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		rep := make(chan drivers.Report, 1)
		go func() { rep <- r.server.Shutdown(ctx) }()
		for _, c := range []*tls.Conn{idle, busy} {
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%d, %v", n, err)
			}
			_ = c.Close()
		}
		if got := recv(t, "the drain", rep); got.Drained != 2 || got.TimedOut != 0 {
			t.Errorf("%+v", got)
		}
		recv(t, "the end", m1.closed)
		recv(t, "the end", m2.closed)
	})
}

// A reset is a reset, with TLS as without.
func TestReset(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, nil)
		c, m := r.open(r.config(tls.VersionTLS13))
		echo(t, c, "hello")
		raw := c.NetConn().(strict).Conn.(*net.TCPConn)
		_ = raw.SetLinger(0)
		_ = raw.Close()
		if err := recv(t, "the end", m.closed); err == nil || errors.Is(err, tlswrap.ErrTruncated) || m.peerClosed.Load() {
			t.Errorf("Closed(%v), PeerClosed %v", err, m.peerClosed.Load())
		}
	})
}

// TL06: 2,000 connections that wait cost no goroutine on the reactor (and one each, the connection's own, on stdnet). The honest twin:
// all of them still work. Fewer where there are not the descriptors for so many.
func TestIdleConnections(t *testing.T) {
	n := min(2000, pairs())
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, nil)
		cfg := r.config(tls.VersionTLS13)
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		cfg.CurvePreferences = []tls.CurveID{tls.X25519}
		warm, _ := r.open(cfg)
		echo(t, warm, "hello")
		before := runtime.NumGoroutine()
		conns := make([]*tls.Conn, n)
		for i := range conns {
			conns[i], _ = r.open(cfg)
			_ = conns[i].SetDeadline(time.Now().Add(10 * patience))
		}
		allowed := before + 16 // goroutines that finished a handshake wait a while for the next
		if e.name == "stdnet" {
			allowed += n
		}
		await(t, "the handshakes' goroutines to end", func() bool { return runtime.NumGoroutine() <= allowed })
		for _, c := range conns {
			echo(t, c, "hello")
		}
		if g := runtime.NumGoroutine(); g > allowed {
			t.Errorf("%d goroutines for %d connections", g-before, n)
		}
		for _, c := range conns {
			_ = c.Close()
		}
	})
}

// Plaintext that the machine leaves is bounded, and its twin just below.
func TestMaxTail(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		ends := make(chan error, 1)
		svc, err := tlswrap.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return &miser{ends: ends} }),
			&tls.Config{Certificates: []tls.Certificate{newAuthority(t).issue(t, "localhost")}}, tlswrap.Options{MaxTail: 40_000})
		if err != nil {
			t.Fatal(err)
		}
		s := e.start(t, svc, options())
		t.Cleanup(func() { _ = s.Close() })
		for _, n := range []int{40_000, 40_001} {
			c, err := secured{s, &tls.Config{InsecureSkipVerify: true}}.Dial(s.Addrs()[0])
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write([]byte(strings.Repeat("x", n)))
			if n == 40_000 {
				_ = c.(*tls.Conn).CloseWrite()
			}
			err = recv(t, "the end", ends)
			if n == 40_000 && err != nil || n > 40_000 && !errors.Is(err, drivers.ErrTail) {
				t.Errorf("%d bytes: Closed(%v)", n, err)
			}
			_ = c.Close()
		}
	})
}
