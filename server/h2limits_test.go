package server

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
	"github.com/stretchr/testify/require"
)

// H2-01: a client that opens and resets streams has never more handlers running than streams are allowed, and is told to calm down;
// its twin, who lets the handlers end, is served on.
func TestH2RapidReset(t *testing.T) {
	var running, most atomic.Int32
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		running.Add(-1)
	})
	r := newRig(t, Config{Handler: mux, HTTP2: http2.Config{Limits: http2.Limits{Streams: 10}}})
	var c http2.Conn
	c.Init(http2.Client, nil)
	head := &http2.RequestHead{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/")}
	r.send(string(c.AppendOwed(nil, 1<<16)))
	for range 100 {
		out, id, err := c.AppendRequest(nil, head, nil, true)
		require.NoError(t, err)
		require.NoError(t, c.Reset(id, http2.Cancel))
		r.send(string(c.AppendOwed(out, 1<<16)))
	}
	require.Eventually(t, func() bool { return running.Load() == 10 }, 30*time.Second, time.Millisecond)
	require.Equal(t, int32(10), most.Load())
	close(release)
	require.Eventually(t, func() bool { r.settle(); return running.Load() == 0 && (r.closed || !r.m.(drivers.Drainer).InFlight()) }, 30*time.Second, time.Millisecond)
	if !r.closed {
		mark := len(r.wire)
		out, _, err := c.AppendRequest(nil, head, nil, true)
		require.NoError(t, err)
		r.send(string(out))
		r.until("an answer", func() bool { return len(r.wire) > mark })
	}
}

// An idle connection gives its tables back after a moment, and works on.
func TestH2Trim(t *testing.T) {
	r := newRig(t, Config{Handler: h2mux()})
	var c http2.Conn
	c.Init(http2.Client, nil)
	head := &http2.RequestHead{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/hello")}
	ask := func() {
		mark := len(r.wire)
		out := c.AppendOwed(nil, 1<<16)
		out, _, err := c.AppendRequest(out, head, nil, true)
		require.NoError(t, err)
		r.send(string(out))
		r.until("an answer", func() bool {
			return bytes.Contains(r.wire[mark:], []byte("hello")) && !r.m.(drivers.Drainer).InFlight()
		})
		for src := r.wire[mark:]; ; {
			var ev http2.Event
			n, err := c.Next(src, &ev)
			require.NoError(t, err)
			if src = src[n:]; ev.Kind == http2.None {
				break
			}
		}
	}
	ask()
	m := r.m.(*h2conn)
	require.NotEmpty(t, m.slots)
	r.pass(trimAfter + time.Millisecond)
	require.Nil(t, m.slots)
	ask()
	require.NotEmpty(t, m.slots)
}

// BodyIdle runs again after a piece that the handler has read, however small it was.
func TestH2BodyIdleAfterSmallPiece(t *testing.T) {
	mux := http.NewServeMux()
	read := make(chan error, 1)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})
	onBoth(t, Config{Handler: mux, Deadlines: Deadlines{BodyIdle: 100 * time.Millisecond, Handler: -1, Request: -1}}, func(t *testing.T, c *http.Client, url string) {
		pr, pw := io.Pipe()
		defer pw.Close()
		go func() { _, _ = pw.Write([]byte("x")) }()
		resp, err := c.Post(url, "", pr)
		require.ErrorIs(t, <-read, ErrTimeout)
		if err == nil {
			resp.Body.Close()
		}
	})
}
