package h3

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/priority"
	"github.com/purewire/purewire/codec/internal/varint"
	"github.com/purewire/purewire/codec/qpack"
)

// Role is which end of a connection a Conn is.
type Role uint8

const (
	// Server receives requests.
	Server Role = iota
	// Client sends them.
	Client
)

// Conn is one end of an HTTP/3 connection: both directions, all streams. Its zero value must be brought to life by Init. See
// the package documentation for the loop that drives it. It is not safe for concurrent use.
type Conn struct {
	p      *Profile
	role   Role
	now    codec.Time
	err    Error
	misuse Error
	steps  uint64

	tab     table
	sched   priority.Scheduler[uint64]
	peers   int    // requests opened by the peer
	owns    int    // requests opened by us
	untyped int    // unidirectional streams whose type has not come
	next    uint64 // 4 above the highest request stream that was used
	granted uint64 // the transport's limit on request streams; 0: not told

	ours   [3]ourStream
	theirs [3]uint64 // the peer's, by kind; NoStream before they come

	peer     Settings // what the peer has told, or is remembered to have told
	told     bool     // by SETTINGS
	resuming bool     // peer holds remembered settings
	push     uint64   // server: 1 above the MAX_PUSH_ID of the client

	dec          qpack.Decoder
	enc          qpack.Encoder
	instructions []byte        // for our encoder stream
	list         []codec.Field // to be sent
	digits       [3]byte       // of its :status
	ids          []uint64
	waiting      int // streams with sBlocked

	aborts  []Abort
	abort   int // of aborts, taken
	updates int // streams with sTold
	early   []earlyPriority
	pending uint8
	flood   flood
	away    away
}

// ourStream is one of the unidirectional streams that this end opens.
type ourStream struct {
	id    uint64
	begun bool // its type was sent
}

// pending events, which need no input.
const (
	pendRetry   uint8 = 1 << iota // streams closed by GOAWAY
	pendResume                    // streams that are unblocked
	pendTimeout                   // streams that were blocked for too long
)

// Init brings c to the beginning of a connection. p may be nil for defaults; it is shared, not copied. Memory of a former
// connection is kept for the new one.
func (c *Conn) Init(role Role, p *Profile) {
	if p == nil {
		p = defaultProfile
	}
	c.tab.reset()
	c.sched.Reset()
	*c = Conn{
		p: p, role: role, peer: DefaultSettings(), tab: c.tab, sched: c.sched, dec: c.dec, enc: c.enc,
		instructions: c.instructions[:0], list: c.list[:0], ids: c.ids[:0], aborts: c.aborts[:0], early: c.early[:0],
	}
	for i := range c.ours {
		c.ours[i].id, c.theirs[i] = NoStream, NoStream
	}
	c.flood = flood{resets: 8 * p.resets, fruit: p.fruitless, empty: p.fruitless / 100}
	c.dec.Init(&p.decoder)
	c.enc.Init(&p.encoder)
	c.enc.SetInserting(false) // there is no encoder stream yet
}

// InitResumed is Init for a client that sends 0-RTT data: remembered is what the server announced in the connection before. SETTINGS that
// take any of it back end the connection. If the server rejects 0-RTT, begin anew with Init; the requests were not processed.
//
// RFC 9114 section 7.2.4.2-6: when a 0-RTT QUIC connection is being used, the initial value of each server setting is the value used in
// the previous session.
func (c *Conn) InitResumed(p *Profile, remembered *Settings) {
	c.Init(Client, p)
	c.peer, c.resuming = *remembered, true
	c.setPeerTable()
}

// setPeerTable tells the encoder what the peer allows.
func (c *Conn) setPeerTable() {
	// It cannot fail: Settings.Resumes has refused a capacity that changes.
	_ = c.enc.SetPeer(c.peer.QPACKMaxTableCapacity, c.peer.QPACKBlockedStreams)
}

// Err returns the error that ended the connection, nil while it lives.
func (c *Conn) Err() error {
	if c.failed() {
		return &c.err
	}
	return nil
}

func (c *Conn) failed() bool { return c.err.Scope != 0 }

// fail ends the connection because of what came on a stream, at its offset off.
func (c *Conn) fail(f Fault, id uint64, off int64) {
	if c.failed() {
		return
	}
	c.err.set(f, id, off)
	c.ended()
}

// failAt is fail for the frame at the front of a stream.
func (c *Conn) failAt(f Fault, slot int32) {
	s := &c.tab.slots[slot]
	c.fail(f, s.id, s.off)
}

// failTable ends the connection with an error of package qpack, that began to count at offset base of the stream.
func (c *Conn) failTable(err error, id uint64, base int64) {
	e, is := err.(*qpack.Error)
	if !is || c.failed() {
		return
	}
	c.err = Error{Scope: codec.ScopeConn, Code: ErrorCode(e.Code), Stream: id, Off: base + e.Off, Reason: e.Reason}
	c.ended()
}

// ended drops what makes no sense on a connection that has failed: the transport closes it with Err's code and sends nothing else.
func (c *Conn) ended() {
	c.pending, c.updates = 0, 0
	c.aborts, c.abort = c.aborts[:0], 0
	c.instructions = c.instructions[:0]
}

// misused returns a misuse error; nothing else is changed.
func (c *Conn) misused(f Fault, id uint64) error { return c.misuse.set(f, id, -1) }

// Role returns the role that Init was given.
func (c *Conn) Role() Role { return c.role }

// Steps counts the work done on input: octets looked at one by one, frames, and calls.
func (c *Conn) Steps() uint64 { return c.steps + c.dec.Steps() + c.enc.Steps() }

