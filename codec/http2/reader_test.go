package http2

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// frameReader is the smallest stream codec over the functions of this package: it reads frames, without any connection state. Payloads
// of DATA, HEADERS, PUSH_PROMISE, CONTINUATION and unknown frames are lent as they arrive; the others are awaited. With whole
// set it awaits every payload and takes the Parse functions of whole payloads instead: the logs must be equal.
type frameReader struct {
	whole      bool
	max        uint32
	fromServer bool

	settings Settings
	first    bool
	off      int64
	body     uint32 // octets to lend
	skip     uint32 // octets to throw away behind them
	label    string
	err      error
	fault    Fault
	faultOff int64
	steps    uint64
	ev       frameEvent
}

type frameEvent struct {
	piece   bool // Data of the frame before
	h       FrameHeader
	x       Prefix
	fault   Fault
	label   string
	data    []byte // a piece
	payload []byte // of a frame that is awaited
}

func newFrameReader(limit uint32, whole, fromServer bool) *frameReader {
	r := &frameReader{whole: whole, max: limit, fromServer: fromServer}
	r.Reset()
	return r
}

func (r *frameReader) Reset() {
	*r = frameReader{whole: r.whole, max: r.max, fromServer: r.fromServer, settings: DefaultSettings(), first: true}
}
func (r *frameReader) Event() any    { return &r.ev }
func (r *frameReader) Steps() uint64 { return r.steps }
func (r *frameReader) Fault(error) codectest.Fault {
	return codectest.Fault{Reason: r.fault.Reason(), Off: r.faultOff}
}

// streamed tells the label of a payload that is lent in pieces.
func streamed(t FrameType) string {
	switch t {
	case FrameData:
		return "  data"
	case FrameHeaders, FrameContinuation, FramePushPromise:
		return "  block"
	}
	if t.String() == "UNKNOWN" {
		return "  ignored"
	}
	return ""
}

func (r *frameReader) Next(src []byte) (n int, got bool, err error) {
	if r.err != nil {
		return 0, false, r.err
	}
	r.ev = frameEvent{}
	if r.body > 0 {
		if k := min(int(r.body), len(src)-n); k > 0 {
			r.ev = frameEvent{piece: true, label: r.label, data: src[n : n+k]}
			r.body -= uint32(k)
			return r.use(n + k), true, nil
		}
		return r.use(n), false, nil
	}
	k := min(int(r.skip), len(src)-n)
	r.skip -= uint32(k)
	n += k
	if r.skip > 0 {
		return r.use(n), false, nil
	}
	var h FrameHeader
	r.steps++
	if ParseFrameHeader(src[n:], &h) == 0 {
		return r.use(n), false, nil
	}
	f := h.Check(r.max)
	if f == ok && h.Type == FramePriorityUpdate && h.Length > 64 {
		f = fFrameSize // what this reader is prepared to await
	}
	if f != ok && f.Scope() == onConn {
		return r.use(n), false, r.fail(f)
	}
	if f != ok {
		r.ev = frameEvent{h: h, fault: f, label: "  ignored"}
		r.body = h.Length
		r.label = "  ignored"
		return r.use(n + FrameHeaderLen), true, nil
	}
	p := src[n+FrameHeaderLen:]
	if label := streamed(h.Type); label != "" && !r.whole {
		if len(p) < min(h.PrefixLen(), int(h.Length)) {
			return r.use(n), false, nil
		}
		f := h.ParsePrefix(p, &r.ev.x)
		if f != ok && f.Scope() == onConn {
			return r.use(n), false, r.fail(f)
		}
		r.ev.h, r.ev.fault, r.ev.label = h, f, label
		r.body, r.skip, r.label = r.ev.x.Body, r.ev.x.Pad, label
		return r.use(n + FrameHeaderLen + h.PrefixLen()), true, nil
	}
	if len(p) < int(h.Length) {
		return r.use(n), false, nil
	}
	p = p[:h.Length:h.Length]
	r.ev.h, r.ev.payload = h, p
	if f := r.payload(&h, p); f != ok {
		if f.Scope() == onConn {
			r.ev = frameEvent{}
			return r.use(n), false, r.fail(f)
		}
		r.ev.fault = f
	}
	return r.use(n + FrameHeaderLen + int(h.Length)), true, nil
}

func (r *frameReader) use(n int) int {
	r.off += int64(n)
	r.steps += uint64(n)
	return n
}

// fail stores an error at the frame that begins behind what was consumed in all, this call included.
func (r *frameReader) fail(f Fault) error {
	r.fault, r.faultOff, r.err = f, r.off, f
	return r.err
}

