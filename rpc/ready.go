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
// wait-for-ready.md: "If an RPC is sent when the channel is in TRANSIENT_FAILURE ... if it is marked wait-for-ready, the RPC should
// not fail" until its deadline. There is no channel here, so what tells is an error of dialing.
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
