package stream

// maxLimit is the largest limit. A stream window of that size takes 8 MiB for the index of its chunks alone.
const maxLimit = 1 << 30

// Limits bound what a connection's streams take. Zero is the default; negative, or more than 2^30, is 2^30.
type Limits struct {
	// StreamWindow is the flow control window that a stream starts with, in octets: what initial_max_stream_data tells the peer. Default 256 KiB.
	StreamWindow int
	// MaxStreamWindow is what it may grow to. Default 6 MiB. Less than StreamWindow: it does not grow.
	MaxStreamWindow int
	// Window is the connection's window, initial_max_data. Default 1 MiB.
	Window int
	// MaxWindow is what it may grow to. Default 15 MiB.
	MaxWindow int
	// Pieces is how many pieces with gaps between them a stream may consist of, on the receiving side, and of how many a
	// sending side keeps account. Default 1024.
	Pieces int
	// SendBuffer is how many octets that are not acknowledged a stream takes from the application. Default 256 KiB.
	SendBuffer int
	// Bidi and Uni are how many streams the peer may have open at the same time: initial_max_streams. Default 100.
	Bidi, Uni int
	// Crypto is how many octets of CRYPTO data may be ahead of what TLS has read, for each level, during the handshake. Default 64 KiB; never less than 4096 (9000-7.5-2).
	Crypto int
	// CryptoAfter is the same after the handshake. Default 16 KiB; never less than 4096.
	CryptoAfter int
	// CryptoTotal is how many octets of CRYPTO data there may be altogether after the handshake. Default 64 KiB.
	CryptoTotal int
	// CryptoPieces is as Pieces, for CRYPTO data. Default 256.
	CryptoPieces int
}

// minCrypto is what an endpoint must be able to buffer.
//
// 9000-7.5-2: "Implementations MUST support buffering at least 4096 bytes of data received in out-of-order CRYPTO frames."
const minCrypto = 4096

// Norm returns l with the defaults in place.
func (l Limits) Norm() Limits {
	norm(&l.StreamWindow, 256<<10)
	norm(&l.MaxStreamWindow, 6<<20)
	norm(&l.Window, 1<<20)
	norm(&l.MaxWindow, 15<<20)
	norm(&l.Pieces, 1024)
	norm(&l.SendBuffer, 256<<10)
	norm(&l.Bidi, 100)
	norm(&l.Uni, 100)
	norm(&l.Crypto, 64<<10)
	norm(&l.CryptoAfter, 16<<10)
	norm(&l.CryptoTotal, 64<<10)
	norm(&l.CryptoPieces, 256)
	l.Crypto, l.CryptoAfter = max(l.Crypto, minCrypto), max(l.CryptoAfter, minCrypto)
	return l
}

func norm(n *int, def int) {
	switch {
	case *n == 0:
		*n = def
	case *n < 0 || *n > maxLimit:
		*n = maxLimit
	}
}

// Memory returns the largest number of bytes that the data of a connection's streams takes under these limits, if the peer has streams streams open
// that it sends on: what was received and not read, the lists of pieces, and the unacknowledged data of as many streams that we send on. It does not count the structs
// RecvStream and SendStream themselves, and no references that WriteRef keeps.
func (l Limits) Memory(streams int) int {
	l = l.Norm()
	window, each := max(l.Window, l.MaxWindow), max(l.StreamWindow, l.MaxStreamWindow)
	// A stream's chunks cover a part of its offsets, whose sum the connection's window bounds; at both ends one may be used in part.
	data := (window/ChunkLen + 2*streams) * chunkSize
	// The index of the chunks has 8 bytes for each, twice when it grows; lists of pieces 16 bytes, twice as well.
	index := 2 * 8 * (min(window, streams*each)/ChunkLen + 2*streams)
	pieces := 2 * 16 * (l.Pieces + 1)
	sent := (l.SendBuffer/ChunkLen+1)*chunkSize + 2*40*(l.SendBuffer/ChunkLen+1)
	return data + index + streams*(3*pieces+sent)
}
