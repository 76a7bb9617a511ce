package qpack

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/purewire/purewire/bench/internal/rounds"
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
	quicgo "github.com/quic-go/qpack"
	"github.com/stretchr/testify/require"
)

type pair struct{ name, value string }

// lists are heads as clients and servers send them.
var lists = []struct {
	name   string
	fields []pair
}{
	{"all static, 8 fields", []pair{
		{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"accept", "*/*"}, {"accept-encoding", "gzip, deflate, br"},
		{"cache-control", "no-cache"}, {"upgrade-insecure-requests", "1"}, {"content-type", "text/plain"},
	}},
	{"request of a browser, 14 fields", []pair{
		{":method", "GET"}, {":scheme", "https"}, {":authority", "www.example.com"}, {":path", "/images/gallery/2026/overview.html?page=3"},
		{"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"},
		{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
		{"accept-language", "en-GB,en;q=0.7,de;q=0.3"}, {"accept-encoding", "gzip, deflate, br"}, {"referer", "https://www.example.com/images/"},
		{"cookie", "session=8f2b6c1e9d3a4750b1c2; theme=dark"}, {"sec-fetch-dest", "document"}, {"sec-fetch-mode", "navigate"},
		{"sec-fetch-site", "same-origin"}, {"priority", "u=0, i"},
	}},
	{"response, 10 fields", []pair{
		{":status", "200"}, {"content-type", "text/html; charset=utf-8"}, {"content-length", "18342"}, {"date", "Sat, 21 Nov 2026 10:20:30 GMT"},
		{"server", "purewire"}, {"etag", `"5f3c-17a9e2b40"`}, {"last-modified", "Fri, 20 Nov 2026 08:11:12 GMT"}, {"vary", "accept-encoding"},
		{"cache-control", "max-age=604800"}, {"strict-transport-security", "max-age=31536000"},
	}},
}

func ours(fields []pair) (list []codec.Field) {
	for _, f := range fields {
		list = append(list, codec.Field{Name: []byte(f.name), Value: []byte(f.value)})
	}
	return list
}

func section(fields []pair) []byte {
	var e qpack.Encoder
	s, _ := e.AppendSection(nil, nil, 0, ours(fields))
	return s
}

func decoders(fields []pair) []*rounds.Work {
	wire := section(fields)
	return []*rounds.Work{{Peer: "purewire", N: len(fields), Run: func(times int) int {
		var d qpack.Decoder
		var b qpack.Block
		for range times {
			n, err := d.Decode(0, wire, true, &b)
			if err != nil || n != len(wire) || len(b.Fields) != len(fields) {
				return -1
			}
		}
		return 0
	}}, {Peer: "quic-go", N: len(fields), Run: func(times int) int {
		d := quicgo.NewDecoder()
		for range times {
			next, got := d.Decode(wire), 0
			for {
				_, err := next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return -1
				}
				got++
			}
			if got != len(fields) {
				return -1
			}
		}
		return 0
	}}}
}

func encoders(fields []pair) []*rounds.Work {
	return []*rounds.Work{{Peer: "purewire", N: len(fields), Run: func(times int) int {
		var e qpack.Encoder
		list, buf := ours(fields), make([]byte, 0, 4096)
		for range times {
			if s, _ := e.AppendSection(buf[:0], nil, 0, list); len(s) == 0 {
				return -1
			}
		}
		return 0
	}}, {Peer: "quic-go", N: len(fields), Run: func(times int) int {
		var list []quicgo.HeaderField
		for _, f := range fields {
			list = append(list, quicgo.HeaderField{Name: f.name, Value: f.value})
		}
		out := bytes.NewBuffer(make([]byte, 0, 4096))
		e := quicgo.NewEncoder(out)
		for range times {
			out.Reset()
			for _, f := range list {
				if err := e.WriteField(f); err != nil {
					return -1
				}
			}
			if err := e.Close(); err != nil {
				return -1
			}
		}
		return out.Len()
	}}}
}

// Every peer does what it is measured at.
func TestPeersWork(t *testing.T) {
	for _, l := range lists {
		for _, w := range append(decoders(l.fields), encoders(l.fields)...) {
			require.GreaterOrEqual(t, w.Run(3), 0, "%s: %s", w.Peer, l.name)
		}
	}
}

// TestCompare prints the tables of RESULTS-qpack.md.
func TestCompare(t *testing.T) {
	if !*rounds.Compare {
		t.Skip("only with -compare")
	}
	var rows []string
	at := map[string][]pair{}
	for _, l := range lists {
		rows = append(rows, l.name)
		at[l.name] = l.fields
	}
	rounds.Table(t, "decode", "ns per field, no dynamic table", rows, func(row string) []*rounds.Work { return decoders(at[row]) })
	rounds.Table(t, "encode", "ns per field, no dynamic table", rows, func(row string) []*rounds.Work { return encoders(at[row]) })
}

func BenchmarkQPACK(b *testing.B) {
	for _, l := range lists {
		for what, works := range map[string][]*rounds.Work{"decode": decoders(l.fields), "encode": encoders(l.fields)} {
			for _, w := range works {
				b.Run(what+"/"+l.name+"/"+w.Peer, func(b *testing.B) {
					b.ReportAllocs()
					if w.Run(b.N) < 0 {
						b.Fatal("failed")
					}
				})
			}
		}
	}
}
