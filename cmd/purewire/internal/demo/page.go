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

// leads says in two sentences what the page came over, by driver.
var leads = map[string]string{
	"reactor": "This page came over a server whose protocol code never touches a socket: bytes go in, events come out. " +
		"The reactor carries the bytes, a few event loops with no goroutine per connection.",
	"stdnet": "This page came over a server whose protocol code never touches a socket: bytes go in, events come out. " +
		"The stdnet driver carries the bytes, one goroutine per connection.",
	"nethttp": "This page came over net/http, Go\u2019s own server. Start purewire with the driver reactor or stdnet to see what is " +
		"different; nothing on the page should be.",
}

// renderPage fills the few facts into the page, once.
func renderPage(o Options) []byte {
	r := []struct{ mark, text string }{
		{"{{driver}}", o.Driver},
		{"{{lead}}", leads[o.Driver]},
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
