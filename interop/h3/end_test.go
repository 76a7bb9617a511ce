package h3

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/h3"
	quicgo "github.com/quic-go/quic-go"
	"github.com/stretchr/testify/require"
)

// patience bounds every wait of these tests.
const patience = 2 * time.Minute

// connect returns the two ends of a QUIC connection.
func connect(t *testing.T) (client, server *quicgo.Conn) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	config := &quicgo.Config{EnableDatagrams: true}
	l, err := quicgo.ListenAddr("127.0.0.1:0", &tls.Config{NextProtos: []string{"h3"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, config)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	client, err = quicgo.DialAddr(ctx, l.Addr().String(), &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{"h3"}}, config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.CloseWithError(0x100, "") })
	server, err = l.Accept(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.CloseWithError(0x100, "") })
	return client, server
}

// end runs a Conn of ours over a connection of quic-go. One goroutine owns the Conn; others read and write streams.
type end struct {
	q       *quicgo.Conn
	c       h3.Conn
	ev      h3.Event
	began   time.Time
	calls   chan func()
	streams map[uint64]*stream
	on      func(ev *h3.Event) // what the application does, called by the owner
	wrote   map[uint64]int     // octets on each stream
	over    chan struct{}
	err     error // of the Conn; read it after over
	wg      sync.WaitGroup
}

// stream is what the transport holds of a stream: octets that were not consumed, and writes to come.
type stream struct {
	id   uint64
	buf  []byte
	fin  bool
	send interface {
		io.WriteCloser
		CancelWrite(quicgo.StreamErrorCode)
	}
	recv interface {
		io.Reader
		CancelRead(quicgo.StreamErrorCode)
	}
	writes chan []byte // nil: the end
	closed bool
}

// newEnd starts an end. Its on is called in its own goroutine.
func newEnd(t *testing.T, q *quicgo.Conn, role h3.Role, p *h3.Profile, on func(e *end, ev *h3.Event)) *end {
	e := &end{q: q, began: time.Now(), calls: make(chan func()), streams: map[uint64]*stream{}, wrote: map[uint64]int{}, over: make(chan struct{})}
	e.on = func(ev *h3.Event) { on(e, ev) }
	e.c.Init(role, p)
	for e.c.WantsUni() > 0 {
		s, err := q.OpenUniStream()
		require.NoError(t, err)
		id := uint64(s.StreamID())
		require.NoError(t, e.c.OpenUni(id))
		e.add(&stream{id: id, send: s})
	}
	e.wg.Go(e.run)
	e.wg.Go(func() {
		for {
			s, err := q.AcceptUniStream(context.Background())
			if err != nil {
				return
			}
			e.do(func() { e.opened(&stream{id: uint64(s.StreamID()), recv: s}) })
		}
	})
	e.wg.Go(func() {
		for {
			s, err := q.AcceptStream(context.Background())
			if err != nil {
				return
			}
			e.do(func() { e.opened(&stream{id: uint64(s.StreamID()), recv: s, send: s}) })
		}
	})
	e.wg.Go(func() {
		for {
			p, err := q.ReceiveDatagram(context.Background())
			if err != nil {
				return
			}
			e.do(func() { e.event(e.c.Datagram(p, &e.ev)) })
		}
	})
	t.Cleanup(func() {
		_ = q.CloseWithError(quicgo.ApplicationErrorCode(h3.NoError), "")
		e.wg.Wait()
	})
	return e
}

// do lets the owner run f, unless the connection is over.
func (e *end) do(f func()) {
	select {
	case e.calls <- f:
	case <-e.over:
	}
}

// ask is do, and waits.
func (e *end) ask(t *testing.T, f func()) {
	done := make(chan struct{})
	e.do(func() {
		defer close(done)
		f()
	})
	wait(t, done)
}

// wait waits for a channel, but not forever.
func wait[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatal("waited for too long")
	}
	return v
}

func (e *end) run() {
	defer close(e.over)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		e.turn()
		select {
		case <-e.q.Context().Done():
			return
		case <-tick.C:
			e.c.Advance(codec.Time(time.Since(e.began)) + 1)
		case f := <-e.calls:
			e.c.Advance(codec.Time(time.Since(e.began)) + 1)
			f()
		}
		if e.err != nil {
			return
		}
	}
}

