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
}

// Paths are the paths of a connection: which one is active, what migration does, and what is validated. It is bounded: MaxPaths, and one migration of the
// peer in a probe timeout. It is not ready for use before Init.
type Paths struct {
	role     quic.Role
	ids      *RemoteIDs
	paths    [MaxPaths]Path
	active   int
	fallback int  // the last validated path, -1 if there is none
	settled  Addr // its remote address, also when it is forgotten
	opened   uint64
	moved    codec.Time // the last migration of the peer
	stable   bool       // the handshake is confirmed
	fixed    bool       // the server wants no migration
	server   Addr       // where a client found it
}

// Init makes p ready with the path of the handshake. ids are the peer's connection IDs; the path uses the one with sequence number 0. The path has to be validated by the handshake: a server
// calls HandshakeValidated. For a client it is.
func (p *Paths) Init(role quic.Role, t Tuple, ids *RemoteIDs) {
	*p = Paths{role: role, ids: ids, fallback: -1, settled: t.Remote, opened: 1, server: t.Remote}
	p.paths[0] = Path{Tuple: t, hasSeq: true, inUse: true}
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

// settle makes the active path, which is validated, the one to return to. reset tells whether its IP address is another one than that of the path
// that was.
//
// 9000-9.4-2: "On confirming a peer's ownership of its new address, an endpoint MUST immediately reset the congestion controller and round-trip time
// estimator for the new path to initial values [...] unless the only change in the peer's address is its port number."
func (p *Paths) settle() (reset bool) {
	now := p.Active().Tuple.Remote
	reset = now.IP != p.settled.IP
	p.settled, p.fallback = now, p.active
	return reset
}

// Confirm says that the handshake is confirmed (RFC 9001 section 4.1.2): until then there is one path only, and packets from elsewhere are dropped. For a client,
// disabled is the server's transport parameter disable_active_migration: then Probe makes paths to its preferred address only.
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
	// 9000-9-6: "If a client receives packets from an unknown server address, the client MUST discard these packets."
	if !p.stable || p.role == quic.Client && t.Remote != p.Active().Tuple.Remote {
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
	// 9000-9-2: "An endpoint MUST NOT initiate connection migration before the handshake is confirmed". 9-3: "If the peer sent the
	// disable_active_migration transport parameter, an endpoint also MUST NOT send packets (including probing packets [...]) from a different local address to the
	// address the peer used during the handshake".
	if p.role != quic.Client || !p.stable || p.fixed && t.Remote == p.server && t != p.Active().Tuple {
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
}

// Packet says that a packet on the path was processed. probing tells that it had probing frames only (quic.Kind.Probing), largest that its number is the
// highest so far. migrated tells whether the peer has moved there: the path is active now, is being validated unless it was before, and so is the path that was active until
// now. reset says that congestion control and round-trip time begin anew, as Outcome.Reset does: the peer has moved to another IP address that was validated before, by a
// client that probes before it moves, or that comes back. pto is the current probe timeout.
func (p *Paths) Packet(now codec.Time, path *Path, probing, largest bool, pto time.Duration) (migrated, reset bool) {
	i := p.index(path)
	if i < 0 || i == p.active {
		return false, false
	}
	// 9000-9.6.3-4: "Servers SHOULD initiate path validation to the client's new address upon receiving a probe packet from a different address".
	if path.Validation.state == Unvalidated && !p.validating() {
		path.Validation.Start(now, pto)
	}
	// 9000-9.3-3: "An endpoint only changes the address to which it sends packets in response to the highest-numbered non-probing packet."
	if p.role == quic.Client || probing || !largest {
		return false, false
	}
	if p.moved != codec.Never && now.Sub(p.moved) < pto && i != p.fallback {
		return false, false // a peer that moves all the time has to wait; back to where it was validated it may go at any time
	}
	p.moved = now
	old := p.active
	p.active = i
	// 9000-9.3-2: the recipient "MUST initiate path validation [...] to verify the peer's ownership of the address if validation is not already underway."
	switch path.Validation.state {
	case Validated:
		reset = p.settle() // there is nothing to validate: "unless it has previously validated that address" (RFC 9000 section 9)
	case Validating:
	default:
		path.Validation.Start(now, pto)
	}
	// 9000-9.3.3-4: "In response to an apparent migration, endpoints MUST validate the previously active path using a PATH_CHALLENGE frame."
	if p.paths[old].Validation.state != Validating {
		p.paths[old].Validation.Start(now, pto)
	}
	// 9000-9.3-5: "After changing the address to which it sends non-probing packets, an endpoint can abandon any path validation for other addresses."
	for k := range p.paths {
		if k != p.active && k != old && k != p.fallback {
			p.drop(k)
		}
	}
	return true, reset
}

// validating tells whether a path that is not active is being validated.
func (p *Paths) validating() bool {
	for i := range p.paths {
		if i != p.active && p.paths[i].inUse && p.paths[i].Validation.state == Validating {
			return true
		}
	}
	return false
}

func (p *Paths) index(path *Path) int {
	for i := range p.paths {
		if path == &p.paths[i] && path.inUse {
			return i
		}
	}
	return -1
}

// Migrate makes a path active that a client has validated. The error is misuse: a path that is not validated, or none of ours. Congestion control and round-trip time
// begin anew then, and the search for the MTU.
func (p *Paths) Migrate(path *Path) error {
	i := p.index(path)
	// 9000-9.6.2-1: "A client that migrates to a preferred address MUST validate the address it chooses before migrating".
	if i < 0 || p.role != quic.Client || path.Validation.state != Validated {
		return failure(rPutPath)
	}
	p.active = i
	p.settle()
	return nil
}

// Outcome is what a PATH_RESPONSE frame means.
type Outcome struct {
	// Path is the one that is validated, nil if the response answers nothing.
	Path *Path
	// Reset says that the active path is validated at another IP address than the one before: congestion control and round-trip time begin anew (9000-9.4-2). Where only the port has changed they stay.
	Reset bool
}

// Response takes a PATH_RESPONSE frame. If the challenge went in a small datagram, another validation begins by itself, with datagrams of MinDatagram bytes. pto is
// the current probe timeout.
func (p *Paths) Response(now codec.Time, data Challenge, pto time.Duration) (o Outcome) {
	for i := range p.paths {
		path := &p.paths[i]
		if !path.inUse || !path.Validation.Response(data) {
			continue
		}
		path.Limit.Validate()
		if !path.Validation.MTU() {
			path.Validation.Start(now, pto)
		} else if i == p.active {
			o.Reset = p.settle()
		}
		o.Path = path
		return o
	}
	return o
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

// Advance tells the time: validations fail, and their paths are forgotten. reverted says that the active one has failed and the last validated one is active again. If there is none,
// lost is true: the connection is to be closed silently (9000-9.3.2-3), or with NO_VIABLE_PATH.
func (p *Paths) Advance(now codec.Time) (reverted, lost bool) {
	for i := range p.paths {
		path := &p.paths[i]
		if !path.inUse || !path.Validation.Advance(now) {
			continue
		}
		if i != p.active {
			p.drop(i)
			continue
		}
		// 9000-9.3.2-2: "an endpoint MUST revert to using the last validated peer address when validation of a new peer address fails."
		if p.fallback < 0 || p.fallback == i {
			lost = true
			continue
		}
		p.drop(i)
		p.active, reverted = p.fallback, true
	}
	return reverted, lost
}
