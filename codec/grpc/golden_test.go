package grpc

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const corpusDir = "../../corpus/grpc"

type instance struct {
	d     Decoder
	ev    Event
	max   int64
	mode  Mode
	steps uint64
}

func (in *instance) Reset() {
	in.d.Init(in.max, in.mode)
	in.steps = 0
}

func (in *instance) Next(src []byte) (int, bool, error) {
	in.steps++
	n, err := in.d.Next(src, &in.ev)
	return n, err == nil && in.ev.Kind != None, err
}

func (in *instance) Finish() (bool, error) { return false, in.d.Finish(&in.ev) }
func (in *instance) Event() any            { return &in.ev }
func (in *instance) Steps() uint64         { return in.steps }

func (in *instance) Render(log *codectest.Log) {
	ev := &in.ev
	label := "message"
	if ev.Kind == Trailers {
		label = "trailers"
	}
	if ev.First {
		c := ""
		if ev.Compressed {
			c = " compressed"
		}
		log.Event("%s of %d%s", label, ev.Length, c)
	}
	if len(ev.Data) > 0 {
		log.Data("  data", ev.Data)
	}
	if ev.Last {
		log.Event("  end")
	}
}

func (in *instance) Fault(err error) codectest.Fault {
	var e *Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func adapt(m *codectest.Mode) (codectest.Adapter, error) {
	m.Has("plain")
	max := int64(m.Int("max"))
	var mode Mode
	if m.Has("compressed") {
		mode |= AcceptCompressed
	}
	if m.Has("web") {
		mode |= Web
	}
	a := codectest.Adapter{
		New: func() codectest.Instance {
			in := &instance{max: max, mode: mode}
			in.Reset()
			return in
		},
		MaxTail:  0,
		Work:     2, // a call for each byte, and one that finds nothing behind it
		WorkBase: 64,
		Calls: []codectest.Call{{Name: "questions", Do: func(i codectest.Instance) error {
			in := i.(*instance)
			in.d.Idle()
			in.d.Ended()
			return nil
		}}},
	}
	if max == 0 || max >= 12 {
		a.Script = script
	}
	return a, nil
}

func script() []codectest.AppendCall {
	msg := []byte("some message")
	want := func(log *codectest.Log) {
		log.Event("message of 12")
		log.Data("  data", msg)
		log.Event("  end")
	}
	return []codectest.AppendCall{
		{Name: "AppendMessage", Do: func(dst []byte) ([]byte, error) { return AppendMessage(dst, msg) }, Want: want},
		{Name: "AppendPrefix of 0", Do: func(dst []byte) ([]byte, error) { return AppendPrefix(dst, false, 0) },
			Want: func(log *codectest.Log) { log.Event("message of 0"); log.Event("  end") }},
		{Name: "AppendPrefix too big", Do: func(dst []byte) ([]byte, error) { return AppendPrefix(dst, false, -1) }},
	}
}

// Every case has the log in its file, every law holds on its input, and every failing branch of the decoder has a case.
func TestGolden(t *testing.T) {
	sum := codectest.RunGolden(t, corpusDir, adapt)
	if sum.Cases < 40 {
		t.Errorf("%d cases", sum.Cases)
	}
	for r := rFlag; r <= rTruncated; r++ {
		if sum.Reasons[reasons[r].text] == 0 {
			t.Errorf("no case is refused with %q", reasons[r].text)
		}
	}
}

// G-01: a stream that waits for a message costs next to nothing.
func TestDecoderIs24Bytes(t *testing.T) {
	if n := unsafe.Sizeof(Decoder{}); n != 24 {
		t.Errorf("a Decoder is %d bytes", n)
	}
}

func FuzzDecoder(f *testing.F) { codectest.FuzzSplit(f, corpusDir, adapt) }
