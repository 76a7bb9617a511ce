package http1

import (
	"net/http"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	if n := int(numNames) - 1; n < 70 {
		t.Errorf("%d names, want at least 70", n)
	}
	seen := map[string]Name{}
	for n := NameOther + 1; n < numNames; n++ {
		s := n.String()
		if s == "" || len(s) > maxNameLen || !IsToken(s) {
			t.Errorf("name %d: %q", n, s)
		}
		if old, ok := seen[strings.ToLower(s)]; ok {
			t.Errorf("%q is both %d and %d", s, old, n)
		}
		seen[strings.ToLower(s)] = n
		for _, v := range []string{s, strings.ToLower(s), strings.ToUpper(s)} {
			if got := LookupName([]byte(v)); got != n {
				t.Errorf("LookupName(%q) = %d, want %d", v, got, n)
			}
			if got := InternName([]byte(v)); got != s {
				t.Errorf("InternName(%q) = %q", v, got)
			}
		}
		// One byte changed, added or taken away is another name (unless that is a standard name too).
		for i := range len(s) {
			v := []byte(s)
			v[i] ^= 0x10
			if got := LookupName(v); got != NameOther && seen[strings.ToLower(string(v))] != got {
				t.Errorf("LookupName(%q) = %v", v, got)
			}
		}
		if got := LookupName([]byte(s + "-")); got != NameOther {
			t.Errorf("LookupName(%q) = %v", s+"-", got)
		}
	}
	for _, s := range []string{"", "x", "Hosts", "Content-Lengthx", strings.Repeat("a", 300), "\x00", "h\x4fst\x00"} {
		if got := LookupName([]byte(s)); got != NameOther {
			t.Errorf("LookupName(%q) = %v", s, got)
		}
	}
	if Name(250).String() != "" || NameOther.String() != "" {
		t.Error("String of no name")
	}
	b := []byte("content-security-policy")
	v := []byte("text/html; charset=utf-8")
	if n := testing.AllocsPerRun(100, func() { sinkString = InternName(b); sinkString = InternValue(v) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var sinkString string

func TestInternValue(t *testing.T) {
	for _, s := range []string{"", "close", "gzip, deflate, br, zstd", "application/json", "something else", "Close"} {
		if got := InternValue([]byte(s)); got != s {
			t.Errorf("InternValue(%q) = %q", s, got)
		}
	}
}

// FEATURES H127: Blade's list, IANA's, and the unregistered ones by name.
func TestReasonPhrase(t *testing.T) {
	n := 0
	for code := -10; code < 1100; code++ {
		got := ReasonPhrase(code)
		if got != "" {
			n++
		}
		want := http.StatusText(code)
		switch code {
		case 413: // renamed by RFC 9110 section 15.5.14
			want = "Content Too Large"
		case 414:
			want = "URI Too Long"
		case 416:
			want = "Range Not Satisfiable"
		case 422: // renamed by RFC 9110 section 15.5.21
			want = "Unprocessable Content"
		case 444:
			want = "No Response"
		case 499:
			want = "Client Closed Request"
		case 509:
			want = "Bandwidth Limit Exceeded"
		case 599:
			want = "Network Connect Timeout Error"
		}
		if got != want {
			t.Errorf("ReasonPhrase(%d) = %q, want %q", code, got, want)
		}
	}
	if n < 63 {
		t.Errorf("%d codes have a phrase, want at least 63", n)
	}
}

// RFC 9110 section 6.5.1-2: framing, routing, authentication, request modifiers, response controls, content format.
func TestTrailerAllowed(t *testing.T) {
	for _, s := range []string{"transfer-encoding", "Content-Length", "HOST", "Authorization", "Set-Cookie", "Cookie",
		"Trailer", "TE", "Connection", "Upgrade", "Cache-Control", "Expect", "Range", "Content-Type",
		"Content-Encoding", "Content-Range", "Location", "Max-Forwards", "Proxy-Authorization", "WWW-Authenticate"} {
		if TrailerAllowed([]byte(s)) {
			t.Errorf("%s is allowed", s)
		}
	}
	for _, s := range []string{"ETag", "Server-Timing", "Digest", "grpc-status", "X-Checksum", "Authentication-Info", "Hosts"} {
		if !TrailerAllowed([]byte(s)) {
			t.Errorf("%s is refused", s)
		}
	}
}

func BenchmarkLookupName(b *testing.B) {
	in := [][]byte{[]byte("Host"), []byte("user-agent"), []byte("Content-Length"), []byte("X-Request-Id")}
	for i := range b.N {
		sinkName = LookupName(in[i&3])
	}
}

var sinkName Name
