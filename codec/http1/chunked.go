package http1

import (
	"bytes"
	"math"
)

// chunkLine parses "chunk-size [chunk-ext] CRLF" when its LF has arrived (RFC 9112 section 7.1). There is no leniency for
// line ends here.
func (d *Decoder) chunkLine(b []byte) (n int, r reason, off int) {
	max := d.p.chunkLine
	from, end := int(d.cur.scan), min(len(b), max+2)
	if from > end {
		return 0, ok, 0
	}
	i := bytes.IndexByte(b[from:end], '\n')
	if i < 0 {
		d.cur.steps += uint64(end - from)
		d.cur.scan = int32(end)
		if end == max+2 {
			return 0, rChunkLine, max
		}
		return 0, ok, 0
	}
	lf := from + i
	d.cur.steps += uint64(i + 1)
	d.cur.scan = 0
	if lf == 0 || b[lf-1] != '\r' {
		return 0, rChunkCR, lf
	}
	size, r, off := d.parseChunkLine(b[:lf-1])
	if r != ok {
		return 0, r, off
	}
	// Framing that carries no data is charged, data gives credit: small honest chunks pass, padded ones do not.
	if size > 0 {
		excess := int64(d.chunk) + int64(lf+1) - 16
		if size < math.MaxInt32 {
			excess -= 2 * size
		} else {
			excess = 0
		}
		if excess = max64(excess, 0); excess > int64(d.p.chunkExcess) {
			return 0, rChunkExcess, 0
		}
		d.chunk = int32(excess)
		if size > d.p.body-d.taken {
			return 0, rBodyChunked, 0
		}
		d.taken += size
		d.left, d.phase = size, phChunkData
	} else {
		d.phase = phTrailer
		d.cur.restart()
	}
	return lf + 1, ok, 0
}

func max64(a, b int64) int64 { return max(a, b) }

// maxChunkDigits bounds the digits of a chunk size, leading zeros included.
const maxChunkDigits = 16

// parseChunkLine parses the line without its CRLF. RFC 9112 section 7.1-5: recipients MUST anticipate potentially large
// hexadecimal numerals and prevent parsing errors due to integer conversion overflows.
func (d *Decoder) parseChunkLine(line []byte) (size int64, r reason, off int) {
	i := 0
	var v uint64
	for i < len(line) && hexValue[line[i]] != 0xff {
		if i == maxChunkDigits {
			return 0, rChunkZeros, i
		}
		v = v<<4 | uint64(hexValue[line[i]])
		i++
	}
	switch {
	case i == 0 && (len(line) == 0 || line[0] == ';' || class[line[0]]&clsBlank != 0):
		return 0, rChunkNoSize, 0
	case i == 0:
		return 0, rChunkSizeByte, 0
	case v > math.MaxInt64:
		return 0, rChunkBig, 0
	case i == len(line):
		return int64(v), ok, 0
	case line[i] != ';' && class[line[i]]&clsBlank == 0:
		return 0, rChunkSizeByte, i
	}
	r, off = d.chunkExt(line, i)
	return int64(v), r, off
}

// chunkExt checks *( BWS ";" BWS name [ BWS "=" BWS value ] ) (RFC 9112 section 7.1.1). The content is ignored.
func (d *Decoder) chunkExt(line []byte, i int) (reason, int) {
	if d.p.lenient.ChunkExtChars {
		for ; i < len(line); i++ {
			if c := line[i]; c == '\r' || c == 0 {
				return rChunkExtByte, i
			}
		}
		return ok, 0
	}
	for k := i; k < len(line); k++ {
		if c := line[k]; c < 0x20 && c != '\t' || c == 0x7f {
			return rChunkExtByte, k
		}
	}
	for i < len(line) {
		if i = skipBlank(line, i); i == len(line) || line[i] != ';' {
			return rChunkBlank, i
		}
		i = skipBlank(line, i+1)
		start := i
		for i < len(line) && class[line[i]]&clsToken != 0 {
			i++
		}
		if i == start {
			if i == len(line) || line[i] == ';' {
				if d.p.lenient.EmptyChunkExt {
					continue
				}
				return rChunkExtEmpty, i
			}
			return rChunkExtName, i
		}
		k := skipBlank(line, i)
		if k == len(line) || line[k] != '=' {
			continue
		}
		i = skipBlank(line, k+1)
		var r reason
		if i, r = extValue(line, i); r != ok {
			return r, i
		}
	}
	return ok, 0
}

// extValue skips a token or a quoted string.
func extValue(line []byte, i int) (int, reason) {
	if i < len(line) && line[i] == '"' {
		for i++; i < len(line); i++ {
			switch line[i] {
			case '"':
				return i + 1, ok
			case '\\':
				i++
			}
		}
		return len(line), rChunkExtQuoted
	}
	start := i
	for i < len(line) && class[line[i]]&clsToken != 0 {
		i++
	}
	if i == start {
		return i, rChunkExtValue
	}
	return i, ok
}

func skipBlank(line []byte, i int) int {
	for i < len(line) && class[line[i]]&clsBlank != 0 {
		i++
	}
	return i
}

// chunkEnd checks the CRLF behind chunk data, byte by byte, so that an oversize chunk fails at its first excess byte.
func (d *Decoder) chunkEnd(c byte) (int, reason) {
	d.cur.steps++
	if d.phase == phChunkCR {
		if c != '\r' {
			return 0, rChunkDataCR
		}
		d.phase = phChunkLF
		return 1, ok
	}
	if c != '\n' {
		return 0, rChunkDataLF
	}
	d.phase = phChunkLine
	return 1, ok
}

// trailer parses the trailer section and reports End with it. RFC 9110 section 6.5.1-2: trailer fields for message framing,
// routing, request modifiers, authentication and the like MUST NOT be generated; we refuse them rather than merge them.
func (d *Decoder) trailer(src []byte, ev *Event) (int, reason, int) {
	n, _, fields, r, off := parseSection(d.p, trailerSection, src, &d.cur, ev.Fields)
	ev.Fields = fields
	if n == 0 {
		return 0, r, off
	}
	for i := range fields {
		if !TrailerAllowed(fields[i].Name) {
			return 0, rTrailerName, 0
		}
	}
	d.cur.restart()
	ev.Kind = End
	d.rest()
	return n, ok, 0
}
