package server

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A read deadline that passes when there is nothing left to be read costs nobody the connection; the twin: with a body that has not
// come to its end the connection closes behind the response.
func TestReadDeadlineBehindTheBody(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if r.URL.Path == "/whole" {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		_, _ = io.WriteString(w, "part,")
		_ = rc.Flush()
		if err := rc.SetReadDeadline(time.Now()); err != nil {
			t.Error(err)
		}
		_, err := r.Body.Read(make([]byte, 1))
		if (err == io.EOF) != (r.URL.Path == "/whole") {
			t.Error(r.URL.Path, err)
		}
		_, _ = io.WriteString(w, "rest")
	})
	engines(t, Config{Handler: h}, func(t *testing.T, addr string) {
		for _, path := range []string{"/whole", "/half"} {
			c := dial(t, addr)
			body := "5\r\nabcde\r\n"
			if path == "/whole" {
				body += "0\r\n\r\n"
			}
			_, err := io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+body)
			require.NoError(t, err)
			_, err = readUntil(c, "rest\r\n0\r\n\r\n")
			require.NoError(t, err)
			_, _ = io.WriteString(c, "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
			_, err = readUntil(c, "rest\r\n0\r\n\r\n")
			if path == "/whole" {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
		}
	})
}

func readUntil(r io.Reader, end string) (string, error) {
	var got []byte
	b := make([]byte, 1)
	for len(got) < len(end) || string(got[len(got)-len(end):]) != end {
		if _, err := io.ReadFull(r, b); err != nil {
			return string(got), err
		}
		got = append(got, b[0])
	}
	return string(got), nil
}
