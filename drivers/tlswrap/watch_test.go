package tlswrap_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// patience is how long a test waits for what must happen, slow how long a handshake may take where that is not what is tested: hundreds at
// once, on a busy machine, with the race detector.
const patience, slow = time.Minute, 5 * time.Minute

// watched is a service of echoing machines that tell what happens to them. 'q' in the input closes, 'p' stops wanting input until
// Wake.
type watched struct {
	accepted chan *watchedConn
	refuse   bool
}

func newWatched() *watched { return &watched{accepted: make(chan *watchedConn, 100)} }

func (w *watched) NewLocal() any { return nil }

func (w *watched) Accept(_ *drivers.Turn, l drivers.Link) drivers.Machine {
	if w.refuse {
		return nil
	}
	m := &watchedConn{link: l, closed: make(chan error, 1), state: l.(interface{ ConnectionState() *tls.ConnectionState }).ConnectionState()}
	w.accepted <- m
	return m
}

type watchedConn struct {
	link   drivers.Link
	state  *tls.ConnectionState
	closed chan error

	peerClosed   atomic.Bool
	paused, done bool
	in           atomic.Int64
}

func (m *watchedConn) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	n := min(len(src), t.Max)
	if i := bytes.IndexByte(src[:n], 'p'); i >= 0 && !m.paused {
		n = i + 1
		m.paused = true
	}
	if bytes.IndexByte(src[:n], 'q') >= 0 {
		m.done = true
	}
	m.in.Add(int64(n))
	return n, append(dst, src[:n]...)
}

func (m *watchedConn) Transmit(_ *drivers.Turn, dst []byte) []byte { return dst }
func (m *watchedConn) PeerClosed(*drivers.Turn)                    { m.peerClosed.Store(true); m.done = true }
func (m *watchedConn) Advance(*drivers.Turn)                       { m.paused = false }
func (m *watchedConn) Deadline() codec.Time                        { return codec.Never }
func (m *watchedConn) Closed(err error)                            { m.closed <- err }
func (m *watchedConn) Drain(*drivers.Turn)                         { m.done = true }
func (m *watchedConn) InFlight() bool                              { return m.paused }

func (m *watchedConn) Status() drivers.Status {
	switch {
	case m.done:
		return drivers.Closing
	case m.paused:
		return 0
	}
	return drivers.WantInput
}

func recv[T any](tb testing.TB, what string, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		tb.Fatalf("waited in vain for: %s", what)
		panic("unreachable")
	}
}

func await(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("waited in vain for: %s", what)
		}
	}
}

// rig is a server on one engine, with an authority and a log of handshakes.
type rig struct {
	tb     testing.TB
	svc    *watched
	wrap   *tlswrap.Service
	server drivertest.Server
	ca     *authority
	hands  chan error
}

// newRig starts a server. set may change its configuration.
func newRig(tb testing.TB, e engine, set func(r *rig, cfg *tls.Config, opt *tlswrap.Options)) *rig {
	tb.Helper()
	r := &rig{tb: tb, svc: newWatched(), ca: newAuthority(tb), hands: make(chan error, 100_000)}
	cfg := &tls.Config{Certificates: []tls.Certificate{r.ca.issue(tb, "localhost")}}
	opt := tlswrap.Options{HandshakeTimeout: slow, OnHandshake: func(l drivers.Link, err error) {
		if st := l.(interface{ ConnectionState() *tls.ConnectionState }).ConnectionState(); (st != nil) != (err == nil) {
			tb.Errorf("OnHandshake(%v) with state %v", err, st)
		}
		r.hands <- err
	}}
	if set != nil {
		set(r, cfg, &opt)
	}
	var err error
	if r.wrap, err = tlswrap.New(drivertest.Guard(tb, r.svc), cfg, opt); err != nil {
		tb.Fatal(err)
	}
	r.server = e.start(tb, drivertest.Guard(tb, r.wrap), options())
	tb.Cleanup(func() { _ = r.server.Close() })
	return r
}

// tcp connects without TLS.
func (r *rig) tcp() net.Conn {
	r.tb.Helper()
	a := r.server.Addrs()[0]
	c, err := net.DialTimeout(a.Network(), a.String(), patience)
	if err != nil {
		r.tb.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r.tb.Cleanup(func() { _ = c.Close() })
	return c
}

func (r *rig) config(version uint16) *tls.Config {
	return &tls.Config{RootCAs: r.ca.pool, ServerName: "localhost", MinVersion: version, MaxVersion: version}
}

// dial connects and shakes hands.
func (r *rig) dial(cfg *tls.Config) (*tls.Conn, error) {
	r.tb.Helper()
	c := tls.Client(strict{r.tcp()}, cfg)
	return c, c.Handshake()
}

// open is dial that succeeds, and the machine on the other side.
func (r *rig) open(cfg *tls.Config) (*tls.Conn, *watchedConn) {
	r.tb.Helper()
	c, err := r.dial(cfg)
	if err != nil {
		r.tb.Fatal(err)
	}
	if err := recv(r.tb, "the handshake", r.hands); err != nil {
		r.tb.Fatal(err)
	}
	return c, recv(r.tb, "the inner Accept", r.svc.accepted)
}

var errBareFIN = errors.New("FIN without close_notify")

// strict makes crypto/tls, which forgives it, tell a FIN from close_notify.
type strict struct{ net.Conn }

func (c strict) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = errBareFIN
	}
	return n, err
}

// echo sends s and expects it back.
func echo(tb testing.TB, c net.Conn, s string) {
	tb.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		tb.Fatal(err)
	}
	b := make([]byte, len(s))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != s {
		tb.Fatalf("%q came back as %q, %v", s, b, err)
	}
}

// everywhere runs a test on each engine.
func everywhere(t *testing.T, f func(t *testing.T, e engine)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { f(t, e) })
	}
}

// everyVersion runs a test on each engine with each version.
func everyVersion(t *testing.T, f func(t *testing.T, e engine, version uint16)) {
	everywhere(t, func(t *testing.T, e engine) {
		for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tls.VersionName(v), func(t *testing.T) { f(t, e, v) })
		}
	})
}

func options() drivertest.Options { return drivertest.Options{Linger: 100 * time.Millisecond} }

// miser consumes nothing.
type miser struct {
	ends chan error
	done bool
}

func (m *miser) Receive(_ *drivers.Turn, _, dst []byte) (int, []byte) { return 0, dst }
func (m *miser) Transmit(_ *drivers.Turn, dst []byte) []byte          { return dst }
func (m *miser) PeerClosed(*drivers.Turn)                             { m.done = true }
func (m *miser) Advance(*drivers.Turn)                                {}
func (m *miser) Deadline() codec.Time                                 { return codec.Never }
func (m *miser) Closed(err error)                                     { m.ends <- err }

func (m *miser) Status() drivers.Status {
	if m.done {
		return drivers.Closing
	}
	return drivers.WantInput
}
