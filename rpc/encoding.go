package rpc

import (
	"sync"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/codec/grpc/compress"
)

// Encoding is a message encoding whose working state is shared between calls through a pool.
type Encoding struct {
	name string
	pool sync.Pool
}

// NewEncoding returns the encoding that the values of fresh have.
func NewEncoding(fresh func() grpc.Compression) *Encoding {
	e := &Encoding{name: fresh().Name()}
	e.pool.New = func() any { return fresh() }
	return e
}

// Name is what grpc-encoding calls it.
func (e *Encoding) Name() string { return e.name }

var (
	// Gzip is the encoding "gzip" (RFC 1952).
	Gzip = NewEncoding(func() grpc.Compression { return new(compress.Gzip) })
	// Deflate is the encoding "deflate" (RFC 1950).
	Deflate = NewEncoding(func() grpc.Compression { return new(compress.Deflate) })
)

var defaultEncodings = []*Encoding{Gzip, Deflate}

// namesOf is the value of grpc-accept-encoding.
func namesOf(list []*Encoding) string {
	s := ""
	for i, e := range list {
		if i > 0 {
			s += ","
		}
		s += e.name
	}
	return s
}

// lookup finds an encoding. Both results are nil for identity.
func lookup(list []*Encoding, name string) (*Encoding, error) {
	if name == "" || name == "identity" {
		return nil, nil
	}
	for _, e := range list {
		if e.name == name {
			return e, nil
		}
	}
	return nil, &Error{Code: grpc.Unimplemented, Message: rNoEncoding}
}

// appendMessage appends a message, compressed if e is not nil.
func appendMessage(dst, msg []byte, e *Encoding) ([]byte, error) {
	if e == nil {
		return grpc.AppendMessage(dst, msg)
	}
	c := e.pool.Get().(grpc.Compression)
	dst, err := grpc.AppendCompressedMessage(dst, msg, c)
	e.pool.Put(c)
	return dst, err
}

func (e *Encoding) decompress(dst, src []byte, max int) ([]byte, error) {
	c := e.pool.Get().(grpc.Compression)
	dst, err := grpc.Decompress(c, dst, src, max)
	e.pool.Put(c)
	return dst, err
}
