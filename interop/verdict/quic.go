package verdict

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"sync"

	quicgo "github.com/quic-go/quic-go"
	xnet "golang.org/x/net/quic"

	"github.com/purewire/purewire/codec/quic"
	core "github.com/purewire/purewire/corpus/verdict"
)

// arrivals is what an endpoint has given to its application on streams of the peer.
type arrivals struct {
	mu  sync.Mutex
	all map[uint64]*arrival
	wg  sync.WaitGroup
}

type arrival struct {
	body []byte
	end  core.StreamEnd
}

// read reads a stream to its end. reset tells whether an error is the peer's RESET_STREAM.
func (a *arrivals) read(id uint64, r io.Reader, reset func(error) bool) {
	in := &arrival{}
	a.mu.Lock()
	a.all[id] = in
	a.mu.Unlock()
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		a.mu.Lock()
		in.body = append(in.body, buf[:n]...)
		switch {
		case err == io.EOF:
			in.end = core.StreamEnded
		case err != nil && reset(err):
			in.end = core.StreamWasReset
		}
		a.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (a *arrivals) messages() (all []core.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []uint64
	for id := range a.all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if m, shown := core.StreamMessage(id, a.all[id].body, a.all[id].end); shown {
			all = append(all, m)
		}
	}
	return all
}

// identifier are connection IDs in the texts of errors: they are random.
var identifier = regexp.MustCompile(`(_connection_id to equal |connection ID [0-9]+ \()[0-9a-f]+`)

// converse lets a speaker talk to an endpoint, which begin starts on pc and end ends.
func converse(in *core.Input, begin func(pc *packets, to *packets, role quic.Role, a *arrivals) (end func(), err error)) core.Verdict {
	c, err := core.Packets(in.Bytes)
	if err != nil {
		return core.Verdict{Reason: err.Error(), Left: -1}
	}
	certificate()
	return bubble(func() core.Verdict {
		v := core.Verdict{Left: -1}
		ours, theirs := link()
		a := &arrivals{all: map[uint64]*arrival{}}
		role, own := quic.Server, quic.Client
		if in.Role == core.Client {
			role, own = own, role
		}
		s := newSpeaker(own, c, ours, theirs.at)
		if own == quic.Server {
			if err := s.start(); err != nil {
				v.Reason = err.Error()
				return v
			}
		}
		end, err := begin(theirs, ours, role, a)
		if err != nil {
			v.Reason = err.Error()
			return v
		}
		if own == quic.Client {
			err = s.start()
		}
		alive := false
		if err == nil {
			alive, err = s.run()
		}
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		switch {
		case closed != "":
			v.Outcome, v.Reason = core.Reject, identifier.ReplaceAllString(closed, "${1}...")
		case err != nil:
			v.Reason = err.Error()
		case alive:
			v.Outcome, v.Messages = core.Accept, a.messages()
		default:
			v.Outcome, v.Reason = core.Reject, "it does not answer any more"
		}
		_ = ours.Close()
		end()
		s.wg.Wait()
		_ = s.tls.Close()
		a.wg.Wait()
		return v
	})
}

// quicgoEnd is an endpoint of quic-go that reads all streams.
func quicgoEnd(in *core.Input) core.Verdict {
	return converse(in, func(pc, to *packets, role quic.Role, a *arrivals) (func(), error) {
		t := &quicgo.Transport{Conn: pc}
		ctx, cancel := context.WithCancel(context.Background())
		var l *quicgo.Listener
		if role == quic.Server {
			var err error
			if l, err = t.Listen(serverTLS(), &quicgo.Config{}); err != nil {
				cancel()
				return nil, err
			}
		}
		reset := func(err error) bool {
			var e *quicgo.StreamError
			return errors.As(err, &e) && e.Remote
		}
		a.wg.Go(func() {
			var q *quicgo.Conn
			var err error
			if l != nil {
				q, err = l.Accept(ctx)
			} else {
				q, err = t.Dial(ctx, to.at, clientTLS(), &quicgo.Config{})
			}
			if err != nil {
				return
			}
			defer func() { _ = q.CloseWithError(0, "") }()
			a.wg.Go(func() {
				for {
					s, err := q.AcceptStream(ctx)
					if err != nil {
						return
					}
					a.wg.Go(func() { a.read(uint64(s.StreamID()), s, reset) })
				}
			})
			for {
				s, err := q.AcceptUniStream(ctx)
				if err != nil {
					return
				}
				a.wg.Go(func() { a.read(uint64(s.StreamID()), s, reset) })
			}
		})
		return func() {
			cancel()
			settle()
			if l != nil {
				_ = l.Close()
			}
			_ = t.Close()
			_ = pc.Close()
		}, nil
	})
}

// xnetEnd is an endpoint of x/net/quic that reads all streams.
func xnetEnd(in *core.Input) core.Verdict {
	return converse(in, func(pc, to *packets, role quic.Role, a *arrivals) (func(), error) {
		config := &xnet.Config{TLSConfig: serverTLS()}
		e, err := xnet.NewEndpoint(pc, config)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithCancel(context.Background())
		reset := func(err error) bool {
			var e xnet.StreamError
			return errors.As(err, &e)
		}
		a.wg.Go(func() {
			var q *xnet.Conn
			var err error
			if role == quic.Server {
				q, err = e.Accept(ctx)
			} else {
				q, err = e.Dial(ctx, "udp", to.at.String(), &xnet.Config{TLSConfig: clientTLS()})
			}
			if err != nil {
				return
			}
			for {
				s, err := q.AcceptStream(ctx)
				if err != nil {
					return
				}
				s.SetReadContext(ctx)
				a.wg.Go(func() { a.read(uint64(s.ID()), s, reset) })
			}
		})
		return func() {
			cancel()
			settle()
			_ = e.Close(ctx)
			_ = pc.Close()
		}, nil
	})
}
