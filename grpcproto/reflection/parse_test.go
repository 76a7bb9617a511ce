package reflection

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// FuzzParse holds the parser that is written by hand to protobuf's library: both accept the same, and read the same in it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "\x3a\x00", "\x0a\x01h\x1a\x01f", "\x22\x03a.B", "\x2a\x07\x0a\x03a.B\x10\x05", "\x32\x01t", "\x2a\x02\x10\x05\x2a\x03\x0a\x01x",
		"\x2a\x02\x10\x05\x3a\x00\x2a\x03\x0a\x01x", "\x0a", "\x80", "\x22\x7f", "\x2a\x02\x0a\x7f", "\x20\x01", "\x2a\x02\x08\x01", "\x15abc",
		"\x1b\x1c", "\x1b", "\x42\x01x\x48\x01\x55abcd\x10\x05", "\x0a\x01\xff", "\x22\x01\xff", "\x2a\x03\x0a\x01\xff", "\x00\x00",
		"\x2a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x2a\x03\x12\x01x", "\x08\x01", "\x1a\x01a\x22\x01b", "\xe0\xe0\xe0\x8b00",
	} {
		f.Add([]byte(seed))
	}
	file, err := builtin().FindFileByPath("grpc/reflection/v1/reflection.proto")
	if err != nil {
		f.Fatal(err)
	}
	typ := file.Messages().ByName("ServerReflectionRequest")
	oneof := typ.Oneofs().ByName("message_request")
	f.Fuzz(func(t *testing.T, b []byte) {
		have, err := parse(b)
		m := dynamicpb.NewMessage(typ)
		if bad := proto.Unmarshal(b, m); (bad == nil) != (err == nil) {
			t.Fatalf("%q: %v, the library %v", b, err, bad)
		}
		if err != nil {
			return
		}
		if want := m.Get(typ.Fields().ByNumber(host)).String(); want != string(have.host) {
			t.Fatalf("%q: host %q, want %q", b, have.host, want)
		}
		which := m.WhichOneof(oneof)
		if which == nil {
			if have.what != 0 {
				t.Fatalf("%q: %v", b, have)
			}
			return
		}
		value, number := m.Get(which), int64(0)
		name := ""
		if x, ok := value.Interface().(protoreflect.Message); ok {
			name = x.Get(which.Message().Fields().ByNumber(1)).String()
			number = x.Get(which.Message().Fields().ByNumber(2)).Int()
		} else {
			name = value.String()
		}
		if which.Number() != have.what || name != have.name || number != int64(have.number) {
			t.Fatalf("%q: %v, want %v %q %d", b, have, which.Number(), name, number)
		}
	})
}
