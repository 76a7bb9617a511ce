package path

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

const pto = 100 * time.Millisecond

func addr(host byte, port uint16) Addr {
	return Addr{IP: [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: host}, Port: port}
}

// from is a path from a peer's address to ours.
func from(host byte, port uint16) Tuple { return Tuple{addr(1, 443), addr(host, port)} }

func challenge(n uint64) (c Challenge) {
	binary.BigEndian.PutUint64(c[:], n*0x9e3779b97f4a7c15+1)
	return c
}

// THREATS Q-01: out/in is at most 3.00 at every step, however datagrams come.
//
// 9000-8-2: "an endpoint MUST limit the amount of data it sends to the unvalidated address to three times the amount of data received from
// that address."
func TestAmplification(t *testing.T) {
	var in, out int
	var a Amplification
	s := script(noise(3, 4000))
	for len(s) > 0 {
		if n := s.next() * 5; s.next()%3 == 0 {
			a.Received(n)
			in += n
		}
		size := s.next() * 6
		n := a.Allows(size)
		require.LessOrEqual(t, n, size)
		require.NoError(t, a.Sent(n))
		out += n
		require.LessOrEqual(t, out, 3*in)
		if n < size {
			reasonIs(t, a.Sent(n+1), rPutSpent)
			require.Equal(t, out, 3*in, "all of it can be used")
		}
	}
	require.NotZero(t, out)
	reasonIs(t, a.Sent(-1), rPutSpent)
	a.Received(-5)
	require.Zero(t, a.Allows(-1))
	// 1e5 spoofed Initials of 1200 bytes, each answered as far as allowed.
	var b Amplification
	total := 0
	for i := range 100000 {
		b.Received(1200)
		for b.Allows(1200) > 0 {
			n := b.Allows(1200)
			require.NoError(t, b.Sent(n))
			total += n
		}
		if total > 3*1200*(i+1) {
			t.Fatal(total)
		}
	}
	require.False(t, b.Validated())
	b.Validate()
	require.True(t, b.Validated())
	require.Equal(t, 1<<30, b.Allows(1<<30))
	require.NoError(t, b.Sent(1<<30))
}

// The twin: a handshake with a certificate chain of 5 KiB completes in one round trip more, as the client's acknowledgments (padded Initials) are counted.
func TestAmplificationHandshake(t *testing.T) {
	var a Amplification
	left, trips := 5<<10+300, 0
	for ; left > 0 && trips < 10; trips++ {
		a.Received(1200)
		for a.Allows(1200) > 0 && left > 0 {
			n := min(a.Allows(1200), left)
			require.NoError(t, a.Sent(n))
			left -= n
		}
	}
	require.Equal(t, 2, trips)
	a.Validate()
	require.Equal(t, 1200, a.Allows(1200))
}

// 9000-8.2.3-1: "Path validation succeeds when a PATH_RESPONSE frame is received that contains the data that was sent in a previous PATH_CHALLENGE frame."
func TestValidation(t *testing.T) {
	var v Validation
	require.False(t, v.Response(Challenge{}), "nothing was sent")
	require.Equal(t, codec.Never, v.Deadline())
	require.False(t, v.Advance(1<<60))
	v.Sent(1, challenge(1), 1200)
	require.Equal(t, Unvalidated, v.State())

	now := codec.Time(1000)
	v.Start(now, pto)
	require.Equal(t, Validating, v.State())
	require.False(t, v.Response(Challenge{}))
	// Challenges at 0, 1 and 3 PTO would be: the third falls together with the end.
	var at []time.Duration
	for i := uint64(0); v.State() == Validating; i++ {
		next := v.Deadline()
		require.Greater(t, next, now-1)
		if now = next; v.Advance(now) {
			break
		}
		require.True(t, v.Due(now))
		v.Sent(now, challenge(i), 1200)
		require.False(t, v.Due(now))
		at = append(at, now.Sub(1000))
	}
	require.Equal(t, []time.Duration{0, pto}, at)
	// 9000-8.2.4-2: "A value of three times the larger of the current PTO or the PTO for the new path [...] is RECOMMENDED."
	require.Equal(t, 3*pto, now.Sub(1000))
	require.Equal(t, Failed, v.State())
	require.False(t, v.Response(challenge(0)), "too late")
	require.False(t, v.Advance(now+1))

	// Any of the challenges may be answered, not only the last.
	for answer := range uint64(2) {
		v.Start(now, pto)
		v.Sent(now, challenge(0), 1200)
		v.Sent(now.Add(pto), challenge(1), 1200)
		require.False(t, v.Response(challenge(2)))
		require.True(t, v.Response(challenge(answer)))
		require.Equal(t, Validated, v.State())
		require.True(t, v.MTU())
		require.Equal(t, codec.Never, v.Deadline())
		require.True(t, v.Response(challenge(answer)), "once more changes nothing")
	}
	v.Abandon()
	require.Equal(t, Validated, v.State())
	v.Start(now, pto)
	require.False(t, v.Response(challenge(0)), "that was another validation")
	v.Abandon()
	require.Equal(t, Failed, v.State())
	// A flood of challenges of our own keeps to its array.
	v.Start(now, pto)
	for i := range uint64(100) {
		v.Sent(now, challenge(i), 1200)
	}
	require.False(t, v.Response(challenge(91)))
	require.True(t, v.Response(challenge(92)))
}

