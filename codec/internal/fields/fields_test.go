package fields

import (
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
)

// list makes fields of lines "name: value"; a name may start with a colon. `\` begins an escape: \0 \r \n \t \_ (space) \x (0xff).
func list(lines string) (l []codec.Field) {
	esc := strings.NewReplacer(`\0`, "\x00", `\r`, "\r", `\n`, "\n", `\t`, "\t", `\_`, " ", `\x`, "\xff", `\d`, "\x7f")
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		at := strings.Index(line[1:], ":") + 1
		name, value := line[:at], strings.TrimPrefix(line[at+1:], " ")
		if name == "<empty>" {
			name = ""
		}
		l = append(l, codec.Field{Name: []byte(esc.Replace(name)), Value: []byte(esc.Replace(value))})
	}
	return l
}

type row struct {
	lines string
	want  Verdict
	at    int // -1: behind the last field
}

const (
	get  = ":method: GET\n:scheme: https\n:authority: example.com\n:path: /\n"
	conn = ":method: CONNECT\n:authority: example.com:443\n"
	ext  = ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /chat\n:authority: example.com\n"
)

// Each MUST of RFC 9113 section 8 about one field section, with what it demands and the honest twin beside it.
var requests = []row{
	{get, OK, -1},
	{get + "accept: */*\nuser-agent: x", OK, -1},
	{":path: /\n:authority: a\n:scheme: http\n:method: GET", OK, -1}, // any order among themselves
	// names
	{get + "<empty>: x", NameEmpty, 4},
	{get + "Accept: x", NameUpper, 4},
	{get + "accepT: x", NameUpper, 4},
	{get + "a b: x", NameByte, 4},
	{get + `a\0: x`, NameByte, 4},
	{get + `a\x: x`, NameByte, 4},
	{get + `a\d: x`, NameByte, 4},
	{get + `a\rb: x`, NameByte, 4},
	{get + "a(b: x", NameByte, 4},
	{get + "!#$%&'*+-.^_`|~09az: x", OK, -1},
	// values
	{get + `a: x\0y`, ValueByte, 4},
	{get + `a: x\ry`, ValueByte, 4},
	{get + `a: x\ny`, ValueByte, 4},
	{get + `a: x\dy`, ValueByte, 4},
	{get + `a: x\n`, ValueByte, 4},
	{get + `a: \_x`, ValueBlank, 4},
	{get + `a: x\_`, ValueBlank, 4},
	{get + `a: x\t`, ValueBlank, 4},
	{get + `a: \_`, ValueBlank, 4},
	{get + `a: x\ty z\x`, OK, -1},
	{get + `a: \x\x\x\x\x\x\x\x\x\x\0`, ValueByte, 4},
	{get + `a: `, OK, -1},
	{":method: GET\n:scheme: https\n:authority: example.com\n" + `:path: /\n`, ValueByte, 3},
	{":method: GET\n:scheme: https\n:authority: example.com\n" + `:path: /\_`, ValueBlank, 3},
	// pseudo-header fields
	{get + ":foo: x", PseudoUnknown, 4},
	{get + ":METHOD: x", PseudoUnknown, 4},
	{get + ":protocol: websocket", PseudoUnknown, 4},
	{get + ":status: 200", PseudoResponse, 4},
	{":: x\n" + get, PseudoUnknown, 0},
	{":method: GET\n:scheme: https\na: b\n:path: /", PseudoLate, 3},
	{"a: b\n" + get, PseudoLate, 1},
	{get + "a: b\n:path: /", PseudoLate, 5},
	{get + ":method: GET", PseudoTwice, 4},
	{get + ":path: /", PseudoTwice, 4},
	{get + ":scheme: https", PseudoTwice, 4},
	{get + ":authority: example.com", PseudoTwice, 4},
	{":authority: \n" + get, PseudoTwice, 3}, // an empty one counts
	// connection-specific
	{get + "connection: close", Connection, 4},
	{get + "connection: ", Connection, 4},
	{get + "keep-alive: timeout=5", Connection, 4},
	{get + "proxy-connection: close", Connection, 4},
	{get + "transfer-encoding: chunked", Connection, 4},
	{get + "upgrade: h2c", Connection, 4},
	{get + "keep-alife: 1\nconnectiom: a\nupgrades: b\ntransfer-encodinG-: c", NameUpper, 7},
	{get + "keep-alife: 1\nconnectiom: a\nupgrads: b\ntransfer-encodinx: c\nproxy-connectiox: d", OK, -1},
	{get + "te: trailers", OK, -1},
	{get + "te: Trailers", OK, -1},
	{get + "te: trailers, deflate", TE, 4},
	{get + "te: gzip", TE, 4},
	{get + "te: ", TE, 4},
	{get + "te: trailert", TE, 4},
	// content-length
	{get + "content-length: 0", OK, -1},
	{get + "content-length: 9223372036854775807", OK, -1},
	{get + "content-length: 9223372036854775808", LengthInvalid, 4},
	{get + "content-length: ", LengthInvalid, 4},
	{get + "content-length: +1", LengthInvalid, 4},
	{get + "content-length: -1", LengthInvalid, 4},
	{get + "content-length: 1, 1", LengthInvalid, 4},
	{get + "content-length: 0x1", LengthInvalid, 4},
	{get + "content-length: 1\ncontent-length: 1", LengthTwice, 5},
	// :method
	{":scheme: https\n:authority: a\n:path: /", MethodMissing, -1},
	{"", MethodMissing, -1},
	{":method: \n:scheme: https\n:authority: a\n:path: /", MethodInvalid, -1},
	{":method: GET /x\n:scheme: https\n:authority: a\n:path: /", MethodInvalid, -1},
	{":method: M-SEARCH\n:scheme: https\n:authority: a\n:path: /", OK, -1},
	// :scheme
	{":method: GET\n:authority: a\n:path: /", SchemeMissing, -1},
	{":method: GET\n:scheme: \n:authority: a\n:path: /", SchemeInvalid, -1},
	{":method: GET\n:scheme: 1a\n:authority: a\n:path: /", SchemeInvalid, -1},
	{":method: GET\n:scheme: ht/tp\n:authority: a\n:path: /", SchemeInvalid, -1},
	{":method: GET\n:scheme: HTTPS\n:authority: a\n:path: /", OK, -1},
	{":method: GET\n:scheme: a1+-.\n:authority: a\n:path: /", OK, -1},
	// :path
	{":method: GET\n:scheme: https\n:authority: a", PathMissing, -1},
	{":method: GET\n:scheme: https\n:authority: a\n:path: ", PathEmpty, -1},
	{":method: GET\n:scheme: HTTP\n:authority: a\n:path: ", PathEmpty, -1},
	{":method: GET\n:scheme: urn\n:authority: a\n:path: ", OK, -1},
	{":method: GET\n:scheme: urn\n:path: isbn:1", OK, -1},
	{":method: GET\n:scheme: https\n:authority: a\n:path: a", PathForm, -1},
	{":method: GET\n:scheme: https\n:authority: a\n:path: http://a/", PathForm, -1},
	{":method: GET\n:scheme: https\n:authority: a\n:path: /a b", PathByte, -1},
	{":method: GET\n:scheme: https\n:authority: a\n:path: /a#b", PathByte, -1},
	{":method: GET\n:scheme: https\n:authority: a\n" + `:path: /a\x`, PathByte, -1},
	{":method: GET\n:scheme: https\n:authority: a\n:path: /a?b=%20&c", OK, -1},
	{":method: GET\n:scheme: https\n:authority: a\n:path: *", PathStar, -1},
	{":method: OPTIONS\n:scheme: https\n:authority: a\n:path: *", OK, -1},
	{":method: OPTIONS\n:scheme: https\n:path: *", OK, -1},
	{":method: OPTIONS\n:scheme: https\n:authority: a\n:path: **", PathForm, -1},
	// authority
	{":method: GET\n:scheme: https\n:path: /", AuthorityMissing, -1},
	{":method: GET\n:scheme: https\n:path: /\nhost: ", AuthorityMissing, -1},
	{":method: GET\n:scheme: https\n:path: /\nhost: :443", AuthorityMissing, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: ", AuthorityMissing, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: :443", AuthorityMissing, -1},
	{":method: GET\n:scheme: urn\n:path: /\n:authority: ", OK, -1},
	{":method: GET\n:scheme: https\n:path: /\nhost: a", OK, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: a/b", AuthorityInvalid, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: a,b", AuthorityInvalid, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: a:65536", AuthorityInvalid, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: u@a", AuthorityUser, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: u:p@a:80", AuthorityUser, -1},
	{":method: GET\n:scheme: https\n:path: /\n:authority: [::1]:8443", OK, -1},
	{get + "host: a b", HostInvalid, 4},
	{get + "host: u@example.com", HostInvalid, 4},
	{get + "host: example.com\nhost: example.com", HostTwice, 5},
	{get + "host: example.com", OK, -1},
	{get + "host: EXAMPLE.com", OK, -1},
	{get + "host: example.com:443", OK, -1},
	{get + "host: example.com:", OK, -1},
	{get + "host: example.com:80", HostDiffers, -1},
	{get + "host: example.org", HostDiffers, -1},
	{get + "host: ", HostDiffers, -1},
	{":method: GET\n:scheme: http\n:path: /\n:authority: a:80\nhost: a", OK, -1},
	{":method: GET\n:scheme: urn\n:path: /\n:authority: a:80\nhost: a", HostDiffers, -1},
	{":method: GET\n:scheme: http\n:path: /\n:authority: a-b\nhost: a\\rb", ValueByte, 4},
	{":method: GET\n:scheme: http\n:path: /\n:authority: [::1]\nhost: [::1]:80", OK, -1},
	// CONNECT
	{conn, OK, -1},
	{conn + "host: example.com:443", OK, -1},
	{conn + "host: example.com", HostDiffers, -1},
	{conn + ":scheme: https", ConnectScheme, -1},
	{conn + ":path: /", ConnectPath, -1},
	{":method: CONNECT", ConnectAuthority, -1},
	{":method: CONNECT\nhost: example.com:443", ConnectAuthority, -1},
	{":method: CONNECT\n:authority: example.com", ConnectPort, -1},
	{":method: CONNECT\n:authority: example.com:", ConnectPort, -1},
	{":method: CONNECT\n:authority: :443", ConnectPort, -1},
	{":method: CONNECT\n:authority: ", ConnectPort, -1},
	{":method: CONNECT\n:authority: u@example.com:443", AuthorityUser, -1},
	{":method: CONNECT\n:authority: example.com:99999", AuthorityInvalid, -1},
	{":method: connect\n:authority: example.com:443", SchemeMissing, -1}, // methods are case-sensitive
}

// RFC 8441 section 4: the same with extended CONNECT announced.
var extendeds = []row{
	{ext, OK, -1},
	{ext + "sec-websocket-version: 13", OK, -1},
	{conn, OK, -1},
	{get + ":protocol: websocket", ProtocolMethod, -1},
	{strings.Replace(ext, "websocket", "web socket", 1), ProtocolInvalid, -1},
	{strings.Replace(ext, "websocket", "", 1), ProtocolInvalid, -1},
	{strings.Replace(ext, ":scheme: https\n", "", 1), ProtocolScheme, -1},
	{strings.Replace(ext, ":path: /chat\n", "", 1), ProtocolPath, -1},
	{strings.Replace(ext, ":authority: example.com\n", "", 1), ProtocolAuthority, -1},
	{strings.Replace(ext, ":authority: example.com\n", "host: a\n", 1), ProtocolAuthority, -1},
	{ext + "host: example.org", HostDiffers, -1},
	{ext + ":protocol: websocket", PseudoTwice, 5},
	{strings.Replace(ext, "/chat", "chat", 1), PathForm, -1},
	{strings.Replace(ext, "/chat", "*", 1), PathStar, -1},
}

var responses = []row{
	{":status: 200", OK, -1},
	{":status: 100", OK, -1},
	{":status: 999\ncontent-length: 5", OK, -1},
	{"", StatusMissing, -1},
	{"server: x", StatusMissing, -1},
	{":status: 20", StatusInvalid, 0},
	{":status: 2000", StatusInvalid, 0},
	{":status: 099", StatusInvalid, 0},
	{":status: 2x0", StatusInvalid, 0},
	{":status: 20x", StatusInvalid, 0},
	{":status: x00", StatusInvalid, 0},
	{":status: ", StatusInvalid, 0},
	{":status: +20", StatusInvalid, 0},
	{":status: 101", Status101, 0},
	{":status: 200\n:status: 200", PseudoTwice, 1},
	{"a: b\n:status: 200", PseudoLate, 1},
	{":status: 200\n:path: /", PseudoRequest, 1},
	{":status: 200\n:protocol: x", PseudoRequest, 1},
	{":status: 200\n:reason: OK", PseudoUnknown, 1},
	{":status: 200\nServer: x", NameUpper, 1},
	{":status: 200\n<empty>: x", NameEmpty, 1},
	{":status: 200\n" + `a: b\nc`, ValueByte, 1},
	{":status: 200\nconnection: close", Connection, 1},
	{":status: 200\nte: trailers", TEResponse, 1},
	{":status: 200\nhost: any thing", OK, -1},
	{":status: 200\ncontent-length: 1x", LengthInvalid, 1},
	{":status: 200\ncontent-length: 1\ncontent-length: 1", LengthTwice, 2},
}

var trailers = []row{
	{"", OK, -1},
	{"grpc-status: 0\ngrpc-message: ", OK, -1},
	{":status: 200", PseudoTrailer, 0},
	{"a: b\n:path: /", PseudoTrailer, 1},
	{"connection: close", Connection, 0},
	{"transfer-encoding: chunked", Connection, 0},
	{"te: trailers", TrailerField, 0},
	{"host: a", TrailerField, 0},
	{"content-length: 1", TrailerField, 0},
	{"A: b", NameUpper, 0},
	{`a: b\n`, ValueByte, 0},
	{"cookie: a\npriority: b", OK, -1},
}

func TestVerdicts(t *testing.T) {
	reached := map[Verdict]bool{}
	check := func(kind string, rows []row, judge func([]codec.Field) (Verdict, int)) {
		for _, c := range rows {
			l := list(c.lines)
			want := c.at
			if want < 0 {
				want = len(l)
			}
			v, at := judge(l)
			if v != c.want || at != want {
				t.Errorf("%s %q: verdict %d at %d, want %d at %d", kind, c.lines, v, at, c.want, want)
			}
			reached[v] = true
			if n := testing.AllocsPerRun(10, func() { judge(l) }); n != 0 {
				t.Errorf("%s %q: %v allocations", kind, c.lines, n)
			}
		}
	}
	var r Result
	check("request", requests, func(l []codec.Field) (Verdict, int) { return Request(l, Options{}, &r) })
	check("extended", extendeds, func(l []codec.Field) (Verdict, int) { return Request(l, Options{Connect: true}, &r) })
	check("response", responses, func(l []codec.Field) (Verdict, int) { return Response(l, &r) })
	check("trailers", trailers, Trailers)
	for v := OK; v < NumVerdicts; v++ {
		if !reached[v] {
			t.Errorf("no case has verdict %d", v)
		}
	}
}

func TestResult(t *testing.T) {
	var r Result
	l := list(ext + "cookie: a=b\ncookie: c=d\npriority: u=1\nte: trailers\ncontent-length: 12\npriority: i")
	if v, _ := Request(l, Options{Connect: true}, &r); v != OK {
		t.Fatal(v)
	}
	if string(r.Method) != "CONNECT" || string(r.Scheme) != "https" || string(r.Authority) != "example.com" ||
		string(r.Path) != "/chat" || string(r.Protocol) != "websocket" {
		t.Errorf("%q %q %q %q %q", r.Method, r.Scheme, r.Authority, r.Path, r.Protocol)
	}
	if r.Regular != 5 || r.Cookies != 2 || r.Priorities != 2 || r.Priority != 7 || !r.Trailers || r.ContentLength != 12 {
		t.Errorf("%+v", r)
	}
	if v, _ := Request(list(":method: GET\n:scheme: http\n:path: /\nhost: a:1"), Options{}, &r); v != OK || string(r.Authority) != "a:1" || r.ContentLength != -1 || r.Protocol != nil {
		t.Errorf("%v %+v", v, r)
	}
	if v, _ := Response(list(":status: 404\na: b"), &r); v != OK || r.Status != 404 || r.Regular != 1 || r.ContentLength != -1 {
		t.Errorf("%v %+v", v, r)
	}
}

// A pseudo-header field that HPACK decodes to a nil value is there all the same.
func TestNilValue(t *testing.T) {
	var r Result
	l := append([]codec.Field{{Name: []byte(":path")}}, list(":method: GET\n:scheme: https\n:authority: a")...)
	if v, _ := Request(l, Options{}, &r); v != PathEmpty {
		t.Error(v)
	}
}

func TestJoinCookies(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{get + "cookie: a=b", get + "cookie: a=b"},
		{get + "x: 1\ncookie: a=b\ny: 2\ncookie: c=d; e=f\nz: 3\ncookie: g=h", get + "x: 1\ncookie: a=b; c=d; e=f; g=h\ny: 2\nz: 3"},
		{get + "cookie: \ncookie: ", get + "cookie: ; "},
	} {
		l := list(c.in)
		var r Result
		if v, _ := Request(l, Options{}, &r); v != OK {
			t.Fatal(v)
		}
		l[len(l)-1].Sensitive = true
		joined, scratch := JoinCookies(l, &r, []byte("kept"))
		var text []string
		for _, f := range joined {
			text = append(text, string(f.Name)+": "+string(f.Value))
			if string(f.Name) == "cookie" && !f.Sensitive {
				t.Errorf("%q: sensitivity is lost", c.in)
			}
		}
		if got := strings.Join(text, "\n"); got != c.want || string(scratch[:4]) != "kept" {
			t.Errorf("%q became %q, scratch %q", c.in, got, scratch)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, c := range append(requests, extendeds...) {
		f.Add(c.lines, true)
	}
	f.Fuzz(func(t *testing.T, lines string, connect bool) {
		var l []codec.Field
		for _, line := range strings.Split(lines, "\n") {
			if line != "" {
				name, value, _ := strings.Cut(line[1:], ":")
				l = append(l, codec.Field{Name: []byte(line[:1] + name), Value: []byte(value)})
			}
		}
		var r Result
		v, at := Request(l, Options{Connect: connect}, &r)
		if v >= NumVerdicts || at < 0 || at > len(l) || v == OK && at != len(l) {
			t.Fatalf("%q: %d at %d", lines, v, at)
		}
		if v != OK {
			return
		}
		// What passes can be written as one HTTP/1.1 head: nothing in it ends a line or a token.
		for _, x := range l {
			if strings.ContainsAny(string(x.Name)+string(x.Value), "\r\n\x00") || strings.ContainsAny(string(x.Name), " ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
				t.Errorf("%q passed", lines)
			}
		}
		if strings.ContainsAny(string(r.Method)+string(r.Path)+string(r.Authority), " \t\r\n") {
			t.Errorf("%q passed", lines)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	l := list(get + `user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0
accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
accept-language: en-US,en;q=0.5
accept-encoding: gzip, deflate, br, zstd
cookie: session=0123456789abcdef0123456789abcdef; theme=dark
priority: u=0, i
te: trailers`)
	var r Result
	b.ReportAllocs()
	for b.Loop() {
		if v, _ := Request(l, Options{}, &r); v != OK {
			b.Fatal(v)
		}
	}
}
