package stream

import (
	"bytes"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/ranges"
)

// Reassembler puts the data of STREAM or CRYPTO frames in order: pieces out of order, overlapping and repeated go in, the stream comes
// out. Data that continues what was read already, with nothing stored in front of it, is handed through without a copy.
// Everything else is copied to chunks of a Store, at the place in the chunk that its offset tells, so a piece of one byte
// never keeps a packet alive, and all pieces of the same ChunkLen bytes share a chunk.
//
// The octets ahead of the read offset and the number of pieces with gaps between them are both bounded. A
// Reassembler is not ready for use before Init.
type Reassembler struct {
	store *Store
	ahead uint64 // how far data may be ahead of next
	next  uint64 // read offset
	high  uint64 // one above the highest octet that was received
	have  ranges.Set
	// chunks[head+i] has the octets from (first+i)*ChunkLen on. nil where nothing is stored.
	chunks  []*chunk
	head    int
	first   uint64
	discard bool
	steps   uint64
}

// Init makes r ready, at offset 0. Data may be at most ahead octets in front of the read offset, in at most pieces disjoint
// pieces; both must be positive.
func (r *Reassembler) Init(store *Store, ahead uint64, pieces int) {
	r.Release()
	*r = Reassembler{store: store, ahead: ahead, have: r.have, chunks: r.chunks[:0]}
	r.have.Clear()
	r.have.SetLimit(max(pieces, 1))
}

// SetAhead changes how many octets data may be in front of the read offset. What is stored already stays.
func (r *Reassembler) SetAhead(n uint64) { r.ahead = n }

// Next returns the read offset: how many octets were delivered.
func (r *Reassembler) Next() uint64 { return r.next }

// High returns one above the offset of the highest octet that was received, 0 if there was none.
func (r *Reassembler) High() uint64 { return r.high }

// Pieces returns how many disjoint pieces are stored.
func (r *Reassembler) Pieces() int { return r.have.Len() }

// Readable returns how many octets are stored at the read offset without a gap.
func (r *Reassembler) Readable() uint64 {
	if f := r.have.First(); f.Start == r.next && !f.Empty() {
		return f.End - r.next
	}
	return 0
}

// Insert takes data at offset. If lend is true, the part of it that is next in the stream is returned and counts as delivered: it is a
// part of data, without a copy, and to be used before data changes. It is empty if older data must be read first (Peek) or
// is missing. With lend false everything is stored.
//
// Octets that were received before are not stored again: the first copy wins. Where the first copy is still stored, the new one
// is compared with it; a difference is a connection error. What was delivered already cannot be compared any more.
//
// With an error nothing has changed: PROTOCOL_VIOLATION for different data; FLOW_CONTROL_ERROR and INTERNAL_ERROR if one of the bounds
// of Init is exceeded.
func (r *Reassembler) Insert(offset uint64, data []byte, lend bool) (lent []byte, err error) {
	return r.insert(offset, data, lend, rStreamEnd, rAhead, rSpans)
}

func (r *Reassembler) insert(offset uint64, data []byte, lend bool, tooHigh, tooFar, tooMany reason) ([]byte, error) {
	end := offset + uint64(len(data))
	if offset > quic.MaxVarint || end > quic.MaxVarint {
		return nil, failure(tooHigh)
	}
	r.steps++
	if end <= r.next || len(data) == 0 {
		return nil, nil
	}
	if end-r.next > r.ahead {
		return nil, failure(tooFar)
	}
	if offset < r.next {
		data, offset = data[r.next-offset:], r.next
	}
	through := offset == r.next && (lend || r.discard)
	if through && r.have.Empty() {
		r.high = max(r.high, end)
		r.advance(end)
		return r.lent(data), nil
	}
	if !r.discard && r.conflicts(offset, end, data) {
		return nil, failure(rConflict)
	}
	var lent []byte
	at := offset
	if through {
		// The part in front of what is stored is lent; behind it the rest joins the first piece, so there is no piece more.
		at = min(end, r.have.First().Start)
		lent = data[:at-offset]
	} else if n, fits := r.have.TryAddRange(offset, end); !fits {
		return nil, failure(tooMany)
	} else if n == 0 {
		return nil, nil
	} else if !r.discard {
		// What was stored before is written again with the same octets: conflicts has seen to that.
		r.write(offset, data)
	}
	if through && at < end {
		if !r.discard {
			r.write(at, data[at-offset:])
		}
		r.have.AddRange(at, end)
	}
	r.high = max(r.high, end)
	if through {
		r.advance(at)
		if r.discard {
			r.skip()
		}
	}
	return r.lent(lent), nil
}

// lent returns data if it may be shown.
func (r *Reassembler) lent(data []byte) []byte {
	if r.discard || len(data) == 0 {
		return nil
	}
	return data[:len(data):len(data)]
}

