package qpack

import (
	"math"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/hcode"
)

// section is a field section with dynamic references that the peer has not acknowledged.
type section struct {
	stream   uint64
	required uint64
	min      uint64 // the oldest entry that it refers to
	most     uint64 // the largest required of this and the stream's sections before it
	last     bool   // no later one of the stream is outstanding
}

// noEntry is above every absolute index.
const noEntry = math.MaxUint64

// pinned returns the absolute index of the oldest entry that an outstanding section refers to.
func (e *Encoder) pinned() uint64 {
	if e.stale {
		e.stale, e.pin = false, noEntry
		for i := range e.sections {
			e.pin = min(e.pin, e.sections[i].min)
		}
	}
	return min(e.pin, e.cur.min)
}

// mayBlock tells whether the section in progress may refer to entries that the peer may not have (RFC 9204 section 2.1.2).
func (e *Encoder) mayBlock() bool {
	if e.risk == riskUnknown {
		e.risk = riskNo
		streams := 0
		for i := range e.sections {
			s := &e.sections[i]
			if !s.last || s.most <= e.known {
				continue
			}
			if streams++; s.stream == e.cur.stream {
				e.risk = riskYes // it counts already
			}
		}
		// RFC 9204 section 2.1.2-4: An encoder MUST limit the number of streams that could become blocked to the value of
		// SETTINGS_QPACK_BLOCKED_STREAMS at all times.
		if uint64(streams) < e.blocked {
			e.risk = riskYes
		}
	}
	return e.risk == riskYes
}

// risk says whether the section in progress may block.
type risk uint8

const (
	riskUnknown risk = iota
	riskYes
	riskNo
)

// record enters the section in progress into the outstanding ones.
func (e *Encoder) record() {
	s := e.cur
	s.most, s.last = s.required, true
	for i := len(e.sections) - 1; i >= 0; i-- {
		if o := &e.sections[i]; o.stream == s.stream && o.last {
			o.last = false
			s.most = max(s.most, o.most)
			break
		}
	}
	if !e.stale {
		e.pin = min(e.pin, s.min)
	}
	e.sections = append(e.sections, s)
}

// ReadDecoderStream reads the next octets of the peer's decoder stream, cut anywhere. All of src is taken. An error is final: the
// connection must end with its code.
func (e *Encoder) ReadDecoderStream(src []byte) error {
	if e.err != nil {
		return e.err
	}
	if !e.ready {
		e.Init(nil)
	}
	for len(src) > 0 {
		if e.have > 0 {
			e.part[e.have] = src[0]
			e.have++
			src = src[1:]
			n, r := e.answer(e.part[:e.have])
			if r != ok {
				return e.fail(r)
			}
			if n > 0 {
				e.have = 0
				e.off += int64(n)
			}
			continue
		}
		n, r := e.answer(src)
		if r != ok {
			return e.fail(r)
		}
		e.off += int64(n)
		if n == 0 {
			e.have = copy(e.part[:], src) // fewer than 10 octets, or the integer would be too long
			return nil
		}
		src = src[n:]
	}
	return nil
}

// fail ends e.
func (e *Encoder) fail(r reason) error {
	e.fault = Error{Scope: codec.ScopeConn, Code: r.code(), Off: e.off, Reason: reasons[r]}
	e.err = &e.fault
	return e.err
}

// answer carries out the instruction at the start of src and returns how many octets it takes, 0 if it is cut.
func (e *Encoder) answer(src []byte) (int, reason) {
	e.steps++
	switch c := src[0]; {
	case c >= flagAck:
		v, n := hcode.ReadInt(src, 7)
		if n < 0 {
			return 0, rAckInt
		}
		if n > 0 && !e.acknowledge(v) {
			// RFC 9204 section 4.4.1-4: If an encoder receives a Section Acknowledgment instruction referring to a stream on
			// which every encoded field section with a non-zero Required Insert Count has already been acknowledged, this MUST be
			// treated as a connection error of type QPACK_DECODER_STREAM_ERROR.
			return 0, rAckNone
		}
		return n, ok
	case c >= flagCancel:
		v, n := hcode.ReadInt(src, 6)
		if n < 0 {
			return 0, rCancelInt
		}
		if n > 0 {
			e.forget(v)
		}
		return n, ok
	}
	v, n := hcode.ReadInt(src, 6)
	switch {
	case n < 0:
		return 0, rIncrementInt
	case n == 0:
		return 0, ok
	case v == 0:
		// RFC 9204 section 4.4.3-3: An encoder that receives an Increment field equal to zero, or one that increases the Known
		// Received Count beyond what the encoder has sent, MUST treat this as a connection error of type
		// QPACK_DECODER_STREAM_ERROR.
		return 0, rIncrementZero
	case v > e.tab.head-e.known:
		return 0, rIncrementBig
	}
	e.known += v
	return n, ok
}

// acknowledge takes the oldest outstanding section of a stream out (RFC 9204 section 2.1.4).
func (e *Encoder) acknowledge(stream uint64) bool {
	for i := range e.sections {
		e.steps++
		if s := &e.sections[i]; s.stream == stream {
			e.known = max(e.known, s.required)
			e.stale = e.stale || s.min <= e.pin
			e.sections = append(e.sections[:i], e.sections[i+1:]...)
			return true
		}
	}
	return false
}

// forget takes all outstanding sections of a stream out (RFC 9204 section 2.2.2.2).
func (e *Encoder) forget(stream uint64) {
	kept := e.sections[:0]
	for i := range e.sections {
		e.steps++
		if e.sections[i].stream != stream {
			kept = append(kept, e.sections[i])
		}
	}
	if len(kept) < len(e.sections) {
		e.sections, e.stale = kept, true
	}
}
