package stream

import (
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/ranges"
)

// refMin is the length in bytes below which WriteRef copies: a reference to less would take more memory than the bytes.
const refMin = 128

// Piece is a part of a stream that goes into one frame. The connection keeps it with the packet that it was sent in, and gives it to
// Acked or Lost.
type Piece struct {
	// Offset is where it begins, Len how many octets it has, 0 for one with Fin only.
	Offset uint64
	Len    int
	// Fin says that the stream ends behind it.
	Fin bool
}

// SendBuffer holds what was written to a stream, or to the handshake, until it is acknowledged. Every octet is in one of four
// states: not sent, in flight, lost (to be sent again, before anything new), acknowledged. Memory is given back as the
// acknowledged front of the stream grows. A SendBuffer is not ready for use before Init.
type SendBuffer struct {
	store *Store
	limit int
	segs  []segment
	head  int
	base  uint64 // below: acknowledged and given back
	sent  uint64 // below: was sent at least once
	end   uint64 // what was written
	acked ranges.Set
	lost  ranges.Set // disjoint from acked, unless one of the two was full
	fin   finState
	steps uint64
}

// segment is a part of the stream that is contiguous in memory: data is the octets up to end.
type segment struct {
	end  uint64
	data []byte
	c    *chunk // nil: data belongs to the caller
}

type finState uint8

const (
	finNone finState = iota
	finUnsent
	finInFlight
	finAcked
)

// Init makes b ready. It holds at most limit octets, which must be positive, and remembers at most pieces disjoint parts of
// the stream that are acknowledged, and that are lost; if there are more, octets are sent once more than needed.
func (b *SendBuffer) Init(store *Store, limit, pieces int) {
	b.Release()
	*b = SendBuffer{store: store, limit: limit, segs: b.segs[:0], acked: b.acked, lost: b.lost}
	b.acked.Clear()
	b.lost.Clear()
	b.acked.SetLimit(max(pieces, 1))
	b.lost.SetLimit(max(pieces, 1))
}

// Buffered returns how many octets are held: written and not given back.
func (b *SendBuffer) Buffered() int { return int(b.end - b.base) }

// Room returns how many octets may be written now.
func (b *SendBuffer) Room() int { return max(b.limit-b.Buffered(), 0) }

// Written, Sent and Released return offsets: the end of what was written, of what was sent at least once, and of the front of the stream
// that is acknowledged without a gap.
func (b *SendBuffer) Written() uint64  { return b.end }
func (b *SendBuffer) Sent() uint64     { return b.sent }
func (b *SendBuffer) Released() uint64 { return b.base }

// Closed tells whether Close was called.
func (b *SendBuffer) Closed() bool { return b.fin != finNone }

// Done tells whether everything that was written, and the end of the stream, is acknowledged.
func (b *SendBuffer) Done() bool { return b.fin == finAcked && b.base == b.end }

// Write copies as much of p as there is room for, and returns how many bytes. After Close it is misuse.
func (b *SendBuffer) Write(p []byte) (n int, err error) {
	if r := b.writable(len(p)); r != ok {
		return 0, failure(r)
	}
	p = p[:min(len(p), b.Room())]
	n = len(p)
	for len(p) > 0 {
		var s *segment
		if len(b.segs) > b.head {
			s = &b.segs[len(b.segs)-1]
		}
		if s == nil || s.c == nil || len(s.data) == ChunkLen {
			c := b.store.get()
			b.segs = append(b.segs, segment{end: b.end, data: c.data[:0], c: c})
			s = &b.segs[len(b.segs)-1]
		}
		m := copy(s.c.data[len(s.data):], p)
		s.data = s.c.data[:len(s.data)+m]
		b.end += uint64(m)
		s.end = b.end
		p = p[m:]
	}
	return n, nil
}

