package ws

import (
	"encoding/binary"
	"math/bits"
)

// An Inflater is what it takes to inflate one message as it arrives (RFC 1951): code tables, and the latest 32 to 64 KiB of what
// came out. Connections borrow it from their Pool while a compressed message is open. It is about 77 KiB.
//
// It can stop and go on at every bit of the input and every byte of the output: symbols whose bits are not all there wait in
// acc, output that finds no room waits as a literal or a match. It takes exactly as many bytes as the symbols decoded so
// far need, so that what was consumed at an error does not depend on how the input was cut.
type Inflater struct {
	inflateState
	window int      // the largest distance allowed
	old    *history // what came before buf, in earlier messages; nil if nothing did
	tab    *tables  // of the current block
	buf    [maxInflated]byte
	own    tables // of blocks with dynamic codes
	clen   [1 << clenBits]entry
}

// inflateState is the part of an Inflater that is needed, with its tables, to go back to an earlier moment.
type inflateState struct {
	acc   uint64 // the next bits of the input; nbits of them, zeros above
	nbits uint
	w     int // how much of buf is filled
	st    inflateStep
	final bool // the block is the last of its stream
	// left is the rest of a stored block; of a match length, with its distance in dist. A literal waits in left as well.
	left, dist int
	nlit, nlen int // how many code lengths there are, literals and all
	have       int // how many of them are known
	codes      [19]uint8
	lens       [320]uint8
}

// inflateStep is what comes next.
type inflateStep uint8

const (
	inBlock inflateStep = iota // a block header
	inStoredLength
	inStored
	inCounts
	inCodeLengths
	inLengths
	inSymbols
	inLiteral // one that found no room
	inMatch
)

// inflated is how a run ended.
type inflated uint8

const (
	inflateMore inflated = iota // all input is used
	inflateFull                 // more would come out
	inflateType                 // the rest are errors
	inflateStored
	inflateCounts
	inflateCodeLengths
	inflateRepeat
	inflateLengths
	inflateSymbol
	inflateDistance
)

// maxInflated is the length of an Inflater's buffer.
const maxInflated = 2 * maxWindow

// maxWindow is the largest window of deflate.
const maxWindow = 1 << 15

// NewInflater returns an Inflater, for Pools.
func NewInflater() *Inflater { return new(Inflater) }

// begin starts a message: deflated with a window of so many bytes, behind old.
func (z *Inflater) begin(window int, old *history) {
	z.inflateState = inflateState{}
	z.window, z.old = window, old
}

// makeRoom moves the window to the front of a full buffer. What was lent of it is lent no longer.
func (z *Inflater) makeRoom() {
	if z.w == len(z.buf) {
		z.w = copy(z.buf[:], z.buf[z.w-maxWindow:])
	}
}

// fits reports whether the input may end here: between blocks, with no bit left.
func (z *Inflater) fits() bool { return z.st == inBlock && z.nbits == 0 }

// run inflates src, masked with key at phase, into buf[w:end] and returns how much of src is used. exact stops when buf is
// filled up to end even if what follows makes no output. What an error means is that the bits used last are wrong.
func (z *Inflater) run(src []byte, key [4]byte, phase uint8, end int, exact bool) (n int, r inflated) {
	in := bitReader{src: src, key: rotatedKey(key, phase), acc: z.acc, nbits: z.nbits}
	r = z.steps(&in, end, exact)
	if r != inflateMore {
		in.giveBack()
	}
	z.acc, z.nbits = in.acc, in.nbits
	return in.at, r
}

