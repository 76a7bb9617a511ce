package ws

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
