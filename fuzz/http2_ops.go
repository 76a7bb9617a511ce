package fuzz

import (
	"errors"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/http2"
)

// http2Ops calls a connection in any order and shows it frames of any kind. What it refuses leaves no trace; what its peer sends never
// makes it blame its caller; and what it sends is legal for a peer to read, whatever its caller does: that is watched by a few lines
// that share nothing with the Conn but the parser of frames.
func http2Ops(p *Program) {
	role := http2.Role(p.N(2))
	cfg := http2.Config{ExtendedConnect: p.Bool(), HeaderTable: Pick(p, 0, -1, 100), EncoderTable: Pick(p, 0, -1, 100), NoHuffman: p.Bool()}
	if p.Bool() {
		cfg.Limits = http2.Limits{Streams: 2, Held: 1, HeaderList: 300, HeaderFields: 4, HeaderBlock: 400, Continuations: 2, Informational: 2,
			Resets: 4, Fruitless: 300, Pings: 2, EarlyPriorities: 1, Requests: 3}
		cfg.Window = http2.WindowPolicy{Stream: 50, Max: uint32(Pick(p, 0, 1<<20))}
	}
	c := new(http2.Conn)
	c.Init(role, cfg.Profile())
	o := &http2Caller{p: p, c: c, watch: newHTTP2Watcher(p, role), now: 1}
	c.Advance(1)
	o.out = c.AppendOwed(o.out, 1<<16)
	if role == http2.Server {
		o.in = append(o.in, http2.ClientPreface...)
	}
	o.frame(http2.AppendSettings(nil))
	for p.More() {
		o.step()
		o.read()
		o.sent()
	}
	for range 1 << 10 {
		if !c.Owes() {
			break
		}
		o.out = c.AppendOwed(o.out, 1<<16)
	}
	o.sent()
	if c.Owes() {
		p.Fail("what is owed never ends")
	}
	if len(o.watch.wire) > 0 {
		p.Fail("it sends no whole frames: %x is left", o.watch.wire)
	}
	if c.Err() != nil && !o.watch.goaway {
		p.Fail("it has failed (%v) and sent no GOAWAY", c.Err())
	}
}

// http2Caller is an application that has lost count, and a peer that sends anything.
type http2Caller struct {
	p     *Program
	c     *http2.Conn
	watch *http2Watcher
	enc   hpack.Encoder // the peer's
	ev    http2.Event
	in    []byte
	out   []byte
	now   codec.Time
}

// id takes a stream: one of few, most of them of the kind that is in use.
func (o *http2Caller) id() uint32 {
	return uint32(Pick(o.p, 1, 3, 5, 7, 9, 1, 3, 5, 2, 0, 11, 1<<31-1))
}

func (o *http2Caller) fields() []codec.Field {
	list := headerFields(o.p, 3)
	for i := range list {
		if o.p.N(4) > 0 && (len(list[i].Name) == 0 || list[i].Name[0] == ':') {
			list[i].Name = []byte("x-n")
		}
	}
	return list
}

