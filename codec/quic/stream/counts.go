package stream

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/ranges"
)

// PeerStreams counts the streams of one kind that the peer opens. It keeps no state for a stream: those that were opened because one with a
// higher ID was, and that no frame has mentioned yet, are ranges of numbers. Of those there are never more than the peer may have
// open. Streams are numbered from 0; number n has the ID 4*n plus the two bits of its kind. It is not ready for use before Init.
type PeerStreams struct {
	window uint64
	limit  uint64 // what the peer was told
	opened uint64
	seen   uint64 // of them, those that a frame has mentioned
	done   uint64
	idle   ranges.Set
	lost   bool
	budget Budget
}

// Init makes p ready. The peer may have at most window streams open at the same time, and knows it from the transport parameters.
func (p *PeerStreams) Init(window int) {
	w := min(uint64(max(window, 0)), quic.MaxStreamCount)
	*p = PeerStreams{window: w, limit: w, idle: p.idle}
	p.idle.Clear()
}

// Touch takes notice of a frame for stream number n. fresh says that it is the first one: the stream is to be created now. Otherwise it was
// created before, and may be over.
func (p *PeerStreams) Touch(n uint64) (fresh bool, err error) {
	// 9000-4.6-3: "An endpoint that receives a frame with a stream ID exceeding the limit it has sent MUST treat this as a connection error
	// of type STREAM_LIMIT_ERROR".
	if n >= p.limit {
		return false, failure(rStreamLimit)
	}
	if n >= p.opened {
		// 9000-3.2-6: "Before a stream is created, all streams of the same type with lower-numbered stream IDs MUST be created."
		p.idle.AddRange(p.opened, n)
		p.opened = n + 1
		p.seen++
		p.budget.Progress()
		return true, nil
	}
	gone, _ := p.idle.RemoveRange(n, n+1)
	p.seen += gone
	return gone > 0, nil
}

// Opened returns how many streams the peer has opened, Open how many of them are not done, Limit how many it may open altogether.
func (p *PeerStreams) Opened() uint64 { return p.opened }

// Open is described at Opened.
func (p *PeerStreams) Open() uint64 { return p.opened - p.done }

// Limit is described at Opened.
func (p *PeerStreams) Limit() uint64 { return p.limit }

// Done says that one stream is over in both directions: the peer may open another one in its place. If none is open, it is misuse.
func (p *PeerStreams) Done() error {
	if p.done >= p.seen {
		return failure(rPutStream)
	}
	p.done++
	return nil
}

// Due tells whether a MAX_STREAMS frame should be sent: half of the streams were replaced, or the last such frame was lost.
func (p *PeerStreams) Due() bool {
	grant := min(p.done+p.window, quic.MaxStreamCount)
	return grant > p.limit && grant-p.limit >= (p.window+1)/2 || p.lost
}

// Emit returns the limit for a MAX_STREAMS frame that is sent now.
func (p *PeerStreams) Emit() (limit uint64) {
	p.lost = false
	p.limit = max(p.limit, min(p.done+p.window, quic.MaxStreamCount))
	return p.limit
}

// Lost says that the frame with this limit was lost: if it was the latest, one is due again.
func (p *PeerStreams) Lost(limit uint64) { p.lost = p.lost || limit == p.limit }

// Blocked takes a STREAMS_BLOCKED frame. It never makes a frame due: streams that are done do (9000-4.6-6). The error is FRAME_ENCODING_ERROR for a
// limit above 2^60, or says that there were too many without a new stream between them.
func (p *PeerStreams) Blocked(now codec.Time, limit uint64) error {
	if limit > quic.MaxStreamCount {
		return failure(rStreamsBlocked)
	}
	if !p.budget.Spend(now) {
		return failure(rStreamsBlockedOften)
	}
	return nil
}

// LocalStreams counts the streams of one kind that we open. The zero LocalStreams may open none.
type LocalStreams struct {
	limit, next   uint64
	blocked, told bool
}

// Open returns the number of a new stream. ok is false if the peer's limit is reached; the peer should be told then.
func (l *LocalStreams) Open() (n uint64, ok bool) {
	// 9000-4.6-3: "Endpoints MUST NOT exceed the limit set by their peer."
	if l.next >= l.limit {
		l.blocked = true
		return 0, false
	}
	l.next++
	return l.next - 1, true
}

// Opened returns how many streams were opened, Limit how many may be.
func (l *LocalStreams) Opened() uint64 { return l.next }

