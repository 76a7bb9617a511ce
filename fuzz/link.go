package fuzz

// link is one direction of a byte stream between two ends. What is written waits until it is carried, in pieces of any size; once
// it breaks, what waits is lost and nothing is carried any more.
type link struct {
	out    []byte // written and not carried
	in     []byte // carried and not consumed
	broken bool
	total  int // bytes carried
}

// carry moves up to n bytes to the reading end; n below 0 means all.
func (l *link) carry(n int) (moved int) {
	if l.broken {
		l.out = l.out[:0]
		return 0
	}
	if n < 0 || n > len(l.out) {
		n = len(l.out)
	}
	l.in = append(l.in, l.out[:n]...)
	l.out = append(l.out[:0], l.out[n:]...)
	l.total += n
	return n
}

// consume drops the first n bytes of what the reading end has.
func (l *link) consume(n int) { l.in = append(l.in[:0], l.in[n:]...) }
