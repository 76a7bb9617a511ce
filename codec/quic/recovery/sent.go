package recovery

import "github.com/purewire/purewire/codec"

// state is the state of a packet number that was used up.
type state uint8

const (
	waiting state = iota // sent, neither acknowledged nor lost
	lost                 // declared lost, may be acknowledged late
	acked
	skipped // never sent
	gone    // will not be reported: not in flight and overtaken, or forgotten
)

// sent is the record of one packet number: 32 bytes.
type sent struct {
	at    codec.Time
	token uint64
	// aux depends on the state. Waiting: the largest packet number that an ACK frame in it acknowledges, and one; 0 for none.
	// Lost: when it was declared so. Others: all numbers from aux to this one are neither waiting nor lost.
	aux    int64
	octets uint32
	state  state
	flags  uint8
}

// The flags of a record.
const (
	eliciting uint8 = 1 << iota // elicits an acknowledgment
	inFlight                    // counts as in flight: eliciting, or with padding
	marked                      // sent with ECT(0)
	mtuProbe                    // a probe for the path's MTU
)

func (p *sent) is(flag uint8) bool { return p.flags&flag != 0 }

// log has the records of the packet numbers base to next-1 of one space in a ring.
type log struct {
	ring []sent // its length is a power of two, or 0
	base int64
	next int64
}

// at returns the record of n, which must be from base to next-1.
func (l *log) at(n int64) *sent { return &l.ring[uint64(n)&uint64(len(l.ring)-1)] }

func (l *log) len() int { return int(l.next - l.base) }

// push makes a record for the number next.
func (l *log) push() *sent {
	if l.len() == len(l.ring) {
		l.grow()
	}
	p := l.at(l.next)
	l.next++
	return p
}

func (l *log) grow() {
	old := *l
	l.ring = make([]sent, max(2*len(old.ring), 16))
	for n := l.base; n < l.next; n++ {
		*l.at(n) = *old.at(n)
	}
}

// pop forgets the lowest record.
func (l *log) pop() { l.base++ }
