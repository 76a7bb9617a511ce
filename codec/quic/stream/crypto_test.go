package stream

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/quic"
)

func cryptoFrame(at uint64, n int) *quic.Frame {
	return &quic.Frame{Kind: quic.Crypto, Offset: at, Data: pattern(at, n)}
}

func newCrypto(l Limits) (*CryptoRecv, *Store) {
	st := &Store{}
	c := &CryptoRecv{}
	l = l.Norm()
	c.Init(st, &l)
	return c, st
}

// 9000-7.5-2: "Implementations MUST support buffering at least 4096 bytes of data received in out-of-order CRYPTO frames."
func TestCryptoMinimum(t *testing.T) {
	for _, after := range []bool{false, true} {
		c, _ := newCrypto(Limits{Crypto: 1, CryptoAfter: 1})
		if after {
			c.HandshakeDone()
		}
		_, err := c.Receive(cryptoFrame(1, 4095))
		require.NoError(t, err)
		_, err = c.Receive(cryptoFrame(4096, 1))
		reasonIs(t, err, rCryptoAhead)
		require.ErrorIs(t, err, quic.CryptoBufferExceeded)
		lent, err := c.Receive(cryptoFrame(0, 10))
		require.NoError(t, err)
		require.Equal(t, pattern(0, 1), lent)
		require.False(t, c.Complete())
		var all []byte
		for b := c.Peek(); len(b) > 0; b = c.Peek() {
			all = append(all, b...)
			require.NoError(t, c.Consume(len(b)))
		}
		require.Equal(t, pattern(1, 4095), all)
		require.True(t, c.Complete())
	}
}

// What TLS takes at once is counted as received; the bounds after the handshake are those from when it was done first.
func TestCryptoAfter(t *testing.T) {
	c, _ := newCrypto(Limits{Crypto: 20000, CryptoAfter: 8000, CryptoTotal: 9000})
	lent, err := c.Receive(cryptoFrame(0, 1000))
	require.NoError(t, err)
	require.Len(t, lent, 1000)
	require.True(t, c.Complete())
	_, err = c.Receive(cryptoFrame(15000, 1000))
	require.NoError(t, err)
	require.False(t, c.Complete())

	c, _ = newCrypto(Limits{Crypto: 20000, CryptoAfter: 8000, CryptoTotal: 9000})
	_, err = c.Receive(cryptoFrame(0, 1000))
	require.NoError(t, err)
	c.HandshakeDone()
	_, err = c.Receive(cryptoFrame(9000, 1))
	reasonIs(t, err, rCryptoAhead)
	_, err = c.Receive(cryptoFrame(1000, 8000))
	require.NoError(t, err)
	c.HandshakeDone()
	_, err = c.Receive(cryptoFrame(10000, 1))
	reasonIs(t, err, rCryptoTotal)
	_, err = c.Receive(cryptoFrame(9000, 1000))
	require.NoError(t, err)
}

// THREATS Q-08: a million CRYPTO frames, far ahead; ahead without a gap; and in order with a receiver that takes nothing.
func TestThreatCrypto(t *testing.T) {
	c, st := newCrypto(Limits{})
	for range 1000 {
		_, err := c.Receive(cryptoFrame(1<<30, 100))
		reasonIs(t, err, rCryptoAhead)
	}
	require.Zero(t, st.Held())
	_, err := c.Receive(cryptoFrame(quic.MaxVarint, 1))
	reasonIs(t, err, rCryptoEnd)

	for _, start := range []uint64{0, 1} {
		c, st = newCrypto(Limits{})
		n := 0
		for err = nil; err == nil && n < 1e6; n++ {
			err = c.Store(cryptoFrame(start+uint64(n)*100, 100))
		}
		reasonIs(t, err, rCryptoAhead)
		require.LessOrEqual(t, n*100, 64<<10+100)
		require.Less(t, memory(&c.data, st), 128<<10)
	}

	c, st = newCrypto(Limits{})
	n := 0
	for err = nil; err == nil && n < 1e6; n++ {
		_, err = c.Receive(cryptoFrame(uint64(1+2*n), 1))
	}
	reasonIs(t, err, rCryptoSpans)
	require.Equal(t, 257, n)
	require.Less(t, memory(&c.data, st), 16<<10)

	c.Release()
	require.Zero(t, st.Held())
	require.Empty(t, c.Peek())

	// After the handshake: 64 KiB altogether, even if TLS takes all.
	c, _ = newCrypto(Limits{})
	_, err = c.Receive(cryptoFrame(0, 5000))
	require.NoError(t, err)
	c.HandshakeDone()
	c.HandshakeDone()
	at := uint64(5000)
	for err = nil; err == nil && at < 1e9; at += 100 {
		_, err = c.Receive(cryptoFrame(at, 100))
	}
	reasonIs(t, err, rCryptoTotal)
	require.LessOrEqual(t, at, uint64(5000+64<<10+100))

	// The twin: a large certificate chain, in reverse order; then 100 session tickets of 300 octets.
	c, st = newCrypto(Limits{})
	for at := 60 << 10; at >= 0; at -= 1 << 10 {
		_, err = c.Receive(cryptoFrame(uint64(at), 1<<10))
		require.NoError(t, err)
	}
	for b := c.Peek(); len(b) > 0; b = c.Peek() {
		require.NoError(t, c.Consume(len(b)))
	}
	require.True(t, c.Complete())
	require.Zero(t, st.Held())
	c.HandshakeDone()
	for i := range 100 {
		_, err = c.Receive(cryptoFrame(uint64(61<<10+300*i), 300))
		require.NoError(t, err)
	}
}

func TestCryptoSend(t *testing.T) {
	var st Store
	var c CryptoSend
	c.Init(&st, 10000, 100)
	n, err := c.Write(pattern(0, 3000))
	require.NoError(t, err)
	require.Equal(t, 3000, n)
	require.True(t, c.Pending())
	_, _, sent := c.AppendCrypto(nil, 2)
	require.False(t, sent)
	var pieces []Piece
	var got []byte
	for {
		out, p, sent := c.AppendCrypto([]byte{9}, 1000)
		if !sent {
			break
		}
		require.EqualValues(t, 9, out[0])
		require.LessOrEqual(t, len(out), 1001)
		f := parse(t, out[1:])
		require.Equal(t, quic.Crypto, f.Kind)
		require.EqualValues(t, len(got), f.Offset)
		got = append(got, f.Data...)
		pieces = append(pieces, p)
	}
	require.Equal(t, pattern(0, 3000), got)
	require.Greater(t, len(pieces), 3)
	require.NoError(t, c.Lost(pieces[1]))
	out, p, _ := c.AppendCrypto(nil, 5000)
	require.Equal(t, pieces[1], p)
	require.Equal(t, pattern(p.Offset, p.Len), parse(t, out).Data)
	out, p, sent = c.AppendProbe(nil, 500)
	require.True(t, sent)
	require.Zero(t, p.Offset)
	require.LessOrEqual(t, len(out), 500)
	for _, p := range pieces {
		require.NoError(t, c.Acked(p))
	}
	require.Zero(t, c.Buffer().Buffered())
	_, _, sent = c.AppendProbe(nil, 500)
	require.False(t, sent)
	require.False(t, c.Pending())
	reasonIs(t, c.Acked(Piece{3000, 1, false}), rPutAck)
	_, err = c.Write(pattern(3000, 100))
	require.NoError(t, err)
	_, _, sent = c.AppendProbe(nil, 500)
	require.True(t, sent)
	c.Release()
	require.Zero(t, st.Held())
}
