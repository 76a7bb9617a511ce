package path

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

const s = time.Second

// 9000-10.1-2: "the effective value at an endpoint is computed as the minimum of the two advertised values (or the sole advertised value, if only one endpoint advertises a
// non-zero value)."
func TestIdleTimeout(t *testing.T) {
	for _, c := range []struct{ local, remote, want time.Duration }{
		{0, 0, 0}, {30 * s, 0, 30 * s}, {0, 20 * s, 20 * s}, {30 * s, 20 * s, 20 * s}, {20 * s, 30 * s, 20 * s}, {-s, 5 * s, 5 * s}, {5 * s, -s, 5 * s},
	} {
		var i Idle
		i.Start(100, c.local, c.remote, 0)
		require.Equal(t, c.want, i.Timeout())
		if c.want == 0 {
			require.Equal(t, codec.Never, i.Deadline(pto))
			require.False(t, i.Expired(1<<62, pto))
			continue
		}
		end := codec.Time(100).Add(c.want)
		require.Equal(t, end, i.Deadline(pto))
		require.False(t, i.Expired(end-1, pto))
		require.True(t, i.Expired(end, pto))
		require.Equal(t, codec.Never, i.KeepAlive())
	}
	// 9000-10.1-4: "endpoints MUST increase the idle timeout period to be at least three times the current Probe Timeout (PTO)."
	var i Idle
	i.Start(100, s, 0, 0)
	require.Equal(t, codec.Time(100).Add(6*s), i.Deadline(2*s))
}

// 9000-10.1-3: "An endpoint restarts its idle timer when a packet from its peer is received and processed successfully. An endpoint also restarts its idle
// timer when sending an ack-eliciting packet if no other ack-eliciting packets have been sent since last receiving and processing a packet."
func TestIdleRestart(t *testing.T) {
	var i Idle
	i.Start(codec.Time(1*s), 10*s, 0, 0)
	at := func(want time.Duration) {
		t.Helper()
		require.Equal(t, codec.Time(want), i.Deadline(pto))
	}
	at(11 * s)
	i.Sent(codec.Time(2 * s))
	at(12 * s)
	i.Sent(codec.Time(3 * s)) // the second one since: a peer that is gone is not waited for any longer
	at(12 * s)
	i.Received(codec.Time(4 * s))
	at(14 * s)
	i.Received(codec.Time(5 * s))
	at(15 * s)
	i.Sent(codec.Time(6 * s))
	i.Sent(codec.Time(7 * s))
	at(16 * s)
}

// A PING in time keeps the connection; if it is not answered, another one follows, and then it ends all the same.
func TestKeepAlive(t *testing.T) {
	var i Idle
	i.Start(codec.Time(s), 30*s, 10*s, 20*s)
	now := i.KeepAlive()
	require.Equal(t, codec.Time(6*s), now, "half of the timeout")
	for range 100 {
		i.Sent(now)
		i.Received(now.Add(pto))
		require.False(t, i.Expired(i.KeepAlive(), pto))
		now = i.KeepAlive()
	}
	pings := 0
	for i.Sent(now); !i.Expired(now, pto); now = i.KeepAlive() {
		i.Sent(now)
		pings++
	}
	require.Equal(t, 2, pings)
}

// THREATS Q-12: 1e5 packets in the closing state get at most 17 answers, the first one included.
//
// 9000-10.2.1-3: "An endpoint SHOULD limit the rate at which it generates packets in the closing state."
func TestThreatClosing(t *testing.T) {
	var c Closer
	c.Received()
	require.False(t, c.Due())
	now := codec.Time(1)
	c.Close(now, pto)
	require.Equal(t, Closing, c.State())
	require.True(t, c.Due())
	c.Sent()
	answers := 0
	for range 100000 {
		c.Received()
		if c.Due() {
			c.Sent()
			answers++
		}
	}
	require.Equal(t, 17, answers) // 1, 2, 4, ... 65536
	require.Equal(t, now.Add(3*pto), c.Deadline())
	c.Close(now.Add(pto), pto)
	require.Equal(t, now.Add(3*pto), c.Deadline(), "it is closed once")
	require.False(t, c.Advance(c.Deadline()-1))
	require.True(t, c.Advance(c.Deadline()))
	require.Equal(t, Closed, c.State())
	require.False(t, c.Advance(1<<62))
}

