package reflection

import (
	_ "embed"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// builtinSet is a FileDescriptorSet of the files below folder proto, made by internal/generate.
//
//go:embed builtin.binpb
var builtinSet []byte

// builtin returns the descriptors of the services of reflection and health.
var builtin = sync.OnceValue(func() *protoregistry.Files {
	var set descriptorpb.FileDescriptorSet
	err := proto.Unmarshal(builtinSet, &set)
	if err == nil {
		var files *protoregistry.Files
		if files, err = protodesc.NewFiles(&set); err == nil {
			return files
		}
	}
	panic("reflection: builtin.binpb: " + err.Error())
})

// extensionsOf returns the extensions that files declare now.
func extensionsOf(files protodesc.Resolver) Extensions {
	types := new(protoregistry.Types)
	if all, ok := files.(*protoregistry.Files); ok {
		all.RangeFiles(func(f protoreflect.FileDescriptor) bool {
			addExtensions(types, f)
			return true
		})
	}
	return types
}

// addExtensions adds the extensions of a file or a message, and of the messages in it. Of two for the same field the first counts.
func addExtensions(types *protoregistry.Types, in interface {
	Extensions() protoreflect.ExtensionDescriptors
	Messages() protoreflect.MessageDescriptors
}) {
	for i := range in.Extensions().Len() {
		_ = types.RegisterExtension(dynamicpb.NewExtensionType(in.Extensions().Get(i)))
	}
	for i := range in.Messages().Len() {
		addExtensions(types, in.Messages().Get(i))
	}
}
