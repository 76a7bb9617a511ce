module github.com/purewire/purewire/interop

go 1.26.0

replace github.com/purewire/purewire => ../

require github.com/go-chi/chi/v5 v5.5.0 // indirect
