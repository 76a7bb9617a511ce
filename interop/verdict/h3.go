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

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	core "github.com/purewire/purewire/corpus/verdict"
)

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