// WriteRef takes p without copying it: the caller must not change it until it is given back, that is until Released is beyond it, or Reset. It takes
// as much as there is room for and returns how many bytes. Short ones are copied. After Close it is misuse.
func (b *SendBuffer) WriteRef(p []byte) (n int, err error) {
	n = min(len(p), b.Room())
	if n < refMin {
		return b.Write(p)
	}
	if r := b.writable(n); r != ok {
		return 0, failure(r)
	}
	b.end += uint64(n)
	b.segs = append(b.segs, segment{end: b.end, data: p[:n:n]})
	return n, nil
}

func (b *SendBuffer) writable(n int) reason {
	switch {
	case b.fin != finNone:
		return rPutClosed
	case b.end+uint64(n) > quic.MaxVarint:
		return rPutSize
	}
	return ok
}

// Close says that nothing more will be written. A second time it does nothing.
func (b *SendBuffer) Close() {
	if b.fin == finNone {
		b.fin = finUnsent
	}
}

// Pending tells whether there is anything to be sent, flow control left aside.
func (b *SendBuffer) Pending() bool {
	return !b.lost.Empty() || b.sent < b.end || b.fin == finUnsent
}

// PendingOld tells whether there is anything to be sent that needs no flow control credit: lost octets, or an end of the stream alone.
func (b *SendBuffer) PendingOld() bool {
	return !b.lost.Empty() || b.fin == finUnsent && b.sent == b.end
}

// Next chooses what goes into the next frame, at most size octets, and counts it as in flight. What was lost goes first; of what was never sent at most
// credit octets are chosen: what flow control allows. Which of the two it is, the offset tells: Sent from before the call. ok
// is false if there is nothing.
func (b *SendBuffer) Next(size int, credit uint64) (p Piece, found bool) {
	b.steps++
	if f := b.lost.First(); !f.Empty() {
		if size <= 0 {
			return p, false
		}
		p = Piece{Offset: f.Start, Len: int(min(f.Len(), uint64(size)))}
		b.lost.RemoveRange(p.Offset, p.Offset+uint64(p.Len))
		b.tail(&p)
		return p, true
	}
	n := min(b.end-b.sent, uint64(max(size, 0)), credit)
	if n == 0 && (b.fin != finUnsent || b.sent != b.end) {
		return p, false
	}
	p = Piece{Offset: b.sent, Len: int(n)}
	b.sent += n
	b.tail(&p)
	return p, true
}

// tail sets Fin where the stream ends.
func (b *SendBuffer) tail(p *Piece) {
	if b.fin != finNone && b.fin != finAcked && p.Offset+uint64(p.Len) == b.end {
		p.Fin, b.fin = true, finInFlight
	}
}

// Probe chooses, for a packet on a probe timeout, the oldest octets that were sent and are not acknowledged, at most size of them. They are in flight then. found is
// false if there are none.
func (b *SendBuffer) Probe(size int) (p Piece, found bool) {
	gap := b.acked.NextGap(b.base, b.sent)
	if size > 0 && !gap.Empty() {
		p = Piece{Offset: gap.Start, Len: int(min(gap.Len(), uint64(size)))}
		b.lost.TryRemoveRange(p.Offset, p.Offset+uint64(p.Len))
		b.tail(&p)
		return p, true
	}
	if gap.Empty() && b.fin == finInFlight && b.sent == b.end {
		p = Piece{Offset: b.end, Fin: true}
		return p, true
	}
	return p, false
}

// AppendData appends the octets of p, which must not be given back already, to dst. Octets that are not there are misuse: dst is returned as
// it was.
func (b *SendBuffer) AppendData(dst []byte, p Piece) ([]byte, error) {
	end := p.Offset + uint64(p.Len)
	if p.Len < 0 || p.Offset < b.base || end > b.end {
		return dst, failure(rPutAck)
	}
	i := b.find(p.Offset)
	for at := p.Offset; at < end; i++ {
		s := &b.segs[i]
		skip := at - (s.end - uint64(len(s.data)))
		part := s.data[skip:min(uint64(len(s.data)), skip+end-at)]
		dst = append(dst, part...)
		at += uint64(len(part))
		b.steps++
	}
	return dst, nil
}

