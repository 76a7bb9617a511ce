package hpack_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/hpack"
)

const corpusDir = "../../corpus/hpack"

// event is what the instance reports: a block, or a size that was acknowledged.
type event struct {
	Fields   []codec.Field
	Size     int
	TooLarge bool
	Settings bool // Size is the setting
}

// instance adapts a Decoder to codectest: see corpus/hpack/README.md for the framing. Each octet of a block goes to the Decoder as
// soon as it is there, once; the kit is told that they are consumed when the block is whole, so that what it presents again and
// clobbers in between must not matter.
type instance struct {
	d      hpack.Decoder
	b      hpack.Block
	ev     event
	limits hpack.Limits
	fed    int         // octets of the block at the start of src that the Decoder has had
	at     int64       // offset of that start
	bad    hpack.Error // the framing is not that of the corpus, if it has a reason
}

func (in *instance) Reset() {
	in.d.Init(&in.limits)
	in.b.Reset()
	in.fed, in.at, in.bad = 0, 0, hpack.Error{}
}

const frameHeader = 3

func (in *instance) Next(src []byte) (int, bool, error) {
	if err := in.d.Err(); err != nil {
		return 0, false, err
	}
	if in.bad.Reason != "" {
		return 0, false, &in.bad
	}
	if len(src) < frameHeader {
		return 0, false, nil
	}
	n := int(binary.BigEndian.Uint16(src[1:]))
	switch src[0] {
	case 'S':
		in.d.SetTableSize(n)
		in.ev = event{Fields: in.ev.Fields[:0], Size: n, Settings: true}
		in.at += frameHeader
		return frameHeader, true, nil
	case 'B':
		have := min(len(src)-frameHeader, n)
		last := have == n
		if have == in.fed && !last {
			return 0, false, nil
		}
		err := in.d.Decode(src[frameHeader+in.fed:frameHeader+have], last, &in.b)
		if in.fed = have; err != nil || !last {
			return 0, false, err
		}
		in.fed = 0
		in.at += int64(frameHeader + n)
		in.ev = event{Fields: append(in.ev.Fields[:0], in.b.Fields...), Size: in.b.Size, TooLarge: in.b.TooLarge}
		return frameHeader + n, true, nil
	}
	in.bad = hpack.Error{Scope: codec.ScopeConn, Off: -frameHeader, Reason: "corpus: neither B nor S"}
	return 0, false, &in.bad
}

func (in *instance) Event() any    { return &in.ev }
func (in *instance) Steps() uint64 { return in.d.Steps() }

func (in *instance) Fault(err error) codectest.Fault {
	var e *hpack.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: in.at + frameHeader + e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *instance) Render(log *codectest.Log) { in.ev.render(log) }

func (ev *event) render(log *codectest.Log) {
	switch {
	case ev.Settings:
		log.Event("settings %d", ev.Size)
	case ev.TooLarge:
		log.Event("block %d, too large", ev.Size)
	default:
		log.Event("block %d", ev.Size)
	}
	for _, f := range ev.Fields {
		never := ""
		if f.Sensitive {
			never = " never"
		}
		log.Event("  %s: %s%s", codectest.Escape(f.Name), codectest.Quote(f.Value), never)
	}
}

// frame appends a frame with what add appends.
func frame(dst []byte, kind byte, add func(dst []byte) []byte) ([]byte, error) {
	at := len(dst)
	out := add(append(dst, kind, 0, 0))
	n := len(out) - at - frameHeader
	if n > 0xFFFF {
		return dst, errors.New("block too long")
	}
	binary.BigEndian.PutUint16(out[at+1:], uint16(n))
	return out, nil
}

func limitsOf(m *codectest.Mode) hpack.Limits {
	return hpack.Limits{TableSize: m.Int("table"), ListSize: m.Int("list"), Fields: m.Int("fields"), String: m.Int("string")}
}

