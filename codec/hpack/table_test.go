package hpack

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

// modelTable is a dynamic table as RFC 7541 section 4 describes it, newest entry first.
type modelTable struct {
	ents [][2]string
	max  int
}

func (m *modelTable) size() (n int) {
	for _, e := range m.ents {
		n += len(e[0]) + len(e[1]) + 32
	}
	return n
}

func (m *modelTable) setMax(n int) {
	m.max = n
	for m.size() > n {
		m.ents = m.ents[:len(m.ents)-1]
	}
}

func (m *modelTable) insert(name, value string) {
	need := len(name) + len(value) + 32
	for len(m.ents) > 0 && m.size() > m.max-need {
		m.ents = m.ents[:len(m.ents)-1]
	}
	if need <= m.max {
		m.ents = slices.Insert(m.ents, 0, [2]string{name, value})
	}
}

// TestTableModel makes random insertions and size changes and compares with the model; and memory stays within twice the
// largest size and what goes with the entries.
func TestTableModel(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limit := []int{0, 33, 100, 300, 4096, 20000}[rng.IntN(6)]
		var tab table
		tab.reset(uint32(limit))
		if seed%4 == 0 {
			tab.head = 1<<32 - 50 // the counters wrap round
			tab.base = 1<<32 - 500
		}
		m := modelTable{max: limit}
		for range 1500 {
			switch rng.IntN(40) {
			case 0:
				n := rng.IntN(limit + 1)
				tab.setMax(uint32(n))
				m.setMax(n)
			case 1:
				tab.setMax(uint32(limit))
				m.setMax(limit)
			case 2:
				tab.clear()
				m.ents = nil
			default:
				name, value := strings.Repeat("n", rng.IntN(20)), strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(120))
				tab.insert([]byte(name), []byte(value))
				m.insert(name, value)
			}
			require.Equal(t, len(m.ents), int(tab.count))
			require.Equal(t, m.size(), int(tab.size))
			for i, e := range m.ents {
				name, value := tab.octets(uint32(i))
				if string(name) != e[0] || string(value) != e[1] {
					t.Fatalf("seed %d: entry %d is %q: %q, want %q", seed, i, name, value, e)
				}
			}
		}
		require.LessOrEqual(t, cap(tab.buf), max(2*limit, 0)+64)
		require.LessOrEqual(t, len(tab.ents), max(8, 2*(limit/32+1)))
	}
}

// TestIndexModel: an encoder's index finds the newest entry of a field and of a name, and nothing that was evicted.
func TestIndexModel(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		limit := 100 + rng.IntN(3000)
		var e Encoder
		e.Init(&EncoderOptions{TableSize: limit})
		e.AppendStart(nil)
		m := modelTable{max: limit}
		if seed%4 == 0 {
			e.tab.head = 1<<31 - 300 // where the index is cleared
		}
		cleared := false
		for range 1500 {
			name, value := "n"+strings.Repeat("x", rng.IntN(8)), strings.Repeat("v", rng.IntN(30))
			hn := hashOf([]byte(name), 0)
			hv := hashOf([]byte(value), hn)
			wantField, wantName := 0, 0
			for i := len(m.ents) - 1; i >= 0; i-- {
				if m.ents[i][0] == name {
					wantName = 62 + i
					if m.ents[i][1] == value {
						wantField = 62 + i
					}
				}
			}
			gotField, gotName := int(e.findField([]byte(name), []byte(value), hv)), int(e.findName([]byte(name), hn))
			if !cleared || gotField != 0 {
				require.Equal(t, wantField, gotField)
			}
			if !cleared || gotName != 0 {
				require.Equal(t, wantName, gotName)
			}
			e.insert([]byte(name), []byte(value), hn, hv)
			m.insert(name, value)
			cleared = cleared || e.tab.head == 1<<31
		}
	}
}

