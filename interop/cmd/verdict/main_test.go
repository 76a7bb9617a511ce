package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneInput(t *testing.T) {
	var out bytes.Buffer
	in := "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"
	require.NoError(t, run([]string{"-wire", "http1"}, strings.NewReader(in), &out))
	for _, want := range []string{`the case "identity" of http1-coding.txt`, "reject 501 9112-6.1-11", "fasthttp disagrees: accept where ours says reject, by RFC 9112-6.1-11",
		"It is wrong: accept instead of reject.", "CVE-2021-33037"} {
		require.Contains(t, out.String(), want)
	}
}

func TestFileAndLeniency(t *testing.T) {
	name := filepath.Join(t.TempDir(), "in")
	require.NoError(t, os.WriteFile(name, []byte("GET /b HTTP/1.1\nHost: h\n\n"), 0o600))
	var out bytes.Buffer
	require.NoError(t, run([]string{"-lenient", "BareLF", name}, nil, &out))
	require.Contains(t, out.String(), "ours, lenient")
	require.Contains(t, out.String(), `GET /b for "h"`)
	require.Contains(t, out.String(), "net/http disagrees: accept where ours says reject, by RFC 9112-2.2-3")
}

func TestAgreement(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run([]string{"-wire", "varint"}, strings.NewReader("\x25\x25"), &out))
	require.Contains(t, out.String(), "All agree.")
}

func TestDescriptions(t *testing.T) {
	var out bytes.Buffer
	in := "CONTROL 2\nSTREAM 0 FIN\n  HEADERS\n    :method: GET\n    :scheme: https\n    :authority: a.test\n    :path: /a b\n"
	require.NoError(t, run([]string{"-wire", "h3"}, strings.NewReader(in), &out))
	require.Contains(t, out.String(), "quic-go/http3 disagrees: accept where ours says reject, by RFC 9114-4.3.1-2.14")
	out.Reset()
	require.NoError(t, run([]string{"-wire", "quic", "-role", "client"}, strings.NewReader("PACKET 1rtt\n  NEW_TOKEN 0\n"), &out))
	require.Contains(t, out.String(), `the case "quic: an empty NEW_TOKEN" of quic-client.txt`)
	require.Contains(t, out.String(), "All agree.")
	require.Error(t, run([]string{"-wire", "quic"}, strings.NewReader("GET / HTTP/1.1\r\n"), &out))
}

func TestMistakes(t *testing.T) {
	for _, args := range [][]string{{"-wire", "tcp"}, {"-role", "proxy"}, {"-lenient", "Everything"}, {"-method", "POST"}, {"a", "b"}, {"/does/not/exist"}, {"-x"}} {
		require.Error(t, run(args, strings.NewReader(""), &bytes.Buffer{}), "%v", args)
	}
	// -page needs the module's go.mod beside it.
	t.Chdir(t.TempDir())
	require.ErrorContains(t, run([]string{"-page"}, nil, nil), "folder of the module")
}
