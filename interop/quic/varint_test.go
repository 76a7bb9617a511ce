package quic

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	mrand "math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec/quic"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/stretchr/testify/require"
)

// certificate makes one for localhost.
func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sameVarint holds both parsers and both encoders to each other.
func sameVarint(t *testing.T, b []byte) {
	v, n := quic.ParseVarint(b)
	w, m, err := quicvarint.Parse(b)
	if (n == 0) != (err != nil) {
		t.Fatalf("%x: %d bytes; quic-go: %v", b, n, err)
	}
	if err != nil {
		return
	}
	require.Equal(t, w, v, "%x", b)
	require.Equal(t, m, n, "%x", b)
	require.Equal(t, quicvarint.Append(nil, v), quic.AppendVarint(nil, v))
	require.Equal(t, quicvarint.Len(v), quic.VarintLen(v))
	for _, size := range []int{1, 2, 4, 8} {
		if size >= quic.VarintLen(v) {
			require.Equal(t, quicvarint.AppendWithLen(nil, v, size), quic.AppendVarintSize(nil, v, size))
		}
	}
}

// All starts of two bytes with every length, the edges of all sizes, and random ones.
func TestVarint(t *testing.T) {
	for i := range 1 << 16 {
		b := []byte{byte(i >> 8), byte(i), 1, 2, 3, 4, 5, 6, 7}
		for n := range len(b) + 1 {
			sameVarint(t, b[:n])
		}
	}
	r := mrand.New(mrand.NewPCG(9000, 16))
	for _, edge := range []uint64{0, 1 << 6, 1 << 14, 1 << 30, quic.MaxVarint} {
		for d := range uint64(5) {
			if v := edge + d - 2; v <= quic.MaxVarint {
				sameVarint(t, quicvarint.Append(nil, v))
			}
		}
	}
	for range 100_000 {
		sameVarint(t, quicvarint.Append(nil, r.Uint64N(quic.MaxVarint+1)>>r.IntN(62)))
	}
}

func FuzzVarint(f *testing.F) {
	f.Add([]byte{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c})
	f.Fuzz(func(t *testing.T, b []byte) { sameVarint(t, b) })
}
