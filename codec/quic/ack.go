package quic

import "github.com/purewire/purewire/codec/internal/varint"

// AckInfo is what an ACK frame says (RFC 9000 section 19.3).
type AckInfo struct {
	// Largest is the largest packet number that is acknowledged.
	Largest uint64
	// Delay is the ACK Delay field as it is on the wire: microseconds, to be shifted left by the sender's ack_delay_exponent.
	Delay uint64
	// First is the length of the first range: the packets Largest-First to Largest are acknowledged.
	First uint64
	// Count is the number of further ranges in Blocks.
	Count uint64
	// Blocks are the further ranges as they are on the wire, pairs of gap and length. FrameDecoder has validated them.
	Blocks []byte
	// ECN says that the frame has counts of ECN marks.
	ECN bool
	// ECT0, ECT1 and CE count the packets that came with each mark. They are zero without ECN.
	ECT0, ECT1, CE uint64
}

// Range is a range of packet numbers, both ends included.
type Range struct {
	Smallest, Largest uint64
}

// AckRanges steps through the ranges of an ACK frame, from the largest packet numbers downwards.
type AckRanges struct {
	blocks []byte
	next   Range
	left   uint64 // ranges after next
	done   bool
}

// Ranges returns an iterator over the ranges. Its cost is proportional to their number. It is meant for what FrameDecoder has
// reported; of blocks that were never validated it gives the ranges in front of the first impossible one.
func (a *AckInfo) Ranges() AckRanges {
	return AckRanges{blocks: a.Blocks, next: Range{a.Largest - a.First, a.Largest}, left: a.Count, done: a.First > a.Largest}
}

// Next returns the next range. ok is false behind the last one.
func (r *AckRanges) Next() (rg Range, ok bool) {
	if r.done {
		return Range{}, false
	}
	rg = r.next
	if r.left == 0 {
		r.done = true
		return rg, true
	}
	r.left--
	gap, n := varint.Parse(r.blocks)
	length, m := varint.Parse(r.blocks[n:])
	if n == 0 || m == 0 || gap+2+length > rg.Smallest {
		r.done = true
		return rg, true
	}
	r.blocks = r.blocks[n+m:]
	largest := rg.Smallest - gap - 2
	r.next = Range{largest - length, largest}
	return rg, true
}

// ack reads the frame behind its type. Nothing is reported before all ranges have been looked at.
func (p *frameParser) ack(f *Frame, ecn bool) reason {
	a := &f.Ack
	a.ECN = ecn
	a.Largest = p.varint()
	a.Delay = p.varint()
	countAt := p.off
	a.Count = p.varint()
	at := p.off
	a.First = p.varint()
	if p.short {
		return ok
	}
	// 9000-19.3.1-14: "If any computed packet number is negative, an endpoint MUST generate a connection error of type
	// FRAME_ENCODING_ERROR."
	if a.First > a.Largest {
		return p.fail(at, rAckFirst)
	}
	// Every further range takes two bytes at least, and a packet number and a gap of one at least.
	if a.Count > uint64(p.end-p.off)/2 {
		return p.fail(countAt, rAckCount)
	}
	smallest := a.Largest - a.First
	start := p.off
	src, off := p.src, p.off
	for i := uint64(0); i < a.Count; i++ {
		var gap, length uint64
		var n int
		if off+1 < len(src) && src[off]|src[off+1] < 0x40 {
			gap, length, n = uint64(src[off]), uint64(src[off+1]), 2
		} else {
			var m int
			gap, n = varint.Parse(src[off:])
			length, m = varint.Parse(src[off+n:])
			if n == 0 || m == 0 {
				p.short = true
				return ok
			}
			n += m
		}
		if gap+2 > smallest {
			return p.fail(off, rAckGap)
		}
		smallest -= gap + 2
		if length > smallest {
			return p.fail(off, rAckRange)
		}
		smallest -= length
		off += n
	}
	p.off = off
	a.Blocks = src[start:off:off]
	if ecn {
		a.ECT0 = p.varint()
		a.ECT1 = p.varint()
		a.CE = p.varint()
	}
	return ok
}

// AppendAck appends an ACK frame for the ranges, which must be in descending order with at least one packet number between each two. delay
// is the ACK Delay field as it goes on the wire. ecn may be nil; else its ECT0, ECT1 and CE are added.
// It writes as many of the ranges, from the largest on, as fit into max bytes, and returns how many; if not even one fits, dst is returned as it was and n is 0.
// The error, always misuse, is for ranges in another order and values above MaxVarint.
func AppendAck(dst []byte, delay uint64, ranges []Range, ecn *AckInfo, max int) (out []byte, n int, err error) {
	if len(ranges) == 0 || delay > MaxVarint {
		return dst, 0, failure(rPutAck)
	}
	first := ranges[0]
	if first.Smallest > first.Largest || first.Largest > MaxVarint {
		return dst, 0, failure(rPutAckRanges)
	}
	tail := 0
	if ecn != nil {
		if ecn.ECT0 > MaxVarint || ecn.ECT1 > MaxVarint || ecn.CE > MaxVarint {
			return dst, 0, failure(rPutAckECN)
		}
		tail = VarintLen(ecn.ECT0) + VarintLen(ecn.ECT1) + VarintLen(ecn.CE)
	}
	size := 1 + VarintLen(first.Largest) + VarintLen(delay) + VarintLen(first.Largest-first.Smallest) + tail
	n, err = ackFit(ranges, max-size)
	if err != nil || n == 0 {
		return dst, 0, err
	}
	dst = append(dst, byte(0x02|bit(ecn != nil, 1)))
	dst = AppendVarint(dst, first.Largest)
	dst = AppendVarint(dst, delay)
	dst = AppendVarint(dst, uint64(n-1))
	dst = AppendVarint(dst, first.Largest-first.Smallest)
	below := first.Smallest
	for _, r := range ranges[1:n] {
		gap, length := below-r.Largest-2, r.Largest-r.Smallest
		below = r.Smallest
		if gap|length < 1<<6 {
			dst = append(dst, byte(gap), byte(length))
			continue
		}
		dst = AppendVarint(AppendVarint(dst, gap), length)
	}
	if ecn != nil {
		dst = AppendVarint(AppendVarint(AppendVarint(dst, ecn.ECT0), ecn.ECT1), ecn.CE)
	}
	return dst, n, nil
}

// ackFit checks the order of all ranges and returns how many of them, with the count of those behind the first, fit into room bytes:
// the first takes none of them.
func ackFit(ranges []Range, room int) (n int, err error) {
	size, full := 0, room < 1
	below := ranges[0].Smallest
	for i, r := range ranges[1:] {
		if r.Smallest > r.Largest || below < 2 || r.Largest > below-2 {
			return 0, failure(rPutAckRanges)
		}
		gap, length := below-r.Largest-2, r.Largest-r.Smallest
		below = r.Smallest
		if full {
			continue
		}
		more := 2
		if gap|length >= 1<<6 {
			more = VarintLen(gap) + VarintLen(length)
		}
		if size += more; size+VarintLen(uint64(i+1)) > room {
			n, full = i+1, true
		}
	}
	switch {
	case room < 1:
		return 0, nil
	case !full:
		n = len(ranges)
	}
	return n, nil
}