// payload takes a whole payload apart.
func (r *frameReader) payload(h *FrameHeader, p []byte) (f Fault) {
	switch h.Type {
	case FrameData:
		r.ev.data, f = ParseData(h, p)
		h.ParsePrefix(p, &r.ev.x)
	case FrameHeaders:
		r.ev.data, f = ParseHeaders(h, p, &r.ev.x)
	case FramePushPromise:
		r.ev.data, f = ParsePushPromise(h, p, &r.ev.x)
	case FrameContinuation:
		r.ev.data, r.ev.x.Body = ParseContinuation(h, p), h.Length
	case FramePriority:
		r.ev.x.Priority, f = ParsePriority(h, p)
	case FrameSettings:
		list := ParseSettings(p)
		for i := range list.Len() {
			if f = r.settings.Apply(list.At(i), r.first, r.fromServer); f != ok {
				return f
			}
		}
		r.first = false
	case FrameWindowUpdate:
		_, f = ParseWindowUpdate(h, p)
	case FramePriorityUpdate:
		_, _, f = ParsePriorityUpdate(p)
	}
	if label := streamed(h.Type); label != "" {
		r.ev.label = label
		if h.Type != FrameContinuation && label == "  ignored" {
			r.ev.data = p
		}
	}
	return f
}

// usedFlags are the flags that have a meaning for a type: the others MUST be ignored (RFC 9113 section 4.1-4.6.2).
func usedFlags(h *FrameHeader) Flags {
	switch h.Type {
	case FrameData:
		return h.Flags & (FlagEndStream | FlagPadded)
	case FrameHeaders:
		return h.Flags & (FlagEndStream | FlagEndHeaders | FlagPadded | FlagPriority)
	case FramePushPromise:
		return h.Flags & (FlagEndHeaders | FlagPadded)
	case FrameContinuation:
		return h.Flags & FlagEndHeaders
	case FrameSettings, FramePing:
		return h.Flags & FlagAck
	}
	return 0
}

func flagNames(h *FrameHeader) string {
	var names []string
	f := usedFlags(h)
	for _, x := range []struct {
		bit  Flags
		name string
	}{{FlagEndStream, "END_STREAM"}, {FlagEndHeaders, "END_HEADERS"}, {FlagPadded, "PADDED"}, {FlagPriority, "PRIORITY"}} {
		if f.Has(x.bit) {
			if x.bit == FlagAck && (h.Type == FrameSettings || h.Type == FramePing) {
				x.name = "ACK"
			}
			names = append(names, x.name)
		}
	}
	return strings.Join(names, "|")
}

func priorityText(x PriorityParam) string {
	s := fmt.Sprintf(" on=%d weight=%d", x.DependsOn, int(x.Weight)+1)
	if x.Exclusive {
		s += " exclusive"
	}
	return s
}

func (r *frameReader) Render(log *codectest.Log) {
	ev := &r.ev
	if ev.piece {
		log.Data(ev.label, ev.data)
		return
	}
	h, p := &ev.h, ev.payload
	name := h.Type.String()
	if name == "UNKNOWN" {
		name = fmt.Sprintf("type %#x", uint8(h.Type))
	}
	line := fmt.Sprintf("%s %d", name, h.Stream)
	if f := flagNames(h); f != "" {
		line += " " + f
	}
	if ev.fault != ok && ev.fault == fPrioritySize {
		log.Event("%s stream error %s", line, ev.fault.Reason())
		return
	}
	if h.Flags.Has(FlagPadded) && usedFlags(h).Has(FlagPadded) {
		line += fmt.Sprintf(" pad=%d", ev.x.Pad)
	}
	switch h.Type {
	case FrameData, FrameContinuation:
	case FrameHeaders:
		if ev.x.HasPriority {
			line += priorityText(ev.x.Priority)
		}
	case FramePushPromise:
		line += fmt.Sprintf(" promised=%d", ev.x.Promised)
	case FramePriority:
		x, _ := ParsePriority(h, p)
		line += priorityText(x)
	case FrameRSTStream:
		line += " " + ParseRSTStream(p).String()
	case FrameSettings:
		list := ParseSettings(p)
		for i := range list.Len() {
			s := list.At(i)
			if id := s.ID.String(); id != "UNKNOWN" {
				line += fmt.Sprintf(" %s=%d", id, s.Value)
			} else {
				line += fmt.Sprintf(" %#x=%d", uint16(s.ID), s.Value)
			}
		}
	case FramePing:
		d := ParsePing(p)
		line += " " + codectest.Quote(d[:])
	case FrameGoAway:
		var g GoAway
		ParseGoAway(p, &g)
		line += fmt.Sprintf(" last=%d %s %s", g.LastStream, g.Code.String(), codectest.Quote(g.Debug))
	case FrameWindowUpdate:
		n, _ := ParseWindowUpdate(h, p)
		line += fmt.Sprintf(" +%d", n)
	case FrameAltSvc:
		if origin, value, valid := ParseAltSvc(h, p); valid {
			line += fmt.Sprintf(" origin=%s %s", codectest.Quote(origin), codectest.Quote(value))
		} else {
			line += " to be ignored " + codectest.Quote(p)
		}
	case FrameOrigin:
		if list, valid := ParseOrigin(h, p); valid {
			for {
				var o []byte
				if o, list = list.Next(); o == nil {
					break
				}
				line += " " + codectest.Quote(o)
			}
		} else {
			line += " to be ignored " + codectest.Quote(p)
		}
	case FramePriorityUpdate:
		stream, value, _ := ParsePriorityUpdate(p)
		line += fmt.Sprintf(" of=%d %s", stream, codectest.Quote(value))
	}
	if ev.fault != ok {
		line += " stream error " + ev.fault.Reason()
	}
	log.Event("%s", line)
	if len(ev.data) > 0 { // a whole payload
		log.Data(ev.label, ev.data)
	}
}

