package http1

import (
	"math/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

func cookieFields(values ...string) (fields []codec.Field) {
	for i, v := range values {
		fields = append(fields, codec.Field{Name: []byte("X-Between"), Value: []byte("a=b")},
			codec.Field{Name: []byte([]string{"Cookie", "cookie", "COOKIE"}[i%3]), Value: []byte(v)})
	}
	return fields
}

func TestCookies(t *testing.T) {
	for _, row := range []struct {
		in   []string
		want string
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"a=1"}, "a(1)"},
		{[]string{"a=1; b=2;c=3"}, "a(1)b(2)c(3)"},
		{[]string{" \ta = 1 ;\tb=2\t"}, "a(1)b(2)"},
		{[]string{"a=1;; ; b=2;"}, "a(1)b(2)"},
		{[]string{"a=b=c; d=\"e f\""}, "a(b=c)d(\"e f\")"},
		{[]string{"a; b=; =c"}, "a-b()(c)"},
		{[]string{"a=1; a=2", "A=3"}, "a(1)a(2)A(3)"},
		{[]string{"n=caf\u00e9"}, "n(caf\u00e9)"},
	} {
		var b strings.Builder
		for name, value := range Cookies(cookieFields(row.in...)) {
			b.Write(name)
			if value == nil {
				b.WriteByte('-')
			} else {
				b.WriteString("(" + string(value) + ")")
			}
		}
		require.Equal(t, row.want, b.String(), "%q", row.in)
	}
}

func TestCookieValue(t *testing.T) {
	fields := cookieFields("a=1; b; c=", "a=2; d=4")
	require.Equal(t, "1", string(CookieValue(fields, "a")))
	require.Equal(t, "4", string(CookieValue(fields, "d")))
	for _, name := range []string{"b", "c"} {
		v := CookieValue(fields, name)
		require.NotNil(t, v, name)
		require.Empty(t, v, name)
	}
	require.Nil(t, CookieValue(fields, "A"), "names are case-sensitive")
	require.Nil(t, CookieValue(fields, "X-Between"))
	require.Zero(t, testing.AllocsPerRun(100, func() { CookieValue(fields, "d") }))
	for range Cookies(fields) {
		break // an early stop is fine
	}
}

// checkCookies holds Cookies to net/http, which passes over pairs that it finds invalid and takes quotation marks off.
func checkCookies(t testing.TB, value string) {
	t.Helper()
	if value = strings.Trim(value, " \t"); !IsFieldValue(value, true) {
		return // no decoder yields it
	}
	theirs := (&http.Request{Header: http.Header{"Cookie": {value}}}).Cookies()
	i := 0
	for name, v := range Cookies([]codec.Field{{Name: []byte("Cookie"), Value: []byte(value)}}) {
		if i == len(theirs) {
			return
		}
		w := theirs[i]
		got := string(v)
		if w.Quoted {
			got = strings.TrimSuffix(strings.TrimPrefix(got, `"`), `"`)
		}
		// Nor does it cut blanks off the value's front.
		if string(name) == strings.Trim(w.Name, " \t") && strings.Trim(got, " \t") == strings.Trim(w.Value, " \t") {
			i++
		}
	}
	if i < len(theirs) {
		t.Fatalf("%q: net/http has %q, which did not come", value, theirs[i])
	}
}

// FEATURES H126: random inputs against the oracle.
func TestCookiesRandom(t *testing.T) {
	rnd := rand.New(rand.NewSource(8))
	const alphabet = "ab=;; \t\",\\\xe9"
	for range 200_000 {
		var b strings.Builder
		for range rnd.Intn(16) {
			b.WriteByte(alphabet[rnd.Intn(len(alphabet))])
		}
		checkCookies(t, b.String())
	}
}

func FuzzCookies(f *testing.F) {
	for _, s := range []string{"a=1; b=2", "a; =b;;", "a=\"b c\" ; d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) { checkCookies(t, value) })
}
