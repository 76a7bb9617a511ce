// Package qpack measures codec/qpack beside github.com/quic-go/qpack on field sections without a dynamic table, the only ones that
// peer knows.
package qpack
