package h3

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

// capsuleInstance adapts a Capsules to codectest.
type capsuleInstance struct {
	c      Capsules
	ev     CapsuleEvent
	limits *CapsuleLimits
}

func (in *capsuleInstance) Next(src []byte) (int, bool, error) {
	n, err := in.c.Next(src, &in.ev)
	return n, err == nil && in.ev.Kind != CapsuleNone, err
}
func (in *capsuleInstance) Event() any    { return &in.ev }
func (in *capsuleInstance) Reset()        { in.c.Init(in.limits) }
func (in *capsuleInstance) Steps() uint64 { return in.c.Steps() }
func (in *capsuleInstance) Finish() (bool, error) {
	return false, in.c.Finish()
}
func (in *capsuleInstance) Fault(err error) codectest.Fault {
	var e *Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}
func (in *capsuleInstance) Render(log *codectest.Log) {
	switch ev := &in.ev; ev.Kind {
	case CapsuleWhole:
		log.Event("capsule %d %s", ev.Type, codectest.Quote(ev.Value))
	case CapsuleBegin:
		log.Event("capsule %d of %d", ev.Type, ev.Length)
	case CapsulePiece:
		log.Data(fmt.Sprintf("piece %d", ev.Type), ev.Value)
	}
}

func capsules(l *CapsuleLimits) codectest.Adapter {
	return codectest.Adapter{
		New: func() codectest.Instance {
			in := &capsuleInstance{limits: l}
			in.Reset()
			return in
		},
		MaxTail: 16 + l.Value, Work: 4, WorkBase: 16, EOF: true,
		Encode: func() func([]byte, codectest.Instance) ([]byte, error) {
			return func(dst []byte, i codectest.Instance) ([]byte, error) {
				switch ev := &i.(*capsuleInstance).ev; ev.Kind {
				case CapsuleWhole:
					return AppendCapsule(dst, ev.Type, ev.Value), nil
				case CapsuleBegin:
					return AppendCapsuleHeader(dst, CapsuleHeader{ev.Type, ev.Length}), nil
				default:
					return append(dst, ev.Value...), nil
				}
			}
		},
	}
}

// TestCapsules: RFC 9297 section 3: whole, in pieces, skipped by counting, cut by the end; all laws on each.
func TestCapsules(t *testing.T) {
	l := &CapsuleLimits{Value: 100, Unknown: 5, Types: []CapsuleType{0x2000}}
	dg := func(n int) []byte { return AppendCapsule(nil, CapsuleDatagram, bytes.Repeat([]byte("d"), n)) }
	un := AppendCapsule(nil, 0x17, []byte("grease"))
	for _, c := range []struct {
		name string
		in   []byte
		want Fault
		log  string
	}{
		{"datagrams", append(dg(5), dg(0)...), ok, `[capsule 0 "ddddd" capsule 0 ""]`},
		{"datagram exactly as long", dg(100), ok, ""},
		{"datagram longer", dg(101), fCapsuleLong, ""},
		{"known", AppendCapsule(nil, 0x2000, []byte("hello")), ok, `[capsule 8192 of 5 piece 8192 5 "hello"]`},
		{"known and long", AppendCapsule(nil, 0x2000, make([]byte, 300)), ok, ""},
		{"known and empty", AppendCapsule(AppendCapsule(nil, 0x2000, nil), 0, nil), ok, `[capsule 8192 of 0 capsule 0 ""]`},
		{"as many unknown", bytes.Repeat(un, 5), ok, "[]"},
		{"one more", bytes.Repeat(un, 6), fCapsuleMany, "[error " + fCapsuleMany.Reason() + " at 40 left 8]"},
		{"unknown between others", bytes.Repeat(append(dg(1), un...), 30), ok, ""},
		{"unknown and long", AppendCapsule(nil, 0x17, make([]byte, 4*4096)), ok, "[]"},
		{"unknown and too long", AppendCapsule(nil, 0x17, make([]byte, 7*4096)), fCapsuleMany, ""},
		{"cut in the header", []byte{0}, fCapsuleCut, ""},
		{"cut in a datagram", dg(5)[:4], fCapsuleCut, ""},
		{"cut in a known one", AppendCapsule(nil, 0x2000, []byte("hello"))[:5], fCapsuleCut, ""},
		{"cut in an unknown one", un[:4], fCapsuleCut, ""},
		{"nothing", nil, ok, "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := capsules(l)
			if c.want != ok || bytes.Contains(c.in, un) || bytes.Contains(c.in, make([]byte, 4096)) {
				a.Encode = nil
			}
			if len(c.in) < 200 {
				codectest.Laws(t, a, c.in)
			} else {
				codectest.Check(t, a, c.in, 1)
			}
			var log codectest.Log
			in := a.New().(*capsuleInstance)
			src := c.in
			var err error
			for {
				var n int
				if n, err = in.c.Next(src, &in.ev); err != nil || in.ev.Kind == CapsuleNone {
					src = src[n:]
					break
				}
				src = src[n:]
				in.Render(&log)
			}
			if err == nil {
				err = in.c.Finish()
			}
			if got := in.Fault; err != nil && got(err).Reason != c.want.Reason() || (err == nil) != (c.want == ok) {
				t.Errorf("%v, want %q", err, c.want.Reason())
			}
			if err != nil {
				log.Event("error %s at %d", in.Fault(err).Reason, in.Fault(err).Off)
				log.Event("left %d", len(src))
			}
			if got := fmt.Sprint(log.Lines()); c.log != "" && got != c.log {
				t.Errorf("%s, want %s", got, c.log)
			}
		})
	}
	var c Capsules
	c.Init(nil)
	var ev CapsuleEvent
	if n, err := c.Next(dg(70000), &ev); err == nil || n != 0 || !errors.Is(err, ExcessiveLoad) || !errors.Is(c.Finish(), ExcessiveLoad) {
		t.Error("the default is no limit", n, err)
	}
}

func FuzzCapsules(f *testing.F) {
	f.Add([]byte("\x00\x05hello\x60\x00\x02ab\x17\x01z"), uint64(1))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		if len(in) > 1<<14 {
			return
		}
		a := capsules(&CapsuleLimits{Value: 50, Unknown: 3, Types: []CapsuleType{0x2000, 7}})
		a.Encode = nil // what is skipped is not encoded again
		codectest.Check(t, a, in, seed)
	})
}
