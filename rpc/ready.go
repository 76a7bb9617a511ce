package rpc

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// How long a call that waits for its server leaves between two attempts to connect: longer by 1.6 each time, and shorter or longer by
// a fifth at random, so that clients do not come all at once (doc/connection-backoff.md, with shorter bounds).
const (
	readyFirst = 50 * time.Millisecond
	readyMost  = 5 * time.Second
)

// connected does the round trip, again and again for a call that waits for its server.
//
// wait-for-ready.md: "gRPC implementations MAY provide a per-RPC option to not fail RPCs as a result of the channel being in
// TRANSIENT_FAILURE state. Instead, the implementation queues the RPCs until the channel is READY." There is no channel here: what
// tells is an error of dialing.
func (s *ClientStream) connected(r *http.Request) (*http.Response, error) {
	if !s.wait {
		return s.c.Transport.RoundTrip(r)
	}
	pause := readyFirst
	for {
		// A transport closes the body when it fails. What is not connected has read nothing of it.
		again := r.Clone(r.Context())
		if r.Body != nil {
			again.Body = io.NopCloser(r.Body)
		}
		resp, err := s.c.Transport.RoundTrip(again)
		var op *net.OpError
		if err == nil || !errors.As(err, &op) || op.Op != "dial" {
			return resp, err
		}
		t := time.NewTimer(time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64())))
		select {
		case <-t.C:
		case <-s.ctx.Done():
			t.Stop()
			return nil, err
		}
		pause = min(pause*8/5, readyMost)
	}
}