// TestStaticNames finds every name and every field of the static table, and no other.
func TestStaticNames(t *testing.T) {
	first := map[string]uint8{}
	for i := 1; i <= staticLen; i++ {
		e := staticText[i]
		if first[e.name] == 0 {
			first[e.name] = uint8(i)
		}
		at, _ := staticName([]byte(e.name), hashOf([]byte(e.name), 0))
		require.Equal(t, first[e.name], at)
		require.True(t, staticPair(&at, []byte(e.value)))
		require.Equal(t, uint8(i), at)
		at = first[e.name]
		require.False(t, staticPair(&at, []byte("no such value")))
		for _, other := range []string{e.name + "x", e.name[1:], "x" + e.name} {
			at, _ := staticName([]byte(other), hashOf([]byte(other), 0))
			require.Equal(t, first[other], at, other)
		}
	}
	for name := range byDefault {
		require.NotZero(t, first[name], name)
	}
	at, _ := staticName(nil, hashOf(nil, 0))
	require.Zero(t, at)
}

// TestHash: all octets count, and the length and the seed do.
func TestHash(t *testing.T) {
	seen := map[uint32]string{}
	for n := range 70 {
		for i := range max(n, 1) {
			s := []byte(strings.Repeat("a", n))
			if n > 0 {
				s[i] = 'b'
			}
			h := hashOf(s, 0)
			if old, ok := seen[h]; ok && n != 3 && n > 0 {
				t.Errorf("%q and %q", old, s)
			}
			seen[h] = string(s)
		}
	}
	require.NotEqual(t, hashOf([]byte("a"), 1), hashOf([]byte("a"), 2))
}

// The worst case of doc.go: what the limits add up to, whatever comes in.
func TestWorstCaseMemory(t *testing.T) {
	var d Decoder
	var e Encoder
	d.Init(nil)
	e.Init(&EncoderOptions{Indexing: IndexAll})
	for i := range 5000 {
		d.tab.insert([]byte("a"), []byte{byte(i)})
		e.AppendField(nil, codec.Field{Name: []byte{byte(i), byte(i >> 8)}})
	}
	for i := range 500 {
		d.tab.insert(make([]byte, i*7%2000), make([]byte, i*11%2000))
		e.AppendField(nil, codec.Field{Name: make([]byte, i*7%2000), Value: make([]byte, i*11%2000)})
	}
	own := func(tab *table) int { return cap(tab.buf) + cap(tab.ents)*int(unsafe.Sizeof(entry{})) }
	require.LessOrEqual(t, own(&d.tab), 10<<10)
	x := e.idx
	require.LessOrEqual(t, own(&e.tab)+cap(x.links)*int(unsafe.Sizeof(link{}))+4*(cap(x.names)+cap(x.fields)), 13<<10)
	require.LessOrEqual(t, int(unsafe.Sizeof(codec.Field{})), fieldBytes)

	// A Block: the largest list, then the largest strings, then the largest that are cut.
	var b Block
	d.Init(nil)
	var wire []byte
	for range DefaultFields {
		wire = append(wire, 0x00, 0x01, 'a', 0x7F, 0x80, 0x04) // 639
		wire = append(wire, make([]byte, 127+4<<7)...)
	}
	for range 3 {
		wire = append(wire, 0x00)
		for range 2 {
			wire = append(wire, 0xFF, 0xFD, 0x7E) // 16380, five bits for each octet they encode
			wire = append(wire, make([]byte, 16380)...)
		}
	}
	for at := 0; at < len(wire); at += 16000 {
		require.NoError(t, d.Decode(wire[at:min(at+16000, len(wire))], false, &b))
	}
	sum := b.arena.Size() + cap(b.part) + cap(b.Fields)*fieldBytes
	t.Logf("Block: %d octets: arena %d, part %d, %d fields", sum, b.arena.Size(), cap(b.part), cap(b.Fields))
	require.LessOrEqual(t, sum, 240<<10)
}
