package verdict

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	core "github.com/purewire/purewire/corpus/verdict"
)

// probe is the payload of the PING whose acknowledgment shows that everything in front of it was read.
var probe = [8]byte{'p', 'u', 'r', 'e', 'w', 'i', 'r', 'e'}

// sent is what an endpoint of HTTP/2 has written: the frames that tell what it thinks.
type sent struct {
	heads  map[uint32]int // streams with a final HEADERS frame, and what its field "n" says: -1 if the handler did not write it
	resets map[uint32]bool
	faults []string // RST_STREAM, in order
	goaway string   // the code of a GOAWAY other than NO_ERROR
	pong   bool

	at  int // of what was written, read
	dec *hpack.Decoder
}

func newSent() *sent {
	return &sent{heads: map[uint32]int{}, resets: map[uint32]bool{}, dec: hpack.NewDecoder(4096, nil)}
}

// readSent reads the frames of out; the last one may be cut.
func readSent(out []byte) sent {
	s := newSent()
	s.read(out)
	return *s
}

// read reads what out has more than at the last call: floods are answered with floods.
func (s *sent) read(out []byte) {
	out = out[s.at:]
	for len(out) >= 9 {
		n := 9 + (int(out[0])<<16 | int(out[1])<<8 | int(out[2]))
		if len(out) < n {
			break
		}
		id, p := binary.BigEndian.Uint32(out[5:])&(1<<31-1), out[9:n]
		switch http2.FrameType(out[3]) {
		case http2.FrameHeaders:
			n, status := -1, ""
			fields, _ := s.dec.DecodeFull(p)
			for _, f := range fields {
				switch f.Name {
				case "n":
					n, _ = strconv.Atoi(f.Value)
				case ":status":
					status = f.Value
				}
			}
			if _, known := s.heads[id]; !known {
				s.heads[id] = n
				if status >= "400" {
					s.faults = append(s.faults, fmt.Sprintf("stream %d %s", id, status))
				}
			}
		case http2.FrameRSTStream:
			code := http2.ErrCode(binary.BigEndian.Uint32(p))
			s.resets[id] = true
			if code != http2.ErrCodeNo {
				s.faults = append(s.faults, fmt.Sprintf("stream %d %s", id, code))
			}
		case http2.FrameGoAway:
			if code := http2.ErrCode(binary.BigEndian.Uint32(p[4:])); code != http2.ErrCodeNo {
				s.goaway = code.String()
				if debug := string(p[8:]); debug != "" {
					s.goaway += " " + debug
				}
			}
		case http2.FramePing:
			s.pong = s.pong || out[4]&1 != 0 && bytes.Equal(p, probe[:])
		}
		out = out[n:]
		s.at += n
	}
}

// xnetServer is http2.Server. Its handlers run on goroutines of their own: the verdict waits until every stream that the input
// opens and does not reset has an answer, and every frame was read, before the input ends.
func xnetServer(in *core.Input) core.Verdict {
	c := newConn()
	wire, open, ok := core.Synchronise(in, probe)
	c.feed(wire)
	var mu sync.Mutex
	var seen []core.Message // by the number that the answer carries
	var broken []error      // the errors of their bodies
	running := 0
	var idle sync.Cond
	idle.L = &mu
	read := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n := len(seen)
		seen, broken = append(seen, core.Message{}), append(broken, nil)
		running++
		mu.Unlock()
		w.Header().Set("n", strconv.Itoa(n))
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		m, err := httpMessage(r)
		<-read // no stream closes before the whole input was read
		mu.Lock()
		defer mu.Unlock()
		running--
		idle.Broadcast()
		if err == nil {
			seen[n] = m
		} else if !strings.Contains(err.Error(), "client disconnected") {
			broken[n] = err
		}
	})
	srv := &http2.Server{CountError: func(string) {}}
	over := make(chan struct{})
	go func() {
		defer close(over)
		srv.ServeConn(c, &http2.ServeConnOpts{Handler: handler, BaseConfig: &http.Server{ErrorLog: quiet}})
	}()
	answers := newSent()
	if ok && !c.until(func(out []byte) bool {
		s := answers
		s.read(out)
		if s.goaway != "" {
			return true
		}
		if !s.pong {
			return false
		}
		for _, id := range open {
			if _, ok := s.heads[id]; !ok && !s.resets[id] {
				return false
			}
		}
		return true
	}) {
		close(read)
		c.Close()
		return core.Verdict{Reason: errLate.Error(), Left: -1}
	}
	c.eof()
	close(read)
	if !wait(over) {
		c.Close()
		return core.Verdict{Reason: errLate.Error(), Left: -1}
	}
	mu.Lock()
	defer mu.Unlock()
	for running > 0 {
		idle.Wait()
	}
	s := readSent(c.written())
	streams := map[uint32]core.Message{}
	for _, id := range open {
		n, ok := s.heads[id]
		switch {
		case !ok || n < 0 || n >= len(seen):
		case broken[n] != nil && !s.resets[id]:
			s.faults = append(s.faults, fmt.Sprintf("stream %d %v", id, broken[n]))
		case broken[n] == nil && seen[n].Head != "":
			streams[id] = seen[n]
		}
	}
	v := http2Verdict(s, streams, open, !ok)
	if c.gaveUp() && v.Outcome != core.Reject {
		v.Outcome, v.Reason = core.Reject, "connection closed"
	}
	return v
}

