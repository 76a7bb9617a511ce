package verdict

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/quic"
)

func message(head, body string, fields ...Field) Message {
	m := Message{Head: head, Fields: fields}
	m.Content([]byte(body))
	return m
}

func accepts(m ...Message) *Verdict { return &Verdict{Outcome: Accept, Messages: m} }

func TestCompare(t *testing.T) {
	a, b := message("POST /a", "abc"), message("GET /b", "")
	for _, c := range []struct {
		name string
		x, y *Verdict
		want Class
	}{
		{"the same", accepts(a, b), accepts(a, b), Agree},
		{"other words", &Verdict{Outcome: Reject, Reason: "x"}, &Verdict{Outcome: Reject, Reason: "y"}, Agree},
		{"one refuses", accepts(a), &Verdict{Outcome: Reject}, Outcomes},
		{"one refuses behind the first", accepts(a, b), &Verdict{Outcome: Reject, Messages: []Message{a}}, Outcomes},
		{"one waits", accepts(a), &Verdict{Outcome: More}, Outcomes},
		{"another number", accepts(a), accepts(a, b), Boundary},
		{"refused behind another first one", accepts(a, b), &Verdict{Outcome: Reject, Messages: []Message{message("POST /a", "ab")}}, Boundary},
		{"more messages before the same refusal", &Verdict{Outcome: Reject, Messages: []Message{a}}, &Verdict{Outcome: Reject}, Boundary},
		{"other bytes of the same length", accepts(a), accepts(message("POST /a", "abd")), Boundary},
		{"another length", accepts(a), accepts(message("POST /a", "abcd")), Boundary},
		{"another target", accepts(a), accepts(message("POST /b", "abc")), Heads},
		{"other fields", accepts(a), accepts(message("POST /a", "abc", Field{"x", "y"})), Fields},
		{"the gravest counts", accepts(a, b), accepts(message("POST /z", "abc"), message("GET /b", "x")), Boundary},
	} {
		require.Equal(t, c.want, Compare(c.x, c.y), c.name)
		require.Equal(t, c.want, Compare(c.y, c.x), c.name)
	}
	other := a
	other.Authority = "h"
	require.Equal(t, Heads, Compare(accepts(a), accepts(other)))
	other = a
	other.Trailers = []Field{{"x", "y"}}
	require.Equal(t, Fields, Compare(accepts(a), accepts(other)))
	require.Equal(t, "boundary", Boundary.String())
	require.Equal(t, "unknown", Class(99).String())
	require.Equal(t, "unknown", Outcome(99).String())
}

func TestCanonical(t *testing.T) {
	got := Canonical([]Field{{"X", " a "}, {"Host", "h"}, {"B", "1 \t 2"}, {"x", "b"}, {"Content-Length", "3"}, {"A", ""}})
	require.Equal(t, []Field{{"a", ""}, {"b", "1 2"}, {"x", "a, b"}}, got)
}

func TestFrames(t *testing.T) {
	got, err := Frames([]string{"", "# a comment", "PREFACE", "REPEAT 2 2", "HEADERS 1 5", "  :path: /", `  ! \x82`, "END", "0xbe 0 ff x"})
	require.NoError(t, err)
	want := preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
		"\x00\x00\x0a\x01\x05\x00\x00\x00\x01\x00\x05:path\x01/\x82" + "\x00\x00\x0a\x01\x05\x00\x00\x00\x03\x00\x05:path\x01/\x82" +
		"\x00\x00\x01\xbe\xff\x00\x00\x00\x00x"
	require.Equal(t, want, string(got))

	long := strings.Repeat("v", 300) // 127 and 173, which is 45 and 128 more
	got, err = Frames([]string{"HEADERS 1 4", "  n: " + long})
	require.NoError(t, err)
	require.Equal(t, "\x00\x01n\x7f\xad\x01"+long, string(got[9:]))

	for _, bad := range [][]string{{"PING"}, {"NOTHING 0 0"}, {"PING x 0"}, {"PING 0 zz"}, {`PING 0 0 \q`}, {"REPEAT 2 2", "PING 0 0"}, {"REPEAT x"},
		{"HEADERS 1 5", "  no field"}, {"HEADERS 1 5", `  ! \q`}, {"HEADERS 1 5", `  a: \q`}, {"REPEAT 1 1", "REPEAT 1 1", "END", "END"}} {
		_, err := Frames(bad)
		require.Error(t, err, "%q", bad)
	}
}