func (z *Inflater) steps(in *bitReader, end int, exact bool) inflated {
	for {
		if exact && z.w == end {
			return inflateFull
		}
		switch z.st {
		case inBlock:
			if !in.need(3) {
				return inflateMore
			}
			z.final = in.take(1) == 1
			switch in.take(2) {
			case 0:
				in.take(in.nbits & 7)
				z.st = inStoredLength
			case 1:
				z.tab, z.st = fixedTables, inSymbols
			case 2:
				z.st = inCounts
			default:
				return inflateType
			}
		case inStoredLength:
			if !in.need(32) {
				return inflateMore
			}
			z.left = int(in.take(16))
			if z.left^0xffff != int(in.take(16)) {
				return inflateStored
			}
			z.st = inStored
		case inStored:
			if r, done := z.stored(in, end); !done {
				return r
			}
			z.endBlock(in)
		case inCounts:
			if !in.need(14) {
				return inflateMore
			}
			z.nlit = int(in.take(5)) + 257
			z.nlen = int(in.take(5)) + 1 + z.nlit
			z.left = int(in.take(4)) + 4
			if z.nlit > 286 || z.nlen-z.nlit > 30 {
				return inflateCounts
			}
			z.have, z.codes, z.st = 0, [19]uint8{}, inCodeLengths
		case inCodeLengths:
			for z.have < z.left {
				if !in.need(3) {
					return inflateMore
				}
				z.codes[codeOrder[z.have]] = uint8(in.take(3))
				z.have++
			}
			if !buildTable(z.clen[:], clenBits, z.codes[:], clenEntry[:]) {
				return inflateCodeLengths
			}
			z.have, z.st = 0, inLengths
		case inLengths:
			if r, done := z.lengths(in); !done {
				return r
			}
			// RFC 1951 section 3.2.7: the end-of-block code takes part in every block.
			if z.lens[256] == 0 || !z.buildOwn() {
				return inflateLengths
			}
			z.tab, z.st = &z.own, inSymbols
		case inLiteral:
			if z.w == end {
				return inflateFull
			}
			z.buf[z.w] = byte(z.left)
			z.w++
			z.st = inSymbols
		case inMatch:
			if z.copyMatch(end); z.left > 0 {
				return inflateFull
			}
			z.st = inSymbols
		case inSymbols:
			z.fast(in, end)
			if r, done := z.symbols(in, end, exact); !done {
				return r
			}
			z.endBlock(in)
		}
	}
}

// endBlock goes on to the next block. Behind the last one of its stream that begins with the next byte: RFC 7692 section
// 7.2.3.4 lets a sender put several streams into a message.
func (z *Inflater) endBlock(in *bitReader) {
	if z.final {
		in.take(in.nbits & 7)
	}
	z.st = inBlock
}

// stored copies the bytes of a stored block.
func (z *Inflater) stored(in *bitReader, end int) (r inflated, done bool) {
	for z.left > 0 {
		room := min(z.left, end-z.w)
		switch {
		case room == 0:
			return inflateFull, false
		case in.nbits > 0:
			z.buf[z.w] = byte(in.take(8))
			z.w++
			z.left--
		case in.at == len(in.src):
			return inflateMore, false
		default:
			p := in.src[in.at:]
			p = p[:min(len(p), room)]
			out, _ := MaskCopy(z.buf[:z.w], p, in.keyBytes(), 0)
			z.w = len(out)
			z.left -= len(p)
			in.at += len(p)
		}
	}
	return 0, true
}

// codeOrder is the order in which the lengths of the code length code stand (RFC 1951 section 3.2.7).
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// lengths reads the code lengths of a block with dynamic codes.
func (z *Inflater) lengths(in *bitReader) (r inflated, done bool) {
	for z.have < z.nlen {
		in.fill()
		e := z.clen[in.acc&(1<<clenBits-1)]
		n := e.length()
		if e == 0 && in.nbits >= 15 {
			in.take(15)
			return inflateSymbol, false
		}
		sym := e.value()
		extra, least := uint(0), 0
		switch sym {
		case 16:
			extra, least = 2, 3
		case 17:
			extra, least = 3, 3
		case 18:
			extra, least = 7, 11
		}
		if e == 0 || n+extra > in.nbits {
			return inflateMore, false
		}
		in.take(n)
		if sym < 16 {
			z.lens[z.have] = uint8(sym)
			z.have++
			continue
		}
		repeat := least + int(in.take(extra))
		what := uint8(0)
		if sym == 16 {
			if z.have == 0 {
				return inflateRepeat, false
			}
			what = z.lens[z.have-1]
		}
		if repeat > z.nlen-z.have {
			return inflateRepeat, false
		}
		for range repeat {
			z.lens[z.have] = what
			z.have++
		}
	}
	return 0, true
}

func (z *Inflater) buildOwn() bool {
	return buildTable(z.own.lit[:], litBits, z.lens[:z.nlit], litEntry[:]) &&
		buildTable(z.own.dist[:], distBits, z.lens[z.nlit:z.nlen], distEntry[:])
}