// step makes one call or lets the peer send one frame.
func (o *http2Caller) step() {
	p, c := o.p, o.c
	before := len(o.out)
	var err error
	switch op := p.N(32); op {
	case 0, 1:
		o.out, err = c.AppendResponse(o.out, o.id(), Pick(p, 200, 204, 304, 404, 99, 1000, 101), o.fields(), p.Bool())
	case 2:
		o.out, err = c.AppendInformational(o.out, o.id(), Pick(p, 103, 100, 101, 200), o.fields())
	case 3:
		o.out, err = c.AppendTrailers(o.out, o.id(), o.fields())
	case 4, 5:
		b := p.Bytes(200)
		var n int
		if o.out, n, err = c.AppendData(o.out, o.id(), b, p.Bool()); n > len(b) || n < 0 {
			p.Fail("%d octets of %d were taken", n, len(b))
		}
	case 6:
		var n int
		if o.out, n, err = c.AppendDataHeader(o.out, o.id(), p.N(256)-1, p.Bool()); err == nil {
			o.out = append(o.out, make([]byte, n)...)
		}
	case 7, 8:
		h := http2Request(Pick(p, []byte("GET"), []byte("POST"), []byte("CONNECT"), p.Bytes(5)))
		if p.N(8) == 7 {
			h.Protocol = p.Bytes(10)
		}
		if p.N(8) == 7 {
			h.Path, h.Authority = p.Bytes(20), p.Bytes(20)
		}
		o.out, _, err = c.AppendRequest(o.out, &h, o.fields(), p.Bool())
	case 9:
		o.out, err = c.AppendPriorityUpdate(o.out, o.id(), http2.Priority{Urgency: p.Byte(), Incremental: p.Bool()})
	case 10:
		err = c.Reset(o.id(), http2.ErrorCode(p.N(16)))
	case 11:
		err = c.Release(o.id())
	case 12, 13:
		err = c.Consumed(o.id(), p.N(256)-1)
	case 14:
		err = c.Ready(o.id(), p.Bool())
	case 15:
		err = errors.Join(ignore(c.SetUser(o.id(), 7)), ignore(c.SetPriority(o.id(), http2.Priority{Urgency: p.Byte()})), ignore(c.Ping([8]byte{p.Byte()})))
	case 16:
		switch p.N(8) {
		case 0:
			c.Shutdown()
		case 1:
			c.GoAway(http2.ErrorCode(p.N(16)))
		case 2:
			c.Trim()
		}
	case 17:
		o.now += codec.Time(p.Byte()) << 25
		c.Advance(o.now)
	case 18, 19:
		o.out = c.AppendOwed(o.out, p.N(256))
	case 20:
		c.NextWritable()
		id := o.id()
		c.Blocked(id)
		if c.Writable(id) < 0 || c.CanOpen() < 0 || c.Streams() < 0 {
			p.Fail("negative counts")
		}
	default:
		o.peer(op)
	}
	if err != nil {
		var e *http2.Error
		if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse && err != c.Err() || len(o.out) != before {
			p.Fail("%v, and %q was appended", err, o.out[before:])
		}
	}
}

// ignore returns only what is not a misuse.
func ignore(err error) error {
	var e *http2.Error
	if errors.As(err, &e) && e.Scope == codec.ScopeMisuse {
		return nil
	}
	return err
}

// frame lets the peer send a frame that the watcher takes note of.
func (o *http2Caller) frame(wire []byte) {
	o.watch.heard(wire)
	o.in = append(o.in, wire...)
}

// peer sends a frame.
func (o *http2Caller) peer(op int) {
	p := o.p
	switch op {
	case 21, 22, 23:
		fields := o.fields()
		if o.c.Role() == http2.Server && p.N(4) > 0 {
			head := []codec.Field{{Name: []byte(":method"), Value: Pick(p, []byte("GET"), []byte("POST"))}, {Name: []byte(":scheme"), Value: []byte("http")},
				{Name: []byte(":path"), Value: []byte("/")}, {Name: []byte(":authority"), Value: []byte("a")}}
			fields = append(head, fields...)
		} else if p.N(4) > 0 {
			fields = append([]codec.Field{{Name: []byte(":status"), Value: Pick(p, []byte("200"), []byte("100"), []byte("204"))}}, fields...)
		}
		block := o.enc.AppendBlock(nil, fields)
		o.frame(http2.AppendHeaders(nil, o.id(), block, p.Bool(), uint32(Pick(p, 16384, 10)), nil))
	case 24, 25:
		b := p.Bytes(200)
		pad := p.N(20) - 10
		wire := append(http2.AppendDataHeader(nil, o.id(), len(b), max(pad, -1), p.Bool()), b...)
		if pad > 0 {
			wire = http2.AppendPadding(wire, pad)
		}
		o.frame(wire)
	case 26:
		o.frame(http2.AppendWindowUpdate(nil, o.id(), uint32(Pick(p, 1, 100, 70000, 0, 1<<31-1))))
	case 27:
		o.frame(http2.AppendRSTStream(nil, o.id(), http2.ErrorCode(p.N(16))))
	case 28:
		var list []http2.Setting
		for range p.N(4) {
			list = append(list, http2.Setting{ID: http2.SettingID(p.N(10)), Value: uint32(Pick(p, 0, 1, 100, 4096, 16384, 65535, 70000, 1<<31-1, 1<<24-1))})
		}
		o.frame(http2.AppendSettings(nil, list...))
	case 29:
		switch p.N(4) {
		case 0:
			o.frame(http2.AppendSettingsAck(nil))
		case 1:
			o.frame(http2.AppendPing(nil, [8]byte{p.Byte()}, p.Bool()))
		case 2:
			o.frame(http2.AppendGoAway(nil, o.id(), http2.ErrorCode(p.N(16)), p.Bytes(10)))
		case 3:
			o.frame(http2.AppendPriorityUpdate(nil, o.id(), p.Bytes(20)))
		}
	case 30:
		b := p.Bytes(60)
		h := http2.FrameHeader{Length: uint32(len(b)), Type: http2.FrameType(p.N(20)), Flags: http2.Flags(p.Byte()), Stream: o.id()}
		if h.Type == http2.FrameSettings || h.Type == http2.FrameWindowUpdate {
			h.Type = 0x21 // those have to be understood by the watcher
		}
		o.frame(append(http2.AppendFrameHeader(nil, h), b...))
	case 31:
		if p.N(16) == 15 {
			o.watch.wild = true
			o.in = append(o.in, p.Bytes(60)...)
		}
	}
}

