package http1

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/scan"
)

// The walkers parse whole, strict heads in one pass. They know no errors: whatever is unusual, they decline by returning
// 0, and the section parser has its say. Where they accept, it would have found the same; a fuzz target holds them to that.

// firstWindow is how much of the input is marked at first: the whole head, most of the time, but not many heads when they
// are pipelined.
const firstWindow = 256

// parseHead is parseSection with the walkers tried first.
func parseHead(p *Profile, kind sectionKind, src []byte, c *cursor, f []codec.Field) (n int, line startLine, fields []codec.Field, r reason, off int) {
	if c.scan == 0 {
		if n, fields = walk(p, kind, src, &line, f); n > 0 {
			c.steps += uint64(n)
			return n, line, fields, ok, 0
		}
	}
	return parseSection(p, kind, src, c, f)
}

// walk parses the head at the start of src with the better walker. It appends to f[:0]; n is 0 if it declines.
func walk(p *Profile, kind sectionKind, src []byte, line *startLine, f []codec.Field) (n int, fields []codec.Field) {
	// Within p.whole bytes no limit of a line can be exceeded.
	if len(src) > p.whole {
		src = src[:p.whole]
	}
	switch {
	case len(src) < minHead || !p.strictHead:
		return 0, f[:0]
	case few(p, src):
		return walkFew(p, kind, src, line, f[:0])
	case scan.Vector && len(src) >= 32:
		return walkVector(p, kind, src, line, f[:0])
	}
	return walkWords(p, kind, src, line, f[:0])
}

// few tells whether src is for walkFew.
func few(p *Profile, src []byte) bool { return len(src) >= 32 && len(src) <= p.few }

// minHead is the shortest head: "A / HTTP/1.0" or "HTTP/1.0 200 ", and two line ends.
const minHead = 16

const (
	http11 uint64 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '1'<<56
	http10 uint64 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '0'<<56
	crlf          = '\r' | '\n'<<8
)

// walkStart parses a start line of which eol is the first byte that is no text, and a the end of the token it starts
// with. src reaches beyond eol.
func walkStart(kind sectionKind, src []byte, a, eol int, line *startLine) bool {
	if eol+1 >= len(src) || le16(src[eol:]) != crlf || eol < 12 {
		return false
	}
	if kind == responseHead {
		v := le64(src)
		if v != http11 && v != http10 || src[8] != ' ' || eol < 13 || src[12] != ' ' {
			return false
		}
		x, y, z := src[9]-'0', src[10]-'0', src[11]-'0'
		if x > 9 || y > 9 || z > 9 || x == 0 {
			return false
		}
		*line = startLine{a: 13, b: eol, status: int(x)*100 + int(y)*10 + int(z), minor: src[7] - '0'}
		return true
	}
	v := binary.LittleEndian.Uint64(src[eol-8:])
	b := eol - 9
	if v != http11 && v != http10 || src[b] != ' ' || a == 0 || a+1 >= b || src[a] != ' ' || scan.HasDelimiter(src[a+1:b]) {
		return false
	}
	*line = startLine{a: a, b: b, minor: src[eol-1] - '0'}
	return true
}

// walkWords is the walker that scans by words.
func walkWords(p *Profile, kind sectionKind, src []byte, line *startLine, fields []codec.Field) (int, []codec.Field) {
	i := scan.TextEnd(src, 0)
	if !walkStart(kind, src, scan.TokenEnd(src[:i], 0), i, line) {
		return 0, fields
	}
	for i += 2; ; {
		if i+1 >= len(src) {
			return 0, fields
		}
		if le16(src[i:]) == crlf {
			return i + 2, fields
		}
		colon := scan.TokenEnd(src, i)
		if colon == i || colon == len(src) || src[colon] != ':' || len(fields) >= p.fields {
			return 0, fields
		}
		from := colon + 1
		eol := scan.TextEnd(src, from)
		if eol = obsEnd(p, src, eol); eol+1 >= len(src) || le16(src[eol:]) != crlf {
			return 0, fields
		}
		fields = storeField(fields, src, i, colon, from, eol)
		i = eol + 2
	}
}