// PeerSettings returns what the peer has announced so far, and whether its SETTINGS have come. They must not be written to.
func (c *Conn) PeerSettings() (s *Settings, received bool) { return &c.peer, c.told }

// Streams returns how many requests are open.
func (c *Conn) Streams() int { return c.peers + c.owns }

// Idle reports whether no request is open and nothing is owed.
func (c *Conn) Idle() bool {
	_, owes := c.NextOwed()
	return c.peers+c.owns == 0 && !owes && c.pending == 0 && c.abort == len(c.aborts)
}

// Trim gives back the memory of an idle connection's lists; the tables of QPACK are kept. It does nothing while requests are
// open.
func (c *Conn) Trim() {
	if c.peers+c.owns > 0 {
		return
	}
	c.list, c.ids = nil, nil
	c.sched = priority.Scheduler[uint64]{}
	if c.abort == len(c.aborts) {
		c.aborts, c.abort = nil, 0
	}
	if len(c.instructions) == 0 {
		c.instructions = nil
	}
	if len(c.early) == 0 {
		c.early = nil
	}
	// The unidirectional streams keep their slots, in a table that fits.
	var t table
	for i := range c.tab.slots {
		if s := &c.tab.slots[i]; s.id != freeSlot {
			keep := *s
			slot := t.add(s.id)
			keep.next = 0
			t.slots[slot] = keep
		}
	}
	c.tab = t
	c.sched.Grow(len(t.slots))
}

// SetUser stores a number of the application's for the stream; events of the stream carry it.
func (c *Conn) SetUser(id uint64, user uint32) error {
	slot := c.request(id)
	if slot < 0 {
		return c.misused(fNoStream, id)
	}
	c.tab.slots[slot].user = user
	return nil
}

// User returns what SetUser stored for the stream; false if it is not open.
func (c *Conn) User(id uint64) (user uint32, known bool) {
	slot := c.request(id)
	if slot < 0 {
		return 0, false
	}
	return c.tab.slots[slot].user, true
}

// SetMaxStreams tells how many request streams the transport has allowed the client to open so far, those that are over included
// (MAX_STREAMS of RFC 9000). A server that tells it detects identifiers beyond in PRIORITY_UPDATE frames and datagrams; one that does not
// ignores those.
func (c *Conn) SetMaxStreams(n uint64) { c.granted = n }

// request returns the slot of an open request stream, -1 if there is none.
func (c *Conn) request(id uint64) int32 {
	slot := c.tab.find(id)
	if slot >= 0 && c.tab.slots[slot].kind != kRequest {
		return -1
	}
	return slot
}

// insert gives a new stream its slot.
func (c *Conn) insert(id uint64, k kind) int32 {
	slot := c.tab.add(id)
	c.sched.Grow(len(c.tab.slots))
	s := &c.tab.slots[slot]
	s.kind, s.content, s.sending, s.priority = k, -1, -1, DefaultPriority()
	return slot
}

// Open tells that the peer has opened a stream: the transport says it once for each of them, in any order, before anything else of it.
// What an identifier stands for is as in RFC 9000 section 2.1: the lowest bit tells who opened it, the next whether it is
// unidirectional.
//
// A request that is beyond Limits.Streams or comes after GOAWAY is refused without the application hearing of it: the abort is owed.
// An error ends the connection, unless it is a misuse.
func (c *Conn) Open(id uint64) error {
	if c.failed() {
		return &c.err
	}
	own := uint64(c.role) ^ 1 // the bit of streams that we open
	switch {
	case id > varint.Max:
		return c.misused(fOpenID, id)
	case id&1 == own:
		return c.misused(fOpenOwn, id)
	case c.tab.find(id) >= 0:
		return c.misused(fOpenTwice, id)
	}
	c.steps++
	switch {
	case id&2 != 0:
		if c.untyped >= c.p.unis {
			c.fail(fUntyped, id, 0)
			return &c.err
		}
		c.untyped++
		c.insert(id, kUntyped)
		return nil
	case c.role == Client:
		// RFC 9114 section 6.1-3: Clients MUST treat receipt of a server-initiated bidirectional stream as a connection error of type
		// H3_STREAM_CREATION_ERROR unless such an extension has been negotiated.
		c.fail(fServerBidi, id, 0)
		return &c.err
	case c.away.refuses(id):
		// RFC 9114 section 5.2-2: upon sending a GOAWAY frame, the endpoint SHOULD explicitly cancel [...] any requests or pushes that
		// have identifiers greater than or equal to the one indicated.
		c.refuse(id)
		return c.spentError(c.spend(1, id) && !c.failed())
	case c.peers >= c.p.streams:
		c.next = max(c.next, id+4)
		c.refuse(id)
		return c.spentError(c.spendReset(fProvoked, id) && !c.failed())
	}
	c.next = max(c.next, id+4)
	c.peers++
	slot := c.insert(id, kRequest)
	if p, found := c.takeEarly(id); found {
		s := &c.tab.slots[slot]
		s.priority = p
		s.flags |= sEarly
	}
	return nil
}

func (c *Conn) spentError(alive bool) error {
	if alive {
		return nil
	}
	return &c.err
}

// refuse rejects a request that was not looked at.
//
// RFC 9114 section 4.1.1-3: when the server cancels a request without performing any application processing, the request is
// considered "rejected". The server SHOULD abort its response stream with the error code H3_REQUEST_REJECTED.
func (c *Conn) refuse(id uint64) {
	c.dec.Cancel(id)
	c.aborts = append(c.aborts, Abort{Stream: id, Code: RequestRejected, Reset: true, Stop: true})
	c.boundAnswers(id)
}
