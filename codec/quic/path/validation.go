package path

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Challenge is the data of a PATH_CHALLENGE or PATH_RESPONSE frame.
type Challenge [8]byte

// maxChallenges is how many challenges of a validation can be answered; of older ones the answer comes too late.
const maxChallenges = 8

// Validation is one validation of a path (RFC 9000 section 8.2): challenges are sent until one is answered or the time is over. The zero
// value is not started.
type Validation struct {
	state    ValidationState
	sent     [maxChallenges]sentChallenge
	n        int // challenges sent
	deadline codec.Time
	next     codec.Time
	interval time.Duration
	mtu      bool // a response to a challenge in a datagram of MinDatagram bytes has come
}

type sentChallenge struct {
	data     Challenge
	expanded bool
}

// ValidationState says how far a validation is.
type ValidationState uint8

// The states. Validated means the address: whether the path carries datagrams of MinDatagram bytes, MTU tells.
const (
	Unvalidated ValidationState = iota
	Validating
	Validated
	Failed
)

// Start begins a validation, anew if there was one. pto is the larger of the current PTO and that of the new path, which is 1 s without a sample: three
// times the initial RTT of RFC 9002. Challenges are repeated after pto, then after twice that, and so on; after three times pto the validation has failed.
func (v *Validation) Start(now codec.Time, pto time.Duration) {
	*v = Validation{
		state: Validating, next: now, interval: pto,
		// 9000-8.2.4-2: "A value of three times the larger of the current PTO or the PTO for the new path [...] is RECOMMENDED."
		deadline: now.Add(3 * pto),
	}
}

// State returns the state.
func (v *Validation) State() ValidationState { return v.state }

// MTU tells whether the path has carried a datagram of MinDatagram bytes in both directions. If State is Validated and MTU is not true, Start again when
// larger datagrams may be sent (9000-8.2.1-6).
func (v *Validation) MTU() bool { return v.mtu }

// Abandon ends a validation that is going on, as failed.
func (v *Validation) Abandon() {
	if v.state == Validating {
		v.state = Failed
	}
}

// Deadline returns when Advance or Due has something to do, Never if not.
func (v *Validation) Deadline() codec.Time {
	if v.state != Validating {
		return codec.Never
	}
	return codec.Earliest(v.next, v.deadline)
}

// Due tells whether a PATH_CHALLENGE frame should be sent now. If it cannot be, because the anti-amplification limit has no room for it or there is no connection ID
// for the path, try again when a packet has arrived.
func (v *Validation) Due(now codec.Time) bool { return v.state == Validating && v.next.Reached(now) }

// Sent counts a PATH_CHALLENGE frame with the data in a datagram of size bytes. The data must be unpredictable and new for every frame
// (9000-8.2.1-4). A datagram of less than MinDatagram bytes is right only where the anti-amplification limit allows no more.
func (v *Validation) Sent(now codec.Time, data Challenge, size int) {
	if v.state != Validating {
		return
	}
	v.sent[v.n%maxChallenges] = sentChallenge{data, size >= MinDatagram}
	v.n++
	// 9000-9.4-5: the timer is set as the PTO, and the next one "for a longer period of time".
	v.next = now.Add(v.interval)
	v.interval *= 2
}

// Response takes a PATH_RESPONSE frame, received on whatever path (9000-8.2.3-1). matched tells whether it answers a challenge of this validation. Later
// ones may still show that the MTU is enough.
func (v *Validation) Response(data Challenge) (matched bool) {
	if v.state != Validating && v.state != Validated {
		return false
	}
	for _, c := range v.sent[:min(v.n, maxChallenges)] {
		if c.data == data {
			v.state = Validated
			// 9000-8.2.3-2: "If an endpoint sends a PATH_CHALLENGE frame in a datagram that is not expanded to at least 1200 bytes and if the response
			// to it validates the peer address, the path is validated but not the path MTU."
			v.mtu = v.mtu || c.expanded
			return true
		}
	}
	return false
}

// Advance tells the time. failed is true once: the validation was given up.
func (v *Validation) Advance(now codec.Time) (failed bool) {
	if v.state != Validating || !v.deadline.Reached(now) {
		return false
	}
	v.state = Failed
	return true
}

// maxResponses is how many PATH_RESPONSE frames can be owed on a path.
const maxResponses = 4

// Responder owes the answers to PATH_CHALLENGE frames of one path. At most four are kept, and the newest win: an answer to an old challenge is of
// little use to the peer, and it is expected to send more of them (9000-8.2.2-4). The zero value owes nothing.
type Responder struct {
	data [maxResponses]Challenge
	n    int
}

// Challenged takes a PATH_CHALLENGE frame. The answer must go to the path that it came from (9000-8.2.2-2).
func (r *Responder) Challenged(data Challenge) {
	if r.n == maxResponses {
		copy(r.data[:], r.data[1:])
		r.n--
	}
	r.data[r.n] = data
	r.n++
}

// Pending returns how many answers are owed.
func (r *Responder) Pending() int { return r.n }

// Next returns the data of the PATH_RESPONSE frame to send, oldest first, and forgets it: it is sent once, lost or not (9000-8.2.2-4). found is false if none
// is owed. The datagram is to have MinDatagram bytes or more, as far as the anti-amplification limit of the path allows: RFC 9000 section 8.2.2.
func (r *Responder) Next() (data Challenge, found bool) {
	if r.n == 0 {
		return data, false
	}
	data = r.data[0]
	copy(r.data[:], r.data[1:r.n])
	r.n--
	return data, true
}
