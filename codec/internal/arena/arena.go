// Package arena holds the octets of field lists that HPACK and QPACK have decoded: names and values that stay where they are until
// the next list begins, whatever happens to the input and to the dynamic table.
package arena

import "github.com/purewire/purewire/codec/internal/hcode"

// Arena is memory that strings are put into, one behind the other. The zero value is ready.
type Arena struct {
	buf   []byte // what no longer fits goes to a new one, and the strings keep the old one alive
	spent int    // octets in the arrays before
	want  int    // what one array for all of them would have needed
}

// The sizes of new arrays.
const (
	minSize = 1 << 10
	maxSize = 16 << 10 // unless one string needs more
)

// Reset begins anew: the strings of before are void. If there were several arrays, one that is large enough for all of them takes
// their place.
func (a *Arena) Reset() {
	a.buf = a.buf[:0]
	if a.spent > 0 {
		a.merge()
	}
}

func (a *Arena) merge() { *a = Arena{buf: make([]byte, 0, a.want)} }

// Trim is Reset, and gives back an array of more than max octets.
func (a *Arena) Trim(max int) {
	*a = Arena{buf: a.buf[:0]}
	if cap(a.buf) > max {
		a.buf = nil
	}
}

// room makes room for n octets.
func (a *Arena) room(n int) {
	if cap(a.buf)-len(a.buf) < n {
		a.grow(n)
	}
}

func (a *Arena) grow(n int) {
	a.want = a.spent + len(a.buf) + n
	a.spent += len(a.buf)
	a.buf = make([]byte, 0, max(n, minSize, min(2*cap(a.buf), maxSize)))
}

// Mark is a place in an Arena.
type Mark struct{ spent, at int }

// Here returns where the next string goes.
func (a *Arena) Here() Mark { return Mark{a.spent, len(a.buf)} }

// Drop forgets what was put into the arena since m.
func (a *Arena) Drop(m Mark) {
	if a.spent != m.spent {
		m.at = 0 // all of this array came later
	}
	a.buf = a.buf[:m.at]
}

// Short is a length that most fields are below. So many octets are copied in a few instructions, whether they count or not.
const Short = 64

// CopyShort copies Short octets. There must be so many in both, and they must not overlap. (Arrays of 16 octets are moved in a register; an
// assignment of larger ones, which might overlap, is a call.)
func CopyShort(to, from []byte) {
	t, f := (*[Short]byte)(to), (*[Short]byte)(from)
	*(*[16]byte)(t[0:]) = *(*[16]byte)(f[0:])
	*(*[16]byte)(t[16:]) = *(*[16]byte)(f[16:])
	*(*[16]byte)(t[32:]) = *(*[16]byte)(f[32:])
	*(*[16]byte)(t[48:]) = *(*[16]byte)(f[48:])
}

// Keep appends from[off:off+n] and returns it in its place. It may copy what follows in from, too.
func (a *Arena) Keep(from []byte, off, n int) []byte {
	a.room(max(n, Short))
	at := len(a.buf)
	if n <= Short && off <= len(from)-Short {
		to := a.buf[:cap(a.buf)]
		CopyShort(to[at:], from[off:])
		a.buf = to[:at+n]
	} else {
		a.buf = append(a.buf, from[off:off+n]...)
	}
	return a.buf[at : at+n : at+n]
}

// Free returns the memory behind the last string. What is put at its front is kept with Take.
func (a *Arena) Free() []byte { return a.buf[len(a.buf):cap(a.buf)] }

// Take keeps the first n octets of Free.
func (a *Arena) Take(n int) { a.buf = a.buf[:len(a.buf)+n] }

// Huffman appends what the first n octets of from encode, and returns it in its place. It may read what follows. A verdict that is
// not hcode.OK says what is wrong, and nothing was appended.
func (a *Arena) Huffman(from []byte, n int) ([]byte, hcode.Verdict) {
	a.room(hcode.DecodeRoom(n))
	at := len(a.buf)
	to := a.buf[at:cap(a.buf)]
	k, v := hcode.DecodeHuffman(to, from, n)
	a.buf = a.buf[:at+k]
	return to[:k:k], v
}

// Size returns how many octets of memory a holds.
func (a *Arena) Size() int { return a.spent + cap(a.buf) }
