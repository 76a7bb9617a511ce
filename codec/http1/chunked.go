package http1

import (
	"math"

	"github.com/purewire/purewire/codec/internal/syntax"
)

// Parts of a chunk line behind the size (RFC 9112 section 7.1.1), kept in Decoder.part:
//
//	chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
const (
	partSize       uint8 = iota
	partSizeBlank        // whitespace behind the size: ";" must follow
	partSemicolon        // behind ";" and whitespace: a name begins
	partName             // inside a name
	partNameBlank        // whitespace behind a name: ";" or "=" must follow
	partEquals           // behind "=" and whitespace: a value begins
	partToken            // inside a value that is a token
	partQuoted           // inside a quoted string
	partEscape           // behind "\" in a quoted string
	partValueEnd         // behind the closing quote
	partValueBlank       // whitespace behind a value: ";" must follow
	partAny              // Leniency.ChunkExtChars: anything up to CR
)

// maxChunkDigits bounds the digits of a chunk size: 16 that matter and as many zeros before them.
const maxChunkDigits = 32

// nextChunked runs the chunked coding (RFC 9112 section 7.1). Chunk lines are consumed byte by byte, so they leave no tail,
// and each is judged at the earliest byte. Lines end with CR LF and nothing else, whatever Leniency says: parsers that
// differ here are how requests are smuggled.
func (d *Decoder) nextChunked(p *Profile, src []byte, n int, ev *Event) (int, error) {
	for n < len(src) {
		switch d.state {
		case stChunkLine:
			start := n
			r := ok
			for n < len(src) && d.state == stChunkLine {
				if r = d.chunkByte(p, src[n]); r != ok {
					break
				}
				n++
			}
			d.cur.steps += uint64(n - start)
			if r != ok {
				return d.failed(r, n, n, ev)
			}
		case stChunkLineLF:
			if src[n] != '\n' {
				return d.failed(rChunkCR, n, n, ev)
			}
			if r := d.chunkStart(p); r != ok {
				return d.failed(r, n, n, ev)
			}
			d.cur.steps++
			n++
		case stChunkData:
			k := len(src) - n
			if int64(k) >= d.left {
				k = int(d.left)
				d.state = stChunkCR
			}
			d.left -= int64(k)
			ev.Kind, ev.Data = Body, clip(src, n, n+k)
			return d.consumed(n + k), nil
		case stChunkCR:
			// Both bytes behind the data are compared: a chunk that is longer than it said is not skipped over.
			if src[n] != '\r' {
				return d.failed(rChunkDataCR, n, n, ev)
			}
			d.state = stChunkLF
			n++
		case stChunkLF:
			if src[n] != '\n' {
				return d.failed(rChunkDataLF, n, n, ev)
			}
			d.beginChunkLine()
			n++
		default:
			return d.trailers(p, src, n, ev)
		}
	}
	ev.Kind = None
	return d.consumed(n), nil
}

func (d *Decoder) beginChunkLine() {
	d.state, d.part, d.digits, d.lineLen, d.left = stChunkLine, partSize, 0, 0, 0
}

// chunkByte takes one byte of a chunk line up to its CR.
func (d *Decoder) chunkByte(p *Profile, c byte) reason {
	if d.part == partSize {
		if v := hexValue[c]; v < 16 {
			switch {
			case int(d.lineLen) >= p.chunkLine:
				return rChunkLine
			case d.left > math.MaxInt64>>4:
				// RFC 9112 section 7.1: recipients MUST anticipate potentially large hexadecimal numerals and prevent parsing
				// errors due to integer conversion overflows.
				return rChunkBig
			case d.digits >= maxChunkDigits:
				return rChunkZeros
			}
			d.left = d.left<<4 | int64(v)
			d.digits++
			d.lineLen++
			return ok
		}
		if d.digits == 0 {
			return rChunkNoSize
		}
	}
	if c == '\r' {
		return d.chunkCR(p)
	}
	if int(d.lineLen) >= p.chunkLine {
		return rChunkLine
	}
	d.lineLen++
	if c == '\n' {
		return rChunkCR
	}
	return d.chunkExt(p, c)
}

// chunkCR judges the end of a chunk line.
func (d *Decoder) chunkCR(p *Profile) reason {
	switch d.part {
	case partSizeBlank, partNameBlank, partValueBlank:
		return rChunkBlank
	case partSemicolon:
		if !p.lenient.EmptyChunkExt {
			return rChunkExtEmpty
		}
	case partEquals:
		return rChunkExtValue
	case partQuoted, partEscape:
		// A line end inside quotes is a line end all the same; two readings of it are CVE-2026-33870.
		return rChunkExtQuoted
	}
	d.state = stChunkLineLF
	return ok
}

