package path

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// Packet says that a packet on the path was processed. probing tells that it had probing frames only (quic.Kind.Probing), largest that its number is the
// highest so far. migrated tells whether the peer has moved there: the path is active now, is being validated unless it was before, and so is the path that was active until
// now. reset says that congestion control and round-trip time begin anew, as Outcome.Reset does: the peer has moved to another IP address that was validated before, by a
// client that probes before it moves, or that comes back. pto is the current probe timeout.
//
// A server follows a client to another address of its own, the preferred one, when the path is validated: if it was not before, Outcome.Migrated says so later.
func (p *Paths) Packet(now codec.Time, path *Path, probing, largest bool, pto time.Duration) (migrated, reset bool) {
	i := p.index(path)
	// 9000-9.3-3: "An endpoint only changes the address to which it sends packets in response to the highest-numbered non-probing packet."
	moves := p.role == quic.Server && !probing && largest
	if i >= 0 && moves && i != p.wanted {
		p.wanted = -1
	}
	if i < 0 || i == p.active {
		return false, false
	}
	// 9000-9.6.3-4: "Servers SHOULD initiate path validation to the client's new address upon receiving a probe packet from a different address".
	if path.Validation.state == Unvalidated && !p.validating() {
		path.Validation.Start(now, pto)
	}
	if !moves {
		return false, false
	}
	if p.moved != codec.Never && now.Sub(p.moved) < pto && i != p.fallback {
		return false, false // a peer that moves all the time has to wait; back to where it was validated it may go at any time
	}
	// 9000-9.3-2: the recipient "MUST initiate path validation [...] to verify the peer's ownership of the address if validation is not already underway",
	// "unless it has previously validated that address" (9-4).
	if path.Validation.state != Validating && path.Validation.state != Validated {
		path.Validation.Start(now, pto)
	}
	// 9000-9.6.2-2: "The server MUST send non-probing packets from its original address until it receives a non-probing packet from the client at its preferred
	// address and until the server has validated the new path."
	if path.Tuple.Local != p.Active().Tuple.Local && path.Validation.state != Validated {
		p.wanted = i
		return false, false
	}
	return true, p.follow(now, i, pto)
}

// follow makes path i active, to which the peer has moved.
func (p *Paths) follow(now codec.Time, i int, pto time.Duration) (reset bool) {
	old := p.active
	p.moved, p.active, p.wanted = now, i, -1
	p.paths[i].been = true
	if p.paths[i].Limit.Validated() {
		reset = p.renew()
	}
	if p.paths[i].Validation.state == Validated {
		p.fallback = i // there is nothing to validate
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
	return reset
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
	path.been = true
	p.settle()
	// 9000-9.6.3-2: "If path validation of the server's preferred address succeeds, the client MUST abandon validation of the original address and migrate to
	// using the server's preferred address."
	for k := range p.paths {
		if e := &p.paths[k]; path.Tuple.Remote != p.home.Remote && e.Tuple.Remote == p.home.Remote && e.Validation.state == Validating {
			p.drop(k)
		}
	}
	return nil
}

// Outcome is what a PATH_RESPONSE frame means.
type Outcome struct {
	// Path is the one that is validated, nil if the response answers nothing.
	Path *Path
	// Migrated says that it is the active path from now on: the peer had moved there, to another address of ours, and it is validated now.
	Migrated bool
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
		if i == p.active {
			o.Reset = p.renew()
		}
		switch {
		case !path.Validation.MTU():
			path.Validation.Start(now, pto)
		case i == p.active:
			p.fallback = i
		case i == p.wanted:
			o.Migrated, o.Reset = true, p.follow(now, i, pto)
		}
		o.Path = path
		return o
	}
	return o
}

// Advance tells the time: validations fail, and their paths are forgotten. reverted says that the active one has failed and the last validated one is active again; reset that
// this is at another IP address than the one that was validated before, so that congestion control and round-trip time begin anew. If no other path is validated, lost is
// true: the connection is to be closed silently (9000-9.3.2-3), or with NO_VIABLE_PATH.
func (p *Paths) Advance(now codec.Time) (reverted, reset, lost bool) {
	for i := range p.paths {
		if i != p.active && p.paths[i].inUse && p.paths[i].Validation.Advance(now) {
			p.drop(i)
		}
	}
	if !p.Active().Validation.Advance(now) {
		return false, false, false
	}
	// 9000-9.3.2-2: "an endpoint MUST revert to using the last validated peer address when validation of a new peer address fails." 9.1-1: "Failure to validate a
	// path does not cause the connection to end unless there are no valid alternative paths available."
	next := p.fallback
	if next < 0 || next == p.active {
		if next = p.other(); next < 0 {
			return false, false, true
		}
	}
	p.drop(p.active)
	p.active = next
	if p.Active().Validation.state == Validated {
		p.fallback = next
	}
	return true, p.renew(), false
}

// other returns the newest validated path that is not active, -1 if there is none. A server takes only one where the peer has been: "Servers do not send non-probing
// packets [...] toward a client address until they see a non-probing packet from that address" (9000-9-6).
func (p *Paths) other() int {
	best := -1
	for i := range p.paths {
		e := &p.paths[i]
		if i != p.active && e.inUse && e.Validation.state == Validated && (e.been || p.role == quic.Client) && (best < 0 || e.opened > p.paths[best].opened) {
			best = i
		}
	}
	return best
}