// read shows the Conn what has arrived.
func (o *http2Caller) read() {
	failed := o.c.Err()
	for range 1 << 16 {
		n, err := o.c.Next(o.in, &o.ev)
		o.in = o.in[n:]
		if err != nil {
			var e *http2.Error
			if !errors.As(err, &e) || e.Scope == codec.ScopeMisuse || failed != nil && err != failed || o.c.Err() != err {
				o.p.Fail("frames of a peer: %v, then %v", failed, err)
			}
			return
		}
		if o.ev.Kind == http2.None {
			return
		}
	}
	o.p.Fail("events for ever")
}

// sent lets the watcher see what the Conn has sent.
func (o *http2Caller) sent() {
	o.watch.saw(o.out)
	o.out = o.out[:0]
}

// http2Watcher reads what a Conn sends, with the eyes of its peer.
type http2Watcher struct {
	p       *Program
	role    http2.Role // of the Conn
	wire    []byte
	preface bool
	goaway  bool
	wild    bool // bytes were sent that the watcher has not understood: windows and tables are not judged any more
	block   []byte
	inBlock uint32
	head    http2.FrameHeader
	dec     hpack.Decoder
	b       hpack.Block
	tables  []int64 // of SETTINGS sent to it and not acknowledged, -1 without that setting
	window  int64   // of the connection
	initial int64   // the largest window that streams were given
	frame   uint32
	streams map[uint32]*http2Watched
	highest uint32
}

// http2Watched is a stream.
type http2Watched struct {
	room   int64 // what it may have been given beyond the initial window, less what was sent
	headed bool
	ended  bool
}

func newHTTP2Watcher(p *Program, role http2.Role) *http2Watcher {
	w := &http2Watcher{p: p, role: role, window: 65535, initial: 65535, frame: 1<<24 - 1, streams: map[uint32]*http2Watched{}}
	w.dec.Init(&hpack.Limits{ListSize: -1, Fields: -1, String: -1})
	return w
}

func (w *http2Watcher) stream(id uint32) *http2Watched {
	if w.streams[id] == nil {
		w.streams[id] = new(http2Watched)
	}
	return w.streams[id]
}

// heard takes note of a frame that is sent to the Conn.
func (w *http2Watcher) heard(wire []byte) {
	var h http2.FrameHeader
	payload := wire[http2.ParseFrameHeader(wire, &h):]
	switch h.Type {
	case http2.FrameSettings:
		if h.Flags.Has(http2.FlagAck) {
			return
		}
		table := int64(-1)
		for list, i := http2.ParseSettings(payload), 0; i < list.Len(); i++ {
			switch s := list.At(i); s.ID {
			case http2.SettingHeaderTableSize:
				table = int64(s.Value)
			case http2.SettingInitialWindowSize:
				w.initial = max(w.initial, int64(s.Value))
			}
		}
		w.tables = append(w.tables, table)
	case http2.FrameWindowUpdate:
		n, _ := http2.ParseWindowUpdate(&h, payload)
		if h.Stream == 0 {
			w.window += int64(n)
		} else {
			w.stream(h.Stream).room += int64(n)
		}
	}
}

// saw reads what the Conn has sent.
func (w *http2Watcher) saw(out []byte) {
	w.wire = append(w.wire, out...)
	if w.role == http2.Client && !w.preface {
		n := min(len(w.wire), len(http2.ClientPreface))
		if string(w.wire[:n]) != http2.ClientPreface[:n] {
			w.p.Fail("a client that begins with %q", w.wire)
		}
		if n < len(http2.ClientPreface) {
			return
		}
		w.preface, w.wire = true, w.wire[n:]
	}
	for {
		var h http2.FrameHeader
		n := http2.ParseFrameHeader(w.wire, &h)
		if n == 0 || len(w.wire) < n+int(h.Length) {
			return
		}
		w.one(&h, w.wire[n:n+int(h.Length)])
		w.wire = w.wire[n+int(h.Length):]
	}
}

