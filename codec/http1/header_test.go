package http1

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
)

func mkFields(kv ...string) (f []codec.Field) {
	for i := 0; i < len(kv); i += 2 {
		f = append(f, codec.Field{Name: []byte(kv[i]), Value: []byte(kv[i+1])})
	}
	return f
}

func showFields(fields []codec.Field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s=%s|", f.Name, f.Value)
	}
	return b.String()
}

func TestFieldLookup(t *testing.T) {
	f := mkFields("Set-Cookie", "a=1", "VIA", "x", "set-cookie", "b=2", "Empty", "", "Connection", "TE , close", "connection", ",,Upgrade")
	if got := string(Get(f, "SET-COOKIE")); got != "a=1" {
		t.Errorf("first value: %q", got)
	}
	if Get(f, "none") != nil || Get(f, "empty") == nil {
		t.Error("absent and empty are not told apart")
	}
	if !Has(f, "via") || Has(f, "vi") || Has(f, "viaa") {
		t.Error("Has")
	}
	if Count(f, "Set-Cookie") != 2 || Count(f, "x") != 0 {
		t.Error("Count")
	}
	var all []string
	for v := range Values(f, "set-cookie") {
		all = append(all, string(v))
	}
	if !slices.Equal(all, []string{"a=1", "b=2"}) {
		t.Error(all)
	}
	for v := range Values(f, "set-cookie") {
		all = append(all, string(v))
		break
	}
	if len(all) != 3 {
		t.Error("break did not stop Values")
	}
	var toks []string
	for v := range Tokens(f, "Connection") {
		toks = append(toks, string(v))
	}
	if !slices.Equal(toks, []string{"TE", "close", "Upgrade"}) {
		t.Error(toks)
	}
	for _, s := range []string{"te", "CLOSE", "upgrade"} {
		if !HasToken(f, "connection", s) {
			t.Errorf("no token %s", s)
		}
	}
	for _, s := range []string{"t", "clos", "keep-alive", "TE , close"} {
		if HasToken(f, "connection", s) {
			t.Errorf("token %s", s)
		}
	}
}

func TestEqualFold(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			want := strings.EqualFold(string([]byte{byte(a)}), string([]byte{byte(b)}))
			if a > 127 || b > 127 {
				want = a == b
			}
			if got := EqualFold([]byte{byte(a)}, string([]byte{byte(b)})); got != want {
				t.Fatalf("EqualFold(%#x, %#x) = %v", a, b, got)
			}
		}
	}
}

func TestHeader(t *testing.T) {
	var h Header
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(h.Append("Set-Cookie", "a=1"))
	do(h.Append("Via", "x"))
	do(h.Append("set-cookie", "b=2"))
	do(h.Set("Via", "a longer value than before"))
	do(h.Set("VIA", "y"))
	do(h.Set("New", ""))
	if got, want := showFields(h.Fields()), "Set-Cookie=a=1|Via=y|set-cookie=b=2|New=|"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	do(h.Set("SET-COOKIE", "c"))
	if got, want := showFields(h.Fields()), "Set-Cookie=c|Via=y|New=|"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(h.AppendTo([]byte("<"))); got != "<Set-Cookie: c\r\nVia: y\r\nNew: \r\n" {
		t.Errorf("%q", got)
	}
	c := h.Clone()
	if n := h.Remove("via"); n != 1 || h.Len() != 2 || h.Has("Via") || h.Remove("via") != 0 {
		t.Error("Remove")
	}
	h.Reset()
	do(h.Append("X", "overwrites"))
	if got, want := showFields(c.Fields()), "Set-Cookie=c|Via=y|New=|"; got != want {
		t.Errorf("clone: got %s, want %s", got, want)
	}
	do(c.SetFields(c.Fields()[1:])) // of its own
	if got, want := showFields(c.Fields()), "Via=y|New=|"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if h.Get("x") == nil || h.Get("y") != nil {
		t.Error("Get")
	}
}

