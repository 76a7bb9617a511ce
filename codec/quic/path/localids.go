package path

import "github.com/purewire/purewire/codec/quic"

// MaxIDs is the largest number of connection IDs that are active at the same time, in either direction.
const MaxIDs = 8

// idState is where a NEW_CONNECTION_ID or RETIRE_CONNECTION_ID frame is.
type idState uint8

const (
	idOwed idState = iota
	idInFlight
	idAcked
)

// LocalIDs manages the connection IDs that we issue, for the peer to send to. The caller makes IDs and tokens (they must be unpredictable),
// and keeps the table that leads packets to connections; LocalIDs says when to add and when to remove one. It is not ready for use
// before Init.
type LocalIDs struct {
	ids    [MaxIDs + 1]localID // one more, for Replace
	n      int
	next   uint64 // next sequence number
	sent   uint64 // sequence numbers below: the peer may know of them
	limit  int
	prior  uint64
	length int
	zero   bool
}

type localID struct {
	seq   uint64
	id    quic.ConnectionID
	token quic.ResetToken
	state idState
}

// Init makes l ready. first is the Source Connection ID of our handshake packets: sequence number 0. If its length is zero, there
// never is another one. The peer may know of two IDs until SetLimit.
func (l *LocalIDs) Init(first quic.ConnectionID) {
	*l = LocalIDs{n: 1, next: 1, sent: 1, limit: 2, length: first.Len(), zero: first.Len() == 0}
	l.ids[0] = localID{id: first, state: idAcked}
}

// SetLimit takes the peer's active_connection_id_limit. More than MaxIDs is used as MaxIDs.
func (l *LocalIDs) SetLimit(limit uint64) { l.limit = int(max(min(limit, MaxIDs), 2)) }

// Active returns how many IDs the peer may use.
func (l *LocalIDs) Active() int { return l.n }

// Wanted returns how many new IDs should be issued: the peer should always have as many as it stores (9000-5.1.1-6).
func (l *LocalIDs) Wanted() int {
	if l.zero {
		return 0
	}
	return max(l.limit-l.n, 0)
}

// Issue adds a new ID with its stateless reset token; a NEW_CONNECTION_ID frame is owed. The error is misuse: an ID of length zero, one that is active already or
// of another length than the first, or more than the peer's limit.
func (l *LocalIDs) Issue(id quic.ConnectionID, token quic.ResetToken) (seq uint64, err error) {
	// 9000-19.15-6: "An endpoint MUST NOT send this frame if it currently requires that its peer send packets with a zero-length
	// Destination Connection ID." 9000-5.1-4: "the same connection ID MUST NOT be issued more than once on the same connection."
	// Short headers do not tell the length: it is the same for all.
	if l.zero || id.Len() != l.length || l.at(&id) >= 0 {
		return 0, failure(rPutID)
	}
	// 9000-5.1.1-4: "An endpoint MUST NOT provide more connection IDs than the peer's limit."
	if l.Wanted() == 0 {
		return 0, failure(rPutLimit)
	}
	seq = l.next
	l.next++
	l.ids[l.n] = localID{seq: seq, id: id, token: token}
	l.n++
	return seq, nil
}

// Preferred adds the ID of the transport parameter preferred_address that a server sends: sequence number 1. It must be the first one behind
// Init. Errors are those of Issue.
func (l *LocalIDs) Preferred(id quic.ConnectionID, token quic.ResetToken) error {
	if l.next != 1 {
		return failure(rPutSequence)
	}
	if _, err := l.Issue(id, token); err != nil {
		return err
	}
	l.ids[l.n-1].state = idAcked // it goes with the handshake
	l.sent = l.next
	return nil
}

func (l *LocalIDs) at(id *quic.ConnectionID) int {
	for i := range l.n {
		if l.ids[i].id == *id {
			return i
		}
	}
	return -1
}

// Sequence returns the sequence number of the ID in the Destination Connection ID field of a packet. found is false if it is not active. IDs of
// the first flight, which have no number (9000-5.1.1-2), are not found.
func (l *LocalIDs) Sequence(dstID []byte) (seq uint64, found bool) {
	for i := range l.n {
		if l.ids[i].id.Is(dstID) {
			return l.ids[i].seq, true
		}
	}
	return 0, false
}

