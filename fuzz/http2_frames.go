package fuzz

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/http2"
)

// The two faults that the reader below has to name.
var (
	faultFrameSize    = (&http2.FrameHeader{Type: http2.FrameData, Stream: 1, Length: 2}).Check(1)
	faultPrioritySize = (&http2.FrameHeader{Type: http2.FramePriority, Stream: 1, Length: 4}).Check(http2.MinFrameSize)
)

// exclusive is the bit in front of a stream that another one depends on.
func exclusive(x http2.PriorityParam) byte {
	if x.Exclusive {
		return 0x80
	}
	return 0
}

func http2FramesAdapter(m *codectest.Mode) (codectest.Adapter, error) {
	limit, fromServer, whole := uint32(http2.MinFrameSize), m.Has("server"), m.Has("whole")
	m.Has("stream")
	m.Get("verdict")
	if n := m.Int("max"); n > 0 {
		limit = uint32(n)
	}
	return codectest.Adapter{
		New:     func() codectest.Instance { return newFrameReader(limit, whole, fromServer) },
		MaxTail: http2.FrameHeaderLen + int(limit), Work: 4, WorkBase: 16,
		Encode: func() func([]byte, codectest.Instance) ([]byte, error) { return new(frameEncoder).encode },
	}, nil
}

// frameReader is the smallest stream codec over the functions of this package: it reads frames, without any connection state. Payloads
// of DATA, HEADERS, PUSH_PROMISE, CONTINUATION and unknown frames are lent as they arrive; the others are awaited. With whole
// set it awaits every payload and takes the Parse functions of whole payloads instead: the logs must be equal.
type frameReader struct {
	whole      bool
	max        uint32
	fromServer bool

	settings http2.Settings
	first    bool
	off      int64
	body     uint32 // octets to lend
	skip     uint32 // octets to throw away behind them
	label    string
	err      error
	fault    http2.Fault
	faultOff int64
	steps    uint64
	ev       frameEvent
}

type frameEvent struct {
	piece   bool // Data of the frame before
	h       http2.FrameHeader
	x       http2.Prefix
	fault   http2.Fault
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
	*r = frameReader{whole: r.whole, max: r.max, fromServer: r.fromServer, settings: http2.DefaultSettings(), first: true}
}
func (r *frameReader) Event() any    { return &r.ev }
func (r *frameReader) Steps() uint64 { return r.steps }
func (r *frameReader) Fault(error) codectest.Fault {
	return codectest.Fault{Reason: r.fault.Reason(), Off: r.faultOff}
}