// storeField appends the field with the name src[i:colon] and a value inside src[from:to].
func storeField(fields []codec.Field, src []byte, i, colon, from, to int) []codec.Field {
	if from < to && src[from] == ' ' {
		from++
	}
	if from < to && (src[from] <= ' ' || src[to-1] <= ' ') {
		from, to = trimText(src, from, to)
	}
	n := len(fields)
	if n == cap(fields) {
		fields = append(fields, codec.Field{})
	}
	fields = fields[:n+1]
	f := &fields[n]
	f.Name, f.Value, f.Sensitive = src[i:colon:colon], src[from:to:to], false
	return fields
}

// trimText cuts SP and TAB, the only bytes of text below 0x21, off both ends.
func trimText(src []byte, from, to int) (int, int) {
	for from < to && src[from] <= ' ' {
		from++
	}
	for to > from && src[to-1] <= ' ' {
		to--
	}
	return from, to
}

// walkVector is the walker over bitmaps of the input, which exist on amd64 only. Loads are unchecked: every position
// comes from a bit that stands for a byte of src, or was compared with len(src)-2 before.
func walkVector(p *Profile, kind sectionKind, src []byte, line *startLine, fields []codec.Field) (int, []codec.Field) {
	var m scan.Bitmaps
	fewer := line.fewer
	base, end := 0, min(len(src), firstWindow) // what m marks
	scan.Fill(&m, src[:end])
	a := nextWord(&m.NotToken, 0, end)
	i := nextWord(&m.NotText, a, end)
	if i == end {
		i = scan.TextEnd(src, end)
	}
	if !walkStart(kind, src, a, i, line) {
		return 0, fields
	}
	i += 2
	first, last, most := unsafe.Pointer(unsafe.SliceData(src)), len(src)-2, p.fields
	look := uint64(0) // the fields that line.dull leaves
	for i <= last {
		at := uint(i - base)
		if i >= end {
			at = 0
			base, end = i, min(len(src), i+scan.Max)
			scan.Fill(&m, src[base:end])
		}
		var colon, eol int
		if w := m.NotToken[at>>6%scan.Words] >> (at & 63); w != 0 {
			colon = i + bits.TrailingZeros64(w)
		} else if colon = base + nextWord(&m.NotToken, int(at), end-base); colon == end {
			if end == len(src) || i == base {
				return 0, fields
			}
			end = i // marks from here
			continue
		}
		switch *(*byte)(unsafe.Add(first, colon)) {
		case ':':
		case '\r':
			if colon == i && *(*uint16)(unsafe.Add(first, i)) == crlf {
				line.dull = ^look
				return i + 2, fields
			}
			return 0, fields
		default:
			return 0, fields
		}
		// From i and not from colon, which is the same, because neither lookup has to wait for the other.
		if w := m.NotText[at>>6%scan.Words] >> (at & 63); w != 0 {
			eol = i + bits.TrailingZeros64(w)
		} else {
			eol = base + nextWord(&m.NotText, int(at), end-base)
			for eol == end && end < len(src) {
				base, end = end, min(len(src), end+scan.Max)
				scan.Fill(&m, src[base:end])
				eol = base + nextWord(&m.NotText, 0, end-base)
			}
		}
		if eol > last || colon == i || len(fields) >= most {
			return 0, fields
		}
		if *(*uint16)(unsafe.Add(first, eol)) != crlf {
			if eol = obsEnd(p, src, eol); eol > last || le16(src[eol:]) != crlf {
				return 0, fields
			}
		}
		bit := nameBit(*(*byte)(unsafe.Add(first, i)), colon-i)
		if fewer && framingNames>>bit&1 == 0 {
			most--
			i = eol + 2
			continue
		}
		from, to := colon+1, eol
		if *(*byte)(unsafe.Add(first, from)) == ' ' {
			from++
		}
		if *(*byte)(unsafe.Add(first, from)) <= ' ' || *(*byte)(unsafe.Add(first, to-1)) <= ' ' {
			from, to = trimText(src, min(from, to), to)
		}
		n := len(fields)
		look |= uint64(framingNames>>bit&1) << (n % 64)
		if n == cap(fields) {
			fields = append(fields, codec.Field{})
		}
		fields = fields[:n+1]
		f := &fields[n]
		f.Name = unsafe.Slice((*byte)(unsafe.Add(first, i)), colon-i)
		f.Value = unsafe.Slice((*byte)(unsafe.Add(first, from)), to-from)
		f.Sensitive = false
		i = eol + 2
	}
	return 0, fields
}

