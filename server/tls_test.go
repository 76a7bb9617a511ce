package server

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

func TestNotTLS(t *testing.T) {
	for _, first := range []string{"GET / HTTP/1.1\r\n", "G", "OPTIONS * HTTP", "PRI * HTTP/2.0"} {
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(NotTLS([]byte(first)))), nil)
		if err != nil {
			t.Fatalf("%q: %v", first, err)
		}
		if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 400 || !res.Close || len(body) != int(res.ContentLength) {
			t.Errorf("%q: %d, %q, %v", first, res.StatusCode, body, err)
		}
	}
	for _, first := range []string{"", "\x16\x03", "\x00", "get / ", "SSH-2.0-OpenSSH", "ABCDEFGHIJKLMNOPQ /", " GET"} {
		if got := NotTLS([]byte(first)); got != nil {
			t.Errorf("%q is answered with %q", first, got)
		}
	}
}