// Limit is described at Opened.
func (l *LocalStreams) Limit() uint64 { return l.limit }

// Grow takes the limit of a transport parameter or a MAX_STREAMS frame. raised is false if it is not above the old one. The error is FRAME_ENCODING_ERROR for
// a limit above 2^60.
func (l *LocalStreams) Grow(limit uint64) (raised bool, err error) {
	// 9000-19.11-5.2: "This value cannot exceed 2^60 [...]. Receipt of a frame that permits opening of a stream larger than this limit MUST be treated as a
	// connection error of type FRAME_ENCODING_ERROR."
	if limit > quic.MaxStreamCount {
		return false, failure(rMaxStreams)
	}
	// 9000-4.6-4: "MAX_STREAMS frames that do not increase the stream limit MUST be ignored."
	if limit <= l.limit {
		return false, nil
	}
	l.limit, l.blocked, l.told = limit, false, false
	return true, nil
}

// BlockedDue tells whether a STREAMS_BLOCKED frame with this limit should be sent: a stream was wanted that the limit did not allow, and the peer was not told.
func (l *LocalStreams) BlockedDue() (limit uint64, due bool) { return l.limit, l.blocked && !l.told }

// BlockedSent says that the frame of BlockedDue is sent.
func (l *LocalStreams) BlockedSent() { l.told = true }

// BlockedAgain says that the frame with this limit was lost: it is due again if we are still blocked there.
func (l *LocalStreams) BlockedAgain(limit uint64) {
	if limit == l.limit && l.blocked {
		l.told = false
	}
}

// Streams counts all streams of a connection. It is not ready for use before Init.
type Streams struct {
	role quic.Role
	// Peer has the streams that the peer opens, Local those that we open; index 0 is bidirectional, 1 unidirectional (Kind).
	Peer  [2]PeerStreams
	Local [2]LocalStreams
}

// Init makes s ready for a connection in which we have the role. Limits must have been through Norm.
func (s *Streams) Init(role quic.Role, l *Limits) {
	s.role = role
	s.Local = [2]LocalStreams{}
	s.Peer[0].Init(l.Bidi)
	s.Peer[1].Init(l.Uni)
}

// Kind returns the index of the stream's kind in Peer and Local.
func Kind(id quic.StreamID) int {
	if id.Uni() {
		return 1
	}
	return 0
}

// Open returns the ID of a new stream. ok is false if the peer's limit is reached.
func (s *Streams) Open(uni bool) (id quic.StreamID, ok bool) {
	if uni {
		id = 2
	}
	n, ok := s.Local[Kind(id)].Open()
	if !ok {
		return 0, false
	}
	if s.role == quic.Server {
		id |= 1
	}
	return id | quic.StreamID(n<<2), true
}

// Touch takes notice of a frame of the peer about a stream: STREAM, RESET_STREAM, STREAM_DATA_BLOCKED, STOP_SENDING or MAX_STREAM_DATA. fresh says that the peer
// opens the stream with it, so that it is to be created now, both parts of it if it is bidirectional; otherwise it was created before and may be
// over and forgotten: then the frame is ignored. The error is STREAM_STATE_ERROR or STREAM_LIMIT_ERROR.
func (s *Streams) Touch(k quic.Kind, id quic.StreamID) (fresh bool, err error) {
	local := id.Opener() == s.role
	sender := k == quic.Stream || k == quic.ResetStream || k == quic.StreamDataBlocked
	switch {
	// 9000-19.8-3: "An endpoint MUST terminate the connection with error STREAM_STATE_ERROR if it receives a STREAM frame for a locally
	// initiated stream that has not yet been created, or for a send-only stream." 19.4-3 and 19.13-2 say the latter of RESET_STREAM and
	// STREAM_DATA_BLOCKED.
	case id.Uni() && local && sender:
		return false, failure(rSendOnly)
	// 9000-19.5-2: "An endpoint that receives a STOP_SENDING frame for a receive-only stream MUST terminate the connection with error
	// STREAM_STATE_ERROR." 19.10-2 says so of MAX_STREAM_DATA; both say the former of streams that are not yet created.
	case id.Uni() && !local && !sender:
		return false, failure(rReceiveOnly)
	case !local:
		return s.Peer[Kind(id)].Touch(uint64(id >> 2))
	case uint64(id>>2) >= s.Local[Kind(id)].Opened():
		return false, failure(rNotCreated)
	}
	return false, nil
}
