package tlswrap_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers/tlswrap"
)

// store writes certificates to files.
type store struct {
	tb    testing.TB
	dir   string
	files tlswrap.Files
}

func newStore(tb testing.TB) *store {
	dir := tb.TempDir()
	return &store{tb, dir, tlswrap.Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}}
}

func (s *store) put(name, kind string, der []byte) {
	s.tb.Helper()
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	if err := os.Rename(tmp, name); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *store) putCert(c tls.Certificate) {
	s.tb.Helper()
	s.put(s.files.Cert, "CERTIFICATE", c.Certificate[0])
}

func (s *store) putPair(c tls.Certificate) {
	s.tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.put(s.files.Key, "PRIVATE KEY", der)
	s.putCert(c)
}

// TL03: a reload during traffic: connections stay, new ones see the new certificate, tickets of before are not resumed.
func TestReload(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		st := newStore(t)
		var rl *tlswrap.Reloader
		r := newRig(t, e, func(r *rig, cfg *tls.Config, _ *tlswrap.Options) {
			st.putPair(r.ca.issue(t, "one.example"))
			var err error
			if rl, err = tlswrap.NewReloader(st.files, &tls.Config{NextProtos: []string{"x"}}); err != nil {
				t.Fatal(err)
			}
			cfg.Certificates, cfg.GetConfigForClient = nil, rl.Config().GetConfigForClient
		})
		cfg := r.config(v)
		cfg.NextProtos = []string{"x"}
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		name := func(c *tls.Conn) string { return c.ConnectionState().PeerCertificates[0].Subject.CommonName }
		old, _ := r.open(cfg)
		echo(t, old, "hello")
		again, _ := r.open(cfg)
		echo(t, again, "hello")
		if !again.ConnectionState().DidResume || name(old) != "one.example" || old.ConnectionState().NegotiatedProtocol != "x" {
			t.Errorf("resumed %v, %q", again.ConnectionState().DidResume, name(old))
		}
		st.putPair(r.ca.issue(t, "two.example"))
		if err := rl.Reload(); err != nil {
			t.Fatal(err)
		}
		fresh, _ := r.open(cfg)
		echo(t, fresh, "hello")
		if name(fresh) != "two.example" || fresh.ConnectionState().DidResume {
			t.Errorf("%q, resumed %v", name(fresh), fresh.ConnectionState().DidResume)
		}
		echo(t, old, "still here")
		if rl.Leaf().Subject.CommonName != "two.example" {
			t.Errorf("%v", rl.Leaf().Subject)
		}
	})
}

