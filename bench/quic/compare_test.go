package quic

import (
	"bytes"
	"slices"
	"testing"

	"github.com/purewire/purewire/bench/internal/rounds"
	"github.com/purewire/purewire/codec/quic"
	"github.com/stretchr/testify/require"
)

// task is one line of the table.
type task struct {
	name string
	n    int // what one pass is divided by
	of   func(p peer) func(times int) int
}

func tasks(t testing.TB) []task {
	values := mixed()
	var varints []byte
	for _, v := range values {
		varints = quic.AppendVarint(varints, v)
	}
	header := head(t)
	numberAt := len(header) - 2
	plain := append(slices.Clone(header), bytes.Repeat([]byte{1}, 1200-16-len(header))...)
	packet, err := quic.Protect(slices.Clone(plain), 0, len(header), 9, keys(t))
	require.NoError(t, err)
	require.Len(t, packet, 1200)
	buf, data := make([]byte, 16384), bytes.Repeat([]byte{1}, 1200)
	stream, ack := streamFrame(t), ackFrame(t)
	return []task{
		{"varint, parse", len(values), func(p peer) func(int) int {
			return bind(p.parseVarints != nil, func(n int) int { return p.parseVarints(n, varints) })
		}},
		{"varint, append", len(values), func(p peer) func(int) int {
			return bind(p.appendVarints != nil, func(n int) int { return p.appendVarints(n, buf, values) })
		}},
		{"long header, parse", 1, func(p peer) func(int) int {
			return bind(p.longHeader != nil, func(n int) int { return p.longHeader(n, packet) })
		}},
		{"STREAM of 1200 bytes, parse", 1, func(p peer) func(int) int {
			return bind(p.streamFrame != nil, func(n int) int { return p.streamFrame(n, stream) })
		}},
		{"STREAM of 1200 bytes, append", 1, func(p peer) func(int) int {
			return bind(p.appendStream != nil, func(n int) int { return p.appendStream(n, buf, data) })
		}},
		{"ACK with 32 ranges, parse", 1, func(p peer) func(int) int {
			return bind(p.ackFrame != nil, func(n int) int { return p.ackFrame(n, ack) })
		}},
		{"ACK with 32 ranges, append", 1, func(p peer) func(int) int {
			return bind(p.appendAck != nil, func(n int) int { return p.appendAck(n, buf[:1300], ranges()) })
		}},
		{"packet of 1200 bytes, seal", 1, func(p peer) func(int) int {
			return bind(p.seal != nil, func(n int) int { return p.seal(n, id, buf, header, 1200-16) })
		}},
		{"packet of 1200 bytes, open", 1, func(p peer) func(int) int {
			return bind(p.open != nil, func(n int) int { return p.open(n, id, buf, packet, numberAt) })
		}},
	}
}

func bind(can bool, f func(times int) int) func(times int) int {
	if !can {
		return nil
	}
	return f
}

// Every peer does what it is measured at.
func TestPeersWork(t *testing.T) {
	for _, k := range tasks(t) {
		for _, p := range peers(t) {
			if f := k.of(p); f != nil {
				require.GreaterOrEqual(t, f(3), 0, "%s: %s", p.name, k.name)
			}
		}
	}
}

// TestCompare prints the tables of RESULTS-quic.md.
func TestCompare(t *testing.T) {
	if !*rounds.Compare {
		t.Skip("only with -compare")
	}
	for _, k := range tasks(t) {
		rounds.Table(t, k.name, "ns", []string{"time"}, func(string) (works []*rounds.Work) {
			for _, p := range peers(t) {
				if f := k.of(p); f != nil {
					works = append(works, &rounds.Work{Peer: p.name, Run: f, N: k.n})
				}
			}
			return works
		})
	}
}

func BenchmarkQUIC(b *testing.B) {
	for _, k := range tasks(b) {
		for _, p := range peers(b) {
			if f := k.of(p); f != nil {
				b.Run(k.name+"/"+p.name, func(b *testing.B) {
					b.ReportAllocs()
					if f(b.N) < 0 {
						b.Fatal("failed")
					}
				})
			}
		}
	}
}