// Each calls f with every active ID, for a table that is to be emptied.
func (l *LocalIDs) Each(f func(id quic.ConnectionID)) {
	for i := range l.n {
		f(l.ids[i].id)
	}
}

// RetireAll asks the peer to retire all IDs that were issued so far, with the Retire Prior To field of the frames from now on. The peer
// needs a new one for that: there is room for one beyond the limit, so issue it after this call. While a former
// request is not fulfilled, it does nothing (9000-5.1.2-7).
func (l *LocalIDs) RetireAll() {
	for i := range l.n {
		if l.ids[i].seq < l.prior {
			return
		}
	}
	if !l.zero && l.n <= MaxIDs {
		l.prior = l.next
	}
}

// Replace issues the ID that RetireAll needs: it may exceed the limit by one (9000-5.1.1-4: "An endpoint MAY send connection IDs that
// temporarily exceed a peer's limit if the NEW_CONNECTION_ID frame also requires the retirement of any excess").
func (l *LocalIDs) Replace(id quic.ConnectionID, token quic.ResetToken) (seq uint64, err error) {
	kept := 0
	for i := range l.n {
		if l.ids[i].seq >= l.prior {
			kept++
		}
	}
	if l.prior == 0 || kept > 0 || l.n > MaxIDs {
		return 0, failure(rPutLimit)
	}
	old := l.limit
	l.limit = l.n + 1
	seq, err = l.Issue(id, token)
	l.limit = old
	return seq, err
}

// NextFrame fills f with a NEW_CONNECTION_ID frame that is owed and counts it as sent. f.Data is valid until the next call of a method. found is false if
// none is owed.
func (l *LocalIDs) NextFrame(f *quic.Frame) (found bool) {
	for i := range l.n {
		if e := &l.ids[i]; e.state == idOwed {
			e.state = idInFlight
			l.sent = max(l.sent, e.seq+1)
			*f = quic.Frame{Kind: quic.NewConnectionID, Sequence: e.seq, Value: min(l.prior, e.seq), Data: e.id.Bytes(), Token: e.token}
			return true
		}
	}
	return false
}

// Acked says that the frame with this sequence number was acknowledged, Lost that it was lost: it is sent again, if the ID is still active.
func (l *LocalIDs) Acked(seq uint64) { l.settle(seq, idAcked) }

// Lost is described at Acked.
func (l *LocalIDs) Lost(seq uint64) { l.settle(seq, idOwed) }

func (l *LocalIDs) settle(seq uint64, state idState) {
	for i := range l.n {
		if e := &l.ids[i]; e.seq == seq && e.state == idInFlight {
			e.state = state
		}
	}
}

// Retire takes a RETIRE_CONNECTION_ID frame. dst is the sequence number of the ID that the packet with the frame was sent to; inPacket is false if it
// has none. retired tells whether id is to be removed from the table; a repeated frame retires nothing. The error is PROTOCOL_VIOLATION.
func (l *LocalIDs) Retire(seq, dst uint64, inPacket bool) (id quic.ConnectionID, retired bool, err error) {
	switch {
	// 9000-19.16-9: "An endpoint that provides a zero-length connection ID MUST treat receipt of a RETIRE_CONNECTION_ID frame as a connection error of
	// type PROTOCOL_VIOLATION."
	case l.zero:
		return id, false, failure(rRetireZeroLength)
	// 9000-19.16-7: "Receipt of a RETIRE_CONNECTION_ID frame containing a sequence number greater than any previously sent to the peer MUST be
	// treated as a connection error of type PROTOCOL_VIOLATION."
	case seq >= l.sent:
		return id, false, failure(rRetireUnsent)
	// 9000-19.16-8: "The sequence number [...] MUST NOT refer to the Destination Connection ID field of the packet in which the frame is
	// contained. The peer MAY treat this as a connection error of type PROTOCOL_VIOLATION."
	case inPacket && seq == dst:
		return id, false, failure(rRetireInUse)
	}
	for i := range l.n {
		if l.ids[i].seq == seq {
			id = l.ids[i].id
			copy(l.ids[i:], l.ids[i+1:l.n])
			l.n--
			l.ids[l.n] = localID{}
			return id, true, nil
		}
	}
	return id, false, nil
}
