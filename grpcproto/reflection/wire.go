package reflection

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
)

// The messages of reflection.proto, coded by hand. v1 and v1alpha differ in the name of the package only.

// The fields of ServerReflectionRequest, of which those from fileByName on are one oneof.
const (
	host             = 1
	fileByName       = 3
	fileBySymbol     = 4
	fileByExtension  = 5
	extensionNumbers = 6
	listServices     = 7
)

// The fields of ServerReflectionResponse.
const (
	validHost       = 1
	originalRequest = 2
	fileResponse    = 4 // FileDescriptorResponse: 1 is bytes, repeated
	numbersResponse = 5 // ExtensionNumberResponse: 1 is the type, 2 the numbers, packed
	listResponse    = 6 // ListServiceResponse: 1 is ServiceResponse, of which 1 is the name
	errorResponse   = 7 // ErrorResponse: 1 is the code, 2 the message
)

// The messages of statuses and of ErrorResponse.
const (
	rMessage   = "grpc-Reflection: message is not valid protobuf"
	rRequest   = "grpc-Reflection: the request asks for nothing that is known"
	rTooLong   = "grpc-Reflection: name is too long"
	rFile      = "grpc-Reflection: no such file"
	rSymbol    = "grpc-Reflection: no such symbol"
	rExtension = "grpc-Reflection: no such extension"
	rType      = "grpc-Reflection: no such message type"
	rEncode    = "grpc-Reflection: the descriptor cannot be encoded"
)

var (
	errMessage = &rpc.Error{Code: grpc.Internal, Message: rMessage}
	// errRequest ends the call, as it does with grpc-go: there is no look-up that has failed.
	errRequest = &rpc.Error{Code: grpc.InvalidArgument, Message: rRequest}
)

// request is a ServerReflectionRequest.
type request struct {
	host   []byte
	what   protowire.Number // of the oneof, 0 for none
	name   string           // of the file, symbol or type
	number int32            // of the extension
}

// fields calls f with each field: bytes is nil unless its type is BytesType.
func fields(b []byte, f func(num protowire.Number, typ protowire.Type, varint uint64, bytes []byte) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || num > protowire.MaxValidNumber {
			return errMessage
		}
		b = b[n:]
		var varint uint64
		var bytes []byte
		switch typ {
		case protowire.VarintType:
			varint, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return errMessage
		}
		b = b[n:]
		if err := f(num, typ, varint, bytes); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a ServerReflectionRequest as protobuf wants it: a field of another type than its own is an unknown one, of a oneof the
// last one counts, and a message that comes twice is merged.
func parse(b []byte) (r request, err error) {
	err = fields(b, func(num protowire.Number, typ protowire.Type, _ uint64, bytes []byte) error {
		switch num {
		case fileByName, fileBySymbol, extensionNumbers, listServices:
			if typ != protowire.BytesType {
				return nil
			}
			r.what, r.name, r.number = num, string(bytes), 0
		case host:
			if typ != protowire.BytesType {
				return nil
			}
			r.host = bytes
		case fileByExtension:
			if typ != protowire.BytesType {
				return nil
			}
			if r.what != num {
				r.what, r.name, r.number = num, "", 0
			}
			return fields(bytes, r.extension)
		default:
			return nil
		}
		if !utf8.Valid(bytes) {
			return errMessage
		}
		return nil
	})
	return r, err
}

// extension takes a field of an ExtensionRequest.
func (r *request) extension(num protowire.Number, typ protowire.Type, varint uint64, bytes []byte) error {
	switch {
	case num == 1 && typ == protowire.BytesType:
		if !utf8.Valid(bytes) {
			return errMessage
		}
		r.name = string(bytes)
	case num == 2 && typ == protowire.VarintType:
		r.number = int32(varint)
	}
	return nil
}

// respond appends a ServerReflectionResponse: body is the message in the field what of its oneof.
func respond(dst []byte, r *request, original []byte, what protowire.Number, body []byte) []byte {
	if len(r.host) > 0 {
		dst = appendBytes(dst, validHost, r.host)
	}
	dst = appendBytes(dst, originalRequest, original)
	return appendBytes(dst, what, body)
}

func appendBytes(dst []byte, num protowire.Number, b []byte) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendBytes(dst, b)
}

// appendError appends an ErrorResponse.
func appendError(dst []byte, e *rpc.Error) []byte {
	dst = protowire.AppendTag(dst, 1, protowire.VarintType)
	dst = protowire.AppendVarint(dst, uint64(e.Code))
	return appendBytes(dst, 2, []byte(e.Message))
}

// appendNumbers appends an ExtensionNumberResponse.
func appendNumbers(dst []byte, typ string, numbers []int32) []byte {
	dst = appendBytes(dst, 1, []byte(typ))
	var packed []byte
	for _, n := range numbers {
		packed = protowire.AppendVarint(packed, uint64(n))
	}
	if packed != nil {
		dst = appendBytes(dst, 2, packed)
	}
	return dst
}

// appendServices appends a ListServiceResponse.
func appendServices(dst []byte, names []string) []byte {
	for _, n := range names {
		dst = appendBytes(dst, 1, appendBytes(nil, 1, []byte(n)))
	}
	return dst
}
