package verdict

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	quicqpack "github.com/quic-go/qpack"
	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

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

// quicgoServer is http3.Server. Its handlers read the content, and answer when the whole input has come.
func quicgoServer(in *core.Input) core.Verdict {
	steps, err := core.Steps(in.Bytes)
	if err != nil {
		return core.Verdict{Reason: err.Error(), Left: -1}
	}
	certificate()
	return bubble(func() core.Verdict {
		cq, sq, end, err := pair()
		if err != nil {
			return core.Verdict{Reason: err.Error(), Left: -1}
		}
		a := newAttacker(cq)
		var mu sync.Mutex
		whole := map[uint64]core.Message{}
		read := make(chan struct{})
		srv := &http3.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			id := uint64(r.Body.(interface{ StreamID() quicgo.StreamID }).StreamID())
			m, err := httpMessage(r)
			if r.ProtoMajor == 3 && r.Proto != "HTTP/3.0" {
				m.Head += " with " + r.Proto
			}
			if r.Method == http.MethodConnect && r.Proto == "HTTP/3.0" {
				m.Head = "CONNECT " // the target is the authority
			}
			var e *http3.Error
			mu.Lock()
			if err == nil {
				whole[id] = m
			}
			mu.Unlock()
			if err == nil {
				<-read
				return
			}
			if !errors.As(err, &e) || !e.Remote {
				a.mu.Lock()
				a.faults = append(a.faults, fmt.Sprintf("stream %d %v", id, err))
				a.mu.Unlock()
			}
		})}
		over := make(chan struct{})
		go func() {
			defer close(over)
			_ = srv.ServeQUICConn(sq)
		}()
		settle()
		v := core.Verdict{Left: -1}
		if err := a.run(steps, 0); err != nil {
			v.Reason = err.Error()
		} else {
			var asked []uint64
			for _, s := range steps {
				if s.Stream&3 == 0 && !slices.Contains(asked, s.Stream) {
					asked = append(asked, s.Stream)
				}
			}
			mu.Lock()
			v = a.verdict(whole, asked, cutControl(steps))
			mu.Unlock()
		}
		close(read)
		end()
		<-over
		a.wg.Wait()
		return v
	})
}

// quicgoClient is the connection of http3.Transport, which has asked with in.Method on stream 0.
func quicgoClient(in *core.Input) core.Verdict {
	steps, err := core.Steps(in.Bytes)
	if err != nil {
		return core.Verdict{Reason: err.Error(), Left: -1}
	}
	certificate()
	return bubble(func() core.Verdict {
		cq, sq, end, err := pair()
		if err != nil {
			return core.Verdict{Reason: err.Error(), Left: -1}
		}
		a := newAttacker(sq)
		tr := &http3.Transport{DisableCompression: true}
		cc := tr.NewClientConn(cq)
		var mu sync.Mutex
		var failure error
		done := false
		whole := map[uint64]core.Message{}
		ctx, cancel := context.WithCancel(context.Background())
		a.wg.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, in.Method, "https://a.test/", nil)
			resp, err := cc.RoundTrip(r)
			var body []byte
			if err == nil {
				body, err = io.ReadAll(resp.Body)
				defer resp.Body.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			if done, failure = true, err; err != nil {
				return
			}
			m := core.Message{Head: strconv.Itoa(resp.StatusCode), Fields: headerFields(resp.Header), Trailers: headerFields(resp.Trailer)}
			m.Content(body)
			whole[0] = m
		})
		v := core.Verdict{Left: -1}
		settle()
		if s, err := sq.AcceptStream(ctx); err != nil {
			v.Reason = err.Error()
		} else {
			a.adopt(s)
			a.wg.Go(func() { // http3 gives credit for streams that were read
				for {
					s, err := sq.AcceptUniStream(ctx)
					if err != nil {
						return
					}
					a.wg.Go(func() { _, _ = io.Copy(io.Discard, s) })
				}
			})
			settle()
			if err := a.run(steps, 1); err != nil {
				v.Reason = err.Error()
			} else {
				mu.Lock()
				v = a.verdict(whole, []uint64{0}, cutControl(steps))
				var e *http3.Error
				switch {
				case v.Outcome == core.Reject || !done || failure == nil:
				case errors.As(failure, &e) && e.Remote:
					v.Outcome = core.Accept // the server has ended it: nothing is wrong
				default:
					v.Outcome, v.Reason = core.Reject, failure.Error()
				}
				mu.Unlock()
			}
		}
		cancel()
		end()
		_ = tr.Close()
		a.wg.Wait()
		return v
	})
}