func adapt(m *codectest.Mode) (codectest.Adapter, error) {
	limits := limitsOf(m)
	m.Get("verdict")
	limited := limits != hpack.Limits{TableSize: limits.TableSize}
	newInstance := func() codectest.Instance {
		in := &instance{limits: limits}
		in.Reset()
		return in
	}
	a := codectest.Adapter{
		New: newInstance, MaxTail: frameHeader + 0xFFFF, Scratch: true,
		Work: 4, WorkBase: 16,
		Calls: []codectest.Call{
			{Name: "Decode with another Block", Do: func(i codectest.Instance) error {
				in := i.(*instance)
				if in.fed == 0 {
					return nil // no block is open: it would begin one
				}
				err := in.d.Decode([]byte{0x82}, true, new(hpack.Block))
				if err == in.d.Err() {
					return errors.New("not told apart")
				}
				return err
			}},
			{Name: "Decode by another Decoder", Do: func(i codectest.Instance) error {
				in := i.(*instance)
				if in.fed == 0 || in.d.Err() != nil {
					return nil
				}
				return new(hpack.Decoder).Decode([]byte{0x82}, true, &in.b)
			}},
			{Name: "accessors", Do: func(i codectest.Instance) error {
				in := i.(*instance)
				_, _, _, _ = in.d.TableSize(), in.d.TableLen(), in.d.MaxTableSize(), in.d.Steps()
				return nil
			}},
		},
		Script: script,
	}
	if limited {
		return a, nil // a list that was cut short has no encoding
	}
	a.Encode = func() func([]byte, codectest.Instance) ([]byte, error) {
		var e hpack.Encoder
		if limits.TableSize != 0 {
			e.SetMaxTableSize(limits.TableSize)
		}
		return func(dst []byte, i codectest.Instance) ([]byte, error) {
			ev := &i.(*instance).ev
			if ev.Settings {
				e.SetMaxTableSize(ev.Size)
				return append(dst, 'S', byte(ev.Size>>8), byte(ev.Size)), nil
			}
			if ev.TooLarge {
				return dst, codectest.ErrNoEncoding
			}
			return frame(dst, 'B', func(dst []byte) []byte { return e.AppendBlock(dst, ev.Fields) })
		}
	}
	return a, nil
}

// script is a connection of the encoding side: requests that repeat, secrets, sizes that change.
func script() []codectest.AppendCall {
	var e hpack.Encoder
	secret := codec.Field{Name: []byte("x-token"), Value: []byte("12345"), Sensitive: true}
	block := func(name string, fields ...codec.Field) codectest.AppendCall {
		return codectest.AppendCall{
			Name: name,
			Do: func(dst []byte) ([]byte, error) {
				return frame(dst, 'B', func(dst []byte) []byte { return e.AppendBlock(dst, fields) })
			},
			Want: func(log *codectest.Log) {
				ev := event{Fields: fields}
				for i := range fields {
					ev.Size += hpack.FieldSize(&fields[i])
				}
				ev.render(log)
			},
		}
	}
	settings := func(n int) codectest.AppendCall {
		return codectest.AppendCall{
			Name: "settings",
			Do: func(dst []byte) ([]byte, error) {
				e.SetMaxTableSize(n)
				return append(dst, 'S', byte(n>>8), byte(n)), nil
			},
			Want: func(log *codectest.Log) { (&event{Size: n, Settings: true}).render(log) },
		}
	}
	request := slices.Concat(c3fields[2], []codec.Field{secret})
	for range 2 { // the memory that a connection needs once
		e.AppendBlock(nil, request)
		e.AppendBlock(nil, c5fields[2])
		e.Init(nil)
	}
	return []codectest.AppendCall{
		block("request", request...), block("request again", request...), block("empty"),
		settings(0), block("no table", request...),
		settings(4096), block("table again", request...), block("response", c5fields[2]...),
	}
}

// factory is adapt; the script's encoder starts from 4096 octets, so it cannot speak to every decoder.
func factory(m *codectest.Mode) (codectest.Adapter, error) {
	a, err := adapt(m)
	if (limitsOf(m) != hpack.Limits{}) {
		a.Script = nil
	}
	return a, err
}

func TestGolden(t *testing.T) {
	sum := codectest.RunGolden(t, corpusDir, factory)
	if sum.Cases < 80 {
		t.Errorf("%d cases, want at least 80", sum.Cases)
	}
	for _, r := range hpack.Reasons() {
		if sum.Reasons[r] == 0 {
			t.Errorf("no case is refused with %q", r)
		}
	}
	for _, row := range []string{"HP-01", "HP-02", "HP-03", "HP-04", "HP-05", "HP-06"} {
		if sum.Sources[row] == 0 {
			t.Errorf("no case for threat row %s", row)
		}
	}
}

// TestVerdicts holds each case to the judgement in its mode line, which was written from the RFC.
func TestVerdicts(t *testing.T) {
	cases, err := codectest.LoadGolden(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		in := &instance{limits: limitsOf(c.Mode)}
		in.Reset()
		src := slices.Clone(c.Input)
		for {
			n, got, e := in.Next(src)
			if src = src[n:]; !got {
				err = e
				break
			}
		}
		good := false
		switch c.Mode.Get("verdict") {
		case "ok":
			good = err == nil && len(src) == 0 && !in.ev.TooLarge
		case "large":
			good = err == nil && len(src) == 0 && in.ev.TooLarge
		case "bad":
			good = errors.Is(err, hpack.CompressionError)
		}
		if !good {
			t.Errorf("%s:%d: %s: want %s; error %v, too large %v, %d octets left", c.File, c.Line, c.Name, c.Mode.Get("verdict"), err, in.ev.TooLarge, len(src))
		}
	}
}

// FuzzDecoder: any octets, as blocks, in any mode of the corpus, keep the laws.
func FuzzDecoder(f *testing.F) { codectest.FuzzSplit(f, corpusDir, factory) }
