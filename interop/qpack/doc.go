// Package qpack holds codec/qpack against github.com/quic-go/qpack, which has no dynamic table: both decoders must agree on
// sections that use none, and each must decode what the other encodes.
package qpack
