package drivertest

import (
	"bytes"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// Echo is a service that sends every byte back. It shows back-pressure: what does not fit into Turn.Max stays unread, and
// the machine stops wanting input until there is room, so a peer that does not read is not read from either.
var Echo drivers.Service = drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return &echo{} })

type echo struct {
	full bool // there was no room for all input
	left int  // bytes that were not taken
	done bool // the peer has finished
}

// Receive copies what there is room for.
func (e *echo) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	n := min(len(src), t.Max)
	e.left = len(src) - n
	e.full = e.left > 0
	return n, append(dst, src[:n]...)
}

// Transmit is called when there is room again, which is all the machine wanted to know.
func (e *echo) Transmit(_ *drivers.Turn, dst []byte) []byte {
	e.full = false
	return dst
}

// Status asks for a call of Transmit instead of input while there is no room.
func (e *echo) Status() drivers.Status {
	switch {
	case e.full:
		return drivers.WantOutput
	case e.done && e.left == 0:
		return drivers.Closing
	}
	return drivers.WantInput
}

func (e *echo) PeerClosed(*drivers.Turn) { e.done = true }
func (e *echo) Advance(*drivers.Turn)    {}
func (e *echo) Deadline() codec.Time     { return codec.Never }
func (e *echo) Closed(error)             {}

// Drain lets an idle connection go. What was received so far is still echoed.
func (e *echo) Drain(*drivers.Turn) { e.done = true }

// InFlight reports whether bytes wait to be echoed.
func (e *echo) InFlight() bool { return e.left > 0 }

// Line is a service for a line protocol: a request is a line that ends with LF (a CR before it is dropped), the answer is
// whatever Answer appends, and a LF. It shows a longest unit, an error answer that is followed by a lingering close, an
// idle deadline, and draining.
type Line struct {
	// Answer appends the answer to line, without LF, to dst. It must not keep line. False closes the connection after
	// this answer.
	Answer func(dst, line []byte) ([]byte, bool)
	// MaxLine is the longest line accepted, in bytes without LF; 0 means 1024. A longer one is answered with "too long"
	// and ends the connection.
	MaxLine int
	// Idle ends a connection from which no whole line came for so long; 0 means never.
	Idle time.Duration
}

// NewLocal returns nil: a line needs no scratch space.
func (s *Line) NewLocal() any { return nil }

// Accept returns the machine of a new connection.
func (s *Line) Accept(t *drivers.Turn, _ drivers.Link) drivers.Machine {
	m := &line{s: s, max: s.MaxLine}
	if m.max == 0 {
		m.max = 1024
	}
	m.touch(t)
	return m
}

type line struct {
	s       *Line
	max     int
	seen    int // bytes of the unread tail known to hold no LF
	full    bool
	rest    int  // bytes that the last Receive left
	last    bool // no more lines come; those that were received are still answered
	closing bool
	idle    codec.Time
}

func (m *line) touch(t *drivers.Turn) {
	if m.s.Idle > 0 {
		m.idle = t.Now.Add(m.s.Idle)
	}
}

// Receive answers every whole line. The rest stays with the driver: the machine keeps no bytes, only how far it looked.
func (m *line) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	defer func() { m.rest = len(src) - n }()
	start := len(dst)
	for !m.closing {
		if m.full = len(dst)-start >= t.Max; m.full {
			m.closing = m.last && n == len(src) // there is no other call to do it in
			return n, dst
		}
		i := bytes.IndexByte(src[n+m.seen:], '\n')
		if i < 0 {
			if m.seen = len(src) - n; m.seen > m.max {
				break
			}
			m.closing = m.last
			return n, dst
		}
		if i += m.seen; i > m.max {
			break
		}
		ok := false
		dst, ok = m.s.Answer(dst, bytes.TrimSuffix(src[n:n+i], []byte("\r")))
		dst = append(dst, '\n')
		n += i + 1
		m.seen, m.closing = 0, !ok
		m.touch(t)
	}
	if !m.closing {
		dst = append(dst, "too long\n"...)
		m.closing = true
	}
	return n, dst
}

func (m *line) Transmit(_ *drivers.Turn, dst []byte) []byte {
	m.full = false
	return dst
}

func (m *line) Status() drivers.Status {
	switch {
	case m.full && !m.closing:
		return drivers.WantOutput
	case m.closing:
		return drivers.Closing
	}
	return drivers.WantInput
}

func (m *line) PeerClosed(*drivers.Turn) { m.finish() }

// finish closes, after the lines that there was no room to answer.
func (m *line) finish() {
	if m.last = true; !m.full || m.rest == 0 {
		m.closing = true
	}
}

func (m *line) Advance(t *drivers.Turn) {
	if m.idle.Reached(t.Now) {
		m.closing = true
	}
}

func (m *line) Deadline() codec.Time {
	if m.closing {
		return codec.Never
	}
	return m.idle
}

func (m *line) Closed(error) {}

// Drain answers what was already read and closes.
func (m *line) Drain(*drivers.Turn) { m.finish() }

// InFlight reports whether part of a line was read.
func (m *line) InFlight() bool { return m.seen > 0 }
