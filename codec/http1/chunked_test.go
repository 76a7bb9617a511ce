package http1

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

// chunkTable puts a chunked head before every input and cuts it off the log.
func chunkTable(t *testing.T, c conn, rows []wantCase) {
	t.Helper()
	prefix := `POST/POST(1 "/" at "a" 1.1 chunked keep)[Host=a][Transfer-Encoding=chunked]`
	for i := range rows {
		rows[i].in = chunkedHead + rows[i].in
		if rows[i].code == 0 {
			rows[i].want = strings.TrimSpace(prefix + " " + rows[i].want)
		}
	}
	c.table(t, rows)
}

func TestChunked(t *testing.T) {
	chunkTable(t, conn{}, []wantCase{
		{"0\r\n\r\n", 0, "end"},
		{"5\r\nhello\r\n0\r\n\r\n", 0, "body:hello end"},
		{"5;a=b\r\nhello\r\n0;c\r\n\r\n", 0, "body:hello end"},
		{"5;a=\"x;y\"\r\nhello\r\n0\r\nA: b\r\n\r\n", 0, "body:hello end[A=b]"},
		{"5 ; a = b\t;c\t=\"\\\"\\\\\\\x80\" ;d\r\nhello\r\n", 0, "body:hello"},
		{"000000000000000a\r\n0123456789\r\n", 0, "body:0123456789"},
		{"00000000000000000000000000000005\r\nhello\r\n", 0, "body:hello"},
		{"7fffffffffffffff\r\n", 0, ""},
		// Sizes (RFC 9112 section 7.1, THREATS H1-09).
		{"\r\n", 400, "without a size"},
		{" 5\r\n", 400, "without a size"},
		{"+5\r\n", 400, "without a size"},
		{"-5\r\n", 400, "without a size"},
		{";a\r\n", 400, "without a size"},
		{"\n5\r\n", 400, "without a size"},
		{"0x5\r\n", 400, "no hexadecimal digit"},
		{"5_0\r\n", 400, "no hexadecimal digit"},
		{"5g\r\n", 400, "no hexadecimal digit"},
		{"5\x0b\r\n", 400, "no hexadecimal digit"},
		{"8000000000000000\r\n", 400, "above 2^63"},
		{"FFFFFFFFFFFFFFFF\r\n", 400, "above 2^63"},
		{"FFFFFFFFFFFFFFFFF\r\n", 400, "above 2^63"},
		{"000000000000000000000000000000005\r\n", 400, "too many digits"},
		{strings.Repeat("0", 3000) + "5\r\n", 400, "too many digits"},
		{"5 \r\n", 400, "belongs to no extension"},
		{"5\t5\r\n", 400, "belongs to no extension"},
		{"5;a \r\n", 400, "belongs to no extension"},
		{"5;a=b \r\n", 400, "belongs to no extension"},
		// Line ends (THREATS H1-06): only CR LF, and no leniency.
		{"5\nhello\r\n0\r\n\r\n", 400, "not ended with CR LF"},
		{"5\rhello\r\n", 400, "not ended with CR LF"},
		{"5\r\rhello\r\n", 400, "not ended with CR LF"},
		{"5;a\nhello\r\n", 400, "not ended with CR LF"},
		{"5;\nhello\r\n", 400, "not ended with CR LF"},
		{"5;a=\nhello\r\n", 400, "not ended with CR LF"},
		{"5;a=b\nhello\r\n", 400, "not ended with CR LF"},
		{"5;a=\"\nhello\r\n", 400, "not ended with CR LF"},
		{"5 \nhello\r\n", 400, "not ended with CR LF"},
		{"5\r\nhello\n0\r\n\r\n", 400, "not followed by CR"},
		{"5\r\nhello\r0\r\n\r\n", 400, "not followed by CR LF"},
		{"0\r\n\n", 400, "ends with LF"},
		{"0\r\nA: b\n\r\n", 400, "ends with LF"},
		{"0\n\r\n", 400, "not ended with CR LF"},
		// Extensions (THREATS H1-08).
		{"5;\r\nhello", 400, "empty chunk extension"},
		{"5;;a\r\nhello", 400, "empty chunk extension"},
		{"5;=b\r\nhello", 400, "name is not a token"},
		{"5;a(\r\nhello", 400, "name is not a token"},
		{"5;\"a\"\r\nhello", 400, "name is not a token"},
		{"5;a b\r\nhello", 400, "name is not a token"},
		{"5;a=\r\nhello", 400, "neither a token nor"},
		{"5;a=;\r\nhello", 400, "neither a token nor"},
		{"5;a=b=c\r\nhello", 400, "neither a token nor"},
		{"5;a=\"b\"c\r\nhello", 400, "neither a token nor"},
		{"5;a=\"b\"\"c\"\r\nhello", 400, "neither a token nor"},
		{"5;a=\"x\r\ny\"\r\nhello", 400, "quoted string"},
		{"5;a=\"x\\\r\ny\"\r\nhello", 400, "quoted string"},
		{"5;a=\"x\x00\"\r\nhello", 400, "quoted string"},
		{"5;a=\"x\\\x00\"\r\nhello", 400, "quoted string"},
		{"5;a=\"x\x7f\"\r\nhello", 400, "quoted string"},
		{"5;a\x00\r\nhello", 400, "control byte in a chunk ext"},
		{"5;\x00\r\nhello", 400, "control byte in a chunk ext"},
		{"5;a=\x00\r\nhello", 400, "control byte in a chunk ext"},
		{"5;a=b\x1f\r\nhello", 400, "control byte in a chunk ext"},
		{"5;a\rb\r\nhello", 400, "not ended with CR LF"},
		// The excess over the declared size is refused at its first byte (THREATS H1-07).
		{"5\r\nAAAAAXXX", 400, "not followed by CR"},
		// Trailers (RFC 9110 section 6.5.1, THREATS H1-11).
		{"0\r\n A: b\r\n\r\n", 400, "whitespace before the first"},
		{"0\r\nA: b\r\n c\r\n\r\n", 400, "folding"},
		{"0\r\nA : b\r\n\r\n", 400, "before the colon"},
	})
	refused := 0
	for n := NameOther + 1; n < numNames; n++ {
		name := strings.ToUpper(n.String())
		got := conn{}.run(t, chunkedHead+"0\r\nX: y\r\n"+name+": 1\r\n\r\n")
		if TrailerAllowed([]byte(name)) {
			require.Empty(t, got.reason, name)
			continue
		}
		refused++
		require.Equal(t, reasons[rTrailerName].text, got.reason, name)
		require.EqualValues(t, len(chunkedHead)+len("0\r\nX: y\r\n"), got.off)
		require.NotContains(t, got.log, "end")
	}
	require.Greater(t, refused, 30)
	got := conn{}.run(t, chunkedHead+"5\r\nAAAAAXXX")
	require.EqualValues(t, len(chunkedHead)+8, got.off)
	require.Equal(t, len(chunkedHead)+8, got.consumed)
}

