package grpc

import (
	"encoding/base64"

	"github.com/purewire/purewire/codec"
)

// IsBinary reports whether a metadata name is that of a binary header: its values travel as base64
// (PROTOCOL-HTTP2.md, Binary-Header).
func IsBinary(name []byte) bool { return len(name) > 4 && string(name[len(name)-4:]) == "-bin" }

// IsReserved reports whether a name belongs to gRPC or to HTTP: it is not metadata and applications must not send it.
// "Header-Name: 1*( %x30-39 / %x61-7A / "_" / "-" / ".") ; [...] names starting with "grpc-" are reserved."
func IsReserved(name []byte) bool {
	if len(name) == 0 || name[0] == ':' || len(name) >= 5 && string(name[:5]) == "grpc-" {
		return true
	}
	switch string(name) {
	case "content-type", "te", "user-agent", "host", "connection", "keep-alive", "proxy-connection", "transfer-encoding",
		"upgrade", "content-length", "trailer":
		return true
	}
	return false
}

// ValidName reports whether an application may send metadata under that name: lower-case letters, digits, "_", "-", ".",
// and not reserved.
func ValidName(name []byte) bool {
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return !IsReserved(name)
}

// ValidText reports whether a value of an ASCII header may be sent: "ASCII-Value: 1*( %x20-%x7E )", without blanks at the
// ends, which HTTP/2 would drop.
func ValidText(value []byte) bool {
	for _, c := range value {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	n := len(value)
	return n == 0 || value[0] != ' ' && value[n-1] != ' '
}

// AppendBinary appends a binary value as it travels: base64 without padding, as "implementations MUST accept padded and
// un-padded values and should emit un-padded values".
func AppendBinary(dst, value []byte) []byte { return base64.RawStdEncoding.AppendEncode(dst, value) }

// AppendDecodedBinary appends what the value of a binary header stands for. dst is returned unchanged with an error if it is
// not base64. A list of several values separated by commas, into which intermediaries may fold repeated headers, is for
// BinaryValues.
func AppendDecodedBinary(dst, value []byte) ([]byte, error) {
	if len(value)%4 == 0 {
		for n := 0; n < 2 && len(value) > 0 && value[len(value)-1] == '='; n++ {
			value = value[:len(value)-1]
		}
	}
	for _, c := range value {
		if c == '\r' || c == '\n' { // encoding/base64 skips them
			return dst, fail(rBinary)
		}
	}
	out, err := base64.RawStdEncoding.AppendDecode(dst, value)
	if err != nil {
		return dst, fail(rBinary)
	}
	return out, nil
}

// BinaryValues calls yield with the decoded values of one binary header line, which may hold several separated by commas:
// "Binary-Header [...] values may be joined with ','". scratch is used for decoding. It stops at the first error.
func BinaryValues(line, scratch []byte, yield func(value []byte)) error {
	for {
		i := 0
		for i < len(line) && line[i] != ',' {
			i++
		}
		item := line[:i]
		for len(item) > 0 && item[0] == ' ' {
			item = item[1:]
		}
		for len(item) > 0 && item[len(item)-1] == ' ' {
			item = item[:len(item)-1]
		}
		out, err := AppendDecodedBinary(scratch[:0], item)
		if err != nil {
			return err
		}
		yield(out)
		if i == len(line) {
			return nil
		}
		line = line[i+1:]
	}
}

// AppendMetadata appends fields for metadata that an application gives: each name checked, values of binary headers
// encoded into arena, which is returned with dst. On an error, a misuse, both are returned unchanged.
func AppendMetadata(dst []codec.Field, arena []byte, md []codec.Field) ([]codec.Field, []byte, error) {
	out, mem := dst, arena
	for i := range md {
		f := &md[i]
		if !ValidName(f.Name) {
			return dst, arena, errName
		}
		v := f.Value
		if IsBinary(f.Name) {
			at := len(mem)
			mem = AppendBinary(mem, v)
			v = mem[at:len(mem):len(mem)]
		} else if !ValidText(v) {
			return dst, arena, errValue
		}
		out = append(out, codec.Field{Name: f.Name, Value: v, Sensitive: f.Sensitive})
	}
	return out, mem, nil
}

var (
	errName  = &Error{Scope: codec.ScopeMisuse, Code: Internal, Reason: "grpc-Custom-Metadata: name may not be sent"}
	errValue = &Error{Scope: codec.ScopeMisuse, Code: Internal, Reason: "grpc-Custom-Metadata: value may not be sent"}
)
