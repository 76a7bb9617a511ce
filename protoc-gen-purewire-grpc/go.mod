module github.com/purewire/purewire/protoc-gen-purewire-grpc

go 1.26.0

require google.golang.org/protobuf v1.36.12
