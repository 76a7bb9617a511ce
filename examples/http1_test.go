package examples

import (
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEmbedHTTP1(t *testing.T) {
	addr := program(t, "embedhttp1", "-addr", "127.0.0.1:0")
	client := newClient(t)
	for i := range 3 {
		body := strings.Repeat("x", i*5000)
		status, got := do(t, client, "POST", "http://"+addr+"/path?q", body)
		require.Equal(t, 200, status)
		require.Equal(t, fmt.Sprintf("POST /path?q with %d bytes\n", len(body)), got)
	}
	status, got := do(t, client, "HEAD", "http://"+addr+"/", "")
	require.Equal(t, 200, status)
	require.Empty(t, got)
	all := talk(t, addr, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
	require.Equal(t, 2, strings.Count(all, "HTTP/1.1 200 OK\r\n"))
	require.Less(t, strings.Index(all, "GET /1 with"), strings.Index(all, "GET /2 with"))
	require.Contains(t, talk(t, addr, "nonsense\r\n\r\n"), "HTTP/1.1 400 ")
}

// The program in the README compiles as it stands and says what it should.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	m := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindSubmatch(readme)
	require.NotNil(t, m, "the README has no program")
	formatted, err := format.Source(m[1])
	require.NoError(t, err)
	require.Equal(t, string(formatted), string(m[1]))
	// An overlay puts the program inside of the module without touching the work tree.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), m[1], 0o600))
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(here, "readme", "main.go"): filepath.Join(dir, "main.go"),
	}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	out, err := exec.Command("go", "run", "-overlay", filepath.Join(dir, "overlay.json"), "./readme").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "GET /hello from example.com\n", string(out))
}
