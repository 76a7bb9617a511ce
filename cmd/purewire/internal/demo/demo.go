package demo

import (
	"embed"
	"io/fs"
	"net/http"
	"sync"
)

// Plaintext is the body of /plaintext and /native/plaintext.
const Plaintext = "Hello, World!"

// NativePath is the path that servers with a native handler answer there. The Handler answers it too, for servers
// that have none.
const NativePath = "/native/plaintext"

//go:embed sample
var sample embed.FS

// Options describes the server to the page and chooses what /files/ shows.
type Options struct {
	// Driver names what drives the connections ("reactor", "stdnet", "nethttp"); the page shows it.
	Driver string
	// Version is the program's version for the page.
	Version string
	// Files is what /files/ serves; nil means a few built-in samples.
	Files fs.FS
}

// Handler is the demo. The zero value is not usable: call New.
type Handler struct {
	mux  *http.ServeMux
	page []byte
	once sync.Once
	done chan struct{}
}

// New returns the demo handler set.
func New(o Options) *Handler {
	files := o.Files
	if files == nil {
		// The directory is part of the binary, so Sub cannot fail.
		files, _ = fs.Sub(sample, "sample")
	}
	h := &Handler{mux: http.NewServeMux(), page: renderPage(o), done: make(chan struct{})}
	h.mux.HandleFunc("GET /{$}", h.index)
	h.mux.HandleFunc("/plaintext", plaintext)
	h.mux.HandleFunc(NativePath, plaintext)
	h.mux.HandleFunc("/json", json)
	h.mux.HandleFunc("/echo", echo)
	h.mux.HandleFunc("GET /bytes/{n}", sendBytes)
	h.mux.HandleFunc("POST /upload", upload)
	h.mux.HandleFunc("PUT /upload", upload)
	h.mux.HandleFunc("GET /sse", h.clock)
	h.mux.Handle("/ws/echo", EchoSocket)
	h.mux.Handle(NativeEchoPath, EchoSocket)
	h.mux.Handle("/ws/chat", newChat())
	h.mux.Handle("GET /files/", http.StripPrefix("/files/", http.FileServerFS(files)))
	return h
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Close ends the endless responses (/sse), so that a drain need not wait for clients to leave. It may be called more
// than once; other requests are still answered.
func (h *Handler) Close() { h.once.Do(func() { close(h.done) }) }
