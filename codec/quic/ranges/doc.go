// Package ranges is a set of unsigned integers that is kept as disjoint ranges: packet numbers that were received, stream
// offsets that arrived, were sent, were acknowledged or were lost.
//
// # What it promises
//
// A Set holds its ranges in one ascending slice; no two of them overlap or touch. The zero Set is empty, without a limit, and ready for
// use. With a limit (SetLimit) it never has more ranges than that, and AddRange and RemoveRange follow one rule when they would leave more:
//
//	the set keeps the limit's number of ranges with the highest values; what lies below them is evicted and returned.
//
// That is what RFC 9000 section 13.2.3 wants of acknowledgments (the newest first). Where nothing may be forgotten, such as
// received stream data, TryAddRange and TryRemoveRange refuse instead and leave the set as it was.
//
// # Cost
//
// A lookup is a binary search that looks at the highest range first. Adding and removing cost the search and the ranges that
// are merged or removed (each was added once), and move the ranges above the place by one: nothing for values in ascending
// order. The slice grows by appending, up to the limit, and never shrinks: no allocation in steady state.
//
// # Memory
//
// A Set has 40 bytes, and 16 for each range that it has room for. It makes room for one range more than the limit; as the room grows
// by appending, it may be up to twice that much. After Reserve(limit+1) it is 40+16*(limit+1) bytes for good.
//
// # Values
//
// Ranges are half-open: Start is in, End is not. 2^64-1 can therefore not be in a set; QUIC's integers end at 2^62-1.
//
// A Set is not safe for concurrent use. It does no I/O and has no clock.
package ranges
