package http1

import (
	"bytes"
	"testing"
)

// Seeds of the fuzz targets: one of each kind of message, and some that fail late.
var (
	requestSeeds = []string{
		picoRequest, minimalRequest, "\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nCONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		chunkedHead + "5;a=\"b\\\"c\" ; d\r\nhello\r\n0\r\nA: b\r\n\r\nGET http://a/b?c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabcGET / HTTP/1.1\nHost: a\n b\n\n",
		"GET / HTTP/1.1\r\n a: b\r\nHost: a\r\nA : b\r\n c\r\nContent-Length: 1, 1\r\nTransfer-Encoding: chunked\r\n\r\n1;;\r\nx\r\n0;\x80\r\n\r\n",
	}
	responseSeeds = []string{
		"HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 204 \r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nabc",
		"HTTP/1.1 101 S\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n\x81\x00", "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n",
	}
)

// options turns 16 bits into a profile: any leniencies, tight or default limits.
func options(bits uint16) (o Options) {
	n := &o.Leniency
	for i, flag := range []*bool{&n.BareLF, &n.MixedCaseMethod, &n.SpaceBeforeColon, &n.ObsFold, &n.OversizeTarget, &n.OversizeHead, &n.EmptyChunkExt,
		&n.ChunkExtChars, &n.RepeatedLength, &n.LengthWithChunked, &o.ASCII, &n.LeadingSpace} {
		*flag = bits>>i&1 == 1
	}
	if bits>>12&1 == 1 {
		o.Limits = Limits{RequestLine: 30, FieldLine: 30, Head: 100, Fields: 4, Body: 20, ChunkLine: 10, ChunkExcess: 40, Informational: 1, LeadingCRLF: 1}
	}
	return o
}

// splits feeds in whole, in pieces of size, and in two; law 1 and law 3 must hold.
func splits(t *testing.T, c conn, in []byte, size uint8) {
	whole := c.feed(in, func(int) int { return len(in) })
	step := int(size)%61 + 1
	cut := int(size) % (len(in) + 1)
	for _, got := range []outcome{
		c.feed(in, func(at int) int { return min(at+step, len(in)) }),
		c.feed(in, func(at int) int {
			if at < cut {
				return cut
			}
			return len(in)
		}),
	} {
		if got.key() != whole.key() {
			t.Fatalf("%q in steps of %d or cut at %d:\n got %s\nwant %s", in, step, cut, got.key(), whole.key())
		}
		if got.steps > 4*uint64(len(in))+4 {
			t.Fatalf("%d steps for %d bytes", got.steps, len(in))
		}
	}
}

func FuzzRequestDecoder(f *testing.F) {
	for i, s := range requestSeeds {
		f.Add([]byte(s), uint16(0), uint8(i))
		f.Add([]byte(s), uint16(0xfff), uint8(7*i))
		f.Add([]byte(s), uint16(0x1000), uint8(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, bits uint16, size uint8) {
		splits(t, conn{o: options(bits), eof: bits>>13&1 == 1}, in, size)
	})
}

func FuzzResponseDecoder(f *testing.F) {
	for i, s := range responseSeeds {
		f.Add([]byte(s), uint16(0), uint8(i), uint8(MethodGet))
		f.Add([]byte(s), uint16(0xfff|1<<13|1<<14), uint8(7*i), uint8(MethodHead))
		f.Add([]byte(s), uint16(0x1000), uint8(1), uint8(MethodConnect))
	}
	f.Fuzz(func(t *testing.T, in []byte, bits uint16, size, method uint8) {
		splits(t, conn{o: options(bits), eof: bits>>13&1 == 1, response: true, upgrade: bits>>14&1 == 1, method: Method(method % 10)}, in, size)
	})
}

// FuzzChunked puts the input behind a chunked head, and holds what is decoded to an independent reading of the same chunks.
func FuzzChunked(f *testing.F) {
	for _, s := range []string{"5\r\nhello\r\n0\r\n\r\n", "0a;b=\"c\"\r\n0123456789\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n", "5\nhello", "1;a\r\nx\r\r0", "7fffffffffffffff\r\nx"} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		c := conn{}
		src := append([]byte(chunkedHead), in...)
		splits(t, c, src, size)
		out := c.feed(src, func(int) int { return len(src) })
		prefix := ` POST/POST(1 "/" at "a" 1.1 chunked keep)[Host=a][Transfer-Encoding=chunked]`
		if out.code != 0 || !bytes.Contains([]byte(out.log), []byte(" end")) {
			return
		}
		body := plainChunks(in)
		want := prefix
		if len(body) > 0 {
			want += " body:" + string(body)
		}
		if want += " end"; len(out.log) < len(want) || out.log[:len(want)] != want {
			t.Fatalf("%q:\n got %q\nwant %q", in, out.log, want)
		}
	})
}

// plainChunks reads accepted chunks the plain way: lines by CR LF, sizes up to the first byte that is no digit.
func plainChunks(in []byte) (body []byte) {
	for {
		line, rest, _ := bytes.Cut(in, []byte("\r\n"))
		n := 0
		for _, c := range line {
			if hexValue[c] > 15 {
				break
			}
			n = n*16 + int(hexValue[c])
		}
		if n == 0 {
			return body
		}
		body, in = append(body, rest[:n]...), rest[n+2:]
	}
}