func TestSteps(t *testing.T) {
	got, err := Steps([]byte("# a comment\n\nCONTROL 2\nSTREAM 0 FIN\n  HEADERS\n    :a: b\n    = 64\n    ! \\x01\n  0x21 x\\n\n  = 1 0x4000\n  ! yz\nSTREAM 4\nRESET 4 0x100\nSTOP 8 1\n" +
		"REPEAT 2 4\nSTREAM 12\n  DATA z\nEND\n"))
	require.NoError(t, err)
	data := []byte("\x00\x01z")
	require.Equal(t, []Step{{Stream: 2, Bytes: []byte("\x00\x04\x00")},
		{Stream: 0, Fin: true, Bytes: []byte("\x01\x0a\x00\x00\x22:a\x01b\x40\x40\x01" + "\x21\x02x\n" + "\x01\x80\x00\x40\x00" + "yz")},
		{Stream: 4}, {Kind: StepReset, Stream: 4, Code: 0x100}, {Kind: StepStop, Stream: 8, Code: 1},
		{Stream: 12, Bytes: data}, {Stream: 16, Bytes: data}}, got)

	name, value := strings.Repeat("n", 7), strings.Repeat("v", 300) // 7 and none; 127 and 173, which is 45 and 128 more
	got, err = Steps([]byte("STREAM 0\n  1\n    " + name + ": " + value + "\n"))
	require.NoError(t, err)
	require.Equal(t, "\x01\x41\x38\x27\x00"+name+"\x7f\xad\x01"+value, string(got[0].Bytes))

	for _, bad := range []string{"WHAT 0", "STREAM", "STREAM x", "STREAM 0 END", "STREAM 0 FIN FIN", "CONTROL", "CONTROL 2 FIN", "RESET 0", "RESET 0 x", "STOP 0 1 2", "REPEAT 2 4\nSTREAM 0",
		"REPEAT 0 4\nEND", "REPEAT 2 4\nREPEAT 2 4\nSTREAM 0\nEND\nEND", "REPEAT 2 4\nWHAT\nEND", "END", "  DATA x", "STREAM 0\n  WHAT", `STREAM 0
  DATA \q`, `STREAM 0
  ! \q`, "STREAM 0\n  = x", "STREAM 0\n  = 0x4000000000000000", "STREAM 0\n  HEADERS\n    no field", `STREAM 0
  HEADERS
    a\q: b`, "STREAM 0\n  HEADERS\n    = -1"} {
		_, err := Steps([]byte(bad))
		require.Error(t, err, "%q", bad)
	}
	in := Input{Wire: H3, Bytes: []byte("STREAM")}
	require.Error(t, in.Check())
	require.Equal(t, None, h3Server(&in).Outcome)
}

