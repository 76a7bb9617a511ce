// Package tlspeek reads a TLS ClientHello without taking part in the handshake: the name the client asks for, the protocols it offers,
// its versions, and its JA4 fingerprint. A proxy can route by it, a server can refuse by it, before any cryptography is done.
//
// It does no I/O and keeps no bytes: the caller owns the input.
//
//	var s tlspeek.Scan
//	for {
//		complete, ok := s.Next(buf) // all bytes so far
//		if complete || !ok { break }
//		buf = readMore(buf)
//	}
//	err := hello.Parse(buf)
//
// # Limits
//
// RFC 8446 section 4.1.2 bounds a ClientHello only by its lengths, some 128 KiB. The caller bounds buf; Scan tells how much is
// declared (Need). Parse works in time linear in its input, except for the search for duplicate extensions: they are
// compared pairwise, at most MaxExtensions of them. A Hello that is used again allocates nothing, but when a message comes
// in several records, which it must join.
//
// # What it does not do
//
// It does not look into key shares, tickets or an encrypted ClientHello (RFC 9849): of the latter it sees the outer one. It accepts
// what crypto/tls accepts in the fields it reads, and a fuzz test compares them.
package tlspeek
