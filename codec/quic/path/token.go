package path

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// AEAD is the cipher that seals tokens; crypto/cipher.AEAD with nonces of 12 bytes is one. Its key is the server's alone, or that of all servers that accept each other's
// tokens.
type AEAD interface {
	NonceSize() int
	Overhead() int
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}

// TokenKind says how a token came to the client (9000-8.1.1-1).
type TokenKind uint8

// The kinds.
const (
	// RetryToken is one of a Retry packet: for the same address and port, at once.
	RetryToken TokenKind = iota + 1
	// NewToken is one of a NEW_TOKEN frame: for the same IP address, later.
	NewToken
)

const (
	tokenNonce = 12
	// tokenHead is the kind and the nonce, tokenBody the time and two connection IDs with their lengths; every token is equally long.
	tokenHead = 1 + tokenNonce
	tokenBody = 8 + 2*(1+quic.MaxConnectionIDLen)
)

// Token is what a token says that is authentic.
type Token struct {
	Kind TokenKind
	// Issued is when it was made, in the clock of the server.
	Issued codec.Time
	// OriginalID is the Destination Connection ID of the client's first Initial packet, for the transport parameter original_destination_connection_id. RetryID is the
	// Source Connection ID of the Retry packet, for retry_source_connection_id. Both only of a RetryToken.
	OriginalID, RetryID quic.ConnectionID
}

// Tokens makes and checks address validation tokens (RFC 9000 section 8.1). A token is sealed: it cannot be made or changed without the key, and is bound to its kind and
// the client's address. It is for one goroutine at a time. It keeps no state of tokens: a token can be used more than once while it is valid.
type Tokens struct {
	aead                AEAD
	retryLife, newLife  time.Duration
	plain, ad, unsealed []byte
}

// Init makes t ready. retry is how long a RetryToken is valid, next how long a NewToken is; zero is 10 s and 24 h. Times are those of a clock that all servers with the key
// share. The error is misuse: a cipher with other nonces than of 12 bytes.
func (t *Tokens) Init(aead AEAD, retry, next time.Duration) error {
	if aead.NonceSize() != tokenNonce {
		return failure(rPutToken)
	}
	if retry == 0 {
		retry = 10 * time.Second
	}
	if next == 0 {
		next = 24 * time.Hour
	}
	*t = Tokens{
		aead: aead, retryLife: retry, newLife: next,
		plain: make([]byte, 0, tokenBody), ad: make([]byte, 0, 32), unsealed: make([]byte, 0, tokenBody+aead.Overhead()),
	}
	return nil
}

// Len returns the length in bytes of every token.
func (t *Tokens) Len() int { return tokenHead + tokenBody + t.aead.Overhead() }

// bind fills the additional data: the kind and the address.
//
// 9000-8.1.4-3: "Tokens sent in Retry packets SHOULD include information that allows the server to verify that the source IP address and port in client packets remain
// constant." 8.1.4-4: "Tokens sent in NEW_TOKEN frames MUST include information that allows the server to verify that the client IP address has not changed".
func (t *Tokens) bind(kind TokenKind, a Addr) []byte {
	t.ad = append(append(t.ad[:0], byte(kind)), a.IP[:]...)
	if kind == RetryToken {
		t.ad = append(t.ad, byte(a.Port>>8), byte(a.Port))
	}
	return t.ad
}

// AppendRetry appends a token for a Retry packet to a client at a, with random bytes as its nonce: they must never be the same twice. original and
// retry are as in Token.
func (t *Tokens) AppendRetry(dst []byte, now codec.Time, a Addr, original, retry quic.ConnectionID, random [tokenNonce]byte) []byte {
	return t.seal(dst, Token{Kind: RetryToken, Issued: now, OriginalID: original, RetryID: retry}, a, &random)
}

// AppendNew appends a token for a NEW_TOKEN frame to a client at a. random is as in AppendRetry; it makes the token unique (9000-8.1.3-4).
func (t *Tokens) AppendNew(dst []byte, now codec.Time, a Addr, random [tokenNonce]byte) []byte {
	return t.seal(dst, Token{Kind: NewToken, Issued: now}, a, &random)
}

func (t *Tokens) seal(dst []byte, k Token, a Addr, random *[tokenNonce]byte) []byte {
	p := t.plain[:0]
	for shift := 56; shift >= 0; shift -= 8 {
		p = append(p, byte(k.Issued>>shift))
	}
	for _, id := range [...]*quic.ConnectionID{&k.OriginalID, &k.RetryID} {
		p = append(append(p, byte(id.Len())), id.Bytes()...)
		p = append(p, zeros[:quic.MaxConnectionIDLen-id.Len()]...)
	}
	t.plain = p
	at := len(dst)
	dst = append(append(dst, byte(k.Kind)), random[:]...)
	return t.aead.Seal(dst, dst[at+1:at+tokenHead], p, t.bind(k.Kind, a))
}

const zeros = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// Check opens a token of a client at a. dstID is the Destination Connection ID of the packet that it came in. Every error has Scope zero: the client is treated as
// one without a token (9000-8.1.3-10); if Kind tells RetryToken, the connection is refused with INVALID_TOKEN instead, as there is no second Retry (9000-8.1.2-5).
func (t *Tokens) Check(token []byte, now codec.Time, a Addr, dstID []byte) (k Token, err error) {
	if len(token) != t.Len() {
		return k, failure(rTokenShort)
	}
	k.Kind = TokenKind(token[0])
	if k.Kind != RetryToken && k.Kind != NewToken {
		return Token{}, failure(rTokenKind)
	}
	// 9000-8.1.4-2: "the token MUST be covered by integrity protection against modification or falsification by clients."
	p, openErr := t.aead.Open(t.unsealed[:0], token[1:tokenHead], token[tokenHead:], t.bind(k.Kind, a))
	if openErr != nil || len(p) != tokenBody {
		return Token{Kind: k.Kind}, failure(rTokenForged)
	}
	for _, b := range p[:8] {
		k.Issued = k.Issued<<8 | codec.Time(b)
	}
	k.OriginalID, _ = quic.MakeConnectionID(p[9 : 9+min(int(p[8]), quic.MaxConnectionIDLen)])
	p = p[9+quic.MaxConnectionIDLen:]
	k.RetryID, _ = quic.MakeConnectionID(p[1 : 1+min(int(p[0]), quic.MaxConnectionIDLen)])
	// 9000-8.1.4-5: "servers MUST ensure that replay of tokens is prevented or limited. Servers SHOULD ensure that tokens sent in Retry packets are only accepted for a
	// short time".
	life := t.newLife
	if k.Kind == RetryToken {
		life = t.retryLife
	}
	switch age := now.Sub(k.Issued); {
	case age < 0:
		return Token{Kind: k.Kind}, failure(rTokenFuture)
	case age > life:
		return Token{Kind: k.Kind}, failure(rTokenOld)
	}
	// 9000-8.1.2-4: "Requiring the server to provide a different connection ID [...] forces the server to demonstrate that it [...] received the original Initial": the
	// client's next packets go to the connection ID of the Retry packet (17.2.5.2-4).
	if k.Kind == RetryToken && !k.RetryID.Is(dstID) {
		return Token{Kind: k.Kind}, failure(rTokenOtherID)
	}
	return k, nil
}
