package ws

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	kflate "github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"
)

// inflateAll runs a raw deflate stream through an Inflater in pieces that next chooses. It returns what came out, how much
// was used, and how it ended: a stream that ends with a final block ends with inflateMore behind it.
func inflateAll(z *Inflater, in []byte, key [4]byte, next func(left int) int) (out []byte, used int, r inflated) {
	z.begin(maxWindow, nil)
	at := 0
	for {
		n := len(in) - at
		if n > 0 {
			n = min(max(next(n), 1), n)
		}
		p := in[at : at+n]
		for {
			z.makeRoom()
			from := z.w
			k, r := z.run(p, key, uint8(used&3), len(z.buf), false)
			used += k
			p = p[k:]
			out = append(out, z.buf[from:z.w]...)
			if r == inflateFull {
				continue
			}
			if r != inflateMore {
				return out, used, r
			}
			break
		}
		at += n
		if at == len(in) {
			return out, used, inflateMore
		}
	}
}

// texts are inputs that use every part of the format.
func texts() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	skewed := make([]byte, 200_000)
	for i := range skewed {
		skewed[i] = byte(rng.ExpFloat64() * 20)
	}
	var words bytes.Buffer
	for words.Len() < 150_000 {
		fmt.Fprintf(&words, "{\"id\":%d,\"name\":\"user %d\",\"x\":%v},\n", words.Len(), rng.IntN(50), rng.IntN(2) == 0)
	}
	// Codes of up to 15 bits: frequencies of Fibonacci numbers.
	var deep []byte
	a, b := 1, 1
	for s := range 22 {
		deep = append(deep, bytes.Repeat([]byte{byte(s * 7)}, a)...)
		a, b = b, a+b
	}
	rng.Shuffle(len(deep), func(i, j int) { deep[i], deep[j] = deep[j], deep[i] })
	return map[string][]byte{
		"empty": {}, "one byte": {'x'}, "hello": []byte("Hello"), "zeros": make([]byte, 300_000), "random": random, "skewed": skewed,
		"words": words.Bytes(), "deep codes": deep, "far": append(append(bytes.Clone(random[:32768]), random[:300]...), random[:32768]...),
		"short repeats": []byte(strings.Repeat("a", 70) + strings.Repeat("ab", 70) + strings.Repeat("abc", 70) + strings.Repeat("abcdefg", 70)),
	}
}

func deflateWith(t testing.TB, level int, p []byte, flushEvery int) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	require.NoError(t, err)
	for len(p) > 0 && flushEvery > 0 {
		n := min(flushEvery, len(p))
		w.Write(p[:n])
		w.Flush()
		p = p[n:]
	}
	w.Write(p)
	w.Close()
	return b.Bytes()
}

func TestInflate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	z := NewInflater()
	for name, text := range texts() {
		if testing.Short() {
			text = text[:min(len(text), 70_000)]
		}
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
			for _, flush := range []int{0, 1000} {
				if testing.Short() && level%3 != 0 && flush == 0 {
					continue
				}
				in := deflateWith(t, level, text, flush)
				for _, step := range []int{1 << 30, 1, 3, 8, 17, 1000, -1} {
					key := [4]byte{byte(step), 7, byte(level), 99}
					masked := bytes.Clone(in)
					Mask(masked, key, 0)
					out, used, r := inflateAll(z, masked, key, func(left int) int {
						if step < 0 {
							return rng.IntN(40)
						}
						return step
					})
					what := fmt.Sprintf("%s level %d flush %d step %d", name, level, flush, step)
					require.Equal(t, inflateMore, r, what)
					require.Equal(t, len(in), used, what)
					require.True(t, bytes.Equal(text, out), what)
					require.True(t, z.final && z.fits(), what)
				}
			}
		}
	}
}

// Behind the final block of a stream comes the next one, in the same window (RFC 7692 section 7.2.3.4).
func TestInflateSeveralStreams(t *testing.T) {
	a := deflateWith(t, 9, []byte("Hello, hello, hello"), 0)
	b := deflateWith(t, 9, []byte("second"), 0)
	out, used, r := inflateAll(NewInflater(), append(bytes.Clone(a), b...), [4]byte{}, func(int) int { return 1 })
	require.Equal(t, inflateMore, r)
	require.Equal(t, len(a)+len(b), used)
	require.Equal(t, "Hello, hello, hellosecond", string(out))
}

// reference inflates a stream with another decoder. The verdict on bad streams is that of the standard library; good ones are
// also read by the library whose compressors we use.
func reference(t testing.TB, in []byte) (out []byte, err error) {
	out, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(in)), 1<<22))
	if err == nil {
		again, err := io.ReadAll(io.LimitReader(kflate.NewReader(bytes.NewReader(in)), 1<<22))
		if err != nil || !bytes.Equal(out, again) {
			t.Fatalf("%x: the two references differ: %v", in, err)
		}
	}
	return out, err
}

