package path

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// Addr is an IP address, IPv4 in its IPv6-mapped form, and a port. It can be compared.
type Addr struct {
	IP   [16]byte
	Port uint16
}

// Tuple is what a path is known by: the addresses of both ends.
type Tuple struct {
	Local, Remote Addr
}

// MaxPaths is how many paths of a connection have state at the same time: the active one, the last validated one to fall back to, and two that
// are being validated.
const MaxPaths = 4

// Path is the state of one path.
type Path struct {
	// Tuple are its addresses.
	Tuple Tuple
	// Limit is what may be sent to it.
	Limit Amplification
	// Validation is whether the peer is there.
	Validation Validation
	// Responses are the answers that are owed on it.
	Responses Responder

	seq    uint64
	hasSeq bool
	opened uint64 // when, in number of paths
	inUse  bool
	been   bool // was the active path once
}

// Paths are the paths of a connection: which one is active, what migration does, and what is validated. It is bounded: MaxPaths, and one migration of the
// peer in a probe timeout. It is not ready for use before Init.
type Paths struct {
	role     quic.Role
	ids      *RemoteIDs
	paths    [MaxPaths]Path
	active   int
	fallback int   // the last validated path, -1 if there is none
	settled  Tuple // the addresses that congestion control is for
	wanted   int   // the path at another address of ours that the peer has moved to, until it is validated; -1 if there is none
	opened   uint64
	moved    codec.Time // the last migration of the peer
	stable   bool       // the handshake is confirmed
	fixed    bool       // the server wants no migration
	home     Tuple      // of the handshake
}

// Init makes p ready with the path of the handshake. ids are the peer's connection IDs; the path uses the one with sequence number 0. The path has to be validated by the handshake: a server
// calls HandshakeValidated. For a client it is.
func (p *Paths) Init(role quic.Role, t Tuple, ids *RemoteIDs) {
	*p = Paths{role: role, ids: ids, fallback: -1, settled: t, wanted: -1, opened: 1, home: t}
	p.paths[0] = Path{Tuple: t, hasSeq: true, inUse: true, been: true}
	if role == quic.Client {
		p.HandshakeValidated()
	}
}

// HandshakeValidated says that the handshake has validated the active path: a Handshake packet was processed, or a token of this address was
// presented (9000-8.1-1).
func (p *Paths) HandshakeValidated() {
	a := p.Active()
	a.Limit.Validate()
	a.Validation = Validation{state: Validated, mtu: true}
	p.settle()
}

// settle makes the active path, which is validated, the one to return to.
func (p *Paths) settle() (reset bool) {
	p.fallback = p.active
	return p.renew()
}

// renew tells whether congestion control and round-trip time begin anew on the active path, where the peer's address is validated: they are those of a path with another IP
// address.
//
// 9000-9.4-1: "Packets sent on the old path MUST NOT contribute to congestion control or RTT estimation for the new path."
// 9000-9.4-2: "On confirming a peer's ownership of its new address, an endpoint MUST immediately reset the congestion controller and round-trip time
// estimator for the new path to initial values [...] unless the only change in the peer's address is its port number."
func (p *Paths) renew() (reset bool) {
	now := p.Active().Tuple
	reset = now.Remote.IP != p.settled.Remote.IP || now.Local.IP != p.settled.Local.IP
	p.settled = now
	return reset
}

// Confirm says that the handshake is confirmed (RFC 9001 section 4.1.2): until then there is one path only, and packets from elsewhere are dropped. For a client,
// disabled is the server's transport parameter disable_active_migration: then there is no path from another address of ours to where the server was found, but to its preferred
// address.
func (p *Paths) Confirm(disabled bool) { p.stable, p.fixed = true, disabled }

// Active returns the path that everything but probes is sent on.
func (p *Paths) Active() *Path { return &p.paths[p.active] }

// Find returns the path with these addresses, nil if there is none.
func (p *Paths) Find(t Tuple) *Path {
	for i := range p.paths {
		if p.paths[i].inUse && p.paths[i].Tuple == t {
			return &p.paths[i]
		}
	}
	return nil
}

// At returns path i of 0 to MaxPaths-1, nil if there is none: to look at what each of them has to send.
func (p *Paths) At(i int) *Path {
	if i < 0 || i >= MaxPaths || !p.paths[i].inUse {
		return nil
	}
	return &p.paths[i]
}

// Sequence returns the sequence number of the peer's connection ID for packets on the path. If the one that it had is retired, a new one is taken. found is false if there is
// none: nothing can be sent on it (9000-9.3-2).
func (p *Paths) Sequence(path *Path) (seq uint64, found bool) {
	if path.hasSeq {
		if _, there := p.ids.Get(path.seq); there {
			return path.seq, true
		}
	}
	seq, _, err := p.ids.Use()
	path.seq, path.hasSeq = seq, err == nil
	return seq, err == nil
}

