package netsim

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Path is what a link is like. The zero value is perfect: no delay, no limit, nothing lost.
type Path struct {
	// Rate in octets per second; 0 is infinite.
	Rate int64
	// Delay of every packet, after it has been sent at Rate.
	Delay time.Duration
	// Queue is how many octets may wait before a packet that arrives is dropped, that which is being sent included; 0 is no limit.
	Queue int64

	// Jitter delays every packet by a random part of it, without changing their order: what schedulers and interfaces do. It keeps flows
	// that share a queue from running in step with it.
	Jitter time.Duration

	// Loss is the probability that a packet is lost before the queue, independent of all others.
	Loss float64
	// Every loses exactly every n-th packet, the first one after a random part of n; 0 is none.
	Every int

	// Reorder is the probability that a packet is delayed by ReorderBy beyond the others.
	Reorder   float64
	ReorderBy time.Duration
	// Duplicate is the probability that a packet arrives twice.
	Duplicate float64

	// Mark is from how many waiting octets on a packet that is capable of ECN is marked; 0 is none.
	Mark int64
	// MarkAt is the probability of marking it whatever waits.
	MarkAt float64
	// Bleach erases the marks, as a broken network does.
	Bleach bool
}

// Counts are what a link has done.
type Counts struct {
	Sent, Lost, Dropped, Reordered, Duplicated, Marked uint64 // packets; Lost is by Loss and Every, Dropped by the queue
	SentOctets                                         uint64 // without those lost and dropped
}

// Link is one direction to a node.
type Link[P any] struct {
	Path
	Counts

	sim   *Sim[P]
	to    int
	free  codec.Time // when all that waits has been sent
	last  codec.Time // when the last packet arrives that is not reordered
	next  int        // packets until the next loss by Every
	ready bool
}

// Link returns a new link to a node.
func (s *Sim[P]) Link(to int, p Path) *Link[P] { return &Link[P]{Path: p, sim: s, to: to} }

// Waiting returns how many octets are in the queue now.
func (l *Link[P]) Waiting() int64 {
	if l.Rate <= 0 || l.free <= l.sim.now {
		return 0
	}
	// In seconds and the rest, which does not overflow.
	d := int64(l.free - l.sim.now)
	return d/1e9*l.Rate + d%1e9*l.Rate/1e9
}

// Send sends a packet of size octets now. capable says that it may be marked instead of dropped (ECT).
func (l *Link[P]) Send(size int, capable bool, packet P) {
	s := l.sim
	l.Sent++
	if l.lose() {
		l.Lost++
		return
	}
	waiting := l.Waiting()
	if l.Queue > 0 && waiting+int64(size) > l.Queue {
		l.Dropped++
		return
	}
	l.SentOctets += uint64(size)
	a := arrival[P]{at: s.now, node: l.to, size: size, packet: packet}
	if capable && (l.Mark > 0 && waiting >= l.Mark || l.MarkAt > 0 && s.Rand.Float64() < l.MarkAt) {
		l.Marked++
		a.ce = !l.Bleach
	}
	if l.Rate > 0 {
		l.free = max(l.free, s.now) + codec.Time(int64(size)*int64(time.Second)/l.Rate)
		a.at = l.free
	}
	a.at += codec.Time(l.Delay)
	if l.Jitter > 0 {
		a.at = max(a.at+codec.Time(s.Rand.Uint64()%uint64(l.Jitter)), l.last)
		l.last = a.at
	}
	if l.Reorder > 0 && s.Rand.Float64() < l.Reorder {
		l.Reordered++
		a.at += codec.Time(l.ReorderBy)
	}
	s.push(a)
	if l.Duplicate > 0 && s.Rand.Float64() < l.Duplicate {
		l.Duplicated++
		s.push(a)
	}
}

func (l *Link[P]) lose() bool {
	if l.Every > 0 {
		if !l.ready {
			l.ready, l.next = true, 1+l.sim.Rand.Intn(l.Every)
		}
		if l.next--; l.next == 0 {
			l.next = l.Every
			return true
		}
	}
	return l.Loss > 0 && l.sim.Rand.Float64() < l.Loss
}
