//go:build linux || darwin || freebsd

package reactor

import "github.com/purewire/purewire/codec"

// Buffers of a connection that has an unread tail or unsent output: four sizes, kept on short free lists per loop. Larger
// ones come from and go to the garbage collector.
var classes = [...]int{1 << 10, 4 << 10, 16 << 10, 64 << 10}

// keepPerClass bounds what a loop hoards: 64 of each size, 5.4 MiB in all.
const keepPerClass = 64

type pool struct {
	free [len(classes)][][]byte
	held int // stashes on the free list
	list *stash
}

// get returns an empty buffer with at least n bytes of capacity.
func (p *pool) get(n int) []byte {
	for i, size := range classes {
		if n <= size {
			if f := p.free[i]; len(f) > 0 {
				b := f[len(f)-1]
				f[len(f)-1] = nil
				p.free[i] = f[:len(f)-1]
				return b
			}
			return make([]byte, 0, size)
		}
	}
	size := classes[len(classes)-1]
	for size < n {
		size *= 2
	}
	return make([]byte, 0, size)
}

// put takes a buffer back.
func (p *pool) put(b []byte) {
	for i, size := range classes {
		if cap(b) == size {
			if len(p.free[i]) < keepPerClass {
				p.free[i] = append(p.free[i], b[:0])
			}
			return
		}
	}
}

// stash is what a connection owns only while it is not idle.
type stash struct {
	in       []byte     // pooled: unread input is in[inAt:]
	inAt     int        //
	out      []byte     // pooled: unsent output is out[outAt:]
	outAt    int        //
	due      codec.Time // the driver's own deadline: a look at stalled output, or the end of lingering
	moved    codec.Time // when the peer was last seen to take output
	queued   int        // bytes in the kernel's send buffer when the stall's time began
	lingered int        // bytes thrown away so far
	next     *stash
}

func (p *pool) stash() *stash {
	s := p.list
	if s == nil {
		return &stash{}
	}
	p.list, p.held = s.next, p.held-1
	s.next = nil
	return s
}

func (p *pool) unstash(s *stash) {
	if s.in != nil {
		p.put(s.in)
	}
	if s.out != nil {
		p.put(s.out)
	}
	*s = stash{}
	if p.held < 256 {
		s.next, p.list, p.held = p.list, s, p.held+1
	}
}
