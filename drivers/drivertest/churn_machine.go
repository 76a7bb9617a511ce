package drivertest

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// churnState is one connection's logic. Everything but what is atomic, and sh, belongs to the driver's calls. Successors share it.
type churnState struct {
	ch   *churn
	link drivers.Link
	sh   *shared // with the functions it starts

	known   bool
	key     byte
	records int
	kind    byte  // of the last record
	data    int   // bytes of recData that are still to come
	inAt    int64 // bytes of recData that came
	read    int64
	rest    int // bytes that the last Receive left
	greedy  int // bytes that must be there before any is consumed
	told    bool
	owed    []owed
	payload []byte
	outAt   int64 // output made
	given   int64 // output appended or accounted for

	asleep   bool
	until    codec.Time
	far      codec.Time
	waits    int // functions whose end it waits for
	starts   int
	fuse     codec.Time // when it panics
	swap     bool
	closing  bool
	complete bool
	abort    bool
	drained  bool
	doomed   bool // ends with an error of its own making
	over     bool

	closed atomic.Bool // what follows is final
	err    error
}

// owed is output that was not appended yet.
type owed struct {
	n   int
	ref bool
}

func (ch *churn) accept(_ *drivers.Turn, l drivers.Link) drivers.Machine {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.accepts++; ch.refuse && ch.accepts%3 == 0 {
		ch.refused++
		return nil
	}
	s := &churnState{ch: ch, link: l, sh: newShared()}
	ch.machines = append(ch.machines, s)
	return &churnMachine{s: s}
}

// churnMachine is what the driver calls. A machine that was succeeded must not be called again.
type churnMachine struct {
	s    *churnState
	gone bool
}

func (m *churnMachine) state() *churnState {
	if m.gone {
		m.s.ch.errorf("a machine is called behind Successor")
	}
	return m.s
}

// emit makes n bytes of output, as far as the run's budget goes.
func (s *churnState) emit(n int, ref bool) {
	if !s.known || s.closing || s.abort || s.over || n == 0 {
		return
	}
	if s.ch.budget.Add(-int64(n)) < 0 {
		n = 1
	}
	s.owed = append(s.owed, owed{n, ref})
	s.outAt += int64(n)
	s.ready()
}

// ready turns what is owed by reference into a payload when it is its turn.
func (s *churnState) ready() {
	if len(s.payload) == 0 && len(s.owed) > 0 && s.owed[0].ref {
		s.payload = make([]byte, s.owed[0].n)
		for i := range s.payload {
			s.payload[i] = churnByte(s.key, s.given+int64(i))
		}
		s.owed = s.owed[1:]
	}
}

// appendOutput appends what is owed, at most room bytes.
func (s *churnState) appendOutput(dst []byte, room int) []byte {
	for room > 0 && len(s.payload) == 0 && len(s.owed) > 0 {
		o := &s.owed[0]
		n := min(o.n, room)
		for range n {
			dst = append(dst, churnByte(s.key, s.given))
			s.given++
		}
		room -= n
		if o.n -= n; o.n == 0 {
			s.owed = s.owed[1:]
		}
		s.ready()
	}
	return dst
}

func (s *churnState) paused() bool {
	return s.asleep || s.until != codec.Never || s.waits > 0 || s.swap
}

// calm closes once everything was heard.
func (s *churnState) calm() {
	if s.told && !s.paused() && s.rest == 0 {
		s.closing = true
	}
}

func (m *churnMachine) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	s := m.state()
	s.sh.set(func() { s.sh.in = append(s.sh.in[:0], src...) })
	defer func() { s.read += int64(n); s.rest = len(src) - n }()
	if len(src) < s.greedy && !s.told {
		return 0, dst
	}
	s.greedy = 0
	for !s.paused() && !s.closing && !s.abort {
		if k := min(s.data, len(src)-n); k > 0 {
			for _, b := range src[n : n+k] {
				if b != churnByte(s.key, s.inAt) {
					s.ch.errorf("byte %d of connection %#x arrived as %#x, not %#x", s.inAt, s.key, b, churnByte(s.key, s.inAt))
				}
				s.inAt++
			}
			clear(src[n : n+k]) // allowed in what it consumes, as unmasking does
			s.data -= k
			n += k
		}
		if s.data > 0 || len(src)-n < 4 {
			break
		}
		r := src[n : n+4]
		n += 4
		if !s.known {
			s.known, s.key = true, r[0]
		}
		if r[0] != s.key || r[3] != recordSum(r[0], r[1], r[2], s.records) || r[1] >= recKinds {
			s.ch.errorf("record %d of connection %#x arrived as % x", s.records, s.key, r)
			s.abort, s.doomed = true, true
			break
		}
		s.records++
		s.kind = r[1]
		s.do(t, r[1], r[2])
		if s.greedy > 0 {
			break
		}
	}
	if s.told && !s.paused() { // nothing more comes, and what is left is torn
		s.closing = true
	}
	return n, s.appendOutput(dst, t.Max)
}

