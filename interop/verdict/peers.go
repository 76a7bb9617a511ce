package verdict

import core "github.com/purewire/purewire/corpus/verdict"

// Peers are the oracles that are not ours, in the order of the columns.
func Peers() []core.Oracle {
	return []core.Oracle{
		{Name: "net/http", Wire: core.HTTP1, Role: core.Server, Judge: nethttpServer},
		{Name: "net/http ReadRequest", Wire: core.HTTP1, Role: core.Server, Judge: nethttpRequests},
		{Name: "fasthttp", Wire: core.HTTP1, Role: core.Server, Judge: fasthttpServer},
		{Name: "net/http ReadResponse", Wire: core.HTTP1, Role: core.Client, Judge: nethttpResponses},
		{Name: "fasthttp", Wire: core.HTTP1, Role: core.Client, Judge: fasthttpResponses},
		{Name: "x/net http2", Wire: core.HTTP2, Role: core.Server, Judge: xnetServer},
		{Name: "x/net Framer", Partial: true, Wire: core.HTTP2, Role: core.Server, Judge: xnetFramer},
		{Name: "x/net http2", Wire: core.HTTP2, Role: core.Client, Judge: xnetClient},
		{Name: "x/net Framer", Partial: true, Wire: core.HTTP2, Role: core.Client, Judge: xnetFramer},
	}
}

// All are ours and the peers.
func All() []core.Oracle { return append(core.Ours(), Peers()...) }
