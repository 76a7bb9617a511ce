//go:build linux || darwin || freebsd

package examples

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServeMux(t *testing.T) {
	addr := program(t, "servemux", "-addr", "127.0.0.1:0")
	client := newClient(t)
	status, got := do(t, client, "GET", "http://"+addr+"/hello/World", "")
	require.Equal(t, 200, status)
	require.Equal(t, "Hello, World!\n", got)
	status, got = do(t, client, "POST", "http://"+addr+"/sum", "1 2 3 36")
	require.Equal(t, 200, status)
	require.Equal(t, "42\n", got)
	status, _ = do(t, client, "GET", "http://"+addr+"/sum", "")
	require.Equal(t, 405, status)
	status, _ = do(t, client, "GET", "http://"+addr+"/none", "")
	require.Equal(t, 404, status)
}