// one judges a frame.
func (w *http2Watcher) one(h *http2.FrameHeader, payload []byte) {
	p := w.p
	if f := h.Check(w.frame); f != 0 {
		p.Fail("sent %+v: %v", *h, f)
	}
	if w.inBlock != 0 && (h.Type != http2.FrameContinuation || h.Stream != w.inBlock) {
		p.Fail("sent %+v inside of a field block", *h) // RFC 9113 section 4.3-5
	}
	switch h.Type {
	case http2.FrameHeaders:
		var x http2.Prefix
		block, f := http2.ParseHeaders(h, payload, &x)
		if f != 0 {
			p.Fail("sent HEADERS: %v", f)
		}
		w.head, w.block, w.inBlock = *h, append(w.block[:0], block...), h.Stream
	case http2.FrameContinuation:
		if w.inBlock == 0 {
			p.Fail("sent CONTINUATION behind no field block")
		}
		w.block = append(w.block, payload...)
	case http2.FrameData:
		s := w.known(h)
		if !s.headed || s.ended {
			p.Fail("sent DATA on stream %d: head sent %t, ended %t", h.Stream, s.headed, s.ended)
		}
		w.window -= int64(h.Length)
		s.room -= int64(h.Length)
		if !w.wild && (w.window < 0 || s.room+w.initial < 0) {
			p.Fail("sent DATA beyond a window: %d and %d are left", w.window, s.room+w.initial)
		}
		s.ended = h.Flags.Has(http2.FlagEndStream)
	case http2.FrameRSTStream:
		w.known(h).ended = true
	case http2.FrameSettings:
		if h.Flags.Has(http2.FlagAck) {
			w.acked()
		}
	case http2.FrameGoAway:
		w.goaway = true
	case http2.FrameWindowUpdate:
		if _, f := http2.ParseWindowUpdate(h, payload); f != 0 {
			p.Fail("sent WINDOW_UPDATE: %v", f)
		}
	case http2.FramePushPromise, http2.FramePriority:
		p.Fail("sent %v", h.Type)
	}
	if w.inBlock != 0 && h.Flags.Has(http2.FlagEndHeaders) {
		w.section()
	}
}

// known returns the stream of a frame that must not be sent on one that is idle (RFC 9113 section 5.1).
func (w *http2Watcher) known(h *http2.FrameHeader) *http2Watched {
	if w.role == http2.Client && h.Stream > w.highest && !w.wild {
		w.p.Fail("sent %v on stream %d, which is idle", h.Type, h.Stream)
	}
	return w.stream(h.Stream)
}

// acked applies the oldest SETTINGS that was not acknowledged.
func (w *http2Watcher) acked() {
	if len(w.tables) == 0 {
		if !w.wild {
			w.p.Fail("acknowledged SETTINGS that nobody has sent")
		}
		return
	}
	if w.tables[0] >= 0 {
		w.dec.SetTableSize(int(w.tables[0]))
	}
	w.tables = w.tables[1:]
}

// section judges a whole field section.
func (w *http2Watcher) section() {
	p, id := w.p, w.inBlock
	w.inBlock = 0
	if w.role == http2.Client && id > w.highest {
		if id&1 == 0 {
			p.Fail("opened stream %d", id) // RFC 9113 section 5.1.1-2
		}
		w.highest = id
	}
	s := w.stream(id)
	if s.ended {
		p.Fail("sent HEADERS on stream %d behind its end", id)
	}
	if !w.wild {
		if err := w.dec.Decode(w.block, true, &w.b); err != nil {
			p.Fail("sent a field block that cannot be decoded: %v", err)
		}
		if len(w.b.Fields) == 0 && !s.headed {
			p.Fail("sent an empty head on stream %d", id)
		}
		final := len(w.b.Fields) == 0 || string(w.b.Fields[0].Name) != ":status" || w.b.Fields[0].Value[0] != '1'
		s.headed = s.headed || final
	} else {
		s.headed = true
	}
	s.ended = w.head.Flags.Has(http2.FlagEndStream)
}