// 9000-8.2.3-2: a small datagram validates the address, not the MTU.
func TestValidationSmall(t *testing.T) {
	var v Validation
	v.Start(1, pto)
	v.Sent(1, challenge(1), 1199)
	require.True(t, v.Response(challenge(1)))
	require.Equal(t, Validated, v.State())
	require.False(t, v.MTU())
}

// THREATS Q-07: a million PATH_CHALLENGE, and nothing can be sent. Four answers are owed, the newest.
func TestThreatChallenges(t *testing.T) {
	var r Responder
	_, found := r.Next()
	require.False(t, found)
	for i := range uint64(1e6) {
		r.Challenged(challenge(i))
		if r.Pending() > 4 {
			t.Fatal(r.Pending())
		}
	}
	for i := uint64(1e6 - 4); i < 1e6; i++ {
		data, found := r.Next()
		require.True(t, found)
		require.Equal(t, challenge(i), data)
	}
	_, found = r.Next()
	require.False(t, found, "9000-8.2.2-4: MUST NOT send more than one")
	// The twin: challenges that are answered as they come.
	for i := range uint64(100) {
		r.Challenged(challenge(i))
		data, _ := r.Next()
		require.Equal(t, challenge(i), data)
	}
}

func newServer(spare int) (*Paths, *RemoteIDs) {
	ids := newRemote(8)
	for n := 1; n <= spare; n++ {
		if ids.New(newID(uint64(n), 0)) != nil {
			panic("too many")
		}
	}
	p := &Paths{}
	p.Init(quic.Server, from(2, 1000), ids)
	p.Confirm(false)
	return p, ids
}

// arrive is a whole datagram with one authentic packet.
func arrive(p *Paths, now codec.Time, t Tuple, size int, probing, largest bool) (*Path, bool) {
	path := p.Datagram(t, size)
	if path == nil {
		path = p.Open(t, size)
	}
	if path == nil {
		return nil, false
	}
	migrated, _ := p.Packet(now, path, probing, largest, pto)
	return path, migrated
}

func moved(migrated, reset bool) bool { return migrated || reset }

// answer sends the challenge that is due on the path and lets the peer answer it.
func answer(t testing.TB, p *Paths, now codec.Time, path *Path, n uint64) Outcome {
	t.Helper()
	require.True(t, path.Validation.Due(now))
	size := path.Limit.Allows(MinDatagram)
	require.NoError(t, path.Limit.Sent(size))
	path.Validation.Sent(now, challenge(n), size)
	return p.Response(now, challenge(n), pto)
}

