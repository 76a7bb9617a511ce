package qpack_test

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
)

// model is QPACK written down naively: all entries ever inserted, and for each unacknowledged section what it refers to. It reads
// what an Encoder says at the moment it says it, so it can tell whether an eviction or a risk is allowed.
type model struct {
	capacity, size int
	maxEntries     uint64
	blocked        uint64
	entries        []codec.Field
	dropped        int // entries evicted, the oldest
	known          uint64
	open           map[uint64][]refs // by stream, in order
	part           []byte            // of an instruction on the decoder stream
}

// refs is what one section refers to.
type refs struct {
	required uint64
	abs      []uint64
}

func (m *model) int(src []byte, prefix uint) (uint64, []byte) {
	limit := uint64(1)<<prefix - 1
	v := uint64(src[0]) & limit
	src = src[1:]
	if v < limit {
		return v, src
	}
	for shift := uint(0); ; shift += 7 {
		c := src[0]
		src = src[1:]
		v += uint64(c&0x7F) << shift
		if c < 0x80 {
			return v, src
		}
	}
}

func (m *model) str(src []byte, prefix uint) ([]byte, []byte) {
	huffman := src[0]>>prefix&1 == 1
	n, src := m.int(src, prefix)
	s := src[:n]
	if huffman {
		var err error
		if s, err = hpack.AppendHuffmanDecode(nil, s, -1); err != nil {
			panic(err)
		}
	}
	return append([]byte{}, s...), src[n:]
}

func (m *model) evict(target int) error {
	for m.size > target {
		at := uint64(m.dropped)
		if at >= m.known {
			return fmt.Errorf("entry %d is evicted before it is known to be received", at)
		}
		for stream, sections := range m.open {
			for _, s := range sections {
				for _, abs := range s.abs {
					if abs == at {
						return fmt.Errorf("entry %d is evicted, stream %d refers to it", at, stream)
					}
				}
			}
		}
		m.size -= hpack.FieldSize(&m.entries[at])
		m.dropped++
	}
	return nil
}

// instructions reads what the encoder stream says.
func (m *model) instructions(src []byte) error {
	for len(src) > 0 {
		var f codec.Field
		var i uint64
		var err error
		switch c := src[0]; {
		case c&0x80 != 0:
			if i, src = m.int(src, 6); c&0x40 != 0 {
				f.Name = []byte(qpackStatic[i][0])
			} else {
				f.Name = m.entries[uint64(len(m.entries))-1-i].Name
			}
			f.Value, src = m.str(src, 7)
		case c&0x40 != 0:
			f.Name, src = m.str(src, 5)
			f.Value, src = m.str(src, 7)
		case c&0x20 != 0:
			i, src = m.int(src, 5)
			m.capacity = int(i)
			if err := m.evict(m.capacity); err != nil {
				return err
			}
			continue
		default:
			i, src = m.int(src, 5)
			abs := uint64(len(m.entries)) - 1 - i
			if abs < uint64(m.dropped) {
				return errors.New("duplicate of an evicted entry")
			}
			f = m.entries[abs]
		}
		if hpack.FieldSize(&f) > m.capacity {
			return errors.New("entry above the capacity")
		}
		if err = m.evict(m.capacity - hpack.FieldSize(&f)); err != nil {
			return err
		}
		m.entries = append(m.entries, f)
		m.size += hpack.FieldSize(&f)
	}
	return nil
}

// section reads a section and checks that it may be sent now.
func (m *model) section(stream uint64, src []byte) (fields []codec.Field, err error) {
	encoded, src := m.int(src, 8)
	negative := src[0]&0x80 != 0
	delta, src := m.int(src, 7)
	required := uint64(0)
	if encoded > 0 {
		for required = uint64(len(m.entries)); required%(2*m.maxEntries)+1 != encoded; required-- {
		}
	}
	base := required + delta
	if negative {
		base = required - delta - 1
	}
	s := refs{required: required}
	entry := func(abs uint64) codec.Field {
		s.abs = append(s.abs, abs)
		if abs < uint64(m.dropped) || abs >= required {
			err = fmt.Errorf("reference to entry %d of %d to %d, required %d", abs, m.dropped, len(m.entries), required)
			return codec.Field{}
		}
		return m.entries[abs]
	}
	for len(src) > 0 && err == nil {
		var f codec.Field
		var i uint64
		switch c := src[0]; {
		case c&0xC0 == 0xC0:
			i, src = m.int(src, 6)
			f = codec.Field{Name: []byte(qpackStatic[i][0]), Value: []byte(qpackStatic[i][1])}
		case c&0x80 != 0:
			i, src = m.int(src, 6)
			f = entry(base - 1 - i)
		case c&0x40 != 0:
			if i, src = m.int(src, 4); c&0x10 != 0 {
				f.Name = []byte(qpackStatic[i][0])
			} else {
				f.Name = entry(base - 1 - i).Name
			}
			f.Value, src = m.str(src, 7)
			f.Sensitive = c&0x20 != 0
		case c&0x20 != 0:
			f.Name, src = m.str(src, 3)
			f.Value, src = m.str(src, 7)
			f.Sensitive = c&0x10 != 0
		case c&0x10 != 0:
			i, src = m.int(src, 4)
			f = entry(base + i)
		default:
			i, src = m.int(src, 3)
			f.Name = entry(base + i).Name
			f.Value, src = m.str(src, 7)
			f.Sensitive = c&0x08 != 0
		}
		fields = append(fields, f)
	}
	if err != nil {
		return nil, err
	}
	highest := uint64(0)
	for _, abs := range s.abs {
		highest = max(highest, abs+1)
	}
	if highest != required {
		return nil, fmt.Errorf("required %d, referred to %d", required, highest)
	}
	if required > 0 {
		m.open[stream] = append(m.open[stream], s)
	}
	if n := m.risking(); n > m.blocked {
		return nil, fmt.Errorf("%d streams could block, %d may", n, m.blocked)
	}
	return fields, nil
}

// risking counts the streams that could block.
func (m *model) risking() (n uint64) {
	for _, sections := range m.open {
		for _, s := range sections {
			if s.required > m.known {
				n++
				break
			}
		}
	}
	return n
}

// answers reads what has come on the decoder stream, up to the last whole instruction.
func (m *model) answers(src []byte) {
	for _, c := range src {
		m.part = append(m.part, c)
		prefix := uint(6)
		if m.part[0]&0x80 != 0 {
			prefix = 7
		}
		first := uint64(m.part[0]) & (1<<prefix - 1)
		if first == 1<<prefix-1 && (len(m.part) == 1 || c >= 0x80) {
			continue
		}
		v, _ := m.int(m.part, prefix)
		switch {
		case prefix == 7:
			m.known = max(m.known, m.open[v][0].required)
			m.open[v] = m.open[v][1:]
		case m.part[0]&0x40 != 0:
			delete(m.open, v)
		default:
			m.known += v
		}
		m.part = m.part[:0]
	}
}