// Datagram counts a datagram of size bytes that has arrived, before its packets are opened, and returns its path: nil if there is none. If one of its packets is authentic
// then, call Open.
func (p *Paths) Datagram(t Tuple, size int) *Path {
	path := p.Find(t)
	if path != nil {
		path.Limit.Received(size)
	}
	return path
}

// Open makes a path for a datagram of size bytes, of which a packet was authentic, with addresses that no path has. It takes the place of the oldest one
// that is neither active nor to fall back to, whose connection ID is retired. It returns nil if the packet is to be dropped: before the handshake
// is confirmed, by a client, which does not follow a server to another address, and while too many connection IDs wait to be retired there are no new paths.
func (p *Paths) Open(t Tuple, size int) *Path {
	// 9000-9-6: "If a client receives packets from an unknown server address, the client MUST discard these packets." What comes to an address of a client from
	// where it must not send (9-3) gets no answer.
	if !p.stable || p.role == quic.Client && (t.Remote != p.Active().Tuple.Remote || p.stuck(t)) {
		return nil
	}
	path := p.place(t)
	if path != nil {
		path.Limit.Received(size)
	}
	return path
}

// Probe makes a path that we want to try, from another address of ours or to the server's preferred address, and begins to validate it. It is
// only for clients. The path is returned, an old one if there is one; nil if there can be none, see Confirm and Open. pto is as in Validation.Start.
func (p *Paths) Probe(now codec.Time, t Tuple, pto time.Duration) *Path {
	// 9000-9-2: "An endpoint MUST NOT initiate connection migration before the handshake is confirmed".
	if p.role != quic.Client || !p.stable || p.stuck(t) {
		return nil
	}
	path := p.Find(t)
	if path == nil {
		if path = p.place(t); path == nil {
			return nil
		}
		path.Limit.Validate() // what we begin ourselves amplifies nothing
	}
	path.Validation.Start(now, pto)
	return path
}

// stuck tells whether a client must not send on a path with these addresses because of disable_active_migration.
//
// 9000-9-3: "If the peer sent the disable_active_migration transport parameter, an endpoint also MUST NOT send packets (including probing packets [...]) from a
// different local address to the address the peer used during the handshake".
func (p *Paths) stuck(t Tuple) bool {
	return p.fixed && t.Remote == p.home.Remote && t.Local != p.home.Local
}

// place finds room for a path.
func (p *Paths) place(t Tuple) *Path {
	if p.ids.Retiring() >= 3*p.ids.Limit() {
		return nil
	}
	best := -1
	for i := range p.paths {
		e := &p.paths[i]
		if !e.inUse {
			best = i
			break
		}
		if i != p.active && i != p.fallback && (best < 0 || e.opened < p.paths[best].opened) {
			best = i
		}
	}
	p.drop(best)
	p.opened++
	p.paths[best] = Path{Tuple: t, inUse: true, opened: p.opened}
	return &p.paths[best]
}

// drop forgets a path and retires its connection ID.
func (p *Paths) drop(i int) {
	if e := &p.paths[i]; e.inUse && e.hasSeq {
		p.ids.Retire(e.seq) // of length zero, or retired by the peer already: nothing to do
	}
	p.paths[i] = Path{}
	if i == p.fallback {
		p.fallback = -1
	}
	if i == p.wanted {
		p.wanted = -1
	}
}

// Deadline returns when Advance has something to do or a challenge is due, Never if not. A challenge that cannot be sent, because the anti-amplification limit leaves
// no room for it or there is no connection ID, is not waited for: what changes that is a packet of the peer.
func (p *Paths) Deadline() (t codec.Time) {
	for i := range p.paths {
		path := &p.paths[i]
		switch {
		case !path.inUse || path.Validation.state != Validating:
		case p.mute(path):
			t = codec.Earliest(t, path.Validation.deadline)
		default:
			t = codec.Earliest(t, path.Validation.Deadline())
		}
	}
	return t
}

// mute tells whether nothing can be sent on the path now.
func (p *Paths) mute(path *Path) bool {
	// The first byte, the connection ID, the longest packet number, PATH_CHALLENGE, and the tag of the cipher.
	least := 1 + p.ids.ids[0].id.Len() + 4 + 9 + 16
	if path.Limit.Allows(least) < least {
		return true
	}
	if path.hasSeq {
		if _, there := p.ids.Get(path.seq); there {
			return false
		}
	}
	return !p.ids.zero && p.ids.Unused() == 0
}
