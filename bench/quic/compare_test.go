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
	buf, data := make([]byte, 8*len(values)), bytes.Repeat([]byte{1}, 1200)
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

// What the peers write is what purewire does: the same varints and frames, and packets that it opens.
func TestPeersWrite(t *testing.T) {
	values, data := mixed(), bytes.Repeat([]byte{1}, 1200)
	var varints []byte
	for _, v := range values {
		varints = quic.AppendVarint(varints, v)
	}
	for _, p := range peers(t) {
		t.Run(p.name, func(t *testing.T) {
			buf := make([]byte, 8*len(values))
			if p.appendVarints != nil {
				require.GreaterOrEqual(t, p.appendVarints(2, buf, values), 0)
				require.Equal(t, varints, buf[:len(varints)])
			}
			if want := streamFrame(t); p.appendStream != nil {
				require.GreaterOrEqual(t, p.appendStream(2, buf, data), 0)
				require.Equal(t, want, buf[:len(want)])
			}
			if want := ackFrame(t); p.appendAck != nil {
				require.GreaterOrEqual(t, p.appendAck(2, buf[:1300], ranges()), 0)
				require.Equal(t, want, buf[:len(want)])
			}
			if p.seal != nil && p.name != raw(t).name { // which has keys of its own
				header := head(t)
				require.GreaterOrEqual(t, p.seal(10, id, buf, header, 1200-16), 0) // purewire numbers the tenth pass 9, the others all
				o, err := quic.Unmask(buf[:1200], len(header)-2, 8, keys(t))
				require.NoError(t, err)
				_, err = o.Open(buf[:1200], keys(t))
				require.NoError(t, err)
			}
		})
	}
}

// What is cut short is refused by all that read it: nobody is measured at returning at once.
func TestPeersRefuse(t *testing.T) {
	header := head(t)
	packet, err := quic.Protect(append(slices.Clone(header), make([]byte, 1200-16-len(header))...), 0, len(header), 9, keys(t))
	require.NoError(t, err)
	stream, ack, buf := streamFrame(t), ackFrame(t), make([]byte, 16384)
	varints := quic.AppendVarint(quic.AppendVarint(nil, 1), 1<<40)
	cut := func(b []byte) []byte { return slices.Clip(slices.Clone(b[:len(b)-1])) }
	for _, p := range peers(t) {
		t.Run(p.name, func(t *testing.T) {
			for name, of := range map[string]struct {
				f func(int, []byte) int
				b []byte
			}{
				"varints": {p.parseVarints, varints}, "long header": {p.longHeader, packet}, "STREAM": {p.streamFrame, stream}, "ACK": {p.ackFrame, ack},
			} {
				if of.f != nil {
					require.GreaterOrEqual(t, of.f(1, of.b), 0, name)
					require.Negative(t, of.f(1, cut(of.b)), name)
				}
			}
			if p.open != nil && p.name != raw(t).name { // which seals what it opens
				require.Negative(t, p.open(1, id, buf, cut(packet), len(header)-2))
			}
		})
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
