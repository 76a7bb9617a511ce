package path

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

// spoof has an attacker send a copy of a packet from an address where nobody answers, and the peer at the active path answer its challenge. It returns the
// time when the spoofed path has failed.
func spoof(t *testing.T, p *Paths, now codec.Time) codec.Time {
	t.Helper()
	home := p.Active()
	_, migrated := arrive(p, now, from(99, 9), 1200, false, true)
	require.True(t, migrated)
	require.Same(t, home, answer(t, p, now, home, 99).Path)
	now = now.Add(3 * pto)
	reverted, _, lost := p.Advance(now)
	require.True(t, reverted, "9000-9.3.2-2")
	require.False(t, lost)
	require.Same(t, home, p.Active())
	return now
}

// A peer that moves to another network and comes back to the first, both validated: that is where it is, and what to return to after a spoofed
// migration. Congestion control begins anew each time (RFC 9000 section 9.4).
func TestBackAndForth(t *testing.T) {
	p, _ := newServer(7)
	p.HandshakeValidated()
	now := codec.Time(time.Hour)
	home := p.Active()
	away, migrated := arrive(p, now, from(3, 1), 1200, false, true)
	require.True(t, migrated)
	require.Same(t, home, answer(t, p, now, home, 1).Path)
	require.True(t, answer(t, p, now, away, 2).Reset)

	now = now.Add(10 * pto)
	migrated, reset := p.Packet(now, p.Datagram(home.Tuple, 1200), false, true, pto)
	require.True(t, migrated)
	require.True(t, reset, "another IP address, which was validated before")
	require.Same(t, home, p.Active())
	_, _, lost := p.Advance(now.Add(3 * pto)) // away is gone
	require.False(t, lost)
	require.Nil(t, p.Find(from(3, 1)))
	spoof(t, p, now.Add(10*pto))
}

// A client that validates a new path before it moves there (9000-9.1): nothing is validated any more when it moves, and what follows from validation follows then.
func TestProbeThenMove(t *testing.T) {
	for _, host := range []byte{2, 3} {
		p, ids := newServer(7)
		p.HandshakeValidated()
		now := codec.Time(time.Hour)
		there, migrated := arrive(p, now, from(host, 7), 1200, true, true)
		require.False(t, migrated)
		o := answer(t, p, now, there, 1)
		require.Same(t, there, o.Path)
		require.False(t, o.Reset, "it is not active")
		now = now.Add(10 * pto)
		migrated, reset := p.Packet(now, p.Datagram(there.Tuple, 1200), false, true, pto)
		require.True(t, migrated)
		require.Equal(t, host != 2, reset, "with another port only they stay")
		require.Equal(t, Validated, there.Validation.State())
		// The old path is not there any more.
		now = now.Add(3 * pto)
		reverted, _, lost := p.Advance(now)
		require.False(t, reverted || lost)
		require.Nil(t, p.Find(from(2, 1000)))
		require.Equal(t, 1, ids.Retiring())
		spoof(t, p, now.Add(10*pto))
	}
}

// 9000-9.4-2: "On confirming a peer's ownership of its new address, an endpoint MUST immediately reset the congestion controller and round-trip time estimator": with
// a small datagram already, before the path is known to carry a large one. If it does not, it goes back, and resets again.
func TestResetAtOnce(t *testing.T) {
	p, _ := newServer(7)
	p.HandshakeValidated()
	now := codec.Time(time.Hour)
	path, _ := arrive(p, now, from(3, 1), 50, false, true)
	require.True(t, answer(t, p, now.Add(2*pto), path, 1).Reset)
	require.Equal(t, Validating, path.Validation.State())
	later := now.Add(3 * pto)
	reverted, _, lost := p.Advance(later) // the old path fails
	require.False(t, reverted || lost)
	require.Nil(t, p.Find(from(2, 1000)))
	require.False(t, answer(t, p, later, path, 2).Reset)

	p, _ = newServer(7)
	p.HandshakeValidated()
	home := p.Active()
	path, _ = arrive(p, now, from(3, 1), 50, false, true)
	require.Same(t, home, answer(t, p, now, home, 1).Path)
	require.True(t, answer(t, p, now, path, 2).Reset)
	require.Equal(t, Validating, path.Validation.State())
	reverted, reset, lost := p.Advance(later)
	require.True(t, reverted && reset)
	require.False(t, lost)
	require.Same(t, home, p.Active())

	// The peer comes back before that.
	p, _ = newServer(7)
	p.HandshakeValidated()
	path, _ = arrive(p, now, from(3, 1), 50, false, true)
	require.True(t, answer(t, p, now, path, 1).Reset)
	migrated, reset := p.Packet(now, p.Datagram(from(2, 1000), 50), false, true, pto)
	require.True(t, migrated && reset)
}

// Where no challenge can be sent, there is no deadline in the past that would keep a loop busy: the end of the validation is the next thing to happen.
func TestDeadlineMute(t *testing.T) {
	p, ids := newServer(1)
	p.HandshakeValidated()
	now := codec.Time(time.Hour)
	path, migrated := arrive(p, now, from(3, 1), 12, false, true) // 36 bytes are allowed, 38 are the least
	require.True(t, migrated)
	p.Active().Validation.Sent(now, challenge(1), 36)
	p.Find(from(2, 1000)).Validation.Sent(now, challenge(2), 1200)
	now = now.Add(pto)
	p.Find(from(2, 1000)).Validation.Sent(now, challenge(3), 1200)
	require.True(t, path.Validation.Due(now))
	require.Equal(t, now.Add(2*pto), p.Deadline(), "the end")
	p.Datagram(from(3, 1), 100)
	require.Equal(t, now, p.Deadline(), "there is room again")
	// Nor is there an unused connection ID for this one, until the peer issues one.
	seq, found := p.Sequence(path)
	require.True(t, found)
	require.NoError(t, ids.Retire(seq))
	require.Equal(t, now.Add(2*pto), p.Deadline())
	require.NoError(t, ids.New(newID(2, 0)))
	require.Equal(t, now, p.Deadline())
	p.Sequence(path)
	require.Equal(t, now, p.Deadline())
}