// symbols decodes literals and matches one by one, each only when all its bits are there.
func (z *Inflater) symbols(in *bitReader, end int, exact bool) (r inflated, done bool) {
	for {
		if exact && z.w == end {
			return inflateFull, false
		}
		if in.nbits < 48 {
			in.fill()
		}
		acc, n := in.acc, in.nbits
		e, ok := lookup(z.tab.lit[:], litBits, acc, n)
		if !ok {
			return in.wait(0)
		}
		acc >>= e.length()
		n -= e.length()
		switch e & kindMask {
		case kindLiteral:
			in.acc, in.nbits = acc, n
			if z.w == end {
				z.left, z.st = e.value(), inLiteral
				return inflateFull, false
			}
			z.buf[z.w] = byte(e.value())
			z.w++
			continue
		case kindEnd:
			in.acc, in.nbits = acc, n
			return 0, true
		}
		if e.extra() > n {
			return inflateMore, false
		}
		length := e.value() + int(acc&(1<<e.extra()-1))
		acc >>= e.extra()
		n -= e.extra()
		if e, ok = lookup(z.tab.dist[:], distBits, acc, n); !ok {
			return in.wait(in.nbits - n)
		}
		if e.length()+e.extra() > n {
			return inflateMore, false
		}
		acc >>= e.length()
		dist := e.value() + int(acc&(1<<e.extra()-1))
		in.acc, in.nbits = acc>>e.extra(), n-e.length()-e.extra()
		if dist > z.window || dist > z.w && dist-z.w > z.old.len() {
			return inflateDistance, false
		}
		z.left, z.dist = length, dist
		if z.copyMatch(end); z.left > 0 {
			z.st = inMatch
			return inflateFull, false
		}
	}
}

// lookup returns the entry for the code that acc begins with. It is not ok if there is none, or if n bits do not tell.
func lookup(tab []entry, root uint, acc uint64, n uint) (e entry, ok bool) {
	e = tab[acc&(1<<root-1)]
	if e&kindMask == kindLink {
		e = tab[e.value()+int(acc>>root&(1<<e.length()-1))]
	}
	return e, e != 0 && e.length() <= n
}

// wait tells what it means that no code was found behind the first n bits: 15 more would have been enough for any.
func (in *bitReader) wait(n uint) (inflated, bool) {
	if in.nbits < n+15 {
		return inflateMore, false
	}
	in.take(n + 15)
	return inflateSymbol, false
}

// copyMatch copies as much of the match as there is room for.
func (z *Inflater) copyMatch(end int) {
	for z.left > 0 && z.w < end {
		n := min(z.left, end-z.w)
		if z.dist > z.w {
			n = z.old.copy(z.buf[z.w:z.w+n], z.dist-z.w)
		} else {
			n = copy(z.buf[z.w:z.w+n], z.buf[z.w-z.dist:z.w])
		}
		z.w += n
		z.left -= n
	}
}

// fast decodes literals and matches while there is so much input and room that neither can run out in the next one. It stops
// in front of everything out of the ordinary and leaves that to symbols.
func (z *Inflater) fast(in *bitReader, end int) {
	const most = 258 + 8 // the longest match, copied by eights
	if len(in.src)-in.at < 8 || end-z.w < most {
		return
	}
	src, at, acc, n, w := in.src, in.at, in.acc, in.nbits, z.w
	key := uint64(in.key) | uint64(in.key)<<32
	lit, dist := &z.tab.lit, &z.tab.dist
	buf := &z.buf
	for len(src)-at >= 8 && end-w >= most {
		if n < 48 {
			acc |= (binary.LittleEndian.Uint64(src[at:]) ^ bits.RotateLeft64(key, -8*(at&3))) << n
			at += int(63-n) >> 3
			n |= 56
		}
		e := lit[acc&(1<<litBits-1)]
		if e&kindMask == kindLink {
			e = lit[e.value()+int(acc>>litBits&(1<<e.length()-1))]
		}
		if e&kindMask == kindLiteral {
			acc >>= e.length() & 63
			n -= e.length()
			buf[w] = byte(e >> 16)
			w++
			continue
		}
		if e&kindMask != kindBase {
			break
		}
		a := acc >> (e.length() & 63)
		m := n - e.length() - e.extra()
		length := e.value() + int(a&(1<<(e.extra()&63)-1))
		a >>= e.extra() & 63
		d := dist[a&(1<<distBits-1)]
		if d&kindMask == kindLink {
			d = dist[d.value()+int(a>>distBits&(1<<d.length()-1))]
		}
		if d == 0 {
			break
		}
		a >>= d.length() & 63
		back := d.value() + int(a&(1<<(d.extra()&63)-1))
		if back > w || back > z.window {
			break
		}
		acc = a >> (d.extra() & 63)
		n = m - d.length() - d.extra()
		from := w - back
		if back >= 8 {
			for i := 0; i < length; i += 8 {
				binary.LittleEndian.PutUint64(buf[w+i:], binary.LittleEndian.Uint64(buf[from+i:]))
			}
		} else {
			for i := range length {
				buf[w+i] = buf[from+i]
			}
		}
		w += length
	}
	z.w = w
	in.at, in.acc, in.nbits = at, acc&(1<<n-1), n
	in.giveBack()
}