// find returns the index of the segment with the octet at offset.
func (b *SendBuffer) find(offset uint64) int {
	lo, hi := b.head, len(b.segs)
	for lo < hi {
		b.steps++
		mid := int(uint(lo+hi) >> 1)
		if b.segs[mid].end > offset {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// Acked counts p as acknowledged. Any number of times, also of what was taken for lost; what was never sent is misuse.
func (b *SendBuffer) Acked(p Piece) error {
	end, err := b.known(p)
	if err != nil {
		return err
	}
	start := max(p.Offset, b.base)
	if p.Fin {
		b.fin = finAcked
	}
	if start >= end {
		return nil
	}
	if start == b.base {
		b.release(end)
		return nil
	}
	if _, fits := b.acked.TryAddRange(start, end); !fits {
		// Too many parts to remember: these octets are sent again, and this acknowledgment is forgotten.
		b.lose(start, end)
		return nil
	}
	// If this would split a lost part when there is no room for one more, it stays as it is: octets are sent once more than needed.
	b.lost.TryRemoveRange(start, end)
	return nil
}

// release gives back what is below to, and what is acknowledged from there on.
func (b *SendBuffer) release(to uint64) {
	if f := b.acked.Find(to); !f.Empty() {
		to = f.End
	}
	b.acked.RemoveBelow(to)
	b.lost.RemoveBelow(to)
	b.base = to
	for b.head < len(b.segs) && b.segs[b.head].end <= to {
		b.dropHead()
	}
	if b.head == len(b.segs) {
		b.segs, b.head = b.segs[:0], 0
	} else if b.head > 16 && b.head > len(b.segs)/2 {
		b.steps += uint64(len(b.segs) - b.head)
		n := copy(b.segs, b.segs[b.head:])
		clear(b.segs[n:])
		b.segs, b.head = b.segs[:n], 0
	}
}

func (b *SendBuffer) dropHead() {
	b.steps++
	if c := b.segs[b.head].c; c != nil {
		b.store.put(c)
	}
	b.segs[b.head] = segment{}
	b.head++
}

// Lost counts p, which was in flight, as lost: it will be sent again, but for what is acknowledged already. What was never sent is misuse.
func (b *SendBuffer) Lost(p Piece) error {
	end, err := b.known(p)
	if err != nil {
		return err
	}
	if p.Fin && b.fin == finInFlight {
		b.fin = finUnsent
	}
	for at := max(p.Offset, b.base); at < end; {
		gap := b.acked.NextGap(at, end)
		if gap.Empty() {
			break
		}
		b.lose(gap.Start, gap.End)
		at = gap.End
		b.steps++
	}
	return nil
}

// lose adds start to end-1, none of which is acknowledged, to what is lost.
func (b *SendBuffer) lose(start, end uint64) {
	if _, fits := b.lost.TryAddRange(start, end); fits {
		return
	}
	// No room for a further piece: join it with the one below or above, octets between them are sent once more than needed.
	next := b.lost.Next(start)
	if next.Empty() {
		next = b.lost.Last()
		start = next.End
	} else {
		end = next.Start
	}
	b.lost.AddRange(start, end)
}

// known tells where p ends, and that all of it was sent.
func (b *SendBuffer) known(p Piece) (end uint64, err error) {
	end = p.Offset + uint64(p.Len)
	if p.Len < 0 || p.Offset > quic.MaxVarint || end > b.sent || p.Fin && (end != b.end || b.fin == finNone) {
		return 0, failure(rPutAck)
	}
	return end, nil
}

// Release gives all memory back, for a stream that was reset or is over. Nothing else may be called afterwards but Init.
func (b *SendBuffer) Release() {
	for b.head < len(b.segs) {
		b.dropHead()
	}
	b.segs, b.head = b.segs[:0], 0
	b.base, b.sent = b.end, b.end
	b.acked.Clear()
	b.lost.Clear()
}
