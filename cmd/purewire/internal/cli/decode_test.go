package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const twoRequests = "POST /a?b HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n" +
	"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n" + "GET / HTTP/1.0\r\n\r\n"

func TestDecodeRequests(t *testing.T) {
	code, out, errs := run(twoRequests, "decode")
	require.Empty(t, errs)
	require.Equal(t, ExitOK, code)
	require.Equal(t, strings.TrimLeft(`
       0  request POST /a?b HTTP/1.1 (for example.com, chunked body, waits for 100, keep-alive)
            Host: example.com
            Transfer-Encoding: chunked
            Expect: 100-continue
`, "\n"), out[:strings.Index(out, "      9")])
	require.Contains(t, out, "  body, 5 bytes: \"hello\"\n")
	require.Contains(t, out, "  end of message, 5 body bytes\n            X-Sum: 1\n")
	require.Contains(t, out, "  request GET / HTTP/1.0 (no body, close)\n")
	require.True(t, strings.HasSuffix(out, "  the end of the input, 2 messages\n"), out)
}

// However the bytes are cut, the story is the same; only bodies come in smaller pieces.
func TestDecodeInPieces(t *testing.T) {
	_, want, _ := run(twoRequests, "decode")
	noBody := func(s string) string {
		var b strings.Builder
		for line := range strings.Lines(s) {
			// Offsets of what has no bytes of its own depend on where chunk lines were consumed.
			if !strings.Contains(line, "  body, ") {
				b.WriteString(line[8:])
			}
		}
		return b.String()
	}
	for _, n := range []int{1, 2, 3, 7, 50} {
		code, out, _ := run(twoRequests, "decode", "--chunk", fmt.Sprint(n))
		require.Equal(t, ExitOK, code)
		require.Equal(t, noBody(want), noBody(out))
	}
}

func TestDecodeResponses(t *testing.T) {
	in := "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end"
	code, out, errs := run(in, "decode", "--response")
	require.Equal(t, ExitOK, code, errs)
	require.Contains(t, out, "informational 103 Early Hints HTTP/1.1\n            Link: x\n")
	require.Contains(t, out, "response 200 OK HTTP/1.1 (body of 2 bytes, keep-alive)\n")
	require.Contains(t, out, "response 204 No Content HTTP/1.1 (no body, keep-alive)\n")
	require.Contains(t, out, "body up to the end of the connection")
	require.Contains(t, out, "body, 10 bytes: \"to the end\"\n")
	require.Contains(t, out, "the end of the input, 3 messages\n")
	code, out, errs = run("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "decode", "--response", "--method", "HEAD")
	require.Equal(t, ExitOK, code, errs)
	require.Contains(t, out, "end of message, 0 body bytes\n")
	code, out, errs = run("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: w\r\n\r\nHTTP/not", "decode", "--response")
	require.Equal(t, ExitOK, code, errs)
	require.Contains(t, out, "HTTP ends here; what follows is another protocol\n")
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct{ in, reason, status string }{
		{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "9112-5.1", "400 Bad Request"},
		{"GET / HTTP/9.1\r\nHost: a\r\n\r\n", "911", "505 HTTP Version Not Supported"},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("y", 1<<17) + "\r\n\r\n", "", "431 Request Header Fields Too Large"},
		{"GET / HTTP/1.1\r\nHo", "", "400 Bad Request"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nshort", "", "400 Bad Request"},
	} {
		code, out, errs := run(tt.in, "decode")
		require.Equal(t, ExitFailure, code)
		require.Contains(t, out, "  ERROR "+tt.reason)
		require.Regexp(t, `^purewire decode: malformed at byte \d+; a server answers `+tt.status+"\n$", errs)
	}
}

func TestDecodeAFileAndTerminalSafety(t *testing.T) {
	name := filepath.Join(t.TempDir(), "capture")
	require.NoError(t, os.WriteFile(name, []byte("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"+strings.Repeat("\x1b[", 50)), 0o600))
	code, out, errs := run("", "decode", name)
	require.Equal(t, ExitOK, code, errs)
	require.NotContains(t, out, "\x1b")
	require.Contains(t, out, "...\n")
	_, out, _ = run("", "decode", "--body", name)
	require.Equal(t, 50, strings.Count(out, `\x1b[`))
	code, _, _ = run("", "decode", name+"-none")
	require.Equal(t, ExitFailure, code)
	code, _, _ = run("", "decode", "--chunk", "-1")
	require.Equal(t, ExitUsage, code)
}