// Every state and every event. 9000-10.2.2-1: "an endpoint in the draining state MUST NOT send any packets."
func TestCloserStates(t *testing.T) {
	events := []struct {
		name string
		do   func(*Closer)
	}{
		{"close", func(c *Closer) { c.Close(10, pto) }},
		{"peer closed", func(c *Closer) { c.PeerClosed(10, pto) }},
		{"reset", func(c *Closer) { c.Reset(10, pto) }},
		{"received", func(c *Closer) { c.Received() }},
		{"advance", func(c *Closer) { c.Advance(1 << 60) }},
		{"abort", func(c *Closer) { c.Abort() }},
	}
	want := map[CloseState][]struct {
		to  CloseState
		due bool
	}{
		Open:     {{Closing, true}, {Draining, true}, {Draining, false}, {Open, false}, {Open, false}, {Closed, false}},
		Closing:  {{Closing, false}, {Draining, false}, {Draining, false}, {Closing, true}, {Closed, false}, {Closed, false}},
		Draining: {{Draining, false}, {Draining, false}, {Draining, false}, {Draining, false}, {Closed, false}, {Closed, false}},
		Closed:   {{Closed, false}, {Closed, false}, {Closed, false}, {Closed, false}, {Closed, false}, {Closed, false}},
	}
	for state, row := range want {
		for i, e := range events {
			var c Closer
			switch state {
			case Closing:
				c.Close(5, pto)
				c.Sent()
			case Draining:
				c.PeerClosed(5, pto)
				c.Sent()
			case Closed:
				c.Abort()
			}
			end := c.Deadline()
			e.do(&c)
			require.Equal(t, row[i].to, c.State(), "%v, %s", state, e.name)
			require.Equal(t, row[i].due, c.Due(), "%v, %s", state, e.name)
			if state == Closing && c.State() == Draining {
				require.Equal(t, end, c.Deadline(), "9000-10.2.2-3: the same end")
			}
			if c.State() == Draining && state == Open {
				require.Equal(t, codec.Time(10).Add(3*pto), c.Deadline())
			}
		}
	}
	names := ""
	for s := Open; s <= Closed+1; s++ {
		names += s.String() + " "
	}
	require.Equal(t, "open closing draining closed unknown ", names)
}

// A CONNECTION_CLOSE that is due and not sent yet is not sent any more when the peer's arrives: 9000-10.2.2-1.
func TestClosingToDraining(t *testing.T) {
	for _, end := range []func(*Closer){
		func(c *Closer) { c.PeerClosed(2, pto) },
		func(c *Closer) { c.Reset(2, pto) },
		func(c *Closer) { c.Advance(c.Deadline()) },
		func(c *Closer) { c.Abort() },
	} {
		var c Closer
		c.Close(1, pto)
		require.True(t, c.Due())
		end(&c)
		require.False(t, c.Due())
	}
}

// 9000-10.3.1-5: "the endpoint MUST enter the draining period and not send any further packets on this connection": the answer to a CONNECTION_CLOSE that is
// still due is not sent either.
func TestResetWhileDraining(t *testing.T) {
	var c Closer
	c.PeerClosed(1, pto)
	require.True(t, c.Due(), "the twin: one answer may be sent")
	c.Reset(2, pto)
	require.False(t, c.Due())
	require.Equal(t, Draining, c.State())
	require.Equal(t, codec.Time(1).Add(3*pto), c.Deadline())
}

// Two ends that both close and lose nothing: the storm ends at once.
func TestCloseStorm(t *testing.T) {
	var a, b Closer
	a.Close(1, pto)
	b.Close(1, pto)
	packets := 0
	for a.Due() || b.Due() {
		for _, pair := range [][2]*Closer{{&a, &b}, {&b, &a}} {
			if pair[0].Due() {
				pair[0].Sent()
				packets++
				pair[1].Received()
				pair[1].PeerClosed(1, pto)
			}
		}
		require.Less(t, packets, 5)
	}
}

// THREATS Q-12: two ends that lost their state: the exchange ends within three packets.
func TestThreatResetLoop(t *testing.T) {
	noise := make([]byte, 26)
	for size := 1; size <= 1500; size++ {
		var ends [2]Resetter
		ends[0].Init(1, 1000, 8)
		ends[1].Init(1, 1000, 8)
		packet := make([]byte, size)
		packet[0] = 0x40
		packets := 1
		for ; ; packets++ {
			token := tok(uint64(packets))
			out, sent := ends[packets%2].Append(nil, 1, packet, noise, &token)
			if !sent {
				require.Empty(t, out)
				break
			}
			// 9000-10.3.3-2: "every Stateless Reset that it sends is smaller than the packet that triggered it". 10.3-13: never three times as large.
			require.Less(t, len(out), len(packet))
			require.GreaterOrEqual(t, len(out), quic.MinResetLen)
			require.EqualValues(t, 0x40, out[0]&0xc0)
			require.True(t, token.Match(out))
			packet = out
		}
		require.LessOrEqual(t, packets, 3, "%d bytes", size)
		if size > quic.MinResetLen {
			require.Greater(t, packets, 1, "%d bytes: answered", size)
		}
	}
}

