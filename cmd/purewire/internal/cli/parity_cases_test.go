package cli

import (
	"fmt"
	"strings"
)

// parityCase is one request of the parity table.
type parityCase struct {
	name    string
	method  string
	target  string
	version string // "1.1" if empty
	fields  string // lines behind Host, each with its CRLF
	noHost  bool
	body    string
	status  string // what net/http answers, so that the table itself cannot rot
	// refused: the server itself answers, in words of its own; only the status and the end of the connection are equal.
	refused bool
	// either: whether the connection persists is a server's choice here, and net/http's differs from purewire's.
	either bool
}

// wire returns the bytes of the request's head and content.
func (c parityCase) wire() (head, content string) {
	version, host := c.version, "Host: parity.example\r\n"
	if version == "" {
		version = "1.1"
	}
	if c.noHost {
		host = ""
	}
	return c.method + " " + c.target + " HTTP/" + version + "\r\n" + host + c.fields + "\r\n", c.body
}

// parityCases returns the table. Names are unique.
func parityCases() []parityCase {
	var out []parityCase
	seen := map[string]bool{}
	add := func(c parityCase) {
		if c.method == "" {
			c.method = "GET"
		}
		c.name = strings.NewReplacer("/", "_", " ", "_").Replace(c.method + c.target + c.name + c.version)
		if seen[c.name] {
			panic("parity case named twice: " + c.name)
		}
		seen[c.name] = true
		out = append(out, c)
	}
	get := func(status string, targets ...string) {
		for _, t := range targets {
			add(parityCase{target: t, status: status})
			add(parityCase{method: "HEAD", target: t, status: status})
		}
	}
	// The demo, each with GET and HEAD.
	get("200", "/", "/plaintext", "/json", "/echo", "/echo?a=1&b=%20;c", "/bytes/0", "/bytes/1", "/bytes/5000", "/bytes/70000",
		"/bytes/0?chunked", "/bytes/9?chunked", "/bytes/70000?chunked", "/sse?every=10ms&count=2", "/files/", "/files/digits",
		"/files/page.html", "/files/sub/", "/files/sub/data.json", "/files/empty", "/files/big")
	get("307", "/files")
	get("301", "/files/sub", "/files/sub/index.html")
	get("404", "/nowhere", "/files/none", "/x/none", "/%00")
	get("400", "/bytes/x", "/bytes/-1", "/sse?every=x")
	get("405", "/upload")
	// Every corner of ResponseWriter.
	get("200", "/x/nothing", "/x/sniff/html", "/x/sniff/png", "/x/sniff/text", "/x/sniff/binary", "/x/sniff/off", "/x/small/1",
		"/x/small/511", "/x/small/2047", "/x/small/2048", "/x/small/2049", "/x/small/4096", "/x/small/10000", "/x/pieces/1",
		"/x/pieces/100", "/x/pieces/1000", "/x/flush/1", "/x/flush/3", "/x/flush-empty", "/x/length", "/x/fields",
		"/x/injection", "/x/own-date", "/x/trailer/declared", "/x/trailer/prefix", "/x/close", "/x/hints", "/x/unread",
		"/x/request?q=1", "/x/basic", "/x/readfrom", "/x/serve-content", "/x/strip/json")
	// net/http closes behind a handler that wrote too much, purewire does not: the excess was refused, the framing is whole.
	add(parityCase{target: "/x/too-much", either: true, status: "200"})
	get("201", "/x/twice")
	get("302", "/x/redirect")
	get("418", "/x/error")
	get("503", "/x/timeout")
	for _, code := range []int{200, 201, 202, 204, 206, 299, 300, 304, 400, 404, 418, 451, 499, 500, 503, 599} {
		get(fmt.Sprint(code), fmt.Sprint("/x/status/", code), fmt.Sprint("/x/body/", code))
	}
	// Requests with content.
	length := func(body string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(body)) }
	const chunked = "Transfer-Encoding: chunked\r\n"
	big := strings.Repeat("purewire", 30000)
	for _, target := range []string{"/echo", "/upload", "/x/read-all", "/x/copy", "/x/unread", "/x/read-some", "/x/read-closed"} {
		for _, method := range []string{"POST", "PUT"} {
			add(parityCase{name: " length", method: method, target: target, fields: length("hello"), body: "hello", status: "200"})
			add(parityCase{name: " chunked", method: method, target: target, fields: chunked, body: "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", status: "200"})
		}
		add(parityCase{name: " empty", method: "POST", target: target, fields: length(""), status: "200"})
		add(parityCase{name: " no length", method: "POST", target: target, status: "200"})
		add(parityCase{name: " trailers", method: "POST", target: target, fields: chunked + "Trailer: X-Sum\r\n", body: "5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n", status: "200"})
		if target == "/x/read-closed" {
			continue // with Expect net/http itself waits for ever here
		}
		either := target == "/x/read-some" // the rest may be dropped to keep the connection, or not
		add(parityCase{name: " expect", method: "POST", target: target, fields: length("hello") + "Expect: 100-continue\r\n", body: "hello", either: either, status: "200"})
		add(parityCase{name: " expect chunked", method: "POST", target: target, fields: chunked + "Expect: 100-Continue\r\n", body: "5\r\nhello\r\n0\r\n\r\n", either: either, status: "200"})
	}
	for _, target := range []string{"/echo", "/upload", "/x/read-all", "/x/copy"} {
		add(parityCase{name: " big", method: "POST", target: target, fields: length(big), body: big, status: "200"})
		add(parityCase{name: " big chunked", method: "POST", target: target, fields: chunked, body: fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(big), big), status: "200"})
	}
	add(parityCase{name: " fits", method: "POST", target: "/x/limit", fields: length("0123456789"), body: "0123456789", status: "200"})
	add(parityCase{name: " exceeds", method: "POST", target: "/x/limit", fields: length("0123456789a"), body: "0123456789a", either: true, status: "413"})
	add(parityCase{name: " form", method: "POST", target: "/x/form?q=1", fields: "Content-Type: application/x-www-form-urlencoded\r\n" + length("a=1&b=2+3"), body: "a=1&b=2+3", status: "200"})
	parts := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\r\ncontents\r\n--b--\r\n"
	add(parityCase{name: " multipart", method: "POST", target: "/x/multipart", fields: "Content-Type: multipart/form-data; boundary=b\r\n" + length(parts), body: parts, status: "200"})
	// Methods, targets, versions, connection options.
	for _, m := range []string{"DELETE", "OPTIONS", "PATCH", "BREW", "M-SEARCH"} {
		add(parityCase{method: m, target: "/x/request", status: "200"})
		add(parityCase{method: m, target: "/echo", status: "200"})
	}
	add(parityCase{method: "OPTIONS", target: "*", status: "200"})
	for _, target := range []string{"/x/request?", "/x/request?a=%zz&b", "/x/request?a=1?b=2", "http://other.example/x/request?z", "/x/%72equest", "/x/request?%C3%A9"} {
		add(parityCase{target: target, status: "200"})
	}
	for _, target := range []string{"/x//request", "/x/./request", "/x/../x/request", "/files/../json"} {
		add(parityCase{target: target, status: "307"})
	}
	for name, fields := range map[string]string{
		"close": "Connection: close\r\n", "keep": "Connection: keep-alive\r\n", "both": "Connection: keep-alive, close\r\n", "none": "",
	} {
		for _, v := range []string{"1.0", "1.1"} {
			for _, target := range []string{"/plaintext", "/json", "/x/pieces/1000", "/x/flush/3", "/x/trailer/declared", "/x/request", "/x/status/204"} {
				status := "200"
				if strings.HasSuffix(target, "204") {
					status = "204"
				}
				// RFC 9112 section 9.3-3: with "close" a connection does not persist; net/http reads only the other one in HTTP/1.0.
				either := name == "both" && v == "1.0"
				add(parityCase{name: " " + name + " ", target: target, version: v, fields: fields, status: status, either: either})
			}
		}
	}
	add(parityCase{name: " post ", method: "POST", target: "/x/read-all", version: "1.0", fields: length("hello"), body: "hello", status: "200"})
	add(parityCase{name: " nohost ", target: "/x/request", version: "1.0", noHost: true, status: "200"})
	// Conditions and ranges.
	for name, fields := range map[string]string{
		"range": "Range: bytes=2-6\r\n", "suffix": "Range: bytes=-4\r\n", "open": "Range: bytes=9990-\r\n", "ranges+if": "Range: bytes=0-1\r\nIf-Range: \"v1\"\r\n",
	} {
		add(parityCase{name: " " + name, target: "/x/serve-content", fields: fields, status: "206"})
	}
	add(parityCase{name: " unsatisfiable", target: "/x/serve-content", fields: "Range: bytes=20000-\r\n", status: "416"})
	add(parityCase{name: " if-none-match", target: "/x/serve-content", fields: "If-None-Match: \"v1\"\r\n", status: "304"})
	add(parityCase{name: " if-match", target: "/x/serve-content", fields: "If-Match: \"v2\"\r\n", status: "412"})
	add(parityCase{name: " since", target: "/files/digits", fields: "If-Modified-Since: Thu, 29 Feb 2024 12:00:00 GMT\r\n", status: "304"})
	// Fields as they arrive.
	add(parityCase{name: " fields", target: "/x/request", fields: "X-A: 1\r\nx-a:2\r\nX-Empty:\r\nX-Sp: \t v \t \r\nUser-Agent: t\r\nAccept: a\r\nAccept: b\r\n", status: "200"})
	// RFC 9110 section 5.5-4: a recipient SHOULD treat bytes above 0x7F as opaque data.
	add(parityCase{name: " utf-8", target: "/x/request", fields: "X-City: K\u00f6ln \u65e5\u672c\r\nCookie: n=\u00e9\r\n", status: "200"})
	add(parityCase{name: " latin-1", target: "/x/request", fields: "X-City: K\xf6ln\xff\r\n", status: "200"})
	add(parityCase{name: " auth", target: "/x/basic", fields: "Authorization: Basic dTpw\r\nCookie: k=v\r\nUser-Agent: ua\r\nReferer: r\r\n", status: "200"})
	add(parityCase{name: " many", target: "/x/request", fields: strings.Repeat("X-Many: value\r\n", 90), status: "200"})
	// Refusals.
	add(parityCase{name: " no host", target: "/plaintext", noHost: true, refused: true, status: "400"})
	add(parityCase{name: " two hosts", target: "/plaintext", fields: "Host: b\r\n", refused: true, status: "400"})
	add(parityCase{name: " expectation", target: "/plaintext", fields: "Expect: miracles\r\n", refused: true, status: "417"})
	add(parityCase{name: " bad length", method: "POST", target: "/echo", fields: "Content-Length: x\r\n", refused: true, status: "400"})
	add(parityCase{name: " space before colon", target: "/plaintext", fields: "X : y\r\n", refused: true, status: "400"})
	add(parityCase{name: " control", target: "/plaintext", fields: "X: \x00\r\n", refused: true, status: "400"})
	add(parityCase{name: " utf-8 name", target: "/plaintext", fields: "X\u00e9: y\r\n", refused: true, status: "400"})
	add(parityCase{name: " bad name", target: "/plaintext", fields: "X(: y\r\n", refused: true, status: "400"})
	add(parityCase{name: " coding", method: "POST", target: "/echo", fields: "Transfer-Encoding: zip\r\n", refused: true, status: "501"})
	add(parityCase{name: " bad host", target: "/plaintext", noHost: true, fields: "Host: a b\r\n", refused: true, status: "400"})
	return out
}
