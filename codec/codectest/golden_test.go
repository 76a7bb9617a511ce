package codectest

import (
	"bytes"
	"strings"
	"testing"
)

func TestEscapeRoundTrip(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, b := range [][]byte{
		nil, all, []byte(" a "), bytes.Repeat([]byte(")"), 50), bytes.Repeat([]byte{0}, 1000), []byte(`\(3*x)`),
		bytes.Repeat([]byte(`"`), 24), bytes.Repeat([]byte("\\"), 30), bytes.Repeat([]byte(" "), 24),
	} {
		for _, s := range []string{Escape(b), strings.Trim(Quote(b), `"`)} {
			if s == `` && len(b) > 0 {
				continue
			}
			got, err := Unescape(s)
			if err != nil || !bytes.Equal(got, b) {
				t.Errorf("%q became %s and then %q, %v", b, s, got, err)
			}
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\r\nc":          "abc",
		`\r\n\t\0\\\"\x7f`:   "\r\n\t\x00\\\"\x7f",
		`\(3*ab\r\n)c`:       "ab\r\nab\r\nab\r\nc",
		`\(2*\(2*x)\))`:      "xx)xx)",
		`(plain) \(0*gone)!`: "(plain) !",
	} {
		if got, err := Unescape(in); err != nil || string(got) != want {
			t.Errorf("Unescape(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{`\`, `\q`, `\x1`, `\xzz`, `\(3*a`, `\(x*a)`, `\(3a)`, `\(-1*a)`, `\(99999999*\(99999999*a))`} {
		if got, err := Unescape(in); err == nil {
			t.Errorf("Unescape(%q) = %q, want an error", in, clip(string(got), 20))
		}
	}
}

const sample = `Prose.

=== one
source: 9112-5.1-2, H1-05
# why
mode: request lenient=A,B n=7 eof
--- input
ab\r\n
c
--- events
x
*3 y

=== two
--- input
--- events
`

func TestParseGolden(t *testing.T) {
	cases, err := ParseGolden("f.txt", sample)
	if err != nil || len(cases) != 2 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	c := cases[0]
	if c.Name != "one" || c.Line != 3 || string(c.Input) != "ab\r\nc" || strings.Join(c.Want, "|") != "x|*3 y" ||
		strings.Join(c.Source, "|") != "9112-5.1-2|H1-05" {
		t.Errorf("case one: %+v", c)
	}
	if !c.Mode.Has("request") || c.Mode.Int("n") != 7 || strings.Join(c.Mode.List("lenient"), "|") != "A|B" {
		t.Errorf("mode: %v", c.Mode)
	}
	if err := c.Mode.Err(); err == nil || !strings.Contains(err.Error(), "eof") {
		t.Errorf("the word nobody asked for is not reported: %v", err)
	}
	if !c.Mode.Has("eof") || c.Mode.Err() != nil || c.Mode.String() != "request lenient=A,B n=7 eof" {
		t.Errorf("mode %q, %v", c.Mode, c.Mode.Err())
	}
	if c.Mode.Has("n"); c.Mode.Err() == nil {
		t.Error("a value for a word without one is not reported")
	}
	got := rewrite(sample, map[*Case][]string{c: {"new"}, cases[1]: {"other"}}, cases)
	want := strings.Replace(sample, "x\n*3 y\n", "new\n", 1) + "other\n"
	if strings.TrimRight(got, "\n") != strings.TrimRight(want, "\n") {
		t.Errorf("rewritten:\n%s", got)
	}
}

func TestParseGoldenMistakes(t *testing.T) {
	for _, text := range []string{
		"=== a\n",
		"=== a\nwhat: x\n--- input\n--- events\n",
		"=== a\nmode: x x\n--- input\n--- events\n",
		"=== a\n--- input\nabc\n",
		"=== a\n--- input\nabc\n=== b\n--- input\n--- events\n",
		"=== a\n--- input\n\\q\n--- events\n",
	} {
		if _, err := ParseGolden("f.txt", text); err == nil || !strings.HasPrefix(err.Error(), "f.txt:") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

func TestLogJoinsData(t *testing.T) {
	var l Log
	l.Data("body", []byte("ab"))
	l.Data("body", []byte("c"))
	l.Event("end")
	l.Data("body", nil)
	for range 3 {
		l.Event("x")
	}
	if got := strings.Join(fold(l.Lines()), "|"); got != `body 3 "abc"|end|body 0 ""|*3 x` {
		t.Error(got)
	}
}
