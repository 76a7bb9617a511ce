package codectest_test

import (
	"bytes"
	"fmt"

	"github.com/purewire/purewire/codec/codectest"
)

// lines is a codec for lines that end with LF. It has a fault: it looks at each byte of a line again at each call.
type lines struct {
	line  []byte // the event: a view of the line
	steps uint64
}

func (l *lines) next(src []byte) (n int, ok bool) {
	i := bytes.IndexByte(src, '\n')
	l.steps += uint64(len(src))
	if i < 0 {
		return 0, false
	}
	l.steps -= uint64(len(src) - i - 1)
	l.line = src[:i]
	return i + 1, true
}

// adapted is lines in the form that the kit wants.
type adapted struct {
	l  lines
	ev struct{ Line []byte }
}

func (a *adapted) Next(src []byte) (int, bool, error) {
	n, ok := a.l.next(src)
	a.ev.Line = a.l.line
	return n, ok, nil
}

func (a *adapted) Event() any                { return &a.ev }
func (a *adapted) Render(log *codectest.Log) { log.Event("line %s", codectest.Quote(a.ev.Line)) }
func (a *adapted) Fault(err error) codectest.Fault {
	return codectest.Fault{Reason: err.Error(), Off: -1}
}
func (a *adapted) Reset()        { a.l = lines{} }
func (a *adapted) Steps() uint64 { return a.l.steps }

// printer stands for *testing.T here.
type printer struct{}

func (printer) Helper()                           {}
func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func Example() {
	adapter := codectest.Adapter{
		New:     func() codectest.Instance { return new(adapted) },
		MaxTail: -1, // a line may be as long as it likes
		Work:    3,
	}
	codectest.Laws(printer{}, adapter, []byte("hello\nworld\n"))
	// Output:
	// law linear: in pieces of 1: 42 steps for 12 bytes, at most 3*n+0 = 36 allowed
}
