package ws

import "github.com/klauspost/compress/flate"

// Pool lends the large state of permessage-deflate to connections, for the time of a message. It returns something new when
// it has nothing (NewInflater, NewDeflater); what is put back may be dropped.
type Pool interface {
	GetInflater() *Inflater
	PutInflater(*Inflater)
	// GetDeflater returns a Deflater for a window of 1<<bits bytes, bits 8 to 15.
	GetDeflater(bits int) *Deflater
	PutDeflater(*Deflater)
}

// Deflater is what it takes to deflate one message: a compressor of klauspost/compress. It is about 780 KiB with 15 bits, 1.1
// MiB with less.
type Deflater struct {
	bits uint8
	fw   *flate.Writer
	out  sink
}

// sink is where the compressor writes to.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// NewDeflater returns a Deflater for a window of 1<<bits bytes, for Pools. Bits outside of 8 to 15 mean 15.
func NewDeflater(bits int) *Deflater {
	d := &Deflater{bits: windowBits(bits)}
	var err error
	if d.bits == 15 {
		d.fw, err = flate.NewWriter(&d.out, flate.BestSpeed)
	} else {
		d.fw, err = flate.NewWriterWindow(&d.out, 1<<d.bits)
	}
	if err != nil {
		panic("ws: " + err.Error()) // both levels exist
	}
	return d
}

// Bits returns the base-2 logarithm of the window.
func (d *Deflater) Bits() int { return int(d.bits) }

// begin starts a message behind the history dict.
func (d *Deflater) begin(dict []byte) {
	if len(dict) == 0 {
		dict = nil
	}
	d.fw.ResetDict(&d.out, dict)
}

// piece appends p, deflated up to an empty stored block, which is 00 00 FF FF at the end of what it returns.
func (d *Deflater) piece(dst, p []byte) []byte {
	d.out.b = dst
	_, err := d.fw.Write(p)
	if err == nil {
		err = d.fw.Flush()
	}
	if err != nil {
		panic("ws: " + err.Error()) // the sink never fails
	}
	dst, d.out.b = d.out.b, nil
	return dst
}

// FreeList is a Pool for one worker: it must not be used by two goroutines at once.
type FreeList struct {
	most      int
	inflaters []*Inflater
	deflaters [16][]*Deflater
}

// NewFreeList returns an empty list that keeps at most so many Inflaters, and Deflaters of each size.
func NewFreeList(most int) *FreeList { return &FreeList{most: most} }

// GetInflater implements Pool.
func (l *FreeList) GetInflater() *Inflater {
	n := len(l.inflaters)
	if n == 0 {
		return NewInflater()
	}
	z := l.inflaters[n-1]
	l.inflaters = l.inflaters[:n-1]
	return z
}

// PutInflater implements Pool.
func (l *FreeList) PutInflater(z *Inflater) {
	if len(l.inflaters) < l.most {
		l.inflaters = append(l.inflaters, z)
	}
}

// GetDeflater implements Pool.
func (l *FreeList) GetDeflater(bits int) *Deflater {
	bits = int(windowBits(bits))
	free := l.deflaters[bits]
	n := len(free)
	if n == 0 {
		return NewDeflater(bits)
	}
	l.deflaters[bits] = free[:n-1]
	return free[n-1]
}

// PutDeflater implements Pool.
func (l *FreeList) PutDeflater(d *Deflater) {
	if len(l.deflaters[d.bits]) < l.most {
		l.deflaters[d.bits] = append(l.deflaters[d.bits], d)
	}
}
