package grpcproto

import (
	"strings"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The fields of google.rpc.Status, which is coded here so that this module needs not be the one that registers it.
const (
	statusCode    = 1 // int32
	statusMessage = 2 // string
	statusDetails = 3 // repeated google.protobuf.Any
)

// ErrorWith returns a status with details: messages that tell a program what the text tells people. A detail that cannot be encoded
// makes an INTERNAL of it. Details have to fit in the trailers: keep them well below 8 KiB.
func ErrorWith(code grpc.Code, message string, details ...proto.Message) error {
	b := protowire.AppendTag(nil, statusCode, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(code))
	b = protowire.AppendTag(b, statusMessage, protowire.BytesType)
	b = protowire.AppendString(b, strings.ToValidUTF8(message, "\uFFFD"))
	for _, d := range details {
		any, err := anypb.New(d)
		if err == nil {
			var e []byte
			if e, err = proto.Marshal(any); err == nil {
				b = protowire.AppendTag(b, statusDetails, protowire.BytesType)
				b = protowire.AppendBytes(b, e)
			}
		}
		if err != nil {
			return &rpc.Error{Code: grpc.Internal, Message: rEncode}
		}
	}
	return &rpc.Error{Code: code, Message: message, Details: b}
}

// Details returns the details of an error that a call has ended with, in their order. Those that cannot be decoded, or whose types
// this program does not have, are left out.
func Details(err error) []proto.Message {
	st := rpc.StatusOf(err)
	if st == nil {
		return nil
	}
	var out []proto.Message
	for b := st.Details; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return out
		}
		b = b[n:]
		if num != statusDetails || typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return out
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return out
		}
		b = b[n:]
		var a anypb.Any
		if proto.Unmarshal(v, &a) != nil {
			continue
		}
		if m, err := a.UnmarshalNew(); err == nil {
			out = append(out, m)
		}
	}
	return out
}
