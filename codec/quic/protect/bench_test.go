package protect

import (
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/purewire/purewire/codec/quic"
)

// A packet of 1200 bytes with each suite; Raw is AES-128-GCM and one AES block alone, the least that it can cost.
func BenchmarkSeal1200(b *testing.B) {
	for name, s := range map[string]Suite{"AES128": AES128GCM, "AES256": AES256GCM, "ChaCha20": ChaCha20Poly1305} {
		b.Run(name, func(b *testing.B) {
			_, _, n := s.params()
			k, err := New(quic.Version1, s, make([]byte, n))
			if err != nil {
				b.Fatal(err)
			}
			head, err := quic.AppendShortHeader(nil, make([]byte, 8), false, false, 9, 2)
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 1200)
			b.SetBytes(1200)
			b.ReportAllocs()
			for b.Loop() {
				copy(buf, head)
				if _, err := quic.Protect(buf[:1200-Overhead], 0, len(head), 9, k); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("Raw", func(b *testing.B) {
		block, err := aes.NewCipher(make([]byte, 16))
		if err != nil {
			b.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			b.Fatal(err)
		}
		buf, nonce, mask := make([]byte, 1200), make([]byte, 12), make([]byte, 16)
		b.SetBytes(1200)
		for b.Loop() {
			gcm.Seal(buf[:11], nonce, buf[11:1200-Overhead], buf[:11])
			block.Encrypt(mask, buf[13:29])
		}
	})
}
