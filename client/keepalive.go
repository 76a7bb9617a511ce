package client

import (
	"sync/atomic"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// Keepalive finds out that the server of an HTTP/2 connection is gone without a word: a machine without power, a NAT that forgot.
// Servers limit how often they may be asked (gRPC's to once in five minutes unless told otherwise): one that ends the connection with
// "too_many_pings" has PingAfter doubled for the connections that follow.
type Keepalive struct {
	// PingAfter: a server that was silent for so long is sent a PING. Zero and negative: none, and nothing else of this has a meaning.
	PingAfter time.Duration
	// PingTimeout is how long the server may take to answer, or to say anything else; then the connection is dropped and its calls
	// fail with ErrUnresponsive. Default 20 s. Negative: none.
	PingTimeout time.Duration
	// PingIdle sends PINGs also while no call is under way. gRPC servers take that amiss unless told otherwise.
	PingIdle bool
}

// DefaultPingTimeout is the default of Keepalive.PingTimeout.
const DefaultPingTimeout = 20 * time.Second

// maxPingAfter bounds the doubling of PingAfter.
const maxPingAfter = 24 * time.Hour

// keepSettings are a Transport's. after may grow.
type keepSettings struct {
	after   atomic.Int64
	timeout time.Duration
	idle    bool
}

func (k Keepalive) settings() *keepSettings {
	if k.PingAfter <= 0 {
		return nil
	}
	s := &keepSettings{timeout: pick(k.PingTimeout, DefaultPingTimeout), idle: k.PingIdle}
	s.after.Store(int64(k.PingAfter))
	return s
}

// h2keep is a connection's. Its zero value is for a Transport without Keepalive.
type h2keep struct {
	set   *keepSettings
	after time.Duration
	heard codec.Time // the last bytes of the server's
	asked codec.Time // when the PING was sent that awaits its answer, Never: none does
	by    codec.Time // look again
}

func (k *h2keep) init(set *keepSettings, now codec.Time) {
	if set != nil {
		*k = h2keep{set: set, after: time.Duration(set.after.Load()), heard: now}
	}
}

// hear notes that something came.
func (k *h2keep) hear(now codec.Time) {
	if k.heard = now; k.asked != codec.Never {
		k.asked, k.by = codec.Never, now.Add(k.after)
	}
}

// calm doubles the time between PINGs for the connections that follow, once for all that had the same.
func (k *h2keep) calm() {
	if k.set != nil {
		k.set.after.CompareAndSwap(int64(k.after), int64(min(2*k.after, maxPingAfter)))
	}
}

// tooMany is the debug data of a GOAWAY for PINGs (gRPC proposal A8).
const tooMany = "too_many_pings"

// watch has the server asked in time if anybody waits for it.
func (m *h2) watch(now codec.Time) {
	if k := &m.keep; k.set != nil && k.by == codec.Never && (k.set.idle || m.busy()) && !m.close && !m.abort {
		k.heard = now // it was not expected to say anything
		k.by = now.Add(k.after)
	}
}

// busy reports whether calls are under way or wait.
func (m *h2) busy() bool { return len(m.wait) > 0 || len(m.free) < len(m.slots) }

// keepalive does what is due.
func (m *h2) keepalive(t *drivers.Turn) {
	k := &m.keep
	if !k.by.Reached(t.Now) || m.close || m.abort {
		return
	}
	if k.asked != codec.Never {
		k.by = codec.Never
		m.abort = true
		m.leave(ErrUnresponsive)
		m.dropAll(ErrUnresponsive, true)
		return
	}
	if !k.set.idle && !m.busy() {
		k.by = codec.Never
		return
	}
	if k.by = k.heard.Add(k.after); !k.by.Reached(t.Now) {
		return
	}
	_ = m.c.Ping(pingOpaque) // if one is under way still, that is as good
	if k.set.timeout == 0 {
		k.by = t.Now.Add(k.after)
		return
	}
	k.asked, k.by = t.Now, t.Now.Add(k.set.timeout)
}

var pingOpaque = [8]byte{'p', 'u', 'r', 'e', ' ', 'y', 'o', 'u'}

// calmed reports whether a GOAWAY tells to send fewer PINGs.
func calmed(ev *http2.Event) bool {
	return ev.Code == http2.EnhanceYourCalm && string(ev.Data) == tooMany
}
