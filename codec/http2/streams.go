package http2

import "github.com/purewire/purewire/codec"

// state is where a stream stands (RFC 9113 section 5.1). The reserved states do not occur: pushes are neither sent nor
// accepted. "closed" has six shades, because what may still arrive depends on how it came to be closed.
type state uint8

const (
	idle       state = iota // not used yet
	open                    // both ends may send
	halfLocal               // half-closed (local): we have ended our side
	halfRemote              // half-closed (remote): the peer has ended its side
	ended                   // closed by END_STREAM in both directions
	reset                   // closed by our RST_STREAM
	aborted                 // closed by the peer's RST_STREAM
	skipped                 // closed because a higher identifier was used first: never used, never will be
	ancient                 // closed so long ago that nobody remembers how
	numStates
)

// closed reports whether the state is one of the shades of "closed".
func (s state) closed() bool { return s >= ended }

// input is a frame that arrives, as far as stream states are concerned. Frames of other types do not belong to streams.
type input uint8

const (
	inHeaders input = iota
	inData
	inReset
	inWindow
	inPriority
	numInputs
)

// verdict is what a frame means in a state: a fault, or to be taken, or to be dropped (minimally processed and discarded).
type verdict struct {
	fault Fault
	drop  bool
}

// verdicts is RFC 9113 section 5.1 for arriving frames, for streams that the peer may open (server) or that we have
// opened (client). A HEADERS frame on an idle stream is taken: it opens the stream; which identifiers it may have is
// decided before. The other columns of idle hold for both roles.
var verdicts = [numStates][numInputs]verdict{
	// 5.1-7.2.1: receiving any frame other than HEADERS or PRIORITY on a stream in the idle state MUST be treated as a
	// connection error of type PROTOCOL_ERROR.
	idle: {inData: {fault: fIdleData}, inReset: {fault: fIdleReset}, inWindow: {fault: fIdleWindow}},
	// 5.1-7.8.1: the open state may be used by both peers to send frames of any type.
	open: {},
	// 5.1-7.10.3: an endpoint can receive any type of frame in the half-closed (local) state.
	halfLocal: {},
	// 5.1-7.12.2: if an endpoint receives additional frames, other than WINDOW_UPDATE, PRIORITY, or RST_STREAM, for a stream
	// that is in the half-closed (remote) state, it MUST respond with a stream error of type STREAM_CLOSED.
	halfRemote: {inHeaders: {fault: fHalfClosedHeaders}, inData: {fault: fHalfClosedData}},
	// 5.1-7.14.3: an endpoint MAY treat receipt of any other type of frame on a closed stream as a connection error of type
	// STREAM_CLOSED, except: 5.1-7.14.4: an endpoint that sends a frame with the END_STREAM flag set or a RST_STREAM frame might
	// receive a WINDOW_UPDATE or RST_STREAM frame from its peer.
	ended: {inHeaders: {fault: fEndedHeaders}, inData: {fault: fEndedData}, inReset: {drop: true}, inWindow: {drop: true}},
	// 5.1-7.14.5: an endpoint that sends a RST_STREAM frame on a stream that is in the open or half-closed (local) state could
	// receive any type of frame. An endpoint MUST minimally process and then discard any frames it receives in this state.
	reset: {inHeaders: {drop: true}, inData: {drop: true}, inReset: {drop: true}, inWindow: {drop: true}},
	// 5.1-7.14.3, and the peer has said by itself that nothing more comes. A stream error is enough.
	aborted: {inHeaders: {fault: fAbortedHeaders}, inData: {fault: fAbortedData}, inReset: {drop: true}, inWindow: {drop: true}},
	// 5.1.1-5: the first use of a new stream identifier implicitly closes all streams in the idle state that might have been
	// initiated by that peer with a lower-valued identifier. 5.1.1-2: an endpoint that receives an unexpected
	// stream identifier MUST respond with a connection error of type PROTOCOL_ERROR.
	skipped: {inHeaders: {fault: fSkippedHeaders}, inData: {fault: fSkippedData}, inReset: {drop: true}, inWindow: {drop: true}},
	// 5.1-7.14.5: minimal processing is right for every closed stream; it is what is left when it is not known which.
	ancient: {inHeaders: {fault: fAncientHeaders}, inData: {drop: true}, inReset: {drop: true}, inWindow: {drop: true}},
}

// Flags of a stream.
const (
	sShown     uint16 = 1 << iota // the application knows it
	sHeld                         // closed by an event: stays until released
	sGot                          // the peer's head has come (client: the final one)
	sSent                         // our head was sent (server: the final one)
	sReady                        // the application has data to send
	sStalled                      // ready, but blocked by its window: not in the scheduler
	sQueued                       // in the list of streams that owe WINDOW_UPDATE
	sConnect                      // CONNECT: content until the end, no trailers
	sNoContent                    // a response that cannot have content: HEAD, 204, 304
	sHead                         // client: the request was HEAD
	sOwn                          // opened by this end
	sRetry                        // closed by GOAWAY: to be reported
	sTimedOut                     // stalled too long: to be reported
	sCut                          // the input has ended before the stream: to be reported
)

