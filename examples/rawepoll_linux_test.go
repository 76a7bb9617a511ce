package examples

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRawEpoll(t *testing.T) {
	addr := program(t, "rawepoll", "0")
	client := newClient(t)
	for range 3 {
		status, got := do(t, client, "GET", "http://"+addr+"/", "")
		require.Equal(t, 200, status)
		require.Equal(t, "Hello, World!", got)
	}
	status, got := do(t, client, "HEAD", "http://"+addr+"/", "")
	require.Equal(t, 200, status)
	require.Empty(t, got)
	status, got = do(t, client, "POST", "http://"+addr+"/", strings.Repeat("body", 50000))
	require.Equal(t, 200, status)
	require.Equal(t, "Hello, World!", got)
	require.Equal(t, 16, strings.Count(talk(t, addr, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 16)), "Hello, World!"))
	require.Contains(t, talk(t, addr, "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 ")
}

// The program says that it has 60 lines of code: all but comments, empty lines, the package clause and imports.
func TestRawEpollIsShort(t *testing.T) {
	src, err := os.ReadFile("rawepoll/main.go")
	require.NoError(t, err)
	_, code, found := strings.Cut(string(src), "\n)\n")
	require.True(t, found)
	n := 0
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	require.LessOrEqual(t, n, 60)
}