// RFC 9112 section 7.1: chunk-data CRLF. THREATS H1-07: of all two-byte terminators exactly one is accepted.
func TestChunkTerminators(t *testing.T) {
	src := []byte(chunkedHead + "1\r\nx..0\r\n\r\n")
	at := strings.Index(string(src), "..")
	accepted := 0
	for a := range 256 {
		for b := range 256 {
			src[at], src[at+1] = byte(a), byte(b)
			out := conn{}.feed(src, func(int) int { return len(src) })
			if out.code == 0 {
				accepted++
				require.Equal(t, "\r\n", string(src[at:at+2]))
			} else if a == '\r' {
				require.EqualValues(t, at+1, out.off)
			} else {
				require.EqualValues(t, at, out.off)
			}
		}
	}
	require.Equal(t, 1, accepted)
}

// THREATS H1-10: framing without data is bounded (CVE-2023-39326); its twin, plain one-byte chunks, passes.
func TestChunkExcess(t *testing.T) {
	in := []byte(chunkedHead + strings.Repeat("1;"+strings.Repeat("e", 100)+"\r\nX\r\n", 1000))
	out := conn{}.feed(in, func(at int) int { return min(at+1000, len(in)) })
	require.Equal(t, reasons[rChunkExcess].text, out.reason)
	require.Less(t, out.consumed, 32<<10)

	twin := []byte(chunkedHead + strings.Repeat("1\r\nX\r\n", 1<<20) + "0\r\n\r\n")
	var d Decoder
	var ev Event
	body, events := 0, 0
	for rest := twin; ; events++ {
		n, err := d.Next(rest, &ev)
		require.NoError(t, err)
		if rest = rest[n:]; ev.Kind == None {
			break
		}
		if ev.Kind == Body {
			body += len(ev.Data)
		}
	}
	require.True(t, d.Paused())
	require.Equal(t, 1<<20, body)
	require.Equal(t, 1<<20+2, events)
	require.Less(t, d.Steps(), uint64(len(twin)))

	off := conn{o: Options{Limits: Limits{ChunkExcess: -1}}}.feed(in, func(int) int { return len(in) })
	require.Zero(t, off.code)
}

