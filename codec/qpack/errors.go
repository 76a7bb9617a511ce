package qpack

import "github.com/purewire/purewire/codec"

// Code is an error code of RFC 9204 section 6, as an error: errors.Is(err, DecompressionFailed) finds it.
type Code uint32

// The error codes. Each of them ends the connection.
const (
	// DecompressionFailed is QPACK_DECOMPRESSION_FAILED: an encoded field section cannot be interpreted.
	DecompressionFailed Code = 0x0200
	// EncoderStreamError is QPACK_ENCODER_STREAM_ERROR: an instruction on the encoder stream cannot be interpreted.
	EncoderStreamError Code = 0x0201
	// DecoderStreamError is QPACK_DECODER_STREAM_ERROR: an instruction on the decoder stream cannot be interpreted.
	DecoderStreamError Code = 0x0202
)

// Error returns the name of the code.
func (c Code) Error() string {
	switch c {
	case DecompressionFailed:
		return "QPACK_DECOMPRESSION_FAILED"
	case EncoderStreamError:
		return "QPACK_ENCODER_STREAM_ERROR"
	case DecoderStreamError:
		return "QPACK_DECODER_STREAM_ERROR"
	}
	return "qpack: no code"
}

// Error is what every failure of this package returns. It is stored inside the Decoder or Encoder and valid until that is
// initialised again.
type Error struct {
	// Scope is ScopeConn for everything that a peer's octets cause, ScopeMisuse for a call that made no sense.
	Scope codec.Scope
	// Code is the error code to close the connection with, 0 for misuse.
	Code Code
	// Stream is the stream of the section that failed, 0 for the encoder and decoder streams.
	Stream uint64
	// Off is the offset of the first octet of the instruction or representation that fails: in the encoder or decoder stream,
	// or in the section; -1 for misuse.
	Off int64
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces. It holds nothing that
	// the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "qpack: " + e.Reason }

// Unwrap returns the code, nil for misuse.
func (e *Error) Unwrap() error {
	if e.Code == 0 {
		return nil
	}
	return e.Code
}

// reason numbers the failing branches: one each.
type reason uint8

const (
	ok reason = iota

	// Field sections.
	rPrefixInt
	rCountRange
	rCountWrap
	rCountZero
	rBaseInt
	rBaseNegative
	rBlocked
	rIndexInt
	rStaticIndex
	rRelativeIndex
	rPostBaseIndex
	rBeyondCount
	rEvicted
	rNameInt
	rStaticName
	rRelativeName
	rPostBaseName
	rNameBeyondCount
	rNameEvicted
	rLengthInt
	rHuffmanEOS
	rHuffmanLong
	rHuffmanBits
	rCut

	// The encoder stream.
	rCapacityInt
	rCapacityBig
	rCapacityMany
	rInsertNameInt
	rInsertStatic
	rInsertDynamic
	rInsertLengthInt
	rInsertName
	rInsertValue
	rInsertBig
	rInsertEOS
	rInsertLong
	rInsertBits
	rDuplicateInt
	rDuplicateIndex

	// The decoder stream.
	rAckInt
	rAckNone
	rCancelInt
	rIncrementInt
	rIncrementZero
	rIncrementBig
	numReasons
)

var reasons = [numReasons]string{
	rPrefixInt:       "9204-7.4-3: Required Insert Count above 62 bits",
	rCountRange:      "9204-4.5.1.1-8: Required Insert Count above twice the largest number of entries",
	rCountWrap:       "9204-4.5.1.1-8: Required Insert Count that no conforming encoder can have",
	rCountZero:       "9204-4.5.1.1-8: Required Insert Count of 0 encoded as another value",
	rBaseInt:         "9204-7.4-3: Delta Base above 62 bits",
	rBaseNegative:    "9204-4.5.1.2-5: negative Base",
	rBlocked:         "9204-2.1.2-4: more blocked streams than allowed",
	rIndexInt:        "9204-7.4-3: index of a field above 62 bits",
	rStaticIndex:     "9204-3.1-4: index of a field beyond the static table",
	rRelativeIndex:   "9204-3.2.5-4: relative index of a field before the first entry",
	rPostBaseIndex:   "9204-7.4-3: post-base index of a field above 62 bits",
	rBeyondCount:     "9204-2.2.3-1: Required Insert Count smaller than a field's entry needs",
	rEvicted:         "9204-2.2.3-1: field refers to an entry that was evicted",
	rNameInt:         "9204-7.4-3: index of a name above 62 bits",
	rStaticName:      "9204-3.1-4: index of a name beyond the static table",
	rRelativeName:    "9204-3.2.5-4: relative index of a name before the first entry",
	rPostBaseName:    "9204-7.4-3: post-base index of a name above 62 bits",
	rNameBeyondCount: "9204-2.2.3-1: Required Insert Count smaller than a name's entry needs",
	rNameEvicted:     "9204-2.2.3-1: name refers to an entry that was evicted",
	rLengthInt:       "9204-7.4-3: string length above 62 bits",
	rHuffmanEOS:      "9204-4.1.2-1: Huffman string contains EOS",
	rHuffmanLong:     "9204-4.1.2-1: more than seven bits of Huffman padding",
	rHuffmanBits:     "9204-4.1.2-1: Huffman padding is not the beginning of EOS",
	rCut:             "9204-4.5-1: section ends inside its prefix or a representation",

	rCapacityInt:     "9204-7.4-3: capacity above 62 bits",
	rCapacityBig:     "9204-4.3.1-3: capacity above the limit",
	rCapacityMany:    "9204-7.4-1: too many changes of capacity without an insertion",
	rInsertNameInt:   "9204-7.4-3: index of an inserted name above 62 bits",
	rInsertStatic:    "9204-3.1-4: inserted name beyond the static table",
	rInsertDynamic:   "9204-2.2.3-2: inserted name refers to no entry",
	rInsertLengthInt: "9204-7.4-3: length of an inserted string above 62 bits",
	rInsertName:      "9204-3.2.2-2: inserted name larger than the capacity",
	rInsertValue:     "9204-3.2.2-2: inserted value larger than the capacity",
	rInsertBig:       "9204-3.2.2-2: inserted entry larger than the capacity",
	rInsertEOS:       "9204-4.1.2-1: inserted Huffman string contains EOS",
	rInsertLong:      "9204-4.1.2-1: inserted string with more than seven bits of Huffman padding",
	rInsertBits:      "9204-4.1.2-1: Huffman padding of an inserted string is not the beginning of EOS",
	rDuplicateInt:    "9204-7.4-3: index of a duplicate above 62 bits",
	rDuplicateIndex:  "9204-2.2.3-2: duplicate of no entry",

	rAckInt:        "9204-7.4-3: stream of a Section Acknowledgment above 62 bits",
	rAckNone:       "9204-4.4.1-4: Section Acknowledgment for a stream without an unacknowledged section",
	rCancelInt:     "9204-7.4-3: stream of a Stream Cancellation above 62 bits",
	rIncrementInt:  "9204-7.4-3: Insert Count Increment above 62 bits",
	rIncrementZero: "9204-4.4.3-3: Insert Count Increment of 0",
	rIncrementBig:  "9204-4.4.3-3: Insert Count Increment beyond what was inserted",
}

// code returns the error code of a reason.
func (r reason) code() Code {
	switch {
	case r < rCapacityInt:
		return DecompressionFailed
	case r < rAckInt:
		return EncoderStreamError
	}
	return DecoderStreamError
}

// Reasons returns every reason that a peer's octets can make a Decoder or an Encoder fail with, for tests that want to see each
// of them reached.
func Reasons() []string { return append([]string(nil), reasons[1:]...) }

// The caller's mistakes.
var (
	errOpenElsewhere = &Error{Scope: codec.ScopeMisuse, Off: -1, Reason: "misuse: the Block is in the middle of another section"}
	errPeerTwice     = &Error{Scope: codec.ScopeMisuse, Off: -1, Reason: "misuse: the peer's table capacity cannot change"}
)
