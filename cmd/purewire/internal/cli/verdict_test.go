package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const plusThree = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"

// asked is what verdictIn wanted to run.
type asked struct {
	dir   string
	args  []string
	input string
}

// verdictOf runs the command in dir and returns its output.
func verdictOf(t *testing.T, dir, stdin string, args ...string) (stdout, stderr string, calls []asked, err error) {
	t.Helper()
	var out, msg strings.Builder
	e := Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &msg}
	err = verdictIn(context.Background(), args, e, dir, func(_ context.Context, dir string, args []string, in io.Reader, _ Env) error {
		a := asked{dir: dir, args: args}
		if in != nil {
			b, _ := io.ReadAll(in)
			a.input = string(b)
		}
		calls = append(calls, a)
		return nil
	})
	return out.String(), msg.String(), calls, err
}

func TestVerdictOurs(t *testing.T) {
	out, msg, calls, err := verdictOf(t, t.TempDir(), plusThree)
	require.NoError(t, err)
	require.Empty(t, calls)
	require.Contains(t, out, "reject 400 9112-6.3-2.5: Content-Length is not all digits")
	require.Contains(t, msg, "git clone")

	out, msg, _, err = verdictOf(t, t.TempDir(), "\x81\x05hello", "--wire", "ws", "--role", "client", "--ours")
	require.NoError(t, err)
	require.Contains(t, out, "text, 5 bytes")
	require.Empty(t, msg)

	out, _, _, err = verdictOf(t, t.TempDir(), "STREAM 0\n  DATA x\n", "--wire", "h3", "--ours")
	require.NoError(t, err)
	require.Contains(t, out, "reject connection H3_FRAME_UNEXPECTED 9114-4.1-9")
	out, _, _, err = verdictOf(t, t.TempDir(), "PACKET 1rtt\n", "--wire", "quic", "--ours")
	require.NoError(t, err)
	require.Contains(t, out, "reject PROTOCOL_VIOLATION 9000-12.4-3")
	_, _, _, err = verdictOf(t, t.TempDir(), "GET /", "--wire", "quic", "--ours")
	require.Error(t, err)

	name := filepath.Join(t.TempDir(), "in")
	require.NoError(t, os.WriteFile(name, []byte("GET / HTTP/1.1\nHost: a\n\n"), 0o600))
	out, _, _, err = verdictOf(t, t.TempDir(), "", "--lenient", "BareLF", name)
	require.NoError(t, err)
	require.Contains(t, out, "ours, lenient")

	out, _, _, err = verdictOf(t, t.TempDir(), "", "--corpus")
	require.NoError(t, err)
	require.Greater(t, strings.Count(out, "Seen as CVE-"), 60)
}

// fakeCheckout makes a folder that looks like a checkout.
func fakeCheckout(t *testing.T) string {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "interop", "cmd", "verdict"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "a", "b"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module github.com/purewire/purewire\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "interop", "cmd", "verdict", "main.go"), nil, 0o600))
	return root
}

func TestVerdictInACheckout(t *testing.T) {
	root := fakeCheckout(t)
	for _, dir := range []string{root, filepath.Join(root, "a", "b")} {
		out, msg, calls, err := verdictOf(t, dir, plusThree, "--lenient", "BareLF", "--method", "HEAD", "--deflate")
		require.NoError(t, err)
		require.Empty(t, out)
		require.Contains(t, msg, "this is a checkout")
		require.Equal(t, []asked{{filepath.Join(root, "interop"),
			[]string{"-wire", "http1", "-role", "server", "-method", "HEAD", "-lenient", "BareLF", "-deflate"}, plusThree}}, calls)
	}
	_, _, calls, err := verdictOf(t, root, "", "--corpus")
	require.NoError(t, err)
	require.Equal(t, []asked{{filepath.Join(root, "interop"), []string{"-corpus"}, ""}}, calls)

	out, _, calls, err := verdictOf(t, root, plusThree, "--ours")
	require.NoError(t, err)
	require.Empty(t, calls)
	require.Contains(t, out, "reject")

	// Another module, and one without the peers.
	require.NoError(t, os.WriteFile(filepath.Join(root, "a", "go.mod"), []byte("module github.com/purewire/purewire\n"), 0o600))
	require.Equal(t, "", checkout(filepath.Join(root, "a", "b")))
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/other\n"), 0o600))
	require.Equal(t, "", checkout(root))
}

// TestVerdictHere: this repository is a checkout.
func TestVerdictHere(t *testing.T) {
	root := checkout(".")
	require.NotEmpty(t, root)
	require.FileExists(t, filepath.Join(root, "docs", "verdicts.md"))
}

func TestVerdictMistakes(t *testing.T) {
	for _, args := range [][]string{{"--wire", "tcp"}, {"--role", "proxy"}, {"--lenient", "All"}, {"--corpus", "x"}, {"a", "b"}, {"--method", "PUT"}} {
		_, _, _, err := verdictOf(t, t.TempDir(), "", args...)
		var usage *usageError
		require.True(t, errors.As(err, &usage), "%v: %v", args, err)
	}
	_, _, _, err := verdictOf(t, t.TempDir(), "", filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	out, _, _, err := verdictOf(t, t.TempDir(), "", "--help")
	require.NoError(t, err)
	require.Contains(t, out, "Usage: purewire verdict")
}

// TestVerdictWithoutGo: what the real runner says where there is no interop module.
func TestVerdictWithoutGo(t *testing.T) {
	t.Setenv("PATH", "")
	err := goRun(context.Background(), t.TempDir(), nil, nil, Env{Stdout: io.Discard, Stderr: io.Discard})
	require.ErrorContains(t, err, "--ours does without")
}
