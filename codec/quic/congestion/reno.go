package congestion

import "github.com/purewire/purewire/codec"

// newReno is the controller of RFC 9002.
type newReno struct{ core }

func (r *newReno) OnSent(_ codec.Time, size int)                { r.sent(size) }
func (r *newReno) OnDiscarded(_ codec.Time, octets int64)       { r.leave(octets) }
func (r *newReno) OnSpurious(_, sentAt codec.Time, size int)    { r.spurious(sentAt, size) }
func (r *newReno) OnPersistentCongestion(codec.Time)            { r.collapse() }
func (r *newReno) SetDatagramSize(_ codec.Time, n int, hs bool) { r.resize(n, hs) }
func (r *newReno) ReadState(s *State)                           { *s = r.state(Reno) }

func (r *newReno) OnAcked(now codec.Time, a Ack) {
	octets := r.acked(now, &a)
	switch {
	case octets == 0:
	case r.SlowStart():
		r.slowStart(octets)
	default:
		// 9002-7.3.3-2: "A sender in congestion avoidance uses an Additive Increase Multiplicative Decrease (AIMD) approach that MUST
		// limit the increase to the congestion window to at most one maximum datagram size for each congestion window that is
		// acknowledged."
		r.share(r.datagram, octets)
	}
}

func (r *newReno) OnLost(now codec.Time, l Loss) {
	octets := r.leave(l.Octets)
	if l.SentAt != 0 {
		r.congestion(now, l.SentAt, Lost, octets)
	}
	if l.Persistent {
		r.collapse()
	}
}

func (r *newReno) OnCongestion(now, sentAt codec.Time, cause Cause) {
	r.congestion(now, sentAt, cause, 0)
}

func (r *newReno) congestion(now, sentAt codec.Time, cause Cause, lost int64) {
	if r.event(now, sentAt, cause, lost) {
		r.reduce(r.window / 2)
	}
}
