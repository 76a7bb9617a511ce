package h3

import "github.com/purewire/purewire/codec"

// kind is what a stream is.
type kind uint8

const (
	kUntyped kind = iota // unidirectional, its type has not come
	kControl
	kEncoder
	kDecoder
	kRequest
)

// phase is how far the receiving side of a request stream has come.
type phase uint8

const (
	wantHead  phase = iota
	wantFinal       // client: interim responses have come
	wantBody
	wantEnd  // trailers have come
	readDone // the end was reported, or nothing more is read
	numPhases
)

// Flags of a request stream.
const (
	sShown     uint16 = 1 << iota // the application knows it
	sOwn                          // opened by this end
	sSent                         // our head was sent (server: the final one)
	sEnded                        // our side is finished
	sConnect                      // CONNECT: content until the end, no trailers
	sEarly                        // server: PRIORITY_UPDATE has come before the head
	sNoContent                    // a response to be received that cannot have content: HEAD, 204, 304
	sHead                         // the request was HEAD
	sSkip                         // the frame in progress is thrown away
	sBlocked                      // its field section waits for the encoder stream
	sReady                        // the application has data to send
	sDatagrams                    // the request has a use for datagrams
	sRetry                        // closed by GOAWAY: to be reported
	sTimedOut                     // blocked too long: to be reported
	sResume                       // unblocked: to be reported
	sTold                         // client: PRIORITY_UPDATE is owed
)

// stream is one slot of the table.
type stream struct {
	id       uint64
	off      int64      // octets consumed
	left     uint64     // of the payload of the frame in progress
	content  int64      // still to come after Content-Length; -1: not declared
	sending  int64      // the same of what we send
	due      codec.Time // when it was blocked for too long
	user     uint32
	next     int32 // free list
	flags    uint16
	infos    uint16 // 1xx responses so far
	kind     kind
	phase    phase
	priority Priority
}

func (s *stream) has(f uint16) bool { return s.flags&f != 0 }

// table maps stream identifiers to slots. Slots do not move: others keep their numbers. It grows to the limits on streams and
// never beyond.
type table struct {
	slots []stream
	index []int32 // open addressing; slot+1, 0 is empty; len is a power of 2, at least twice len(slots)
	free  int32   // slot+1 of the first free one
	n     int
}

// home spreads identifiers, of which the two low bits tell little.
func (t *table) home(id uint64) int { return int(id>>2^id<<3) & (len(t.index) - 1) }

// find returns the slot of the stream, -1 if it has none.
func (t *table) find(id uint64) int32 {
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
func (t *table) add(id uint64) int32 {
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

func (t *table) link(id uint64, slot int32) {
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
	t.slots[slot] = stream{id: freeSlot, next: t.free}
	t.free = slot + 1
	t.n--
}

// freeSlot is the id of a free slot; no stream has it.
const freeSlot = NoStream

func (t *table) grow() {
	old := len(t.slots)
	size := max(4, 2*old)
	slots := make([]stream, size)
	copy(slots, t.slots)
	t.slots = slots
	t.index = make([]int32, 2*size)
	for i := range t.slots[:old] {
		t.link(t.slots[i].id, int32(i))
	}
	for i := size - 1; i >= old; i-- {
		t.slots[i] = stream{id: freeSlot, next: t.free}
		t.free = int32(i) + 1
	}
}

// reset empties the table and keeps its memory.
func (t *table) reset() {
	clear(t.index)
	t.free, t.n = 0, 0
	for i := len(t.slots) - 1; i >= 0; i-- {
		t.slots[i] = stream{id: freeSlot, next: t.free}
		t.free = int32(i) + 1
	}
}
