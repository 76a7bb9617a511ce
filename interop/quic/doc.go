// Package quic holds codec/quic and codec/quic/protect against quic-go and golang.org/x/net/quic. A relay stands between a client and
// a server of theirs, knows the secrets of their TLS, and opens every packet that passes, reads its frames, writes them anew, protects
// them, and sends the new packet on: the two finish their work only if they understand all of it.
package quic