// conflicts tells whether octets that are stored differ from those in data, which is for the range from offset to end.
func (r *Reassembler) conflicts(offset, end uint64, data []byte) bool {
	for at := offset; at < end; {
		piece := r.have.Next(at)
		stop := min(piece.End, end)
		if piece.Empty() || piece.Start >= end {
			return false
		}
		r.steps++
		for at = piece.Start; at < stop; {
			c, i := r.chunkAt(at)
			n := min(uint64(ChunkLen-i), stop-at)
			r.steps++
			// 9000-2.2-4: "The data at a given offset MUST NOT change if it is sent multiple times; an endpoint MAY treat receipt of different
			// data at the same offset within a stream as a connection error of type PROTOCOL_VIOLATION."
			if !bytes.Equal(c.data[i:i+int(n)], data[at-offset:at-offset+n]) {
				return true
			}
			at += n
		}
	}
	return false
}

// chunkAt returns the chunk with the octet at offset, which must be stored, and where it is therein.
func (r *Reassembler) chunkAt(offset uint64) (*chunk, int) {
	return r.chunks[r.head+int(offset/ChunkLen-r.first)], int(offset % ChunkLen)
}

// write copies data to the chunks.
func (r *Reassembler) write(offset uint64, data []byte) {
	if len(r.chunks) == r.head {
		r.chunks, r.head, r.first = r.chunks[:0], 0, r.next/ChunkLen
	}
	for len(data) > 0 {
		i := r.head + int(offset/ChunkLen-r.first)
		for i >= len(r.chunks) {
			r.steps++
			r.chunks = append(r.chunks, nil)
		}
		if r.chunks[i] == nil {
			r.chunks[i] = r.store.get()
		}
		r.steps++
		n := copy(r.chunks[i].data[offset%ChunkLen:], data)
		data, offset = data[n:], offset+uint64(n)
	}
}

// Peek returns the next octets that are stored at the read offset, up to the end of their chunk. They are valid until the next call of
// another method. It is empty if nothing is there: all was read, or there is a gap.
func (r *Reassembler) Peek() []byte {
	n := r.Readable()
	if n == 0 {
		return nil
	}
	c, i := r.chunkAt(r.next)
	return c.data[i:min(uint64(ChunkLen), uint64(i)+n):ChunkLen]
}

// Consume counts n octets that Peek has shown as delivered, and gives back chunks. More than there are is misuse.
func (r *Reassembler) Consume(n int) error {
	if n < 0 || uint64(n) > r.Readable() {
		return failure(rPutConsumed)
	}
	r.advance(r.next + uint64(n))
	return nil
}

// Read copies octets that are stored at the read offset to dst and counts them as delivered. It returns how many.
func (r *Reassembler) Read(dst []byte) (n int) {
	for n < len(dst) {
		b := r.Peek()
		if len(b) == 0 {
			break
		}
		m := copy(dst[n:], b)
		r.advance(r.next + uint64(m))
		n += m
	}
	return n
}

// advance moves the read offset and gives back the chunks that are below it.
func (r *Reassembler) advance(to uint64) {
	r.next = to
	if !r.have.Empty() {
		r.have.RemoveBelow(to)
	}
	for r.head < len(r.chunks) && (r.first+1)*ChunkLen <= to {
		r.drop(r.head)
		r.head++
		r.first++
	}
	if r.have.Empty() && r.head < len(r.chunks) {
		// Only the chunk of the read offset can be left: nothing in it is of use.
		for i := r.head; i < len(r.chunks); i++ {
			r.drop(i)
		}
		r.head = len(r.chunks)
	}
	if r.head == len(r.chunks) {
		r.chunks, r.head = r.chunks[:0], 0
	} else if r.head > 16 && r.head > len(r.chunks)/2 {
		r.steps += uint64(len(r.chunks) - r.head)
		n := copy(r.chunks, r.chunks[r.head:])
		clear(r.chunks[n:])
		r.chunks, r.head = r.chunks[:n], 0
	}
}

func (r *Reassembler) drop(i int) {
	r.steps++
	if c := r.chunks[i]; c != nil {
		r.store.put(c)
		r.chunks[i] = nil
	}
}

// skip delivers to nobody what is stored at the read offset.
func (r *Reassembler) skip() {
	if n := r.Readable(); n > 0 {
		r.advance(r.next + n)
	}
}

// Discard throws away what is stored, and what comes from now on: it is tracked as before, so that Next still tells how far the stream
// is complete, but takes no memory and is delivered to nobody.
func (r *Reassembler) Discard() {
	r.discard = true
	r.releaseChunks()
	r.skip()
}

// Release gives all chunks back to the store, for a stream that is over. Nothing else may be called afterwards but Init.
func (r *Reassembler) Release() {
	r.releaseChunks()
	r.have.Clear()
}

func (r *Reassembler) releaseChunks() {
	for i := r.head; i < len(r.chunks); i++ {
		r.drop(i)
	}
	r.chunks, r.head = r.chunks[:0], 0
}