func TestMigration(t *testing.T) {
	p, ids := newServer(3)
	require.False(t, p.Active().Limit.Validated())
	p.HandshakeValidated()
	require.True(t, p.Active().Limit.Validated())
	first := p.Active()
	now := codec.Time(time.Hour)

	// A datagram that is not authentic makes no path.
	require.Nil(t, p.Datagram(from(3, 1), 1200))
	require.Nil(t, p.Find(from(3, 1)))
	// A probing packet makes one, and does not migrate; nor does an old packet.
	second, migrated := arrive(p, now, from(3, 1), 1200, true, true)
	require.False(t, migrated)
	require.Equal(t, Validating, second.Validation.State())
	_, migrated = arrive(p, now, from(3, 1), 400, false, false)
	require.False(t, migrated)
	require.Same(t, first, p.Active())
	require.Equal(t, 4800, second.Limit.Allows(1<<20))
	// The other packets do: 9000-9.3-1.
	_, migrated = arrive(p, now, from(3, 1), 100, false, true)
	require.True(t, migrated)
	require.Same(t, second, p.Active())
	_, migrated = arrive(p, now, from(3, 1), 100, false, true)
	require.False(t, migrated, "it is there already")
	// 9000-9.3.3-4: "In response to an apparent migration, endpoints MUST validate the previously active path".
	require.Equal(t, Validating, first.Validation.State())
	require.True(t, first.Limit.Validated())
	// A connection ID of its own (9000-9.5).
	seq, found := p.Sequence(second)
	require.True(t, found)
	require.EqualValues(t, 1, seq)
	seq, _ = p.Sequence(first)
	require.Zero(t, seq)
	require.NotEqual(t, codec.Never, p.Deadline())
	require.Nil(t, p.Response(now, challenge(99), pto).Path)
	o := answer(t, p, now, second, 1)
	require.Same(t, second, o.Path)
	require.True(t, o.Reset, "another IP address: 9000-9.4-2")
	require.True(t, second.Limit.Validated())
	// The old path fails: it is forgotten, and its ID retired.
	now = now.Add(3 * pto)
	reverted, _, lost := p.Advance(now)
	require.False(t, reverted || lost)
	require.Nil(t, p.Find(from(2, 1000)))
	require.Equal(t, 1, ids.Retiring())
	require.Equal(t, codec.Never, p.Deadline())

	// Another port only.
	third, migrated := arrive(p, now, from(3, 2), 1200, false, true)
	require.True(t, migrated)
	o = answer(t, p, now, third, 2)
	require.Same(t, third, o.Path)
	require.False(t, o.Reset)
}

// 9000-9.3.2-2: "an endpoint MUST revert to using the last validated peer address when validation of a new peer address fails."
func TestSpoofedMigration(t *testing.T) {
	p, _ := newServer(3)
	p.HandshakeValidated()
	first := p.Active()
	now := codec.Time(time.Hour)
	spoofed, migrated := arrive(p, now, from(9, 9), 1200, false, true)
	require.True(t, migrated)
	// What is sent there until then: three times what came.
	sent := 0
	for spoofed.Limit.Allows(1200) > 0 {
		require.NoError(t, spoofed.Limit.Sent(1200))
		sent += 1200
	}
	require.Equal(t, 3600, sent)
	require.Same(t, first, answer(t, p, now, first, 5).Path)
	reverted, _, lost := p.Advance(now.Add(3 * pto))
	require.True(t, reverted)
	require.False(t, lost)
	require.Same(t, first, p.Active())
	require.Nil(t, p.Find(from(9, 9)))

	// 9.3.2-2 too: packets from the legitimate address with higher numbers move it back before that, at once.
	now = now.Add(time.Hour)
	_, migrated = arrive(p, now, from(9, 9), 1200, false, true)
	require.True(t, migrated)
	_, migrated = arrive(p, now, from(2, 1000), 50, false, true)
	require.True(t, migrated)
	require.Same(t, first, p.Active())

	// 9000-9.3.2-3: with no address to go back to, the connection is over.
	p, _ = newServer(3)
	now = codec.Time(time.Hour)
	_, migrated = arrive(p, now, from(9, 9), 1200, false, true)
	require.True(t, migrated)
	reverted, _, lost = p.Advance(now.Add(3 * pto))
	require.False(t, reverted)
	require.True(t, lost)
}

