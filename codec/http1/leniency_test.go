package http1

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// One pair per flag: what is refused (or read otherwise) without it is accepted with it, and a neighbour that no flag may accept stays
// refused.
func TestLeniencies(t *testing.T) {
	get := "GET / HTTP/1.1\r\nHost: a\r\n"
	te := "Transfer-Encoding: chunked\r\n"
	long := make([]byte, 9000)
	for i := range long {
		long[i] = 'x'
	}
	pairs := map[string]struct {
		in     string
		strict reason // ok: accepted, but with another log
		log    string // with the flag; "" if it is the strict one's business only
		never  string // refused with the flag, too
		why    reason
	}{
		"BareLF": {"GET / HTTP/1.1\nHost: a\r\nA:b\n\n", rLineLF, ` GET/GET(1 "/" at "a" 1.1 nobody keep)[Host=a][A=b] end`,
			get + te + "\n5\nhello", rChunkCR},
		"MixedCaseMethod": {"gEt / HTTP/1.1\r\nHost: a\r\n\r\n", ok, ` gEt/GET(1 "/" at "a" 1.1 nobody keep)[Host=a] end`,
			"g(t / HTTP/1.1\r\n\r\n", rMethodEnd},
		"SpaceBeforeColon": {get + "A \t: b\r\n\r\n", rNameSpace, ` GET/GET(1 "/" at "a" 1.1 nobody keep)[Host=a][A=b] end`,
			get + "A b: c\r\n\r\n", rNameSpace},
		"ObsFold": {get + "A: b\r\n\tc \r\n \r\n  d\r\nE:\r\n f\r\n\r\n", rObsFold, ` GET/GET(1 "/" at "a" 1.1 nobody keep)[Host=a][A=b  ` + "\tc        d][E=f] end",
			get + "A: b\r\n \x00c\r\n\r\n", rValueFold},
		"OversizeTarget": {"GET /" + string(long) + " HTTP/1.1\r\nHost: a\r\n\r\n", rTargetLong, ` GET/GET(1 "/` + string(long) + `" at "a" 1.1 nobody keep)[Host=a] end`,
			"GET /" + string(long) + "\x00 HTTP/1.1\r\nHost: a\r\n\r\n", rTargetByte},
		"OversizeHead": {get + "A: " + string(long) + string(long) + "\r\n\r\n", rFieldLong, ` GET/GET(1 "/" at "a" 1.1 nobody keep)[Host=a][A=` + string(long) + string(long) + `] end`,
			"GET /" + string(long) + " HTTP/1.1\r\nHost: a\r\n\r\n", rTargetLong},
		"EmptyChunkExt": {get + te + "\r\n1;\r\nx\r\n0;;a\r\n\r\n", rChunkExtEmpty, ` GET/GET(1 "/" at "a" 1.1 chunked keep)[Host=a][Transfer-Encoding=chunked] body:x end`,
			get + te + "\r\n1;=\r\n", rChunkExtName},
		"ChunkExtChars": {get + te + "\r\n1;(\x01\xff\r\nx\r\n0\r\n\r\n", rChunkExtName, ` GET/GET(1 "/" at "a" 1.1 chunked keep)[Host=a][Transfer-Encoding=chunked] body:x end`,
			get + te + "\r\n1;\x00\r\n", rChunkExtByte},
		"RepeatedLength": {get + "Content-Length: 1, 1\r\nContent-Length: 01\r\n\r\nx", rLengthList, ` GET/GET(1 "/" at "a" 1.1 length=1 keep)[Host=a][Content-Length=1, 1][Content-Length=01] body:x end`,
			get + "Content-Length: 1, 2\r\n\r\n", rLengthDiffer},
		"LengthWithChunked": {get + "Content-Length: 9\r\nA: b\r\n" + te + "content-length: 9\r\n\r\n1\r\nx\r\n0\r\n\r\n", rLengthRepeated, "",
			get + "Content-Length: x\r\n" + te + "\r\n", rLengthByte},
		"LeadingSpace": {"GET / HTTP/1.1\r\n \r\n\tX: y\r\nHost: a\r\n\r\n", rLeadingSpace, ` GET/GET(1 "/" at "a" 1.1 nobody keep)[Host=a] end`,
			get + " X: y\r\n\r\n", rObsFold},
	}
	flags := reflect.TypeOf(Leniency{})
	require.Equal(t, 11, flags.NumField())
	require.Len(t, pairs, 11)
	var all Leniency
	for i := range flags.NumField() {
		name := flags.Field(i).Name
		pair, found := pairs[name]
		require.True(t, found, name)
		var n Leniency
		reflect.ValueOf(&n).Elem().Field(i).SetBool(true)
		reflect.ValueOf(&all).Elem().Field(i).SetBool(true)

		strict := conn{}.run(t, pair.in)
		require.Equal(t, outcomeOf(pair.strict), strict.reason, name)
		lenient := conn{o: Options{Leniency: n}}
		if pair.log != "" {
			got := lenient.run(t, pair.in)
			require.Empty(t, got.reason, name)
			require.Equal(t, pair.log, got.log, name)
			require.NotEqual(t, strict.log, got.log, name)
		}
		require.Equal(t, outcomeOf(pair.why), lenient.run(t, pair.never).reason, name)
	}

	// Chunked wins, the length is gone from the fields, the connection closes behind it (RFC 9112 section 6.3-2.3).
	n := Leniency{LengthWithChunked: true}
	in := get + "Content-Length: 9\r\nA: b\r\n" + te + "\r\n1\r\nx\r\n0\r\n\r\n"
	require.Equal(t, outcomeOf(rCodingLength), conn{}.run(t, in).reason)
	want := ` GET/GET(1 "/" at "a" 1.1 chunked)[Host=a][A=b][Transfer-Encoding=chunked] body:x end`
	require.Equal(t, want, conn{o: Options{Leniency: n}}.run(t, in).log)
	require.Equal(t, outcomeOf(rLengthRepeated), conn{o: Options{Leniency: n}}.run(t, pairs["LengthWithChunked"].in).reason)
	n.RepeatedLength = true
	require.Equal(t, want, conn{o: Options{Leniency: n}}.run(t, pairs["LengthWithChunked"].in).log)

	// With every flag on the dangerous bytes stay out.
	everything := conn{o: Options{Leniency: all}}
	for in, why := range map[string]reason{
		get + "A: b\x00\r\n\r\n": rValueByte, get + "A: b\rc\r\n\r\n": rFieldCR, get + "A\x00: b\r\n\r\n": rNameByte,
		get + te + "\r\n1\nx": rChunkCR, get + te + "\r\n1;a\nx": rChunkCR, get + te + "\r\n1\r\nxyz": rChunkDataCR,
		get + te + "\r\n0\r\nA: b\n\r\n": rFieldLF, get + te + "\r\n0\r\nHost: b\r\n\r\n": rTrailerName,
		get + "Host: b\r\n\r\n": rHostRepeated, "GET / HTTP/1.1\n\n": rHostMissing, get + "Transfer-Encoding: x\r\n\r\n": rCodingUnknown,
	} {
		require.Equal(t, outcomeOf(why), everything.run(t, in).reason, "%q", in)
	}
}
