package h3

import (
	"errors"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/varint"
)

// litField appends a field line with literal name and value (RFC 9204 section 4.5.6), without Huffman.
func litField(dst []byte, name, value string) []byte {
	if len(name) >= 7 {
		dst = append(dst, 0x27, byte(len(name)-7))
	} else {
		dst = append(dst, 0x20|byte(len(name)))
	}
	dst = append(dst, name...)
	return append(append(dst, byte(len(value))), value...)
}

// section appends a HEADERS frame with the pairs of names and values.
func section(dst []byte, pairs ...string) []byte {
	p := []byte{0, 0}
	for i := 0; i < len(pairs); i += 2 {
		p = litField(p, pairs[i], pairs[i+1])
	}
	return append(AppendFrameHeader(dst, FrameHeader{FrameHeaders, uint64(len(p))}), p...)
}

func getSection(dst []byte) []byte {
	return section(dst, ":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", "/")
}

// fresh is a Conn whose own streams were opened and whose peer's control stream is there.
func fresh(t *testing.T, role Role, p *Profile) (*Conn, uint64) {
	t.Helper()
	c := new(Conn)
	c.Init(role, p)
	first, control := uint64(3), uint64(2)
	if role == Client {
		first, control = 2, 3
	}
	for i := range uint64(3) {
		if err := c.OpenUni(first + 4*i); err != nil {
			t.Fatal(err)
		}
		c.AppendOwed(nil, first+4*i, 1<<16)
	}
	if err := c.Open(control); err != nil {
		t.Fatal(err)
	}
	var ev Event
	s := DefaultSettings()
	s.EnableConnectProtocol = true
	if n, err := c.Next(control, s.Append([]byte{0}), false, &ev); err != nil || ev.Kind != SettingsReceived || n == 0 {
		t.Fatal(n, err, ev.Kind)
	}
	return c, control
}

// feed presents src until nothing more comes of it and returns what happened, joined.
func feed(c *Conn, id uint64, src []byte, fin bool) string {
	var ev Event
	got := ""
	for {
		n, err := c.Next(id, src, fin, &ev)
		if err != nil {
			var e *Error
			errors.As(err, &e)
			return got + e.Code.String()
		}
		if src = src[n:]; ev.Kind == None {
			return got
		}
		if ev.Kind == StreamError {
			return got + "stream " + ev.Code.String()
		}
		got += ev.Kind.String() + " "
		if ev.EndStream {
			got += "end "
		}
	}
}

