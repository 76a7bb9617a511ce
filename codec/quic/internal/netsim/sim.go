package netsim

import (
	"github.com/purewire/purewire/codec"
)

// Event is what happens to a node: a packet arrives, or its timer expires.
type Event[P any] struct {
	// Now is the time. Node is the node it happens to.
	Now  codec.Time
	Node int
	// Timer is true for the timer; the other fields are those of a packet.
	Timer bool
	// Size is the packet's size in octets, CE whether a queue has marked it.
	Size   int
	CE     bool
	Packet P
}

// Sim is a network and its clock.
type Sim[P any] struct {
	// Rand is what the links draw from. A test may, too.
	Rand Rand

	now    codec.Time
	serial uint64
	queue  []arrival[P] // a binary heap
	timers []codec.Time // of the nodes
	events uint64
}

type arrival[P any] struct {
	at     codec.Time
	serial uint64
	node   int
	size   int
	ce     bool
	packet P
}

// New returns a network without nodes. Its time is 1 second, so that no time in it is Never.
func New[P any](seed uint64) *Sim[P] { return &Sim[P]{Rand: NewRand(seed), now: 1e9} }

// Now returns the time.
func (s *Sim[P]) Now() codec.Time { return s.now }

// Events returns how many events there have been.
func (s *Sim[P]) Events() uint64 { return s.events }

// SetTimer sets the one timer of a node, and replaces what it was. Never stops it. A time that has passed is now.
func (s *Sim[P]) SetTimer(node int, at codec.Time) {
	for len(s.timers) <= node {
		s.timers = append(s.timers, codec.Never)
	}
	if at != codec.Never {
		at = max(at, s.now)
	}
	s.timers[node] = at
}

// Run hands over the events in their order, up to and including those at until. It returns the time of the last one; that is before until
// if nothing is left to happen. Packets go before timers at the same time. The handler may send and set timers.
func (s *Sim[P]) Run(until codec.Time, handle func(e Event[P])) codec.Time {
	for {
		node, timer := -1, codec.Never
		for i, at := range s.timers {
			if at != codec.Never && (timer == codec.Never || at < timer) {
				node, timer = i, at
			}
		}
		switch {
		case len(s.queue) > 0 && (timer == codec.Never || s.queue[0].at <= timer):
			if s.queue[0].at > until {
				return s.now
			}
			a := s.pop()
			s.now = a.at
			s.events++
			handle(Event[P]{Now: a.at, Node: a.node, Size: a.size, CE: a.ce, Packet: a.packet})
		case timer != codec.Never && timer <= until:
			s.timers[node] = codec.Never
			s.now = timer
			s.events++
			handle(Event[P]{Now: timer, Node: node, Timer: true})
		default:
			return s.now
		}
	}
}

func (a *arrival[P]) before(b *arrival[P]) bool {
	return a.at < b.at || a.at == b.at && a.serial < b.serial
}

func (s *Sim[P]) push(a arrival[P]) {
	s.serial++
	a.serial = s.serial
	s.queue = append(s.queue, a)
	i := len(s.queue) - 1
	for i > 0 {
		up := (i - 1) / 2
		if s.queue[up].before(&a) {
			break
		}
		s.queue[i] = s.queue[up]
		i = up
	}
	s.queue[i] = a
}

func (s *Sim[P]) pop() arrival[P] {
	top, last := s.queue[0], len(s.queue)-1
	a := s.queue[last]
	s.queue[last] = arrival[P]{}
	s.queue = s.queue[:last]
	if last == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= last {
			break
		}
		if right := down + 1; right < last && s.queue[right].before(&s.queue[down]) {
			down = right
		}
		if a.before(&s.queue[down]) {
			break
		}
		s.queue[i] = s.queue[down]
		i = down
	}
	s.queue[i] = a
	return top
}
