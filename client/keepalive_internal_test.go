package client

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
	"github.com/stretchr/testify/require"
)

// keepRig is an HTTP/2 machine whose server is an http2.Conn, on a clock that the test moves.
type keepRig struct {
	t      *testing.T
	m      *h2
	turn   drivers.Turn
	srv    http2.Conn
	deaf   bool // the server says nothing
	pings  int
	closed bool
	goneIn []error
	id     uint32
}

func (r *keepRig) idle(machine)              {}
func (r *keepRig) gone(_ machine, err error) { r.goneIn = append(r.goneIn, err) }

func (r *keepRig) Wake()                {}
func (r *keepRig) Go(fn func())         { r.t.Error("Go") }
func (r *keepRig) Pump() bool           { return false }
func (r *keepRig) Watch()               {}
func (r *keepRig) Unsent() int          { return 0 }
func (r *keepRig) LocalAddr() net.Addr  { return nil }
func (r *keepRig) RemoteAddr() net.Addr { return nil }
func (r *keepRig) Post(fn func(*drivers.Turn, error)) error {
	fn(&r.turn, nil)
	return nil
}

func newKeepRig(t *testing.T, k Keepalive) *keepRig {
	r := &keepRig{t: t, turn: drivers.Turn{Now: codec.Time(time.Hour), Max: 64 << 10, Local: newLocals()}}
	r.m = newH2(&r.turn, r, r, http2.Config{Limits: http2.Limits{StallTimeout: -1}}.Profile(), k.settings())
	r.srv.Init(http2.Server, nil)
	r.srv.Advance(r.turn.Now)
	r.settle()
	return r
}

// settle carries bytes until both are silent.
func (r *keepRig) settle() {
	for range 100 {
		out := r.m.Transmit(&r.turn, nil)
		r.pings += bytes.Count(out, http2.AppendPing(nil, pingOpaque, false))
		if st := r.m.Status(); st&(drivers.Closing|drivers.Abort) != 0 && !r.closed {
			r.closed = true
			r.m.Closed(errors.New("closed by the driver"))
		}
		if r.closed {
			return
		}
		var ev http2.Event
		for {
			n, err := r.srv.Next(out, &ev)
			require.NoError(r.t, err)
			out = out[n:]
			if ev.Kind == http2.None {
				break
			}
			if ev.Kind == http2.Request {
				r.id = ev.Stream
			}
		}
		in := r.srv.AppendOwed(nil, 1<<16)
		if r.deaf || len(in) == 0 {
			return
		}
		r.hear(in)
	}
	r.t.Fatal("they never come to rest")
}

func (r *keepRig) hear(in []byte) {
	n, out := r.m.Receive(&r.turn, in, nil)
	require.Equal(r.t, len(in), n)
	var ev http2.Event
	for {
		n, err := r.srv.Next(out, &ev)
		require.NoError(r.t, err)
		if out = out[n:]; ev.Kind == http2.None {
			break
		}
	}
}

func (r *keepRig) wait(d time.Duration) {
	for range 100 {
		r.turn.Now = r.turn.Now.Add(d / 100)
		r.srv.Advance(r.turn.Now)
		if !r.closed && r.m.Deadline().Reached(r.turn.Now) {
			r.m.Advance(&r.turn)
			r.settle()
		}
	}
}

// begin starts a call that the server does not answer.
func (r *keepRig) begin() *call {
	req, err := http.NewRequest("GET", "http://a/", nil)
	require.NoError(r.t, err)
	c := newCall(req)
	require.True(r.t, r.m.reserve())
	require.NoError(r.t, r.m.begin(c))
	r.settle()
	return c
}

// A server that says nothing is asked, and given up if it does not answer.
func TestKeepalive(t *testing.T) {
	r := newKeepRig(t, Keepalive{PingAfter: time.Minute})
	c := r.begin()
	r.deaf = true
	r.wait(59 * time.Second)
	require.Zero(t, r.pings)
	r.wait(2 * time.Second)
	require.Equal(t, 1, r.pings)
	r.wait(DefaultPingTimeout - 2*time.Second)
	require.False(t, r.closed)
	r.wait(3 * time.Second)
	require.True(t, r.closed)
	require.Equal(t, 1, r.pings)
	<-c.ready
	require.ErrorIs(t, c.err, ErrUnresponsive)
	var ne net.Error
	require.True(t, errors.As(c.err, &ne) && ne.Timeout())
	require.Equal(t, error(ErrUnresponsive), r.goneIn[0], "the pool learns it before the caller")
	require.False(t, r.m.reserve(), "a connection that is gone takes a call")
}

// The twins of TestKeepalive: a server that answers, one that talks, one that nobody waits for.
func TestTwinKeepalive(t *testing.T) {
	r := newKeepRig(t, Keepalive{PingAfter: time.Minute, PingTimeout: 30 * time.Second})
	r.wait(time.Hour)
	require.Zero(t, r.pings, "no call is under way")
	r.begin()
	r.wait(59 * time.Second)
	require.Zero(t, r.pings, "the clock begins with the call")
	r.wait(10 * time.Minute)
	require.InDelta(t, 10, r.pings, 1)
	require.False(t, r.closed)
	r.hear(http2.AppendPing(nil, [8]byte{1}, false))
	asked := r.pings
	for range 20 {
		r.wait(30 * time.Second)
		r.hear(http2.AppendPing(nil, [8]byte{1}, false)) // anything
	}
	require.Equal(t, asked, r.pings)
	// Something else in place of an answer.
	r.deaf = true
	r.wait(61 * time.Second)
	r.hear(http2.AppendPing(nil, [8]byte{1}, false))
	r.wait(30 * time.Second)
	require.False(t, r.closed)
	// When the call has ended nobody is asked any more.
	r.deaf = false
	out, err := r.srv.AppendResponse(nil, r.id, 200, nil, true)
	require.NoError(t, err)
	r.hear(out)
	r.settle()
	r.wait(2 * time.Minute)
	asked = r.pings
	r.wait(time.Hour)
	require.Equal(t, asked, r.pings)

	idle := newKeepRig(t, Keepalive{PingAfter: time.Minute, PingIdle: true, PingTimeout: -1})
	idle.wait(10 * time.Minute)
	require.InDelta(t, 9, idle.pings, 1)
	idle.deaf = true
	idle.wait(10 * time.Minute)
	require.False(t, idle.closed, "without PingTimeout nobody is given up")

	none := newKeepRig(t, Keepalive{PingIdle: true})
	none.begin()
	none.deaf = true
	none.wait(24 * time.Hour)
	require.Zero(t, none.pings)
	require.False(t, none.closed)
}

// THREATS G-03, the client's side: whoever is told that it asks too often asks half as often from then on; once for all connections
// that asked as often.
func TestCalmedDown(t *testing.T) {
	k := Keepalive{PingAfter: time.Minute}.settings()
	calm := func(code http2.ErrorCode, debug string) {
		for range 3 {
			var a h2keep
			a.init(k, 1)
			for range 3 {
				if calmed(&http2.Event{Code: code, Data: []byte(debug)}) {
					a.calm()
				}
			}
		}
	}
	calm(http2.NoError, tooMany)
	calm(http2.EnhanceYourCalm, "")
	require.EqualValues(t, time.Minute, k.after.Load())
	calm(http2.EnhanceYourCalm, tooMany)
	require.EqualValues(t, 8*time.Minute, k.after.Load())
	for range 10 {
		calm(http2.EnhanceYourCalm, tooMany)
	}
	require.EqualValues(t, maxPingAfter, k.after.Load())
	new(h2keep).calm() // without Keepalive
}