// THREATS H1-02 and H1-09: nothing is allocated because of a declared size.
func TestDeclaredSizesCostNothing(t *testing.T) {
	for _, in := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nx",
		chunkedHead + "7FFFFFFFFFFFFFFF\r\nx",
	} {
		var d Decoder
		var ev Event
		src := []byte(in)
		ev.Fields = append(ev.Fields, make([]codec.Field, 8)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := d.Next(src, &ev)
		require.NoError(t, err)
		_, err = d.Next(src[n:], &ev)
		require.NoError(t, err)
		require.Equal(t, "x", string(ev.Data))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<10))
	}
}

func TestBodyLimits(t *testing.T) {
	c := conn{o: Options{Limits: Limits{Body: 10}}}
	post := "POST / HTTP/1.1\r\nHost: a\r\n"
	require.Equal(t, outcomeOf(rBodyDeclared), c.run(t, post+"Content-Length: 11\r\n\r\n").reason)
	require.Zero(t, c.run(t, post+"Content-Length: 10\r\n\r\n0123456789").code)
	got := c.run(t, chunkedHead+"5\r\n01234\r\n6\r\n")
	require.Equal(t, outcomeOf(rBodyChunked), got.reason)
	require.EqualValues(t, 413, got.code)
	require.Zero(t, c.run(t, chunkedHead+"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n").code)
	require.Equal(t, outcomeOf(rBodyChunked), c.run(t, chunkedHead+"5\r\n01234\r\n7fffffffffffffff\r\n").reason)
	// The sum of declared chunks cannot overflow either.
	require.Equal(t, outcomeOf(rBodyChunked), conn{}.run(t, chunkedHead+"1\r\nx\r\n7fffffffffffffff\r\n").reason)
	r := conn{response: true, o: c.o}
	got = r.run(t, "HTTP/1.1 200 \r\n\r\n0123456789x")
	require.Equal(t, outcomeOf(rBodyReached), got.reason)
	require.Contains(t, got.log, "body:0123456789")
	require.Zero(t, r.run(t, "HTTP/1.1 200 \r\n\r\n0123456789").code)
	require.Equal(t, outcomeOf(rBodyDeclared), r.run(t, "HTTP/1.1 200 \r\nContent-Length: 11\r\n\r\n").reason)
	require.Zero(t, conn{response: true, o: c.o, method: MethodHead}.run(t, "HTTP/1.1 200 \r\nContent-Length: 11\r\n\r\n").code)
}

func outcomeOf(r reason) string { return reasons[r].text }

func TestChunkLineLimit(t *testing.T) {
	c := conn{o: Options{Limits: Limits{ChunkLine: 8}}}
	require.Zero(t, c.run(t, chunkedHead+"1;abcdef\r\nx\r\n").code)
	got := c.run(t, chunkedHead+"1;abcdefg\r\nx\r\n")
	require.Equal(t, outcomeOf(rChunkLine), got.reason)
	require.EqualValues(t, len(chunkedHead)+8, got.off)
	require.Equal(t, outcomeOf(rChunkLine), c.run(t, chunkedHead+"000000001\r\n").reason)
	require.Zero(t, c.run(t, chunkedHead+"00000001\r\nx\r\n").code)
	require.Equal(t, outcomeOf(rChunkLine), conn{}.run(t, chunkedHead+"1;"+strings.Repeat("a", 4095)).reason)
}
