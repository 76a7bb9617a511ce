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
		"CANCEL_PUSH not on", "MAX_PUSH_ID not on", "PUSH_PROMISE", "stream ends inside a frame", // frames of push are skipped, frames may be cut
		":scheme", ":path", "host", ":authority", ":protocol", "content-length", // URIs are those of package url, equal lengths are one
		"whitespace at an end", "te in a response", "HEADERS on a connected stream", ":status", "empty field name", "not allowed in a trailer section",
		"content in a response that has none", "negative Base", "above 62 bits",
		"too large", "too many", "larger than the limit", "longer than the limit", "brings nothing") // limits
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

// quicStrict are rules that an endpoint may have, and limits, which differ.
func quicStrict(reason string) bool {
	return names(reason, "frame type in more bytes", "different data", "used for another connection ID", "used with another sequence number", "connection IDs than the limit",
		"sequence numbers left out", "final size", "FIN below", "RESET_STREAM below", "MAX_STREAM_DATA allows", "MAX_DATA allows", "FIN changes")
}

func FuzzQUICAgainstQuicGo(f *testing.F) {
	quicSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte, client bool) {
		if quicSkip(b) {
			return
		}
		differential(t, payload(b, client), quicgoEnd, func(_ []byte, reason string) bool {
			return quicStrict(reason)
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
			return quicStrict(reason) || names(reason, "STREAM_DATA_BLOCKED for a send-only", "NEW_TOKEN from a client", "STREAMS_BLOCKED above")
		}, func(a, b *core.Verdict) bool {
			return names(b.Reason, "PATH_RESPONSE received when no") || a.Outcome == core.Reject && b.Outcome == core.Reject
		})
	})
}
