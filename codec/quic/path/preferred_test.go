package path

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// to is a path from a peer's address to our preferred one.
func to(host byte, port uint16) Tuple { return Tuple{addr(9, 443), addr(host, port)} }

// 9000-9.6.2-2: "The server MUST send non-probing packets from its original address until it receives a non-probing packet from the client at its preferred
// address and until the server has validated the new path."
func TestServerPreferred(t *testing.T) {
	p, ids := newServer(3)
	p.HandshakeValidated()
	now, home := codec.Time(time.Hour), p.Active()
	path, migrated := arrive(p, now, to(2, 1000), 1200, false, true)
	require.False(t, migrated)
	require.Same(t, home, p.Active())
	require.Equal(t, Validating, path.Validation.State(), "9.6.2-3: MUST probe")
	o := answer(t, p, now, path, 1)
	require.Same(t, path, o.Path)
	require.True(t, o.Migrated)
	require.True(t, o.Reset, "9.4-1: another path, though the client's address is the same")
	require.Same(t, path, p.Active())
	require.Equal(t, Validating, home.Validation.State())
	p.Advance(now.Add(3 * pto))
	require.Nil(t, p.Find(from(2, 1000)))
	require.Equal(t, 1, ids.Retiring())

	// Only probed: it is validated, and nothing else happens before the client moves there.
	p, _ = newServer(3)
	p.HandshakeValidated()
	path, _ = arrive(p, now, to(2, 1000), 1200, true, true)
	o = answer(t, p, now, path, 1)
	require.Same(t, path, o.Path)
	require.False(t, o.Migrated || o.Reset)
	_, migrated = arrive(p, now, to(2, 1000), 100, false, true)
	require.True(t, migrated)

	// A copy of a packet that somebody else has sent there: the client is still where it was.
	p, _ = newServer(3)
	p.HandshakeValidated()
	home = p.Active()
	path, _ = arrive(p, now, to(7, 7), 1200, false, true)
	p.Packet(now, home, false, true, pto)
	require.False(t, answer(t, p, now, path, 1).Migrated, "9.3-3: its highest-numbered packet came elsewhere")
	require.Same(t, home, p.Active())

	// A first challenge in a small datagram, and a path that is forgotten.
	p, _ = newServer(3)
	p.HandshakeValidated()
	path, _ = arrive(p, now, to(2, 1000), 50, false, true)
	require.False(t, answer(t, p, now, path, 1).Migrated, "8.2.3-2: it may not carry 1200 bytes")
	arrive(p, now, to(2, 1000), 50, false, true)
	require.True(t, answer(t, p, now, path, 2).Migrated)
	p, _ = newServer(3)
	p.HandshakeValidated()
	arrive(p, now, to(2, 1000), 1200, false, true)
	reverted, _, lost := p.Advance(now.Add(3 * pto))
	require.False(t, reverted || lost)
	require.Nil(t, p.Find(to(2, 1000)))
	require.Equal(t, -1, p.wanted)
}

// 9000-9.6.3-2: "If path validation of the server's preferred address succeeds, the client MUST abandon validation of the original address".
func TestClientPreferred(t *testing.T) {
	here, moved, original, preferred := addr(1, 5), addr(2, 5), addr(7, 443), addr(9, 443)
	now := codec.Time(time.Hour)
	ids := newRemote(8)
	for n := uint64(1); n < 4; n++ {
		require.NoError(t, ids.New(newID(n, 0)))
	}
	p := &Paths{}
	p.Init(quic.Client, Tuple{here, original}, ids)
	p.Confirm(false)
	p.Probe(now, Tuple{moved, original}, pto)
	path := p.Probe(now, Tuple{moved, preferred}, pto)
	other := p.Probe(now, Tuple{here, preferred}, pto)
	require.Same(t, path, answer(t, p, now, path, 1).Path)
	require.NoError(t, p.Migrate(path))
	require.Nil(t, p.Find(Tuple{moved, original}))
	require.NotNil(t, p.Find(Tuple{here, original}), "nothing is asked there")
	require.Equal(t, Validating, other.Validation.State())

	// The twin: to another network, the server where it was.
	p.Init(quic.Client, Tuple{here, original}, ids)
	p.Confirm(false)
	path = p.Probe(now, Tuple{moved, original}, pto)
	other = p.Probe(now, Tuple{addr(3, 5), original}, pto)
	answer(t, p, now, path, 1)
	require.NoError(t, p.Migrate(path))
	require.Equal(t, Validating, other.Validation.State())
}

