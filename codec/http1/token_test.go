package http1

import (
	"github.com/purewire/purewire/codec/internal/syntax"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every class, for all 256 bytes, by the grammar of RFC 9110 and RFC 3986.
func TestClasses(t *testing.T) {
	count := map[uint8]int{}
	for i := range 256 {
		c := byte(i)
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		want := map[uint8]bool{
			clsToken:   alnum || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0,
			clsVchar:   0x21 <= c && c <= 0x7e,
			clsBlank:   c == ' ' || c == '\t',
			clsObs:     c >= 0x80,
			clsHex:     strings.IndexByte("0123456789abcdefABCDEF", c) >= 0,
			clsTarget:  0x21 <= c && c <= 0x7e && c != '#',
			clsHost:    alnum || strings.IndexByte("-._~!$&'()*+;=", c) >= 0,
			clsBracket: alnum || strings.IndexByte("-._~!$&'()*+;=:", c) >= 0,
		}
		for bit, is := range want {
			require.Equal(t, is, syntax.Class[c]&bit != 0, "byte %#x class %d", c, bit)
			if is {
				count[bit]++
			}
		}
		require.Equal(t, want[clsToken], IsToken([]byte{c}))
		require.Equal(t, want[clsToken], IsToken("a"+string([]byte{c})+"a"))
		require.Equal(t, want[clsVchar], IsFieldValue([]byte{c}, false))
		require.Equal(t, want[clsVchar] || want[clsObs], IsFieldValue([]byte{c}, true))
		require.Equal(t, want[clsVchar] || want[clsBlank], IsFieldValue("a"+string([]byte{c})+"a", false))
		if want[clsHex] {
			require.Less(t, hexValue[c], uint8(16))
			require.Equal(t, strings.ToLower(string([]byte{c}))[0], "0123456789abcdef"[hexValue[c]])
		} else {
			require.EqualValues(t, 0xff, hexValue[c])
		}
	}
	require.Equal(t, 77, count[clsToken])
	require.False(t, IsToken(""))
	require.True(t, IsFieldValue("", false))
}

// THREATS H1-12: all 256 bytes in a field name and before the colon; exactly the 77 tchar are accepted.
func TestNameBytes(t *testing.T) {
	for _, place := range []string{"%X: v", "N%X: v", "N%: v"} {
		accepted := 0
		for i := range 256 {
			if place == "N%: v" && syntax.Class[i]&clsToken != 0 {
				continue // part of the name
			}
			in := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.ReplaceAll(place, "%", string([]byte{byte(i)})) + "\r\n\r\n"
			got := conn{}.feed([]byte(in), func(int) int { return len(in) })
			if got.code == 0 {
				accepted++
				require.True(t, syntax.Class[i]&clsToken != 0 || i == ':' && place != "%X: v", "%q", in)
			}
		}
		switch place {
		case "N%: v":
			require.Equal(t, 1, accepted) // "N:: v" has the value ": v"
		case "%X: v", "N%X: v":
			require.Equal(t, 77+strings.Count(place, "N%"), accepted) // "N:X: v" has the value "X: v"
		}
	}
}

// THREATS H1-13: all 256 bytes at three positions in a value. The refused set is {0x00-0x08, 0x0A-0x1F, 0x7F}; with ASCII, 0x80-0xFF
// too. A LF or CR at the end is no exception: neither is a line end alone.
func TestValueBytes(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		c := conn{o: Options{ASCII: ascii}}
		for _, place := range []string{"%v", "v%v", "vv%"} {
			for i := range 256 {
				control := i < 0x20 && i != '\t' || i == 0x7f
				in := "GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.ReplaceAll(place, "%", string([]byte{byte(i)})) + "\r\n\r\n"
				got := c.feed([]byte(in), func(int) int { return len(in) })
				require.Equal(t, control || i >= 0x80 && ascii, got.code == 400, "%q", in)
			}
		}
	}
}

// The walkers against the line parser on random heads, nearly valid ones above all.
func TestWalkersAgree(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	pieces := []string{"GET ", "/", " ", "HTTP/1.1", "HTTP/1.0", "\r\n", "\r\n", "\r\n", "Host: a\r\n", "A: b\r\n", "B:\r\n", "C: \t d \t\r\n", "x", ":", "\t", "\r", "\n", "\x00",
		"\x7f", "\x80", "\xff", "200 ", "OK", "Content-Length", strings.Repeat("v", 70), strings.Repeat("n", 600), "Cookie: " + strings.Repeat("w", 1500) + "\r\n", "#", "/a?b=c&d"}
	for range 200_000 {
		var b []byte
		if rnd.Intn(3) > 0 {
			b = append(b, "GET / HTTP/1.1\r\nHost: a\r\n"...)
		} else if rnd.Intn(2) > 0 {
			b = append(b, "HTTP/1.1 200 OK\r\n"...)
		}
		for range rnd.Intn(12) {
			b = append(b, pieces[rnd.Intn(len(pieces))]...)
		}
		if rnd.Intn(4) > 0 {
			b = append(b, "\r\n\r\n"...)
		}
		if len(b) > 0 && rnd.Intn(4) == 0 {
			b[rnd.Intn(len(b))] = byte(rnd.Intn(256))
		}
		checkWalkers(t, b)
	}
}
