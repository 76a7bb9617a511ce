package priority

// sfParser reads Structured Field Values (RFC 9651 section 4.2) as far as a Priority field needs: everything is checked, the
// values of integers and booleans are kept.
type sfParser struct{ b []byte }

type sfKind uint8

const (
	sfInvalid sfKind = iota
	sfInteger
	sfBoolean
	sfOther // decimals, strings, tokens, byte sequences, dates, display strings, inner lists
)

type sfItem struct {
	kind   sfKind
	number int64
}

func (d *sfParser) skip(set string) {
	for len(d.b) > 0 && (d.b[0] == set[0] || d.b[0] == set[len(set)-1]) {
		d.b = d.b[1:]
	}
}

func (d *sfParser) eat(c byte) bool {
	if len(d.b) == 0 || d.b[0] != c {
		return false
	}
	d.b = d.b[1:]
	return true
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// key reads a key (section 4.2.3.3), nil if there is none.
func (d *sfParser) key() []byte {
	n := 0
	for n < len(d.b) {
		c := d.b[n]
		if !isLower(c) && c != '*' && (n == 0 || !isDigit(c) && c != '_' && c != '-' && c != '.') {
			break
		}
		n++
	}
	if n == 0 {
		return nil
	}
	key := d.b[:n]
	d.b = d.b[n:]
	return key
}

// member reads an item or inner list without the parameters behind it (section 4.2.1.1).
func (d *sfParser) member() sfItem {
	if !d.eat('(') {
		return d.bare()
	}
	for {
		d.skip(" ")
		if d.eat(')') {
			return sfItem{kind: sfOther}
		}
		if d.bare().kind == sfInvalid || !d.parameters() {
			return sfItem{}
		}
		if len(d.b) == 0 || d.b[0] != ' ' && d.b[0] != ')' {
			return sfItem{}
		}
	}
}

// parameters reads what may follow an item (section 4.2.3.2).
func (d *sfParser) parameters() bool {
	for d.eat(';') {
		d.skip(" ")
		if d.key() == nil || d.eat('=') && d.bare().kind == sfInvalid {
			return false
		}
	}
	return true
}

// bare reads a bare item (section 4.2.3.1).
func (d *sfParser) bare() sfItem {
	if len(d.b) == 0 {
		return sfItem{}
	}
	other := sfItem{kind: sfOther}
	switch c := d.b[0]; {
	case c == '-' || isDigit(c):
		return d.number()
	case c == '?':
		if len(d.b) < 2 || d.b[1] != '0' && d.b[1] != '1' {
			return sfItem{}
		}
		v := int64(d.b[1] - '0')
		d.b = d.b[2:]
		return sfItem{sfBoolean, v}
	case c == '"':
		d.b = d.b[1:]
		if d.text(false) {
			return other
		}
	case c == '%':
		if len(d.b) > 1 && d.b[1] == '"' {
			d.b = d.b[2:]
			if d.text(true) {
				return other
			}
		}
	case c == ':':
		if d.bytes() {
			return other
		}
	case c == '@':
		d.b = d.b[1:]
		if d.number().kind == sfInteger {
			return other
		}
	case c == '*' || isLower(c|0x20):
		for len(d.b) > 0 && sfTokenByte(d.b[0]) {
			d.b = d.b[1:]
		}
		return other
	}
	return sfItem{}
}

// number reads an integer of up to 15 digits or a decimal of up to 12 and 3 (section 4.2.4).
func (d *sfParser) number() sfItem {
	negative := d.eat('-')
	v, n := d.digits(15)
	switch {
	case n == 0:
		return sfItem{}
	case len(d.b) > 0 && d.b[0] == '.':
		d.b = d.b[1:]
		if _, fraction := d.digits(3); n > 12 || fraction == 0 {
			return sfItem{}
		}
		return sfItem{kind: sfOther}
	case negative:
		v = -v
	}
	return sfItem{sfInteger, v}
}

// digits reads up to limit digits. It returns their number, 0 if there are none or too many.
func (d *sfParser) digits(limit int) (v int64, n int) {
	for n < len(d.b) && isDigit(d.b[n]) {
		if n == limit {
			return 0, 0
		}
		v = v*10 + int64(d.b[n]-'0')
		n++
	}
	d.b = d.b[n:]
	return v, n
}

// text reads a string (section 4.2.5) or a display string (section 4.2.10) behind its opening quote.
func (d *sfParser) text(display bool) bool {
	for len(d.b) > 0 {
		c := d.b[0]
		d.b = d.b[1:]
		switch {
		case c == '"':
			return true
		case c < 0x20 || c > 0x7e:
			return false
		case display && c == '%':
			if len(d.b) < 2 || !isLowerHex(d.b[0]) || !isLowerHex(d.b[1]) {
				return false
			}
			d.b = d.b[2:]
		case !display && c == '\\':
			if len(d.b) == 0 || d.b[0] != '"' && d.b[0] != '\\' {
				return false
			}
			d.b = d.b[1:]
		}
	}
	return false
}

func isLowerHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }

// bytes reads a byte sequence (section 4.2.7): base64 between colons.
func (d *sfParser) bytes() bool {
	for i := 1; i < len(d.b); i++ {
		switch c := d.b[i]; {
		case c == ':':
			d.b = d.b[i+1:]
			return true
		case !isLower(c|0x20) && !isDigit(c) && c != '+' && c != '/' && c != '=':
			return false
		}
	}
	return false
}

// sfTokenByte reports whether c may stand in a token behind its first byte (section 4.2.6).
func sfTokenByte(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~', ':', '/':
		return true
	}
	return isDigit(c) || isLower(c|0x20)
}

// TrueItem reports whether value is a Structured Field Item (RFC 9651 section 4.2) that is the Boolean true, whatever its parameters.
func TrueItem(value []byte) bool {
	d := sfParser{b: value}
	d.skip(" ")
	item := d.bare()
	if item.kind != sfBoolean || item.number != 1 || !d.parameters() {
		return false
	}
	d.skip(" ")
	return len(d.b) == 0
}
