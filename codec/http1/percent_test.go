package http1

import (
	"math/rand"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkPercent holds AppendPercentDecoded to net/url.
func checkPercent(t testing.TB, src []byte) {
	t.Helper()
	for mode, oracle := range map[PercentMode]func(string) (string, error){PercentPath: url.PathUnescape, PercentQuery: url.QueryUnescape} {
		want, err := oracle(string(src))
		kept := string(src)
		got, ok := AppendPercentDecoded([]byte("head"), src, mode)
		if string(src) != kept {
			t.Fatalf("mode %d changed its input %q to %q", mode, kept, src)
		}
		if err != nil {
			want = ""
		}
		if ok != (err == nil) || string(got) != "head"+want {
			t.Fatalf("mode %d of %q: %q %v, net/url says %q %v", mode, src, got, ok, want, err)
		}
	}
}

func TestPercentDecoding(t *testing.T) {
	for _, row := range []struct {
		in, path, query string
		ok              bool
	}{
		{"", "", "", true},
		{"/a%2Fb%2fc", "/a/b/c", "/a/b/c", true},
		{"a+b%2B", "a+b+", "a b+", true},
		{"%41%7a%C3%a9%00%ff", "Az\u00e9\x00\xff", "Az\u00e9\x00\xff", true},
		{"%2541", "%41", "%41", true},
		{"+%20+", "+ +", "   ", true},
		{"%", "", "", false},
		{"%4", "", "", false},
		{"abc%4", "", "", false},
		{"%g0", "", "", false},
		{"%0g", "", "", false},
		{"%%41", "", "", false},
		{"a+%zz", "", "", false},
		{"% 41", "", "", false},
	} {
		got, ok := AppendPercentDecoded(nil, []byte(row.in), PercentPath)
		require.Equal(t, row.ok, ok, row.in)
		require.Equal(t, row.path, string(got), row.in)
		got, ok = AppendPercentDecoded(nil, []byte(row.in), PercentQuery)
		require.Equal(t, row.ok, ok, row.in)
		require.Equal(t, row.query, string(got), row.in)
		checkPercent(t, []byte(row.in))
	}
}

// All 65,536 pairs of bytes behind a "%".
func TestPercentEveryPair(t *testing.T) {
	src := []byte("a%xxb")
	good := 0
	for i := range 1 << 16 {
		src[2], src[3] = byte(i>>8), byte(i)
		checkPercent(t, src)
		if _, ok := AppendPercentDecoded(nil, src, PercentPath); ok {
			good++
		}
	}
	require.Equal(t, 22*22, good)
}

// THREATS has no row for it, FEATURES H126 has: 500,000 random inputs against the oracle.
func TestPercentRandom(t *testing.T) {
	rnd := rand.New(rand.NewSource(7))
	const alphabet = "%%%++/aF09g\x00\xff "
	runs := 500_000
	if testing.Short() {
		runs /= 10
	}
	buf := make([]byte, 24)
	for range runs {
		src := buf[:rnd.Intn(len(buf))]
		for i := range src {
			src[i] = alphabet[rnd.Intn(len(alphabet))]
		}
		checkPercent(t, src)
	}
}

func TestPercentAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 64)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		AppendPercentDecoded(dst, []byte("a%20b+c"), PercentQuery)
		AppendPercentDecoded(dst, []byte("a%2"), PercentPath)
	}))
}

func FuzzPercentDecoding(f *testing.F) {
	for _, s := range []string{"a%20b+c%2B", "%", "%%41%4", "+++", "%c3%A9"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkPercent(t, src) })
}
