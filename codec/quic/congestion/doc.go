// Package congestion has the congestion controllers of QUIC behind one interface, and the pacer: NewReno (RFC 9002 section 7 and
// appendix B), CUBIC (RFC 9438), HyStart++ (RFC 9406) for the first slow start of both, pacing (RFC 9002 section 7.7).
//
// It knows no packets, frames or packet number spaces. Loss detection tells a Controller what was sent, acknowledged and lost, and
// asks it how much more may be in flight; a Pacer tells when. There is one Controller per path, for all packet number spaces together.
//
// # The loop
//
//	c, err := congestion.New(congestion.CUBIC, congestion.Config{})
//	err = p.Init(congestion.PacerConfig{})
//
//	for c.Available() >= size && p.Ready(now, size) {   // or a probe, which is not held back
//		send a packet of size octets
//		c.OnSent(now, size)
//		p.OnSent(now, size)
//	}
//	deadline := p.Next(now, size)                       // Never: the pacer does not hold anything back
//
// and for each acknowledgment frame, in the order of RFC 9002 appendix A.7,
//
//	c.OnCongestion(now, sentAt, congestion.CE)          // if the count of CE marks grew
//	c.OnLost(now, loss)                                 // what this frame or the loss timer declared lost
//	c.OnAcked(now, ack)                                 // every packet, or several that were sent together
//	c.OnSpurious(now, sentAt, size)                     // what was declared lost, and is acknowledged now
//	p.SetRate(now, c.Window(), rtt.Smoothed, c.SlowStart())
//
// OnDiscarded takes out of flight what is neither, and SetDatagramSize of both tells of another MTU.
//
// # Which is which
//
//	               NewReno                CUBIC
//	growth         one datagram a window  W_cubic(t), at least Reno's
//	on congestion  half the window        0.7 of the window
//	first start    HyStart++              HyStart++
//	spurious loss  undone                 undone
//
// # Arithmetic, memory
//
// All of it is in integers (octets and nanoseconds, products of 128 bits), so that every architecture computes the same windows. Nothing
// allocates but New, which makes a controller of less than 440 bytes; nothing is kept per packet. Windows stay below MaxWindow.
//
// # Errors
//
// Nothing that a peer does is an error here. Calls that make no sense (more acknowledged than in flight, times that run
// backwards) do not fail: amounts are bounded by what is in flight, negative ones count as zero. New and Init refuse a configuration that is out of range.
//
// # Not here
//
// RTT estimation, loss detection, the probe timeout, when congestion is persistent, ECN validation, and whether the application or flow control
// limited what was sent, belong to the caller.
package congestion
