package wsmask

import (
	"bytes"
	"fmt"
	"testing"
	"unsafe"

	purewire "github.com/purewire/purewire/codec/ws"
)

var key = [4]byte{0x37, 0xfa, 0x21, 0x3d}

var sizes = []int{16, 32, 64, 125, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20}

// payload returns n bytes that begin off bytes behind a multiple of 64.
func payload(n, off int) []byte {
	b := make([]byte, n+off+64)
	for uintptr(unsafe.Pointer(&b[off]))%64 != uintptr(off%64) {
		b = b[1:]
	}
	return b[off : off+n : off+n]
}

// All do the same.
func TestMaskers(t *testing.T) {
	for _, n := range sizes {
		want := payload(n, 3)
		for i := range want {
			want[i] = byte(i*7) ^ key[i%4]
		}
		for _, m := range maskers {
			got := payload(n, 3)
			for i := range got {
				got[i] = byte(i * 7)
			}
			m.mask(got, key, 1)
			if !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes: differs", m.name, n)
			}
		}
	}
}

// BenchmarkMask masks in place. The payload begins at a multiple of 64.
func BenchmarkMask(b *testing.B) { benchmarkMask(b, 0) }

// BenchmarkMaskUnaligned has it where it lies if its frame, with a header of 8 bytes, follows a frame of an odd length.
func BenchmarkMaskUnaligned(b *testing.B) { benchmarkMask(b, 41) }

func benchmarkMask(b *testing.B, off int) {
	for _, n := range sizes {
		p := payload(n, off)
		for _, m := range maskers {
			b.Run(fmt.Sprintf("%d/%s", n, m.name), func(b *testing.B) {
				b.SetBytes(int64(n))
				m.mask(p, key, b.N)
			})
		}
	}
}

// BenchmarkMaskFrames masks frame after frame as they lie in a read buffer of 32 KiB, each behind a header of 8 bytes: no
// payload was written by the call before, as it is where one payload is masked again and again.
func BenchmarkMaskFrames(b *testing.B) {
	for _, n := range sizes[:7] {
		buf := payload(32<<10, 0)
		for _, m := range maskers {
			if m.inC {
				continue // one call of C for each frame would measure the calls
			}
			b.Run(fmt.Sprintf("%d/%s", n, m.name), func(b *testing.B) {
				b.SetBytes(int64(n))
				at := 8
				for range b.N {
					m.mask(buf[at:at+n], key, 1)
					if at += n + 8; at+n > len(buf) {
						at = 8
					}
				}
			})
		}
	}
}

// BenchmarkMaskCopy is what a client does, which must not change its caller's payload: one pass against copy and mask.
func BenchmarkMaskCopy(b *testing.B) {
	for _, n := range sizes {
		p, dst := payload(n, 0), payload(n+8, 0)[:0]
		b.Run(fmt.Sprintf("%d/purewire", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for range b.N {
				purewire.MaskCopy(dst, p, key, 0)
			}
		})
		for _, m := range maskers {
			if m.inC {
				continue
			}
			b.Run(fmt.Sprintf("%d/copy+%s", n, m.name), func(b *testing.B) {
				b.SetBytes(int64(n))
				for range b.N {
					q := append(dst, p...)
					m.mask(q, key, 1)
				}
			})
		}
	}
}
