package ws

import "github.com/purewire/purewire/codec"

// Joiner makes whole messages of Data events. A message that came in one piece is passed through as it is; pieces are copied
// into a buffer that is kept for the next message. The zero value is ready.
type Joiner struct {
	// Max is how many bytes a message may have, beside what the connection's own limit says. Zero or negative: no further limit.
	Max int

	buf  []byte
	open bool
	lost bool // too long: the rest of this message is dropped
}

// Add takes a Data event. When done is true, message is the whole message: valid until the next call of Add and, like the
// event's Payload, of Next. A message that is longer than Max is an error, an *Error with ScopeStream and CloseTooBig: once, at
// the piece that shows it; the rest of that message is dropped, and what comes behind it can be read. Events of another kind
// change nothing.
func (j *Joiner) Add(ev *Event) (message []byte, done bool, err error) {
	if ev.Kind != Data {
		return nil, false, nil
	}
	if ev.First {
		j.buf, j.lost = j.buf[:0], false
	}
	j.open = !ev.Last
	if j.lost {
		return nil, false, nil
	}
	if j.Max > 0 && len(ev.Payload) > j.Max-len(j.buf) {
		j.buf, j.lost = j.buf[:0], true
		return nil, false, errJoined
	}
	if ev.First && ev.Last {
		return ev.Payload, true, nil
	}
	j.buf = append(j.buf, ev.Payload...)
	if ev.Last {
		return j.buf, true, nil
	}
	return nil, false, nil
}

// Open reports whether a message has begun and not ended.
func (j *Joiner) Open() bool { return j.open }

// Release lets go of the buffer: for connections that wait, so that none of them holds the memory of its longest message. It
// does nothing while a message is open.
func (j *Joiner) Release() {
	if !j.open {
		j.buf = nil
	}
}

// errJoined is the one error of a Joiner; nobody writes to it.
var errJoined = &Error{Scope: codec.ScopeStream, Code: CloseTooBig, Off: -1, Reason: reasons[rJoined].text}