// turn does what the Conn asks for.
func (e *end) turn() {
	for e.c.Pending() {
		e.event(e.c.Poll(&e.ev))
	}
	var a h3.Abort
	for e.c.NextAbort(&a) {
		s := e.streams[a.Stream]
		if s == nil {
			continue
		}
		if a.Reset && s.send != nil {
			s.send.CancelWrite(quicgo.StreamErrorCode(a.Code))
			s.end()
		}
		if a.Stop && s.recv != nil {
			s.recv.CancelRead(quicgo.StreamErrorCode(a.Code))
		}
	}
	for {
		id, owes := e.c.NextOwed()
		if !owes {
			break
		}
		e.write(id, e.c.AppendOwed(nil, id, 1000), false)
	}
	if err := e.c.Err(); err != nil && e.err == nil {
		e.err = err
		var code h3.ErrorCode
		errors.As(err, &code)
		_ = e.q.CloseWithError(quicgo.ApplicationErrorCode(code), "")
	}
}

// event gives an event to the application.
func (e *end) event(err error) {
	if err != nil || e.ev.Kind == h3.None {
		return
	}
	if e.ev.Kind == h3.Unblocked {
		// Another Event is in use above.
		if s := e.streams[e.ev.Stream]; s != nil {
			id := s.id
			e.wg.Go(func() { e.do(func() { e.next(e.streams[id]) }) })
		}
	}
	e.on(&e.ev)
}

// opened takes a stream of the peer.
func (e *end) opened(s *stream) {
	if e.c.Open(s.id) == nil {
		e.add(s)
	}
}

// add starts what reads and writes a stream.
func (e *end) add(s *stream) {
	e.streams[s.id] = s
	if s.send != nil {
		s.writes = make(chan []byte, 4096)
		e.wg.Go(func() {
			for p := range s.writes {
				if p == nil {
					_ = s.send.Close()
					continue
				}
				_, _ = s.send.Write(p) // what stops it comes from the peer, or from us
			}
		})
		e.wg.Go(func() { // STOP_SENDING
			sc, is := s.send.(interface{ Context() context.Context })
			if !is {
				return
			}
			<-sc.Context().Done()
			var se *quicgo.StreamError
			if errors.As(context.Cause(sc.Context()), &se) && se.Remote {
				e.do(func() { e.event(e.c.StopReceived(s.id, h3.ErrorCode(se.ErrorCode), &e.ev)) })
			}
			e.do(func() {})
		})
		e.wg.Go(func() {
			<-e.over
			s.end()
		})
	}
	if s.recv == nil {
		return
	}
	e.wg.Go(func() {
		r := mrand.New(mrand.NewPCG(s.id, 9))
		for {
			p := make([]byte, 1+r.IntN(1<<r.IntN(12)))
			n, err := s.recv.Read(p)
			var se *quicgo.StreamError
			switch {
			case errors.As(err, &se) && se.Remote:
				e.do(func() { e.event(e.c.ResetReceived(s.id, h3.ErrorCode(se.ErrorCode), &e.ev)) })
				return
			case err != nil && err != io.EOF:
				return
			}
			e.do(func() {
				s.buf = append(s.buf, p[:n]...)
				s.fin = err != nil
				e.next(s)
			})
			if err != nil {
				return
			}
		}
	})
}

// next takes what there is on a stream.
func (e *end) next(s *stream) {
	for {
		n, err := e.c.Next(s.id, s.buf, s.fin, &e.ev)
		k, last := e.ev.Kind, e.ev.EndStream && e.ev.Stream == s.id
		e.event(err)
		s.buf = s.buf[n:] // only now: the event lends it
		if err != nil || k == h3.None || last {
			return
		}
	}
}

// write sends octets on a stream of ours, and its end.
func (e *end) write(id uint64, p []byte, fin bool) {
	s := e.streams[id]
	if s.closed {
		return
	}
	if len(p) > 0 {
		e.wrote[id] += len(p)
		s.writes <- p
	}
	if fin {
		s.writes <- nil
		s.end()
	}
}

// end lets the writer of a stream end.
func (s *stream) end() {
	if !s.closed {
		s.closed = true
		close(s.writes)
	}
}

// must is for calls to the Conn that cannot fail: the octets go out.
func (e *end) must(t *testing.T, id uint64, fin bool) func([]byte, error) {
	return func(p []byte, err error) {
		if err != nil {
			t.Errorf("stream %d: %v", id, err)
			return
		}
		e.write(id, p, fin)
	}
}
