package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func runGet(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(context.Background(), append([]string{"get"}, args...), Env{Stdin: strings.NewReader(stdin), Stdout: &o, Stderr: &e})
	return code, o.String(), e.String()
}

func TestGet(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.Error(w, "nothing here", http.StatusNotFound)
		case "/go":
			http.Redirect(w, r, "/there", http.StatusFound)
		default:
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Proto", r.Proto)
			_, _ = io.WriteString(w, r.Method+" "+r.URL.Path+" "+r.Host+" "+r.Header.Get("X-In")+" "+string(b))
		}
	})
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	defer s.Close()
	u := s.URL

	code, out, errs := runGet(t, "", u+"/a", "-H", "X-In: yes", "-H", "Host: there.example")
	require.Equal(t, 0, code, errs)
	require.Equal(t, "GET /a there.example yes ", out)
	require.Empty(t, errs)

	code, out, errs = runGet(t, "from stdin", "-d", "@-", "-v", "-i", u+"/b")
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, "HTTP/1.1 200 OK\n")
	require.Contains(t, out, "POST /b ")
	require.Contains(t, out, "from stdin")
	require.Contains(t, errs, "> POST /b HTTP/1.1\n")
	require.Contains(t, errs, "< HTTP/1.1 200 OK\n")
	require.NotContains(t, errs, "from stdin", "content is counted")

	file := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.WriteFile(file, []byte("from file"), 0o600))
	to := filepath.Join(t.TempDir(), "out")
	code, out, errs = runGet(t, "", "--http2", "-v", "-X", "PUT", "-d", "@"+file, "-o", to, u+"/c")
	require.Equal(t, 0, code, errs)
	require.Empty(t, out)
	b, err := os.ReadFile(to)
	require.NoError(t, err)
	require.Contains(t, string(b), "PUT /c ")
	require.Contains(t, string(b), "from file")
	for _, want := range []string{"> client preface\n", "> SETTINGS ENABLE_PUSH=0", ">   :method: PUT\n", "< HEADERS stream 1", "<   x-proto: HTTP/2.0\n", "end of stream\n"} {
		require.Contains(t, errs, want)
	}

	code, _, errs = runGet(t, "", "--fail", u+"/missing")
	require.Equal(t, ExitFailure, code)
	require.Contains(t, errs, "404")
	code, out, _ = runGet(t, "", u+"/missing")
	require.Equal(t, 0, code)
	require.Equal(t, "nothing here\n", out)
	_, out, _ = runGet(t, "", "-L", u+"/go")
	require.Contains(t, out, "GET /there")
	_, out, _ = runGet(t, "", "-i", u+"/go")
	require.Contains(t, out, "302 Found")

	for _, bad := range [][]string{{}, {"a", "b"}, {"--http1", "--http2", u}, {"-H", "nocolon", u}, {"--nonsense", u}, {"http://[bad"}} {
		code, _, _ := runGet(t, "", bad...)
		require.Equal(t, ExitUsage, code, "%q", bad)
	}
	code, out, _ = runGet(t, "", "--help")
	require.Equal(t, 0, code)
	require.Contains(t, out, "Usage: purewire get")
}

func TestGetTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	code, _, errs := runGet(t, "", s.URL)
	require.Equal(t, ExitFailure, code)
	require.Contains(t, errs, "certificate")
	code, out, errs := runGet(t, "", "--insecure", s.URL)
	require.Equal(t, 0, code)
	require.Equal(t, "HTTP/2.0", out)
	require.Contains(t, errs, "warning")
	_, out, _ = runGet(t, "", "--insecure", "--http1", s.URL)
	require.Equal(t, "HTTP/1.1", out)
}
