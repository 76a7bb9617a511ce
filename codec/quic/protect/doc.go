// Package protect is the cryptography of QUIC (RFC 9001, RFC 9369): the key schedule from a TLS traffic secret, packet and header
// protection with AES-128-GCM, AES-256-GCM and ChaCha20-Poly1305, key update, the Retry Integrity Tag, stateless reset tokens.
//
// It implements quic.Protection, the interface behind which package quic reaches it, so that package quic itself imports no
// cryptography. It does no I/O and draws no random numbers. Making keys allocates, using them does not.
//
// Not here: the TLS handshake (crypto/tls.QUICConn has it), when to update keys and what to do with packets of the old phase (Suite.Limits has
// the figures), AES-128-CCM.
package protect