// TestMatrix: every kind of stream in every state, and every type of frame on it: RFC 9114 sections 4.1, 4.4, 6.2 and 7.2 as one table.
func TestMatrix(t *testing.T) {
	one := func(ft FrameType, p string) []byte {
		return append(AppendFrameHeader(nil, FrameHeader{ft, uint64(len(p))}), p...)
	}
	trailers := section(nil, "a", "b")
	frames := map[string][]byte{
		"DATA": one(FrameData, "x"), "HEADERS": trailers, "CANCEL_PUSH": one(FrameCancelPush, "\x00"), "SETTINGS": one(FrameSettings, ""),
		"PUSH_PROMISE": one(FramePushPromise, "\x00\x00\x00"), "GOAWAY": one(FrameGoAway, "\x00"), "MAX_PUSH_ID": one(FrameMaxPushID, "\x00"),
		"PRIORITY_UPDATE": one(FramePriorityUpdate, "\x00u=1"), "PRIORITY_UPDATE_PUSH": one(FramePriorityUpdatePush, "\x00u=1"),
		"H2_PRIORITY": one(2, "x"), "H2_PING": one(6, "x"), "H2_WINDOW": one(8, "x"), "H2_CONTINUATION": one(9, "x"), "GREASE": one(0x21, "x"), "FIN": nil,
	}
	const un, missing, closed, id, incomplete, message = "H3_FRAME_UNEXPECTED", "H3_MISSING_SETTINGS", "H3_CLOSED_CRITICAL_STREAM", "H3_ID_ERROR",
		"stream H3_REQUEST_INCOMPLETE", "stream H3_MESSAGE_ERROR"
	// request streams: what is not named in a row is un
	states := []struct {
		name string
		role Role
		want map[string]string
	}{
		{"control, nothing yet", Server, map[string]string{"SETTINGS": "SettingsReceived ", "FIN": closed, "": missing}},
		{"control", Server, map[string]string{"GOAWAY": "GoAwayReceived ", "MAX_PUSH_ID": "", "PRIORITY_UPDATE": "", "PRIORITY_UPDATE_PUSH": id, "CANCEL_PUSH": id,
			"GREASE": "", "FIN": closed, "": un}},
		{"control, nothing yet", Client, map[string]string{"SETTINGS": "SettingsReceived ", "FIN": closed, "": missing}},
		{"control", Client, map[string]string{"GOAWAY": "GoAwayReceived ", "CANCEL_PUSH": id, "GREASE": "", "FIN": closed, "": un}},
		{"request, nothing yet", Server, map[string]string{"HEADERS": message, "GREASE": "", "FIN": incomplete, "": un}},
		{"request, head", Server, map[string]string{"HEADERS": "Trailers ", "DATA": "Data ", "GREASE": "", "FIN": "Data end ", "": un}},
		{"request, data", Server, map[string]string{"HEADERS": "Trailers ", "DATA": "Data ", "GREASE": "", "FIN": "Data end ", "": un}},
		{"request, trailers", Server, map[string]string{"GREASE": "", "FIN": "Data end ", "": un}},
		{"request, ended", Server, map[string]string{"": ""}},
		{"request, CONNECT", Server, map[string]string{"DATA": "Data ", "GREASE": "", "FIN": "Data end ", "": un}},
		{"request, reset", Server, map[string]string{"": ""}},
		{"response, nothing yet", Client, map[string]string{"HEADERS": message, "PUSH_PROMISE": id, "GREASE": "", "FIN": message, "": un}},
		{"response, 100", Client, map[string]string{"HEADERS": message, "PUSH_PROMISE": id, "GREASE": "", "FIN": message, "": un}},
		{"response, head", Client, map[string]string{"HEADERS": "Trailers ", "DATA": "Data ", "PUSH_PROMISE": id, "GREASE": "", "FIN": "Data end ", "": un}},
		{"response, trailers", Client, map[string]string{"PUSH_PROMISE": id, "GREASE": "", "FIN": "Data end ", "": un}},
		{"response, CONNECT", Client, map[string]string{"DATA": "Data ", "PUSH_PROMISE": id, "GREASE": "", "FIN": "Data end ", "": un}},
		{"response, CONNECT refused", Client, map[string]string{"HEADERS": "Trailers ", "DATA": "Data ", "PUSH_PROMISE": id, "GREASE": "", "FIN": "Data end ", "": un}},
		{"unknown", Server, map[string]string{"": ""}},
		{"unknown", Client, map[string]string{"": ""}},
	}
	for _, s := range states {
		for name, frame := range frames {
			t.Run(fmt.Sprintf("%s of role %d, %s", s.name, s.role, name), func(t *testing.T) {
				c, control := fresh(t, s.role, nil)
				stream := uint64(0)
				must := func(got, want string) {
					if got != want {
						t.Fatalf("%q on the way, want %q", got, want)
					}
				}
				ask := func(method string) {
					head := *testHeads[method]
					if _, err := c.AppendRequest(nil, 0, &head, nil, true); err != nil {
						t.Fatal(err)
					}
				}
				open := func() {
					if err := c.Open(0); err != nil {
						t.Fatal(err)
					}
				}
				switch s.name {
				case "control, nothing yet":
					c.Init(s.role, nil)
					if err := c.Open(control); err != nil {
						t.Fatal(err)
					}
					must(feed(c, control, []byte{0}, false), "")
					stream = control
				case "control":
					stream = control
				case "unknown":
					stream = control + 4
					if err := c.Open(stream); err != nil {
						t.Fatal(err)
					}
					must(feed(c, stream, []byte{0x21}, false), "")
				case "request, nothing yet":
					open()
				case "request, head", "request, data", "request, trailers", "request, ended", "request, reset":
					open()
					must(feed(c, 0, getSection(nil), false), "Request ")
					switch s.name {
					case "request, data":
						must(feed(c, 0, frames["DATA"], false), "Data ")
					case "request, trailers":
						must(feed(c, 0, trailers, false), "Trailers ")
					case "request, ended":
						must(feed(c, 0, nil, true), "Data end ")
					case "request, reset":
						if err := c.Reset(0, RequestCancelled); err != nil {
							t.Fatal(err)
						}
					}
				case "request, CONNECT":
					open()
					must(feed(c, 0, section(nil, ":method", "CONNECT", ":authority", "a:1"), false), "Request ")
				case "response, CONNECT", "response, CONNECT refused":
					head := *testHeads["CONNECT"]
					if _, err := c.AppendRequest(nil, 0, &head, nil, false); err != nil {
						t.Fatal(err)
					}
					status := "200"
					if s.name != "response, CONNECT" {
						status = "403"
					}
					must(feed(c, 0, section(nil, ":status", status), false), "Response ")
				default:
					ask("GET")
					switch s.name {
					case "response, 100":
						must(feed(c, 0, section(nil, ":status", "100"), false), "Informational ")
					case "response, head", "response, trailers":
						must(feed(c, 0, section(nil, ":status", "200"), false), "Response ")
					}
					if s.name == "response, trailers" {
						must(feed(c, 0, trailers, false), "Trailers ")
					}
				}
				want, named := s.want[name]
				if !named {
					want = s.want[""]
				}
				if got := feed(c, stream, frame, name == "FIN"); got != want {
					t.Errorf("%q, want %q (%v)", got, want, c.Err())
				}
			})
		}
	}
}

