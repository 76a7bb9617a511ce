package http1

import (
	"strings"
	"testing"
)

// picoRequest is the request of picohttpparser's benchmark: 703 bytes.
const picoRequest = "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n" +
	"Host: www.kittyhell.com\r\n" +
	"User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 " +
	"Pathtraq/0.9\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n" +
	"Accept-Encoding: gzip,deflate\r\n" +
	"Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n" +
	"Keep-Alive: 115\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; " +
	"__utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; " +
	"__utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral\r\n" +
	"\r\n"

const tfbRequest = "GET /plaintext HTTP/1.1\r\n" +
	"Host: server\r\n" +
	"Accept: text/plain,text/html;q=0.9,application/xhtml+xml;q=0.9,application/xml;q=0.8,*/*;q=0.7\r\n" +
	"Connection: keep-alive\r\n" +
	"\r\n"

const minimalRequest = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"

var benchRequests = []struct{ name, in string }{
	{"pico703", picoRequest}, {"tfb", tfbRequest}, {"minimal", minimalRequest},
}

// BenchmarkParseRequestHead is the bare head: what picohttpparser does.
func BenchmarkParseRequestHead(b *testing.B) {
	for _, r := range benchRequests {
		b.Run(r.name, func(b *testing.B) {
			src := []byte(r.in)
			var h Head
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := ParseRequestHead(src, &h, nil); n != len(src) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkDecoder is the whole decoder: head, target, Host, framing, End, Resume.
func BenchmarkDecoder(b *testing.B) {
	for _, r := range benchRequests {
		b.Run(r.name, func(b *testing.B) { benchDecoder(b, r.in, 1) })
	}
	b.Run("tfb x16", func(b *testing.B) { benchDecoder(b, strings.Repeat(tfbRequest, 16), 16) })
	b.Run("minimal x16", func(b *testing.B) { benchDecoder(b, strings.Repeat(minimalRequest, 16), 16) })
	b.Run("chunked 64x1K", func(b *testing.B) {
		chunk := "400\r\n" + strings.Repeat("x", 1024) + "\r\n"
		benchDecoder(b, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat(chunk, 64)+"0\r\n\r\n", 1)
	})
}

func benchDecoder(b *testing.B, in string, requests int) {
	src := []byte(in)
	var d Decoder
	var ev Event
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		got := 0
		for rest := src; ; {
			n, err := d.Next(rest, &ev)
			if err != nil {
				b.Fatal(err)
			}
			if ev.Kind == None {
				break
			}
			rest = rest[n:]
			if ev.Kind == End {
				d.Resume()
				got++
			}
		}
		if got != requests {
			b.Fatal(got)
		}
	}
}

// BenchmarkByteByByte is the head fed one byte at a time: linear, if the figure per byte does not grow with the head.
func BenchmarkByteByByte(b *testing.B) {
	src := []byte(picoRequest)
	var d Decoder
	var ev Event
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		d.InitRequest(nil)
		for i := range src {
			if _, err := d.Next(src[:i+1], &ev); err != nil {
				b.Fatal(err)
			}
		}
		if ev.Kind != Request {
			b.Fatal(ev.Kind)
		}
	}
}
