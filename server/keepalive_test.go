package server

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
	"github.com/stretchr/testify/require"
)

// keepRig is a connection whose client is an http2.Conn, on a clock that the test moves.
type keepRig struct {
	*rig
	c    http2.Conn
	seen int // of wire
	// answer has the client answer what it gets.
	answer bool
	away   []http2.ErrorCode
	ids    []uint32
	heads  int // of responses
}

func newKeepRig(t *testing.T, cfg Config) *keepRig {
	if cfg.Handler == nil {
		cfg.Handler = h2mux()
	}
	// Only what is tested may end the connection.
	cfg.Deadlines = Deadlines{FirstByte: -1, Head: -1, BodyIdle: -1, BodyMinRate: -1, Handler: -1, Request: -1, Idle: -1}
	k := &keepRig{rig: newRig(t, cfg), answer: true}
	k.c.Init(http2.Client, nil)
	k.talk()
	return k
}

// talk carries what both sides have to say, until they are silent.
func (k *keepRig) talk() {
	k.t.Helper()
	for {
		var ev http2.Event
		src := k.wire[k.seen:]
		for {
			n, err := k.c.Next(src, &ev)
			require.NoError(k.t, err)
			src = src[n:]
			k.seen += n
			if ev.Kind == http2.None {
				break
			}
			if ev.Kind == http2.Response {
				k.heads++
			}
			if ev.Kind == http2.GoAwayReceived {
				k.away = append(k.away, ev.Code)
				k.ids = append(k.ids, ev.LastStream)
			}
		}
		if !k.answer {
			return
		}
		out := k.c.AppendOwed(nil, 1<<16)
		if len(out) == 0 || k.closed {
			return
		}
		k.send(string(out))
	}
}

// wait moves the clock in small steps, as drivers do.
func (k *keepRig) wait(d time.Duration) {
	for range 100 {
		k.turn.Now = k.turn.Now.Add(d / 100)
		if !k.closed && k.m.Deadline().Reached(k.turn.Now) {
			k.m.Advance(&k.turn)
			k.settle()
			k.talk()
		}
	}
}

func (k *keepRig) request(path string, end bool) uint32 {
	k.t.Helper()
	out, id, err := k.c.AppendRequest(nil, &http2.RequestHead{Method: []byte("POST"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte(path)}, nil, end)
	require.NoError(k.t, err)
	k.send(string(out))
	return id
}

func (k *keepRig) pings() int {
	return bytes.Count(k.wire, http2.AppendPing(nil, pingOpaque, false))
}

// waiting is a handler that ends with its context, and says why.
func waiting() (http.Handler, chan error) {
	ended := make(chan error, 10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
	}), ended
}

// A client that says nothing is asked, and dropped if it does not answer.
func TestKeepalivePing(t *testing.T) {
	h, ended := waiting()
	var errs []error
	k := newKeepRig(t, Config{Handler: h, Keepalive: Keepalive{PingAfter: time.Minute}, Hooks: Hooks{OnError: []func(*Exchange, error){func(_ *Exchange, err error) { errs = append(errs, err) }}}})
	k.request("/", false)
	k.answer = false
	k.wait(59 * time.Second)
	require.Zero(t, k.pings())
	k.wait(2 * time.Second)
	require.Equal(t, 1, k.pings())
	k.wait(DefaultPingTimeout - 2*time.Second)
	require.False(t, k.closed)
	k.wait(3 * time.Second)
	require.True(t, k.closed && k.abort)
	require.Equal(t, 1, k.pings())
	require.Equal(t, ErrUnresponsive, happens(t, ended, "the context's end"))
	require.Contains(t, errs, error(ErrUnresponsive))
}

// The twins of TestKeepalivePing: a client that answers, one that says something else, one that is not listened to.
func TestTwinKeepalivePing(t *testing.T) {
	h, ended := waiting()
	k := newKeepRig(t, Config{Handler: h, Keepalive: Keepalive{PingAfter: time.Minute, PingTimeout: 30 * time.Second}})
	k.wait(10 * time.Minute) // without a stream
	require.InDelta(t, 9, k.pings(), 1)
	id := k.request("/", false)
	k.wait(10 * time.Minute)
	require.InDelta(t, 18, k.pings(), 2)
	asked := k.pings()
	for range 20 {
		k.wait(30 * time.Second)
		out, _, err := k.c.AppendData(nil, id, []byte("x"), false)
		require.NoError(t, err)
		k.send(string(out))
	}
	require.Equal(t, asked, k.pings(), "a client that talks is not asked")
	// An answer that is late for the PING, while something else came in time.
	k.answer = false
	for range 20 {
		k.wait(61 * time.Second / 2)
		out, _, err := k.c.AppendData(nil, id, []byte("x"), false)
		require.NoError(t, err)
		k.send(string(out))
	}
	require.False(t, k.closed)
	// One that cannot be heard since it does not read.
	k.m.(*h2conn).flags |= h2Full
	k.wait(10 * time.Minute)
	require.False(t, k.closed)
	require.Empty(t, ended)
	// And by default nobody is asked.
	q := newKeepRig(t, Config{Handler: h})
	q.request("/", false)
	q.answer = false
	q.wait(time.Hour)
	require.Zero(t, q.pings())
	require.False(t, q.closed)
}

