package qpack_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/qpack"
)

const corpusDir = "../../corpus/qpack"

// event is a section that was decoded.
type event struct {
	Stream   uint64
	Fields   []codec.Field
	Size     int
	TooLarge bool
}

// held is a section that is blocked, as its owner keeps it.
type held struct {
	stream uint64
	at     int64
	wire   []byte
}

// instance adapts a Decoder to codectest: see corpus/qpack/README.md for the framing. Each octet goes to the Decoder as soon as it is
// there.
type instance struct {
	d      qpack.Decoder
	b      qpack.Block
	ev     event
	limits qpack.Limits
	fed    int   // octets of the frame at the start of src that the Decoder has taken
	at     int64 // offset of that frame
	held   []held
	free   [][]byte
	ready  []uint64
	origin int64 // where the encoder stream's octets are in the input: so much is added to their offset
	stream int64 // octets of it so far
	from   int64 // offset of the section that was decoded last
	bad    qpack.Error
}

func (in *instance) Reset() {
	in.d.Init(&in.limits)
	in.b.Reset()
	for _, h := range in.held {
		in.free = append(in.free, h.wire[:0])
	}
	in.held, in.ready = in.held[:0], in.ready[:0]
	in.fed, in.at, in.origin, in.stream, in.from, in.bad = 0, 0, 0, 0, 0, qpack.Error{}
}

const frameHeader = 4

// Next goes on to the first frame that gives an event.
func (in *instance) Next(src []byte) (n int, got bool, err error) {
	for {
		took, got, err := in.frame(src[n:])
		if n += took; took == 0 && len(in.ready) == 0 || got || err != nil {
			return n, got, err
		}
	}
}

func (in *instance) frame(src []byte) (int, bool, error) {
	if err := in.d.Err(); err != nil {
		return 0, false, err
	}
	if in.bad.Reason != "" {
		return 0, false, &in.bad
	}
	if len(in.ready) > 0 {
		return in.again()
	}
	if len(src) < frameHeader {
		return 0, false, nil
	}
	stream, n := uint64(src[1]), int(binary.BigEndian.Uint16(src[2:]))
	have := min(len(src)-frameHeader, n)
	last := have == n
	part := src[frameHeader+in.fed : frameHeader+have]
	switch src[0] {
	case 'E':
		in.origin = in.at + frameHeader - (in.stream - int64(in.fed))
		if err := in.d.ReadEncoderStream(part); err != nil {
			return 0, false, err
		}
		in.fed, in.stream = have, in.stream+int64(len(part))
		if !last {
			return 0, false, nil
		}
		in.ready = in.d.AppendUnblocked(in.ready)
		in.next(n)
		return frameHeader + n, false, nil
	case 'S':
		in.from = in.at + frameHeader
		took, err := in.d.Decode(stream, part, last, &in.b)
		if in.fed += took; err != nil || !last {
			return 0, false, err
		}
		if in.b.Blocked {
			h := held{stream: stream, at: in.from}
			if k := len(in.free); k > 0 {
				h.wire, in.free = in.free[k-1], in.free[:k-1]
			}
			h.wire = append(h.wire, src[frameHeader:frameHeader+n]...)
			in.held = append(in.held, h)
			in.next(n)
			return frameHeader + n, false, nil
		}
		in.next(n)
		in.report(stream)
		return frameHeader + n, true, nil
	case 'C':
		in.d.Cancel(stream)
		in.next(0)
		return frameHeader, false, nil
	}
	in.bad = qpack.Error{Scope: codec.ScopeConn, Off: 0, Reason: "corpus: none of E, S, C"}
	return 0, false, &in.bad
}

func (in *instance) next(n int) {
	in.fed = 0
	in.at += int64(frameHeader + n)
}

func (in *instance) report(stream uint64) {
	in.ev = event{Stream: stream, Fields: append(in.ev.Fields[:0], in.b.Fields...), Size: in.b.Size, TooLarge: in.b.TooLarge}
}

// again decodes a section that was blocked.
func (in *instance) again() (int, bool, error) {
	stream := in.ready[0]
	in.ready = append(in.ready[:0], in.ready[1:]...)
	at := slices.IndexFunc(in.held, func(h held) bool { return h.stream == stream })
	h := in.held[at]
	in.held = append(in.held[:at], in.held[at+1:]...)
	in.free = append(in.free, h.wire[:0])
	in.from = h.at
	if _, err := in.d.Decode(stream, h.wire, true, &in.b); err != nil {
		return 0, false, err
	}
	in.report(stream)
	return 0, true, nil
}

