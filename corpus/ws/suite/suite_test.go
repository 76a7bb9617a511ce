package suite

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/ws"
)

func load(t *testing.T) []Case {
	all, err := Load()
	require.NoError(t, err)
	return all
}

// The numbers of the cases: as many of each group as there should be, each once.
func TestNumbers(t *testing.T) {
	groups, seen := map[string]int{}, map[string]bool{}
	for _, c := range load(t) {
		require.False(t, seen[c.ID], c.ID)
		seen[c.ID] = true
		group, _, _ := strings.Cut(c.ID, ".")
		groups[group]++
		require.NotContains(t, c.Title, "$", c.ID)
		require.NotEmpty(t, c.steps, c.ID)
	}
	require.Equal(t, map[string]int{"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1, "12": 90, "13": 126}, groups)
	require.Len(t, seen, 517)
}

// peer is an endpoint that echoes, made of a ws.Conn, and the wire to it. faulty changes what it does.
type peer struct {
	c       ws.Conn
	ev      ws.Event
	tail    []byte
	message []byte
	out     []byte
	stop    bool
	faulty  string
	most    int // bytes taken at once, 0 for all
	waits   int // how often its silence was waited for
}

func newPeer(role ws.Role, d *ws.Deflate) *peer {
	p := &peer{}
	p.c.Init(role, &ws.Config{Limits: ws.Limits{Message: 16 << 20, Fragments: 1 << 20}, Rand: rand.New(rand.NewSource(1)).Uint32})
	if d != nil {
		p.c.SetDeflate(*d)
	}
	return p
}

func (p *peer) Write(b []byte) (int, error) {
	if p.stop {
		return 0, io.ErrClosedPipe
	}
	size := len(b)
	if p.most > 0 {
		size = p.most
	}
	for part := range slices.Chunk(b, max(size, 1)) {
		p.tail = append(p.tail, part...)
		if p.faulty == "waits for whole frames" {
			if _, n := cut(p.tail); n == 0 {
				continue
			}
		}
		p.receive()
	}
	return len(b), nil
}

func (p *peer) receive() {
	used := 0
	defer func() { p.tail = append(p.tail[:0], p.tail[used:]...) }()
	for !p.stop {
		n, err := p.c.Next(p.tail[used:], &p.ev)
		used += n
		if err == nil && p.ev.Kind == ws.Data {
			p.message = append(p.message, p.ev.Payload...)
			if p.ev.Last {
				if p.faulty == "eats a byte" && len(p.message) == 5 {
					p.message = p.message[1:]
				}
				if p.out, err = p.c.AppendMessage(p.out, p.ev.Opcode, p.message); err != nil {
					panic(err)
				}
				p.message = p.message[:0]
			}
		}
		was := len(p.out)
		p.out = p.c.AppendOwed(p.out, 1<<20)
		switch {
		case p.faulty == "no pongs" && p.ev.Opcode == ws.Ping:
			p.out = p.out[:was]
		case p.faulty == "drops" && err != nil:
			p.out = p.out[:was]
		case p.faulty == "wrong code" && len(p.out) >= was+4:
			p.out[was+3] ^= 1
		}
		p.stop = p.c.Closed()
		if n == 0 && p.ev.Kind == ws.None || err != nil {
			break
		}
	}
}

func (p *peer) Read(b []byte, wait time.Duration) (int, error) {
	switch n := copy(b, p.out); {
	case n > 0:
		p.out = append(p.out[:0], p.out[n:]...)
		return n, nil
	case p.stop && p.faulty != "stays":
		return 0, io.EOF
	}
	p.waits++
	return 0, ErrQuiet
}

// agree lets a ws.Conn with those options negotiate what the case says.
func agree(t *testing.T, c *Case, role ws.Role, o *ws.DeflateOptions) (ours *ws.Deflate, theirs *Deflate) {
	if c.Offer == "" {
		return nil, nil
	}
	field := func(s string) []codec.Field {
		return []codec.Field{{Name: []byte("Sec-WebSocket-Extensions"), Value: []byte(s)}}
	}
	if role == ws.Server {
		answer, d, accepted, bad := ws.AcceptDeflate(nil, field(c.Offer), o)
		require.True(t, accepted && !bad, c.Offer)
		agreed, ok := ParseDeflate(string(answer))
		require.True(t, ok, "%s", answer)
		return &d, &agreed
	}
	answer, agreed, ok := Answer(string(ws.AppendDeflateOffer(nil, o)), c.Accept)
	require.True(t, ok)
	d, accepted, err := ws.CheckDeflateAnswer(field(answer), o)
	require.NoError(t, err)
	require.True(t, accepted)
	return &d, &agreed
}

// play plays a case against a peer, for a test: fewer messages than the case has.
func play(t *testing.T, c *Case, role ws.Role, o *ws.DeflateOptions, change func(p *peer)) Result {
	ours, theirs := agree(t, c, role, o)
	p := newPeer(role, ours)
	change(p)
	link := &Link{Wire: p, Client: role == ws.Server, Deflate: theirs, Patience: time.Minute, Quiet: time.Minute, Most: 20, MostBytes: 1 << 18}
	if testing.Short() {
		link.Most = 4
	}
	return c.Play(link)
}

// Both roles of ws.Conn pass every case, and answer as strictly as can be asked for.
func TestConn(t *testing.T) {
	for _, role := range []ws.Role{ws.Server, ws.Client} {
		for _, c := range load(t) {
			t.Run(fmt.Sprintf("%d/%s", role, c.ID), func(t *testing.T) {
				for _, most := range []int{0, 1, 5} {
					o := &ws.DeflateOptions{ServerTakeover: most == 0, ClientTakeover: most == 0}
					switch group, _, _ := strings.Cut(c.ID, "."); {
					case testing.Short() && (most != 0 && c.Offer != "" || group == "9" && c.steps[len(c.steps)-1].size > 1<<20):
						continue
					case most != 0 && group == "9", most == 1 && c.Offer != "":
						continue // large
					case most == 5 && c.Offer != "":
						most = 487
					}
					r := play(t, &c, role, o, func(p *peer) { p.most = most })
					want := Pass
					if c.Informational {
						want = Informational
					}
					require.Equal(t, want, r.Verdict, "%s, cut by %d: %s", c.Title, most, r.Detail)
				}
			})
		}
	}
}

// What is wrong with a peer is found, by the cases that ask for it.
func TestFaultyPeers(t *testing.T) {
	for _, c := range []struct {
		change  func(p *peer)
		fault   string
		verdict map[Verdict]string // by verdict, the cases that must have it
		rest    Verdict
	}{
		{func(p *peer) { p.faulty = "no pongs" }, "no pongs", map[Verdict]string{Failed: "2.1 2.2 2.10 2.11 5.6 5.19", Pass: "2.5 2.7 5.3"}, Pass},
		{func(p *peer) { p.faulty = "eats a byte" }, "eats a byte", map[Verdict]string{Failed: "6.22.1x", Pass: "1.1.1"}, Pass},
		{func(p *peer) { p.faulty = "drops" }, "drops instead of a Close frame", map[Verdict]string{Pass: "3.1 4.1.1 6.3.1 7.9.1 7.3.2"}, Pass},
		{func(p *peer) { p.faulty = "wrong code" }, "wrong codes", map[Verdict]string{Failed: "1.1.1 3.1 7.7.3 6.3.1 7.9.1"}, Pass},
		{func(p *peer) { p.faulty = "stays" }, "does not drop the connection", map[Verdict]string{NonStrict: "1.1.1 7.7.1", Pass: "3.1"}, Pass},
		{func(p *peer) { p.faulty = "waits for whole frames" }, "waits for whole frames", map[Verdict]string{NonStrict: "6.4.3 6.4.4", Pass: "6.4.1 6.4.2 1.1.1"}, Pass},
		{func(p *peer) {
			p.c.Init(ws.Server, &ws.Config{NoUTF8: true, Limits: ws.Limits{Message: 16 << 20}})
		}, "does not validate", map[Verdict]string{Failed: "6.3.1 6.4.1 6.6.1 6.20.1", Pass: "6.2.1 6.22.1"}, Pass},
		{func(p *peer) {
			p.c.Init(ws.Server, &ws.Config{Limits: ws.Limits{Message: 1 << 16}})
		}, "has a low limit", map[Verdict]string{Failed: "9.1.2 9.2.6 9.3.1 9.5.1", Pass: "9.1.1 9.7.6 1.1.7"}, Pass},
	} {
		t.Run(c.fault, func(t *testing.T) {
			for _, want := range slices.Collect(maps.Keys(c.verdict)) {
				for _, id := range strings.Fields(c.verdict[want]) {
					found := false
					for _, k := range load(t) {
						if k.ID != strings.TrimSuffix(id, "x") {
							continue
						}
						found = true
						if strings.HasSuffix(id, "x") { // of five bytes
							k.steps = []step{{verb: "send", op: 1, p: []byte("12345")}, {verb: "want", op: 1, p: []byte("12345")}}
						}
						r := play(t, &k, ws.Server, nil, c.change)
						require.Equal(t, want, r.Verdict, "%s: %s", id, r.Detail)
						if want != Pass {
							require.NotEmpty(t, r.Detail)
						}
					}
					require.True(t, found, id)
				}
			}
		})
	}
}

func TestDeclined(t *testing.T) {
	for _, c := range load(t) {
		if c.ID == "12.1.1" {
			r := c.Play(&Link{Wire: newPeer(ws.Server, nil), Client: true})
			require.Equal(t, Unimplemented, r.Verdict)
			return
		}
	}
	t.Fatal("no such case")
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct{ offers, accept, want string }{
		{"permessage-deflate", "permessage-deflate", "permessage-deflate"},
		{"x, permessage-deflate; y, permessage-deflate; server_no_context_takeover", "permessage-deflate", "permessage-deflate; server_no_context_takeover"},
		{"permessage-deflate; client_max_window_bits; server_max_window_bits=10", "permessage-deflate; client_max_window_bits=9",
			"permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
		{"permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=8"},
		{"permessage-deflate", "permessage-deflate; client_no_context_takeover; client_max_window_bits=9", "permessage-deflate; client_no_context_takeover"},
		{"permessage-bzip2", "permessage-deflate", ""},
		{"permessage-deflate; server_max_window_bits=16", "permessage-deflate", ""},
		{"permessage-deflate; server_max_window_bits", "permessage-deflate", ""},
	} {
		answer, _, ok := Answer(c.offers, c.accept)
		require.Equal(t, c.want, answer, c.offers)
		require.Equal(t, c.want != "", ok)
	}
	_, d, _ := Answer("permessage-deflate; server_max_window_bits=10; client_max_window_bits", "permessage-deflate; client_no_context_takeover; client_max_window_bits=9")
	require.Equal(t, Deflate{ClientNoTakeover: true, ServerBits: 10, ClientBits: 9}, d)
}

// Frames as this package reads them: only whole ones, and the end of what is not one.
func TestCut(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536} {
		for _, masked := range []bool{false, true} {
			key := [4]byte{1, 2, 3, 4}
			p := bytes.Repeat([]byte("x"), n)
			b := append(header(2, true, 4, masked, key, n), p...)
			if masked {
				ws.Mask(b[len(b)-n:], key, 0)
			}
			f, size := cut(append(b, 7, 7))
			require.Equal(t, len(b), size)
			require.True(t, bytes.Equal(p, f.payload))
			require.Equal(t, frame{fin: true, rsv: 4, op: 2, masked: masked, payload: f.payload}, f)
			for _, short := range []int{0, 1, 2, 3, len(b) - 1} {
				if short < len(b) {
					_, size := cut(b[:short])
					require.Zero(t, size)
				}
			}
		}
	}
}

// Every line that is no case is told apart from one.
func TestParseErrors(t *testing.T) {
	for _, bad := range []string{
		"=== 1: a\n| a | b |\n| 1 |\nquiet", "=== 1\nquiet", "=== 1: a\nrows none\nquiet", "=== 1: a\nsend nothing \"\"", "=== 1: a\nsend",
		"=== 1: a\nsend text \"\\q\"", "=== 1: a\nsend text \"", "=== 1: a\nsend text loud \"\"", "=== 1: a\nsend op16 \"\"", "=== 1: a\nsend text \"a\" x b",
		"=== 1: a\ndance", "=== 1: a\nfail x", "=== 1: a\nchop some", "=== 1: a\necho 1 text nothing 4", "=== 1: a\necho 1 text stars 4 5 6", "=== 1: a\nquiet now",
	} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
	good, err := parse("prose\n=== 1: a # b\n# comment\n\nsend text more rsv4 \"a\" x 3\nfail? 1002 1007")
	require.NoError(t, err)
	require.Equal(t, []Case{{ID: "1", Title: "a # b", steps: []step{
		{verb: "send", op: 1, more: true, rsv: 4, p: []byte("aaa")}, {verb: "fail", lax: true, codes: []uint16{1002, 1007}}}}}, good)
}
