package compress_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/codec/grpc/compress"
	"github.com/stretchr/testify/require"
)

func encodings() grpc.Encodings { return grpc.Encodings{new(compress.Gzip), new(compress.Deflate)} }

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range encodings() {
		for _, n := range []int{0, 1, 100, 70_000} {
			msg := make([]byte, n)
			for i := range msg {
				msg[i] = byte(rng.IntN(4))
			}
			wire, err := grpc.AppendCompressedMessage([]byte("x"), msg, c)
			require.NoError(t, err)
			require.Equal(t, byte('x'), wire[0])
			var d grpc.Decoder
			d.Init(0, grpc.AcceptCompressed)
			var ev grpc.Event
			k, err := d.Next(wire[1:], &ev)
			require.NoError(t, err)
			require.Equal(t, len(wire)-1, k)
			require.True(t, ev.Compressed && ev.First && ev.Last)
			out, err := grpc.Decompress(c, []byte("y"), ev.Data, 0)
			require.NoError(t, err)
			require.True(t, bytes.Equal(msg, out[1:]))
			out, err = grpc.Decompress(c, nil, ev.Data, max(n, 1))
			require.NoError(t, err, "a limit that fits")
			require.Equal(t, n, len(out))
		}
	}
}

// The standard library reads what we write, and the other way round.
func TestAgainstStandardLibrary(t *testing.T) {
	msg := bytes.Repeat([]byte("hello, "), 1000)
	g, d := new(compress.Gzip), new(compress.Deflate)
	b, err := g.AppendCompressed(nil, msg)
	require.NoError(t, err)
	zr, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	got, err := io.ReadAll(zr)
	require.NoError(t, err)
	require.Equal(t, msg, got)
	b, err = d.AppendCompressed(nil, msg)
	require.NoError(t, err)
	rz, err := zlib.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	got, err = io.ReadAll(rz)
	require.NoError(t, err)
	require.Equal(t, msg, got)
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(msg)
	_ = w.Close()
	got, err = grpc.Decompress(g, nil, buf.Bytes(), 0)
	require.NoError(t, err)
	require.Equal(t, msg, got)
}

// G-01: 10 KiB that stand for 10 MiB end at the limit of 4 MiB, and no more than that is ever held.
func TestBomb(t *testing.T) {
	for _, c := range encodings() {
		bomb, err := c.AppendCompressed(nil, make([]byte, 10<<20))
		require.NoError(t, err)
		require.Less(t, len(bomb), 12<<10)
		dst := make([]byte, 0, 4<<20+512)
		spy := &growth{Compression: c}
		out, err := grpc.Decompress(spy, dst, bomb, 0)
		require.ErrorIs(t, err, grpc.ResourceExhausted)
		require.Empty(t, out)
		require.LessOrEqual(t, spy.cap, 4<<20+512, "it grew the caller's memory")
		// The twin: a message at the limit.
		good, err := c.AppendCompressed(nil, make([]byte, 4<<20))
		require.NoError(t, err)
		out, err = grpc.Decompress(c, dst, good, 0)
		require.NoError(t, err)
		require.Equal(t, 4<<20, len(out))
	}
}

type growth struct {
	grpc.Compression
	cap int
}

func (g *growth) AppendDecompressed(dst, src []byte, max int) ([]byte, error) {
	out, err := g.Compression.AppendDecompressed(dst, src, max)
	g.cap = cap(out)
	return out, err
}

func TestCorrupt(t *testing.T) {
	msg := bytes.Repeat([]byte("hello, "), 10)
	for _, c := range encodings() {
		good, err := c.AppendCompressed(nil, msg)
		require.NoError(t, err)
		for n := range good {
			out, err := grpc.Decompress(c, []byte("d"), good[:n], 0)
			require.ErrorIs(t, err, grpc.Internal, "cut at %d", n)
			require.Equal(t, "d", string(out))
		}
		out, err := grpc.Decompress(c, nil, good, 0)
		require.NoError(t, err, "it works again afterwards")
		require.Equal(t, msg, out)
		_, err = grpc.Decompress(c, nil, []byte("certainly not compressed"), 0)
		require.ErrorIs(t, err, grpc.Internal)
	}
}

func TestEncodings(t *testing.T) {
	e := encodings()
	require.Equal(t, "identity,gzip,deflate", string(e.AppendNames(nil)))
	c, err := e.Lookup([]byte("deflate"))
	require.NoError(t, err)
	require.Equal(t, "deflate", c.Name())
	for _, id := range []string{"", "identity"} {
		c, err = e.Lookup([]byte(id))
		require.NoError(t, err)
		require.Nil(t, c)
	}
	_, err = e.Lookup([]byte("br"))
	require.ErrorIs(t, err, grpc.Unimplemented)
	require.Equal(t, "gzip", e.Choose([]byte("deflate, gzip")).Name())
	require.Nil(t, e.Choose([]byte("br,identity")))
}

// Steady state: the library's state is reused.
func TestNoAllocation(t *testing.T) {
	msg := bytes.Repeat([]byte("hello, "), 100)
	for _, c := range encodings() {
		wire, back := make([]byte, 0, 4096), make([]byte, 0, 4096)
		n := testing.AllocsPerRun(50, func() {
			wire, _ = c.AppendCompressed(wire[:0], msg)
			back, _ = c.AppendDecompressed(back[:0], wire, 1<<20)
		})
		require.Zero(t, n, c.Name())
	}
}
