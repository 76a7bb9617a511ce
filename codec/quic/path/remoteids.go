package path

import (
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/ranges"
)

const (
	// maxRetiring is the largest number of RETIRE_CONNECTION_ID frames that are owed or not acknowledged.
	maxRetiring = 3 * MaxIDs
	// maxGaps is the largest number of gaps in the sequence numbers of the peer's IDs.
	maxGaps = 32
)

// RemoteIDs manages the connection IDs that the peer issues, for us to send to. It is not ready for use before Init.
type RemoteIDs struct {
	ids   [MaxIDs]remoteID
	n     int
	limit int
	prior uint64
	zero  bool
	// retiring are the sequence numbers of RETIRE_CONNECTION_ID frames that are not acknowledged.
	retiring [maxRetiring]retiring
	queued   int
	seen     ranges.Set // sequence numbers that the peer has issued and we have received
}

type remoteID struct {
	seq      uint64
	id       quic.ConnectionID
	token    quic.ResetToken
	hasToken bool
	used     bool
}

type retiring struct {
	seq   uint64
	state idState // idOwed or idInFlight
}

// Init makes r ready. first is the Source Connection ID of the peer's first packet: sequence number 0, in use. limit is our
// active_connection_id_limit, 2 to MaxIDs; others are put into that range.
func (r *RemoteIDs) Init(first quic.ConnectionID, limit int) {
	seen := r.seen
	*r = RemoteIDs{n: 1, limit: max(2, min(limit, MaxIDs)), zero: first.Len() == 0, seen: seen}
	r.seen.Clear()
	r.seen.SetLimit(maxGaps)
	r.seen.Add(0)
	r.ids[0] = remoteID{id: first, used: true}
}

// Limit returns our active_connection_id_limit, as Init has set it.
func (r *RemoteIDs) Limit() int { return r.limit }

// Active returns how many IDs of the peer there are, Unused how many of them have not been used on any path.
func (r *RemoteIDs) Active() int { return r.n }

// Unused is described at Active.
func (r *RemoteIDs) Unused() (n int) {
	for i := range r.n {
		if !r.ids[i].used {
			n++
		}
	}
	return n
}

// SetToken takes a server's transport parameter stateless_reset_token: it is that of sequence number 0.
func (r *RemoteIDs) SetToken(token quic.ResetToken) {
	for i := range r.n {
		if e := &r.ids[i]; e.seq == 0 {
			e.token, e.hasToken = token, true
		}
	}
}

// Preferred takes the ID of a server's transport parameter preferred_address: sequence number 1. Errors are those of New, or
// TRANSPORT_PARAMETER_ERROR.
func (r *RemoteIDs) Preferred(a *quic.PreferredAddress) error {
	// 9000-18.2-4.38: "A server that chooses a zero-length connection ID MUST NOT provide a preferred address. [...] A client MUST treat a violation of
	// these requirements as a connection error of type TRANSPORT_PARAMETER_ERROR."
	if r.zero {
		return failure(rPreferredZeroLength)
	}
	return r.add(1, 0, a.ID, &a.ResetToken)
}

// New takes a NEW_CONNECTION_ID frame. A frame that was received before changes nothing. The error is PROTOCOL_VIOLATION, FRAME_ENCODING_ERROR or
// CONNECTION_ID_LIMIT_ERROR and ends the connection; the IDs are not to be used then. Afterwards the IDs in use
// may be retired: look at Get for each path.
func (r *RemoteIDs) New(f *quic.Frame) error {
	id, fits := quic.MakeConnectionID(f.Data)
	// 9000-19.15-6: "An endpoint that is sending packets with a zero-length Destination Connection ID MUST treat receipt of a NEW_CONNECTION_ID
	// frame as a connection error of type PROTOCOL_VIOLATION."
	if r.zero {
		return failure(rNewZeroLength)
	}
	if !fits || id.Len() == 0 {
		return failure(rNewLen)
	}
	// 9000-19.15-9: "Receiving a value in the Retire Prior To field that is greater than that in the Sequence Number field MUST be treated as a
	// connection error of type FRAME_ENCODING_ERROR."
	if f.Value > f.Sequence {
		return failure(rNewRetirePrior)
	}
	return r.add(f.Sequence, f.Value, id, &f.Token)
}

func (r *RemoteIDs) add(seq, prior uint64, id quic.ConnectionID, token *quic.ResetToken) error {
	known := r.seen.Contains(seq)
	for i := range r.n {
		e := &r.ids[i]
		sameToken := e.hasToken && e.token == *token
		switch {
		// 9000-19.15-8: "If an endpoint receives a NEW_CONNECTION_ID frame that repeats a previously issued connection ID with a different
		// Stateless Reset Token field value or a different Sequence Number field value, or if a sequence number is used for different connection
		// IDs, the endpoint MAY treat that receipt as a connection error of type PROTOCOL_VIOLATION."
		case e.seq == seq && (e.id != id || e.hasToken && !sameToken):
			return failure(rNewSequenceReused)
		case e.seq != seq && e.id == id:
			return failure(rNewIDReused)
		// 9000-10.3.2-6: "The same stateless reset token MUST NOT be used for multiple connection IDs. [...] a duplicate value MAY be treated as a
		// connection error of type PROTOCOL_VIOLATION."
		case e.seq != seq && sameToken:
			return failure(rNewTokenReused)
		}
	}
	// 9000-5.1.2-5: "Upon receipt of an increased Retire Prior To field, the peer MUST stop using the corresponding connection IDs and retire them
	// [...] before adding the newly provided connection ID to the set of active connection IDs."
	if prior > r.prior {
		r.prior = prior
		for i := 0; i < r.n; {
			if r.ids[i].seq >= prior {
				i++
			} else if err := r.retireAt(i); err != nil {
				return err
			}
		}
	}
	if known {
		return nil
	}
	// The numbers increase by one (9000-5.1.1-2); gaps come from loss, and there can be few.
	if _, fits := r.seen.TryAddRange(seq, seq+1); !fits {
		return failure(rNewGaps)
	}
	// 9000-19.15-11: "An endpoint that receives a NEW_CONNECTION_ID frame with a sequence number smaller than the Retire Prior To field of a
	// previously received NEW_CONNECTION_ID frame MUST send a corresponding RETIRE_CONNECTION_ID frame that retires the newly received connection
	// ID, unless it has already done so for that sequence number."
	if seq < r.prior {
		return r.queue(seq)
	}
	// 9000-5.1.1-5: "After processing a NEW_CONNECTION_ID frame and adding and retiring active connection IDs, if the number of active connection
	// IDs exceeds the value advertised in its active_connection_id_limit transport parameter, an endpoint MUST close the connection with an
	// error of type CONNECTION_ID_LIMIT_ERROR."
	if r.n >= r.limit {
		return failure(rNewLimit)
	}
	r.ids[r.n] = remoteID{seq: seq, id: id, token: *token, hasToken: true}
	r.n++
	return nil
}

