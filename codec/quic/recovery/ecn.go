package recovery

import "github.com/purewire/purewire/codec/quic"

// ECN validates that a path and the peer support ECN (RFC 9000 section 13.4.2 and appendix A.4). The zero ECN is at the beginning of a path.
type ECN struct {
	state   ecnState
	sent    int // marked packets in the testing state that are not discarded
	lost    int // of these
	timeout int // probe timeouts in the testing state
	spaces  [Spaces]struct {
		open           uint64 // packets sent with ECT(0) that were not yet reported
		ect0, ect1, ce uint64 // as last reported
	}
}

// ecnState is a state of appendix A.4.
type ecnState uint8

const (
	ecnTesting ecnState = iota // the first packets are marked
	ecnUnknown                 // none is marked until the peer has reported the first ones
	ecnCapable                 // all are marked
	ecnFailed                  // none is marked
)

const (
	// ecnTests is how many packets are marked before the peer has reported any.
	ecnTests = 10
	// ecnTimeouts is how many probe timeouts end the test.
	ecnTimeouts = 3
)

// Marking tells whether the next packets are to be sent with ECT(0).
func (e *ECN) Marking() bool { return e.state == ecnTesting || e.state == ecnCapable }

// Capable tells whether the path was found to support ECN.
func (e *ECN) Capable() bool { return e.state == ecnCapable }

// Failed tells whether the path was found not to support it. No report is believed any more.
func (e *ECN) Failed() bool { return e.state == ecnFailed }

// restart begins with a new path. The peer's counts go on.
func (e *ECN) restart() {
	*e = ECN{spaces: e.spaces}
}

func (e *ECN) onSent(space Space) {
	e.spaces[space].open++
	if e.state == ecnTesting {
		if e.sent++; e.sent >= ecnTests {
			e.state = ecnUnknown
		}
	}
}

func (e *ECN) onTimeout() {
	if e.state == ecnTesting {
		if e.timeout++; e.timeout >= ecnTimeouts {
			e.state = ecnUnknown
			e.blackhole()
		}
	}
}

// onLost is told of each marked packet that is lost.
func (e *ECN) onLost() {
	e.lost++
	e.blackhole()
}

// onDiscarded is told of each marked packet whose fate will not be known.
func (e *ECN) onDiscarded() {
	e.sent--
	e.blackhole()
}

// blackhole fails if all marked packets were lost.
//
// 9000-13.4.2-3.2: "The endpoint monitors whether all packets sent with an ECT codepoint are eventually deemed lost [...], indicating that ECN
// validation has failed."
func (e *ECN) blackhole() {
	if e.state == ecnUnknown && e.lost > 0 && e.lost >= e.sent {
		e.state = ecnFailed
	}
}

// onAck takes the counts of an ACK frame that increased the largest acknowledged packet number. newly is how many packets with ECT(0) it newly
// acknowledges. It returns by how much the count of "congestion experienced" has grown, 0 if the counts are not valid.
//
// 9000-13.4.2.1-5: "An endpoint MUST NOT fail ECN validation as a result of processing an ACK frame that does not increase the largest acknowledged
// packet number." The caller sees to that.
func (e *ECN) onAck(space Space, a *quic.AckInfo, newly uint64) (ce uint64) {
	c := &e.spaces[space]
	if !a.ECN {
		// 9000-13.4.2.1-2: "ECN validation fails if the corresponding ECN counts are not present in the ACK frame."
		if newly > 0 {
			e.state = ecnFailed
		}
		return 0
	}
	// 9000-13.4.2.1-3: "ECN validation also fails if the sum of the increase in ECT(0) and ECN-CE counts is less than the number of newly
	// acknowledged packets that were originally sent with an ECT(0) marking." Counts never shrink.
	shrunk := a.ECT0 < c.ect0 || a.ECT1 < c.ect1 || a.CE < c.ce
	more, ce := a.ECT0-c.ect0+a.CE-c.ce, a.CE-c.ce
	// 9000-13.4.2.1-6: "In particular, validation will fail when an endpoint receives a non-zero ECN count corresponding to an ECT codepoint
	// that it never applied."
	foreign := a.ECT1 > c.ect1
	// 9000-13.4.2.1-6: "ECN validation can fail if the received total count for either ECT(0) or ECT(1) exceeds the total number of packets
	// sent with each corresponding ECT codepoint." What arrives with ECN-CE was sent with ECT(0) as well.
	if shrunk || foreign || more < newly || more > c.open {
		// 9000-13.4.2.2-1: "If validation fails, then the endpoint MUST disable ECN."
		e.state = ecnFailed
	}
	if !shrunk {
		c.open -= min(c.open, more)
	}
	c.ect0, c.ect1, c.ce = a.ECT0, a.ECT1, a.CE
	if e.state == ecnFailed {
		return 0
	}
	if newly > 0 {
		e.state = ecnCapable
	}
	return ce
}
