package ws

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	gobwas "github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
)

// compareHeader reads a header with both and compares. gobwas/ws reads what a frame says and leaves the judgement to CheckHeader,
// which knows nothing of minimal lengths: those are the one difference.
func compareHeader(t *testing.T, in []byte) {
	t.Helper()
	var h ws.Header
	n, err := ws.ParseHeader(in, &h, ws.RSV1|ws.RSV2|ws.RSV3)
	r := bytes.NewReader(in)
	g, gerr := gobwas.ReadHeader(r)
	if gerr == nil && gobwas.CheckHeader(g, gobwas.StateServerSide|gobwas.StateExtended) != nil && g.Masked {
		// Not judged by us: whether a continuation has something to continue.
		if err == nil && h.Opcode != ws.Continuation {
			t.Fatalf("%x: gobwas/ws refuses, we do not", in)
		}
		return
	}
	switch {
	case err != nil:
		var e *ws.Error
		require.True(t, errors.As(err, &e))
		minimal := e.Reason[:10] == "6455-5.2-7" || e.Reason[:10] == "7692-6.1-1" ||
			g.OpCode.IsControl() && in[1]&0x7f > 125 // whatever length those bytes then say
		if gerr == nil && g.Masked && !minimal {
			t.Fatalf("%x: we refuse with %v, gobwas/ws does not", in, err)
		}
	case n == 0:
		if !errors.Is(gerr, io.EOF) && !errors.Is(gerr, io.ErrUnexpectedEOF) {
			t.Fatalf("%x: we need more, gobwas/ws has %+v, %v", in, g, gerr)
		}
	default:
		require.NoError(t, gerr, "%x", in)
		require.Equal(t, len(in)-r.Len(), n, "%x", in)
		require.Equal(t, gobwas.Header{Fin: h.Fin, Rsv: h.RSV, OpCode: gobwas.OpCode(h.Opcode), Masked: h.Masked, Mask: h.Key, Length: h.Length},
			g, "%x", in)
	}
}

func TestHeadersAsGobwas(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for b0 := range 256 {
		for b1 := range 256 {
			in := []byte{byte(b0), byte(b1)}
			for range 12 {
				in = append(in, byte(rng.Uint32()))
			}
			switch rng.IntN(3) {
			case 0:
				in[2], in[3] = 0, byte(rng.Uint32())
			case 1:
				clear(in[2:8])
			}
			for cut := range len(in) + 1 {
				compareHeader(t, in[:cut])
			}
		}
	}
	for range 100_000 {
		h := ws.Header{Fin: rng.IntN(2) == 0, Opcode: ws.Opcode(rng.IntN(3)), Masked: rng.IntN(2) == 0, Length: int64(rng.Uint64() >> (1 + rng.IntN(63)))}
		g := gobwas.Header{Fin: h.Fin, OpCode: gobwas.OpCode(h.Opcode), Masked: h.Masked, Length: h.Length}
		if h.Masked {
			h.Key = [4]byte{1, 2, 3, byte(rng.Uint32())}
			g.Mask = h.Key
		}
		out, err := ws.AppendHeader(nil, &h)
		require.NoError(t, err)
		var want bytes.Buffer
		require.NoError(t, gobwas.WriteHeader(&want, g))
		require.Equal(t, want.Bytes(), out)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add([]byte{0x81, 0x85, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, in []byte) { compareHeader(t, in) })
}

func TestMaskAsGobwas(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range 300 {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(rng.Uint32())
		}
		key, off := [4]byte{1, 200, 3, byte(n)}, rng.IntN(9)
		want := bytes.Clone(p)
		gobwas.Cipher(want, key, off)
		ws.Mask(p, key, off)
		require.Equal(t, want, p)
	}
}
