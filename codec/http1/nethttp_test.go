package http1

import (
	"bufio"
	"bytes"
	"io"
	"math/rand"
	"net/http"
	"strings"
	"testing"
)

// stricter lists what this package refuses though net/http takes it, each with the paragraph that allows or demands it. A refusal for
// another reason, of something that net/http reads whole, is a bug here.
var stricter = map[reason]string{
	rLineLF:             "9112-2.2-3: a recipient MAY recognize a single LF as a line terminator",
	rFieldLF:            "9112-2.2-3: same",
	rLineCR:             "9112-2.2-4: bare CR: invalid, or replaced",
	rObsFold:            "9112-5.2-4: reject with 400, or replace",
	rTargetByte:         "9112-3.2-2: no whitespace is allowed in the request-target; nor has its grammar the bytes above 0x7F or #",
	rTargetForm:         "9112-3.2-1: four forms",
	rTargetStar:         "9112-3.2.4-1: asterisk-form is for OPTIONS",
	rTargetScheme:       "9112-3.2.2-2: absolute-form; net/http takes any URL",
	rTargetUserinfo:     "9110-4.2.4-4: user information as an error",
	rTargetAuthority:    "9110-4.2.1-4: empty host; net/http leaves that to the handler",
	rTargetConnect:      "9112-3.2.3-1: authority-form",
	rTargetPort:         "9110-9.3.6-4: CONNECT without a port; net/http leaves that to the handler",
	rHostMissing:        "9112-3.2-6: net/http checks Host in its Server, not in ReadRequest",
	rHostRepeated:       "9112-3.2-6: same",
	rHostInvalid:        "9112-3.2-6: same",
	rReasonByte:         "9112-4-8: controls, which net/http does not look at in a reason phrase",
	rStatusSpace:        "9112-4-9: a server MUST send the space",
	rStatusRange:        "9110-15-6: values are 100 to 599",
	rStatusCode:         "9112-4-5: single space before the code; net/http skips more",
	rStatusVersion:      "9112-4-2: the name is case-sensitive, and one space follows",
	rVersionMajor:       "9110-15.6.6-1: net/http takes HTTP/2.0 and 1.2 here and refuses in its Server",
	rStatusVersionMajor: "9110-2.5-1: same",
	rLengthList:         "9110-8.6-13: reject the message, or use the one value",
	rLengthRepeated:     "9110-8.6-13: same",
	rLengthEmpty:        "9110-8.6-2: 1*DIGIT; net/http takes an empty one in a response",
	rLengthByte:         "9112-6.3-2.5: same; and in messages in which net/http does not look at it",
	rLengthBig:          "9110-8.6-10: same",
	rCodingLength:       "9112-6.3-2.3: ought to be handled as an error",
	rCodingVersion:      "9112-6.1-16: HTTP/1.0 with Transfer-Encoding is faulty; net/http ignores the field",
	rCodingUnknown:      "9112-6.1-11: where net/http does not look: HTTP/1.0",
	rCodingRepeated:     "9112-6.1-4: same",
	rCodingEmpty:        "9112-6.1-2: same",
	rCodingTwice:        "9112-6.1-4: same",
	rCodingNotFinal:     "9112-6.3-2.4.3: same",
	rExpectation:        "9110-10.1.1-5: 417; net/http checks in its Server",
	rChunkBlank:         "9112-7.1.1-2: BWS belongs to an extension; net/http trims it",
	rChunkExtName:       "9112-7.1.1-2: net/http does not look at extensions",
	rChunkExtEmpty:      "9112-7.1.1-2: same",
	rChunkExtValue:      "9112-7.1.1-2: same",
	rChunkExtQuoted:     "9110-5.6.4-2: same",
	rChunkExtByte:       "9112-7.1.1-2: same",
	rChunkCR:            "9112-7.1-2: net/http takes a CR inside extensions",
	rTrailerName:        "9110-6.5.1-2: net/http drops some and merges others",
	rSwitchUnasked:      "9110-15.2.2-1: net/http leaves 101 to its Transport",
	rFieldsMany:         "6585-5-2: limit",
	rFieldLong:          "6585-5-2: limit",
	rHeadLong:           "6585-5-1: limit",
	rTargetLong:         "9112-3-4: limit",
	rLineLong:           "9112-3-4: limit",
	rChunkLine:          "9112-7.1.1-4: limit",
	rNameSpace:          "9112-5.1-2: MUST; net/http takes a field whose name is a token and blanks in responses",
}

