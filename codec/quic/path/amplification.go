package path

// MinDatagram is the smallest allowed maximum datagram size in bytes (RFC 9000 section 14): every path must carry UDP payloads of this size.
const MinDatagram = 1200

// amplification is how many times what was received may be sent to an address that is not validated.
const amplification = 3

// Amplification limits what is sent to one address before it is validated to three times what came from it (RFC 9000 section 8). The zero value
// has received nothing.
type Amplification struct {
	received, sent uint64
	validated      bool
}

// Received counts a datagram of n bytes of UDP payload from the address. All are to be counted that belong to the connection, also those
// whose packets are all discarded (9000-8.1-4).
func (a *Amplification) Received(n int) { a.received += uint64(max(n, 0)) }

// Validate lifts the limit.
func (a *Amplification) Validate() { a.validated = true }

// Validated tells whether it is lifted.
func (a *Amplification) Validated() bool { return a.validated }

// Allows returns how many bytes may be sent now, at most size: all of them or what is left.
func (a *Amplification) Allows(size int) int {
	if a.validated {
		return size
	}
	// 9000-8-2: "an endpoint MUST limit the amount of data it sends to the unvalidated address to three times the amount of data received from
	// that address."
	return int(min(uint64(max(size, 0)), amplification*a.received-a.sent))
}

// Sent counts a datagram of n bytes of UDP payload to the address. More than Allows is misuse and not counted: do not send it.
func (a *Amplification) Sent(n int) error {
	if n < 0 || a.Allows(n) < n {
		return failure(rPutSpent)
	}
	if !a.validated {
		a.sent += uint64(n)
	}
	return nil
}
