package protect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"

	"github.com/purewire/purewire/codec/quic"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is an AEAD with its hash, by the number of the TLS 1.3 cipher suite (crypto/tls uses the same).
type Suite uint16

// The suites. AES-128-CCM is not implemented; crypto/tls does not offer it.
const (
	AES128GCM        Suite = 0x1301
	AES256GCM        Suite = 0x1302
	ChaCha20Poly1305 Suite = 0x1303
)

// Overhead is the length in bytes of the authentication tag of every suite.
const Overhead = 16

// ErrSuite is the error for a suite that is none of the constants, ErrVersion that for a version of QUIC that is not known, ErrSecret
// that for a secret whose length is not that of the suite's hash.
var (
	ErrSuite   = errors.New("protect: unknown cipher suite")
	ErrVersion = errors.New("protect: unknown version of QUIC")
	ErrSecret  = errors.New("protect: secret of a wrong length")
)

// Limits returns how many packets may be protected with one key, and how many that are not authentic may be received over all
// keys of a connection (RFC 9001 section 6.6). ok is false for an unknown suite. The confidentiality limit of
// ChaCha20-Poly1305 is above the number of possible packets: it is quic.MaxPacketNumber+1.
func (s Suite) Limits() (confidentiality, integrity uint64, ok bool) {
	switch s {
	case AES128GCM, AES256GCM:
		return 1 << 23, 1 << 52, true
	case ChaCha20Poly1305:
		return quic.MaxPacketNumber + 1, 1 << 36, true
	}
	return 0, 0, false
}

func (s Suite) params() (keyLen int, newHash func() hash.Hash, hashLen int) {
	switch s {
	case AES128GCM:
		return 16, sha256.New, 32
	case AES256GCM:
		return 32, sha512.New384, 48
	case ChaCha20Poly1305:
		return 32, sha256.New, 32
	}
	return 0, nil, 0
}

// perVersion is what differs between the versions of QUIC (RFC 9001 sections 5.1, 5.2, 5.8; RFC 9369 section 3.3).
type perVersion struct {
	version              quic.Version
	salt                 string
	key, iv, hp, ku      string
	retryKey, retryNonce string
}

var versions = [...]perVersion{
	{
		quic.Version1, "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a",
		"quic key", "quic iv", "quic hp", "quic ku",
		"\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e", "\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb",
	},
	{
		quic.Version2, "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
		"quicv2 key", "quicv2 iv", "quicv2 hp", "quicv2 ku",
		"\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92", "\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a",
	},
}

func lookup(v quic.Version) (*perVersion, bool) {
	for _, pv := range versions {
		if pv.version == v {
			return &pv, true
		}
	}
	return nil, false
}

// expandLabel is HKDF-Expand-Label of TLS 1.3 with an empty context (RFC 8446 section 7.1).
func expandLabel(h func() hash.Hash, secret []byte, label string, n int) ([]byte, error) {
	info := make([]byte, 0, 32)
	info = append(info, byte(n>>8), byte(n), byte(6+len(label)))
	info = append(append(info, "tls13 "...), label...)
	info = append(info, 0)
	return hkdf.Expand(h, secret, string(info), n)
}

// expander makes several values of one secret, and keeps what crypto says where it refuses an algorithm.
type expander struct {
	hash   func() hash.Hash
	secret []byte
	err    error
}

func (x *expander) label(label string, n int) []byte {
	out, err := expandLabel(x.hash, x.secret, label, n)
	x.err = errors.Join(x.err, err)
	return out
}

// InitialSecrets returns the secrets of both ends for Initial packets (RFC 9001 section 5.2). dstID is the Destination Connection ID of the
// client's first Initial packet, or of the first one behind a Retry. Their suite is AES128GCM.
func InitialSecrets(v quic.Version, dstID []byte) (client, server []byte, err error) {
	pv, ok := lookup(v)
	if !ok {
		return nil, nil, ErrVersion
	}
	initial, err := hkdf.Extract(sha256.New, dstID, []byte(pv.salt))
	x := expander{sha256.New, initial, err}
	client, server = x.label("client in", 32), x.label("server in", 32)
	if x.err != nil {
		return nil, nil, x.err
	}
	return client, server, nil
}

// Keys are the keys of one direction at one encryption level. They implement quic.Protection, for one goroutine at a time.
type Keys struct {
	suite  Suite
	v      *perVersion
	secret []byte
	aead   cipher.AEAD
	iv     [12]byte
	nonce  [12]byte     // scratch
	block  cipher.Block // header protection with AES
	hpKey  []byte       // header protection with ChaCha20
	mask   [16]byte     // scratch
}

var _ quic.Protection = (*Keys)(nil)

