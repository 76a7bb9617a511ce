package codectest

import (
	"bytes"
	"fmt"
)

// source shows bytes to a codec the way a bad-tempered driver would: at another address every time, with no room behind
// them or with junk there, and it overwrites them as soon as the event has been looked at.
type source struct {
	arenas [2][]byte
	turn   int
	junk   byte
	guard  *guard // if set, every copy ends at its end
}

const sourceSlack = 64

// show returns a copy of p. Every other copy has no spare capacity, the ones between have junk behind their end.
func (s *source) show(p []byte) []byte {
	s.turn++
	if s.guard != nil {
		room := s.guard.room
		at := len(room) - len(p)
		copy(room[at:], p)
		s.junk = 0x80 | byte(s.turn*37)
		return room[at:]
	}
	ar := &s.arenas[s.turn&1]
	if need := len(p) + 2*sourceSlack; cap(*ar) < need {
		*ar = make([]byte, need+need/2)
	}
	buf := (*ar)[:cap(*ar)]
	s.junk = 0x80 | byte(s.turn*37)
	off := s.turn % 17
	for i := off; i < off+len(p)+sourceSlack; i++ {
		buf[i] = s.junk
	}
	copy(buf[off:], p)
	if s.turn&2 == 0 {
		return buf[off : off+len(p) : off+len(p)]
	}
	return buf[off : off+len(p) : off+len(p)+sourceSlack]
}

// done checks that shown still holds what the codec may not write, and clobbers it.
func (s *source) done(a *Adapter, src, shown []byte, n int) string {
	if !a.WritesSource && !bytes.Equal(shown, src) {
		return fmt.Sprintf("wrote to src: %s became %s", clip(Quote(src), 60), clip(Quote(shown), 60))
	}
	if !bytes.Equal(shown[n:], src[n:]) {
		return fmt.Sprintf("wrote to src behind the %d bytes it consumed", n)
	}
	for i, c := range shown[len(shown):cap(shown)] {
		if c != s.junk {
			return fmt.Sprintf("wrote to src %d bytes behind its end", i)
		}
	}
	all := shown[:cap(shown)]
	for i := range all {
		all[i] = ^s.junk
	}
	return ""
}
