package http2

import (
	"testing"

	"github.com/purewire/purewire/codec"
)

// headerVerdict is FrameHeader.Check once more, written as the RFC orders its paragraphs: by type.
func headerVerdict(h FrameHeader, limit uint32) (scope codec.Scope, code ErrorCode) {
	conn, stream := codec.ScopeConn, codec.ScopeStream
	onZero := h.Stream == 0
	if h.Length > limit {
		return conn, FrameSizeError
	}
	switch h.Type {
	case 0x0, 0x1, 0x5, 0x9: // DATA, HEADERS, PUSH_PROMISE, CONTINUATION
		if onZero {
			return conn, ProtocolError
		}
	case 0x2: // PRIORITY
		if onZero {
			return conn, ProtocolError
		}
		if h.Length != 5 {
			return stream, FrameSizeError
		}
	case 0x3: // RST_STREAM
		if onZero {
			return conn, ProtocolError
		}
		if h.Length != 4 {
			return conn, FrameSizeError
		}
	case 0x4: // SETTINGS
		if !onZero {
			return conn, ProtocolError
		}
		if h.Flags&1 == 1 && h.Length > 0 || h.Length%6 > 0 {
			return conn, FrameSizeError
		}
	case 0x6: // PING
		if !onZero {
			return conn, ProtocolError
		}
		if h.Length != 8 {
			return conn, FrameSizeError
		}
	case 0x7: // GOAWAY
		if !onZero {
			return conn, ProtocolError
		}
		if h.Length < 8 {
			return conn, FrameSizeError
		}
	case 0x8: // WINDOW_UPDATE
		if h.Length != 4 {
			return conn, FrameSizeError
		}
	case 0x10: // PRIORITY_UPDATE
		if !onZero {
			return conn, ProtocolError
		}
		if h.Length < 4 {
			return conn, FrameSizeError
		}
	}
	return 0, NoError
}

// THREATS H2-11, H2-12: every type, every flags octet, on stream 0 and another, lengths 0 to 64 and around the limit.
func TestHeaderMatrix(t *testing.T) {
	lengths := []uint32{MinFrameSize - 1, MinFrameSize, MinFrameSize + 1, MaxFrameSize}
	for n := range uint32(65) {
		lengths = append(lengths, n)
	}
	cases := 0
	for typ := range 256 {
		for flags := range 256 {
			for _, stream := range []uint32{0, 5} {
				for _, n := range lengths {
					h := FrameHeader{n, FrameType(typ), Flags(flags), stream}
					f := h.Check(MinFrameSize)
					scope, code := headerVerdict(h, MinFrameSize)
					if f.Scope() != scope || f.Code() != code {
						t.Fatalf("%+v: %s %s, want %s %s", h, f.Scope(), f.Code(), scope, code)
					}
					cases++
				}
			}
		}
	}
	if cases < 256*256*2*69 {
		t.Errorf("only %d cases", cases)
	}
}

// Every payload of up to 24 octets of zeros or ones, whatever its flags: no panic, and what is returned lies in the payload.
func TestPayloadMatrix(t *testing.T) {
	for _, fill := range []byte{0, 1, 0xff} {
		for typ := range FrameType(18) {
			for flags := range 256 {
				for n := range 25 {
					p := make([]byte, n)
					for i := range p {
						p[i] = fill
					}
					h := FrameHeader{uint32(n), typ, Flags(flags), 0}
					for _, h.Stream = range []uint32{0, 5} {
						if f := h.Check(MinFrameSize); f != ok {
							continue
						}
						r := newFrameReader(MinFrameSize, true, false)
						f := r.payload(&h, p)
						if f == ok && int(r.ev.x.Body)+int(r.ev.x.Pad)+h.PrefixLen() != n && h.Type <= FrameHeaders {
							t.Fatalf("%+v: %d of data and %d of padding", h, r.ev.x.Body, r.ev.x.Pad)
						}
					}
				}
			}
		}
	}
}

// Faults and codes say what they are.
func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for f := ok + 1; f < numConnFaults; f++ {
		if f.Scope() != codec.ScopeConn && f.Scope() != codec.ScopeStream && f.Scope() != codec.ScopeMisuse {
			t.Errorf("%q has scope %d", f.Reason(), f.Scope())
		}
		if seen[f.Reason()] || len(f.Reason()) < 10 {
			t.Errorf("reason %q of fault %d is not unique", f.Reason(), f)
		}
		seen[f.Reason()] = true
		var e Error
		if e.set(f, 3, 7); e != (Error{f.Scope(), f.Code(), 3, 7, f.Reason()}) || e.Unwrap() != f.Code() || f.Unwrap() != f.Code() {
			t.Errorf("%+v", e)
		}
		if e.Error() != "http2: "+f.Reason() || f.Error() != e.Error() {
			t.Errorf("%q, %q", e.Error(), f.Error())
		}
	}
	if len(Reasons()) != len(seen) {
		t.Errorf("%d reasons, %d faults", len(Reasons()), len(seen))
	}
	if ok.Reason() != "" || ok.Code() != NoError || ok.Scope() != 0 {
		t.Error("no fault is one")
	}
	for c := NoError; c < numErrorCodes; c++ {
		if c.String() == "UNKNOWN" || c.Error() != "http2: "+c.String() {
			t.Errorf("code %d: %s", uint32(c), c.String())
		}
	}
	if numErrorCodes != 14 || ErrorCode(14).String() != "UNKNOWN" || ErrorCode(1<<31).Error() != "http2: UNKNOWN" {
		t.Error("RFC 9113 section 7 has 14 codes")
	}
}
