package client_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/stretchr/testify/require"
)

const framePing = 6

// TestCloseAfterGoAway: calls on a connection that the server has given up end with the Transport.
func TestCloseAfterGoAway(t *testing.T) {
	seen, closed := make(chan struct{}, 1), make(chan struct{}, 1)
	addr := rawServer(t, func(_ int, nc net.Conn) {
		r := newRawH2(nc)
		f, _ := r.next(frameHeaders)
		r.respond(f.id)
		r.goAway(f.id)
		r.next(frameGoAway) // the client has seen ours
		seen <- struct{}{}
		r.rest()
		closed <- struct{}{}
	})
	c, tr := h2c(t)
	res, err := c.Get(addr)
	require.NoError(t, err)
	within(t, seen, "the client's GOAWAY")
	read := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(res.Body)
		read <- err
	}()
	require.NoError(t, tr.Close())
	require.ErrorIs(t, within(t, read, "the end of the body"), client.ErrClosed)
	within(t, closed, "the end of the connection")
	_, err = c.Get(addr)
	require.ErrorIs(t, err, client.ErrClosed)
}

// TestUnresponsive: a server that answers nothing any more, over a socket: the call ends, and the next one has another connection.
func TestUnresponsive(t *testing.T) {
	pings := make(chan []byte, 10)
	addr := rawServer(t, func(n int, nc net.Conn) {
		r := newRawH2(nc)
		f, _ := r.next(frameHeaders)
		if n == 0 {
			for {
				f, ok := r.next(framePing)
				if !ok {
					return
				}
				pings <- f.data
			}
		}
		r.respond(f.id)
		r.write(frameData, endStream, f.id, []byte("fine"))
		r.rest()
	})
	c, tr := h2c(t)
	tr.Keepalive = client.Keepalive{PingAfter: 10 * time.Millisecond, PingTimeout: 50 * time.Millisecond}
	_, err := c.Post(addr, "", nil)
	require.ErrorIs(t, err, client.ErrUnresponsive)
	require.Len(t, within(t, pings, "a PING"), 8)
	get := func() (string, error) {
		res, err := c.Get(addr)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return string(b), err
	}
	text, err := get()
	for i := 0; i < 50 && errors.Is(err, client.ErrUnresponsive); i++ { // on a busy machine this answer may be late, too
		text, err = get()
	}
	require.NoError(t, err)
	require.Equal(t, "fine", text)
}

// TestTooManyPings: a server that says so has the calls that are under way go on, and gets no new ones.
func TestTooManyPings(t *testing.T) {
	pings := make(chan int, 2)
	addr := rawServer(t, func(n int, nc net.Conn) {
		r := newRawH2(nc)
		f, _ := r.next(frameHeaders)
		p, ok := r.next(framePing)
		if !ok {
			return
		}
		pings <- n
		if n == 0 {
			r.write(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, f.id), append([]byte{0, 0, 0, 11}, "too_many_pings"...)...))
		} else {
			r.write(framePing, 1, 0, p.data)
		}
		r.respond(f.id)
		r.write(frameData, endStream, f.id, nil)
		r.rest()
	})
	c, tr := h2c(t)
	tr.Keepalive = client.Keepalive{PingAfter: 20 * time.Millisecond, PingTimeout: time.Minute}
	for i := range 2 {
		res, err := c.Get(addr)
		require.NoError(t, err)
		_, err = io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, i, within(t, pings, "a PING"))
	}
}
