// Package h3 holds codec/h3 against quic-go's http3, over connections of quic-go on the loopback: a server and a client of theirs, each
// opposite a Conn of ours that is driven by what comes on the streams, cut at random. Two Conns of ours do the same over quic-go's streams with the
// dynamic table that quic-go's http3 has not.
package h3
