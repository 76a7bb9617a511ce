package http1

import (
	"math"
	"math/bits"

	"github.com/purewire/purewire/codec"
)

// facts is what a header section says about framing, persistence and routing.
type facts struct {
	host        []byte
	length      int64 // -1: no Content-Length
	hosts       int
	lengthAt    int // index of the last Content-Length
	codingAt    int // index of Transfer-Encoding, -1: none
	closing     bool
	keep        bool
	upgradeOpt  bool // Connection: upgrade
	upgrade     bool // an Upgrade field
	expect      bool
	dropLengths bool
}

// collect reads the framing fields, those that dull leaves (see startLine). at is the index of the field that r is about.
func (f *facts) collect(p *Profile, fields []codec.Field, dull uint64, minor uint8, response bool) (r reason, at int) {
	f.length, f.codingAt = -1, -1
	for i := bits.TrailingZeros64(^dull); i < len(fields); {
		name := fields[i].Name
		if dull == 0 && framingNames>>nameBit(name[0], len(name))&1 == 0 { // by the line parser: nobody has looked
			i++
			continue
		}
		switch len(name) {
		case 4:
			if (le32(name)^nameHost)&^0x20202020 == 0 && !response {
				if f.hosts++; f.hosts > 1 {
					return rHostRepeated, i
				}
				f.host = fields[i].Value
				if !ValidHost(f.host) {
					return rHostInvalid, i
				}
			}
		case 6:
			if !response && minor > 0 && EqualFold(name, "expect") {
				if r := f.expectation(fields[i].Value); r != ok {
					return r, i
				}
			}
		case 7:
			f.upgrade = f.upgrade || EqualFold(name, "upgrade")
		case 10:
			if (le64(name)^nameConnecti)&^fold8 == 0 && (le16(name[8:])^nameOn)&^0x2020 == 0 {
				f.connection(fields[i].Value)
			}
		case 14:
			if (le64(name)^nameContent)&^fold8 == 0 && EqualFold(name, "content-length") {
				if r := f.contentLength(p, fields[i].Value); r != ok {
					return r, i
				}
				f.lengthAt = i
			}
		case 17:
			if (le64(name)^nameTransfer)&^fold8 == 0 && EqualFold(name, "transfer-encoding") {
				// RFC 9112 section 6.1: field lines could be combined, but the only coding known here is chunked, once.
				if f.codingAt >= 0 {
					return rCodingRepeated, i
				}
				if r := transferCoding(fields[i].Value); r != ok {
					return r, i
				}
				f.codingAt = i
			}
		}
		if i++; i < 64 {
			i = bits.TrailingZeros64(^dull >> i << i)
		}
	}
	if f.codingAt < 0 {
		return ok, 0
	}
	// RFC 9112 section 6.1-16: a server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field
	// MUST treat the message as if the framing is faulty.
	if minor == 0 {
		return rCodingVersion, f.codingAt
	}
	// RFC 9112 section 6.3-2.3: such a message might indicate an attempt to perform request smuggling and ought to be handled
	// as an error.
	if f.length >= 0 {
		if !p.lenient.LengthWithChunked {
			return rCodingLength, max(f.lengthAt, f.codingAt)
		}
		f.length, f.closing, f.dropLengths = -1, true, true
	}
	return ok, 0
}

// contentLength parses Content-Length = 1*DIGIT. RFC 9112 section 6.3-2.5: if a message is received without Transfer-Encoding and with
// an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an
// unrecoverable error, unless the value can be parsed as a comma-separated list, all values are valid and the same.
func (f *facts) contentLength(p *Profile, value []byte) reason {
	if len(value) == 0 {
		return rLengthEmpty
	}
	if f.length >= 0 && !p.lenient.RepeatedLength {
		return rLengthRepeated
	}
	for value != nil {
		element := value
		if p.lenient.RepeatedLength {
			element, value = nextElement(value)
		} else {
			value = nil
		}
		n, r := parseLength(element)
		switch {
		case r != ok:
			return r
		case f.length >= 0 && f.length != n:
			return rLengthDiffer
		}
		f.length = n
	}
	return ok
}

func parseLength(b []byte) (n int64, r reason) {
	if len(b) == 0 {
		return 0, rLengthByte
	}
	for _, c := range b {
		switch {
		case c == ',':
			return 0, rLengthList
		case !isDigit(c):
			return 0, rLengthByte
		case n > (math.MaxInt64-int64(c-'0'))/10:
			// RFC 9110 section 8.6: a recipient MUST anticipate potentially large decimal numerals and prevent parsing errors
			// due to integer conversion overflows. The rest of the digits does not matter any more.
			return 0, rLengthBig
		}
		n = n*10 + int64(c-'0')
	}
	return n, ok
}