// streamed tells the label of a payload that is lent in pieces.
func streamed(t http2.FrameType) string {
	switch t {
	case http2.FrameData:
		return "  data"
	case http2.FrameHeaders, http2.FrameContinuation, http2.FramePushPromise:
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
	var h http2.FrameHeader
	r.steps++
	if http2.ParseFrameHeader(src[n:], &h) == 0 {
		return r.use(n), false, nil
	}
	f := h.Check(r.max)
	if f == 0 && h.Type == http2.FramePriorityUpdate && h.Length > 64 {
		f = faultFrameSize // what this reader is prepared to await
	}
	if f.Scope() == codec.ScopeConn {
		return r.use(n), false, r.fail(f)
	}
	if f != 0 {
		r.ev = frameEvent{h: h, fault: f, label: "  ignored"}
		r.body = h.Length
		r.label = "  ignored"
		return r.use(n + http2.FrameHeaderLen), true, nil
	}
	p := src[n+http2.FrameHeaderLen:]
	if label := streamed(h.Type); label != "" && !r.whole {
		if len(p) < min(h.PrefixLen(), int(h.Length)) {
			return r.use(n), false, nil
		}
		f := h.ParsePrefix(p, &r.ev.x)
		if f.Scope() == codec.ScopeConn {
			return r.use(n), false, r.fail(f)
		}
		r.ev.h, r.ev.fault, r.ev.label = h, f, label
		r.body, r.skip, r.label = r.ev.x.Body, r.ev.x.Pad, label
		return r.use(n + http2.FrameHeaderLen + h.PrefixLen()), true, nil
	}
	if len(p) < int(h.Length) {
		return r.use(n), false, nil
	}
	p = p[:h.Length:h.Length]
	r.ev.h, r.ev.payload = h, p
	if f := r.payload(&h, p); f != 0 {
		if f.Scope() == codec.ScopeConn {
			r.ev = frameEvent{}
			return r.use(n), false, r.fail(f)
		}
		r.ev.fault = f
	}
	return r.use(n + http2.FrameHeaderLen + int(h.Length)), true, nil
}

func (r *frameReader) use(n int) int {
	r.off += int64(n)
	r.steps += uint64(n)
	return n
}

// fail stores an error at the frame that begins behind what was consumed in all, this call included.
func (r *frameReader) fail(f http2.Fault) error {
	r.fault, r.faultOff, r.err = f, r.off, f
	return r.err
}

// payload takes a whole payload apart.
func (r *frameReader) payload(h *http2.FrameHeader, p []byte) (f http2.Fault) {
	switch h.Type {
	case http2.FrameData:
		r.ev.data, f = http2.ParseData(h, p)
		h.ParsePrefix(p, &r.ev.x)
	case http2.FrameHeaders:
		r.ev.data, f = http2.ParseHeaders(h, p, &r.ev.x)
	case http2.FramePushPromise:
		r.ev.data, f = http2.ParsePushPromise(h, p, &r.ev.x)
	case http2.FrameContinuation:
		r.ev.data, r.ev.x.Body = http2.ParseContinuation(h, p), h.Length
	case http2.FramePriority:
		r.ev.x.Priority, f = http2.ParsePriority(h, p)
	case http2.FrameSettings:
		list := http2.ParseSettings(p)
		for i := range list.Len() {
			if f = r.settings.Apply(list.At(i), r.first, r.fromServer); f != 0 {
				return f
			}
		}
		r.first = false
	case http2.FrameWindowUpdate:
		_, f = http2.ParseWindowUpdate(h, p)
	case http2.FramePriorityUpdate:
		_, _, f = http2.ParsePriorityUpdate(p)
	}
	if label := streamed(h.Type); label != "" {
		r.ev.label = label
		if h.Type != http2.FrameContinuation && label == "  ignored" {
			r.ev.data = p
		}
	}
	return f
}

// usedFlags are the flags that have a meaning for a type: the others MUST be ignored (RFC 9113 section 4.1-4.6.2).
func usedFlags(h *http2.FrameHeader) http2.Flags {
	switch h.Type {
	case http2.FrameData:
		return h.Flags & (http2.FlagEndStream | http2.FlagPadded)
	case http2.FrameHeaders:
		return h.Flags & (http2.FlagEndStream | http2.FlagEndHeaders | http2.FlagPadded | http2.FlagPriority)
	case http2.FramePushPromise:
		return h.Flags & (http2.FlagEndHeaders | http2.FlagPadded)
	case http2.FrameContinuation:
		return h.Flags & http2.FlagEndHeaders
	case http2.FrameSettings, http2.FramePing:
		return h.Flags & http2.FlagAck
	}
	return 0
}

func flagNames(h *http2.FrameHeader) string {
	var names []string
	f := usedFlags(h)
	for _, x := range []struct {
		bit  http2.Flags
		name string
	}{{http2.FlagEndStream, "END_STREAM"}, {http2.FlagEndHeaders, "END_HEADERS"}, {http2.FlagPadded, "PADDED"}, {http2.FlagPriority, "PRIORITY"}} {
		if f.Has(x.bit) {
			if x.bit == http2.FlagAck && (h.Type == http2.FrameSettings || h.Type == http2.FramePing) {
				x.name = "ACK"
			}
			names = append(names, x.name)
		}
	}
	return strings.Join(names, "|")
}

func priorityText(x http2.PriorityParam) string {
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
	if ev.fault != 0 && ev.fault == faultPrioritySize {
		log.Event("%s stream error %s", line, ev.fault.Reason())
		return
	}
	if h.Flags.Has(http2.FlagPadded) && usedFlags(h).Has(http2.FlagPadded) {
		line += fmt.Sprintf(" pad=%d", ev.x.Pad)
	}
	switch h.Type {
	case http2.FrameData, http2.FrameContinuation:
	case http2.FrameHeaders:
		if ev.x.HasPriority {
			line += priorityText(ev.x.Priority)
		}
	case http2.FramePushPromise:
		line += fmt.Sprintf(" promised=%d", ev.x.Promised)
	case http2.FramePriority:
		x, _ := http2.ParsePriority(h, p)
		line += priorityText(x)
	case http2.FrameRSTStream:
		line += " " + http2.ParseRSTStream(p).String()
	case http2.FrameSettings:
		list := http2.ParseSettings(p)
		for i := range list.Len() {
			s := list.At(i)
			if id := s.ID.String(); id != "UNKNOWN" {
				line += fmt.Sprintf(" %s=%d", id, s.Value)
			} else {
				line += fmt.Sprintf(" %#x=%d", uint16(s.ID), s.Value)
			}
		}
	case http2.FramePing:
		d := http2.ParsePing(p)
		line += " " + codectest.Quote(d[:])
	case http2.FrameGoAway:
		var g http2.GoAway
		http2.ParseGoAway(p, &g)
		line += fmt.Sprintf(" last=%d %s %s", g.LastStream, g.Code.String(), codectest.Quote(g.Debug))
	case http2.FrameWindowUpdate:
		n, _ := http2.ParseWindowUpdate(h, p)
		line += fmt.Sprintf(" +%d", n)
	case http2.FrameAltSvc:
		if origin, value, valid := http2.ParseAltSvc(h, p); valid {
			line += fmt.Sprintf(" origin=%s %s", codectest.Quote(origin), codectest.Quote(value))
		} else {
			line += " to be ignored " + codectest.Quote(p)
		}
	case http2.FrameOrigin:
		if list, valid := http2.ParseOrigin(h, p); valid {
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
	case http2.FramePriorityUpdate:
		stream, value, _ := http2.ParsePriorityUpdate(p)
		line += fmt.Sprintf(" of=%d %s", stream, codectest.Quote(value))
	}
	if ev.fault != 0 {
		line += " stream error " + ev.fault.Reason()
	}
	log.Event("%s", line)
	if len(ev.data) > 0 { // a whole payload
		log.Data(ev.label, ev.data)
	}
}

// frameEncoder writes frames again from their events.
type frameEncoder struct {
	body, pad uint32
}

func (e *frameEncoder) encode(dst []byte, in codectest.Instance) ([]byte, error) {
	ev := &in.(*frameReader).ev
	dst, err := e.event(dst, ev)
	if len(ev.data) > 0 && !ev.piece { // a whole payload
		e.body = 0
		dst = e.end(append(dst, ev.data...))
	}
	return dst, err
}

func (e *frameEncoder) event(dst []byte, ev *frameEvent) ([]byte, error) {
	if ev.piece {
		e.body -= uint32(len(ev.data))
		return e.end(append(dst, ev.data...)), nil
	}
	h, p := ev.h, ev.payload
	h.Flags = usedFlags(&h)
	var x http2.Prefix
	switch h.Type {
	case http2.FrameData:
		pad := -1
		if h.Flags.Has(http2.FlagPadded) {
			pad = int(ev.x.Pad)
		}
		e.body, e.pad = ev.x.Body, ev.x.Pad
		return e.end(http2.AppendDataHeader(dst, h.Stream, int(ev.x.Body), pad, h.Flags.Has(http2.FlagEndStream))), nil
	case http2.FrameHeaders, http2.FramePushPromise, http2.FrameContinuation:
		x = ev.x
		dst = http2.AppendFrameHeader(dst, h)
		if h.Flags.Has(http2.FlagPadded) {
			dst = append(dst, byte(x.Pad))
		}
		if x.HasPriority {
			dst = append(dst, byte(x.Priority.DependsOn>>24)|exclusive(x.Priority), byte(x.Priority.DependsOn>>16), byte(x.Priority.DependsOn>>8), byte(x.Priority.DependsOn), x.Priority.Weight)
		}
		if h.Type == http2.FramePushPromise {
			dst = append(dst, byte(x.Promised>>24), byte(x.Promised>>16), byte(x.Promised>>8), byte(x.Promised))
		}
		e.body, e.pad = x.Body, x.Pad
		return e.end(dst), nil
	case http2.FramePriority:
		if ev.fault == faultPrioritySize {
			e.body = h.Length
			return e.end(http2.AppendFrameHeader(dst, h)), nil
		}
		y, _ := http2.ParsePriority(&h, p)
		return http2.AppendPriority(dst, h.Stream, y), nil
	case http2.FrameRSTStream:
		return http2.AppendRSTStream(dst, h.Stream, http2.ParseRSTStream(p)), nil
	case http2.FrameSettings:
		if h.Flags.Has(http2.FlagAck) {
			return http2.AppendSettingsAck(dst), nil
		}
		var list []http2.Setting
		for i := range http2.ParseSettings(p).Len() {
			list = append(list, http2.ParseSettings(p).At(i))
		}
		return http2.AppendSettings(dst, list...), nil
	case http2.FramePing:
		return http2.AppendPing(dst, http2.ParsePing(p), h.Flags.Has(http2.FlagAck)), nil
	case http2.FrameGoAway:
		var g http2.GoAway
		http2.ParseGoAway(p, &g)
		return http2.AppendGoAway(dst, g.LastStream, g.Code, g.Debug), nil
	case http2.FrameWindowUpdate:
		n, _ := http2.ParseWindowUpdate(&h, p)
		return http2.AppendWindowUpdate(dst, h.Stream, n), nil
	case http2.FramePriorityUpdate:
		stream, value, _ := http2.ParsePriorityUpdate(p)
		return http2.AppendPriorityUpdate(dst, stream, value), nil
	case http2.FrameAltSvc:
		if origin, value, valid := http2.ParseAltSvc(&h, p); valid {
			out, fits := http2.AppendAltSvc(dst, h.Stream, string(origin), string(value))
			if !fits {
				return dst, faultFrameSize
			}
			return out, nil
		}
	case http2.FrameOrigin:
		if list, valid := http2.ParseOrigin(&ev.h, p); valid {
			var all []string
			for {
				var o []byte
				if o, list = list.Next(); o == nil {
					break
				}
				all = append(all, string(o))
			}
			out, _ := http2.AppendOrigin(dst, all...)
			return out, nil
		}
		h.Flags = ev.h.Flags
	default:
		e.body = h.Length
		return e.end(http2.AppendFrameHeader(dst, h)), nil
	}
	return append(http2.AppendFrameHeader(dst, h), p...), nil
}

func (e *frameEncoder) end(dst []byte) []byte {
	if e.body == 0 {
		dst = http2.AppendPadding(dst, int(e.pad))
		e.pad = 0
	}
	return dst
}