// save keeps what restore needs.
func (z *Inflater) save(s *inflateState) { *s = z.inflateState }

// restore goes back to the moment of save, since which nothing but run was called. The output of that run is forgotten.
func (z *Inflater) restore(s *inflateState, tab *tables) {
	z.inflateState, z.tab = *s, tab
	switch s.st {
	case inLengths:
		buildTable(z.clen[:], clenBits, z.codes[:], clenEntry[:])
	case inSymbols, inLiteral, inMatch:
		if tab == &z.own {
			z.buildOwn()
		}
	}
}

// bitReader takes bits from masked bytes, the lowest first.
type bitReader struct {
	src   []byte
	at    int
	key   uint32 // the masking key from src[0] on
	acc   uint64
	nbits uint
}

// fill takes as many bytes as acc has room for.
func (in *bitReader) fill() {
	for in.nbits <= 56 && in.at < len(in.src) {
		in.acc |= uint64(in.src[in.at]^byte(in.key>>(8*(in.at&3)))) << in.nbits
		in.at++
		in.nbits += 8
	}
}

// need reports whether n bits are there, n at most 56.
func (in *bitReader) need(n uint) bool {
	if in.nbits < n {
		in.fill()
	}
	return in.nbits >= n
}

// take removes n bits, which are there.
func (in *bitReader) take(n uint) uint64 {
	v := in.acc & (1<<n - 1)
	in.acc >>= n
	in.nbits -= n
	return v
}

// giveBack returns whole bytes that were taken in this run and not used.
func (in *bitReader) giveBack() {
	n := min(int(in.nbits>>3), in.at)
	in.at -= n
	in.nbits -= uint(n) * 8
	in.acc &= 1<<in.nbits - 1
}

// keyBytes returns the masking key from src[at] on.
func (in *bitReader) keyBytes() (k [4]byte) {
	binary.LittleEndian.PutUint32(k[:], bits.RotateLeft32(in.key, -8*(in.at&3)))
	return k
}

func rotatedKey(key [4]byte, phase uint8) uint32 {
	return bits.RotateLeft32(binary.LittleEndian.Uint32(key[:]), -8*int(phase&3))
}

// history is the last bytes of a direction that keeps its window from message to message, in a ring.
type history struct {
	ring []byte // as long as the window
	head int    // where the next byte goes
	n    int    // how many are there
}

func (h *history) len() int {
	if h == nil {
		return 0
	}
	return h.n
}

// copy copies from what lies back bytes before the end, up to the end, and returns how much.
func (h *history) copy(dst []byte, back int) int {
	from := h.head - back
	if from < 0 {
		from += len(h.ring)
	}
	return copy(dst, h.ring[from:min(from+back, len(h.ring))])
}

// add puts p behind what is there.
func (h *history) add(p []byte) {
	if len(p) >= len(h.ring) {
		copy(h.ring, p[len(p)-len(h.ring):])
		h.head, h.n = 0, len(h.ring)
		return
	}
	k := copy(h.ring[h.head:], p)
	copy(h.ring, p[k:])
	h.head = (h.head + len(p)) & (len(h.ring) - 1)
	h.n = min(h.n+len(p), len(h.ring))
}
