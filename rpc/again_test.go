package rpc_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
)

// TestSentAgain: the request of a unary call can be sent again by a transport whose connection was going away.
func TestSentAgain(t *testing.T) {
	c := &rpc.Client{Base: "http://a", Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		for range 3 {
			b, err := r.GetBody()
			require.NoError(t, err)
			got, err := io.ReadAll(b)
			require.NoError(t, err)
			require.Equal(t, frame(3, 0, "abc"), string(got))
		}
		got, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, frame(3, 0, "abc"), string(got))
		return nil, errors.New("enough")
	})}
	_, err := c.Unary(bound(t), "/a.B/C", []byte("abc"), nil)
	code(t, grpc.Unavailable, err)
}
