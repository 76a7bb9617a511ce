package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Deadlines end one stream, not the connection.
func TestH2Deadlines(t *testing.T) {
	mux := h2mux()
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/readdeadline", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		_, err := io.ReadAll(r.Body)
		fmt.Fprint(w, err != nil && errors.Is(err, context.DeadlineExceeded) || strings.Contains(fmt.Sprint(err), "i/o timeout"))
	})
	// One deadline at a time: on a busy machine several are over before a handler runs.
	post := func(t *testing.T, c *http.Client, url string) string {
		pr, pw := io.Pipe()
		defer pw.Close()
		resp, err := c.Post(url, "", pr)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	for _, v := range []struct {
		d   Deadlines
		try func(t *testing.T, c *http.Client, url string)
	}{
		{Deadlines{Handler: 100 * time.Millisecond, BodyIdle: -1, Request: -1}, func(t *testing.T, c *http.Client, url string) {
			resp, body := fetch(t, c, "GET", url+"/hang", nil)
			require.Equal(t, 503, resp.StatusCode)
			require.Equal(t, "503 Service Unavailable\n", body)
		}},
		{Deadlines{Handler: -1, BodyIdle: -1, BodyMinRate: -1, Request: -1}, func(t *testing.T, c *http.Client, url string) {
			require.Equal(t, "true", post(t, c, url+"/readdeadline"))
		}},
		{Deadlines{Handler: -1, BodyIdle: 100 * time.Millisecond, Request: -1}, func(t *testing.T, c *http.Client, url string) {
			require.Contains(t, post(t, c, url+"/sum"), "deadline expired", "the body made no progress")
		}},
	} {
		onBoth(t, Config{Handler: mux, Deadlines: v.d}, func(t *testing.T, c *http.Client, url string) {
			fetch(t, c, "GET", url+"/status/204", nil) // the connection is there
			v.try(t, c, url)
			resp, body := fetch(t, c, "GET", url+"/hello", nil)
			if v.d.Handler < 0 || resp.StatusCode != 503 { // which is too late
				require.Contains(t, body, "hello")
			}
		})
	}
}
