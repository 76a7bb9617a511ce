package ws

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// pair is a server and a client that talk to each other.
type pair struct {
	s, c Conn
}

func testRand() func() uint32 {
	rng := rand.New(rand.NewPCG(8, 9))
	return rng.Uint32
}

func newPair(cfg *Config, d *Deflate) *pair {
	p := new(pair)
	if cfg.Rand == nil {
		cfg.Rand = testRand()
	}
	p.s.Init(Server, cfg)
	p.c.Init(Client, cfg)
	if d != nil {
		p.s.SetDeflate(*d)
		p.c.SetDeflate(*d)
	}
	return p
}

// message is what drain has read.
type message struct {
	op   Opcode
	data string
}

// drain reads all of in, in pieces, and returns the messages and control frames.
func drain(t testing.TB, c *Conn, in []byte, piece int) (all []message) {
	t.Helper()
	var ev Event
	var data []byte
	r, w := 0, 0
	for w < len(in) {
		w = min(w+piece, len(in))
		for {
			n, err := c.Next(in[r:w:w], &ev)
			require.NoError(t, err)
			r += n
			if ev.Kind == None {
				break
			}
			if ev.Kind == Control {
				all = append(all, message{ev.Opcode, string(ev.Payload)})
				continue
			}
			require.Equal(t, len(data) == 0 && ev.First, ev.First)
			data = append(data, ev.Payload...)
			if ev.Last {
				all = append(all, message{ev.Opcode, string(data)})
				data = data[:0]
			}
		}
	}
	require.Equal(t, len(in), r)
	return all
}

// Whatever was agreed on, a thousand messages of many shapes come through in both directions, in any pieces, in fragments and
// whole.
func TestDeflateAllAgreements(t *testing.T) {
	text := texts()["words"]
	cfg := &Config{Pool: NewFreeList(2), DeflateMin: -1}
	each := 60
	if testing.Short() {
		each = 2
	}
	rng := rand.New(rand.NewPCG(10, 11))
	for takeover := range 4 {
		for sb := 8; sb <= 15; sb++ {
			for cb := 8; cb <= 15; cb++ {
				d := Deflate{ServerNoTakeover: takeover&1 != 0, ClientNoTakeover: takeover&2 != 0, ServerBits: uint8(sb), ClientBits: uint8(cb)}
				p := newPair(cfg, &d)
				for i := range each {
					from, to := &p.s, &p.c
					if i%2 == 1 {
						from, to = to, from
					}
					n := rng.IntN(400)
					if i%16 < 2 {
						n = rng.IntN(40_000)
					}
					at := rng.IntN(len(text) - n)
					want := text[at : at+n]
					var out []byte
					var err error
					if i%5 == 4 {
						rest := want
						for !from.Idle() || len(out) == 0 {
							k := min(rng.IntN(n+1), len(rest))
							out, err = from.AppendFragment(out, Binary, rest[:k], k == len(rest))
							require.NoError(t, err)
							rest = rest[k:]
						}
					} else {
						out, err = from.AppendMessage(nil, Binary, want)
					}
					require.NoError(t, err)
					got := drain(t, to, out, []int{1 << 20, 1, 7, 100, 1000}[rng.IntN(5)])
					require.Equal(t, []message{{Binary, string(want)}}, got, fmt.Sprint(d, i, n))
				}
			}
		}
	}
}

// WS-09: what the client makes of the answer is what the server has answered, for all options of both.
func TestNegotiateAll(t *testing.T) {
	bits := []int{0, 8, 9, 12, 15}
	var all []DeflateOptions
	for _, sb := range bits {
		for _, cb := range bits {
			for takeover := range 4 {
				all = append(all, DeflateOptions{ServerBits: sb, ClientBits: cb, ServerTakeover: takeover&1 != 0, ClientTakeover: takeover&2 != 0})
			}
		}
	}
	for i := range all {
		for j := range all {
			client, server := &all[i], &all[j]
			offer := lines("Sec-WebSocket-Extensions: " + string(AppendDeflateOffer(nil, client)))
			answer, d, accepted, bad := AcceptDeflate(nil, offer, server)
			require.True(t, accepted && !bad)
			got, agreed, err := CheckDeflateAnswer(lines("Sec-WebSocket-Extensions: "+string(answer)), client)
			require.NoError(t, err)
			require.True(t, agreed)
			what := []any{client, server, string(answer)}
			require.Equal(t, d.ServerNoTakeover, got.ServerNoTakeover, what...)
			require.Equal(t, d.ServerBits, got.ServerBits, what...)
			require.LessOrEqual(t, d.ServerBits, min(windowBits(client.ServerBits), windowBits(server.ServerBits)), what...)
			require.LessOrEqual(t, d.ClientBits, min(windowBits(client.ClientBits), windowBits(server.ClientBits)), what...)
			// A client may do less than it may: forget its window, or use a smaller one.
			require.LessOrEqual(t, got.ClientBits, d.ClientBits, what...)
			require.True(t, got.ClientNoTakeover || !d.ClientNoTakeover, what...)
		}
	}
}