func TestResetterRate(t *testing.T) {
	var r Resetter
	packet, noise, token := make([]byte, 100), make([]byte, 26), tok(1)
	_, sent := r.Append(nil, 1, packet, noise, &token)
	require.False(t, sent, "the zero value sends none")
	now := codec.Time(s)
	r.Init(now, 10, 8)
	for sec := range 5 {
		n := 0
		for range 1000 {
			if _, sent := r.Append(nil, now.Add(time.Duration(sec)*s), packet, noise, &token); sent {
				n++
			}
		}
		require.Equal(t, 10, n)
	}
	r.Init(now, 10, 8)
	packet[0] = 0xc0
	_, sent = r.Append(nil, now, packet, noise, &token)
	require.False(t, sent, "a long header")
	_, sent = r.Append(nil, now, packet[:8], noise, &token)
	require.False(t, sent, "no room for a connection ID")
	dst := []byte{1, 2}
	packet[0] = 0x40
	out, sent := r.Append(dst, now, packet, noise, &token)
	require.True(t, sent)
	require.Equal(t, dst, out[:2])
	_, sent = r.Append(nil, now, packet, noise[:4], &token)
	require.False(t, sent, "too little noise")
}

func newTokens(t testing.TB) *Tokens {
	block, err := aes.NewCipher(make([]byte, 16))
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	var k Tokens
	require.NoError(t, k.Init(gcm, 0, 0))
	return &k
}

func random(n uint64) (b [12]byte) {
	binary.BigEndian.PutUint64(b[:], n)
	return b
}

func TestTokens(t *testing.T) {
	k := newTokens(t)
	now, client := codec.Time(1000*s), addr(5, 4000)
	original, retry := cid(1), cid(2)
	token := k.AppendRetry([]byte{7}, now, client, original, retry, random(1))
	require.EqualValues(t, 7, token[0])
	token = token[1:]
	require.Len(t, token, k.Len())
	got, err := k.Check(token, now.Add(s), client, retry.Bytes())
	require.NoError(t, err)
	require.Equal(t, Token{RetryToken, now, original, retry}, got)

	// THREATS Q-03: each bit of it; another address or port; too old, or too new; another connection ID; another kind.
	for bit := range 8 * len(token) {
		bad := append([]byte(nil), token...)
		bad[bit/8] ^= 1 << (bit % 8)
		_, err = k.Check(bad, now, client, retry.Bytes())
		require.Error(t, err)
		if bit < 8 && bad[0] != 2 {
			reasonIs(t, err, rTokenKind)
		} else {
			reasonIs(t, err, rTokenForged)
		}
	}
	for n := range token {
		_, err = k.Check(token[:n], now, client, retry.Bytes())
		reasonIs(t, err, rTokenShort)
	}
	_, err = k.Check(append(token, 0), now, client, retry.Bytes())
	reasonIs(t, err, rTokenShort)
	got, err = k.Check(token, now, addr(6, 4000), retry.Bytes())
	reasonIs(t, err, rTokenForged)
	require.Equal(t, Token{Kind: RetryToken}, got)
	_, err = k.Check(token, now, addr(5, 4001), retry.Bytes())
	reasonIs(t, err, rTokenForged)
	_, err = k.Check(token, now.Add(10*s), client, retry.Bytes())
	require.NoError(t, err)
	_, err = k.Check(token, now.Add(10*s+1), client, retry.Bytes())
	reasonIs(t, err, rTokenOld)
	_, err = k.Check(token, now-1, client, retry.Bytes())
	reasonIs(t, err, rTokenFuture)
	_, err = k.Check(token, now, client, original.Bytes())
	reasonIs(t, err, rTokenOtherID)
	var e *quic.Error
	require.ErrorAs(t, err, &e)
	require.Zero(t, e.Scope, "the client is treated as one without a token")

	token = k.AppendNew(nil, now, client, random(2))
	require.Len(t, token, k.Len())
	got, err = k.Check(token, now.Add(24*time.Hour), addr(5, 1), []byte{1})
	require.NoError(t, err)
	require.Equal(t, Token{Kind: NewToken, Issued: now}, got)
	_, err = k.Check(token, now.Add(24*time.Hour+1), client, nil)
	reasonIs(t, err, rTokenOld)
	_, err = k.Check(token, now, addr(6, 4000), nil)
	reasonIs(t, err, rTokenForged)
	require.NotEqual(t, token, k.AppendNew(nil, now, client, random(3)), "9000-8.1.3-4: every one is unique")

	// Connection IDs of every length.
	for n := 0; n <= 20; n++ {
		id, _ := quic.MakeConnectionID(make([]byte, n))
		token = k.AppendRetry(nil, now, client, id, retry, random(uint64(n)))
		got, err = k.Check(token, now, client, retry.Bytes())
		require.NoError(t, err)
		require.Equal(t, id, got.OriginalID)
	}
	block, _ := aes.NewCipher(make([]byte, 16))
	odd, _ := cipher.NewGCMWithNonceSize(block, 16)
	var other Tokens
	reasonIs(t, other.Init(odd, 0, 0), rPutToken)
	require.NoError(t, other.Init(k.aead, s, time.Minute))
	_, err = other.Check(token, now.Add(s+1), client, retry.Bytes())
	reasonIs(t, err, rTokenOld)
	buf := make([]byte, 0, 200)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b := k.AppendRetry(buf, now, client, original, retry, random(9))
		if _, err := k.Check(b, now, client, retry.Bytes()); err != nil {
			t.Fatal(err)
		}
		b[20]++
		k.Check(b, now, client, retry.Bytes())
	}))
}