// The same stream, good or bad, gives the same output as in another decoder, at every cutting, and fails if that fails. Where
// that one fails we may have got further: it may notice an error late or early.
func checkInflate(t testing.TB, in []byte, seed uint64) {
	t.Helper()
	want, err := reference(t, in)
	if len(want) == 1<<22 {
		return // as much as the test takes
	}
	z := NewInflater()
	whole, used, r := inflateAll(z, in, [4]byte{}, func(left int) int { return left })
	end := z.final && z.fits()
	switch {
	case err == nil:
		// The reference stops at the first final block; what follows is the next stream to us.
		if !bytes.HasPrefix(whole, want) {
			t.Fatalf("%x: got %x, want it to begin with %x", in, whole, want)
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		// A block without an end-of-block code never ends; the reference reads on to find that out.
		if r != inflateLengths && (r != inflateMore || end || used != len(in)) {
			t.Fatalf("%x: the reference wants more, we ended with %d, final %v, used %d", in, r, end, used)
		}
	default:
		if !bytes.HasPrefix(whole, want) && !bytes.HasPrefix(want, whole) {
			t.Fatalf("%x: got %x, the reference %x before its error", in, whole, want)
		}
		if r == inflateMore && end {
			t.Fatalf("%x: the reference fails with %v after %d, we do not after %d", in, err, len(want), len(whole))
		}
	}
	rng := rand.New(rand.NewPCG(seed, 5))
	for i := range 3 {
		out, n, again := inflateAll(NewInflater(), in, [4]byte{}, func(left int) int {
			if i == 0 {
				return 1
			}
			return rng.IntN(20)
		})
		if !bytes.Equal(out, whole) || n != used || again != r {
			t.Fatalf("%x: in pieces %x, used %d, ended %d; whole %x, %d, %d", in, out, n, again, whole, used, r)
		}
	}
}

func TestInflateDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	var streams [][]byte
	for _, text := range texts() {
		text = text[:min(len(text), 3000)]
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			streams = append(streams, deflateWith(t, level, text, 0))
		}
	}
	rounds := 20_000
	if testing.Short() {
		rounds = 2000
	}
	for i := range rounds {
		in := bytes.Clone(streams[rng.IntN(len(streams))])
		for range 1 + rng.IntN(3) {
			in[rng.IntN(min(len(in), 100))] ^= 1 << rng.IntN(8)
		}
		if rng.IntN(4) == 0 {
			in = in[:rng.IntN(len(in)+1)]
		}
		checkInflate(t, in, uint64(i))
	}
}

func FuzzInflate(f *testing.F) {
	for _, text := range texts() {
		f.Add(deflateWith(f, 9, text[:min(len(text), 500)], 0))
	}
	f.Add([]byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < 1<<12 {
			checkInflate(t, in, 1)
		}
	})
}

func restores() int {
	if testing.Short() {
		return 20
	}
	return 200
}

// Going back to an earlier moment and running again gives the same, whatever the block was when it was saved.
func TestInflateRestore(t *testing.T) {
	for name, text := range texts() {
		in := deflateWith(t, 9, text[:min(len(text), 40_000)], 0)
		for at := 0; at < len(in); at += 1 + len(in)/restores() {
			z := NewInflater()
			z.begin(maxWindow, nil)
			k, r := z.run(in[:at], [4]byte{}, 0, len(z.buf), false)
			require.Equal(t, at, k)
			require.Equal(t, inflateMore, r)
			var s inflateState
			z.save(&s)
			tab := z.tab
			k, r = z.run(in[at:], [4]byte{}, 0, len(z.buf), false)
			w := z.w
			z.restore(&s, tab)
			k2, r2 := z.run(in[at:], [4]byte{}, 0, len(z.buf), false)
			require.Equal(t, []int{k, int(r), w}, []int{k2, int(r2), z.w}, name)
			require.True(t, bytes.Equal(text[:z.w], z.buf[:z.w]), name)
		}
	}
}

func BenchmarkInflate(b *testing.B) {
	for _, n := range []int{128, 1024, 16384} {
		text := texts()["words"][:n]
		in := deflateWith(b, 1, text, 0)
		b.Run(fmt.Sprint("ours/", n), func(b *testing.B) {
			z := NewInflater()
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				z.begin(maxWindow, nil)
				if z.run(in, [4]byte{}, 0, len(z.buf), false); z.w != n {
					b.Fatal(z.w)
				}
			}
		})
		for name, r := range map[string]io.ReadCloser{"klauspost": kflate.NewReader(nil), "std": flate.NewReader(nil)} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				b.SetBytes(int64(n))
				b.ReportAllocs()
				var src bytes.Reader
				out := make([]byte, n)
				for b.Loop() {
					src.Reset(in)
					r.(flate.Resetter).Reset(&src, nil)
					io.ReadFull(r, out)
				}
			})
		}
	}
}
