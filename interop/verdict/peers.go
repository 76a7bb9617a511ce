package verdict

import core "github.com/purewire/purewire/corpus/verdict"

// Peers are the oracles that are not ours, in the order of the columns.
func Peers() []core.Oracle {
	all := []core.Oracle{
		{Name: "net/http", Wire: core.HTTP1, Role: core.Server, Judge: nethttpServer},
		{Name: "net/http ReadRequest", Wire: core.HTTP1, Role: core.Server, Judge: nethttpRequests},
		{Name: "fasthttp", Wire: core.HTTP1, Role: core.Server, Judge: fasthttpServer},
		{Name: "net/http ReadResponse", Wire: core.HTTP1, Role: core.Client, Judge: nethttpResponses},
		{Name: "fasthttp", Wire: core.HTTP1, Role: core.Client, Judge: fasthttpResponses},
		{Name: "x/net http2", Wire: core.HTTP2, Role: core.Server, Judge: xnetServer},
		{Name: "x/net Framer", Partial: true, Wire: core.HTTP2, Role: core.Server, Judge: xnetFramer},
		{Name: "x/net http2", Wire: core.HTTP2, Role: core.Client, Judge: xnetClient},
		{Name: "x/net Framer", Partial: true, Wire: core.HTTP2, Role: core.Client, Judge: xnetFramer},
		{Name: "gorilla", Wire: core.WS, Role: core.Server, Judge: gorillaConn},
		{Name: "coder", Wire: core.WS, Role: core.Server, Judge: coderConn},
		{Name: "gobwas", Wire: core.WS, Role: core.Server, Judge: gobwasReader},
		{Name: "gorilla", Wire: core.WS, Role: core.Client, Judge: gorillaConn},
		{Name: "coder", Wire: core.WS, Role: core.Client, Judge: coderConn},
		{Name: "gobwas", Wire: core.WS, Role: core.Client, Judge: gobwasReader},
		{Name: "x/net hpack", Wire: core.HPACK, Role: core.Reader, Judge: xnetHPACK},
		{Name: "quic-go/qpack", Wire: core.QPACK, Role: core.Reader, Judge: quicQPACK},
		{Name: "quicvarint Parse", Wire: core.Varint, Role: core.Reader, Judge: quicVarints},
		{Name: "quicvarint Read", Wire: core.Varint, Role: core.Reader, Judge: quicVarintReader},
		{Name: "quic-go/http3", Wire: core.H3, Role: core.Server, Judge: quicgoServer},
		{Name: "quic-go/http3", Wire: core.H3, Role: core.Client, Judge: quicgoClient},
		{Name: "quic-go", Wire: core.QUIC, Role: core.Server, Judge: quicgoEnd},
		{Name: "x/net quic", Wire: core.QUIC, Role: core.Server, Judge: xnetEnd},
		{Name: "quic-go", Wire: core.QUIC, Role: core.Client, Judge: quicgoEnd},
		{Name: "x/net quic", Wire: core.QUIC, Role: core.Client, Judge: xnetEnd},
	}
	for i := range all {
		all[i] = guarded(all[i])
	}
	return all
}

// All are ours and the peers.
func All() []core.Oracle { return append(core.Ours(), Peers()...) }
