package http1

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

// Law 4: no allocation in the steady state, nor on the way to any error.
func TestSilence(t *testing.T) {
	inputs := []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
		"GET http://[::1]/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nx",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7FFFFFFFFFFFFFFF\r\nx",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n",
	}
	fields := make([]codec.Field, 0, 16)
	var d Decoder
	var h Head
	h.Fields = fields
	ev := Event{Fields: fields}
	for _, in := range inputs {
		src := []byte(in)
		for _, p := range []*Profile{nil, Options{Leniency: Leniency{BareLF: true}}.Profile()} {
			require.Zero(t, testing.AllocsPerRun(20, func() {
				d.InitRequest(p)
				for rest := src; ; {
					n, err := d.Next(rest, &ev)
					if err != nil || ev.Kind == None {
						break
					}
					rest = rest[n:]
				}
				_ = d.Finish(&ev)
				_, _ = ParseRequestHead(src, &h, p)
			}), in)
		}
	}
}
