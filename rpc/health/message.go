package health

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
)

// The two messages have one field each, both with number 1: HealthCheckRequest.service, a string, and
// HealthCheckResponse.status, an enum.

const (
	rMessage = "grpc-Health: message is not valid protobuf"
	rName    = "grpc-Health: service name is too long, or not UTF-8"
)

var (
	errMessage = &rpc.Error{Code: grpc.Internal, Message: rMessage}
	errName    = &rpc.Error{Code: grpc.InvalidArgument, Message: rName}
)

func appendRequest(dst []byte, service string) []byte {
	if service == "" {
		return dst
	}
	dst = append(dst, 1<<3|2)
	dst = binary.AppendUvarint(dst, uint64(len(service)))
	return append(dst, service...)
}

func appendResponse(dst []byte, st Status) []byte {
	if st == Unknown {
		return dst
	}
	dst = append(dst, 1<<3) // field 1, a varint
	return binary.AppendUvarint(dst, uint64(st))
}

func parseRequest(b []byte) (service string, err error) {
	err = fields(b, func(number, wire int, value uint64, bytes []byte) error {
		if number != 1 {
			return nil
		}
		if wire != 2 {
			return errMessage
		}
		if len(bytes) > MaxService || !utf8.Valid(bytes) {
			return errName
		}
		service = string(bytes)
		return nil
	})
	return service, err
}

func parseResponse(b []byte) (st Status, err error) {
	err = fields(b, func(number, wire int, value uint64, _ []byte) error {
		if number != 1 {
			return nil
		}
		if wire != 0 {
			return errMessage
		}
		st = Status(value)
		return nil
	})
	return st, err
}

// fields calls f with each field of a protobuf message. Fields that f does not know are skipped, as protobuf wants it.
func fields(b []byte, f func(number, wire int, value uint64, bytes []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 >= 1<<29 {
			return errMessage
		}
		b = b[n:]
		var value uint64
		var bytes []byte
		switch tag & 7 {
		case 0:
			if value, n = binary.Uvarint(b); n <= 0 {
				return errMessage
			}
			b = b[n:]
		case 1, 5:
			n = 8
			if tag&7 == 5 {
				n = 4
			}
			if len(b) < n {
				return errMessage
			}
			b = b[n:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errMessage
			}
			bytes = b[n : n+int(size)]
			b = b[n+int(size):]
		default:
			return errMessage
		}
		if err := f(int(tag>>3), int(tag&7), value, bytes); err != nil {
			return err
		}
	}
	return nil
}
