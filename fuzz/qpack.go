package fuzz

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/qpack"
)

var qpackTargets = []*Target{
	{Name: "QPACK", Codec: "qpack", Corpus: "qpack", Dict: "qpack", factory: qpackAdapter,
		About: "the laws on a decoder with its encoder stream, in every mode of the corpus"},
	{Name: "QPACKPair", Codec: "qpack", Dict: "qpack", run: qpackPair, seeds: randomPrograms(7, 8, 400),
		About: "an encoder and a decoder whose streams overtake each other, with evictions and cancelled streams"},
	{Name: "QPACKEncoder", Codec: "qpack", Dict: "qpack", run: qpackEncoder, seeds: randomPrograms(8, 8, 200),
		About: "an encoder with a decoder stream of any bytes: it fails or keeps to what was said"},
}

// qpackEvent is a section that was decoded.
type qpackEvent struct {
	Stream   uint64
	Fields   []codec.Field
	Size     int
	TooLarge bool
}

// qpackHeld is a section that is blocked, as its owner keeps it.
type qpackHeld struct {
	stream uint64
	at     int64
	wire   []byte
}

// qpackInstance adapts a Decoder: see corpus/qpack/README.md for the framing. Each octet goes to the Decoder as soon as it is there.
type qpackInstance struct {
	d      qpack.Decoder
	b      qpack.Block
	ev     qpackEvent
	limits qpack.Limits
	fed    int   // octets of the frame at the start of src that the Decoder has taken
	at     int64 // offset of that frame
	held   []qpackHeld
	ready  []uint64
	origin int64 // where the encoder stream's octets are in the input: so much is added to their offset
	stream int64 // octets of it so far
	from   int64 // offset of the section that was decoded last
	bad    qpack.Error
}

func (in *qpackInstance) Reset() {
	in.d.Init(&in.limits)
	in.b.Reset()
	in.held, in.ready = in.held[:0], in.ready[:0]
	in.fed, in.at, in.origin, in.stream, in.from, in.bad = 0, 0, 0, 0, 0, qpack.Error{}
}

const qpackHeader = 4

// Next goes on to the first frame that gives an event.
func (in *qpackInstance) Next(src []byte) (n int, got bool, err error) {
	for {
		took, got, err := in.frame(src[n:])
		if n += took; took == 0 && len(in.ready) == 0 || got || err != nil {
			return n, got, err
		}
	}
}

func (in *qpackInstance) frame(src []byte) (int, bool, error) {
	if err := in.d.Err(); err != nil {
		return 0, false, err
	}
	if in.bad.Reason != "" {
		return 0, false, &in.bad
	}
	if len(in.ready) > 0 {
		return in.again()
	}
	if len(src) < qpackHeader {
		return 0, false, nil
	}
	stream, n := uint64(src[1]), int(binary.BigEndian.Uint16(src[2:]))
	have := min(len(src)-qpackHeader, n)
	last := have == n
	part := src[qpackHeader+in.fed : qpackHeader+have]
	switch src[0] {
	case 'E':
		in.origin = in.at + qpackHeader - (in.stream - int64(in.fed))
		if err := in.d.ReadEncoderStream(part); err != nil {
			return 0, false, err
		}
		in.fed, in.stream = have, in.stream+int64(len(part))
		if !last {
			return 0, false, nil
		}
		in.ready = in.d.AppendUnblocked(in.ready)
		in.next(n)
		return qpackHeader + n, false, nil
	case 'S':
		in.from = in.at + qpackHeader
		took, err := in.d.Decode(stream, part, last, &in.b)
		if in.fed += took; err != nil || !last {
			return 0, false, err
		}
		in.next(n)
		if in.b.Blocked {
			in.held = append(in.held, qpackHeld{stream, in.from, slices.Clone(src[qpackHeader : qpackHeader+n])})
			return qpackHeader + n, false, nil
		}
		in.report(stream)
		return qpackHeader + n, true, nil
	case 'C':
		in.d.Cancel(stream)
		in.next(0)
		return qpackHeader, false, nil
	}
	in.bad = qpack.Error{Scope: codec.ScopeConn, Off: 0, Reason: "corpus: none of E, S, C"}
	return 0, false, &in.bad
}