// TestStreamTypes: every type of unidirectional stream, to both roles.
func TestStreamTypes(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for v := range uint64(200) {
			c, control := fresh(t, role, nil)
			id := control + 4
			if err := c.Open(id); err != nil {
				t.Fatal(err)
			}
			want := ""
			switch v {
			case 0:
				want = "H3_STREAM_CREATION_ERROR"
			case 1:
				if want = "H3_STREAM_CREATION_ERROR"; role == Client {
					want = "H3_ID_ERROR"
				}
			}
			if got := feed(c, id, varint.Append(nil, v), false); got != want {
				t.Errorf("type %d to role %d: %q, want %q", v, role, got, want)
			}
			var a Abort
			if stopped := c.NextAbort(&a); stopped != (v > 3) || stopped && a != (Abort{Stream: id, Code: StreamCreationError, Stop: true}) {
				t.Errorf("type %d to role %d: %+v", v, role, a)
			}
		}
	}
}

// misuseRow is a call that makes no sense, and the fault it gives.
type misuseRow struct {
	role  Role
	name  string
	setup func(c *Conn)
	do    func(c *Conn) error
	want  Fault
}

// TestMisuse: every misuse is found by a call that returns its reason and changes nothing.
func TestMisuse(t *testing.T) {
	drop := func(_ []byte, err error) error { return err }
	req := func(c *Conn) { c.Open(0); feed(c, 0, getSection(nil), true) }
	answered := func(c *Conn) { req(c); c.AppendResponse(nil, 0, 200, []codec.Field{f("content-length", "3")}, false) }
	asked := func(c *Conn) {
		c.AppendRequest(nil, 0, testHeads["POST"], []codec.Field{f("content-length", "3")}, false)
	}
	tunnel := func(c *Conn) {
		c.Open(0)
		feed(c, 0, section(nil, ":method", "CONNECT", ":authority", "a:1"), false)
		c.AppendResponse(nil, 0, 200, nil, false)
	}
	dead := func(c *Conn) { c.Open(6); feed(c, 6, []byte{0}, false) }
	small := func(c *Conn) { req(c); c.peer.MaxFieldSectionSize = 50 }
	nothing := func(c *Conn) {}
	get := func(c *Conn, id uint64, h *RequestHead, list ...codec.Field) error {
		return drop(c.AppendRequest(nil, id, h, list, true))
	}
	seen := map[Fault]bool{}
	for _, m := range []misuseRow{
		{Server, "Reset", dead, func(c *Conn) error { return c.Reset(0, 0) }, fOver},
		{Server, "StopReading", dead, func(c *Conn) error { return c.StopReading(0, 0) }, fOver},
		{Server, "OpenUni", dead, func(c *Conn) error { return c.OpenUni(15) }, fOver},
		{Server, "Ready", dead, func(c *Conn) error { return c.Ready(0, true) }, fOver},
		{Server, "SetPriority", dead, func(c *Conn) error { return c.SetPriority(0, Priority{}) }, fOver},
		{Server, "AppendRequest", dead, func(c *Conn) error { return get(c, 0, testHeads["GET"]) }, fOver},
		{Server, "Open own", nothing, func(c *Conn) error { return c.Open(3) }, fOpenOwn},
		{Client, "Open own", nothing, func(c *Conn) error { return c.Open(0) }, fOpenOwn},
		{Server, "Open twice", req, func(c *Conn) error { return c.Open(0) }, fOpenTwice},
		{Server, "Open 2^62", nothing, func(c *Conn) error { return c.Open(1 << 62) }, fOpenID},
		{Server, "OpenUni 2^62", nothing, func(c *Conn) error { return c.OpenUni(1<<62 + 3) }, fOpenID},
		{Server, "OpenUni of the client", nothing, func(c *Conn) error { return c.OpenUni(2) }, fUniOwn},
		{Server, "OpenUni, bidirectional", nothing, func(c *Conn) error { return c.OpenUni(1) }, fUniOwn},
		{Server, "OpenUni a fourth", nothing, func(c *Conn) error { return c.OpenUni(15) }, fUniTwice},
		{Server, "OpenUni again", nothing, func(c *Conn) error { return c.OpenUni(3) }, fUniTwice},
		{Server, "SetUser", nothing, func(c *Conn) error { return c.SetUser(0, 1) }, fNoStream},
		{Server, "SetUser of the control stream", nothing, func(c *Conn) error { return c.SetUser(2, 1) }, fNoStream},
		{Server, "Reset", nothing, func(c *Conn) error { return c.Reset(2, 0) }, fNoStream},
		{Server, "StopReading", nothing, func(c *Conn) error { return c.StopReading(2, 0) }, fNoStream},
		{Server, "SetPriority", nothing, func(c *Conn) error { return c.SetPriority(0, Priority{}) }, fNoStream},
		{Server, "AllowDatagrams", nothing, func(c *Conn) error { return c.AllowDatagrams(0) }, fNoStream},
		{Server, "Ready", nothing, func(c *Conn) error { return c.Ready(0, true) }, fSendClosed},
		{Server, "Served", nothing, func(c *Conn) error { return c.Served(0) }, fSendClosed},
		{Server, "AppendData", nothing, func(c *Conn) error { return drop(c.AppendData(nil, 0, nil, true)) }, fSendClosed},
		{Client, "AppendResponse", asked, func(c *Conn) error { return drop(c.AppendResponse(nil, 0, 200, nil, true)) }, fResponseRole},
		{Client, "AppendInformational", asked, func(c *Conn) error { return drop(c.AppendInformational(nil, 0, 100, nil)) }, fResponseRole},
		{Server, "AppendResponse", func(c *Conn) { c.Open(0) }, func(c *Conn) error { return drop(c.AppendResponse(nil, 0, 200, nil, true)) }, fResponseEarly},
		{Server, "AppendInformational", func(c *Conn) { c.Open(0) }, func(c *Conn) error { return drop(c.AppendInformational(nil, 0, 100, nil)) }, fResponseEarly},
		{Server, "AppendResponse", answered, func(c *Conn) error { return drop(c.AppendResponse(nil, 0, 200, nil, true)) }, fResponseTwice},
		{Server, "status 199", req, func(c *Conn) error { return drop(c.AppendResponse(nil, 0, 199, nil, true)) }, fStatus},
		{Server, "status 1000", req, func(c *Conn) error { return drop(c.AppendResponse(nil, 0, 1000, nil, true)) }, fStatus},
		{Server, "informational 101", req, func(c *Conn) error { return drop(c.AppendInformational(nil, 0, 101, nil)) }, fInformationalStatus},
		{Server, "informational 200", req, func(c *Conn) error { return drop(c.AppendInformational(nil, 0, 200, nil)) }, fInformationalStatus},
		{Server, "informational late", answered, func(c *Conn) error { return drop(c.AppendInformational(nil, 0, 100, nil)) }, fInformationalLate},
		{Server, "trailers early", req, func(c *Conn) error { return drop(c.AppendTrailers(nil, 0, nil)) }, fTrailersEarly},
		{Server, "trailers of a tunnel", tunnel, func(c *Conn) error { return drop(c.AppendTrailers(nil, 0, nil)) }, fTrailersConnected},
		{Server, "trailers too early", answered, func(c *Conn) error { return drop(c.AppendTrailers(nil, 0, nil)) }, fSendShort},
		{Server, "end too early", answered, func(c *Conn) error { return drop(c.AppendData(nil, 0, []byte("ab"), true)) }, fSendShort},
		{Server, "too much", answered, func(c *Conn) error { return drop(c.AppendData(nil, 0, []byte("abcd"), true)) }, fSendLong},
		{Client, "too much", asked, func(c *Conn) error { return drop(c.AppendData(nil, 0, []byte("abcd"), true)) }, fSendLong},
		{Server, "length without content", req, func(c *Conn) error {
			return drop(c.AppendResponse(nil, 0, 200, []codec.Field{f("content-length", "3")}, true))
		}, fSendShort},
		{Client, "length without content", nothing, func(c *Conn) error { return get(c, 0, testHeads["POST"], f("content-length", "3")) }, fSendShort},
		{Server, "content in 204", func(c *Conn) { req(c); c.AppendResponse(nil, 0, 204, nil, false) }, func(c *Conn) error { return drop(c.AppendData(nil, 0, []byte("a"), true)) }, fSendForbidden},
		{Server, "section too large", small, func(c *Conn) error { return drop(c.AppendResponse(nil, 0, 200, []codec.Field{f("a", "b")}, true)) }, fSendLarge},
		{Server, "1xx too large", small, func(c *Conn) error { return drop(c.AppendInformational(nil, 0, 103, []codec.Field{f("a", "b")})) }, fSendLarge},
		{Server, "trailers too large", func(c *Conn) { small(c); c.AppendResponse(nil, 0, 200, nil, false) }, func(c *Conn) error {
			return drop(c.AppendTrailers(nil, 0, []codec.Field{f("a", "b"), f("c", "d")}))
		}, fSendLarge},
		{Client, "request too large", func(c *Conn) { c.peer.MaxFieldSectionSize = 50 }, func(c *Conn) error { return get(c, 0, testHeads["GET"]) }, fSendLarge},
		{Server, "negative size", answered, func(c *Conn) error { return drop(c.AppendDataHeader(nil, 0, -1, true)) }, fSendSize},
		{Server, "content before the head", req, func(c *Conn) error { return drop(c.AppendData(nil, 0, nil, true)) }, fSendEarly},
		{Server, "AppendRequest", nothing, func(c *Conn) error { return get(c, 0, testHeads["GET"]) }, fOpenBlocked},
		{Client, "AppendRequest behind GOAWAY", func(c *Conn) { c.GoAway() }, func(c *Conn) error { return get(c, 0, testHeads["GET"]) }, fOpenBlocked},
		{Client, "AppendRequest on a used stream", asked, func(c *Conn) error { return get(c, 0, testHeads["GET"]) }, fRequestStream},
		{Client, "AppendRequest on stream 2", nothing, func(c *Conn) error { return get(c, 2, testHeads["GET"]) }, fRequestStream},
		{Client, "AppendRequest on stream 2^62", nothing, func(c *Conn) error { return get(c, 1<<62, testHeads["GET"]) }, fRequestStream},
		{Client, "protocol", func(c *Conn) { c.peer.EnableConnectProtocol = false }, func(c *Conn) error {
			return get(c, 0, &RequestHead{Method: []byte("CONNECT"), Protocol: []byte("x"), Scheme: []byte("https"), Authority: []byte("a"), Path: []byte("/")})
		}, fProtocolEarly},
		{Client, "malformed: path", nothing, func(c *Conn) error {
			return get(c, 0, &RequestHead{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a"), Path: []byte("x")})
		}, fFieldPathForm},
		{Client, "malformed: field", nothing, func(c *Conn) error { return get(c, 0, testHeads["GET"], f("Upper", "x")) }, fFieldNameUpper},
		{Client, "malformed: pseudo", nothing, func(c *Conn) error { return get(c, 0, testHeads["GET"], f(":path", "/x")) }, fFieldPseudoTwice},
		{Server, "malformed response", req, func(c *Conn) error {
			return drop(c.AppendResponse(nil, 0, 200, []codec.Field{f("connection", "close")}, true))
		}, fFieldConnection},
		{Server, "malformed 1xx", req, func(c *Conn) error { return drop(c.AppendInformational(nil, 0, 103, []codec.Field{f("a", "b\n")})) }, fFieldValueByte},
		{Server, "malformed trailers", func(c *Conn) { req(c); c.AppendResponse(nil, 0, 200, nil, false) }, func(c *Conn) error {
			return drop(c.AppendTrailers(nil, 0, []codec.Field{f(":status", "200")}))
		}, fFieldPseudoTrailer},
		{Server, "datagram", tunnel, func(c *Conn) error { return drop(c.AppendDatagram(nil, 0)) }, fNoDatagrams},
		{Server, "datagram for a request without a use", func(c *Conn) {
			tunnel(c)
			c.p, c.peer.Datagram = Config{Datagrams: true}.Profile(), true
		}, func(c *Conn) error { return drop(c.AppendDatagram(nil, 0)) }, fDatagramNone},
	} {
		c, _ := fresh(t, m.role, nil)
		m.setup(c)
		c.misuse, c.digits = Error{}, [3]byte{} // scratch
		before := fmt.Sprintf("%+v", *c)
		err := m.do(c)
		var e *Error
		if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse || e.Reason != m.want.Reason() || e.Off != -1 {
			t.Errorf("%s of role %d: %v, want %q", m.name, m.role, err, m.want.Reason())
			continue
		}
		seen[m.want] = true
		c.misuse, c.digits = Error{}, [3]byte{}
		if after := fmt.Sprintf("%+v", *c); before != after {
			t.Errorf("%s of role %d changed the Conn", m.name, m.role)
		}
	}
	for f := ok + 1; f < numConnFaults; f++ {
		if f.Scope() == misuse && !seen[f] {
			t.Errorf("no call gives %q", f.Reason())
		}
	}
}