// New derives keys from a traffic secret (RFC 9001 section 5.1), as TLS gives it (crypto/tls.QUICEvent.Data) or InitialSecrets. It keeps no
// reference to secret. The error is ErrSuite, ErrVersion or ErrSecret; or what crypto says where it refuses an algorithm.
func New(v quic.Version, s Suite, secret []byte) (*Keys, error) {
	keyLen, h, hashLen := s.params()
	if h == nil {
		return nil, ErrSuite
	}
	pv, ok := lookup(v)
	if !ok {
		return nil, ErrVersion
	}
	if len(secret) != hashLen {
		return nil, ErrSecret
	}
	k := &Keys{suite: s, v: pv, secret: append([]byte(nil), secret...)}
	x := expander{hash: h, secret: k.secret}
	key, hp := x.label(pv.key, keyLen), x.label(pv.hp, keyLen)
	copy(k.iv[:], x.label(pv.iv, len(k.iv)))
	aead, err := newAEAD(s, key)
	k.aead = aead
	if s == ChaCha20Poly1305 {
		k.hpKey = hp
	} else {
		var blockErr error
		k.block, blockErr = aes.NewCipher(hp)
		err = errors.Join(err, blockErr)
	}
	if err = errors.Join(x.err, err); err != nil {
		return nil, err
	}
	return k, nil
}

func newAEAD(s Suite, key []byte) (cipher.AEAD, error) {
	if s == ChaCha20Poly1305 {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Update returns the keys of the next key phase (RFC 9001 section 6.1). Header protection stays the same: 9001-6.1-1. It is only for 1-RTT keys. k is not changed.
func (k *Keys) Update() (*Keys, error) {
	_, h, hashLen := k.suite.params()
	secret, refused := expandLabel(h, k.secret, k.v.ku, hashLen)
	next, err := New(k.v.version, k.suite, secret)
	if err = errors.Join(refused, err); err != nil {
		return nil, err
	}
	next.block, next.hpKey = k.block, k.hpKey
	return next, nil
}

// Suite returns the suite.
func (k *Keys) Suite() Suite { return k.suite }

// Overhead returns 16, the length of the tag.
func (k *Keys) Overhead() int { return Overhead }

// nonceFor returns the IV with the packet number in it (RFC 9001 section 5.3).
func (k *Keys) nonceFor(pn int64) []byte {
	k.nonce = k.iv
	binary.BigEndian.PutUint64(k.nonce[4:], binary.BigEndian.Uint64(k.iv[4:])^uint64(pn))
	return k.nonce[:]
}

// Seal appends the protected payload, see quic.Protection.
func (k *Keys) Seal(dst []byte, pn int64, header, payload []byte) []byte {
	return k.aead.Seal(dst, k.nonceFor(pn), payload, header)
}

// Open appends the payload if it is authentic, see quic.Protection.
func (k *Keys) Open(dst []byte, pn int64, header, payload []byte) ([]byte, bool) {
	out, err := k.aead.Open(dst, k.nonceFor(pn), payload, header)
	if err != nil {
		return dst, false
	}
	return out, true
}

// Mask returns the five bytes of header protection for a sample of 16 bytes (RFC 9001 sections 5.4.3 and 5.4.4), the first of them in bits
// 32 to 39. It panics on a shorter sample.
func (k *Keys) Mask(sample []byte) uint64 {
	if k.block != nil {
		k.block.Encrypt(k.mask[:], sample[:16])
		return binary.BigEndian.Uint64(k.mask[:]) >> 24
	}
	c, _ := chacha20.NewUnauthenticatedCipher(k.hpKey, sample[4:16]) // the lengths of key and nonce are fixed: there is no error
	c.SetCounter(binary.LittleEndian.Uint32(sample))
	k.mask = [16]byte{}
	c.XORKeyStream(k.mask[:5], k.mask[:5])
	return binary.BigEndian.Uint64(k.mask[:]) >> 24
}

// RetryTag returns the Retry Integrity Tag (RFC 9001 section 5.8) of the Retry packet, which is given without its tag. odcid is the Destination Connection ID of the Initial
// packet that it answers, at most 20 bytes. The error is ErrVersion, or what crypto says where it refuses an algorithm.
func RetryTag(v quic.Version, odcid, retry []byte) (tag [quic.RetryTagLen]byte, err error) {
	pv, ok := lookup(v)
	if !ok {
		return tag, ErrVersion
	}
	aead, err := newAEAD(AES128GCM, []byte(pv.retryKey))
	if err != nil {
		return tag, err
	}
	pseudo := make([]byte, 0, 1+len(odcid)+len(retry))
	pseudo = append(append(append(pseudo, byte(len(odcid))), odcid...), retry...)
	aead.Seal(tag[:0], []byte(pv.retryNonce), nil, pseudo)
	return tag, nil
}

// RetryAuthentic tells whether packet, a whole Retry packet of version v, has the right tag. 9001-5.8-1 has the reasons for it; it
// is compared in constant time.
func RetryAuthentic(v quic.Version, odcid, packet []byte) bool {
	at := len(packet) - quic.RetryTagLen
	if at < 0 {
		return false
	}
	tag, err := RetryTag(v, odcid, packet[:at])
	return err == nil && subtle.ConstantTimeCompare(tag[:], packet[at:]) == 1
}

// ResetToken returns the stateless reset token for a connection ID, made from a static key as RFC 9000 section 10.3.2 describes:
// an end that has lost all state but the key can make it again. The key should be random and of 32 bytes.
func ResetToken(key, id []byte) (t quic.ResetToken) {
	m := hmac.New(sha256.New, key)
	m.Write(id)
	copy(t[:], m.Sum(nil))
	return t
}
