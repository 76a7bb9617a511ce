package verdict

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	quicqpack "github.com/quic-go/qpack"
	quicgo "github.com/quic-go/quic-go"

	"github.com/purewire/purewire/codec/h3"
	core "github.com/purewire/purewire/corpus/verdict"
)

// pair connects two ends of quic-go over a link in virtual time. close ends everything.
func pair() (client, server *quicgo.Conn, end func(), err error) {
	a, b := link()
	ct, st := &quicgo.Transport{Conn: a}, &quicgo.Transport{Conn: b}
	end = func() {
		_, _, _, _ = ct.Close(), st.Close(), a.Close(), b.Close()
	}
	l, err := st.Listen(serverTLS(), &quicgo.Config{})
	if err != nil {
		end()
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if client, err = ct.Dial(ctx, b.at, clientTLS(), &quicgo.Config{}); err == nil {
		server, err = l.Accept(ctx)
	}
	if err != nil {
		_ = l.Close()
		end()
		return nil, nil, nil, err
	}
	stop := end
	end = func() {
		_ = client.CloseWithError(0x100, "")
		_ = server.CloseWithError(0x100, "")
		settle()
		_ = l.Close()
		stop()
	}
	return client, server, end, nil
}

// attacker writes what an input of HTTP/3 holds on streams, as it is, and keeps what comes back.
type attacker struct {
	q      *quicgo.Conn
	first  [4]uint64 // the lowest identifier of each type that is not open yet
	sends  map[uint64]*quicgo.SendStream
	bidis  map[uint64]*quicgo.Stream
	wg     sync.WaitGroup
	mu     sync.Mutex
	resets map[uint64]bool
	faults []string // what the other end thinks of streams, in order
	status map[uint64]bool
}

func newAttacker(q *quicgo.Conn) *attacker {
	return &attacker{q: q, first: [4]uint64{0, 1, 2, 3}, sends: map[uint64]*quicgo.SendStream{}, bidis: map[uint64]*quicgo.Stream{},
		resets: map[uint64]bool{}, status: map[uint64]bool{}}
}

// adopt takes a bidirectional stream and watches what comes back on it.
func (a *attacker) adopt(s *quicgo.Stream) {
	id := uint64(s.StreamID())
	a.bidis[id] = s
	a.wg.Go(func() {
		answer, err := io.ReadAll(s)
		a.mu.Lock()
		defer a.mu.Unlock()
		var e *quicgo.StreamError
		if errors.As(err, &e) && e.Remote {
			a.resets[id] = true
			a.faults = append(a.faults, fmt.Sprintf("stream %d %s", id, h3.ErrorCode(e.ErrorCode).String()))
		}
		if code := statusOf(answer); code >= 400 && err == nil {
			a.status[id] = true
			a.faults = append(a.faults, fmt.Sprintf("stream %d %d", id, code))
		}
	})
}

// statusOf reads the :status of the first HEADERS frame, 0 if there is none.
func statusOf(p []byte) int {
	var h h3.FrameHeader
	n := h3.ParseFrameHeader(p, &h)
	if n == 0 || h.Type != h3.FrameHeaders || uint64(len(p)-n) < h.Length {
		return 0
	}
	next := quicqpack.NewDecoder().Decode(p[n : n+int(h.Length)])
	for f, err := next(); err == nil; f, err = next() {
		if f.Name == ":status" {
			code, _ := strconv.Atoi(f.Value)
			return code
		}
	}
	return 0
}

// open opens streams up to id. Those of a type are opened in order.
func (a *attacker) open(id uint64) error {
	ctx, cancel := context.WithTimeout(a.q.Context(), 10*time.Second)
	defer cancel()
	for next := &a.first[id&3]; *next <= id; *next += 4 {
		if id&2 == 0 {
			s, err := a.q.OpenStreamSync(ctx)
			if err != nil {
				return err
			}
			a.adopt(s)
			continue
		}
		s, err := a.q.OpenUniStreamSync(ctx)
		if err != nil {
			return err
		}
		a.sends[uint64(s.StreamID())] = s
	}
	return nil
}

// run does what the steps say, one after the other, each when all that follows from the one before has happened. own is the lowest bit
// of the streams that this end opens. It stops when the connection ends.
func (a *attacker) run(steps []core.Step, own uint64) error {
	for _, s := range steps {
		if a.q.Context().Err() != nil {
			return nil
		}
		if s.Stream&1 == own {
			if err := a.open(s.Stream); err != nil {
				if a.q.Context().Err() != nil {
					return nil
				}
				return fmt.Errorf("stream %d cannot be opened: %w", s.Stream, err)
			}
		}
		uni, both := a.sends[s.Stream], a.bidis[s.Stream]
		if uni == nil && both == nil {
			if s.Kind != core.StepStop {
				return fmt.Errorf("stream %d is not open", s.Stream)
			}
			continue // a stream that the other end has not
		}
		var w interface {
			io.WriteCloser
			CancelWrite(quicgo.StreamErrorCode)
			SetWriteDeadline(time.Time) error
		} = uni
		if both != nil {
			w = both
		}
		switch s.Kind {
		case core.StepReset:
			a.mu.Lock()
			a.resets[s.Stream] = true
			a.mu.Unlock()
			w.CancelWrite(quicgo.StreamErrorCode(s.Code))
		case core.StepStop:
			if s.Stream&1 == own { // nothing is wanted of a stream of the client's own
				a.mu.Lock()
				a.resets[s.Stream] = true
				a.mu.Unlock()
			}
			if both != nil {
				both.CancelRead(quicgo.StreamErrorCode(s.Code))
			}
		default:
			_ = w.SetWriteDeadline(time.Now().Add(10 * time.Second))
			_, _ = w.Write(s.Bytes) // the other end may want no more of it
			if s.Fin {
				_ = w.Close()
			}
		}
		settle()
	}
	time.Sleep(time.Second)
	settle()
	return nil
}

// closed is the error with which the other end has closed the connection, "" if it has not.
func (a *attacker) closed() string {
	err := context.Cause(a.q.Context())
	var app *quicgo.ApplicationError
	var tr *quicgo.TransportError
	switch {
	case errors.As(err, &app) && app.Remote:
		if app.ErrorCode == quicgo.ApplicationErrorCode(h3.NoError) {
			return ""
		}
		text := h3.ErrorCode(app.ErrorCode).String()
		if app.ErrorMessage != "" {
			text += " " + app.ErrorMessage
		}
		return text
	case errors.As(err, &tr) && tr.Remote:
		return tr.Error()
	}
	return ""
}

// verdict puts together what the other end has shown. whole holds the messages, asked the streams on which there should be one.
func (a *attacker) verdict(whole map[uint64]core.Message, asked []uint64, cut bool) core.Verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := core.Verdict{Outcome: core.Accept, Left: -1}
	if why := a.closed(); why != "" {
		v.Outcome, v.Reason = core.Reject, "connection "+why
		return v
	}
	slices.Sort(asked)
	for _, id := range asked {
		m, is := whole[id]
		switch {
		case a.resets[id] || a.status[id]:
		case is:
			m.Head = fmt.Sprintf("%d %s", id, m.Head)
			v.Messages = append(v.Messages, m)
		default:
			v.Outcome = core.More
		}
	}
	if cut {
		v.Outcome = core.More
	}
	if len(a.faults) > 0 {
		v.Outcome, v.Reason = core.Reject, a.faults[0]
	}
	return v
}

// cutControl tells whether a control stream ends inside of a frame: nobody shows that it waits for the rest.
func cutControl(steps []core.Step) bool {
	all := map[uint64][]byte{}
	for _, s := range steps {
		if s.Stream&2 != 0 {
			all[s.Stream] = append(all[s.Stream], s.Bytes...)
		}
	}
	for _, p := range all {
		t, n := h3.ParseStreamType(p)
		if n == 0 || t != h3.StreamControl {
			continue
		}
		for p = p[n:]; len(p) > 0; {
			var h h3.FrameHeader
			n := h3.ParseFrameHeader(p, &h)
			if n == 0 || uint64(len(p)-n) < h.Length {
				return true
			}
			p = p[n+int(h.Length):]
		}
	}
	return false
}
