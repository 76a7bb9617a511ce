package hcode

// codeLens holds the length in bits of the code of each octet, and of EOS behind them (RFC 7541 appendix B).
var codeLens = [257]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, // 0x00
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, // 0x10
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, // 0x20
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, // 0x30
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // 0x40
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, // 0x50
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, // 0x60
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, // 0x70
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, // 0x80
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, // 0x90
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, // 0xA0
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, // 0xB0
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, // 0xC0
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, // 0xD0
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, // 0xE0
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, // 0xF0
	30, // EOS
}

const (
	eos     = 256
	minBits = 5  // of the shortest code
	maxBits = 30 // of the longest
)

// canonical is the code in the form that a decoder of long codes uses.
type canonical struct {
	// codes holds the code of each symbol, right-aligned.
	codes [257]uint32
	// sorted holds the symbols by code length, then value: that is the order of their codes.
	sorted [257]uint16
	// first[n] is the first code of n bits, left-aligned in 32 bits; index[n] its place in sorted. Codes of n bits begin
	// at first[n], those of more bits at first[n+1].
	first [maxBits + 2]uint32
	index [maxBits + 2]uint16
}

var code = makeCanonical()

func makeCanonical() (c canonical) {
	next, at := uint32(0), uint16(0)
	for n := 1; n <= maxBits; n++ {
		next <<= 1
		c.first[n], c.index[n] = next<<(32-n), at
		for sym, l := range codeLens {
			if int(l) == n {
				c.codes[sym] = next
				c.sorted[at] = uint16(sym)
				next++
				at++
			}
		}
	}
	c.first[maxBits+1] = 1<<32 - 1
	return c
}