func (in *qpackInstance) next(n int) {
	in.fed = 0
	in.at += int64(qpackHeader + n)
}

func (in *qpackInstance) report(stream uint64) {
	in.ev = qpackEvent{Stream: stream, Fields: append(in.ev.Fields[:0], in.b.Fields...), Size: in.b.Size, TooLarge: in.b.TooLarge}
}

// again decodes a section that was blocked.
func (in *qpackInstance) again() (int, bool, error) {
	stream := in.ready[0]
	in.ready = append(in.ready[:0], in.ready[1:]...)
	at := slices.IndexFunc(in.held, func(h qpackHeld) bool { return h.stream == stream })
	h := in.held[at]
	in.held = append(in.held[:at], in.held[at+1:]...)
	in.from = h.at
	if _, err := in.d.Decode(stream, h.wire, true, &in.b); err != nil {
		return 0, false, err
	}
	in.report(stream)
	return 0, true, nil
}

func (in *qpackInstance) Event() any    { return &in.ev }
func (in *qpackInstance) Steps() uint64 { return in.d.Steps() }
func (in *qpackInstance) AppendOwed(dst []byte, max int) []byte {
	return in.d.AppendDecoderStream(dst, max)
}

func (in *qpackInstance) Fault(err error) codectest.Fault {
	var e *qpack.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	off := in.from + e.Off
	if e.Code == qpack.EncoderStreamError {
		off = in.origin + e.Off
	}
	return codectest.Fault{Reason: e.Reason, Off: off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *qpackInstance) Render(log *codectest.Log) {
	large := ""
	if in.ev.TooLarge {
		large = ", too large"
	}
	log.Event("section %d on stream %d%s", in.ev.Size, in.ev.Stream, large)
	renderFields(log, in.ev.Fields)
}

func qpackAdapter(m *codectest.Mode) (codectest.Adapter, error) {
	limits := qpack.Limits{TableCapacity: m.Int("table"), BlockedStreams: m.Int("blocked"), ListSize: m.Int("list"), Fields: m.Int("fields"), String: m.Int("string")}
	m.Get("verdict")
	a := codectest.Adapter{
		New: func() codectest.Instance {
			in := &qpackInstance{limits: limits}
			in.Reset()
			return in
		},
		MaxTail: qpackHeader + 0xFFFF, Scratch: true, Work: 6, WorkBase: 64,
	}
	if limits != (qpack.Limits{}) {
		return a, nil
	}
	a.Encode = func() func([]byte, codectest.Instance) ([]byte, error) {
		var e qpack.Encoder
		if err := e.SetPeer(limits.Settings()); err != nil {
			panic(err)
		}
		return func(dst []byte, i codectest.Instance) ([]byte, error) {
			ev := &i.(*qpackInstance).ev
			if ev.TooLarge {
				return dst, codectest.ErrNoEncoding
			}
			section, ins := e.AppendSection(nil, nil, ev.Stream, ev.Fields)
			if len(section) > 0xFFFF || len(ins) > 0xFFFF {
				return dst, errors.New("too long")
			}
			if len(ins) > 0 {
				dst = append(append(dst, 'E', 0, byte(len(ins)>>8), byte(len(ins))), ins...)
			}
			dst = append(dst, 'S', byte(ev.Stream), byte(len(section)>>8), byte(len(section)))
			return append(dst, section...), nil
		}
	}
	return a, nil
}

// qpackTalk is an encoder and a decoder. The encoder stream, the decoder stream and each request stream are links of their own: what
// goes over one overtakes what goes over another.
type qpackTalk struct {
	p       *Program
	e       qpack.Encoder
	d       qpack.Decoder
	b       qpack.Block
	ins     link // the encoder stream
	answers link // the decoder stream
	next    uint64
	order   []uint64 // streams with sections that were not delivered
	streams map[uint64][]qpackSent
}

// qpackSent is a section that was not delivered, with what it stands for.
type qpackSent struct {
	wire   []byte
	fields []codec.Field
}

func qpackOptions(p *Program) (o qpack.EncoderOptions, capacity, blocked int) {
	capacity, blocked = Pick(p, 4096, 0, 64, 100, 200, 1000), p.N(4)
	o = qpack.EncoderOptions{Indexing: Pick(p, qpack.IndexAll, qpack.IndexUseful, qpack.IndexNone), BlockedStreams: 100, NoHuffman: p.Bool(), Sections: 1 + p.N(20)}
	return o, capacity, blocked
}

func qpackPair(p *Program) {
	k := &qpackTalk{p: p, streams: map[uint64][]qpackSent{}}
	o, capacity, blocked := qpackOptions(p)
	k.e.Init(&o)
	limits := qpack.Limits{TableCapacity: capacity, BlockedStreams: blocked, ListSize: -1, Fields: -1, String: -1}
	if capacity == 0 {
		limits.TableCapacity = -1
	}
	if blocked == 0 {
		limits.BlockedStreams = -1
	}
	k.d.Init(&limits)
	p.must(k.e.SetPeer(limits.Settings()), "settings")
	for p.More() {
		k.step()
	}
	k.settle()
}

func (k *qpackTalk) step() {
	p := k.p
	switch p.N(8) {
	case 0, 1, 2:
		k.send(headerFields(p, 5))
	case 3, 4:
		k.instruct(p.N(64))
	case 5:
		if len(k.order) > 0 {
			k.deliver(p.N(len(k.order)), p.N(8))
		}
	case 6:
		k.answers.out = k.d.AppendDecoderStream(k.answers.out, 1+p.N(8))
		k.answer(1 + p.N(4))
	case 7:
		if c := p.N(8); c == 0 {
			k.e.SetCapacity(p.N(256) * 8)
		} else if c < 3 && len(k.order) > 0 { // the stream is reset
			at := p.N(len(k.order))
			k.d.Cancel(k.order[at])
			delete(k.streams, k.order[at])
			k.order = slices.Delete(k.order, at, at+1)
		}
	}
}

func (k *qpackTalk) send(fields []codec.Field) {
	var stream uint64
	if k.p.N(4) > 0 || len(k.order) == 0 {
		k.next += 4
		stream = k.next
	} else {
		stream = k.order[k.p.N(len(k.order))] // trailers
	}
	section, ins := k.e.AppendSection([]byte("dst"), []byte("ins"), stream, fields)
	if string(section[:3]) != "dst" || string(ins[:3]) != "ins" {
		k.p.Fail("what stood in dst has changed")
	}
	k.ins.out = append(k.ins.out, ins[3:]...)
	if len(k.streams[stream]) == 0 {
		k.order = append(k.order, stream)
	}
	k.streams[stream] = append(k.streams[stream], qpackSent{section[3:], fields})
}

func (k *qpackTalk) instruct(n int) {
	k.ins.carry(n)
	k.p.must(k.d.ReadEncoderStream(k.ins.in), "encoder stream")
	k.ins.in = k.ins.in[:0]
}

// deliver presents the next section of a stream, in two fragments.
func (k *qpackTalk) deliver(at, cut int) {
	stream := k.order[at]
	s := k.streams[stream][0]
	cut = min(cut, len(s.wire))
	n, err := k.d.Decode(stream, s.wire[:cut], false, &k.b)
	if err == nil {
		_, err = k.d.Decode(stream, s.wire[n:], true, &k.b)
	}
	k.p.must(err, "section on stream %d", stream)
	if k.b.Blocked {
		return
	}
	sameFields(k.p, "section", s.fields, k.b.Fields)
	if k.streams[stream] = k.streams[stream][1:]; len(k.streams[stream]) == 0 {
		k.order = slices.Delete(k.order, at, at+1)
	}
}

func (k *qpackTalk) answer(n int) {
	k.answers.carry(n)
	k.p.must(k.e.ReadDecoderStream(k.answers.in), "decoder stream")
	k.answers.in = k.answers.in[:0]
	if k.e.KnownReceived() > k.d.InsertCount() {
		k.p.Fail("the encoder takes %d insertions for known, the decoder has %d", k.e.KnownReceived(), k.d.InsertCount())
	}
}

// settle delivers everything: nothing may stay blocked or unacknowledged (RFC 9204 section 2.1.2 and 4.4), and the tables are equal.
func (k *qpackTalk) settle() {
	p := k.p
	k.instruct(-1)
	for len(k.order) > 0 {
		k.deliver(0, 0)
		if k.b.Blocked {
			p.Fail("a section stays blocked behind all instructions")
		}
	}
	for range 2 {
		k.answer(-1)
		k.answers.out = k.d.AppendDecoderStream(k.answers.out, -1)
	}
	e, d := &k.e, &k.d
	if d.TableLen() != e.TableLen() || d.TableSize() != e.TableSize() || d.InsertCount() != e.InsertCount() || d.Capacity() != e.Capacity() {
		p.Fail("the tables differ: %d and %d entries, %d and %d inserted", d.TableLen(), e.TableLen(), d.InsertCount(), e.InsertCount())
	}
	if e.KnownReceived() != e.InsertCount() || e.Outstanding() != 0 || d.Blocked() != 0 || d.Owed() != 0 {
		p.Fail("%d of %d known, %d outstanding, %d blocked, %d owed", e.KnownReceived(), e.InsertCount(), e.Outstanding(), d.Blocked(), d.Owed())
	}
}

// qpackEncoder shows an encoder a decoder stream of any bytes between its sections. It fails with a DECODER_STREAM_ERROR for good
// (RFC 9204 section 4.4), or believes no more than was said: a decoder that gets all instructions can read every section.
func qpackEncoder(p *Program) {
	o, capacity, blocked := qpackOptions(p)
	var e qpack.Encoder
	e.Init(&o)
	limits := qpack.Limits{TableCapacity: max(capacity, 64), BlockedStreams: blocked + 1, ListSize: -1, Fields: -1, String: -1}
	var d qpack.Decoder
	var b qpack.Block
	d.Init(&limits)
	p.must(e.SetPeer(limits.Settings()), "settings")
	stream := uint64(0)
	for p.More() {
		if p.N(3) == 0 {
			before := e.Err()
			err := e.ReadDecoderStream(p.Bytes(8))
			var qe *qpack.Error
			switch {
			case err == nil && before != nil, err != nil && before != nil && err != before:
				p.Fail("an error that is not final: %v, then %v", before, err)
			case err != nil && (!errors.As(err, &qe) || qe.Scope != codec.ScopeConn || e.Err() != err):
				p.Fail("bytes of a peer: %v", err)
			}
			continue
		}
		fields := headerFields(p, 5)
		stream += 4
		section, ins := e.AppendSection(nil, nil, stream, fields)
		if e.Err() != nil {
			return
		}
		p.must(d.ReadEncoderStream(ins), "instructions")
		_, err := d.Decode(stream, section, true, &b)
		p.must(err, "section")
		sameFields(p, "section", fields, b.Fields)
		if e.KnownReceived() > e.InsertCount() || e.Outstanding() > 20 {
			p.Fail("%d of %d insertions known, %d outstanding", e.KnownReceived(), e.InsertCount(), e.Outstanding())
		}
	}
}
