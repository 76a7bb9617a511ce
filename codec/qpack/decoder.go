package qpack

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/hcode"
)

// Decoder is the decoding end of one direction of a connection: a dynamic table that the peer's encoder stream fills, the
// streams that wait for it, and what is owed on our decoder stream. The zero value has the default limits. It keeps nothing
// of the octets that it is given.
type Decoder struct {
	tab        table
	maxTable   uint32 // our setting
	maxEntries uint64
	maxBlocked int
	ready      bool // Init has run

	maxList   int
	maxFields int
	maxString uint64

	in      instructions
	waiting []waiting // sections that were blocked when they were last seen
	owed    []answer
	sent    int    // of owed
	told    uint64 // the Insert Count that the peer can know of by what we have sent

	steps uint64
	err   *Error
	fault Error
}

// waiting is a section that needs more entries than there were.
type waiting struct {
	stream   uint64
	required uint64
	named    bool // AppendUnblocked has named it
}

// answer is an instruction that is owed on the decoder stream.
type answer struct {
	stream   uint64
	required uint64 // of the section that is acknowledged; 0 is a cancellation
}

// Init brings d to its initial state with the given limits; nil is all defaults. Memory is kept. Blocks that are in the middle of a
// section of d must be Reset.
func (d *Decoder) Init(l *Limits) {
	var def Limits
	if l == nil {
		l = &def
	}
	*d = Decoder{
		tab: d.tab, in: instructions{part: d.in.part[:0], name: d.in.name[:0], value: d.in.value[:0]},
		waiting: d.waiting[:0], owed: d.owed[:0], ready: true,
		maxTable: tableCapacity(l.TableCapacity), maxBlocked: blockedStreams(l.BlockedStreams),
		maxList: limit(l.ListSize, DefaultListSize), maxFields: limit(l.Fields, DefaultFields), maxString: uint64(limit(l.String, DefaultString)),
	}
	d.maxEntries = uint64(d.maxTable / overhead)
	d.tab.reset(0) // RFC 9204 section 3.2.2-1: the initial capacity of the dynamic table is zero
}

// TableSize returns the size of the dynamic table's entries in octets (RFC 9204 section 3.2.1).
func (d *Decoder) TableSize() int { return int(d.tab.size) }

// TableLen returns the number of entries in the dynamic table.
func (d *Decoder) TableLen() int { return int(d.tab.count) }

// Capacity returns the capacity that the peer's encoder has chosen for the dynamic table, 0 at first.
func (d *Decoder) Capacity() int { return int(d.tab.max) }

// InsertCount returns how many entries were inserted so far.
func (d *Decoder) InsertCount() uint64 { return d.tab.head }

// Steps returns the work done since Init in steps: octets looked at, octets decoded, fields.
func (d *Decoder) Steps() uint64 { return d.steps }

// Err returns the error that ended d, nil if there is none.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// fail ends d.
func (d *Decoder) fail(r reason, stream uint64, off int64) error {
	d.fault = Error{Scope: codec.ScopeConn, Code: r.code(), Stream: stream, Off: off, Reason: reasons[r]}
	d.err = &d.fault
	return d.err
}

// Decode decodes the next fragment of a field section of a stream: the content of a HEADERS or PUSH_PROMISE frame, cut
// anywhere. last says that src ends the section. n is how many octets were taken; the others must be presented again, with what
// came behind them:
//
//	n == len(src)             all of it; with last the list is in b
//	n == 0, b.Blocked         the section waits for entries: present it again when AppendUnblocked names the stream
//	n == 0, !b.Blocked        the prefix, of at most 20 octets, has not come in full
//
// Until the prefix is whole and its entries are there nothing is taken and b holds no state; then all is taken, and b must
// stay with this section to its end. A section begins when b is not in the middle of one.
//
// An error of scope conn is final: the connection must end with its code. b.Fields then holds what came before the failure. An
// error of scope misuse changes nothing. A list beyond the limits is no error, see Block.TooLarge.
func (d *Decoder) Decode(stream uint64, src []byte, last bool, b *Block) (n int, err error) {
	if d.err == nil && b.owner == nil && len(src) > 2 && src[0] == 0 && src[1] < signBit-1 && d.ready && len(d.waiting) == 0 {
		// The prefix of a section without references to the dynamic table, and then, most of the time, to the static one.
		b.Reset()
		b.required, b.base = 0, uint64(src[1])
		n = 2 + d.staticRun(src[2:], b)
		d.steps += uint64(n)
		if n == len(src) && last {
			return n, nil
		}
		b.owner, b.stream, b.off = d, stream, int64(n)
	}
	return d.section(stream, src, n, last, b)
}