func TestPackets(t *testing.T) {
	c, err := Packets([]byte("# a comment\n\nPARAMS\n  without 0x04\n  0x04 : ab\n  ! \\x01\nNOACK\nPACKET initial reserved\n  PING\n  ! \\x02\nPACKET 1rtt fixed\nREPEAT 2\nPACKET 1rtt\n" +
		"  STREAM_LEN 0 @ @+64 : x@@\nEND\n"))
	require.NoError(t, err)
	require.Equal(t, &Conversation{Without: []uint64{4}, More: []byte("\x04\x02ab\x01"), NoAck: true, Packets: []Packet{
		{Type: quic.Initial, Payload: []byte{1, 2}, Reserved: true}, {Type: quic.OneRTT, Fixed: true},
		{Type: quic.OneRTT, Payload: []byte("\x0a\x00\x00\x40\x40x\x00\x00\x00\x00")}, {Type: quic.OneRTT, Payload: []byte("\x0a\x00\x01\x40\x41x\x00\x00\x00\x01")}}}, c)
	var p quic.TransportParameters
	require.NoError(t, quic.ParseTransportParameters((&Conversation{}).Parameters(quic.Server, []byte("a"), []byte("b")), quic.Server, &p))
	require.True(t, p.InitialSrcID.Is([]byte("a")) && p.OriginalDstID.Is([]byte("b")))
	require.NoError(t, quic.ParseTransportParameters((&Conversation{Without: []uint64{15}}).Parameters(quic.Client, []byte("a"), nil), quic.Client, &p))
	require.False(t, p.HasInitialSrcID || p.HasOriginalDstID)

	for _, bad := range []string{"WHAT", "PARAMS x", "PARAMS\n  what", "PARAMS\n  without x", "PARAMS\n  1 : \\q", "PARAMS\n  x : a", "PARAMS\n  ! \\q", "NOACK x", "PACKET", "PACKET 0rtt", "PACKET 1rtt x",
		"PACKET 1rtt\n  WHAT", "PACKET 1rtt\n  PING x", "PACKET 1rtt\n  PING @x", "PACKET 1rtt\n  PING : \\q", "PACKET 1rtt\n  ! \\q", "REPEAT 2\nPACKET 1rtt", "REPEAT 0\nEND", "REPEAT x\nEND",
		"REPEAT 2\nWHAT\nEND", "REPEAT 2\nREPEAT 2\nEND\nEND", "PACKET 1rtt\nPACKET initial"} {
		_, err := Packets([]byte(bad))
		require.Error(t, err, "%q", bad)
	}
	in := Input{Wire: QUIC, Bytes: []byte("WHAT")}
	require.Error(t, in.Check())
	require.Equal(t, None, quicServer(&in).Outcome)
}

