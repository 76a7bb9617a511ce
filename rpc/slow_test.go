package rpc_test

import (
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

// TestSilentStream: the HTTP server's deadlines for bodies end a silent stream with a status, and do not where they are off.
func TestSilentStream(t *testing.T) {
	const short = 30 * time.Millisecond
	for _, off := range []bool{false, true} {
		d := server.Deadlines{BodyIdle: short, BodyGrace: short}
		if off {
			d = server.Deadlines{BodyIdle: -1, BodyMinRate: -1, BodyGrace: short, Handler: -1, Request: -1}
		}
		addr := onStdnetWith(t, server.Config{Handler: kinds(rpc.ServerConfig{}), Deadlines: d})
		c := &rpc.Client{Base: "http://" + addr, Transport: transport(t, client.H2C)}
		s, err := c.Stream(bound(t), "/t.Kinds/Chat", nil)
		require.NoError(t, err)
		if off {
			require.NoError(t, s.Send(nil))
			_, err = s.Recv()
			require.NoError(t, err)
			time.Sleep(4 * short)
			require.NoError(t, s.Send(nil))
			_, err = s.Recv()
			require.NoError(t, err)
			require.NoError(t, s.CloseSend())
			continue
		}
		_, err = s.Recv()
		code(t, grpc.Unavailable, err)
		require.ErrorContains(t, err, "the server gave the request up")
	}
}
