package demo

import (
	"bytes"
	_ "embed"
	"html"
	"net/http"
	"runtime"
	"strconv"
)

//go:embed page.html
var pageSource []byte

// renderPage fills the few facts into the page, once.
func renderPage(o Options) []byte {
	r := []struct{ mark, text string }{
		{"{{driver}}", o.Driver},
		{"{{version}}", o.Version},
		{"{{platform}}", runtime.GOOS + "/" + runtime.GOARCH},
		{"{{go}}", runtime.Version()},
	}
	page := pageSource
	for _, x := range r {
		page = bytes.ReplaceAll(page, []byte(x.mark), []byte(html.EscapeString(x.text)))
	}
	return page
}

func (h *Handler) index(w http.ResponseWriter, _ *http.Request) {
	hd := w.Header()
	hd.Set("Content-Type", "text/html; charset=utf-8")
	hd.Set("Content-Length", strconv.Itoa(len(h.page)))
	hd.Set("Cache-Control", "no-cache")
	hd.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; connect-src 'self'")
	hd.Set("X-Content-Type-Options", "nosniff")
	// An isolated page gets a clock of 5 us instead of 100 us, which is what it measures with.
	hd.Set("Cross-Origin-Opener-Policy", "same-origin")
	hd.Set("Cross-Origin-Embedder-Policy", "require-corp")
	w.Write(h.page)
}