// A bad new file keeps the old one, and says what is wrong.
func TestReloadKeepsTheOldOne(t *testing.T) {
	ca := newAuthority(t)
	st := newStore(t)
	st.files.ClientCAs = filepath.Join(st.dir, "ca.pem")
	st.put(st.files.ClientCAs, "CERTIFICATE", ca.cert.Raw)
	st.putPair(ca.issue(t, "one.example"))
	rl, err := tlswrap.NewReloader(st.files, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	if err := tlswrap.Validate(rl.Config()); err != nil {
		t.Error(err)
	}
	bad := func(what, contains string) {
		t.Helper()
		if err := rl.Reload(); err == nil || !strings.Contains(err.Error(), contains) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := tlswrap.NewReloader(st.files, nil); err == nil {
			t.Errorf("%s: NewReloader takes it", what)
		}
		if rl.Leaf().Subject.CommonName != "one.example" {
			t.Errorf("%s: replaced by %v", what, rl.Leaf().Subject)
		}
	}
	st.putCert(ca.issue(t, "two.example"))
	bad("another key's certificate", "private key does not match")
	if err := os.WriteFile(st.files.Cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad("garbage", "failed to find any PEM data")
	if err := os.Remove(st.files.Cert); err != nil {
		t.Fatal(err)
	}
	bad("no file", "no such file")
	st.putPair(ca.issueUntil(t, "three.example", time.Now().Add(-time.Minute)))
	bad("an expired certificate", "expired")
	st.putPair(ca.issue(t, "four.example"))
	if err := os.WriteFile(st.files.ClientCAs, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad("no authorities", "no certificate")
	st.put(st.files.ClientCAs, "CERTIFICATE", ca.cert.Raw)
	if err := rl.Reload(); err != nil || rl.Leaf().Subject.CommonName != "four.example" {
		t.Errorf("%v, %v", err, rl.Leaf().Subject)
	}
	if _, err := tlswrap.NewReloader(st.files, rl.Config()); !errors.Is(err, tlswrap.ErrConfig) {
		t.Errorf("a Reloader of a Reloader: %v", err)
	}
}

// Watch notices changes, each once, while clients come and go.
func TestWatch(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		st := newStore(t)
		var rl *tlswrap.Reloader
		r := newRig(t, e, func(r *rig, cfg *tls.Config, _ *tlswrap.Options) {
			st.putPair(r.ca.issue(t, "one.example"))
			var err error
			if rl, err = tlswrap.NewReloader(st.files, nil); err != nil {
				t.Fatal(err)
			}
			cfg.Certificates, cfg.GetConfigForClient = nil, rl.Config().GetConfigForClient
		})
		ctx, cancel := context.WithCancel(context.Background())
		reports := make(chan error, 100)
		var wg sync.WaitGroup
		wg.Go(func() { rl.Watch(ctx, 2*time.Millisecond, func(err error) { reports <- err }) })
		var served atomic.Int64
		for range 2 {
			wg.Go(func() {
				for ctx.Err() == nil {
					c, err := r.dial(r.config(tls.VersionTLS13))
					if err == nil {
						if _, err = io.WriteString(c, "hello"); err == nil {
							_, err = io.ReadFull(c, make([]byte, 5))
						}
						_ = c.Close()
					}
					if err != nil {
						t.Error(err)
						return
					}
					served.Add(1)
				}
			})
		}
		await(t, "traffic", func() bool { return served.Load() > 2 })
		if err := os.WriteFile(st.files.Cert, []byte("bad"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := recv(t, "the report", reports); err == nil {
			t.Error("garbage was loaded")
		}
		st.putPair(r.ca.issue(t, "two.example"))
		for recv(t, "the report", reports) != nil { // the key may be seen before the certificate
		}
		if rl.Leaf().Subject.CommonName != "two.example" {
			t.Errorf("%v", rl.Leaf().Subject)
		}
		n := served.Load()
		await(t, "traffic", func() bool { return served.Load() > n+2 })
		cancel()
		wg.Wait()
	})
}

// Ticket keys rotate daily; a ticket of yesterday is good, one of nine days ago is not.
func TestTicketKeysRotate(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		var now atomic.Int64
		now.Store(time.Now().Unix())
		clock := func() time.Time { return time.Unix(now.Load(), 0) }
		st := newStore(t)
		r := newRig(t, e, func(r *rig, cfg *tls.Config, _ *tlswrap.Options) {
			st.putPair(r.ca.issueUntil(t, "one.example", time.Now().Add(1000*time.Hour)))
			rl, err := tlswrap.NewReloader(st.files, &tls.Config{Time: clock})
			if err != nil {
				t.Fatal(err)
			}
			cfg.Certificates, cfg.GetConfigForClient = nil, rl.Config().GetConfigForClient
		})
		cfg := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(1), Time: clock}
		resumed := func() bool {
			c, _ := r.open(cfg)
			echo(t, c, "hello")
			return c.ConnectionState().DidResume
		}
		if resumed() {
			t.Error("resumed what?")
		}
		now.Add(25 * 3600)
		if !resumed() {
			t.Error("a ticket of yesterday is not resumed")
		}
		now.Add(9 * 24 * 3600)
		if resumed() {
			t.Error("a ticket of nine days ago is resumed")
		}
	})
}