// walkFew is walkVector for 32 to 64 bytes, whose marks are two words. It does without walkStart for requests, and without functions
// between it and the kernel: what is done once for each head is most of what a short one costs.
func walkFew(p *Profile, kind sectionKind, src []byte, line *startLine, fields []codec.Field) (int, []codec.Field) {
	first, last := unsafe.Pointer(unsafe.SliceData(src)), len(src)-2
	notToken, notText := scan.Few((*byte)(first), len(src))
	a, i := bits.TrailingZeros64(notToken), bits.TrailingZeros64(notText)
	if i > last || i < 12 || *(*uint16)(unsafe.Add(first, i)) != crlf {
		return 0, fields
	}
	if kind == requestHead {
		v := *(*uint64)(unsafe.Add(first, i-8))
		b := i - 9
		if v|(http10^http11) != http11 || a == 0 || a+1 >= b || *(*byte)(unsafe.Add(first, b)) != ' ' || *(*byte)(unsafe.Add(first, a)) != ' ' {
			return 0, fields
		}
		if c := *(*byte)(unsafe.Add(first, a+1)); c <= ' ' || c == '#' || a+2 < b && scan.HasDelimiter(unsafe.Slice((*byte)(unsafe.Add(first, a+2)), b-a-2)) {
			return 0, fields
		}
		line.a, line.b, line.minor = a, b, uint8(v>>56)-'0'
	} else if !walkStart(kind, src, a, i, line) {
		return 0, fields
	}
	fewer, most := line.fewer, p.fields
	n, list := len(fields), fields[:cap(fields)]
	look := uint64(0) // the fields that line.dull leaves
	for i += 2; i <= last; {
		colon := i + bits.TrailingZeros64(notToken>>(uint(i)&63))
		eol := i + bits.TrailingZeros64(notText>>(uint(i)&63))
		if eol > last {
			break
		}
		// What is no text is no token, so colon is at most eol.
		name := unsafe.Add(first, i)
		if c := *(*byte)(unsafe.Add(first, colon)); c != ':' || colon == i || n >= most {
			if colon == i && *(*uint16)(name) == crlf {
				line.dull = ^look
				return i + 2, list[:n]
			}
			break
		}
		if *(*uint16)(unsafe.Add(first, eol)) != crlf {
			if eol = obsEnd(p, src, eol); eol > last || le16(src[eol:]) != crlf {
				break
			}
		}
		bit := nameBit(*(*byte)(name), colon-i)
		if fewer && framingNames>>bit&1 == 0 {
			most--
			i = eol + 2
			continue
		}
		from, to := colon+1, eol
		if *(*byte)(unsafe.Add(first, from)) == ' ' {
			from++
		}
		if *(*byte)(unsafe.Add(first, from)) <= ' ' || *(*byte)(unsafe.Add(first, to-1)) <= ' ' {
			from, to = trimText(src, min(from, to), to)
		}
		look |= uint64(framingNames>>bit&1) << (n & 63)
		if n >= len(list) {
			list = moreFields(list)
		}
		f := &list[n]
		f.Name = unsafe.Slice((*byte)(name), colon-i)
		f.Value = unsafe.Slice((*byte)(unsafe.Add(first, from)), to-from)
		f.Sensitive = false
		n++
		i = eol + 2
	}
	return 0, fields
}

// moreFields returns a longer list that begins with the same fields.
//
//go:noinline
func moreFields(list []codec.Field) []codec.Field {
	list = append(list, codec.Field{})
	return list[:cap(list)]
}

// obsEnd goes on at a byte that is no text, and returns the next that is no obs-text either, unless the profile is for ASCII only.
func obsEnd(p *Profile, src []byte, eol int) int {
	for !p.ascii && eol < len(src) && src[eol] >= 0x80 {
		eol = scan.TextEnd(src, eol+1)
	}
	return eol
}

// nextWord returns the position of the first mark at or behind i, end if there is none below it.
func nextWord(m *[scan.Words]uint64, i, end int) int {
	if i >= end {
		return end
	}
	w := m[i>>6&(scan.Words-1)] >> (i & 63) << (i & 63)
	for k := i &^ 63; ; {
		if w != 0 {
			return k + bits.TrailingZeros64(w)
		}
		if k += 64; k >= end {
			return end
		}
		w = m[k>>6&(scan.Words-1)]
	}
}