func (in *instance) Event() any                            { return &in.ev }
func (in *instance) Steps() uint64                         { return in.d.Steps() }
func (in *instance) AppendOwed(dst []byte, max int) []byte { return in.d.AppendDecoderStream(dst, max) }

func (in *instance) Fault(err error) codectest.Fault {
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

func (in *instance) Render(log *codectest.Log) { in.ev.render(log) }

func (ev *event) render(log *codectest.Log) {
	large := ""
	if ev.TooLarge {
		large = ", too large"
	}
	log.Event("section %d on stream %d%s", ev.Size, ev.Stream, large)
	for _, f := range ev.Fields {
		never := ""
		if f.Sensitive {
			never = " never"
		}
		log.Event("  %s: %s%s", codectest.Escape(f.Name), codectest.Quote(f.Value), never)
	}
}

// frames appends a list as frames: what its encoder says on its stream, if anything, and the section.
func frames(dst []byte, e *qpack.Encoder, stream uint64, fields []codec.Field) ([]byte, error) {
	section, ins := e.AppendSection(nil, nil, stream, fields)
	if len(section) > 0xFFFF || len(ins) > 0xFFFF {
		return dst, errors.New("too long")
	}
	if len(ins) > 0 {
		dst = append(dst, 'E', 0, byte(len(ins)>>8), byte(len(ins)))
		dst = append(dst, ins...)
	}
	dst = append(dst, 'S', byte(stream), byte(len(section)>>8), byte(len(section)))
	return append(dst, section...), nil
}

func limitsOf(m *codectest.Mode) qpack.Limits {
	return qpack.Limits{TableCapacity: m.Int("table"), BlockedStreams: m.Int("blocked"), ListSize: m.Int("list"), Fields: m.Int("fields"), String: m.Int("string")}
}

func factory(m *codectest.Mode) (codectest.Adapter, error) {
	limits := limitsOf(m)
	a := codectest.Adapter{
		New: func() codectest.Instance {
			in := &instance{limits: limits}
			in.Reset()
			return in
		},
		MaxTail: frameHeader + 0xFFFF, Scratch: true, Work: 6, WorkBase: 64,
		Calls: []codectest.Call{
			{Name: "Decode of another section into this Block", Do: func(i codectest.Instance) error {
				in := i.(*instance)
				if in.fed == 0 || in.d.Err() != nil {
					return nil // no section is open: it would begin one
				}
				_, err := new(qpack.Decoder).Decode(0, []byte{0, 0}, true, &in.b)
				return err
			}},
			{Name: "accessors", Do: func(i codectest.Instance) error {
				in := i.(*instance)
				_, _, _, _, _, _ = in.d.TableSize(), in.d.TableLen(), in.d.Capacity(), in.d.Steps(), in.d.Owed(), in.d.Blocked()
				return nil
			}},
		},
	}
	if limits == (qpack.Limits{}) {
		a.Encode = func() func([]byte, codectest.Instance) ([]byte, error) {
			var e qpack.Encoder
			if err := e.SetPeer(limits.Settings()); err != nil {
				panic(err)
			}
			return func(dst []byte, i codectest.Instance) ([]byte, error) {
				ev := &i.(*instance).ev
				if ev.TooLarge {
					return dst, codectest.ErrNoEncoding
				}
				return frames(dst, &e, ev.Stream, ev.Fields)
			}
		}
	}
	return a, nil
}

func TestGolden(t *testing.T) {
	sum := codectest.RunGolden(t, corpusDir, factory)
	if sum.Cases < 50 {
		t.Errorf("%d cases, want at least 50", sum.Cases)
	}
	for _, r := range qpack.Reasons() {
		if sum.Reasons[r] == 0 && !onDecoderStream(r) {
			t.Errorf("no case is refused with %q", r)
		}
	}
	for _, row := range []string{"H3-01", "H3-02", "H3-03", "H3-04"} {
		if sum.Sources[row] == 0 {
			t.Errorf("no case for threat row %s", row)
		}
	}
}

// FuzzDecoder: any octets, as frames, in any mode of the corpus, keep the laws.
func FuzzDecoder(f *testing.F) { codectest.FuzzSplit(f, corpusDir, factory) }
