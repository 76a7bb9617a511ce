package reflection

import (
	"io"
	"slices"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// The methods, of which both answer alike.
const (
	MethodV1      = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	MethodV1Alpha = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
)

// MaxName is the longest name that is looked up, in bytes.
const MaxName = 1024

// Extensions finds extensions of messages. *protoregistry.Types is one.
type Extensions interface {
	FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error)
	RangeExtensionsByMessage(message protoreflect.FullName, f func(protoreflect.ExtensionType) bool)
}

// Config configures Register. Its zero value is fine.
type Config struct {
	// Files finds files and symbols: a *protoregistry.Files, for example, which protodesc.NewFiles makes of a FileDescriptorSet.
	// It must be safe for any number of goroutines. nil: protoregistry.GlobalFiles. What it does not find is looked for in the
	// descriptors of the services of reflection and health.
	Files protodesc.Resolver
	// Extensions finds extensions. nil: those in Files at the time of Register if Files is a *protoregistry.Files, else none;
	// protoregistry.GlobalTypes if Files is nil, too.
	Extensions Extensions
	// Services returns the names that list_services answers, in any order. nil: those of the server, reflection's own among them.
	Services func() []string
}

// Register registers both services with srv. It panics if one of them is registered already.
func Register(srv *rpc.Server, cfg Config) {
	s := &service{files: cfg.Files, extensions: cfg.Extensions, names: cfg.Services}
	if s.files == nil {
		s.files = protoregistry.GlobalFiles
		if s.extensions == nil {
			s.extensions = protoregistry.GlobalTypes
		}
	}
	if s.extensions == nil {
		s.extensions = extensionsOf(s.files)
	}
	if s.names == nil {
		s.names = srv.Services
	}
	srv.Bidi(MethodV1, s.info)
	srv.Bidi(MethodV1Alpha, s.info)
}

type service struct {
	files      protodesc.Resolver
	extensions Extensions
	names      func() []string
}

// info answers the requests of one stream, one after the other.
func (s *service) info(st *rpc.Stream) error {
	sent := make(map[string]bool)
	var out []byte
	for {
		original, err := st.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := parse(original)
		if err != nil {
			return err
		}
		what, body, err := s.answer(&r, sent)
		if err != nil {
			return err
		}
		out = respond(out[:0], &r, original, what, body)
		if err := st.Send(out); err != nil {
			return err
		}
	}
}

// answer returns the message to answer with, and its field; an error ends the call.
func (s *service) answer(r *request, sent map[string]bool) (protowire.Number, []byte, error) {
	if len(r.name) > MaxName && r.what != listServices {
		return failed(grpc.InvalidArgument, rTooLong)
	}
	switch r.what {
	case fileByName:
		f, err := s.file(r.name)
		if err != nil {
			return failed(grpc.NotFound, rFile)
		}
		return s.send(f, sent, rFile)
	case fileBySymbol:
		d, err := s.symbol(r.name)
		if err != nil {
			return failed(grpc.NotFound, rSymbol)
		}
		return s.send(d.ParentFile(), sent, rSymbol)
	case fileByExtension:
		x, err := s.extensions.FindExtensionByNumber(protoreflect.FullName(r.name), protoreflect.FieldNumber(r.number))
		if err != nil {
			return failed(grpc.NotFound, rExtension)
		}
		return s.send(x.TypeDescriptor().ParentFile(), sent, rExtension)
	case extensionNumbers:
		d, err := s.symbol(r.name)
		if _, ok := d.(protoreflect.MessageDescriptor); err != nil || !ok {
			return failed(grpc.NotFound, rType)
		}
		var numbers []int32
		s.extensions.RangeExtensionsByMessage(protoreflect.FullName(r.name), func(x protoreflect.ExtensionType) bool {
			numbers = append(numbers, int32(x.TypeDescriptor().Number()))
			return true
		})
		slices.Sort(numbers)
		return numbersResponse, appendNumbers(nil, r.name, numbers), nil
	case listServices:
		names := slices.Clone(s.names())
		slices.Sort(names)
		return listResponse, appendServices(nil, names), nil
	}
	return 0, nil, errRequest
}

func failed(c grpc.Code, text string) (protowire.Number, []byte, error) {
	return errorResponse, appendError(nil, &rpc.Error{Code: c, Message: text}), nil
}

func (s *service) file(path string) (protoreflect.FileDescriptor, error) {
	f, err := s.files.FindFileByPath(path)
	if err != nil {
		return builtin().FindFileByPath(path)
	}
	return f, nil
}

func (s *service) symbol(name string) (protoreflect.Descriptor, error) {
	d, err := s.files.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return builtin().FindDescriptorByName(protoreflect.FullName(name))
	}
	return d, nil
}

// send answers with a file and those that it imports, as far as the stream has not sent them.
//
// reflection.proto: "The reflection service is allowed to avoid sending FileDescriptorProtos that were previously sent in response to
// earlier requests in the stream." The file that was asked for is always sent. Files that the program does not have cannot be.
func (s *service) send(f protoreflect.FileDescriptor, sent map[string]bool, missing string) (protowire.Number, []byte, error) {
	if f == nil || f.IsPlaceholder() {
		return failed(grpc.NotFound, missing)
	}
	var body []byte
	delete(sent, f.Path())
	for queue := []protoreflect.FileDescriptor{f}; len(queue) > 0; queue = queue[1:] {
		f := queue[0]
		if f.IsPlaceholder() || sent[f.Path()] {
			continue
		}
		b, err := proto.Marshal(protodesc.ToFileDescriptorProto(f))
		if err != nil {
			return failed(grpc.Internal, rEncode)
		}
		sent[f.Path()] = true
		body = appendBytes(body, 1, b)
		for i := range f.Imports().Len() {
			queue = append(queue, f.Imports().Get(i).FileDescriptor)
		}
	}
	return fileResponse, body, nil
}
