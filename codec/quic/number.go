package quic

import "math/bits"

// MaxPacketNumber is the largest packet number, 2^62-1 (RFC 9000 section 12.3). An endpoint that has sent it is at the end
// of its connection.
const MaxPacketNumber = MaxVarint

// NoPacket stands for "none yet" wherever a largest packet number is asked for.
const NoPacket = -1

// PacketNumberLen returns how many bytes of the packet number pn must be sent, 1 to 4, so that a peer whose last
// acknowledged packet is largestAcked (NoPacket for none) decodes it (RFC 9000 section 17.1 and appendix A.2). It is 0 if
// 4 bytes are not enough, if pn is not above largestAcked, or if either is out of range: such a packet must not be sent.
func PacketNumberLen(pn, largestAcked int64) int {
	if pn > MaxPacketNumber || largestAcked < NoPacket || pn <= largestAcked {
		return 0
	}
	// 9000-17.1-4: "the sender MUST use a packet number size able to represent more than twice as large a range as the
	// difference between the largest acknowledged packet number and the packet number being sent": the range in bits, and one.
	unacked := uint64(pn - largestAcked)
	n := (bits.Len64(unacked-1) + 1 + 7) / 8
	if n > 4 {
		return 0
	}
	return max(n, 1)
}

// AppendPacketNumber appends the low n bytes of pn, n from 1 to 4. Any other n appends nothing.
func AppendPacketNumber(dst []byte, pn int64, n int) []byte {
	switch n {
	case 1:
		return append(dst, byte(pn))
	case 2:
		return append(dst, byte(pn>>8), byte(pn))
	case 3:
		return append(dst, byte(pn>>16), byte(pn>>8), byte(pn))
	case 4:
		return append(dst, byte(pn>>24), byte(pn>>16), byte(pn>>8), byte(pn))
	}
	return dst
}

// DecodePacketNumber returns the packet number whose low n bytes (1 to 4) are truncated and that is the nearest to the next
// expected one, largest+1 (RFC 9000 appendix A.3). largest is the largest packet number that was received and
// authenticated in the same number space, NoPacket for none.
func DecodePacketNumber(largest int64, truncated uint32, n int) int64 {
	expected := largest + 1
	win := int64(1) << (8 * n)
	half := win / 2
	pn := expected&^(win-1) | int64(truncated)
	if pn <= expected-half && pn < 1<<62-win {
		return pn + win
	}
	if pn > expected+half && pn >= win {
		return pn - win
	}
	return pn
}