// chunkExt takes one byte behind the size, neither CR nor LF.
func (d *Decoder) chunkExt(p *Profile, c byte) reason {
	k := syntax.Class[c]
	blank, token := k&clsBlank != 0, k&clsToken != 0
	switch d.part {
	case partSize, partSizeBlank:
		switch {
		case c == ';':
			d.part = partSemicolon
			if p.lenient.ChunkExtChars {
				d.part = partAny
			}
		case blank:
			d.part = partSizeBlank
		case d.part == partSizeBlank:
			return rChunkBlank
		default:
			return rChunkSizeByte
		}
	case partSemicolon:
		switch {
		case token:
			d.part = partName
		case blank:
		case c == ';' && p.lenient.EmptyChunkExt:
		case c == ';':
			return rChunkExtEmpty
		default:
			return extByte(c, rChunkExtName)
		}
	case partName, partNameBlank:
		switch {
		case token && d.part == partName:
		case blank:
			d.part = partNameBlank
		case c == ';':
			d.part = partSemicolon
		case c == '=':
			d.part = partEquals
		default:
			return extByte(c, rChunkExtName)
		}
	case partEquals:
		switch {
		case token:
			d.part = partToken
		case c == '"':
			d.part = partQuoted
		case !blank:
			return extByte(c, rChunkExtValue)
		}
	case partToken, partValueEnd, partValueBlank:
		switch {
		case token && d.part == partToken:
		case blank:
			d.part = partValueBlank
		case c == ';':
			d.part = partSemicolon
		default:
			return extByte(c, rChunkExtValue)
		}
	case partQuoted:
		switch {
		case c == '"':
			d.part = partValueEnd
		case c == '\\':
			d.part = partEscape
		case k&(clsVchar|clsBlank|clsObs) == 0:
			return rChunkExtQuoted
		}
	case partEscape:
		if k&(clsVchar|clsBlank|clsObs) == 0 {
			return rChunkExtQuoted
		}
		d.part = partQuoted
	case partAny:
		if c == 0 {
			return rChunkExtByte
		}
	}
	return ok
}

// extByte tells control bytes in an extension apart from other misfits.
func extByte(c byte, other reason) reason {
	if syntax.Class[c]&(clsVchar|clsBlank|clsObs) == 0 {
		return rChunkExtByte
	}
	return other
}

// chunkStart judges a whole chunk line and begins what follows: data, or the trailer section after the last chunk.
func (d *Decoder) chunkStart(p *Profile) reason {
	// The rule of net/http/internal: framing is charged, data gives credit. An extension flood is cheap to send and
	// costly to read (CVE-2023-39326); plain one-byte chunks pass.
	excess := int64(d.excess) + int64(d.lineLen) + 2
	if excess >= 16+2*min(d.left, maxLimit) {
		excess -= 16 + 2*min(d.left, maxLimit)
	} else {
		excess = 0
	}
	if p.chunkExcess < maxLimit && excess > int64(p.chunkExcess) {
		return rChunkExcess
	}
	d.excess = int32(min(excess, maxLimit))
	if d.left > p.body-d.seen {
		return rBodyChunked
	}
	d.seen += d.left
	d.state = stChunkData
	if d.left == 0 {
		d.state = stTrailer
		d.cur.restart()
	}
	return ok
}

// trailers parses the trailer section (RFC 9112 section 7.1.2). It has the limits of a head.
func (d *Decoder) trailers(p *Profile, src []byte, n int, ev *Event) (int, error) {
	if d.cur.scan == 0 && len(src)-n >= 2 && src[n] == '\r' && src[n+1] == '\n' {
		d.cur.steps += 2
		ev.Kind, ev.Fields, d.state = End, ev.Fields[:0], stPaused
		return d.consumed(n + 2), nil
	}
	k, _, fields, r, off := parseSection(p, trailerSection, src[n:], &d.cur, ev.Fields)
	ev.Fields = fields
	if r != ok {
		return d.failed(r, n, n+off, ev)
	}
	if k == 0 {
		ev.Kind = None
		return d.consumed(n), nil
	}
	if r, at := checkTrailers(fields); r != ok {
		return d.failed(r, n+overwritten(p, k), n+position(src[n:], fields, at), ev)
	}
	ev.Kind, d.state = End, stPaused
	return d.consumed(n + k), nil
}
