package http1

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9112 section 3.2, RFC 3986 section 3.2.2, THREATS H1-14.
func TestValidHost(t *testing.T) {
	for _, good := range []string{"", "a", "A.b-c_d~", "a:80", "a:", ":80", "127.0.0.1", "127.0.0.1:65535", "%41", "a%2Fb", "(a)", "[::]", "[::1]:80", "[1:2:3:4:5:6:7:8]",
		"[1::8]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:7::]", "[v1.a:b]", "[V1f.~]", "a:00080"} {
		require.True(t, ValidHost([]byte(good)), good)
	}
	for _, bad := range []string{" ", "a ", "a b", "a,b", "a@b", "u:p@b", "a/b", "a?b", "a#b", "a\\b", "a\"", "a:x", "a:8 0", "a:-1", "a:65536", "a:99999999999999999999", "a:1:2", "%", "%4",
		"%4x", "a%zz", "\x80", "\x00", "[", "[]", "[::1", "::1", "[:::]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]", "[12345::]", "[::g]", "[1:2:3:4:5:6:7:8::]",
		"[::1.2.3]", "[::1.2.3.256]", "[::1.2.3.4.5]", "[::01.2.3.4]", "[::1.2.3.4:5]", "[fe80::1%25eth0]", "[::1]x", "[::1]80", "[v.a]", "[v1.]", "[v1]", "[vg.a]", "[v1.a/]", "[:1]", "[1:]",
		"[1:2:3:4:5:6:7:1.2.3.4]", "[::1000.1.1.1]"} {
		require.False(t, ValidHost([]byte(bad)), bad)
	}
}

func TestParseTarget(t *testing.T) {
	parse := func(m Method, s string) (Target, bool) { return ParseTarget(m, []byte(s)) }
	for _, c := range []struct {
		m                      Method
		in                     string
		form                   TargetForm
		authority, path, query string
		hasQuery               bool
	}{
		{MethodGet, "/", OriginForm, "", "/", "", false},
		{MethodGet, "//a/b?c?d", OriginForm, "", "//a/b", "c?d", true},
		{MethodGet, "/?", OriginForm, "", "/", "", true},
		{MethodGet, "/a:b@c", OriginForm, "", "/a:b@c", "", false},
		{MethodGet, "http://a", AbsoluteForm, "a", "", "", false},
		{MethodGet, "h-1.+://[::1]:8?x/y", AbsoluteForm, "[::1]:8", "", "x/y", true},
		{MethodOther, "HTTPS://a:/b/?", AbsoluteForm, "a:", "/b/", "", true},
		{MethodConnect, "a:1", AuthorityForm, "a:1", "", "", false},
		{MethodOptions, "*", AsteriskForm, "", "*", "", false},
		{MethodOptions, "/x", OriginForm, "", "/x", "", false},
	} {
		got, valid := parse(c.m, c.in)
		require.True(t, valid, c.in)
		require.Equal(t, c.form, got.Form)
		require.Equal(t, []string{c.authority, c.path, c.query}, []string{string(got.Authority), string(got.Path), string(got.Query)}, c.in)
		require.Equal(t, c.hasQuery, got.HasQuery)
	}
	for in, m := range map[string]Method{"": MethodGet, "*": MethodGet, "**": MethodOptions, "a": MethodGet, "?": MethodGet, "1://a": MethodGet, "a:/b": MethodGet, "a://": MethodGet,
		"a://b,c": MethodGet, "a://b@c": MethodGet, "/ ": MethodGet, "/\x7f": MethodGet, "/#": MethodGet, "/": MethodConnect, "b": MethodConnect, ":1": MethodConnect, "a:": MethodConnect, "a:0x1": MethodConnect} {
		_, valid := parse(m, in)
		require.False(t, valid, in)
	}
}

func TestMethods(t *testing.T) {
	for m := MethodGet; m <= MethodPatch; m++ {
		require.Equal(t, m, LookupMethod([]byte(m.String())))
		require.Equal(t, m, foldMethod([]byte(strings.ToLower(m.String()))))
		require.Equal(t, MethodOther, LookupMethod([]byte(strings.ToLower(m.String()))))
		require.Equal(t, MethodOther, LookupMethod([]byte(m.String()+"X")))
	}
	require.Equal(t, "", MethodOther.String())
	require.Equal(t, "", Method(200).String())
	require.Equal(t, MethodOther, foldMethod([]byte("PROPFIND")))
	require.Equal(t, MethodOther, LookupMethod(nil))
}

// The stateless functions: only syntax, need more is (0, nil), the error is in the Head.
func TestParseHead(t *testing.T) {
	var h Head
	in := "PUT /a?b HTTP/1.0\r\nA: b\r\nContent-Length: x\r\n\r\nrest"
	for cut := range len(in) - 4 {
		n, err := ParseRequestHead([]byte(in[:cut]), &h, nil)
		require.True(t, n == 0 && err == nil, cut)
	}
	n, err := ParseRequestHead([]byte(in), &h, nil)
	require.NoError(t, err)
	require.Equal(t, len(in)-4, n)
	require.Equal(t, "PUT /a?b 0 2", string(h.Method)+" "+string(h.Target)+" "+string(rune('0'+h.Minor))+" "+string(rune('0'+len(h.Fields))))
	_, err = ParseRequestHead([]byte("GET / HTTP/1.1\r\nA b\r\n"), &h, nil)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, outcomeOf(rNameSpace), e.Reason)
	require.EqualValues(t, 17, e.Off)

	n, err = ParseResponseHead([]byte("HTTP/1.1 418 I'm a teapot\r\nA: \xff\r\n\r\n"), &h, nil)
	require.NoError(t, err)
	require.NotZero(t, n)
	require.Equal(t, 418, h.Status)
	require.Equal(t, "I'm a teapot", string(h.Reason))
	_, err = ParseResponseHead([]byte("HTTP/1.1 418\r\n"), &h, nil)
	require.ErrorIs(t, err, Status(502))
}