// wider lists, by what the message has, what net/http refuses and this package takes.
func wider(in []byte, err error) string {
	text := err.Error()
	switch {
	case in[0] == '\r':
		return "9112-2.2-6: a server SHOULD ignore at least one empty line before the request line"
	case strings.Contains(text, "invalid URL escape"), strings.Contains(text, "invalid URI"), strings.Contains(text, "parse "):
		return "9112-3.2: the target is given out as sent; decoding percent-encodings is a later step"
	case strings.Contains(text, "bad trailer key"):
		return "9110-6.6.2-1: the Trailer field is a hint; the trailers themselves are checked"
	case strings.Contains(text, "chunk length too large"):
		return "9112-7.1-3: 1*HEXDIG; up to 16 leading zeros are taken"
	case strings.Contains(text, "invalid byte in chunk length") && bytes.Contains(in, []byte(";")):
		return "9110-5.6.3-5: BWS (here before the semicolon) MUST be parsed and removed"
	case strings.Contains(text, "invalid Trailer"), strings.Contains(text, "malformed MIME header"):
		return "9112-5-1: net/http/textproto looks at trailers by its own rules"
	}
	return ""
}

// agree holds the decoder to net/http on the first message of in.
func agree(t testing.TB, in []byte, response bool, method Method) {
	t.Helper()
	if len(in) == 0 {
		return
	}
	br := bufio.NewReaderSize(bytes.NewReader(in), 16)
	var (
		theirs      http.Header
		trailer     *http.Header
		body        io.Reader
		line        [3]string
		closing     bool
		minor, code int
		err         error
	)
	if response {
		var res *http.Response
		if res, err = http.ReadResponse(br, &http.Request{Method: method.String()}); err == nil {
			theirs, trailer, body, closing, minor, code = res.Header, &res.Trailer, res.Body, res.Close, res.ProtoMinor, res.StatusCode
		}
	} else {
		var req *http.Request
		if req, err = http.ReadRequest(br); err == nil {
			theirs, trailer, body, closing, minor = req.Header, &req.Trailer, req.Body, req.Close, req.ProtoMinor
			line = [3]string{req.Method, req.RequestURI, req.Host}
		}
	}
	var content []byte
	if err == nil {
		content, err = io.ReadAll(body)
	}

	c := conn{response: response, method: method}
	d := c.new()
	var head, ev Event
	var mine []byte
	var fields, trailers http.Header
	ended := false
	rest := in
	var fail error
	for !ended {
		var n int
		if n, fail = d.Next(rest, &ev); fail != nil || ev.Kind == None {
			break
		}
		rest = rest[n:]
		switch ev.Kind {
		case Informational:
			return // ReadResponse takes it for the response
		case Request, Response:
			head = ev
			fields = asHeader(&ev)
		case Body:
			mine = append(mine, ev.Data...)
		case End:
			trailers, ended = asHeader(&ev), true
		}
	}
	if fail == nil && !ended {
		if fail = d.Finish(&ev); fail == nil && ev.Kind == End {
			ended = true
		}
	}
	switch {
	case fail != nil && err == nil:
		for r := range stricter {
			if reasons[r].text == d.fail.Reason {
				return
			}
		}
		t.Fatalf("refused (%v), but net/http reads it: %q", fail, in)
	case fail != nil || !ended:
		return
	case err != nil:
		if wider(in, err) == "" {
			t.Fatalf("accepted, but net/http says %v: %q", err, in)
		}
		return
	}
	if head.Framing == Tunnel {
		return // net/http leaves tunnels to its Transport
	}
	if in[0] == '\r' {
		t.Fatalf("net/http took an empty line: %q", in)
	}
	if string(content) != string(mine) || int(head.Minor) != minor || head.Status != code {
		t.Fatalf("%q:\n got 1.%d %d %q\nwant 1.%d %d %q", in, head.Minor, head.Status, mine, minor, code, content)
	}
	if head.KeepAlive == closing && head.Framing != UntilClose {
		t.Fatalf("%q: keep-alive %v, net/http's Close %v", in, head.KeepAlive, closing)
	}
	if !response && (string(head.Method) != line[0] || string(head.Target) != line[1] || string(head.Authority) != line[2] && head.Form == OriginForm) {
		t.Fatalf("%q: %s %s %s, want %q", in, head.Method, head.Target, head.Authority, line)
	}
	left, _ := io.ReadAll(br)
	if head.Framing != UntilClose && string(left) != string(rest) {
		t.Fatalf("%q: left %q, want %q", in, rest, left)
	}
	for _, own := range []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Cache-Control"} {
		// net/http takes these out, or (Cache-Control) derives one from Pragma. Their effect was compared above.
		fields.Del(own)
		theirs.Del(own)
	}
	sameHeader(t, in, fields, theirs)
	for name := range *trailer {
		if len((*trailer)[name]) == 0 {
			trailer.Del(name) // announced, not sent
		}
	}
	sameHeader(t, in, trailers, *trailer)
}

