package http1

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// THREATS H1-14, H1-15: every limit at its last allowed byte and one beyond, at every cut.
func TestHeadLimits(t *testing.T) {
	c := conn{o: Options{Limits: Limits{RequestLine: 40, FieldLine: 20, Head: 100, Fields: 4}}}
	line := func(n int) string { return "GET /" + strings.Repeat("x", n-14) + " HTTP/1.1\r\n" }
	fits := func(in string) { t.Helper(); require.Empty(t, c.run(t, in).reason, "%q", in) }
	fails := func(in string, r reason, off int) {
		t.Helper()
		got := c.run(t, in)
		require.Equal(t, outcomeOf(r), got.reason, "%q", in)
		require.EqualValues(t, off, got.off, "%q", in)
		if n := int(got.off); r == rTargetLong || r == rLineLong || r == rFieldLong {
			// Two bytes behind the last allowed one it is over, whatever follows: the limit is not a buffer's.
			require.Empty(t, c.run(t, in[:n+1]).reason)
			require.Equal(t, got.reason, c.run(t, in[:n+2]).reason)
		}
	}
	fits(line(40) + host + "\r\n")
	fails(line(41)+host+"\r\n", rTargetLong, 40)
	fails(line(400), rTargetLong, 40)
	fails(strings.Repeat("G", 50)+" / HTTP/1.1\r\n", rLineLong, 40)
	fails("GET / HTTP/1.1"+strings.Repeat(" ", 50)+"\r\n", rLineLong, 40)
	fits(line(20) + host + "A: " + strings.Repeat("b", 17) + "\r\n\r\n")
	fails(line(20)+host+"A: "+strings.Repeat("b", 18)+"\r\n\r\n", rFieldLong, 22+9+20)
	fails(line(20)+host+"A"+strings.Repeat("b", 40), rFieldLong, 22+9+20)
	fits(line(20) + host + "A:\r\nB:\r\nC:\r\n\r\n")
	fails(line(20)+host+"A:\r\nB:\r\nC:\r\nD:\r\n\r\n", rFieldsMany, 22+9+12)
	fails(line(20)+host+"A:\r\nB:\r\nC:\r\nbad\r\n\r\n", rFieldsMany, 22+9+12)
	full := line(40) + host + "A: " + strings.Repeat("b", 14) + "\r\nB: " + strings.Repeat("b", 16) + "\r\nC:\r\n"
	require.Len(t, full, 42+9+19+21+4)
	fits(full[:len(full)-4] + "C: aa\r\n\r\n")                 // 100 bytes
	fails(full[:len(full)-4]+"C: aaa\r\n\r\n", rHeadLong, 100) // 101
	fails(full[:len(full)-4]+"C: aaaaaaaaaaaaaaaaaaaa", rHeadLong, 100)

	// A trailer section has the same limits of its own.
	c.o.Limits.RequestLine, c.o.Limits.FieldLine = 0, 30
	start := len(chunkedHead) + 3
	fits(chunkedHead + "0\r\nA: b\r\nB: c\r\nC:\r\nD:\r\n\r\n")
	fails(chunkedHead+"0\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", rFieldsMany, start+16)
	fails(chunkedHead+"0\r\nA: "+strings.Repeat("b", 40), rFieldLong, start+30)
	fails(chunkedHead+"0\r\n"+strings.Repeat("A: "+strings.Repeat("b", 27)+"\r\n", 4), rHeadLong, start+100)

	// The client's answer to all of them is what a gateway would say.
	c.response = true
	require.EqualValues(t, 502, c.run(t, "HTTP/1.1 200 \r\nA: "+strings.Repeat("b", 40)).code)
	c.o.Limits.RequestLine = 20
	require.Equal(t, outcomeOf(rLineLong), c.run(t, "HTTP/1.1 200 too long a reason\r\n").reason)
}