func TestSynchronise(t *testing.T) {
	frames := func(role Role, lines ...string) (int, []uint32, bool) {
		b, err := Frames(lines)
		require.NoError(t, err)
		out, open, ok := Synchronise(&Input{Wire: HTTP2, Role: role, Bytes: b}, [8]byte{})
		return len(out) - len(b), open, ok
	}
	more, open, ok := frames(Server, "PREFACE", "HEADERS 1 5", "HEADERS 3 4", "RST_STREAM 3 0 xxxx", "HEADERS 5 0", "CONTINUATION 5 4")
	require.Equal(t, 17, more)
	require.Equal(t, []uint32{1, 5}, open)
	require.True(t, ok)
	_, _, ok = frames(Server, "PREFACE", "HEADERS 1 1")
	require.False(t, ok, "inside of a field block")
	_, _, ok = frames(Server, "PING 0 0")
	require.False(t, ok, "no preface")
	_, _, ok = frames(Client, "PING 0 0 12345678")
	require.True(t, ok)
	_, _, ok = Synchronise(&Input{Role: Client, Bytes: []byte("\x00\x00\x08\x06")}, [8]byte{})
	require.False(t, ok, "half a header")
	_, _, ok = Synchronise(&Input{Role: Client, Bytes: []byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00x")}, [8]byte{})
	require.False(t, ok, "half a payload")
}

const sane = "=== a\nwire: http1 server\nrfc: 9112-1-1\nright: accept 1\nwhy: it is so\n  and so\n--- input\nx\n--- verdict\naccept\n"

func TestParse(t *testing.T) {
	cases, err := Parse("f", "prose\n"+sane)
	require.NoError(t, err)
	require.Len(t, cases, 1)
	require.Equal(t, "it is so and so", cases[0].Why)
	require.Equal(t, []string{"accept"}, cases[0].Want)
	require.Equal(t, "prose\n"+strings.Replace(sane, "--- verdict\naccept\n", "--- verdict\nmore\n", 1),
		Rewrite("prose\n"+sane, cases, func(*Case) []string { return []string{"more"} }))
	for _, change := range [][2]string{
		{"wire: http1 server", "wire: tcp"}, {"wire: http1 server", "wire: http1 proxy"}, {"rfc: 9112-1-1", "rfc: here"}, {"rfc: 9112-1-1\n", ""},
		{"why: it is so\n  and so\n", ""}, {"right: accept 1", "right: perhaps"}, {"right: accept 1", "right: accept"}, {"right: accept 1", "right: open 2"},
		{"right: accept 1", "right: reject after x"}, {"why:", "wire: ws\nwhy:"}, {"why:", "what:"}, {"why:", "cve: CVE-1\nwhy:"}, {"why:", "mode: fast\nwhy:"},
		{"why:", "mode: method=PUT\nwhy:"}, {"why:", "mode: lenient=All\nwhy:"}, {"why:", "mode: a a\nwhy:"}, {"--- input\nx", "--- input\n\\q"},
		{"--- input\nx", "--- frames\nx"}, {"--- input\nx", "--- steps\nSTREAM 0"}, {"wire: http1 server", "wire: h3 server"}, {"--- input", "--- bytes"}, {"--- verdict\n", ""}, {"--- input\nx\n--- verdict\naccept\n", ""},
	} {
		require.Contains(t, sane, change[0])
		_, err := Parse("f", strings.Replace(sane, change[0], change[1], 1))
		require.Error(t, err, "%q", change)
	}
}

func TestWrong(t *testing.T) {
	c := &Case{Right: Accept, Whole: 1}
	a, b := accepts(message("GET /", "")), accepts(message("GET /", "x"))
	require.Equal(t, "", c.Wrong(a, a))
	require.Equal(t, "other boundary", c.Wrong(b, a))
	require.Equal(t, "", c.Wrong(b, nil))
	require.Equal(t, "0 messages instead of 1", c.Wrong(accepts(), a))
	require.Equal(t, "reject instead of accept", c.Wrong(&Verdict{Outcome: Reject}, a))
	require.Equal(t, "no verdict", c.Wrong(&Verdict{}, a))
	open := &Case{Open: true}
	require.Equal(t, "", open.Wrong(&Verdict{Outcome: Reject}, a))
	require.Equal(t, "", open.Wrong(&Verdict{Outcome: More}, a))
	require.Equal(t, "other boundary", open.Wrong(b, a))

	// Where ours refuses what is open, the first who accepts is what the others are held to, unless ours lenient accepts.
	row := &Row{Case: open, Judged: []Judged{{"ours", false, Verdict{Outcome: Reject}}, {"parts", true, *b}, {"x", false, *a}, {"y", false, *b}}}
	require.Equal(t, *a, *row.Reference())
	require.Equal(t, "other boundary", row.Wrong(&row.Judged[3]))
	row.Judged[1] = Judged{LenientName, false, *b}
	require.Equal(t, *b, *row.Reference())
	require.Equal(t, "", row.Wrong(&row.Judged[1]))
}

func TestLeniencyElsewhere(t *testing.T) {
	in := &Input{Wire: HTTP2, Lenient: []string{"BareLF"}}
	require.NoError(t, in.Check())
	v := lenient(in)
	require.Equal(t, None, v.Outcome)
	require.Contains(t, v.Reason, "no leniency in http2")
	v = lenient(&Input{Wire: HTTP1, Lenient: []string{"Nothing"}})
	require.Equal(t, None, v.Outcome)
}

func TestString(t *testing.T) {
	m := message("GET /", "")
	v := Verdict{Outcome: Reject, Reason: "why", Messages: []Message{m, m, m, m, m}, Left: 3}
	require.Equal(t, "reject: GET /; GET /; GET /; GET /; ... 5 in all (why)", v.String())
	m = Message{Head: "a"}
	for range maxShown + 1 {
		m.Fields = append(m.Fields, Field{"n", "v"})
	}
	v = Verdict{Outcome: Reject, Reason: "why", Messages: []Message{m}, Left: 3}
	lines := v.Lines()
	require.Len(t, lines, maxShown+3)
	require.Equal(t, "  ... 17 in all", lines[maxShown+1])
	require.Equal(t, "reject why, 3 bytes left", lines[maxShown+2])
	require.Equal(t, "9112-7.1-2", Paragraph("400 9112-7.1-2: chunk line"))
	require.Equal(t, "", Paragraph("something else: entirely"))
}