// stream is one slot of the table.
type stream struct {
	id       uint32
	user     uint32
	state    state
	infos    uint16 // 1xx responses so far
	priority Priority
	flags    uint16
	send     window
	next     int32 // free list
	left     int64 // content still to come after Content-Length; -1: not declared
	recv     recvWindow
	stallAt  codec.Time // when the peer must have let stallBytes out
	progress uint32     // octets sent since stallAt was set
}

func (s *stream) has(f uint16) bool { return s.flags&f != 0 }

// table maps stream identifiers to slots. Slots do not move: others keep their numbers. It grows to the limits on streams and
// never beyond.
type table struct {
	slots []stream
	index []int32 // open addressing by id/2; slot+1, 0 is empty; len is a power of 2, at least twice cap(slots)
	free  int32   // slot+1 of the first free one
	n     int
}

func (t *table) home(id uint32) int { return int(id>>1) & (len(t.index) - 1) }

// find returns the slot of the stream, -1 if it has none.
func (t *table) find(id uint32) int32 {
	if t.n == 0 {
		return -1
	}
	for i := t.home(id); ; i = (i + 1) & (len(t.index) - 1) {
		v := t.index[i]
		if v == 0 {
			return -1
		}
		if t.slots[v-1].id == id {
			return v - 1
		}
	}
}

// add gives the stream a slot, all zero but the identifier.
func (t *table) add(id uint32) int32 {
	if t.free == 0 {
		t.grow()
	}
	slot := t.free - 1
	s := &t.slots[slot]
	t.free = s.next
	*s = stream{id: id}
	t.n++
	t.link(id, slot)
	return slot
}

func (t *table) link(id uint32, slot int32) {
	i := t.home(id)
	for t.index[i] != 0 {
		i = (i + 1) & (len(t.index) - 1)
	}
	t.index[i] = slot + 1
}

// del frees the slot.
func (t *table) del(slot int32) {
	mask := len(t.index) - 1
	i := t.home(t.slots[slot].id)
	for t.index[i] != slot+1 {
		i = (i + 1) & mask
	}
	// Close the gap: move up what was pushed behind it.
	for j := i; ; {
		j = (j + 1) & mask
		v := t.index[j]
		if v == 0 {
			break
		}
		if h := t.home(t.slots[v-1].id); (j-h)&mask >= (j-i)&mask {
			t.index[i], i = v, j
		}
	}
	t.index[i] = 0
	t.slots[slot] = stream{next: t.free}
	t.free = slot + 1
	t.n--
}

func (t *table) grow() {
	old := len(t.slots)
	size := max(4, 2*old)
	slots := make([]stream, size)
	copy(slots, t.slots)
	t.slots = slots
	for i := size - 1; i >= old; i-- {
		t.slots[i].next = t.free
		t.free = int32(i) + 1
	}
	t.index = make([]int32, 2*size)
	for i := range t.slots[:old] {
		t.link(t.slots[i].id, int32(i))
	}
}

// memory remembers how the last closed streams came to be closed: two bits for each identifier of one parity. It costs 64 octets
// whatever happens.
type memory struct {
	last uint32 // highest identifier used
	bits [remembered / 4]uint8
}

// remembered is how many identifiers back memory reaches.
const remembered = 256

var shades = [4]state{skipped, ended, reset, aborted}

func (m *memory) place(id uint32) (i int, shift uint32) {
	k := id >> 1 & (remembered - 1)
	return int(k >> 2), k & 3 * 2
}

// use tells that the identifier, higher than all before, is used. Those between are skipped.
func (m *memory) use(id uint32) {
	if id-m.last >= 2*remembered {
		m.bits = [remembered / 4]uint8{}
	} else {
		for x := (m.last + 1) | 1; x <= id; x += 2 { // the odd ones above
			i, shift := m.place(x)
			m.bits[i] &^= 3 << shift
		}
	}
	m.last = id
}

// close tells how the stream was closed.
func (m *memory) close(id uint32, how state) {
	if id > m.last || m.last-id >= 2*remembered {
		return
	}
	i, shift := m.place(id)
	m.bits[i] = m.bits[i]&^(3<<shift) | uint8(how-ended+1)<<shift
}

// recall returns the state of a stream that is not in the table and not idle.
func (m *memory) recall(id uint32) state {
	if m.last-id >= 2*remembered {
		return ancient
	}
	i, shift := m.place(id)
	return shades[m.bits[i]>>shift&3]
}