// do follows a record.
func (s *churnState) do(t *drivers.Turn, kind, arg byte) {
	switch kind {
	case recOut:
		s.emit(churnSize(arg), false)
	case recRef:
		s.emit(churnSize(arg), true)
	case recPause:
		s.asleep = !s.ch.ending.Load()
	case recDeadline:
		s.until = t.Now.Add(time.Duration(arg%8) * 100 * time.Microsecond)
	case recGo:
		s.start(arg)
	case recSwitch:
		s.swap = true
	case recClose, recComplete:
		s.closing, s.complete = true, kind == recComplete
	case recAbort:
		s.abort, s.doomed = true, true
	case recPanic:
		doomed := s.doomed
		s.doomed = true
		switch arg % 3 {
		case 0:
			s.ch.panics.Add(1)
			panic("in Receive")
		case 1:
			s.asleep = true // to be doomed, not to be closed before
			s.ch.posts.Add(1)
			if s.link.Post(func(_ *drivers.Turn, err error) {
				s.ch.ran.Add(1)
				if err == nil {
					s.ch.panics.Add(1)
					panic("in a post")
				}
			}) != nil {
				s.ch.posts.Add(-1)
				s.doomed, s.asleep = doomed, false
			}
		case 2:
			s.fuse = t.Now
			s.until = t.Now
		}
	case recPost:
		for range arg&3 + 1 {
			s.ch.post(s, int(arg>>2))
		}
	case recGreedy:
		s.greedy = int(arg % 64)
	case recData:
		s.data = churnSize(arg)
	case recFar:
		s.far = t.Now.Add(time.Hour)
	}
}

// start starts a function of one of several kinds.
func (s *churnState) start(arg byte) {
	if s.starts++; s.starts > 6 {
		return
	}
	s.ch.tasks.Add(1)
	s.sh.mu.Lock()
	seen := len(s.sh.in)
	s.sh.mu.Unlock()
	var f func()
	ended := func() bool { return s.sh.gone || s.sh.eof }
	switch arg % 6 {
	case 0: // Advance must come behind it
		s.waits++
		f = func() { s.sh.set(func() { s.sh.done = true }) }
	case 1:
		f = func() {
			s.ch.post(s, int(arg))
			runtime.Gosched()
			s.link.Wake()
		}
	case 2: // wait for the machine to be called with other bytes
		f = func() {
			s.sh.wait(s.link, func() bool { return ended() || len(s.sh.in) != seen })
		}
	case 3: // wait for the peer to leave, without pumping
		f = func() {
			s.link.Watch()
			s.sh.mu.Lock()
			for !ended() {
				s.sh.cond.Wait()
			}
			s.sh.mu.Unlock()
		}
	case 4:
		s.doomed = true
		f = func() {
			s.ch.panics.Add(1)
			panic("in a function")
		}
	case 5:
		s.doomed = true
		f = func() {
			s.ch.panics.Add(1)
			runtime.Goexit()
		}
	}
	s.link.Go(func() {
		s.ch.tasked.Add(1)
		f()
	})
}

func (m *churnMachine) Transmit(t *drivers.Turn, dst []byte) []byte {
	return m.state().appendOutput(dst, t.Max)
}

func (m *churnMachine) PeerClosed(*drivers.Turn) {
	s := m.state()
	s.told = true
	s.sh.set(func() { s.sh.eof = true })
	if s.rest > 0 && !s.paused() {
		s.closing = true // a torn record, or bytes it was too greedy for
	}
	s.calm()
}

func (m *churnMachine) Advance(t *drivers.Turn) {
	s := m.state()
	if s.fuse.Reached(t.Now) {
		s.ch.panics.Add(1)
		panic("in Advance")
	}
	s.asleep = false
	if s.until.Reached(t.Now) {
		s.until = codec.Never
	}
	s.sh.set(func() {
		if s.sh.done {
			s.waits, s.sh.done = 0, false
		}
	})
	s.calm()
}

func (m *churnMachine) Deadline() codec.Time {
	s := m.state()
	return codec.Earliest(s.until, s.far)
}

func (m *churnMachine) Status() (st drivers.Status) {
	s := m.state()
	switch {
	case len(s.payload) > 0:
		st = drivers.HasPayload
	case len(s.owed) > 0:
		st = drivers.WantOutput
	}
	switch {
	case s.abort:
		st |= drivers.Abort
	case s.closing:
		st |= drivers.Closing
		if s.complete {
			st |= drivers.Complete
		}
	case s.swap:
		st |= drivers.Switch
	case !s.paused():
		st |= drivers.WantInput
	}
	return st
}

func (m *churnMachine) Payload() []byte { return m.state().payload }

func (m *churnMachine) PayloadSent(_ *drivers.Turn, n int) {
	s := m.state()
	s.payload = s.payload[n:]
	s.given += int64(n)
	s.ready()
}

func (m *churnMachine) Successor(*drivers.Turn) drivers.Machine {
	s := m.state()
	m.gone = true
	s.swap, s.told = false, false // it is told again
	return &churnMachine{s: s}
}

// Drain answers what was consumed and closes, whatever it waits for.
func (m *churnMachine) Drain(*drivers.Turn) {
	s := m.state()
	s.drained = true
	s.closing = !s.abort
}

func (m *churnMachine) InFlight() bool { s := m.state(); return len(s.owed) > 0 || len(s.payload) > 0 }

func (m *churnMachine) Closed(err error) {
	s := m.state()
	s.err, s.over = err, true
	s.sh.set(func() { s.sh.gone = true })
	s.closed.Store(true)
}
