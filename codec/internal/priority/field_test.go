package priority

import "testing"

// RFC 9218 section 4-7: unknown priority parameters, priority parameters with out-of-range values, or values of unexpected types MUST be
// ignored.
func TestParseField(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  Priority
		valid bool
	}{
		{"", Priority{3, false}, true},
		{"u=0", Priority{0, false}, true},
		{"u=7, i", Priority{7, true}, true},
		{"i,u=5", Priority{5, true}, true},
		{"  i  ", Priority{3, true}, true},
		{"u=5\t,\ti", Priority{5, true}, true},
		{"i=?1", Priority{3, true}, true},
		{"i=?0", Priority{3, false}, true},
		{"u=8", Priority{3, false}, true},
		{"u=-1", Priority{3, false}, true},
		{"u=2.0", Priority{3, false}, true},
		{"u", Priority{3, false}, true},
		{"u=?1", Priority{3, false}, true},
		{"i=1", Priority{3, false}, true},
		{"i=yes", Priority{3, false}, true},
		{"u=1;x=2;y, i;z", Priority{1, true}, true},
		{"u=1, u=4", Priority{4, false}, true},
		{"u=1, u=9", Priority{3, false}, true},
		{"i, i=?0", Priority{3, false}, true},
		{`a=1.5, b="s\"\\", c=(1 2;q "x"), d=:aGk=:, e=@-5, f=tok/en, g=%"a%c3", *h_-.9, u=2`, Priority{2, false}, true},
		{"k=(), u=1", Priority{1, false}, true},
		{"U=1", Priority{3, false}, false},
		{"u=1,", Priority{3, false}, false},
		{"u=1, ", Priority{3, false}, false},
		{",u=1", Priority{3, false}, false},
		{"u=1 i", Priority{3, false}, false},
		{"u=", Priority{3, false}, false},
		{"u=1;", Priority{3, false}, false},
		{"u=1;=2", Priority{3, false}, false},
		{"u=1;a=", Priority{3, false}, false},
		{"u= 1", Priority{3, false}, false},
		{"u=1.", Priority{3, false}, false},
		{"u=1.1234", Priority{3, false}, false},
		{"u=-", Priority{3, false}, false},
		{"u=1234567890123456", Priority{3, false}, false},
		{"u=123456789012345", Priority{3, false}, true},
		{"u=123456789012.5", Priority{3, false}, true},
		{"u=1234567890123.5", Priority{3, false}, false},
		{"i=?2", Priority{3, false}, false},
		{"i=?", Priority{3, false}, false},
		{`a="x`, Priority{3, false}, false},
		{`a="\x"`, Priority{3, false}, false},
		{`a="\`, Priority{3, false}, false},
		{"a=\"\x01\"", Priority{3, false}, false},
		{`a=%x`, Priority{3, false}, false},
		{`a=%"%C3"`, Priority{3, false}, false},
		{`a=%"%c`, Priority{3, false}, false},
		{"a=:a", Priority{3, false}, false},
		{"a=:!:", Priority{3, false}, false},
		{"a=(1", Priority{3, false}, false},
		{"a=(1,2)", Priority{3, false}, false},
		{`a=(1"x")`, Priority{3, false}, false},
		{"a=(1;)", Priority{3, false}, false},
		{"a=@1.5", Priority{3, false}, false},
		{"a=@", Priority{3, false}, false},
		{"a=\x80", Priority{3, false}, false},
		{"\x00", Priority{3, false}, false},
		{"\tu=1", Priority{3, false}, false},
	} {
		got, valid := ParseField([]byte(c.in))
		if got != c.want || valid != c.valid {
			t.Errorf("%q: %v, %t; want %v, %t", c.in, got, valid, c.want, c.valid)
		}
	}
}

func TestPriorityFieldRoundTrip(t *testing.T) {
	for u := uint8(0); u < 8; u++ {
		for _, i := range []bool{false, true} {
			p := Priority{u, i}
			wire := AppendField([]byte("x"), p)
			if got, valid := ParseField(wire[1:]); got != p || !valid {
				t.Errorf("%v is %q, which is %v", p, wire, got)
			}
		}
	}
	if s := string(AppendField(nil, Priority{200, false})); s != "u=7" {
		t.Error(s)
	}
}

func FuzzPriorityField(f *testing.F) {
	f.Add([]byte(`u=1, i;a=(1 "x"), b=:aGk=:`))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, valid := ParseField(in)
		if p.Urgency > 7 || !valid && p != Default() {
			t.Errorf("%q: %v, %t", in, p, valid)
		}
	})
}
