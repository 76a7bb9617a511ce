package mask

import (
	"bytes"
	"math/bits"
	"math/rand"
	"strconv"
	"testing"
)

// check compares XOR and its twin with a loop over bytes, in place and from src to elsewhere. shift moves both from the start
// of an allocation, so that no alignment is taken for granted.
func check(t testing.TB, src []byte, key uint32, shift int) {
	t.Helper()
	want := make([]byte, len(src))
	for i, c := range src {
		want[i] = c ^ byte(key>>(8*(i%4)))
	}
	for name, f := range kernels() {
		const guard = 0xa5
		room := bytes.Repeat([]byte{guard}, shift+len(src)+64)
		for _, inPlace := range []bool{false, true} {
			dst := room[shift : shift+len(src) : shift+len(src)+1]
			from := bytes.Clone(src)
			if inPlace {
				copy(dst, src)
				from = dst
			}
			f(dst, from, key)
			if !bytes.Equal(dst, want) {
				t.Fatalf("%s: %d bytes, key %08x, shift %d, in place %v: % x, want % x", name, len(src), key, shift, inPlace, dst, want)
			}
			if !inPlace && !bytes.Equal(from, src) {
				t.Fatalf("%s writes src", name)
			}
			for i, c := range room {
				if (i < shift || i >= shift+len(src)) && c != guard {
					t.Fatalf("%s: %d bytes, writes at %d", name, len(src), i-shift)
				}
			}
		}
	}
}

// kernels are all the ways that this machine has.
func kernels() map[string]func(dst, src []byte, key uint32) {
	m := map[string]func(dst, src []byte, key uint32){"XOR": func(dst, src []byte, key uint32) {
		XOR(dst, src, bits.RotateLeft32(key, 8), 5)
	}, "Bytes": func(dst, src []byte, key uint32) {
		copy(dst, src)
		Bytes(dst, bits.RotateLeft32(key, 24), 3)
	}}
	add := func(name string, f func(dst, src []byte, key uint32)) {
		m[name] = func(dst, src []byte, key uint32) {
			if len(src) > small {
				f(dst, src, key)
			} else {
				m["XOR"](dst, src, key)
			}
		}
	}
	add("go", xor)
	for name, f := range assembly {
		add(name, func(dst, src []byte, key uint32) { f(&dst[0], &src[0], len(src), key) })
	}
	return m
}

func TestEveryLength(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	src := make([]byte, 1100)
	rnd.Read(src)
	for n := range src {
		for shift := range 3 {
			check(t, src[:n], rnd.Uint32(), shift*7%33)
		}
	}
	for shift := range 70 {
		check(t, src[:513], 0x04030201, shift)
	}
}

// Lengths around the block that is done at once.
func TestLong(t *testing.T) {
	src := make([]byte, 600<<10)
	rand.New(rand.NewSource(1)).Read(src)
	for _, n := range []int{256 << 10, 256<<10 + 1, 256<<10 + 16, 256<<10 + 17, 512<<10 + 15, 512<<10 + 33, len(src)} {
		check(t, src[:n], 0x04030201, n%61)
	}
}

func FuzzTwins(f *testing.F) {
	f.Add([]byte("Hello"), uint32(0x3d21fa37), uint8(0))
	f.Add(bytes.Repeat([]byte("0123456789"), 30), uint32(1), uint8(3))
	f.Fuzz(func(t *testing.T, src []byte, key uint32, shift uint8) { check(t, src, key, int(shift)) })
}

func BenchmarkXOR(b *testing.B) {
	for _, n := range []int{5, 16, 40, 125, 256, 1024, 16384, 65536, 1 << 20} {
		p := make([]byte, n)
		for _, name := range []string{"XOR", "SSE2", "go"} {
			f := kernels()[name]
			if f == nil {
				continue
			}
			b.Run(strconv.Itoa(n)+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(n))
				for range b.N {
					f(p, p, 0x04030201)
				}
			})
		}
	}
}
