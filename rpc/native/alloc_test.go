//go:build !race

package native_test

import (
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/native"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

// TestNoAllocation: in the steady state a call allocates nothing, from the socket to the socket. The race detector makes sync.Pool
// forget at random, so this runs without it.
func TestNoAllocation(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	h := native.New(srv)
	h.Unary("/a.B/Echo", func(_ *native.Call, req, dst []byte) ([]byte, error) { return append(dst, req...), nil })
	svc, err := server.New(server.Config{Handler: srv, Native: h})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, nc.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(nc, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	require.NoError(t, err)

	// One batch of requests; only the stream numbers change.
	const batch, rounds = 64, 30
	var req []byte
	var at []int
	block := headBlock()
	for range batch {
		at = append(at, len(req)+5)
		req = append(req, byte(len(block)>>16), byte(len(block)>>8), byte(len(block)), 1, 4, 0, 0, 0, 0)
		req = append(req, block...)
		at = append(at, len(req)+5)
		req = append(req, 0, 0, 5+128, 0, 1, 0, 0, 0, 0)
		req = append(req, 0, 0, 0, 0, 128)
		req = append(req, make([]byte, 128)...)
	}
	next := uint32(1)
	in := make([]byte, 0, 1<<20)
	ask := func() {
		for i := 0; i < len(at); i += 2 {
			binary.BigEndian.PutUint32(req[at[i]:], next)
			binary.BigEndian.PutUint32(req[at[i+1]:], next)
			next += 2
		}
		if _, err := nc.Write(req); err != nil {
			t.Fatal(err)
		}
		for left := batch; left > 0; {
			n, err := nc.Read(in[len(in):cap(in)])
			if err != nil {
				t.Fatal(err)
			}
			in = in[:len(in)+n]
			for len(in) >= 9 {
				size := 9 + int(in[0])<<16 + int(in[1])<<8 + int(in[2])
				if len(in) < size {
					break
				}
				if in[3] == 1 && in[4]&1 != 0 { // trailers
					left--
				}
				in = append(in[:0], in[size:]...)
			}
		}
	}
	// The answers need more of the connection's window than it begins with.
	_, err = io.WriteString(nc, "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\x00\x00\x00")
	require.NoError(t, err)
	for range 3 {
		ask()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // pools stay full
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		ask()
	}
	runtime.ReadMemStats(&after)
	// The rest of the process may allocate a little: timers, the date once a second.
	t.Logf("%d allocations in %d calls", after.Mallocs-before.Mallocs, batch*rounds)
	require.Less(t, after.Mallocs-before.Mallocs, uint64(batch*rounds/20))
}

// headBlock is a request head that leaves the dynamic table alone.
func headBlock() []byte {
	var b []byte
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/a.B/Echo"}, {":authority", "a"},
		{"content-type", "application/grpc"}, {"te", "trailers"}, {"grpc-timeout", "1H"}, {"x-id", "some metadata"}} {
		b = append(b, 0x10, byte(len(f[0]))) // RFC 7541 section 6.2.3
		b = append(b, f[0]...)
		b = append(b, byte(len(f[1])))
		b = append(b, f[1]...)
	}
	return b
}