// FEATURES H122: CR, LF in a name or value is a typed error, and nothing changes. All 256 bytes in both places.
func TestHeaderInjection(t *testing.T) {
	var h Header
	if err := h.Append("Keep", "this"); err != nil {
		t.Fatal(err)
	}
	for c := range 256 {
		s := "a" + string([]byte{byte(c)}) + "b"
		name := strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		value := c == '\t' || c >= ' ' && c != 0x7f
		for what, try := range map[string]func() error{
			"append": func() error { return h.Append(s, "v") },
			"set":    func() error { return h.Set(s, "v") },
			"fields": func() error { return h.SetFields(mkFields("Keep", "this", s, "v")) },
		} {
			checkInjection(t, &h, fmt.Sprintf("%s name %q", what, s), try(), name)
		}
		for what, try := range map[string]func() error{
			"append": func() error { return h.Append("n", s) },
			"set":    func() error { return h.Set("n", s) },
			"fields": func() error { return h.SetFields(mkFields("Keep", "this", "n", s)) },
		} {
			checkInjection(t, &h, fmt.Sprintf("%s value %q", what, s), try(), value)
		}
	}
	for _, v := range []string{" a", "a ", "\ta", "a\t", " ", "\t"} {
		checkInjection(t, &h, fmt.Sprintf("blank %q", v), h.Append("n", v), false)
	}
	checkInjection(t, &h, "empty name", h.Append("", "v"), false)
}

func checkInjection(t *testing.T, h *Header, what string, err error, ok bool) {
	t.Helper()
	if (err == nil) != ok {
		t.Errorf("%s: %v", what, err)
	}
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse {
			t.Errorf("%s: %v is no misuse error", what, err)
		}
		if h.Len() != 1 {
			t.Errorf("%s: changed to %s", what, showFields(h.Fields()))
		}
	}
	h.Reset()
	if err := h.Append("Keep", "this"); err != nil {
		t.Fatal(err)
	}
}

// A model: a slice of pairs. Random calls give equal results; memory stays within a few times the live bytes.
func TestHeaderModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	names := []string{"A", "b", "Set-Cookie", "SET-COOKIE", "a", "Long-Name-Of-A-Field"}
	var h Header
	var m [][2]string
	for step := range 50000 {
		name, value := names[rng.IntN(len(names))], strings.Repeat("v", rng.IntN(40))
		switch op := rng.IntN(20); {
		case op < 8 && len(m) < 30:
			_ = h.Append(name, value)
			m = append(m, [2]string{name, value})
		case op < 14:
			_ = h.Set(name, value)
			at := slices.IndexFunc(m, func(p [2]string) bool { return strings.EqualFold(p[0], name) })
			if at < 0 {
				m = append(m, [2]string{name, value})
			} else {
				m[at][1] = value
				rest := slices.DeleteFunc(slices.Clone(m[at+1:]), func(p [2]string) bool { return strings.EqualFold(p[0], name) })
				m = append(m[:at+1], rest...)
			}
		case op < 17:
			n := len(m)
			m = slices.DeleteFunc(m, func(p [2]string) bool { return strings.EqualFold(p[0], name) })
			if got := h.Remove(name); got != n-len(m) {
				t.Fatalf("step %d: removed %d, want %d", step, got, n-len(m))
			}
		case op == 17 && rng.IntN(50) == 0:
			h.Reset()
			m = m[:0]
		}
		var want strings.Builder
		live := 0
		for _, p := range m {
			fmt.Fprintf(&want, "%s=%s|", p[0], p[1])
			live += len(p[0]) + len(p[1])
		}
		if got := showFields(h.Fields()); got != want.String() {
			t.Fatalf("step %d: got %s, want %s", step, got, want.String())
		}
		if h.live != live {
			t.Fatalf("step %d: %d live bytes counted, are %d", step, h.live, live)
		}
		if cap(h.buf) > 1<<14 {
			t.Fatalf("step %d: %d bytes of memory for %d", step, cap(h.buf), live)
		}
	}
}

func TestHeaderAllocs(t *testing.T) {
	var h Header
	in := mkFields("Host", "x", "Accept", "*/*", "Via", "somewhere")
	if n := testing.AllocsPerRun(100, func() {
		h.Reset()
		for _, kv := range [][2]string{{"Host", "x"}, {"Accept", "*/*"}, {"Via", "y"}} {
			_ = h.Append(kv[0], kv[1])
		}
		_ = h.Set("via", "z")
		_ = h.Append("bad\r\n", "")
		if !Has(in, "VIA") || !HasToken(in, "accept", "*/*") || len(h.Get("host")) != 1 {
			panic("lookup")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
