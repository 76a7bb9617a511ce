// Package hcode holds the two primitive types that HPACK (RFC 7541 section 5) and QPACK (RFC 9204 section 4.1) share:
// integers with an N-bit prefix, and strings in the static Huffman code of RFC 7541 appendix B.
//
// Everything here is a pure function over byte slices. The tables are computed from the 257 code lengths of the appendix
// when the program starts, since the code is canonical: codes of one length are consecutive, in the order of their
// symbols.
package hcode
