package verdict

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/codectest"
	core "github.com/purewire/purewire/corpus/verdict"
)

// stream0 is the description of an input of HTTP/3 in which b comes on stream 0.
func stream0(b []byte, fin, client bool) *core.Input {
	in := &core.Input{Wire: core.H3, Role: core.Server}
	text := "CONTROL 2\nSTREAM 0"
	if client {
		in.Role = core.Client
		text = "CONTROL 3\nSTREAM 0"
	}
	if fin {
		text += " FIN"
	}
	in.Bytes = []byte(text + "\n  ! " + codectest.Escape(b) + "\n")
	return in
}

// http3Strict are the rules that quic-go/http3 does not have.
func http3Strict(_ []byte, reason string) bool {
	return names(reason,
		"9114-7.2.3-5", "9114-7.2.7-2", "9114-7.2.5-", "9114-7.1-5", // frames of push are skipped, frames may be cut
		"9114-4.3.1-2: request without :scheme", "3986-3.1-2", "9114-4.3.1-1", "9110-7.2", "9110-9.3.6-4", // URIs are those of package url
		"9110-5.5-3", "9110-8.6-13", "9110-8.6-12", "9114-4.2-4: te in", "9114-4.4-8", "9110-15-2", "9114-4.5-1", "8441-4-",
		"9114-4.3.1-3", "9110-5.1-2", "9110-6.5.1-2", "9114-4.1.2-3: content in",
		"9204-4.5.1.2-5", "9204-7.4-3", // a negative Base
		"too large", "9114-10.5", "9110-15.2-1") // limits
}

// http3Loose is what ours accepts and quic-go/http3 does not.
func http3Loose(a, b *core.Verdict) bool {
	// It wants a Base of 0, and URLs that package url parses.
	return a.Outcome != core.Accept && b.Outcome != core.Accept || names(b.Reason, "Base to be zero", "invalid request URI", "parse ")
}

func FuzzH3AgainstQuicGo(f *testing.F) {
	cases, err := core.Library()
	require.NoError(f, err)
	for _, c := range cases {
		if c.Wire != core.H3 {
			continue
		}
		steps, err := core.Steps(c.Bytes)
		require.NoError(f, err)
		var all []byte
		fin := false
		for _, s := range steps {
			if s.Stream == 0 {
				all, fin = append(all, s.Bytes...), fin || s.Fin
			}
		}
		if len(all) > 0 && len(all) <= 1024 {
			f.Add(all, fin, c.Role == core.Client)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, fin, client bool) {
		if len(b) > 1024 {
			return
		}
		in := stream0(b, fin, client)
		peer := quicgoServer
		if client {
			peer = quicgoClient
		}
		differential(t, in, peer, http3Strict, http3Loose)
	})
}

// payload is the description of an input of QUIC in which b is the payload of a 1-RTT packet.
func payload(b []byte, client bool) *core.Input {
	in := &core.Input{Wire: core.QUIC, Role: core.Server}
	if client {
		in.Role = core.Client
	}
	if len(b) == 0 {
		in.Bytes = []byte("PACKET 1rtt\n")
		return in
	}
	in.Bytes = []byte("PACKET 1rtt\n  ! " + strings.ReplaceAll(codectest.Escape(b), "@", `\x40`) + "\n")
	return in
}

// quicSeeds adds the payloads of the library.
func quicSeeds(f *testing.F) {
	cases, err := core.Library()
	require.NoError(f, err)
	for _, c := range cases {
		if c.Wire != core.QUIC {
			continue
		}
		conv, err := core.Packets(c.Bytes)
		require.NoError(f, err)
		var all []byte
		for _, p := range conv.Packets {
			all = append(all, p.Payload...)
		}
		if len(all) > 0 && len(all) <= 1000 {
			f.Add(all, c.Role == core.Client)
		}
	}
}

// quicSkip tells whether a payload is not one to compare: it ends the connection, or has what only TLS understands.
func quicSkip(b []byte) bool {
	return len(b) > 1000 || bytes.ContainsAny(b, "\x06\x1c\x1d")
}

func FuzzQUICAgainstQuicGo(f *testing.F) {
	quicSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte, client bool) {
		if quicSkip(b) {
			return
		}
		differential(t, payload(b, client), quicgoEnd, func(_ []byte, reason string) bool {
			return names(reason, "9000-12.4-17", "9000-2.2-4", "9000-19.15-7", "9000-10.3.2-6", "9000-5.1.1-", "9000-19.15-4.6", "9000-4.5-5", "9000-19.9-5", "9000-19.10-7")
		}, func(a, b *core.Verdict) bool {
			return names(b.Reason, "unexpected PATH_RESPONSE") || a.Outcome == core.Reject && b.Outcome == core.Reject
		})
	})
}

func FuzzQUICAgainstXNet(f *testing.F) {
	quicSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte, client bool) {
		if quicSkip(b) {
			return
		}
		differential(t, payload(b, client), xnetEnd, func(_ []byte, reason string) bool {
			return names(reason, "9000-12.4-17", "9000-2.2-4", "9000-19.15-7", "9000-10.3.2-6", "9000-5.1.1-", "9000-19.13-2", "9000-19.7-7", "9000-19.14-4.2", "9000-4.5-5",
				"9000-19.9-5", "9000-19.10-7")
		}, func(a, b *core.Verdict) bool {
			return names(b.Reason, "PATH_RESPONSE received when no") || a.Outcome == core.Reject && b.Outcome == core.Reject
		})
	})
}