// http2Verdict puts together what the handler has seen and what was written.
func http2Verdict(s sent, streams map[uint32]core.Message, open []uint32, cut bool) core.Verdict {
	v := core.Verdict{Outcome: core.Accept, Left: -1}
	var ids []uint32
	for id := range streams {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if m := streams[id]; !s.resets[id] && s.goaway == "" {
			m.Head = fmt.Sprintf("%d %s", id, m.Head)
			v.Messages = append(v.Messages, m)
		}
	}
	for _, id := range open {
		if _, whole := streams[id]; !whole && !s.resets[id] {
			v.Outcome = core.More
		}
	}
	if cut {
		v.Outcome = core.More
	}
	switch {
	case s.goaway != "":
		v.Outcome, v.Reason = core.Reject, "connection "+s.goaway
	case len(s.faults) > 0:
		v.Outcome, v.Reason = core.Reject, s.faults[0] // how many more there are is a matter of time
	}
	return v
}

// ends tells whether a stream has a frame with END_STREAM in the frames of a server.
func ends(in []byte, id uint32) bool {
	for len(in) >= 9 {
		n := 9 + (int(in[0])<<16 | int(in[1])<<8 | int(in[2]))
		if len(in) < n {
			break
		}
		if in[3] <= 1 && in[4]&1 != 0 && binary.BigEndian.Uint32(in[5:])&(1<<31-1) == id {
			return true
		}
		in = in[n:]
	}
	return false
}

func wait(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-time.After(failsafe):
		return false
	}
}

// xnetClient is the client connection of http2.Transport, which has asked with in.Method on stream 1.
func xnetClient(in *core.Input) core.Verdict {
	c := newConn()
	tr := &http2.Transport{AllowHTTP: true, DisableCompression: true, CountError: func(string) {}}
	cc, err := tr.NewClientConn(c)
	if err != nil {
		return core.Verdict{Reason: err.Error(), Left: -1}
	}
	defer c.Close()
	var m core.Message
	var failure error
	over := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer close(over)
		r, _ := http.NewRequestWithContext(ctx, in.Method, "http://a.test/", nil)
		resp, err := cc.RoundTrip(r)
		if err != nil {
			failure = err
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		failure = err
		m = core.Message{Head: strconv.Itoa(resp.StatusCode), Fields: headerFields(resp.Header), Trailers: headerFields(resp.Trailer)}
		m.Content(body)
	}()
	frames := func(out []byte) sent { return readSent(bytes.TrimPrefix(out, []byte(http2.ClientPreface))) }
	if !c.until(func(out []byte) bool { _, asked := frames(out).heads[1]; return asked }) {
		return core.Verdict{Reason: errLate.Error(), Left: -1}
	}
	wire, _, ok := core.Synchronise(in, probe)
	c.feed(wire)
	later := newSent()
	if ok && !c.until(func(out []byte) bool {
		later.read(bytes.TrimPrefix(out, []byte(http2.ClientPreface)))
		return later.pong || later.goaway != ""
	}) {
		return core.Verdict{Reason: errLate.Error(), Left: -1}
	}
	quit := ok && c.isClosed() // by itself, with a GOAWAY or without
	whole := ends(in.Bytes, 1)
	if whole && !wait(over) {
		return core.Verdict{Reason: errLate.Error(), Left: -1}
	}
	s := frames(c.written()) // what it writes when the input ends is about that
	c.eof()
	if !wait(over) {
		return core.Verdict{Reason: errLate.Error(), Left: -1}
	}
	streams := map[uint32]core.Message{}
	if failure == nil {
		streams[1] = m
	}
	v := http2Verdict(s, streams, nil, !ok)
	var ended http2.StreamError
	switch {
	case v.Outcome == core.Reject:
	case quit:
		v = core.Verdict{Outcome: core.Reject, Reason: "connection closed", Left: -1}
	case failure == nil:
	case errors.As(failure, &ended) && ended.Cause != nil && strings.Contains(ended.Cause.Error(), "received from peer"):
		// The peer has ended it: nothing is wrong.
	case !whole && cut(failure) || errors.Is(failure, errClosed(failure)):
		v.Outcome = core.More
	default:
		v.Outcome, v.Reason = core.Reject, failure.Error()
	}
	return v
}

// errClosed makes of the many errors that a client reports when its connection ends the one that they mean.
func errClosed(err error) error {
	if s := err.Error(); strings.Contains(s, "client connection lost") || strings.Contains(s, "client conn") || strings.Contains(s, "GOAWAY") {
		return err
	}
	return io.EOF
}

// xnetFramer is http2.Framer with ReadMetaHeaders: it judges single frames and field sections, and knows no streams. What it
// shows is the field sections.
func xnetFramer(in *core.Input) (v core.Verdict) {
	src := in.Bytes
	if in.Role == core.Server {
		var ok bool
		if src, ok = bytes.CutPrefix(src, []byte(http2.ClientPreface)); !ok {
			return core.Verdict{Outcome: core.Reject, Reason: "no preface", Left: -1}
		}
	}
	fr := http2.NewFramer(io.Discard, bytes.NewReader(src))
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	fr.SetMaxReadFrameSize(16384)
	v.Left = -1
	for {
		_, err := fr.ReadFrame()
		var se http2.StreamError
		switch {
		case errors.Is(err, io.EOF):
			if v.Outcome != core.Reject {
				v.Outcome = core.Accept
			}
			return v
		case errors.Is(err, io.ErrUnexpectedEOF):
			if v.Outcome != core.Reject {
				v.Outcome = core.More
			}
			return v
		case errors.As(err, &se):
			if v.Outcome != core.Reject {
				v.Outcome, v.Reason = core.Reject, err.Error()
			}
		case err != nil:
			v.Outcome, v.Reason = core.Reject, err.Error()
			return v
		}
	}
}
