package arena

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/purewire/purewire/codec/internal/hcode"
	"github.com/stretchr/testify/require"
)

// Strings of all lengths, put in by every way there is, are what they were as long as the list lasts, however many arrays it takes.
func TestStringsStay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9204))
	text := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz"), 100)
	var a Arena
	for range 50 {
		a.Reset()
		var got [][]byte
		var want []string
		for range rng.IntN(300) {
			n, off := rng.IntN(100), rng.IntN(200)
			if rng.IntN(50) == 0 {
				n = rng.IntN(3000)
			}
			s := text[off : off+n]
			from, at := text, off
			if rng.IntN(3) == 0 {
				from, at = bytes.Clone(s), 0 // nothing stands behind it
			}
			switch free := a.Free(); rng.IntN(4) {
			case 0:
				code := hcode.AppendHuffman(nil, s)
				own, v := a.Huffman(append(code, "more"...), len(code))
				require.Equal(t, hcode.OK, v)
				got = append(got, own)
			case 1:
				m := a.Here()
				a.Keep(from, at, n)
				_, v := a.Huffman([]byte{0xFF, 0xFF, 0xFF, 0xFF}, 4)
				require.Equal(t, hcode.EOS, v)
				a.Drop(m)
				continue
			case 2:
				if n <= len(free) {
					copy(free, s)
					a.Take(n)
					got = append(got, free[:n:n])
					break
				}
				fallthrough
			default:
				got = append(got, a.Keep(from, at, n))
			}
			want = append(want, string(s))
		}
		for i, s := range want {
			require.Equal(t, s, string(got[i]))
			require.Equal(t, len(s), cap(got[i]))
		}
	}
}

// The next list has one array with room for as much as the last one, and Trim gives back what is too large.
func TestMemory(t *testing.T) {
	var a Arena
	text := make([]byte, 5000)
	for range 10 {
		a.Keep(text, 0, len(text))
	}
	require.GreaterOrEqual(t, a.Size(), 50000)
	a.Reset()
	require.Zero(t, testing.AllocsPerRun(10, func() {
		a.Reset()
		for range 10 {
			a.Keep(text, 0, len(text))
		}
	}))
	a.Trim(100000)
	require.GreaterOrEqual(t, a.Size(), 50000)
	a.Trim(1000)
	require.Zero(t, a.Size())
	a.Keep(text, 0, 1)
	require.Equal(t, minSize, a.Size())
}

func TestCopyShort(t *testing.T) {
	from, to := make([]byte, Short+1), make([]byte, Short+1)
	for i := range from {
		from[i] = byte(i + 1)
	}
	CopyShort(to, from)
	require.Equal(t, append(from[:Short:Short], 0), to)
	require.Panics(t, func() { CopyShort(to[:Short-1], from) })
	require.Panics(t, func() { CopyShort(to, from[:Short-1]) })
}
