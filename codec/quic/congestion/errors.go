package congestion

import "github.com/purewire/purewire/codec"

// Error is what New and Pacer.Init refuse. Errors are shared and must not be changed.
type Error struct {
	// Scope is always ScopeMisuse: the configuration is out of range, nothing was changed.
	Scope codec.Scope
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "quic/congestion: " + e.Reason }

type reason uint8

const (
	rAlgorithm reason = iota
	rDatagramSize
	rInitialWindow
	rMaxWindow
	rBurst
	rMaxRate
	rPacketSize
	rGranularity
	numReasons
)

var reasons = [numReasons]string{
	rAlgorithm:     "9002-7-2: no such congestion controller",
	rDatagramSize:  "9002-B.2-2.2: maximum datagram size not of 1200 to 65527 octets",
	rInitialWindow: "9002-7.2-4: initial window below the minimum or above the maximum window",
	rMaxWindow:     "9002-7.2-4: maximum window below the minimum window, or of more than 2 GiB",
	rBurst:         "9002-7.7-2: burst below one datagram, or of more than 2 GiB",
	rMaxRate:       "9002-7.7-5: maximum rate that is negative",
	rPacketSize:    "9002-B.2-2.2: pacer for datagrams not of 1200 to 65527 octets",
	rGranularity:   "9002-7.7-10: timer granularity of more than a second",
}

var failures = func() (all [numReasons]*Error) {
	for r := range all {
		all[r] = &Error{Scope: codec.ScopeMisuse, Reason: reasons[r]}
	}
	return all
}()

func failure(r reason) error { return failures[r] }