func TestDefaultLimits(t *testing.T) {
	feed := func(in string) outcome {
		b := []byte(in)
		return conn{}.feed(b, func(at int) int { return min(at+8192, len(b)) })
	}
	get := "GET / HTTP/1.1\r\nHost: a\r\n"
	// 1e6 fields: refused after 100.
	got := feed(get + strings.Repeat("a:\r\n", 1_000_000))
	require.Equal(t, outcomeOf(rFieldsMany), got.reason)
	require.EqualValues(t, len(get)+99*4, got.off)
	// Its twin: an honest heavy user.
	require.Empty(t, feed(get+strings.Repeat("a: "+strings.Repeat("x", 600)+"\r\n", 99)+"\r\n").reason)
	// A request line of 1 MiB, a field of 1 MiB, a head of 1 MiB.
	got = feed("GET /" + strings.Repeat("x", 1<<20))
	require.EqualValues(t, 414, got.code)
	require.EqualValues(t, DefaultRequestLine, got.off)
	got = feed(get + "A: " + strings.Repeat("x", 1<<20))
	require.EqualValues(t, 431, got.code)
	require.EqualValues(t, len(get)+DefaultFieldLine, got.off)
	got = feed(get + strings.Repeat("a: "+strings.Repeat("x", 2000)+"\r\n", 99))
	require.Equal(t, outcomeOf(rHeadLong), got.reason)
	require.EqualValues(t, DefaultHead, got.off)
	require.LessOrEqual(t, got.tail, DefaultHead+8192)
	// THREATS H1-11: 10 MiB of trailers, and 1e5 one-byte trailers.
	require.Equal(t, outcomeOf(rHeadLong), feed(chunkedHead+"0\r\n"+strings.Repeat("a: "+strings.Repeat("x", 2000)+"\r\n", 5000)).reason)
	require.Equal(t, outcomeOf(rFieldsMany), feed(chunkedHead+"0\r\n"+strings.Repeat("a:\r\n", 100_000)).reason)
	// THREATS H1-14: a million empty lines; its twin has four.
	got = feed(strings.Repeat("\r\n", 1_000_000))
	require.Equal(t, outcomeOf(rEmptyLines), got.reason)
	require.EqualValues(t, 8, got.off)
	require.Empty(t, feed(strings.Repeat("\r\n", 4)+get+"\r\n"+strings.Repeat("\r\n", 4)+get+"\r\n").reason)
	// THREATS H1-20: informational responses; the count starts again with every request.
	info := strings.Repeat("HTTP/1.1 103 \r\n\r\n", 16)
	r := conn{response: true}
	b := []byte(strings.Repeat(info, 1000))
	require.Equal(t, outcomeOf(rInformationalMany), r.feed(b, func(int) int { return len(b) }).reason)
	final := "HTTP/1.1 204 \r\n\r\n"
	require.Empty(t, r.run(t, info+final+info+final).reason)
}

// Negative limits are none, and huge ones do not overflow anything.
func TestNoLimits(t *testing.T) {
	for _, v := range []int{-1, math.MaxInt} {
		c := conn{o: Options{Limits: Limits{v, v, v, v, int64(v), v, v, v, v}}}
		in := []byte(strings.Repeat("\r\n", 1000) + "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("a: b\r\n", 100_000) +
			"Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("e", 1<<20) + "\r\nx\r\n0\r\n\r\n")
		require.Empty(t, c.feed(in, func(int) int { return len(in) }).reason)
		require.Empty(t, c.feed(in, func(at int) int { return min(at+50_000, len(in)) }).reason)
	}
}

// THREATS H1-15: the work on a head that comes byte by byte is linear: the steps stay below four times the input, for 64 KiB as for 128 KiB.
func TestLinear(t *testing.T) {
	c := conn{o: Options{Limits: Limits{Head: 1 << 20, Fields: -1, FieldLine: -1}}}
	for _, field := range []string{"a: b\r\n", "Accept: " + strings.Repeat("x", 8000) + "\r\n"} {
		var steps [2]uint64
		for i, size := range []int{64 << 10, 128 << 10} {
			in := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat(field, size/len(field)) + "\r\n"
			d := c.new()
			var ev Event
			src := []byte(in)
			for at := range src {
				_, err := d.Next(src[:at+1], &ev)
				require.NoError(t, err)
			}
			require.Equal(t, Request, ev.Kind)
			steps[i] = d.Steps()
			require.LessOrEqual(t, steps[i], 4*uint64(len(in)))
		}
		require.LessOrEqual(t, float64(steps[1]), 2.3*float64(steps[0]))
	}
}

// The worst case that doc.go states: a decoder, and a tail shorter than Limits.Head.
func TestLongestTail(t *testing.T) {
	in := []byte("GET / HTTP/1.1\r\n" + strings.Repeat("a: "+strings.Repeat("x", 700)+"\r\n", 100))
	var d Decoder
	var ev Event
	for at := range in {
		if _, err := d.Next(in[:at+1], &ev); err != nil {
			require.Equal(t, DefaultHead, at+1)
			require.EqualValues(t, DefaultHead, d.fail.Off)
			return
		}
	}
	t.Fatal("no limit")
}
