module github.com/purewire/purewire/interop

go 1.26.0

replace github.com/purewire/purewire => ../

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/purewire/purewire v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	golang.org/x/net v0.62.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
