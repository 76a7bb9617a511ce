package quic

// ResetTokenLen is the length in bytes of a stateless reset token (RFC 9000 section 10.3).
const ResetTokenLen = 16

// MinResetLen is the length in bytes of the shortest stateless reset: 5 bytes, of which 38 bits are unpredictable, and the token.
const MinResetLen = 5 + ResetTokenLen

// ResetToken is a stateless reset token.
type ResetToken [ResetTokenLen]byte

// Match tells whether the datagram ends in the token. It takes the same time wherever they differ, as 9000-10.3.1-5 demands: "When
// comparing a datagram to stateless reset token values, endpoints MUST perform the comparison without leaking information
// about the value of the token." The datagram must be as it was received: an attempt to decrypt in place destroys the token.
func (t *ResetToken) Match(datagram []byte) bool {
	if len(datagram) < MinResetLen {
		return false
	}
	var diff byte
	for i, b := range datagram[len(datagram)-ResetTokenLen:] {
		diff |= b ^ t[i]
	}
	return diff == 0
}

// AppendStatelessReset appends a stateless reset with the token (RFC 9000 section 10.3). It answers a datagram of trigger bytes: the answer is one
// byte shorter than that, so that two ends without state do not answer each other forever, but never longer than
// len(noise)+ResetTokenLen. noise are unpredictable bytes; the first two bits become those of a short header. If there is no room for a reset of at least MinResetLen bytes, dst is
// returned as it was: the datagram is not answered.
func AppendStatelessReset(dst []byte, trigger int, noise []byte, t *ResetToken) []byte {
	// 9000-10.3-11: "An endpoint that sends a Stateless Reset in response to a packet that is 43 bytes or shorter SHOULD send
	// a Stateless Reset that is one byte shorter than the packet it responds to."
	n := min(trigger-1-ResetTokenLen, len(noise))
	if n < MinResetLen-ResetTokenLen {
		return dst
	}
	at := len(dst)
	dst = append(append(dst, noise[:n]...), t[:]...)
	dst[at] = dst[at]&0x3f | 0x40
	return dst
}
