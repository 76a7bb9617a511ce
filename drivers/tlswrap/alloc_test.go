//go:build !race

package tlswrap_test

import (
	"bytes"
	"crypto/tls"
	"testing"

	"github.com/purewire/purewire/drivers/drivertest"
)

// The race detector makes sync.Pool forget at random, so this runs without it.

// The hot path allocates nothing of its own, from a request in plaintext to its answer in plaintext. crypto/tls makes one reader of 24
// bytes for each read from its net.Conn: one at each end for a small record, and one more at the client's for a large one, since only
// this package gives it whole records.
func TestSilence(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, size := range []int{1, 200, 16 << 10} {
			b := newBench(t, drivertest.Echo, v)
			msg := bytes.Repeat([]byte{'x'}, size)
			buf := make([]byte, 32<<10)
			round := func() {
				b.wire.Reset()
				if _, err := b.client.Write(msg); err != nil {
					t.Fatal(err)
				}
				b.feed(b.wire.Bytes())
				b.drain()
				b.down.cur = append(b.down.cur[:0:cap(b.down.cur)], b.out...)
				b.out = b.out[:0]
				for got := 0; got < size; {
					n, err := b.client.Read(buf)
					if err != nil {
						t.Fatal(err)
					}
					got += n
				}
			}
			// The tickets of TLS 1.3 are read with the first answer.
			b.drain()
			keep := bytes.Clone(b.down.cur)
			b.wire.Reset()
			_, _ = b.client.Write(msg)
			b.feed(b.wire.Bytes())
			b.drain()
			b.down.cur = append(keep, b.out...)
			b.out = b.out[:0]
			for got := 0; got < size; {
				n, err := b.client.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				got += n
			}
			b.down.cur = make([]byte, 0, 64<<10)
			limit := 2.0
			if size > 4096 {
				limit = 3
			}
			if n := testing.AllocsPerRun(200, round); n > limit {
				t.Errorf("%s, %d bytes: %v allocations for a round trip", tls.VersionName(v), size, n)
			}
		}
	}
}
