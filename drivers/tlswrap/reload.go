package tlswrap

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Files name what a Reloader reads, all in PEM.
type Files struct {
	// Cert is the server's certificate with its chain, Key its private key. They may be the same file.
	Cert, Key string
	// ClientCAs are the authorities whose client certificates are accepted; "" leaves tls.Config.ClientCAs as it is.
	ClientCAs string
}

// ticketLife is how long a session ticket is good for (RFC 8446 section 4.6.1: "Servers MUST NOT use any value greater than 604800
// seconds (7 days)"), ticketTurn how often a new key is made.
const (
	ticketLife = 7 * 24 * time.Hour
	ticketTurn = 24 * time.Hour
)

// Reloader is a server's configuration whose certificate, key and client authorities can change while it is in use: new handshakes
// see the new ones, connections that stand are left alone. Its methods are safe for concurrent use.
//
// A reload also changes the key of session tickets, so that no session of before it is resumed: a client whose certificate's
// authority was removed must show a certificate again. Between reloads the key rotates daily, as crypto/tls does by itself.
type Reloader struct {
	files Files
	base  *tls.Config
	now   atomic.Pointer[generation]

	mu    sync.Mutex // one reload at a time
	tried stamp      // the files at the last attempt
}

// generation is what one reload made.
type generation struct {
	cfg *tls.Config

	mu   sync.Mutex
	keys []ticketKey // newest first
	due  atomic.Int64
}

type ticketKey struct {
	key  [32]byte
	born time.Time
}

// stamp tells whether files have changed.
type stamp [3]struct {
	size int64
	mod  time.Time
}

// NewReloader reads the files for the first time. base gives everything that the files do not; it is copied, and its
// GetConfigForClient must be nil. Errors are those of Reload.
func NewReloader(files Files, base *tls.Config) (*Reloader, error) {
	if base == nil {
		base = &tls.Config{}
	}
	if base.GetConfigForClient != nil {
		return nil, fmt.Errorf("%w: GetConfigForClient is the Reloader's", ErrConfig)
	}
	r := &Reloader{files: files, base: base.Clone()}
	if err := r.Reload(); err != nil {
		return nil, err
	}
	return r, nil
}

// Config returns a configuration that always uses what was loaded last. It may be shared by any number of services and
// listeners.
func (r *Reloader) Config() *tls.Config {
	c := r.now.Load().cfg.Clone() // it passes Validate; nothing else in it is used
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		g := r.now.Load()
		g.rotate(r.time())
		return g.cfg, nil
	}
	return c
}

// Reload reads the files again. If anything is wrong with them (unreadable, a key that does not belong to the certificate, a
// certificate that has expired, a file of authorities without any, what Validate refuses) it says so and everything stays as
// it was.
func (r *Reloader) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = r.files.stamp()
	cfg := r.base.Clone()
	pair, err := tls.LoadX509KeyPair(r.files.Cert, r.files.Key)
	if err != nil {
		return fmt.Errorf("tlswrap: %w", err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return fmt.Errorf("tlswrap: %s: %w", r.files.Cert, err)
		}
	}
	if now := r.time(); now.After(pair.Leaf.NotAfter) {
		return fmt.Errorf("tlswrap: %s: %w", r.files.Cert, x509.CertificateInvalidError{Cert: pair.Leaf, Reason: x509.Expired,
			Detail: fmt.Sprintf("it ended on %s", pair.Leaf.NotAfter.Format(time.RFC3339))})
	}
	cfg.Certificates = []tls.Certificate{pair}
	if name := r.files.ClientCAs; name != "" {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("tlswrap: %w", err)
		}
		cfg.ClientCAs = x509.NewCertPool()
		if !cfg.ClientCAs.AppendCertsFromPEM(b) {
			return fmt.Errorf("tlswrap: %s has no certificate", name)
		}
	}
	if err := Validate(cfg); err != nil {
		return err
	}
	g := &generation{cfg: cfg}
	g.rotate(r.time())
	r.now.Store(g)
	return nil
}

// Watch looks at the files every so often, by size and time of change, and reloads when they differ from the last attempt. report,
// unless it is nil, is told what came of each reload: nil, or what is wrong. Watch returns when ctx ends. Certificates that are
// replaced file by file may fail once before they succeed.
func (r *Reloader) Watch(ctx context.Context, every time.Duration, report func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		same := r.tried == r.files.stamp()
		r.mu.Unlock()
		if same {
			continue
		}
		if err := r.Reload(); report != nil {
			report(err)
		}
	}
}

// Leaf returns the certificate in use.
func (r *Reloader) Leaf() *x509.Certificate { return r.now.Load().cfg.Certificates[0].Leaf }

func (r *Reloader) time() time.Time {
	if r.base.Time != nil {
		return r.base.Time()
	}
	return time.Now()
}

func (f Files) stamp() (s stamp) {
	for i, name := range []string{f.Cert, f.Key, f.ClientCAs} {
		if name == "" {
			continue
		}
		if fi, err := os.Stat(name); err == nil {
			s[i].size, s[i].mod = fi.Size(), fi.ModTime()
		}
	}
	return s
}

// rotate makes a new ticket key when the newest is a day old, and forgets those that no ticket can need any more.
func (g *generation) rotate(now time.Time) {
	if g.cfg.SessionTicketsDisabled || now.UnixNano() < g.due.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.UnixNano() < g.due.Load() {
		return
	}
	fresh := ticketKey{born: now}
	_, _ = rand.Read(fresh.key[:]) // never fails
	keys := []ticketKey{fresh}
	for _, k := range g.keys {
		if now.Sub(k.born) < ticketLife+ticketTurn {
			keys = append(keys, k)
		}
	}
	g.keys = keys
	plain := make([][32]byte, len(keys))
	for i, k := range keys {
		plain[i] = k.key
	}
	g.cfg.SetSessionTicketKeys(plain)
	g.due.Store(now.Add(ticketTurn).UnixNano())
}
