package congestion

import (
	"math/bits"
	"time"
)

// longest bounds the distance from K for which the cubic function is computed. C times its cube is more than 2^41 octets, beyond every
// window, and everything below fits its integers.
const longest = 1 << 41 * time.Nanosecond

// cube returns d*d*d in cubic seconds times 10^9, rounded down in both steps; d is from 0 to longest. The error is below one unit for each
// second, and 3 more.
func cube(d time.Duration) uint64 {
	hi, lo := bits.Mul64(uint64(d), uint64(d))
	q, _ := bits.Div64(hi, lo, 1e9)
	hi, lo = bits.Mul64(q, uint64(d))
	q, _ = bits.Div64(hi, lo, 1e9)
	return q
}

// wCubic is W_cubic(t) = C*(t-K)^3 + W_max in octets, for segments of datagram octets (RFC 9438 section 4.2).
func wCubic(wMax int64, t, k time.Duration, datagram int64) int64 {
	d := min(max(t-k, -longest), longest)
	if d < 0 {
		return wMax - scaled(cube(-d), datagram)
	}
	return wMax + scaled(cube(d), datagram)
}

// scaled returns C*datagram times what cube returned, in octets.
func scaled(cubed uint64, datagram int64) int64 {
	hi, lo := bits.Mul64(cubed, uint64(cNum*datagram))
	q, _ := bits.Div64(hi, lo, cDen*1e9)
	return int64(q)
}

// root is K = cbrt((W_max - cwnd_epoch) / C) for a difference in octets (RFC 9438 section 4.2), to the nanosecond. It is 0 if the
// difference is not positive.
func root(octets, datagram int64) time.Duration {
	if octets <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(octets), cDen*1e9)
	cubed, _ := bits.Div64(hi, lo, uint64(cNum*datagram))
	// The largest duration whose cube does not exceed it, bit by bit.
	var d time.Duration
	for bit := longest >> 1; bit > 0; bit >>= 1 {
		if cube(d|bit) <= cubed {
			d |= bit
		}
	}
	return d
}
