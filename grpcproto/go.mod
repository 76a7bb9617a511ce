module github.com/purewire/purewire/grpcproto

go 1.26.0

replace github.com/purewire/purewire => ../

require (
	github.com/bufbuild/protocompile v0.14.1
	github.com/purewire/purewire v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
