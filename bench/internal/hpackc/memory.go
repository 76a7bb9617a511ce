//go:build (nghttp2 || lshpack) && cgo

package hpackc

/*
#include <stdlib.h>
*/
import "C"

import "unsafe"

// memory is a story in memory that C code may use.
type memory struct {
	wire, wireLens         unsafe.Pointer
	text, textLens, counts unsafe.Pointer
	blocks, fields         int
}

func bytesInC(b []byte) unsafe.Pointer { return C.CBytes(append([]byte(nil), b...)) }

func lensInC(n []uint32) unsafe.Pointer {
	p := C.malloc(C.size_t(4*len(n) + 4))
	copy(unsafe.Slice((*uint32)(p), len(n)), n)
	return p
}

func (s *Story) inC() (m memory) {
	var wire, text []byte
	var wireLens, textLens, counts []uint32
	for i, b := range s.Blocks {
		wire = append(wire, b...)
		wireLens = append(wireLens, uint32(len(b)))
		counts = append(counts, uint32(len(s.Fields[i])))
		for _, f := range s.Fields[i] {
			text = append(append(text, f.Name...), f.Value...)
			textLens = append(textLens, uint32(len(f.Name)), uint32(len(f.Value)))
			m.fields++
		}
	}
	m.wire, m.wireLens = bytesInC(wire), lensInC(wireLens)
	m.text, m.textLens, m.counts = bytesInC(text), lensInC(textLens), lensInC(counts)
	m.blocks = len(s.Blocks)
	return m
}
