package http1

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

const host = "Host: a\r\n"

func TestRequests(t *testing.T) {
	conn{}.table(t, []wantCase{
		{"", 0, ""},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, `GET/GET(1 "/" at "a" 1.1 nobody keep)[Host=a] end`},
		{"\r\n\r\nGET / HTTP/1.1\r\nhOST:a:80\r\n\r\n", 0, `GET/GET(1 "/" at "a:80" 1.1 nobody keep)[hOST=a:80] end`},
		{"GET /x?y?z HTTP/1.0\r\n\r\n", 0, `GET/GET(1 "/x"?"y?z" at "" 1.0 nobody) end`},
		{"GET /? HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, `GET/GET(1 "/"?"" at "" 1.0 nobody keep)[Connection=Keep-Alive] end`},
		{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 0, `GET/GET(1 "/" at "" 1.0 nobody)[Connection=keep-alive, close] end`},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: ,CLOSE ,\r\n\r\n", 0, `GET/GET(1 "/" at "a" 1.1 nobody)[Host=a][Connection=x][Connection=,CLOSE ,] end`},
		{"get / HTTP/1.1\r\nHost:\r\n\r\n", 0, `get/(1 "/" at "" 1.1 nobody keep)[Host=] end`},
		{"M-SEARCH / HTTP/1.1\r\nHost:  \t a \t \r\nA:\r\nA: \t\r\nB:b b\tb\r\n\r\n", 0, `M-SEARCH/(1 "/" at "a" 1.1 nobody keep)[Host=a][A=][A=][B=b b` + "\tb] end"},
		// Four forms.
		{"GET http://u:8080/p?q HTTP/1.1\r\nHost: other\r\n\r\n", 0, `GET/GET(2 "/p"?"q" at "u:8080" 1.1 nobody keep)[Host=other] end`},
		{"OPTIONS http://u HTTP/1.1\r\nHost: u\r\n\r\n", 0, `OPTIONS/OPTIONS(2 "" at "u" 1.1 nobody keep)[Host=u] end`},
		{"GET http://u?q HTTP/1.1\r\nHost: u\r\n\r\n", 0, `GET/GET(2 ""?"q" at "u" 1.1 nobody keep)[Host=u] end`},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, `OPTIONS/OPTIONS(4 "*" at "a" 1.1 nobody keep)[Host=a] end`},
		{"CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\n\r\n", 0, `CONNECT/CONNECT(3 "" at "[::1]:443" 1.1 nobody keep)[Host=a] end`},
		// Content.
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n", 0, `POST/POST(1 "/" at "a" 1.1 length=3 keep)[Host=a][Content-Length=3] body:abc end GET/GET(1 "/" at "" 1.0 nobody) end`},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 000\r\n\r\n", 0, `POST/POST(1 "/" at "a" 1.1 length=0 keep)[Host=a][Content-Length=000] end`},
		{"PUT / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: \tChUnKeD \r\n\r\n3\r\nabc\r\n0010;x;y=z; q = \"a;\\\"\x80\"\r\n0123456789abcdef\r\n000\r\nT: v\r\n\r\n", 0, `PUT/PUT(1 "/" at "a" 1.1 chunked keep)[Host=a][transfer-encoding=ChUnKeD] body:abc0123456789abcdef end[T=v]`},
		// Expect and Upgrade.
		{"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", 0, `PUT/PUT(1 "/" at "a" 1.1 length=1 keep expect)[Host=a][Expect=100-Continue][Content-Length=1]`},
		{"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", 0, `PUT/PUT(1 "/" at "a" 1.1 nobody keep)[Host=a][Expect=100-continue] end`},
		{"PUT / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", 0, `PUT/PUT(1 "/" at "" 1.0 length=1)[Expect=x][Content-Length=1]`},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: ws\r\nConnection: x, Upgrade\r\n\r\n", 0, `GET/GET(1 "/" at "a" 1.1 nobody keep upgrade)[Host=a][Upgrade=ws][Connection=x, Upgrade] end`},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: ws\r\n\r\n", 0, `GET/GET(1 "/" at "a" 1.1 nobody keep)[Host=a][Upgrade=ws] end`},
		{"GET / HTTP/1.0\r\nUpgrade: ws\r\nConnection: upgrade\r\n\r\n", 0, `GET/GET(1 "/" at "" 1.0 nobody)[Upgrade=ws][Connection=upgrade] end`},
	})
}

