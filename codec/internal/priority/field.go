package priority

// Priority is a request's priority (RFC 9218 section 4).
type Priority struct {
	// Urgency is 0 (most urgent) to 7.
	Urgency uint8
	// Incremental: the response is useful in pieces.
	Incremental bool
}

// Default returns urgency 3, not incremental: what counts without a Priority field (RFC 9218 section 4.1, 4.2).
func Default() Priority { return Priority{Urgency: 3} }

// ParseField parses the value of a Priority field or of a PRIORITY_UPDATE frame: a Dictionary (RFC 9651 section 3.2) with the
// members u (Integer, 0-7) and i (Boolean). Several field lines are parsed as one value, joined by commas.
//
// RFC 9218 section 4-7: unknown priority parameters, priority parameters with out-of-range values, or values of unexpected types
// MUST be ignored. The defaults stand for them. A value that is no Dictionary at all is ignored as a whole (RFC 9651 section
// 4.2), and valid is false; the priority is the default then.
func ParseField(value []byte) (p Priority, valid bool) {
	p = Default()
	if !p.merge(value) {
		return Default(), false
	}
	return p, true
}

// merge takes the members of a Dictionary over. If it reports false the value is no Dictionary, and p is spoilt.
func (p *Priority) merge(value []byte) bool {
	d := sfParser{b: value}
	d.skip(" ")
	for len(d.b) > 0 {
		key := d.key()
		if key == nil {
			return false
		}
		item := sfItem{kind: sfBoolean, number: 1}
		if d.eat('=') {
			if item = d.member(); item.kind == sfInvalid {
				return false
			}
		}
		if !d.parameters() {
			return false
		}
		// A key that comes again overwrites the value before it (RFC 9651 section 4.2.2), also one that is ignored.
		switch string(key) {
		case "u":
			p.Urgency = Default().Urgency
			if item.kind == sfInteger && item.number >= 0 && item.number <= 7 {
				p.Urgency = uint8(item.number)
			}
		case "i":
			p.Incremental = item.kind == sfBoolean && item.number == 1
		}
		d.skip(" \t")
		if len(d.b) == 0 {
			break
		}
		if !d.eat(',') {
			return false
		}
		d.skip(" \t")
		if len(d.b) == 0 { // trailing comma
			return false
		}
	}
	return true
}

// AppendField appends the value of a Priority field, without members that have the default: "u=1, i". It appends
// nothing for Default. Urgencies above 7 are written as 7.
func AppendField(dst []byte, p Priority) []byte {
	if p.Urgency != Default().Urgency {
		dst = append(dst, 'u', '=', '0'+min(p.Urgency, 7))
		if p.Incremental {
			dst = append(dst, ", "...)
		}
	}
	if p.Incremental {
		dst = append(dst, 'i')
	}
	return dst
}
