package http2

// ClientPreface is what a client sends first, before its SETTINGS frame (RFC 9113 section 3.4).
const ClientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Wire is what the first octets of a connection say about its protocol.
type Wire uint8

const (
	// NeedMore: all octets so far belong to the client preface, and it is not complete.
	NeedMore Wire = iota
	// HTTP1: this is no HTTP/2 client.
	HTTP1
	// HTTP2: the whole client preface is there.
	HTTP2
)

// Preface decides between HTTP/1 and HTTP/2 with prior knowledge on the first octets of a connection. The decision falls
// with the first octet that differs from the preface, so most HTTP/1 requests are known by their first octet, POST and PUT
// by their second. It consumes nothing.
func Preface(src []byte) Wire {
	n := min(len(src), len(ClientPreface))
	switch {
	case string(src[:n]) != ClientPreface[:n]:
		return HTTP1
	case n < len(ClientPreface):
		return NeedMore
	}
	return HTTP2
}
