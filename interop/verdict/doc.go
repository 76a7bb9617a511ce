// Package verdict asks other implementations what it asks ours in corpus/verdict: one string of bytes, one verdict each. It is
// a differential oracle: where two disagree, one of them is wrong or the RFC leaves something open, and each case of the
// library says which.
//
// Everything runs in memory: implementations that want a net.Conn get one that holds the whole input, whose end is the end of
// input. No verdict depends on how fast anything is; a failsafe of two minutes turns what hangs into "no verdict". Endpoints of QUIC, which have
// timers, run in the virtual time of package testing/synctest, over a link in memory: it passes only when all of them wait.
//
// What is asked, and how far it can be seen:
//
//	net/http                http.Server, its handler reading every body
//	net/http ReadRequest    http.ReadRequest again and again: a parser, which leaves Host to its caller
//	net/http ReadResponse   http.ReadResponse again and again, 1xx skipped
//	fasthttp                Server with default limits; Response.Read
//	x/net http2             Server, whose handlers wait until all of the input was read; a client connection of Transport
//	x/net Framer            Framer with ReadMetaHeaders: single frames and field sections, no streams
//	gorilla, coder          a connection behind a handshake in memory, read message by message
//	gobwas                  wsutil.Reader with the checks of headers and UTF-8 on
//	x/net hpack             Decoder with a table of 4096 octets
//	quic-go/qpack           Decoder, which knows the static table
//	quicvarint              Parse and Read
//	quic-go/http3           Server, whose handlers read every body and answer when the whole input has come; the connection of a
//	                        Transport that has asked; each opposite one of quic-go whose streams carry what the input says
//	quic-go, x/net quic     endpoints that read all streams, opposite one of this package that does a handshake by crypto/tls
//	                        and sends the packets of the input, protected by codec/quic/protect
//
// The fuzz targets of this package hold ours against one of them each, with a list of the differences that are known. The text of
// a peer's error is shown and never compared.
package verdict
