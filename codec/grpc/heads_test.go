package grpc

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

func fields(kv ...string) (f []codec.Field) {
	for i := 0; i < len(kv); i += 2 {
		f = append(f, codec.Field{Name: []byte(kv[i]), Value: []byte(kv[i+1])})
	}
	return f
}

func TestParseRequest(t *testing.T) {
	post, path := []byte("POST"), []byte("/s/m")
	var r Request
	require.NoError(t, ParseRequest(post, path, fields("content-type", "application/grpc+proto", "te", "trailers", "grpc-timeout", "250m",
		"grpc-encoding", "gzip", "grpc-accept-encoding", "identity, deflate,gzip", "x", "y"), &r))
	require.Equal(t, "s", string(r.Service))
	require.Equal(t, 250*time.Millisecond, r.Timeout)
	require.True(t, r.HasTimeout)
	require.Equal(t, "gzip", string(r.Encoding))
	require.True(t, Accepts(r.AcceptEncoding, "gzip") && Accepts(r.AcceptEncoding, "deflate") && Accepts(nil, "identity"))
	require.False(t, Accepts(r.AcceptEncoding, "snappy") || Accepts(r.AcceptEncoding, "zip"))

	require.NoError(t, ParseRequest(post, path, fields("content-type", "application/grpc-web", "grpc-encoding", "identity"), &r))
	require.Equal(t, WebBinary, r.Wire)
	require.Empty(t, r.Encoding)

	for _, c := range []struct {
		method string
		f      []codec.Field
		why    reason
	}{
		{"GET", fields("content-type", "application/grpc", "te", "trailers"), rMethod},
		{"POST", fields("te", "trailers"), rContentType},
		{"POST", fields("content-type", "text/plain", "te", "trailers"), rContentType},
		{"POST", fields("content-type", "application/grpc", "content-type", "application/grpc", "te", "trailers"), rContentType},
		{"POST", fields("content-type", "application/grpc"), rTE},
		{"POST", fields("content-type", "application/grpc", "te", "gzip"), rTE},
		{"POST", fields("content-type", "application/grpc", "te", "trailers", "grpc-timeout", "1"), rTimeout},
		{"POST", fields("content-type", "application/grpc", "te", "trailers", "grpc-timeout", "1S", "grpc-timeout", "1S"), rTimeoutTwice},
	} {
		err := ParseRequest([]byte(c.method), path, c.f, &r)
		require.Equal(t, fail(c.why), err)
		require.ErrorIs(t, err, reasons[c.why].code)
		require.Equal(t, c.why == rContentType, IsContentType(err))
	}
}

func TestParseResponse(t *testing.T) {
	var r Response
	require.NoError(t, ParseResponse(200, fields("content-type", "application/grpc", "grpc-encoding", "gzip"), false, &r))
	require.False(t, r.TrailersOnly)
	require.Equal(t, "gzip", string(r.Encoding))

	require.NoError(t, ParseResponse(200, fields("content-type", "application/grpc", "grpc-status", "5", "grpc-message", "no%20such"), true, &r))
	require.True(t, r.TrailersOnly)
	require.Equal(t, NotFound, r.Status.Code)
	require.Equal(t, "no such", string(AppendDecodedText(nil, r.Status.Message)))

	// A grpc-status is believed even beside another HTTP status.
	require.NoError(t, ParseResponse(503, fields("grpc-status", "8"), true, &r))
	require.Equal(t, ResourceExhausted, r.Status.Code)

	for status, code := range map[int]Code{400: Internal, 401: Unauthenticated, 403: PermissionDenied, 404: Unimplemented, 429: Unavailable,
		502: Unavailable, 503: Unavailable, 504: Unavailable, 500: Unknown, 301: Unknown, 418: Unknown} {
		require.Equal(t, error(code), ParseResponse(status, fields("content-type", "text/html"), false, &r), "%d", status)
	}
	require.Equal(t, fail(rNotGRPC), ParseResponse(200, fields("content-type", "text/html"), false, &r))
	require.Equal(t, fail(rStatusMissing), ParseResponse(200, fields("content-type", "application/grpc"), true, &r))
	require.Equal(t, fail(rStatusSyntax), ParseResponse(200, fields("grpc-status", "x"), true, &r))

	var st Status
	for _, c := range []struct {
		f   []codec.Field
		why reason
	}{
		{nil, rStatusMissing}, {fields("grpc-message", "x"), rStatusMissing}, {fields("grpc-status", ""), rStatusSyntax},
		{fields("grpc-status", "-1"), rStatusSyntax}, {fields("grpc-status", "00"), rStatusSyntax}, {fields("grpc-status", "4294967296"), rStatusSyntax},
		{fields("grpc-status", "0", "grpc-status", "0"), rStatusTwice},
	} {
		_, err := ParseTrailers(c.f, &st)
		require.Equal(t, fail(c.why), err)
	}
	found, err := ParseTrailers(fields("grpc-status", "77"), &st)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "CODE(77)", st.Code.String())
}

func TestStatusRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var arena []byte
	var fs []codec.Field
	for range 100_000 {
		msg := make([]byte, rng.IntN(20))
		for i := range msg {
			msg[i] = byte(rng.Uint32())
		}
		code := Code(rng.IntN(17))
		details := msg[:len(msg)/2]
		fs, arena = AppendStatus(fs[:0], arena[:0], code, string(msg), details)
		for _, f := range fs {
			require.True(t, ValidText(f.Value) || f.Value[0] == ' ' || f.Value[len(f.Value)-1] == ' ', "%q", f.Value)
		}
		var st Status
		_, err := ParseTrailers(fs, &st)
		require.NoError(t, err)
		require.Equal(t, code, st.Code)
		require.Equal(t, string(msg), string(AppendDecodedText(nil, st.Message)))
		d, err := AppendDecodedBinary(nil, st.Details)
		require.NoError(t, err)
		require.True(t, bytes.Equal(details, d))
	}
}

func TestTimeout(t *testing.T) {
	for in, want := range map[string]time.Duration{"1H": time.Hour, "0n": 0, "99999999n": 99999999, "5u": 5000, "7m": 7e6, "2S": 2e9, "3M": 180e9,
		"99999999H": MaxTimeout, "2562047H": 2562047 * time.Hour, "2562048H": MaxTimeout} {
		d, err := ParseTimeout([]byte(in))
		require.NoError(t, err, in)
		require.Equal(t, want, d, in)
	}
	for _, bad := range []string{"", "1", "H", "1h", "1s", "-1S", "+1S", "1.5S", "123456789S", " 1S", "1S ", "1SS", "0x1S", "1\x00"} {
		_, err := ParseTimeout([]byte(bad))
		require.Equal(t, fail(rTimeout), err, bad)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		d := time.Duration(rng.Int64() >> rng.IntN(63))
		b := AppendTimeout(nil, d)
		require.LessOrEqual(t, len(b), 9)
		got, err := ParseTimeout(b)
		require.NoError(t, err)
		require.GreaterOrEqual(t, got, d, "never shorter")
		require.LessOrEqual(t, float64(got-d), float64(d)*1e-5+1, "%v as %s", d, b)
	}
	require.Equal(t, "0n", string(AppendTimeout(nil, -5)))
	require.Equal(t, "2562048H", string(AppendTimeout(nil, MaxTimeout)))
}

func TestMetadata(t *testing.T) {
	md := fields("x-a", "plain value", "x-b-bin", "\x00\xff", "x-c", "")
	fs, arena, err := AppendMetadata(nil, nil, md)
	require.NoError(t, err)
	require.Equal(t, "AP8", string(fs[1].Value))
	require.Equal(t, 3, len(arena))
	for _, bad := range []string{"", ":path", "grpc-status", "grpc-x", "te", "content-type", "host", "X-A", "a b", "a:b", "é", "connection"} {
		out, mem, err := AppendMetadata(fs, arena, fields(bad, "v"))
		require.Equal(t, error(errName), err, bad)
		require.Equal(t, len(fs)+len(arena), len(out)+len(mem))
	}
	for _, bad := range []string{"a\r\nb", "\x00", "é", " a", "a ", "\x7f"} {
		_, _, err := AppendMetadata(nil, nil, fields("x", bad))
		require.Equal(t, error(errValue), err, "%q", bad)
	}
	for in, want := range map[string]string{"": "", "AA": "\x00", "AA==": "\x00", "AAA=": "\x00\x00", "AAAA": "\x00\x00\x00"} {
		out, err := AppendDecodedBinary(nil, []byte(in))
		require.NoError(t, err, in)
		require.Equal(t, want, string(out))
	}
	for _, bad := range []string{"A", "A===", "AA=", "====", "A\nA", "AA\r\n", "!!!!", "AAAAA", "A-_A"} {
		_, err := AppendDecodedBinary(nil, []byte(bad))
		require.Equal(t, fail(rBinary), err, bad)
	}
	var got []string
	require.NoError(t, BinaryValues([]byte("AP8,AA==, AAAA"), nil, func(v []byte) { got = append(got, string(v)) }))
	require.Equal(t, []string{"\x00\xff", "\x00", "\x00\x00\x00"}, got)
	require.Error(t, BinaryValues([]byte("AP8,?"), nil, func([]byte) {}))
}

