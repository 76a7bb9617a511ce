package grpcproto

import (
	"sync"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// SupportsVersion1 is what generated code of version 1 checks at build time.
const SupportsVersion1 = true

// Message is a pointer to a T that is a protobuf message, as protoc-gen-go generates it.
type Message[T any] interface {
	*T
	proto.Message
}

// The messages of statuses that this package makes.
const (
	rSubtype  = "grpc-Content-Type: messages can be application/grpc+proto or application/grpc+json"
	rDecode   = "grpc-Message: the message cannot be decoded"
	rEncode   = "grpc-Message: the message cannot be encoded"
	rNilReply = "grpc-Message: the handler returned no reply"
	rNoMethod = "grpc-Path: the method is not implemented: "
)

// format is how messages are written: protobuf or JSON.
type format bool

const (
	binary format = false
	asJSON format = true
)

// formatOf returns the format of a content-type's subtype.
func formatOf(subtype string) (format, error) {
	switch subtype {
	case "", "proto":
		return binary, nil
	case "json":
		return asJSON, nil
	}
	return binary, &rpc.Error{Code: grpc.Unimplemented, Message: rSubtype}
}

// decode fills m. A text of the library's is not for the peer, and it may name what is in the message.
// error.md: "Error parsing response protocol buffer" and "Error parsing request protocol buffer" are GRPC_STATUS_INTERNAL.
func (f format) decode(b []byte, m proto.Message) error {
	var err error
	if f == asJSON {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
	} else {
		err = proto.Unmarshal(b, m)
	}
	if err != nil {
		return &rpc.Error{Code: grpc.Internal, Message: rDecode}
	}
	return nil
}

// appendTo appends m to dst.
func (f format) appendTo(dst []byte, m proto.Message) ([]byte, error) {
	var err error
	if f == asJSON {
		dst, err = protojson.MarshalOptions{}.MarshalAppend(dst, m)
	} else {
		dst, err = proto.MarshalOptions{}.MarshalAppend(dst, m)
	}
	if err != nil {
		return nil, &rpc.Error{Code: grpc.Internal, Message: rEncode}
	}
	return dst, nil
}

// buffers hold encoded messages while they are sent: package rpc keeps nothing of them.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keep is the largest buffer that goes back.
const keep = 64 << 10

// send encodes m and gives it to f.
func (f format) send(m proto.Message, to func([]byte) error) error {
	p := buffers.Get().(*[]byte)
	b, err := f.appendTo((*p)[:0], m)
	if err == nil {
		err = to(b)
		if cap(b) <= keep {
			*p = b
		}
	}
	buffers.Put(p)
	return err
}

// receive decodes what next returns.
func receive[T any](f format, next func() ([]byte, error)) (*T, error) {
	b, err := next()
	if err != nil {
		return nil, err
	}
	m := new(T)
	if err := f.decode(b, any(m).(proto.Message)); err != nil {
		return nil, err
	}
	return m, nil
}

// Unimplemented is the error of a method that nobody has implemented: UNIMPLEMENTED.
func Unimplemented(method string) error {
	return &rpc.Error{Code: grpc.Unimplemented, Message: rNoMethod + method}
}
