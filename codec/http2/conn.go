package http2

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/internal/priority"
)

// Role is which end of a connection a Conn is.
type Role uint8

const (
	// Server receives requests.
	Server Role = iota
	// Client sends them.
	Client
)

// initialWindow is the window of the connection and of streams before SETTINGS and WINDOW_UPDATE (RFC 9113 section 6.9.2-1).
const initialWindow = 65535

// Conn is one end of an HTTP/2 connection: both directions, all streams. Its zero value must be brought to life by Init. See
// the package documentation for the loop that drives it. It is not safe for concurrent use.
type Conn struct {
	p      *Profile
	role   Role
	phase  phase
	again  bool // settings were received before
	now    codec.Time
	err    Error
	misuse Error
	off    int64 // offset in the input of the first octet of src
	steps  uint64

	in   inflow
	peer Settings // what the peer has told

	sendWin window
	recvWin recvWindow
	bdp     bdp

	tab     table
	sched   priority.Scheduler[uint32]
	mem     memory
	peers   int    // streams opened by the peer that are not closed
	owns    int    // streams opened by us that are not closed
	lastID  uint32 // client: the last stream that we opened (mem.last is the same); server: the last that was accepted
	early   []earlyPriority
	pending uint8

	owed   owed
	flood  flood
	calm   calm
	away   away
	stall  stall
	dec    hpack.Decoder
	enc    hpack.Encoder
	closed bool // Finish was called
}

// phase is how far the beginning of the connection has come.
type phase uint8

const (
	wantPreface  phase = iota // server: the client's 24 octets
	wantSettings              // the first frame, which is SETTINGS
	wantFrames
)

// inflow is the frame in progress.
type inflow struct {
	data   uint32 // octets of DATA to come
	skip   uint32 // octets to throw away then: padding, frames of no interest
	stream uint32 // of data
	end    bool   // END_STREAM is to be reported behind data and skip

	scan   uint32 // octets of a field block's frames whose headers were looked at, from the HEADERS frame on; 0: none in progress
	size   uint32 // octets of field block so far
	frames uint16 // CONTINUATION frames so far
	whole  bool   // END_HEADERS was seen
	tail   bool   // the last Next has left something in src
}

// busy reports whether a frame or field block is half received.
func (in *inflow) busy() bool { return in.data > 0 || in.skip > 0 || in.scan > 0 || in.tail }

// pending events, which need no input.
const (
	pendRetry   uint8 = 1 << iota // streams closed by GOAWAY
	pendStalled                   // streams that stalled
	pendCut                       // streams that the end of input cut
)

// Init brings c to the beginning of a connection. p may be nil for defaults; it is shared, not copied. Memory of a former
// connection is kept for the new one.
func (c *Conn) Init(role Role, p *Profile) {
	if p == nil {
		p = defaultProfile
	}
	t, sched, o, early, dec, enc := c.tab, c.sched, c.owed, c.early, c.dec, c.enc
	*c = Conn{p: p, role: role, peer: DefaultSettings(), sendWin: initialWindow, dec: dec, enc: enc, early: early[:0]}
	clear(t.slots)
	clear(t.index)
	c.tab = table{slots: t.slots, index: t.index}
	for i := len(t.slots) - 1; i >= 0; i-- {
		c.tab.slots[i].next = c.tab.free
		c.tab.free = int32(i) + 1
	}
	c.sched = sched
	c.sched.Reset()
	c.owed = owed{pings: o.pings[:0], resets: o.resets[:0], windows: o.windows[:0]}
	c.owed.preface = true
	if role == Client {
		c.phase = wantSettings
	}
	c.recvWin.init(initialWindow)
	c.bdp.init(p.window.Stream, p.window.Max)
	c.flood = flood{resets: 8 * p.resets, fruit: p.fruitless, empty: p.fruitless / 100}
	c.dec.Init(&hpack.Limits{ListSize: p.list, Fields: p.fields, String: p.list})
	c.enc.Init(&hpack.EncoderOptions{TableSize: encoderTable(p.encoderTable), NoHuffman: p.noHuffman})
}