// encoder writes frames again from their events.
type encoder struct {
	body, pad uint32
}

func (e *encoder) encode(dst []byte, in codectest.Instance) ([]byte, error) {
	ev := &in.(*frameReader).ev
	dst, err := e.event(dst, ev)
	if len(ev.data) > 0 && !ev.piece { // a whole payload
		e.body = 0
		dst = e.end(append(dst, ev.data...))
	}
	return dst, err
}

func (e *encoder) event(dst []byte, ev *frameEvent) ([]byte, error) {
	if ev.piece {
		e.body -= uint32(len(ev.data))
		return e.end(append(dst, ev.data...)), nil
	}
	h, p := ev.h, ev.payload
	h.Flags = usedFlags(&h)
	var x Prefix
	switch h.Type {
	case FrameData:
		pad := -1
		if h.Flags.Has(FlagPadded) {
			pad = int(ev.x.Pad)
		}
		e.body, e.pad = ev.x.Body, ev.x.Pad
		return e.end(AppendDataHeader(dst, h.Stream, int(ev.x.Body), pad, h.Flags.Has(FlagEndStream))), nil
	case FrameHeaders, FramePushPromise, FrameContinuation:
		x = ev.x
		dst = AppendFrameHeader(dst, h)
		if h.Flags.Has(FlagPadded) {
			dst = append(dst, byte(x.Pad))
		}
		if x.HasPriority {
			dst = appendPriority(dst, x.Priority)
		}
		if h.Type == FramePushPromise {
			dst = append(dst, byte(x.Promised>>24), byte(x.Promised>>16), byte(x.Promised>>8), byte(x.Promised))
		}
		e.body, e.pad = x.Body, x.Pad
		return e.end(dst), nil
	case FramePriority:
		if ev.fault == fPrioritySize {
			e.body = h.Length
			return e.end(AppendFrameHeader(dst, h)), nil
		}
		y, _ := ParsePriority(&h, p)
		return AppendPriority(dst, h.Stream, y), nil
	case FrameRSTStream:
		return AppendRSTStream(dst, h.Stream, ParseRSTStream(p)), nil
	case FrameSettings:
		if h.Flags.Has(FlagAck) {
			return AppendSettingsAck(dst), nil
		}
		var list []Setting
		for i := range ParseSettings(p).Len() {
			list = append(list, ParseSettings(p).At(i))
		}
		return AppendSettings(dst, list...), nil
	case FramePing:
		return AppendPing(dst, ParsePing(p), h.Flags.Has(FlagAck)), nil
	case FrameGoAway:
		var g GoAway
		ParseGoAway(p, &g)
		return AppendGoAway(dst, g.LastStream, g.Code, g.Debug), nil
	case FrameWindowUpdate:
		n, _ := ParseWindowUpdate(&h, p)
		return AppendWindowUpdate(dst, h.Stream, n), nil
	case FramePriorityUpdate:
		stream, value, _ := ParsePriorityUpdate(p)
		return AppendPriorityUpdate(dst, stream, value), nil
	case FrameAltSvc:
		if origin, value, valid := ParseAltSvc(&h, p); valid {
			out, fits := AppendAltSvc(dst, h.Stream, string(origin), string(value))
			if !fits {
				return dst, fFrameSize
			}
			return out, nil
		}
	case FrameOrigin:
		if list, valid := ParseOrigin(&ev.h, p); valid {
			var all []string
			for {
				var o []byte
				if o, list = list.Next(); o == nil {
					break
				}
				all = append(all, string(o))
			}
			out, _ := AppendOrigin(dst, all...)
			return out, nil
		}
		h.Flags = ev.h.Flags
	default:
		e.body = h.Length
		return e.end(AppendFrameHeader(dst, h)), nil
	}
	return append(AppendFrameHeader(dst, h), p...), nil
}

func (e *encoder) end(dst []byte) []byte {
	if e.body == 0 {
		dst = AppendPadding(dst, int(e.pad))
		e.pad = 0
	}
	return dst
}