// 9000-9-3: with disable_active_migration "an endpoint also MUST NOT send packets (including probing packets [...]) from a different local address to the address
// the peer used during the handshake": no path either where something came to such an address.
func TestClientFixed(t *testing.T) {
	here, original := addr(1, 5), addr(7, 443)
	for _, fixed := range []bool{true, false} {
		p := &Paths{}
		p.Init(quic.Client, Tuple{here, original}, newRemote(4))
		p.Confirm(fixed)
		require.Equal(t, fixed, p.Open(Tuple{addr(2, 5), original}, 1200) == nil)
	}
}

// 9000-9.3.2-2: "an endpoint MUST revert to using the last validated peer address when validation of a new peer address fails", also where that was validated after the
// next migration, and the address before it is gone.
func TestLateValidation(t *testing.T) {
	p, _ := newServer(5)
	p.HandshakeValidated()
	now := codec.Time(time.Hour)
	away, migrated := arrive(p, now, from(3, 1), 1200, false, true)
	require.True(t, migrated)
	away.Validation.Sent(now, challenge(1), 1200)
	now = now.Add(pto)
	_, migrated = arrive(p, now, from(99, 9), 1200, false, true) // a copy with a spoofed address
	require.True(t, migrated)
	require.Same(t, away, p.Response(now, challenge(1), pto).Path)
	reverted, reset, lost := p.Advance(now.Add(2 * pto)) // the address of the handshake
	require.False(t, reverted || reset || lost)
	require.Nil(t, p.Find(from(2, 1000)))
	reverted, reset, lost = p.Advance(now.Add(3 * pto))
	require.True(t, reverted)
	require.True(t, reset, "congestion control was that of the first address: 9.4-2")
	require.False(t, lost)
	require.Same(t, away, p.Active())
	spoof(t, p, now.Add(10*pto))
}

// Both fail at the same time: it is lost, in whatever order they stand.
func TestBothFail(t *testing.T) {
	p, _ := newServer(5)
	p.HandshakeValidated()
	now := codec.Time(time.Hour)
	_, migrated := arrive(p, now, from(3, 1), 1200, false, true)
	require.True(t, migrated)
	reverted, _, lost := p.Advance(now.Add(3 * pto))
	require.False(t, reverted)
	require.True(t, lost)

	p, _ = newServer(5)
	p.HandshakeValidated()
	away, _ := arrive(p, now, from(3, 1), 1200, false, true)
	answer(t, p, now, away, 1)
	now = now.Add(3 * pto)
	p.Advance(now)
	_, migrated = arrive(p, now, from(2, 1000), 1200, false, true) // takes the first place, in front of the path to return to
	require.True(t, migrated)
	require.Same(t, p.At(0), p.Active())
	reverted, _, lost = p.Advance(now.Add(3 * pto))
	require.False(t, reverted)
	require.True(t, lost)
}

// 9000-9.1-1: "Failure to validate a path does not cause the connection to end unless there are no valid alternative paths available."
func TestClientAlternative(t *testing.T) {
	ids := newRemote(8)
	require.NoError(t, ids.New(newID(1, 0)))
	p := &Paths{}
	here, there := addr(1, 5), addr(7, 443)
	p.Init(quic.Client, Tuple{here, there}, ids)
	p.Confirm(false)
	now := codec.Time(time.Hour)
	other := p.Probe(now, Tuple{addr(2, 5), there}, pto)
	answer(t, p, now, other, 1)
	p.Probe(now, Tuple{here, there}, pto) // whether the server is still there
	reverted, reset, lost := p.Advance(now.Add(3 * pto))
	require.True(t, reverted)
	require.True(t, reset)
	require.False(t, lost)
	require.Same(t, other, p.Active())
	// There is no third one.
	p.Probe(now, other.Tuple, pto)
	reverted, _, lost = p.Advance(now.Add(3 * pto))
	require.False(t, reverted)
	require.True(t, lost)

	// A server goes only where the peer has been: "Servers do not send non-probing packets [...] toward a client address until they see a non-probing packet from
	// that address" (9000-9-6).
	p, _ = newServer(5)
	p.HandshakeValidated()
	probed, _ := arrive(p, now, from(3, 1), 1200, true, true)
	answer(t, p, now, probed, 1)
	p.Active().Validation.Start(now, pto)
	reverted, _, lost = p.Advance(now.Add(3 * pto))
	require.False(t, reverted)
	require.True(t, lost)
}
