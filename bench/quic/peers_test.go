//go:build quicpeers

package quic

import (
	quicgo "github.com/quic-go/quic-go"
	xnet "golang.org/x/net/quic"
)

func init() {
	copied = []peer{{
		name:         "quic-go",
		longHeader:   quicgo.BenchLongHeader,
		streamFrame:  quicgo.BenchStreamFrame,
		ackFrame:     quicgo.BenchAckFrame,
		appendStream: quicgo.BenchAppendStream,
		appendAck:    quicgo.BenchAppendAck,
		seal:         quicgo.BenchSeal,
		open:         quicgo.BenchOpen,
	}, {
		name:          "x/net",
		parseVarints:  xnet.BenchParseVarints,
		appendVarints: xnet.BenchAppendVarints,
		longHeader:    xnet.BenchLongHeader,
		streamFrame:   xnet.BenchStreamFrame,
		ackFrame:      xnet.BenchAckFrame,
		appendStream:  xnet.BenchAppendStream,
		appendAck:     xnet.BenchAppendAck,
		seal:          xnet.BenchSeal,
		open:          xnet.BenchOpen,
	}}
}
