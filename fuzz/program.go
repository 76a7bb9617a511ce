package fuzz

import (
	"fmt"
	"math/rand/v2"
)

// Program is the input of a target that is not one of laws: a list of choices. Behind its end every choice is 0, so a target reads
// as long as there is More, and then brings what it has begun to an end.
type Program struct {
	data []byte
}

// More reports whether there are bytes left.
func (p *Program) More() bool { return len(p.data) > 0 }

// Byte takes one byte, 0 behind the end.
func (p *Program) Byte() byte {
	if len(p.data) == 0 {
		return 0
	}
	c := p.data[0]
	p.data = p.data[1:]
	return c
}

// N takes one byte and returns a choice of 0 to n-1; n is at most 256.
func (p *Program) N(n int) int { return int(p.Byte()) % n }

// Bool takes one byte.
func (p *Program) Bool() bool { return p.Byte()&1 == 1 }

// Size takes two bytes and returns a length: 0 to 255 most of the time, up to 64 KiB now and then.
func (p *Program) Size() int {
	n, scale := int(p.Byte()), p.Byte()
	if scale >= 0xf0 {
		n = n<<8 | n
	} else if scale >= 0xc0 {
		n <<= 3
	}
	return n
}

// Bytes takes a length of at most limit, which is at most 255, and so many bytes: fewer at the end.
func (p *Program) Bytes(limit int) []byte {
	n := min(p.N(limit+1), len(p.data))
	b := p.data[:n:n]
	p.data = p.data[n:]
	return b
}

// Pick takes one of the values.
func Pick[T any](p *Program, values ...T) T { return values[p.N(len(values))] }

// violation is what Fail panics with: Target.Run reports it.
type violation string

// Fail ends the program: something that must hold does not.
func (p *Program) Fail(format string, args ...any) { panic(violation(fmt.Sprintf(format, args...))) }

// must fails on an error.
func (p *Program) must(err error, what string, args ...any) {
	if err != nil {
		p.Fail("%s: %v", fmt.Sprintf(what, args...), err)
	}
}

// content fills a slice of n bytes that depends on key and on the place of each byte, from offset at on, so that both ends of a
// conversation know it.
func content(key uint32, at, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(uint32(at+i)*2654435761>>24) ^ byte(key)
	}
	return b
}

// randomPrograms are seeds: n programs of so many bytes.
func randomPrograms(seed uint64, n, size int) (all [][]byte) {
	rng := rand.New(rand.NewPCG(seed, 0x66757a7a))
	for range n {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		all = append(all, b)
	}
	return all
}

// appendQuoted appends b in quotes, at most 100 bytes of it.
func appendQuoted(dst, b []byte) []byte {
	return fmt.Appendf(dst, "%.100q", b)
}
