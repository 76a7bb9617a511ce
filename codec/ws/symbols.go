package ws

import (
	"encoding/binary"
	"math/bits"
)

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
