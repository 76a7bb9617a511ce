package stream

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

var clause = regexp.MustCompile(`^9000-[0-9]+(\.[0-9]+)*-[0-9]+(\.[0-9]+)?: [A-Za-z]`)

// Every reason is unique, begins with its clause, and has a test: its name stands in one of the test files beside this one.
func TestReasons(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	require.NoError(t, err)
	names := regexp.MustCompile(`(?m)^\t(r[A-Z][A-Za-z]+)$`).FindAllStringSubmatch(string(source), -1)
	require.Len(t, names, int(numReasons)-1)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	var tests strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") && f.Name() != "reasons_test.go" {
			b, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			tests.Write(b)
		}
	}
	seen := map[string]bool{}
	for r := ok + 1; r < numReasons; r++ {
		var e *quic.Error
		require.ErrorAs(t, failure(r), &e)
		require.Regexp(t, clause, e.Reason)
		require.False(t, seen[e.Reason], e.Reason)
		seen[e.Reason] = true
		if e.Scope == codec.ScopeMisuse {
			require.Equal(t, quic.NoError, e.Code)
		} else {
			require.Equal(t, codec.ScopeConn, e.Scope)
			require.NotEqual(t, quic.NoError, e.Code)
			require.ErrorIs(t, e, e.Code)
		}
		require.Regexp(t, `\b`+names[r-1][1]+`\b`, tests.String(), "no test reaches it")
	}
	require.NoError(t, failure(ok))
}

func TestLimits(t *testing.T) {
	l := Limits{}.Norm()
	require.Equal(t, Limits{256 << 10, 6 << 20, 1 << 20, 15 << 20, 1024, 256 << 10, 100, 100, 64 << 10, 16 << 10, 64 << 10, 256}, l)
	l = Limits{Crypto: 5, CryptoAfter: 6, Window: -1, Uni: 1<<30 + 1, Bidi: 3}.Norm()
	require.Equal(t, []int{4096, 4096, 1 << 30, 1 << 30, 3}, []int{l.Crypto, l.CryptoAfter, l.Window, l.Uni, l.Bidi})
}

// The documented bound holds for the worst that a peer can do: every stream full of gaps, chunks begun at both ends.
func TestMemoryBound(t *testing.T) {
	l := Limits{StreamWindow: 64 << 10, MaxStreamWindow: 64 << 10, Window: 256 << 10, MaxWindow: 256 << 10, Pieces: 100, SendBuffer: 16 << 10}.Norm()
	const streams = 50
	st := &Store{}
	var conn RecvWindow
	conn.Init(true, uint64(l.Window), uint64(l.MaxWindow))
	var credit SendWindow
	credit.Grow(1 << 40)
	recv := make([]RecvStream, streams)
	send := make([]SendStream, streams)
	total := 0
	for i := range recv {
		id := quic.StreamID(4 * i)
		recv[i].Init(id, st, &conn, &l)
		send[i].Init(id, st, &credit, 1<<40, &l)
		for at := uint64(ChunkLen - 1); ; at += ChunkLen {
			f := quic.Frame{Kind: quic.Stream, StreamID: id, Offset: at, Data: pattern(at, 2)}
			if _, err := recv[i].Receive(&f, true); err != nil {
				break
			}
		}
		for {
			n, err := send[i].Write(pattern(0, 100))
			require.NoError(t, err)
			send[i].AppendStream(nil, 5, false)
			if n < 100 {
				break
			}
		}
		total += 8*cap(recv[i].data.chunks) + 40*cap(send[i].buf.segs) + 2*16*(recv[i].data.have.Len()+send[i].buf.acked.Len()+send[i].buf.lost.Len())
	}
	total += st.Held() * chunkSize
	require.Less(t, total, l.Memory(streams))
	require.Greater(t, total, l.Memory(streams)/4, "the bound says something")
	for i := range recv {
		recv[i].Release()
		send[i].Release()
	}
	require.Zero(t, st.Held())
}
