package qpack

import "github.com/purewire/purewire/codec/internal/hcode"

// encodeCount returns the encoded form of a Required Insert Count (RFC 9204 section 4.5.1.1-3).
func encodeCount(required, maxEntries uint64) uint64 {
	if required == 0 {
		return 0
	}
	return required%(2*maxEntries) + 1
}

// decodeCount reverses encodeCount, with the Insert Count of the decoder (RFC 9204 section 4.5.1.1-10).
func decodeCount(encoded, maxEntries, inserted uint64) (uint64, reason) {
	if encoded == 0 {
		return 0, ok
	}
	full := 2 * maxEntries
	if encoded > full {
		return 0, rCountRange
	}
	// The largest that is possible.
	most := inserted + maxEntries
	required := most/full*full + encoded - 1
	if required > most {
		// RFC 9204 section 4.5.1.1-8: If the decoder encounters a value of EncodedInsertCount that could not have been
		// produced by a conformant encoder, it MUST treat this as a connection error of type QPACK_DECOMPRESSION_FAILED.
		if required <= full {
			return 0, rCountWrap
		}
		required -= full
	}
	if required == 0 {
		return 0, rCountZero
	}
	return required, ok
}

// decodeBase computes the Base (RFC 9204 section 4.5.1.2).
func decodeBase(required uint64, negative bool, delta uint64) (uint64, reason) {
	if !negative {
		return required + delta, ok
	}
	// RFC 9204 section 4.5.1.2-5: The value of Base MUST NOT be negative. An endpoint MUST treat a field block with a Sign bit of 1
	// as invalid if the value of Required Insert Count is less than or equal to the value of Delta Base.
	if required <= delta {
		return 0, rBaseNegative
	}
	return required - delta - 1, ok
}

// signBit is the sign of the Delta Base in its first octet.
const signBit = 0x80

// appendPrefix appends the prefix of a section (RFC 9204 section 4.5.1).
func appendPrefix(dst []byte, required, base, maxEntries uint64) []byte {
	if required == 0 {
		return append(dst, 0, 0) // RFC 9204 section 4.5.1.2-7: with no dynamic references a Delta Base of 0 is shortest
	}
	dst = hcode.AppendInt(dst, 0, 8, encodeCount(required, maxEntries))
	if base >= required {
		return hcode.AppendInt(dst, 0, 7, base-required)
	}
	return hcode.AppendInt(dst, signBit, 7, required-base-1)
}

// maxPrefix is the longest prefix on the wire in octets: two integers of at most ten.
const maxPrefix = 20
