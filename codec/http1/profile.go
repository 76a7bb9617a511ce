package http1

import (
	"math"

	"github.com/purewire/purewire/codec/internal/scan"
)

// The defaults of Limits.
const (
	DefaultRequestLine   = 8192
	DefaultFieldLine     = 16384
	DefaultHead          = 65536
	DefaultFields        = 100
	DefaultChunkLine     = 4096
	DefaultChunkExcess   = 16384
	DefaultInformational = 16
	DefaultLeadingCRLF   = 4
)

// maxLimit stands for "no limit" where positions are 32 bits wide: a head must stay below 1 GiB in any case.
const maxLimit = 1 << 30

// Profile is Options made ready for use. It is immutable; any number of decoders share one.
type Profile struct {
	line, field, head, fields  int
	body                       int64
	chunkLine, chunkExcess     int
	informational, leadingCRLF int
	// whole is the longest head that the one-pass walker may take: within it no line limit can be exceeded.
	whole   int
	lenient Leniency
	// ascii: no obs-text. The walkers know it.
	ascii bool
	// framingOnly: heads are given without their fields.
	framingOnly bool
	// strictHead: no leniency changes how heads are parsed.
	strictHead bool
	// few is the longest input for walkFew, at most 64; 0 if it is not to be called.
	few int
}

var defaultProfile = Options{}.Profile()

// Profile resolves the defaults (zero) and absences (negative) of o.
func (o Options) Profile() *Profile {
	l, n := o.Limits, o.Leniency
	p := &Profile{
		line:          limit(l.RequestLine, DefaultRequestLine),
		field:         limit(l.FieldLine, DefaultFieldLine),
		head:          limit(l.Head, DefaultHead),
		fields:        limit(l.Fields, DefaultFields),
		chunkLine:     limit(l.ChunkLine, DefaultChunkLine),
		chunkExcess:   limit(l.ChunkExcess, DefaultChunkExcess),
		informational: limit(l.Informational, DefaultInformational),
		leadingCRLF:   limit(l.LeadingCRLF, DefaultLeadingCRLF),
		body:          l.Body,
		lenient:       n,
		ascii:         o.ASCII,
		framingOnly:   o.FramingOnly,
	}
	if l.Body <= 0 {
		p.body = math.MaxInt64
	}
	if n.OversizeTarget {
		p.line = maxLimit
	}
	if n.OversizeHead {
		p.head = min(8*p.head, maxLimit)
		p.field = min(8*p.field, maxLimit)
		p.fields = min(8*p.fields, maxLimit)
	}
	p.whole = min(p.line, p.field, p.head)
	p.strictHead = !(n.BareLF || n.SpaceBeforeColon || n.ObsFold || n.LeadingSpace)
	if p.strictHead && scan.Vector {
		p.few = min(64, p.whole)
	}
	return p
}

func limit(v, def int) int {
	switch {
	case v < 0 || v > maxLimit:
		return maxLimit
	case v == 0:
		return def
	}
	return v
}
