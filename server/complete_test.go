package server

import (
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/stretchr/testify/require"
)

type nowhere struct{ drivers.Link }

func (nowhere) Unsent() int { return 0 }

// RFC 9112 section 9.6-5: a client that sends the "close" connection option MUST NOT send further requests on that
// connection. Whoever keeps that is closed at once; whoever does not is lingered for, so that the answer survives.
func TestCompleteAfterTheLastRequest(t *testing.T) {
	srv, err := New(Config{Native: NativeFunc(func(c *Ctx) { c.ReplyString(200, "text/plain", "x") })})
	require.NoError(t, err)
	const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, in string
		want     drivers.Status
	}{
		{"close", last, drivers.Closing | drivers.Complete},
		{"http/1.0", "GET / HTTP/1.0\r\n\r\n", drivers.Closing | drivers.Complete},
		{"more behind it", last + "\r\n", drivers.Closing},
		{"pipelined behind it", last + last, drivers.Closing},
		{"malformed", "GET / HTTP/1.1\r\n\r\n", drivers.Closing},
		{"body not sent", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\n", drivers.Closing},
		{"keep-alive", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", drivers.WantInput},
	} {
		t.Run(c.name, func(t *testing.T) {
			turn := &drivers.Turn{Now: 1, Unix: 1, Max: 1 << 16, Local: srv.NewLocal()}
			m := srv.Accept(turn, nowhere{})
			n, out := m.Receive(turn, []byte(c.in), nil)
			require.Equal(t, len(c.in), n)
			require.NotEmpty(t, out)
			require.Equal(t, c.want, m.Status())
		})
	}
}