// transferCoding accepts exactly "chunked" in any case. RFC 9112 section 6.1: a server that receives a request message
// with a transfer coding it does not understand SHOULD respond with 501; section 6.3-2.4.3: if chunked is not the final encoding of
// a request, the server MUST respond with 400 and then close the connection.
func transferCoding(value []byte) reason {
	if EqualFold(value, "chunked") {
		return ok
	}
	chunked := false
	for list := value; ; {
		var e []byte
		e, list = nextElement(list)
		switch {
		case len(e) == 0:
			return rCodingEmpty
		case EqualFold(e, "chunked") && chunked:
			return rCodingTwice
		case EqualFold(e, "chunked"):
			chunked = true
		case chunked:
			return rCodingNotFinal
		default:
			return rCodingUnknown
		}
		if list == nil {
			return rCodingEmpty
		}
	}
}

// connection reads the options of one Connection field (RFC 9110 section 7.6.1). Unknown ones are the recipient's business.
func (f *facts) connection(value []byte) {
	// What most clients say. Values are text, so folding maps nothing else onto these bytes.
	if len(value) == 10 && (le64(value)^optionKeepAli)&^fold8 == 0 && (le16(value[8:])^optionVe)&^0x2020 == 0 {
		f.keep = true
		return
	}
	for value != nil {
		var option []byte
		option, value = nextElement(value)
		switch len(option) {
		case 5:
			f.closing = f.closing || EqualFold(option, "close")
		case 7:
			f.upgradeOpt = f.upgradeOpt || EqualFold(option, "upgrade")
		case 10:
			f.keep = f.keep || EqualFold(option, "keep-alive")
		}
	}
}

// expectation reads one Expect field. RFC 9110 section 10.1.1-5: a server that receives an Expect field value containing a member
// other than 100-continue MAY respond with 417. This one does: to go on would be to promise something unknown.
func (f *facts) expectation(value []byte) reason {
	for value != nil {
		var e []byte
		e, value = nextElement(value)
		switch {
		case EqualFold(e, "100-continue"):
			f.expect = true
		case len(e) > 0:
			return rExpectation
		}
	}
	return ok
}

// persists decides RFC 9112 section 9.3: close wins; HTTP/1.1 persists by default; HTTP/1.0 only if it asks to.
func (f *facts) persists(minor uint8) bool { return !f.closing && (minor > 0 || f.keep) }

// removeLengths removes every Content-Length. RFC 9112 section 6.3-2.3: a recipient that lets Transfer-Encoding override MUST
// remove the received Content-Length field prior to forwarding.
func removeLengths(fields []codec.Field) []codec.Field {
	kept := fields[:0]
	for _, f := range fields {
		if !EqualFold(f.Name, "content-length") {
			kept = append(kept, f)
		}
	}
	return kept
}

// nameBit gives a name the number of a bit, by its first byte and its length. Names are tokens, so setting bit 5 of that
// byte folds case and maps nothing else onto a letter or "-".
func nameBit(first byte, length int) uint { return (uint(first|0x20) + uint(length)) % 32 }

// framingNames has the nameBit of each name that collect knows. Few other names share one.
const framingNames uint32 = 1<<(('h'+4)%32) | 1<<(('e'+6)%32) | 1<<(('u'+7)%32) | 1<<(('c'+10)%32) | 1<<(('c'+14)%32) | 1<<(('t'+17)%32)

// The names, in lower case, as little-endian words. Comparing them by "^ and &^ fold8" keeps each load a single instruction,
// which "| fold8" does not.
const (
	fold8         = 0x2020202020202020
	nameHost      = 'h' | 'o'<<8 | 's'<<16 | 't'<<24
	optionKeepAli = 'k' | 'e'<<8 | 'e'<<16 | 'p'<<24 | '-'<<32 | 'a'<<40 | 'l'<<48 | 'i'<<56
	optionVe      = 'v' | 'e'<<8
	nameOn        = 'o' | 'n'<<8
	nameConnecti  = 'c' | 'o'<<8 | 'n'<<16 | 'n'<<24 | 'e'<<32 | 'c'<<40 | 't'<<48 | 'i'<<56
	nameContent   = 'c' | 'o'<<8 | 'n'<<16 | 't'<<24 | 'e'<<32 | 'n'<<40 | 't'<<48 | '-'<<56
	nameTransfer  = 't' | 'r'<<8 | 'a'<<16 | 'n'<<24 | 's'<<32 | 'f'<<40 | 'e'<<48 | 'r'<<56
)

func le16(b []byte) uint16 { _ = b[1]; return uint16(b[0]) | uint16(b[1])<<8 }

func le32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func le64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