// A connection that is old takes no more streams, and ends with its last one, or when the grace is over.
func TestKeepaliveAge(t *testing.T) {
	h, ended := waiting()
	k := newKeepRig(t, Config{Handler: h, Keepalive: Keepalive{MaxAge: time.Minute, MaxAgeGrace: 10 * time.Second}})
	id := k.request("/", false)
	k.wait(53 * time.Second)
	require.Empty(t, k.away)
	k.wait(14 * time.Second)
	require.Equal(t, []http2.ErrorCode{http2.NoError, http2.NoError}, k.away)
	require.Equal(t, []uint32{http2.MaxStreamID, id}, k.ids)
	require.False(t, k.closed)
	require.Empty(t, ended)
	k.wait(11 * time.Second)
	require.True(t, k.closed && !k.abort)
	require.Equal(t, ErrShutdown, happens(t, ended, "the context's end"))

	// The twin: streams that end in time, and then the connection.
	k = newKeepRig(t, Config{Keepalive: Keepalive{MaxAge: time.Minute}})
	for range 5 {
		k.request("/hello", true)
		k.until("an answer", func() bool { k.talk(); return !k.m.(*h2conn).InFlight() })
		k.wait(10 * time.Second)
	}
	require.False(t, k.closed)
	k.wait(20 * time.Second)
	require.True(t, k.closed && !k.abort)
	require.Equal(t, http2.NoError, k.away[0])
}

// Ages are spread by a tenth.
func TestKeepaliveSpread(t *testing.T) {
	s, err := New(Config{Keepalive: Keepalive{MaxAge: time.Hour}})
	require.NoError(t, err)
	seen := map[time.Duration]bool{}
	var low, high time.Duration
	for range 1000 {
		age := s.newKeep(codec.Time(1)).ageBy.Sub(codec.Time(1))
		require.InDelta(t, float64(time.Hour), float64(age), float64(6*time.Minute+1))
		seen[age] = true
		low, high = min(low, age-time.Hour), max(high, age-time.Hour)
	}
	require.Greater(t, len(seen), 990)
	require.Less(t, low, -5*time.Minute)
	require.Greater(t, high, 5*time.Minute)
	require.Nil(t, (&Server{}).newKeep(1))
}

// THREATS G-03: PING frames in too quick succession end the connection, in the words that gRPC knows.
func TestKeepaliveEnforced(t *testing.T) {
	h, ended := waiting()
	k := newKeepRig(t, Config{Handler: h, HTTP2: http2.Config{Limits: http2.Limits{PingInterval: time.Minute}}})
	k.request("/", false)
	// The head of the response excuses the PINGs before it (TestTwinKeepaliveEnforced): it is out before the first of them.
	k.until("the head", func() bool { k.talk(); return k.heads == 1 })
	k.answer = false
	for i := range 4 {
		require.False(t, k.closed, i)
		k.send(string(http2.AppendPing(nil, [8]byte{byte(i)}, false)))
		k.wait(time.Second)
	}
	require.True(t, bytes.Contains(k.wire, []byte("too_many_pings")))
	require.True(t, k.closed)
	require.Equal(t, ErrPeerClosed, happens(t, ended, "the context's end"))
}

// The twin of TestKeepaliveEnforced: what the server sends in between excuses the PINGs before it.
func TestTwinKeepaliveEnforced(t *testing.T) {
	write, wrote := make(chan bool), make(chan bool)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range write {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			wrote <- true
		}
	})
	k := newKeepRig(t, Config{Handler: h, HTTP2: http2.Config{Limits: http2.Limits{PingInterval: time.Minute}}})
	k.request("/", false)
	for i := range 20 {
		before := len(k.wire)
		write <- true
		k.until("a byte of the response", func() bool { return len(k.wire) > before })
		<-wrote
		k.send(string(http2.AppendPing(nil, [8]byte{byte(i)}, false)))
		k.wait(time.Second)
		require.False(t, k.closed, i)
	}
	close(write)
}
