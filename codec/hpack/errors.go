package hpack

import "github.com/purewire/purewire/codec"

// Code is the HTTP/2 error code of a failure, as an error: errors.Is(err, CompressionError) finds it in every error that
// a peer's octets cause.
type Code uint32

// CompressionError is COMPRESSION_ERROR (RFC 9113 section 7): the tables of the two ends may differ, so the connection is
// lost.
const CompressionError Code = 9

// Error returns the name of the code.
func (c Code) Error() string {
	if c == CompressionError {
		return "COMPRESSION_ERROR"
	}
	return "hpack: no code"
}

// Error is what every failure of this package returns. It is stored inside the Decoder and valid until that is
// initialised again.
type Error struct {
	// Scope is ScopeConn for everything that a peer's octets cause, ScopeMisuse for a call that made no sense.
	Scope codec.Scope
	// Code is CompressionError, 0 for misuse.
	Code Code
	// Stream is 0: a Decoder knows no streams.
	Stream uint64
	// Off is the offset in the block, all its fragments counted, of the first octet of the representation that fails; -1
	// for misuse.
	Off int64
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces. It holds nothing that
	// the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "hpack: " + e.Reason }

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
	rIndexZero
	rIndexRange
	rIndexInt
	rNameRange
	rNameInt
	rLengthInt
	rUpdateInt
	rUpdateLate
	rUpdateBig
	rUpdateMany
	rUpdateMissing
	rUpdateSmallest
	rHuffmanEOS
	rHuffmanLong
	rHuffmanBits
	rCut
	numReasons
)

var reasons = [numReasons]string{
	rIndexZero:      "7541-6.1-5: indexed field with index 0",
	rIndexRange:     "7541-2.3.3-4: index of a field beyond both tables",
	rIndexInt:       "7541-5.1-12: index of a field above 32 bits or in too many octets",
	rNameRange:      "7541-2.3.3-4: index of a name beyond both tables",
	rNameInt:        "7541-5.1-12: index of a name above 32 bits or in too many octets",
	rLengthInt:      "7541-5.1-12: string length above 32 bits or in too many octets",
	rUpdateInt:      "7541-5.1-12: table size above 32 bits or in too many octets",
	rUpdateLate:     "7541-4.2-3: table size update behind a field",
	rUpdateBig:      "7541-6.3-4: table size update above the limit",
	rUpdateMany:     "7541-4.2-4: more than two table size updates in a block",
	rUpdateMissing:  "7541-4.2-3: no table size update although the limit was lowered",
	rUpdateSmallest: "7541-4.2-4: first table size update above the smallest limit since the last block",
	rHuffmanEOS:     "7541-5.2-9: Huffman string contains EOS",
	rHuffmanLong:    "7541-5.2-9: more than seven bits of Huffman padding",
	rHuffmanBits:    "7541-5.2-9: Huffman padding is not the beginning of EOS",
	rCut:            "7541-3.1-2: block ends inside a representation",
}

// Reasons returns every reason that a peer's octets can make a Decoder fail with, for tests that want to see each of
// them reached.
func Reasons() []string { return append([]string(nil), reasons[1:]...) }

// The caller's mistakes.
var (
	errOpenElsewhere = &Error{Scope: codec.ScopeMisuse, Off: -1, Reason: "misuse: the Block is in the middle of another Decoder's block"}
	errOtherBlock    = &Error{Scope: codec.ScopeMisuse, Off: -1, Reason: "misuse: the block was begun with another Block"}
)

// The errors of AppendHuffmanDecode.
var (
	errHuffmanEOS  = &Error{Scope: codec.ScopeConn, Code: CompressionError, Reason: reasons[rHuffmanEOS]}
	errHuffmanLong = &Error{Scope: codec.ScopeConn, Code: CompressionError, Reason: reasons[rHuffmanLong]}
	errHuffmanBits = &Error{Scope: codec.ScopeConn, Code: CompressionError, Reason: reasons[rHuffmanBits]}
	errHuffmanMax  = &Error{Scope: codec.ScopeConn, Code: CompressionError, Reason: "7541-7.4-2: Huffman string of more octets than allowed"}
)