// THREATS Q-07: the port changes with every packet, a hundred thousand times. One path at a time is being probed besides the active one, there are four in all, and no
// address gets more than three times what it sent.
func TestThreatChurn(t *testing.T) {
	for _, probing := range []bool{true, false} {
		p, ids := newServer(7)
		p.HandshakeValidated()
		now := codec.Time(time.Hour)
		next, moved := uint64(8), 0
		in, out := 0, 0
		for i := range 100000 {
			now = now.Add(50 * time.Microsecond)
			path, migrated := arrive(p, now, from(byte(3+i>>15), uint16(i)), 100, probing, true)
			if migrated {
				moved++
			}
			if path != nil {
				in += 100
			}
			validating := 0
			for k := range MaxPaths {
				e := p.At(k)
				if e == nil {
					continue
				}
				if e != p.Active() && e.Tuple != from(2, 1000) && e.Validation.State() == Validating {
					validating++
				}
				if e.Limit.Validated() || !e.Validation.Due(now) {
					continue
				}
				if _, found := p.Sequence(e); found {
					n := e.Limit.Allows(MinDatagram)
					require.NoError(t, e.Limit.Sent(n))
					e.Validation.Sent(now, challenge(uint64(i)), n)
					out += n
				}
			}
			if validating > 1 {
				t.Fatalf("%d paths are being probed", validating)
			}
			var f quic.Frame
			for ids.NextFrame(&f) { // the peer gives a new ID for each
				ids.Acked(f.Sequence)
				require.NoError(t, ids.New(newID(next, 0)))
				next++
			}
			_, _, lost := p.Advance(now)
			require.False(t, lost)
		}
		require.LessOrEqual(t, out, 3*in)
		require.NotZero(t, out)
		if probing {
			require.Zero(t, moved)
			require.Equal(t, from(2, 1000), p.Active().Tuple)
		} else {
			require.LessOrEqual(t, moved, 51, "5 s at one migration in 100 ms")
		}
	}
}

// However many addresses come, neither the active path nor the one to return to is forgotten.
func TestPathsKept(t *testing.T) {
	p, _ := newServer(3)
	p.HandshakeValidated()
	now := codec.Time(time.Hour)
	_, migrated := arrive(p, now, from(3, 1), 1200, false, true)
	require.True(t, migrated)
	for port := range uint16(20) {
		arrive(p, now, from(4, port), 1200, true, true)
		require.Equal(t, from(3, 1), p.Active().Tuple)
		require.NotNil(t, p.Find(from(2, 1000)))
		require.NotNil(t, p.Find(from(4, port)))
	}
	require.Nil(t, p.Find(from(4, 0)))
}

// While RETIRE_CONNECTION_ID frames wait for acknowledgment, there are no new paths; without an unused ID nothing is sent on one.
func TestNoIDs(t *testing.T) {
	p, ids := newServer(0)
	p.HandshakeValidated()
	path, migrated := arrive(p, 1, from(3, 1), 1200, false, true)
	require.True(t, migrated)
	_, found := p.Sequence(path)
	require.False(t, found)
	require.NoError(t, ids.New(newID(1, 0)))
	seq, found := p.Sequence(path)
	require.True(t, found)
	require.EqualValues(t, 1, seq)
	// The ID that a path has is retired by the peer: another one is taken.
	require.NoError(t, ids.New(newID(2, 2)))
	seq, found = p.Sequence(path)
	require.True(t, found)
	require.EqualValues(t, 2, seq)
	for n := uint64(3); ids.Retiring() < 24; n++ {
		require.NoError(t, ids.New(newID(n, n)))
	}
	require.Nil(t, p.Open(from(4, 1), 100))
	p.Init(quic.Client, from(2, 1000), ids)
	p.Confirm(false)
	require.Nil(t, p.Probe(1, from(4, 1), pto))

	ids.Init(quic.ConnectionID{}, 4)
	p.Init(quic.Server, from(2, 1000), ids)
	p.Confirm(false)
	for port := range uint16(10) { // of length zero: the same for all
		path, _ = arrive(p, 1, from(3, port), 1200, true, true)
		_, found = p.Sequence(path)
		require.True(t, found)
	}
	require.Zero(t, ids.Retiring())
}