// encoderTable turns our notation of no table into that of package hpack.
func encoderTable(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// Err returns the error that ended the connection, nil while it lives.
func (c *Conn) Err() error {
	if c.failed() {
		return &c.err
	}
	return nil
}

func (c *Conn) failed() bool { return c.err.Scope != 0 }

// fail ends the connection.
func (c *Conn) fail(f Fault, stream uint32) {
	if c.failed() {
		return
	}
	c.err.set(f, stream, c.off)
	c.ended()
}

// ended owes the GOAWAY of a connection error and drops what makes no sense any more.
//
// RFC 9113 section 5.4.1: an endpoint that encounters a connection error SHOULD first send a GOAWAY frame with the stream
// identifier of the last stream that it successfully received from its peer.
func (c *Conn) ended() {
	c.away.close(c.err.Code, c.lastPeer())
	c.owed.drop()
	c.pending = 0
}

// misused returns a misuse error; nothing else is changed.
func (c *Conn) misused(f Fault, stream uint32) error {
	return c.misuse.set(f, stream, -1)
}

// Role returns the role that Init was given.
func (c *Conn) Role() Role { return c.role }

// Steps counts the work done on input: octets looked at one by one, frames, and calls.
func (c *Conn) Steps() uint64 { return c.steps + c.dec.Steps() }

// PeerSettings returns what the peer has announced so far. It must not be written to.
func (c *Conn) PeerSettings() *Settings { return &c.peer }

// Streams returns how many streams are in the table: open ones, and closed ones that the application has not released.
func (c *Conn) Streams() int { return c.tab.n }

// Idle reports whether there is no stream, nothing owed and nothing half received.
func (c *Conn) Idle() bool {
	return c.tab.n == 0 && !c.Owes() && !c.in.busy() && c.pending == 0
}

// Trim gives back the memory of an idle connection's tables; what HPACK needs is kept. It does nothing while there are
// streams.
func (c *Conn) Trim() {
	if c.tab.n == 0 {
		c.tab = table{}
		c.sched = priority.Scheduler[uint32]{}
		c.owed.trim()
		if len(c.early) == 0 {
			c.early = nil
		}
	}
}

// SetUser stores a number of the application's for the stream; events of the stream carry it.
func (c *Conn) SetUser(id, user uint32) error {
	slot := c.tab.find(id)
	if slot < 0 {
		return c.misused(fNoStreamUser, id)
	}
	c.tab.slots[slot].user = user
	return nil
}

// User returns what SetUser stored for the stream; false if it is not in the table.
func (c *Conn) User(id uint32) (user uint32, known bool) {
	slot := c.tab.find(id)
	if slot < 0 {
		return 0, false
	}
	return c.tab.slots[slot].user, true
}

// lastPeer returns the last stream of the peer's that was or may be processed.
func (c *Conn) lastPeer() uint32 {
	if c.role == Client {
		return 0
	}
	return c.lastID
}

// lookup returns the slot of a stream, -1 if it has none, and its state.
func (c *Conn) lookup(id uint32) (int32, state) {
	if slot := c.tab.find(id); slot >= 0 {
		return slot, c.tab.slots[slot].state
	}
	// RFC 9113 section 5.1.1: streams initiated by a client MUST use odd-numbered stream identifiers. There are no others:
	// pushes are refused.
	if id&1 == 0 || id > c.mem.last {
		return -1, idle
	}
	return -1, c.mem.recall(id)
}

// insert gives a new stream its slot.
func (c *Conn) insert(id uint32, st state) int32 {
	slot := c.tab.add(id)
	c.sched.Grow(len(c.tab.slots))
	s := &c.tab.slots[slot]
	s.state = st
	s.left = -1
	s.priority = DefaultPriority()
	s.send = window(c.peer.InitialWindowSize)
	if c.owed.acked {
		s.recv.init(c.p.window.Stream)
	} else {
		s.recv.init(initialWindow)
	}
	return slot
}

// close takes the stream out of the protocol: from now on it is only held, if anything.
func (c *Conn) close(slot int32, how state) {
	s := &c.tab.slots[slot]
	if s.state.closed() {
		return
	}
	if s.has(sOwn) {
		c.owns--
	} else {
		c.peers--
	}
	s.state = how
	c.mem.close(s.id, how)
	c.unready(slot)
	c.unqueue(slot)
}

// free removes the slot; data that the application has not taken is credited to the connection.
func (c *Conn) free(slot int32) {
	s := &c.tab.slots[slot]
	c.refund(uint32(s.recv.held - c.undelivered(s.id)))
	c.tab.del(slot)
}

// hold keeps a closed stream for the application if it knows it, else frees it.
func (c *Conn) hold(slot int32) {
	s := &c.tab.slots[slot]
	if s.has(sShown) {
		s.flags |= sHeld
		return
	}
	c.free(slot)
}

// endRemote: the peer's END_STREAM has come.
func (c *Conn) endRemote(slot int32) {
	s := &c.tab.slots[slot]
	c.unqueue(slot)
	if s.state == open {
		s.state = halfRemote
		return
	}
	c.finish(slot)
}

// endLocal: our END_STREAM was sent.
func (c *Conn) endLocal(slot int32) {
	s := &c.tab.slots[slot]
	c.unready(slot)
	if s.state == open {
		s.state = halfLocal
		return
	}
	c.finish(slot)
}

// finish: END_STREAM in both directions. The slot stays while the application has data of it.
func (c *Conn) finish(slot int32) {
	c.close(slot, ended)
	c.flood.completed(c.p)
	if c.tab.slots[slot].recv.held == 0 {
		c.free(slot)
	}
}
