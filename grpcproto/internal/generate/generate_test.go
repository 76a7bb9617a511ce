package generate

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

var update = flag.Bool("update", false, "write the files rather than compare them")

// job is one .proto file that has generated files in this module.
type job struct {
	dir, file string // of the .proto file: where imports are looked for, and its path from there
	out       string // where files go, from the module's root
	messages  string // protoc-gen-go's parameters, empty: not run
	stubs     string // protoc-gen-purewire-grpc's
}

const relative = "paths=source_relative"

var jobs = []job{
	{"example/greet", "greet.proto", "example/greet", relative, relative},
	{"internal/odd", "req/req.proto", "internal/odd", relative, relative},
	{"internal/odd", "odd.proto", "internal/odd", relative, relative + ",package_suffix=stubs"},
	{"internal/odd", "odd.proto", "internal/odd", "", relative + ",package_suffix=loose,require_unimplemented_servers=false"},
	{"reflection/proto", "grpc/health/v1/health.proto", "internal", healthAt, healthAt},
}

// healthAt has the health service's Go package where it is not a public one.
const healthAt = "module=github.com/purewire/purewire/grpcproto/internal,Mgrpc/health/v1/health.proto=github.com/purewire/purewire/grpcproto/internal/healthpb"

// builtin are the services whose descriptors package reflection has with it.
var builtin = []string{"grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto", "grpc/reflection/v1alpha/reflection.proto"}

func TestGenerated(t *testing.T) {
	const root = "../.."
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	tmp := t.TempDir()
	messages, err := Plugin(ctx, tmp, root, "google.golang.org/protobuf/cmd/protoc-gen-go")
	require.NoError(t, err)
	stubs, err := Plugin(ctx, tmp, root+"/../protoc-gen-purewire-grpc", "github.com/purewire/purewire/protoc-gen-purewire-grpc")
	require.NoError(t, err)
	files := make(map[string]string)
	for _, j := range jobs {
		all, err := Compile(ctx, filepath.Join(root, j.dir), j.file)
		require.NoError(t, err)
		for exe, parameter := range map[string]string{messages: j.messages, stubs: j.stubs} {
			if parameter == "" {
				continue
			}
			written, err := Run(ctx, exe, parameter, all, j.file)
			require.NoError(t, err)
			for name, text := range written {
				files[path.Join(j.out, name)] = text
			}
		}
	}
	all, err := Compile(ctx, filepath.Join(root, "reflection/proto"), builtin...)
	require.NoError(t, err)
	for _, f := range all {
		f.SourceCodeInfo = nil
	}
	set, err := proto.MarshalOptions{Deterministic: true}.Marshal(&descriptorpb.FileDescriptorSet{File: all})
	require.NoError(t, err)
	files["reflection/builtin.binpb"] = string(set)
	require.Len(t, files, 9) // four of messages, four of stubs, since req.proto has no service, and builtin.binpb
	for name := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		want := []byte(files[name])
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
			require.NoError(t, os.WriteFile(file, want, 0o666))
			continue
		}
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, have), "%s is not what is generated: go test ./internal/generate -update", name)
	}
}