// RFC 9112 sections 2.2, 3, 5 and THREATS H1-12, H1-14: one outcome per malformed head.
func TestMalformedHeads(t *testing.T) {
	bad := func(code Status, want string, lines ...string) wantCase {
		return wantCase{strings.Join(lines, "\r\n") + "\r\n\r\n", code, want}
	}
	conn{}.table(t, []wantCase{
		{"\x16\x03\x01", 400, "3.1-2: request line"},
		{" GET / HTTP/1.1\r\n", 400, "3.1-2"},
		{"\n", 400, "3.1-2"},
		{"\r\nX", 0, ""},
		{"\rX", 400, "CR without LF before"},
		{"\r\n\r\n\r\n\r\n\r\n", 400, "too many empty lines"},
		bad(400, "method not followed", "GET"),
		bad(400, "method not followed", "GET\t/ HTTP/1.1"),
		bad(400, "method not followed", "G(T / HTTP/1.1"),
		bad(400, "without a version", "GET "),
		bad(400, "without a version", "GET /"),
		bad(400, "more than one space", "GET  / HTTP/1.1"),
		bad(400, "malformed version", "GET /  HTTP/1.1"),
		bad(400, "malformed version", "GET / HTTP/1.1 "),
		bad(400, "malformed version", "GET / "),
		bad(400, "malformed version", "GET / http/1.1"),
		bad(400, "malformed version", "GET / HTTP/1.10"),
		bad(400, "malformed version", "GET / HTTP/11"),
		bad(400, "malformed version", "GET / HTTP/1,1"),
		bad(400, "malformed version", "GET / HTTP/a.1"),
		bad(400, "malformed version", "GET /a b HTTP/1.1"),
		bad(505, "version other", "GET / HTTP/2.0"),
		bad(505, "version other", "GET / HTTP/1.2"),
		bad(505, "version other", "GET / HTTP/0.9"),
		bad(400, "byte in the target", "GET /\t HTTP/1.1"),
		bad(400, "byte in the target", "GET /\x00 HTTP/1.1"),
		bad(400, "byte in the target", "GET /\x7f HTTP/1.1"),
		bad(400, "byte in the target", "GET /\x80 HTTP/1.1"),
		bad(400, "byte in the target", "GET /a#b HTTP/1.1"),
		bad(400, "bare CR in the start line", "GET /a\rb HTTP/1.1"),
		bad(400, "bare CR in the start line", "GET\r/ HTTP/1.1"),
		{"GET / HTTP/1.1\n", 400, "start line ends with LF"},
		bad(400, "asterisk-form", "GET * HTTP/1.1", "Host: a"),
		bad(400, "none of the four", "OPTIONS *a HTTP/1.1", "Host: a"),
		bad(400, "none of the four", "GET ?a HTTP/1.1", "Host: a"),
		bad(400, "absolute-form without", "GET a HTTP/1.1", "Host: a"),
		bad(400, "absolute-form without", "GET a:b HTTP/1.1", "Host: a"),
		bad(400, "absolute-form without", "GET a:80 HTTP/1.1", "Host: a"),
		bad(400, "user information", "GET http://u@h/ HTTP/1.1", "Host: a"),
		bad(400, "host in the target", "GET http:/// HTTP/1.1", "Host: a"),
		bad(400, "host in the target", "GET http://:80/ HTTP/1.1", "Host: a"),
		bad(400, "host in the target", "GET http://a,b/ HTTP/1.1", "Host: a"),
		bad(400, "CONNECT is not host:port", "CONNECT / HTTP/1.1", "Host: a"),
		bad(400, "empty or invalid port", "CONNECT http://a:1 HTTP/1.1", "Host: a"),
		bad(400, "CONNECT is not host:port", "CONNECT :1 HTTP/1.1", "Host: a"),
		bad(400, "empty or invalid port", "CONNECT a HTTP/1.1", "Host: a"),
		bad(400, "empty or invalid port", "CONNECT a: HTTP/1.1", "Host: a"),
		bad(400, "empty or invalid port", "CONNECT a:65536 HTTP/1.1", "Host: a"),
		bad(400, "without Host", "GET / HTTP/1.1"),
		bad(400, "without Host", "GET http://a/ HTTP/1.1"),
		bad(400, "more than one Host", "GET / HTTP/1.1", "Host: a", "host: a"),
		bad(400, "more than one Host", "GET / HTTP/1.0", "Host: a", "host: a"),
		bad(400, "invalid Host", "GET / HTTP/1.1", "Host: u@a"),
		bad(400, "invalid Host", "GET / HTTP/1.1", "Host: a, b"),
		bad(400, "invalid Host", "GET / HTTP/1.1", "Host: a,b"),
		bad(400, "invalid Host", "GET / HTTP/1.1", "Host: a b"),
		bad(400, "invalid Host", "GET / HTTP/1.1", "Host: a/b"),
		bad(400, "invalid Host", "GET / HTTP/1.0", "Host: a:x"),
		bad(400, "whitespace before the first", "GET / HTTP/1.1", " Host: a"),
		bad(400, "folding", "GET / HTTP/1.1", "Host: a", " b"),
		bad(400, "folding", "GET / HTTP/1.1", "Host: a", "\tb"),
		bad(400, "empty field name", "GET / HTTP/1.1", ": a"),
		bad(400, "byte in a field name", "GET / HTTP/1.1", "Ho(st: a"),
		bad(400, "byte in a field name", "GET / HTTP/1.1", "Ho\x00st: a"),
		bad(400, "whitespace before the colon", "GET / HTTP/1.1", "Host : a"),
		bad(400, "whitespace before the colon", "GET / HTTP/1.1", "Host\t: a"),
		bad(400, "whitespace before the colon", "GET / HTTP/1.1", "Ho st: a"),
		bad(400, "without a colon", "GET / HTTP/1.1", "Host"),
		bad(400, "bare CR in a field", "GET / HTTP/1.1", "Ho\rst: a"),
		bad(400, "bare CR in a field", "GET / HTTP/1.1", "Host: a\rb"),
		bad(400, "bare CR in a field", "GET / HTTP/1.1", "Host: a\r"),
		{"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "field line ends with LF"},
		{"GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "field line ends with LF"},
		bad(400, "control byte", "GET / HTTP/1.1", "Host: a\x00"),
		bad(400, "control byte", "GET / HTTP/1.1", "A: \xff\x7f"),
		bad(417, "unknown expectation", "GET / HTTP/1.1", "Host: a", "Expect: 100-continue, x"),
	})
}

// RFC 9112 section 3: a bare LF or CR can never smuggle a line, whichever byte follows (THREATS H1-13).
func TestContent(t *testing.T) {
	post := func(fields, rest string) string { return "POST / HTTP/1.1\r\n" + host + fields + "\r\n" + rest }
	rows := []wantCase{}
	for value, row := range map[string]struct {
		code Status
		want string
	}{
		"": {400, "empty Content-Length"}, "5,6": {400, "a list"}, "5, 5": {400, "a list"}, "5 5": {400, "not all digits"},
		"+5": {400, "not all digits"}, "-1": {400, "not all digits"}, "0x5": {400, "not all digits"}, "1e1": {400, "not all digits"},
		"_": {400, "not all digits"}, "1_0": {400, "not all digits"}, "5.0": {400, "not all digits"}, "5;": {400, "not all digits"},
		"\"5\"": {400, "not all digits"}, ",": {400, "a list"}, "5,": {400, "a list"}, ",5": {400, "a list"}, "five": {400, "not all digits"},
		"9223372036854775808":                       {400, "above 2^63"},
		"18446744073709551621":                      {400, "above 2^63"},
		"99999999999999999999999999999999999999999": {400, "above 2^63"},
	} {
		rows = append(rows, wantCase{post("Content-Length: "+value+"\r\n", ""), row.code, row.want})
	}
	for value, row := range map[string]struct {
		code Status
		want string
	}{
		"": {400, "empty Transfer-Encoding"}, "chunked,": {400, "empty Transfer"}, ",chunked": {400, "empty Transfer"},
		"chunked, chunked": {400, "more than once"}, "chunked, gzip": {400, "not the final"}, "gzip, chunked": {501, "unknown"},
		"identity": {501, "unknown"}, "xchunked": {501, "unknown"}, "chunkedx": {501, "unknown"}, "chunked;q=1": {501, "unknown"},
		"\"chunked\"": {501, "unknown"}, "chunked chunked": {501, "unknown"}, "chunked\x0b": {400, "control byte"}, "\x0bchunked": {400, "control byte"},
		"chun\r\n ked": {400, "folding"}, "\r\n chunked": {400, "folding"}, "gzip": {501, "unknown"}, "deflate, gzip": {501, "unknown"},
	} {
		rows = append(rows, wantCase{post("Transfer-Encoding: "+value+"\r\n", "0\r\n\r\n"), row.code, row.want})
	}
	rows = append(rows,
		wantCase{post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400, "more than one Content-Length"},
		wantCase{post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ""), 400, "more than one Transfer-Encoding"},
		wantCase{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0 message"},
		wantCase{"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n", 400, "before the colon"},
	)
	conn{}.table(t, rows)

	// THREATS H1-01: 24 vectors, nothing behind the head is looked at.
	for _, name := range []string{"Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING", "tRANSFER-eNCODING"} {
		for _, length := range []int{3, 5, 7} {
			cl, te := fmt.Sprintf("Content-Length: %d\r\n", length), name+": chunked\r\n"
			for _, fields := range []string{cl + te, te + cl} {
				got := conn{}.run(t, post(fields, "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"))
				require.Equal(t, reasons[rCodingLength].text, got.reason)
				require.Equal(t, Status(400), got.code)
				require.Empty(t, got.log)
				require.Zero(t, got.consumed)
			}
		}
	}
	// THREATS H1-03: framing never depends on the method.
	for m := MethodGet; m <= MethodPatch; m++ {
		target := "/"
		if m == MethodConnect {
			target = "a:1"
		}
		got := conn{}.run(t, m.String()+" "+target+" HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\nGET /x HTTP/1.0\r\n\r\n")
		require.Contains(t, got.log, ` body:0123456789 end GET/GET(1 "/x"`)
	}
}

func TestResponses(t *testing.T) {
	r := conn{response: true, method: MethodGet}
	r.table(t, []wantCase{
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 0, `200("OK" 1.1 length=2 keep)[Content-Length=2] body:ab end 404("" 1.1 length=0 keep)[Content-Length=0] end`},
		{"HTTP/1.0 999 a b\r\n\r\nxyz", 0, `999("a b" 1.0 close) body:xyz`},
		{"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n", 0, `200("" 1.1 chunked)[Transfer-Encoding=chunked][Connection=close] body:x end`},
		{"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", 0, `204("No" 1.1 nobody keep)[Content-Length=5] end 304("" 1.1 nobody=5 keep)[Content-Length=5] end`},
		{"HTTP/1.1 100 \r\nA: b\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.0 200 \r\n\r\n", 0, `100("" 1.1)[A=b] 103("E" 1.1) 200("" 1.0 close)`},
		{"X", 502, "does not start with HTTP/"},
		{"HTTP\r\n", 502, "does not start with HTTP/"},
		{"HTTP/1.1\t200 \r\n", 502, "does not start with HTTP/"},
		{"HTTP/2.0 200 \r\n", 502, "response version"},
		{"HTTP/1.1 20 \r\n", 502, "three digits"},
		{"HTTP/1.1 2000\r\n", 502, "followed by one space"},
		{"HTTP/1.1 200\r\n", 502, "followed by one space"},
		{"HTTP/1.1 099 \r\n", 502, "below 100"},
		{"HTTP/1.1 200 a\x00\r\n", 502, "reason phrase"},
		{"HTTP/1.1 200 a\rb\r\n", 502, "bare CR"},
		{"HTTP/1.1 200 a\n", 502, "ends with LF"},
		{"HTTP/1.1 101 \r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 502, "without a request to upgrade"},
		{"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 502, "beside"},
		{"HTTP/1.1 200 \r\nTransfer-Encoding: gzip\r\n\r\n", 502, "unknown transfer"},
	})
	conn{response: true, method: MethodHead}.table(t, []wantCase{
		{"HTTP/1.1 200 \r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.0 200 \r\n\r\n", 0, `200("" 1.1 nobody=9 keep)[Content-Length=9] end 200("" 1.1 nobody keep)[Transfer-Encoding=chunked] end 200("" 1.0 nobody) end`},
	})
	conn{response: true, method: MethodConnect}.table(t, []wantCase{
		{"HTTP/1.1 200 \r\nContent-Length: x\r\nTransfer-Encoding: y\r\n\r\nbytes", 0, `200("" 1.1 tunnel)[Content-Length=x][Transfer-Encoding=y] end`},
		{"HTTP/1.1 407 \r\nContent-Length: 1\r\n\r\nx", 0, `407("" 1.1 length=1 keep)[Content-Length=1] body:x end`},
	})
	up := conn{response: true, method: MethodGet, upgrade: true}
	up.table(t, []wantCase{
		{"HTTP/1.1 100 \r\n\r\nHTTP/1.1 101 \r\nUpgrade: ws\r\nConnection: Upgrade\r\n\r\nHTTP/1.1", 0, `100("" 1.1) 101("" 1.1 tunnel upgrade)[Upgrade=ws][Connection=Upgrade] end`},
		{"HTTP/1.1 101 \r\nUpgrade: ws\r\n\r\n", 502, "101 without Upgrade"},
		{"HTTP/1.0 101 \r\nUpgrade: ws\r\nConnection: Upgrade\r\n\r\n", 502, "101 without Upgrade"},
	})
	// The bytes behind a hand-off are left to the next protocol.
	in := "HTTP/1.1 101 \r\nUpgrade: ws\r\nConnection: Upgrade\r\n\r\n"
	require.Equal(t, len(in), up.run(t, in+"\x81\x00").consumed)
}

// THREATS H1-20: truncation at every offset is never reported complete (RFC 9112 section 8).
func TestTruncation(t *testing.T) {
	for i, in := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 103 \r\n\r\nHTTP/1.1 204 \r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		c := conn{response: true, eof: true}
		for cut := 0; cut < len(in); cut++ {
			got := c.run(t, in[:cut])
			require.NotZero(t, got.code, "%d %q", i, in[:cut])
			require.NotContains(t, got.log, " end")
		}
	}
	// What ends with the connection is complete at its end, but not before its head is.
	in := "HTTP/1.1 200 OK\r\n\r\nabc"
	c := conn{response: true, eof: true}
	require.Contains(t, c.run(t, in[:19]).log, "close) end")
	require.Contains(t, c.run(t, in).log, "close) body:abc end")
	require.Equal(t, reasons[rCutHead].text, c.run(t, in[:18]).reason)
	require.Equal(t, reasons[rCutNone].text, c.run(t, "").reason)

	s := conn{eof: true}
	require.Zero(t, s.run(t, "").code)
	require.Zero(t, s.run(t, "GET / HTTP/1.0\r\n\r\n").code)
	require.Equal(t, reasons[rCutHead].text, s.run(t, "G").reason)
	require.Equal(t, reasons[rCutBody].text, s.run(t, "PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nab").reason)
	require.Equal(t, reasons[rCutChunked].text, s.run(t, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").reason)
}

func TestStates(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Decoder{}), uintptr(128))
	var d Decoder
	var ev Event
	require.True(t, d.Idle())
	d.Resume()
	d.Expect(MethodGet, false) // of the other role: nothing happens
	_, err := d.Next([]byte("G"), &ev)
	require.NoError(t, err)
	require.False(t, d.Idle())
	require.False(t, d.InBody())
	in := []byte("GET / HTTP/1.0\r\nContent-Length: 1\r\n\r\nxyz")
	n, err := d.Next(in, &ev)
	require.NoError(t, err)
	require.Equal(t, Request, ev.Kind)
	require.True(t, d.InBody())
	d.Resume()
	require.True(t, d.InBody())
	m, _ := d.Next(in[n:], &ev)
	require.Equal(t, "x", string(ev.Data))
	require.True(t, d.InBody())
	_, _ = d.Next(in[n+m:], &ev)
	require.Equal(t, End, ev.Kind)
	require.True(t, d.Paused() && d.Idle() && !d.InBody())
	k, err := d.Next(in[n+m:], &ev)
	require.True(t, k == 0 && err == nil && ev.Kind == None)
	require.NoError(t, d.Finish(&ev))
	require.Equal(t, []byte("x"), d.AppendOwed([]byte("x"), 9))

	var c Decoder
	c.InitResponse(nil)
	require.True(t, c.Paused() && c.Idle())
	c.Resume()
	require.True(t, c.Paused())
	c.Expect(MethodGet, false)
	require.False(t, c.Paused() || c.Idle())
}