// section is Decode from src[n:] on.
func (d *Decoder) section(stream uint64, src []byte, n int, last bool, b *Block) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if b.owner != nil && (b.owner != d || b.stream != stream) {
		return 0, errOpenElsewhere
	}
	r := ok
	at := int64(0)
	if b.owner == nil {
		if n, r = d.begin(stream, src, b); n == 0 && r == ok {
			if b.Blocked || !last {
				return 0, nil
			}
			r = rCut
		}
	}
	if r == ok {
		r = d.feed(src[n:], b)
		if r == ok && last {
			r = d.finish(b)
		}
		at = b.off
	}
	if r != ok {
		b.owner = nil
		return 0, d.fail(r, stream, at)
	}
	return len(src), nil
}

// begin decodes the prefix of a section and returns how many octets it takes, 0 if it is not whole or its entries have not
// come.
func (d *Decoder) begin(stream uint64, src []byte, b *Block) (int, reason) {
	if !d.ready {
		d.Init(nil)
	}
	b.Reset()
	d.steps++
	encoded, n := hcode.ReadInt(src, 8)
	if n <= 0 {
		if n < 0 {
			return 0, rPrefixInt
		}
		return 0, ok
	}
	if len(src) == n {
		return 0, ok
	}
	delta, k := hcode.ReadInt(src[n:], 7)
	negative := src[n] >= signBit
	if k <= 0 {
		if k < 0 {
			return 0, rBaseInt
		}
		return 0, ok
	}
	at := -1
	for i := range d.waiting {
		if d.waiting[i].stream == stream {
			at = i
			break
		}
	}
	var required uint64
	var r reason
	if at >= 0 {
		required = d.waiting[at].required // as it was when the section was first seen
	} else if required, r = decodeCount(encoded, d.maxEntries, d.tab.head); r != ok {
		return 0, r
	}
	base, r := decodeBase(required, negative, delta)
	if r != ok {
		return 0, r
	}
	if required > d.tab.head {
		b.Blocked = true
		if at < 0 {
			return 0, d.wait(stream, required)
		}
		return 0, ok
	}
	if at >= 0 {
		d.unwait(at)
	}
	d.steps += uint64(n + k)
	b.owner, b.stream, b.required, b.base, b.off = d, stream, required, base, int64(n+k)
	return n + k, ok
}

// wait makes a stream blocked.
func (d *Decoder) wait(stream, required uint64) reason {
	blocked := 0
	for i := range d.waiting {
		if d.waiting[i].required > d.tab.head {
			blocked++
		}
	}
	// RFC 9204 section 2.1.2-4: If a decoder encounters more blocked streams than it promised to support, it MUST treat this as
	// a connection error of type QPACK_DECOMPRESSION_FAILED.
	if blocked >= d.maxBlocked {
		return rBlocked
	}
	d.waiting = append(d.waiting, waiting{stream: stream, required: required})
	return ok
}

// unwait takes an element out.
func (d *Decoder) unwait(at int) {
	d.waiting = append(d.waiting[:at], d.waiting[at+1:]...)
}

// Blocked returns how many streams are blocked.
func (d *Decoder) Blocked() (n int) {
	for i := range d.waiting {
		if d.waiting[i].required > d.tab.head {
			n++
		}
	}
	return n
}

