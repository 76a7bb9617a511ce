package tlswrap

import (
	"crypto/tls"
	"net"

	"github.com/purewire/purewire/drivers"
)

// link is what the inner machine sees of its connection.
type link conn

var _ drivers.Link = (*link)(nil)

// Wake implements drivers.Link.
func (l *link) Wake() {
	l.woken.Store(true)
	l.outer.Wake()
}

// Post implements drivers.Link.
func (l *link) Post(fn func(t *drivers.Turn, err error)) error {
	return l.outer.Post(func(t *drivers.Turn, err error) {
		l.flags |= fFeed
		fn(t.Local.(*local).enter(t), err)
	})
}

// Go implements drivers.Link.
func (l *link) Go(fn func()) {
	l.outer.Go(func() {
		defer l.woken.Store(true)
		fn()
	})
}

// Pump implements drivers.Link.
func (l *link) Pump() bool { return l.outer.Pump() }

// Watch implements drivers.Link.
func (l *link) Watch() { l.outer.Watch() }

// LocalAddr implements drivers.Link.
func (l *link) LocalAddr() net.Addr { return l.outer.LocalAddr() }

// RemoteAddr implements drivers.Link.
func (l *link) RemoteAddr() net.Addr { return l.outer.RemoteAddr() }

// Unsent implements drivers.Link. It counts ciphertext.
func (l *link) Unsent() int { return l.outer.Unsent() }

// ConnectionState returns what the handshake came to, nil if it did not succeed. All callers share the result.
func (l *link) ConnectionState() *tls.ConnectionState {
	if s := l.shared.Load(); s != nil {
		return s
	}
	if !l.secure.Load() {
		return nil
	}
	s := l.tls.ConnectionState()
	if !l.shared.CompareAndSwap(nil, &s) {
		return l.shared.Load()
	}
	return &s
}
