package ws

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// Messages cut out of the fuzzer's bytes come through a pair of connections, whatever was agreed, in any pieces.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(0), uint8(3), []byte("Hello, hello, hello"))
	f.Add(uint8(0xff), uint8(200), bytes.Repeat([]byte("abc"), 200))
	f.Add(uint8(0x43), uint8(1), texts()["words"][:600])
	cfg := &Config{Pool: NewFreeList(2), DeflateMin: -1, Limits: Limits{Fruitless: -1}}
	f.Fuzz(func(t *testing.T, how, cut uint8, data []byte) {
		var d *Deflate
		if how&1 != 0 {
			d = &Deflate{ServerNoTakeover: how&2 != 0, ClientNoTakeover: how&4 != 0, ServerBits: 8 + how>>3&7, ClientBits: 15 - how>>3&7}
		}
		p := newPair(cfg, d)
		var want []message
		var toClient, toServer []byte
		var err error
		for i := 0; len(data) > 0; i++ {
			n := min(1+int(data[0])*(1+int(cut)%7), len(data))
			m := data[:n]
			data = data[n:]
			switch i % 4 {
			case 0:
				toClient, err = p.s.AppendMessage(toClient, Binary, m)
			case 1:
				toClient, _ = p.s.AppendFragment(toClient, Binary, m[:n/3], false)
				toClient, err = p.s.AppendFragment(toClient, Binary, m[n/3:], true)
			case 2:
				toServer, err = p.c.AppendMessage(toServer, Binary, m)
			case 3:
				toServer, _ = p.c.AppendFragment(toServer, Binary, m[:n/2], false)
				toServer, err = p.c.AppendFragment(toServer, Binary, m[n/2:], true)
			}
			require.NoError(t, err)
			want = append(want, message{Binary, string(m)})
		}
		gotC, gotS := drain(t, &p.c, toClient, 1+int(cut)), drain(t, &p.s, toServer, 1+int(cut)/2)
		for i, m := range want {
			if i%4 < 2 {
				require.Equal(t, m, gotC[0])
				gotC = gotC[1:]
			} else {
				require.Equal(t, m, gotS[0])
				gotS = gotS[1:]
			}
		}
		require.Empty(t, gotC)
		require.Empty(t, gotS)
	})
}

// Whatever stands in the fields of a handshake: no panic, nothing but tokens and what was asked for gets into the answer, and
// what is answered can be read.
func FuzzHandshake(f *testing.F) {
	f.Add("chat, superchat", "permessage-deflate; client_max_window_bits=\"10\"; x=y, permessage-deflate", "http://a")
	f.Add("a", "permessage-deflate; server_max_window_bits=8; server_no_context_takeover", "null")
	f.Fuzz(func(t *testing.T, protocols, extensions, origin string) {
		acc := Acceptor{Protocols: []string{"chat", "a"}, Deflate: &DeflateOptions{ServerTakeover: true, ClientBits: 9},
			CheckOrigin: func(origin, host []byte) bool { return true }}
		r := sample("", "Origin: "+origin)
		r.Fields = append(r.Fields, codec.Field{Name: []byte("Sec-WebSocket-Protocol"), Value: []byte(protocols)},
			codec.Field{Name: []byte("Sec-WebSocket-Extensions"), Value: []byte(extensions)})
		var h Handshake
		if err := acc.Check(r, &h); err != nil {
			return
		}
		out, err := h.AppendAccept(nil, nil)
		require.NoError(t, err)
		var d http1.Decoder
		d.InitResponse(nil)
		d.Expect(http1.MethodGet, true)
		var ev http1.Event
		n, err := d.Next(out, &ev)
		require.NoError(t, err)
		require.Equal(t, len(out), n)
		if h.HasDeflate {
			require.True(t, h.Deflate.ServerBits >= 8 && h.Deflate.ServerBits <= 15 && h.Deflate.ClientBits >= 8 && h.Deflate.ClientBits <= 15)
			// The most permissive client reads the same out of the answer, but for the window it has not offered to be told.
			got, agreed, err := CheckDeflateAnswer(ev.Fields, &DeflateOptions{ServerTakeover: true, ClientTakeover: true})
			require.NoError(t, err)
			require.True(t, agreed)
			require.Equal(t, h.Deflate, got)
		}
	})
}