// AppendUnblocked appends the streams whose sections were blocked and are not any more, each once, in the order in which they
// were blocked: to be asked after ReadEncoderStream. Present their sections again.
func (d *Decoder) AppendUnblocked(dst []uint64) []uint64 {
	for i := range d.waiting {
		if w := &d.waiting[i]; !w.named && w.required <= d.tab.head {
			w.named = true
			dst = append(dst, w.stream)
		}
	}
	return dst
}

// Cancel tells that nothing more of a stream will be decoded although it has not come to its end: it was reset, or is not
// read any more. A Stream Cancellation is owed then (RFC 9204 section 2.2.2.2), except where there is no dynamic table. A Block in
// the middle of the stream's section must be Reset.
func (d *Decoder) Cancel(stream uint64) {
	if !d.ready {
		d.Init(nil)
	}
	if d.err != nil {
		return
	}
	for i := range d.waiting {
		if d.waiting[i].stream == stream {
			d.unwait(i)
			break
		}
	}
	if d.maxTable > 0 {
		d.owe(answer{stream: stream & hcode.MaxInt})
	}
}

// finish ends the section.
func (d *Decoder) finish(b *Block) reason {
	if len(b.part) > 0 || b.skipped != skipNothing {
		return rCut
	}
	b.owner = nil
	if b.required > 0 {
		// RFC 9204 section 2.2.2.1-1: After the decoder finishes decoding a field section encoded using representations
		// containing dynamic table references, it MUST emit a Section Acknowledgment instruction.
		d.owe(answer{b.stream, b.required})
	}
	return ok
}

// owe adds an instruction to the decoder stream.
func (d *Decoder) owe(a answer) {
	if d.sent > 0 && len(d.owed) == cap(d.owed) {
		d.owed = d.owed[:copy(d.owed, d.owed[d.sent:])]
		d.sent = 0
	}
	d.owed = append(d.owed, a)
}

// Owed returns how many acknowledgments and cancellations wait for AppendDecoderStream, 16 octets of memory each. A peer that
// gives no credit for the decoder stream makes them wait: read no further sections of it when they are too many.
func (d *Decoder) Owed() int { return len(d.owed) - d.sent }

// OwesIncrement reports whether entries came that the peer will only learn of by an Insert Count Increment, if no acknowledgment goes
// out before (RFC 9204 section 4.4.3).
func (d *Decoder) OwesIncrement() bool { return d.tab.head > d.told }

// The first octets of the instructions on the decoder stream (RFC 9204 section 4.4).
const (
	flagAck       = 0x80 // section 4.4.1, prefix of 7 bits
	flagCancel    = 0x40 // section 4.4.2, 6 bits
	flagIncrement = 0x00 // section 4.4.3, 6 bits
)

// AppendDecoderStream appends what is owed on our decoder stream: whole instructions, at most max octets of them but at least
// one if max is positive; negative is no limit. Acknowledgments go first, and an Insert Count Increment only for what they do not tell.
// Everything appended must be sent.
func (d *Decoder) AppendDecoderStream(dst []byte, max int) []byte {
	if max == 0 {
		return dst
	}
	start := len(dst)
	for ; d.sent < len(d.owed); d.sent++ {
		a := d.owed[d.sent]
		flags, prefix := byte(flagAck), uint(7)
		if a.required == 0 {
			flags, prefix = flagCancel, 6
		}
		if used := len(dst) - start; max > 0 && used > 0 && used+hcode.IntLen(prefix, a.stream) > max {
			return dst
		}
		dst = hcode.AppendInt(dst, flags, prefix, a.stream)
		if a.required > d.told {
			d.told = a.required
		}
	}
	d.owed, d.sent = d.owed[:0], 0
	if n := d.tab.head - d.told; n > 0 {
		if used := len(dst) - start; max > 0 && used > 0 && used+hcode.IntLen(6, n) > max {
			return dst
		}
		dst = hcode.AppendInt(dst, flagIncrement, 6, n)
		d.told = d.tab.head
	}
	return dst
}