func asHeader(ev *Event) http.Header {
	h := http.Header{}
	for _, f := range ev.Fields {
		h.Add(string(f.Name), string(f.Value))
	}
	return h
}

func sameHeader(t testing.TB, in []byte, got, want http.Header) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%q:\n got %q\nwant %q", in, got, want)
	}
	for name, values := range want {
		if strings.Join(got[name], "\n") != strings.Join(values, "\n") {
			t.Fatalf("%q: %s: got %q, want %q", in, name, got[name], values)
		}
	}
}

func TestAgainstNetHTTP(t *testing.T) {
	rnd := rand.New(rand.NewSource(5))
	pick := func(of ...string) string { return of[rnd.Intn(len(of))] }
	odd := func(s string) string {
		if rnd.Intn(40) == 0 {
			return pick("", s+s, " "+s, s+" ", "\t", "\r", "\n", s+"\x00", "\x80", "\"", ";")
		}
		return s
	}
	eol := func() string { return odd("\r\n") }
	accepted := 0
	for range 60_000 {
		var b strings.Builder
		response := rnd.Intn(2) == 0
		method := MethodGet
		if response {
			method = Method(1 + rnd.Intn(2))
			b.WriteString(odd(pick("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2")) + odd(" ") + odd(pick("200", "204", "304", "404", "999", "099")) + odd(" ") + pick("", "OK", "a b") + eol())
		} else {
			b.WriteString(odd(pick("GET", "POST", "OPTIONS", "PUT", "x")) + odd(" ") + odd(pick("/", "/a?b", "*", "http://a/b", "/%zz", "a")) + odd(" ") + odd(pick("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0")) + eol())
		}
		b.WriteString("Host" + odd(":") + " a" + eol())
		chunked := false
		for range rnd.Intn(5) {
			switch rnd.Intn(8) {
			case 0:
				b.WriteString("Content-Length:" + pick("3", " 3", "+3", "3 3", "3,3", "0", "", "03") + eol())
			case 1:
				b.WriteString("Transfer-Encoding: " + pick("chunked", "chunked", "Chunked", "gzip", "chunked, chunked", "identity", "") + eol())
				chunked = true
			case 2:
				b.WriteString("Connection: " + pick("close", "keep-alive", "x, close", "Keep-Alive, Close", "upgrade") + eol())
			case 3:
				b.WriteString(odd("A") + odd(":") + odd(" b") + eol())
			case 4:
				b.WriteString(" " + odd("fold") + eol())
			default:
				b.WriteString(pick("X-A", "x-a", "Set-Cookie", "Pragma", "Trailer") + ":" + pick("", " ", "\t1 ", "no-cache", "a,b") + eol())
			}
		}
		b.WriteString(eol())
		if chunked {
			for range rnd.Intn(3) {
				b.WriteString(odd(pick("3", "03", "3;a", "3;a=\"b\"", "3 ;a")) + eol() + odd("abc") + eol())
			}
			b.WriteString(odd("0") + eol() + pick("", "", "T: v\r\n", "Host: x\r\n", "T : v\r\n") + eol())
		}
		b.WriteString(pick("abcdef", "abc", ""))
		in := []byte(b.String())
		if rnd.Intn(20) == 0 {
			in[rnd.Intn(len(in))] = byte(rnd.Intn(256))
		}
		agree(t, in, response, method)
		var ev Event
		d := conn{response: response}.new()
		if _, err := d.Next(in, &ev); err == nil && ev.Kind != None {
			accepted++
		}
	}
	if accepted < 12_000 {
		t.Fatalf("only %d of the inputs were messages", accepted)
	}
}

func FuzzAgainstNetHTTP(f *testing.F) {
	for _, s := range requestSeeds {
		f.Add([]byte(s), false, uint8(MethodGet))
	}
	for _, s := range responseSeeds {
		f.Add([]byte(s), true, uint8(MethodHead))
	}
	f.Fuzz(func(t *testing.T, in []byte, response bool, method uint8) {
		agree(t, in, response, Method(1+method%2))
	})
}
