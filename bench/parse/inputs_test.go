package parse

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/purewire/purewire/bench/internal/rounds"
)

// request703 is the request that HTTP parsers are usually measured with, first by picohttpparser's author.
const request703 = "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n" +
	"Host: www.kittyhell.com\r\n" +
	"User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n" +
	"Accept-Encoding: gzip,deflate\r\n" +
	"Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n" +
	"Keep-Alive: 115\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; __utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral\r\n" +
	"\r\n"

// requestMinimal is the least a HTTP/1.1 client sends: 40 bytes.
const requestMinimal = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

// requestTFB is of the size and kind that the plaintext test of TechEmpower's suite sends.
const requestTFB = "GET /plaintext HTTP/1.1\r\nHost: tfb-server\r\n" +
	"Accept: text/plain,text/html;q=0.9,application/xhtml+xml;q=0.9,*/*;q=0.8,text/css,a/b;q=0.7\r\n" +
	"Connection: keep-alive\r\nDNT: 1\r\n\r\n"

// responseHead is an ordinary response of a site behind a cache.
const responseHead = "HTTP/1.1 200 OK\r\n" +
	"Date: Sat, 21 Nov 2026 05:00:00 GMT\r\n" +
	"Server: Apache/2.4.62 (Debian)\r\n" +
	"Last-Modified: Fri, 20 Nov 2026 23:11:42 GMT\r\n" +
	"ETag: \"2aa6-63b2a1f0c7d40-gzip\"\r\n" +
	"Accept-Ranges: bytes\r\n" +
	"Vary: Accept-Encoding\r\n" +
	"Content-Type: text/html; charset=utf-8\r\n" +
	"Content-Length: 10918\r\n" +
	"Cache-Control: public, max-age=3600\r\n" +
	"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n" +
	"X-Content-Type-Options: nosniff\r\n" +
	"X-Frame-Options: SAMEORIGIN\r\n" +
	"Age: 1234\r\n" +
	"Via: 1.1 varnish-cache01\r\n" +
	"Connection: keep-alive\r\n" +
	"\r\n"

const chunkedHead = "POST /upload HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nTransfer-Encoding: chunked\r\n\r\n"

// chunkedBody is 64 KiB in chunks of 1 KiB.
func chunkedBody() string {
	return strings.Repeat("400\r\n"+strings.Repeat("x", 1024)+"\r\n", 64) + "0\r\n\r\n"
}

// parser is one competitor: it returns a function that parses in, whole, times times.
type parser struct {
	name string
	bind func(in []byte) func(times int) error
}

// Each competitor's file adds itself to these.
var requests, responses, chunkeds []parser

func run(b *testing.B, in string, parsers []parser) {
	for _, p := range parsers {
		b.Run(p.name, func(b *testing.B) {
			f := p.bind([]byte(in))
			if err := f(1); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			b.ResetTimer()
			if err := f(b.N); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkRequest703(b *testing.B)     { run(b, request703, requests) }
func BenchmarkRequestMinimal(b *testing.B) { run(b, requestMinimal, requests) }
func BenchmarkRequestTFB(b *testing.B)     { run(b, requestTFB, requests) }
func BenchmarkRequestTFBx16(b *testing.B)  { run(b, strings.Repeat(requestTFB, 16), requests) }
func BenchmarkResponseHead(b *testing.B)   { run(b, responseHead, responses) }
func BenchmarkChunked64K(b *testing.B)     { run(b, chunkedHead+chunkedBody(), chunkeds) }

// TestInputs holds the inputs to the lengths that are quoted, and every parser to accepting them.
func TestInputs(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		want int
	}{{"703", request703, 703}, {"minimal", requestMinimal, 40}, {"TFB", requestTFB, 170}, {"response", responseHead, 499}} {
		if len(c.in) != c.want {
			t.Errorf("%s has %d bytes, want %d", c.name, len(c.in), c.want)
		}
	}
	accept := func(kind, in string, parsers []parser) {
		for _, p := range parsers {
			if err := p.bind([]byte(in))(2); err != nil {
				t.Errorf("%s, %s: %v", p.name, kind, err)
			}
		}
	}
	for i, in := range []string{request703, requestMinimal, requestTFB, strings.Repeat(requestTFB, 16)} {
		accept(fmt.Sprint("request ", i), in, requests)
	}
	accept("response", responseHead, responses)
	accept("chunked", chunkedHead+chunkedBody(), chunkeds)
}

// TestCompare prints the table of interleaved rounds in RESULTS-parse.md; the bare head function comes first.
func TestCompare(t *testing.T) {
	if !*rounds.Compare {
		t.Skip("only with -compare")
	}
	inputs := map[string]string{"minimal, 40": requestMinimal, "TFB, 170": requestTFB, "703": request703, "TFB x 16, 2720": strings.Repeat(requestTFB, 16)}
	rounds.Table(t, "Requests", "ns", []string{"minimal, 40", "TFB, 170", "703", "TFB x 16, 2720"}, func(row string) (works []*rounds.Work) {
		for _, p := range requests {
			run := p.bind([]byte(inputs[row]))
			works = append(works, &rounds.Work{Peer: p.name, N: 1, Run: func(times int) int {
				if run(times) != nil {
					return -1
				}
				return 0
			}})
			if p.name == "purewire-head" {
				slices.Reverse(works) // to the front
			}
		}
		return works
	})
}