func TestClientPaths(t *testing.T) {
	ids := newRemote(4)
	require.NoError(t, ids.New(newID(1, 0)))
	p := &Paths{}
	here, there := addr(1, 5), addr(7, 443)
	p.Init(quic.Client, Tuple{here, there}, ids)
	require.True(t, p.Active().Limit.Validated())
	now := codec.Time(1)
	// 9000-9-2: "An endpoint MUST NOT initiate connection migration before the handshake is confirmed".
	require.Nil(t, p.Probe(now, Tuple{addr(2, 5), there}, pto))
	require.Nil(t, p.Open(Tuple{addr(2, 5), there}, 1200))
	// 9000-9-3: disable_active_migration: not from another address of ours to where the server was, but to its preferred address.
	p.Confirm(true)
	require.Nil(t, p.Probe(now, Tuple{addr(2, 5), there}, pto))
	require.NotNil(t, p.Probe(now, Tuple{here, addr(9, 1)}, pto))
	require.NotNil(t, p.Probe(now, Tuple{here, there}, pto), "whether the server is still there may be asked")
	p.Init(quic.Client, Tuple{here, there}, ids)
	p.Confirm(false)
	// 9000-9-6: "If a client receives packets from an unknown server address, the client MUST discard these packets."
	require.Nil(t, p.Open(Tuple{here, addr(8, 443)}, 1200))
	// Another network of ours.
	path := p.Probe(now, Tuple{addr(2, 5), there}, pto)
	require.NotNil(t, path)
	require.Same(t, path, p.Probe(now, Tuple{addr(2, 5), there}, pto))
	require.Equal(t, 1200, path.Limit.Allows(1200), "what we begin ourselves is not amplified")
	reasonIs(t, p.Migrate(path), rPutPath)
	require.Same(t, path, answer(t, p, now, path, 1).Path)
	require.False(t, moved(p.Packet(now, path, false, true, pto)), "a client is not migrated by its server")
	require.NoError(t, p.Migrate(path))
	require.Same(t, path, p.Active())
	reasonIs(t, p.Migrate(&Path{}), rPutPath)
	reasonIs(t, p.Migrate(nil), rPutPath)
	require.False(t, moved(p.Packet(now, nil, false, true, pto)))
	// The server's preferred address: validated before it is used; where that fails nothing changes (9000-9.6.1-4).
	preferred := p.Probe(now, Tuple{addr(2, 5), addr(9, 443)}, pto)
	reverted, _, lost := p.Advance(now.Add(3 * pto))
	require.False(t, reverted || lost)
	reasonIs(t, p.Migrate(preferred), rPutPath)
	require.Same(t, path, p.Active())

	server, _ := newServer(1)
	require.Nil(t, server.Probe(now, from(3, 3), pto))
	reasonIs(t, server.Migrate(server.Active()), rPutPath)
	require.Nil(t, server.At(-1))
	require.Nil(t, server.At(MaxPaths))
}

// 9000-8.2.1-6: a challenge in a small datagram is followed by one in a large one.
func TestSmallChallenge(t *testing.T) {
	p, _ := newServer(2)
	p.HandshakeValidated()
	path, _ := arrive(p, 1, from(3, 1), 50, false, true)
	o := answer(t, p, 1, path, 1) // 150 bytes are allowed
	require.Same(t, path, o.Path)
	require.True(t, o.Reset)
	require.True(t, path.Limit.Validated())
	require.Equal(t, Validating, path.Validation.State())
	o = answer(t, p, 1, path, 2)
	require.Equal(t, Validated, path.Validation.State())
	require.True(t, path.Validation.MTU())
	require.False(t, o.Reset)
}

func TestMemory(t *testing.T) {
	size := unsafe.Sizeof(Paths{}) + unsafe.Sizeof(LocalIDs{}) + unsafe.Sizeof(RemoteIDs{}) + unsafe.Sizeof(Idle{}) + unsafe.Sizeof(Closer{}) + unsafe.Sizeof(MTU{})
	require.Less(t, int(size)+2*16*(maxGaps+1), 4<<10)
}

// Nothing is allocated, not with errors either.
func TestSilence(t *testing.T) {
	p, ids := newServer(7)
	p.HandshakeValidated()
	var l LocalIDs
	l.Init(cid(0))
	now, next := codec.Time(time.Hour), uint64(8)
	frame, bad := newID(8, 0), newID(1, 0)
	bad.Token[3]++
	var f quic.Frame
	turn := func() {
		now = now.Add(time.Second)
		path, _ := arrive(p, now, from(3, uint16(next)), 1200, false, true)
		p.Sequence(path)
		path.Validation.Sent(now, challenge(next), 1200)
		p.Response(now, challenge(next), pto)
		p.Advance(now)
		for ids.NextFrame(&f) {
			ids.Acked(f.Sequence)
			binary.BigEndian.PutUint64(frame.Data, next+1000)
			binary.BigEndian.PutUint64(frame.Token[:], next+77)
			frame.Sequence = next
			if err := ids.New(frame); err != nil {
				t.Fatal(err)
			}
			next++
		}
		bad.Sequence = next - 1
		if ids.New(bad) == nil {
			t.Fatal("no error")
		}
		l.Retire(5, 0, true)
		next++
		next--
	}
	for range 50 {
		turn()
	}
	require.Zero(t, testing.AllocsPerRun(100, turn))
}