// retireAt removes ids[i] and queues its frame.
func (r *RemoteIDs) retireAt(i int) error {
	seq := r.ids[i].seq
	copy(r.ids[i:], r.ids[i+1:r.n])
	r.n--
	r.ids[r.n] = remoteID{}
	return r.queue(seq)
}

func (r *RemoteIDs) queue(seq uint64) error {
	// 9000-5.1.2-6: "An endpoint SHOULD limit the number of connection IDs it has retired locally for which RETIRE_CONNECTION_ID frames have not
	// yet been acknowledged. [...] it MAY choose to treat having connection IDs in need of retirement that exceed this limit as a connection
	// error of type CONNECTION_ID_LIMIT_ERROR."
	if r.queued >= 3*r.limit {
		return failure(rRetireQueue)
	}
	r.retiring[r.queued] = retiring{seq: seq}
	r.queued++
	return nil
}

// Get returns the ID with the sequence number, to be put into packets. found is false if it is retired or was never there: Use another
// one then.
func (r *RemoteIDs) Get(seq uint64) (id quic.ConnectionID, found bool) {
	for i := range r.n {
		if r.ids[i].seq == seq {
			return r.ids[i].id, true
		}
	}
	return id, false
}

// Use takes an ID that was not used before, the one with the lowest sequence number, for a new path or in place of a retired one. With IDs of length
// zero it is always that one. The error, whose Scope is zero, says that there is none: nothing can be sent on that path yet.
func (r *RemoteIDs) Use() (seq uint64, id quic.ConnectionID, err error) {
	if r.zero {
		return 0, id, nil
	}
	best := -1
	for i := range r.n {
		if !r.ids[i].used && (best < 0 || r.ids[i].seq < r.ids[best].seq) {
			best = i
		}
	}
	if best < 0 {
		return 0, id, failure(rNoID)
	}
	r.ids[best].used = true
	return r.ids[best].seq, r.ids[best].id, nil
}

// Retire gives up an ID that is not needed any more, such as that of an abandoned path; a RETIRE_CONNECTION_ID frame is owed. The error is misuse if
// there is no such ID, or if it is of length zero. When too many are not acknowledged, it is misuse as well: try again later.
func (r *RemoteIDs) Retire(seq uint64) error {
	if r.zero || r.queued >= 3*r.limit {
		return failure(rPutSequence)
	}
	for i := range r.n {
		if r.ids[i].seq == seq {
			return r.retireAt(i)
		}
	}
	return failure(rPutSequence)
}

// Retiring returns how many RETIRE_CONNECTION_ID frames are owed or not acknowledged, at most three times our limit.
func (r *RemoteIDs) Retiring() int { return r.queued }

// NextFrame fills f with a RETIRE_CONNECTION_ID frame that is owed and counts it as sent. found is false if none is owed.
func (r *RemoteIDs) NextFrame(f *quic.Frame) (found bool) {
	for i := range r.queued {
		if e := &r.retiring[i]; e.state == idOwed {
			e.state = idInFlight
			*f = quic.Frame{Kind: quic.RetireConnectionID, Sequence: e.seq}
			return true
		}
	}
	return false
}

// Acked says that the frame with this sequence number was acknowledged, Lost that it was lost: it is sent again.
func (r *RemoteIDs) Acked(seq uint64) {
	for i := range r.queued {
		if r.retiring[i].seq == seq {
			copy(r.retiring[i:], r.retiring[i+1:r.queued])
			r.queued--
			return
		}
	}
}

// Lost is described at Acked.
func (r *RemoteIDs) Lost(seq uint64) {
	for i := range r.queued {
		if r.retiring[i].seq == seq {
			r.retiring[i].state = idOwed
			return
		}
	}
}

// IsReset tells whether a datagram, as it was received, is a stateless reset: whether it ends in the token of an ID that was used and is not retired.
//
// It looks at every such token, and at every byte of each: the time tells nothing about their values.
func (r *RemoteIDs) IsReset(datagram []byte) bool {
	found := false
	for i := range r.n {
		e := &r.ids[i]
		// 9000-10.3.1-3: "An endpoint MUST NOT check for any stateless reset tokens associated with connection IDs it has not used or for connection
		// IDs that have been retired."
		if e.hasToken && e.used && e.token.Match(datagram) {
			found = true
		}
	}
	return found
}
