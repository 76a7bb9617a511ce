package http1

import (
	"iter"

	"github.com/purewire/purewire/codec"
)

// Header is a field list that owns its bytes: ordered, with the spelling of names and the duplicates kept (Set-Cookie,
// Via). The zero value is empty and ready. Every field in it is fit to be sent: what would break out of its line is
// refused with an *Error whose Reason is about injection. A Header must not be copied by assignment; see Clone. After
// Reset it reuses its memory, so steady use does not allocate.
type Header struct {
	fields []codec.Field
	buf    []byte // the fields' bytes, and waste from what was replaced or removed
	live   int    // bytes of buf in use
}

// Len returns the number of fields.
func (h *Header) Len() int { return len(h.fields) }

// Get returns the first value of that name, nil if there is none. The bytes belong to the Header: do not change them, and
// do not use them after the next call that changes it.
func (h *Header) Get(name string) []byte { return Get(h.fields, name) }

// GetAll iterates over all values of that name in order.
func (h *Header) GetAll(name string) iter.Seq[[]byte] { return Values(h.fields, name) }

// Has reports whether there is a field of that name.
func (h *Header) Has(name string) bool { return Has(h.fields, name) }

// Fields returns the list for the encoder. It is a view with the lifetime of Get's result.
func (h *Header) Fields() []codec.Field { return h.fields }

// Append adds a field behind all others. It refuses a name that is not a token (RFC 9110 section 5.1) and a value with
// CR, LF, NUL, another control character but TAB, or whitespace at an end (RFC 9110 section 5.5); then nothing changed.
func (h *Header) Append(name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	h.fields = append(h.fields, codec.Field{})
	h.put(len(h.fields)-1, name, value)
	return nil
}

// Set gives the first field of that name the value and removes all others of that name; without one it appends. The
// place and spelling of a field that is there stay. It refuses what Append refuses.
func (h *Header) Set(name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	i := index(h.fields, name, 0)
	if i < 0 {
		return h.Append(name, value)
	}
	h.removeFrom(i+1, name)
	f := &h.fields[i]
	h.live -= len(f.Value)
	if len(value) <= len(f.Value) {
		f.Value = append(f.Value[:0], value...)
		h.live += len(value)
		return nil
	}
	n := string(f.Name) // kept spelling; the bytes may move
	h.live -= len(f.Name)
	h.put(i, n, value)
	return nil
}

// Remove removes all fields of that name and returns how many there were.
func (h *Header) Remove(name string) int { return h.removeFrom(0, name) }

// Reset removes all fields and keeps the memory for the next ones.
func (h *Header) Reset() {
	clear(h.fields)
	h.fields, h.buf, h.live = h.fields[:0], h.buf[:0], 0
}

// SetFields makes h a copy of a list of views, such as an Event lends. It refuses what Append refuses; then h is as
// it was.
func (h *Header) SetFields(fields []codec.Field) error {
	for i := range fields {
		if err := checkField(fields[i].Name, fields[i].Value); err != nil {
			return err
		}
	}
	h.buf, h.live = nil, 0 // fields may be our own
	own := h.fields[:0:0]
	size := 0
	for i := range fields {
		size += len(fields[i].Name) + len(fields[i].Value)
	}
	h.buf = make([]byte, 0, size)
	for i := range fields {
		own = append(own, h.place(fields[i].Name, fields[i].Value))
		own[i].Sensitive = fields[i].Sensitive
	}
	h.fields = own
	return nil
}

// Clone returns a copy that shares nothing with h.
func (h *Header) Clone() *Header {
	c := new(Header)
	_ = c.SetFields(h.fields) // every field in h was checked
	return c
}

// AppendTo appends the field lines in wire form, "Name: value" and CRLF each, without the empty line that ends a header
// section. What makes a message's framing is the Encoder's to send; see RequestHead and ResponseHead.
func (h *Header) AppendTo(dst []byte) []byte {
	for i := range h.fields {
		dst = appendField(dst, &h.fields[i])
	}
	return dst
}

func (h *Header) removeFrom(from int, name string) int {
	kept := h.fields[:from]
	for i := from; i < len(h.fields); i++ {
		f := h.fields[i]
		if len(f.Name) == len(name) && EqualFold(f.Name, name) {
			h.live -= len(f.Name) + len(f.Value)
			continue
		}
		kept = append(kept, f)
	}
	n := len(h.fields) - len(kept)
	clear(h.fields[len(kept):])
	h.fields = kept
	return n
}

// put writes the field at place i, whose old bytes no longer count as live.
func (h *Header) put(i int, name, value string) {
	if len(h.buf)+len(name)+len(value) > cap(h.buf) && len(h.buf) > 2*h.live+256 {
		h.fields[i] = codec.Field{Sensitive: h.fields[i].Sensitive}
		h.compact()
	}
	s := h.fields[i].Sensitive
	n := len(h.buf)
	h.buf = append(h.buf, name...)
	h.buf = append(h.buf, value...)
	h.fields[i] = view(h.buf, n, len(name), len(value))
	h.fields[i].Sensitive = s
	h.live += len(name) + len(value)
}

// place is put for bytes.
func (h *Header) place(name, value []byte) codec.Field {
	n := len(h.buf)
	h.buf = append(h.buf, name...)
	h.buf = append(h.buf, value...)
	h.live += len(name) + len(value)
	return view(h.buf, n, len(name), len(value))
}

// compact moves the live bytes to a new buffer, so that waste stays below the live size.
func (h *Header) compact() {
	h.buf, h.live = make([]byte, 0, 2*h.live+256), 0
	for i := range h.fields {
		f := &h.fields[i]
		s := f.Sensitive
		*f = h.place(f.Name, f.Value)
		f.Sensitive = s
	}
}

// view returns the field at buf[at:]. Capacities are cut so that growing one value cannot reach the next.
func view(buf []byte, at, name, value int) codec.Field {
	mid, end := at+name, at+name+value
	return codec.Field{Name: buf[at:mid:mid], Value: buf[mid:end:end]}
}