func TestWebTrailers(t *testing.T) {
	in := fields("grpc-status", "0", "grpc-message", "fine", "x", "")
	out, err := AppendWebTrailers([]byte("head"), in)
	require.NoError(t, err)
	var d Decoder
	d.Init(0, Web)
	var ev Event
	n, err := d.Next(out[4:], &ev)
	require.NoError(t, err)
	require.Equal(t, len(out)-4, n)
	require.True(t, d.Ended())
	back, _, err := ParseWebTrailers(nil, nil, ev.Data)
	require.NoError(t, err)
	require.Equal(t, len(in), len(back))
	for i := range in {
		require.Equal(t, string(in[i].Name)+string(in[i].Value), string(back[i].Name)+string(back[i].Value))
	}
	for bad, why := range map[string]reason{"nocolon\r\n": rWebLine, "up per: x\r\n": rWebName, ": x\r\n": rWebName, "a: \x00\r\n": rWebValue, "a: b\rc\r\n": rWebValue} {
		_, arena, err := ParseWebTrailers(nil, []byte("a"), []byte(bad))
		require.Equal(t, fail(why), err, "%q", bad)
		require.Equal(t, "a", string(arena))
	}
	// Names have no case; values keep theirs.
	mixed, arena, err := ParseWebTrailers(nil, []byte("a"), []byte("Grpc-Status: 9\r\nx-Y: Zz\nb: B\r\n"))
	require.NoError(t, err)
	require.Equal(t, fields("grpc-status", "9", "x-y", "Zz", "b", "B"), mixed)
	require.Equal(t, "agrpc-statusx-y", string(arena))
	for _, bad := range [][]codec.Field{fields("A", "x"), fields("a", "x\r\nb: c"), fields("", "x")} {
		same, err := AppendWebTrailers([]byte("d"), bad)
		require.Error(t, err)
		require.Equal(t, "d", string(same))
	}
}

func TestTextDecoder(t *testing.T) {
	// Two frames, each padded by itself, at every cut.
	in := "AAAAAAFh" + "gAAAAAE=" + "eA=="
	want := "\x00\x00\x00\x00\x01a" + "\x80\x00\x00\x00\x01" + "x"
	for cut := range len(in) + 1 {
		var d TextDecoder
		out, err := d.AppendDecoded(nil, []byte(in[:cut]))
		require.NoError(t, err)
		out, err = d.AppendDecoded(out, []byte(in[cut:]))
		require.NoError(t, err)
		require.NoError(t, d.Finish())
		require.Equal(t, want, string(out))
	}
	for _, bad := range []string{"=", "A=", "A===", "AA=A", "AAA==", "AA\n", "A-AA", "\x00", "AA=", "AAAAA"} {
		var d TextDecoder
		_, err := d.AppendDecoded(nil, []byte(bad))
		if err == nil {
			err = d.Finish()
		}
		require.Equal(t, fail(rBinary), err, "%q", bad)
	}
}

// Reasons are unique and every one is reached: those of the decoder by the corpus, the others by the tests above.
func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		require.False(t, seen[r], r)
		require.True(t, strings.HasPrefix(r, "grpc"), r)
		seen[r] = true
	}
	var e *Error
	require.True(t, errors.As(fail(rTE), &e))
	require.Equal(t, "grpc: "+reasons[rTE].text, e.Error())
	require.Equal(t, codec.ScopeStream, e.Scope)
}

func TestHeadsDoNotAllocate(t *testing.T) {
	f := fields("content-type", "application/grpc+proto", "te", "trailers", "grpc-timeout", "250m", "grpc-encoding", "gzip")
	bad := fields("content-type", "application/grpc+proto", "te", "trailers", "grpc-timeout", "250x")
	post, path := []byte("POST"), []byte("/s/m")
	var r Request
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = ParseRequest(post, path, f, &r)
		_ = ParseRequest(post, path, bad, &r)
	}))
	fs, arena := make([]codec.Field, 0, 8), make([]byte, 0, 256)
	var st Status
	require.Zero(t, testing.AllocsPerRun(100, func() {
		fs, arena = AppendStatus(fs[:0], arena[:0], NotFound, "no such thing é", path)
		_, _ = ParseTrailers(fs, &st)
	}))
}
