package ws

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The payload is the same wherever it is cut, in place and copied.
func TestMaskAtEverySplit(t *testing.T) {
	key := [4]byte{1, 0x22, 0x83, 0xf4}
	p := make([]byte, 200)
	want := make([]byte, len(p))
	for i := range p {
		p[i] = byte(i * 7)
		want[i] = p[i] ^ key[i%4]
	}
	for a := range len(p) + 1 {
		for _, b := range []int{a, a + 1, a + 2, a + 3, a + 5, a + 40} {
			b = min(b, len(p))
			q := bytes.Clone(p)
			off := Mask(q[b:], key, Mask(q[a:b], key, Mask(q[:a], key, 0)))
			require.Equal(t, want, q)
			require.Equal(t, len(p)%4, off)

			dst, off := MaskCopy([]byte("head"), p[:a], key, 0)
			dst, off = MaskCopy(dst, p[a:b], key, off)
			dst, off = MaskCopy(dst, p[b:], key, off+4)
			require.Equal(t, append([]byte("head"), want...), dst)
			require.Equal(t, len(p)%4, off)
		}
	}
}

func TestMaskCopyRoom(t *testing.T) {
	room := bytes.Repeat([]byte{0xee}, 100)
	got, off := MaskCopy(room[:10:50], make([]byte, 40), [4]byte{1, 2, 3, 4}, 3)
	require.Equal(t, 3, off)
	require.Same(t, &room[0], &got[0], "what fits is not moved")
	require.Equal(t, bytes.Repeat([]byte{0xee}, 10), room[:10])
	require.Equal(t, bytes.Repeat([]byte{4, 1, 2, 3}, 10), room[10:50])
	require.Equal(t, bytes.Repeat([]byte{0xee}, 50), room[50:])
}

func ExampleMask() {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	p := []byte("\x7f\x9f\x4d\x51\x58") // as it arrives, in two pieces
	off := Mask(p[:2], key, 0)
	Mask(p[2:], key, off)
	fmt.Printf("%s\n", p)
	// Output: Hello
}
