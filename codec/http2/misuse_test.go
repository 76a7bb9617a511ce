package http2

import (
	"bytes"
	"errors"
	"testing"

	"github.com/purewire/purewire/codec"
)

// TestMisuse: every call that makes no sense says why, appends nothing and changes nothing: the calls that make sense work
// in between.
func TestMisuse(t *testing.T) {
	p := newPair(t, nil, nil)
	s, c := &p.s, &p.c
	none := func(out []byte, err error) error {
		t.Helper()
		if len(out) != 1 || out[0] != 'd' {
			t.Errorf("dst is %q behind %v", out, err)
		}
		return err
	}
	d := []byte("d")
	misuseIs(t, none(c.AppendResponse(d, 1, 200, nil, true)), fSendClosed)
	_, _, err := s.AppendRequest(d, getHead, nil, true)
	misuseIs(t, err, fOpenBlocked)
	if s.OpenBlocked() != NotClient {
		t.Error(s.OpenBlocked())
	}
	for _, bad := range []*RequestHead{
		{}, {Method: []byte("G T"), Scheme: []byte("http"), Path: []byte("/")}, {Method: []byte("GET"), Path: []byte("/")},
		{Method: []byte("GET"), Scheme: []byte("http")}, {Method: []byte("GET"), Scheme: []byte("http"), Path: []byte("/\n")},
		{Method: []byte("GET"), Scheme: []byte("http"), Path: []byte("/"), Authority: []byte("a\x00")},
		{Method: []byte("CONNECT")}, {Method: []byte("CONNECT"), Authority: []byte("a:1"), Path: []byte("/")},
		{Method: []byte("GET"), Scheme: []byte("http"), Path: []byte("/"), Protocol: []byte("websocket")},
	} {
		_, _, err = c.AppendRequest(d, bad, nil, true)
		misuseIs(t, err, fRequestHead)
	}
	_, _, err = c.AppendRequest(d, &RequestHead{Method: []byte("CONNECT"), Scheme: []byte("http"), Path: []byte("/"), Authority: []byte("a"), Protocol: []byte("websocket")}, nil, false)
	misuseIs(t, err, fProtocolEarly)
	for _, bad := range []codec.Field{field("X", "y"), field("", "y"), field(":path", "/"), field("x", "a\r\nb"), field("x", " a"), field("connection", "close"), field("te", "gzip")} {
		_, _, err = c.AppendRequest(d, getHead, []codec.Field{bad}, true)
		misuseIs(t, err, fSendField)
	}
	id := p.request(false)
	p.expect("client SettingsReceived", "server SettingsReceived", "server SettingsAcked", "client SettingsAcked", "server Request")
	misuseIs(t, none(c.AppendResponse(d, id, 200, nil, true)), fResponseRole)
	misuseIs(t, none(c.AppendInformational(d, id, 103, nil)), fInformationalRole)
	misuseIs(t, none(s.AppendResponse(d, id, 199, nil, true)), fStatus)
	misuseIs(t, none(s.AppendResponse(d, id, 1000, nil, true)), fStatus)
	misuseIs(t, none(s.AppendResponse(d, id, 200, []codec.Field{field("A", "b")}, true)), fSendField)
	misuseIs(t, none(s.AppendInformational(d, id, 101, nil)), fInformationalStatus)
	misuseIs(t, none(s.AppendInformational(d, id, 200, nil)), fInformationalStatus)
	misuseIs(t, none(s.AppendInformational(d, id, 103, []codec.Field{field("A", "b")})), fSendField)
	misuseIs(t, none(s.AppendTrailers(d, id, nil)), fTrailersEarly)
	_, _, err = s.AppendData(d, id, d, false)
	misuseIs(t, err, fDataEarly)
	misuseIs(t, s.SetUser(7, 1), fNoStreamUser)
	misuseIs(t, s.Consumed(7, 1), fNoStreamConsumed)
	misuseIs(t, s.Consumed(id, 1), fConsumedTooMuch)
	misuseIs(t, s.Reset(7, Cancel), fNoStreamReset)
	misuseIs(t, s.Release(7), fNoStreamRelease)
	misuseIs(t, s.Release(id), fReleaseOpen)
	misuseIs(t, s.Ready(7, true), fSendClosed)
	misuseIs(t, s.SetPriority(7, Priority{}), fSendClosed)
	misuseIs(t, none(s.AppendPriorityUpdate(d, id, Priority{})), fUpdateRole)
	misuseIs(t, none(c.AppendPriorityUpdate(d, 9, Priority{})), fUpdateStreamGone)
	misuseIs(t, s.Ping(probeRTT), fPingOurs)
	if err := s.Ping([8]byte{1}); err != nil {
		t.Error(err)
	}
	misuseIs(t, s.Ping([8]byte{2}), fPingTwice)

	out, err := s.AppendResponse(d, id, 200, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	p.toClient(out[1:])
	misuseIs(t, none(s.AppendResponse(d, id, 200, nil, false)), fResponseTwice)
	misuseIs(t, none(s.AppendInformational(d, id, 103, nil)), fInformationalLate)
	misuseIs(t, none(s.AppendTrailers(d, id, []codec.Field{field(":a", "b")})), fSendField)
	_, _, err = s.AppendDataHeader(d, id, -1, false)
	misuseIs(t, err, fDataSize)
	if out, n, err := s.AppendData(d, id, nil, false); err != nil || n != 0 || len(out) != 1 {
		t.Errorf("%q %d %v: an empty frame says nothing", out, n, err)
	}
	out, _, err = s.AppendData(nil, id, []byte("bye"), true)
	if err != nil {
		t.Fatal(err)
	}
	p.toClient(out)
	p.expect("client Response", "client Data")
	misuseIs(t, none(s.AppendTrailers(d, id, nil)), fSendClosed)

	connect, _, err := c.AppendRequest(nil, &RequestHead{Method: []byte("CONNECT"), Authority: []byte("a:1")}, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	misuseIs(t, none(c.AppendTrailers(d, 3, nil)), fTrailersConnected)
	p.toServer(connect)
	if _, err = s.AppendResponse(nil, 3, 200, nil, false); err != nil {
		t.Fatal(err)
	}
	misuseIs(t, none(s.AppendTrailers(d, 3, nil)), fTrailersConnected)

	c.GoAway(NoError)
	_, _, err = c.AppendRequest(d, getHead, nil, true)
	misuseIs(t, err, fOpenBlocked)
	if c.OpenBlocked() != GoneAway || c.CanOpen() != 0 {
		t.Error(c.OpenBlocked())
	}

	// And when it is over: nothing but the error.
	_, fatal := s.Next(AppendWindowUpdate(nil, 0, 0), &p.ev)
	if !errors.Is(fatal, ProtocolError) || s.Err() != fatal {
		t.Fatal(fatal)
	}
	misuseIs(t, none(s.AppendResponse(d, id, 200, nil, true)), fSendOver)
	misuseIs(t, s.Ping([8]byte{3}), fPingOver)
	misuseIs(t, none(s.AppendPriorityUpdate(d, id, Priority{})), fSendOver)
	if s.Blocked(id) != Over || s.Writable(id) != 0 || s.Done() || s.Finish() != fatal || s.Deadline() != codec.Never {
		t.Error("not over")
	}
	s.Shutdown()
	s.GoAway(Cancel)
	s.Advance(5)
	if out := s.AppendOwed(nil, 1<<20); !bytes.Equal(out, AppendGoAway(nil, 3, ProtocolError, nil)) {
		t.Errorf("owed %x", out)
	}
	if !s.Done() {
		t.Error("not done")
	}
	c.fail(fPings, 0)
	if _, _, err = c.AppendRequest(d, getHead, nil, true); err == nil || c.OpenBlocked() != Over {
		t.Error(err)
	}
}
