package codectest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

// bug is a planted fault of the toy codec.
type bug int

const (
	noBug bug = iota
	bugLostTail
	bugDoubleFeed
	bugLookAhead
	bugOverread
	bugRetained
	bugRescan
	bugCallWork
	bugBufferLimit
	bugAllocOnError
	bugAllocSteady
	bugAllocEncode
	bugNotSticky
	bugOwesAfterError
	bugEatsAfterError
	bugFinishForgets
	bugEventLost
	bugEventAndError
	bugDstPrefix
	bugDstRead
	bugDstTruncated
	bugDstOnError
	bugStateOnError
	bugOwedWritesPrefix
	bugTooMuch
	bugNegative
	bugLongTail
	bugMisuseChanges
	bugPeerMisuse
	bugOffset
	bugWritesSrc
	bugEarlyNone
	bugLivelock
	bugInexact
	bugStaleField
	bugForeignSlice
	bugPanic
	bugEmptyData
	bugResetForgets
)

// beforeNext is where bugs change what the decoder sees.
func (d *toy) beforeNext(src []byte) []byte {
	switch d.bug {
	case bugLookAhead:
		if !d.body {
			return src[:min(cap(src), len(src)+1)][:len(src)+min(1, cap(src)-len(src))]
		}
	case bugOverread:
		if len(src) > 0 {
			d.turn += int(peek(src))
		}
	case bugRescan:
		d.scan = 0
	case bugCallWork:
		d.steps += uint64(len(src)) + 8
	case bugBufferLimit:
		if !d.body && len(src) > 200 {
			d.fail("toy-1: line too long", d.off+toyLine)
			return nil
		}
	case bugPanic:
		if len(src) == 1 && d.left == 1 {
			var none []byte
			_ = none[d.left]
		}
	}
	return src
}

// peek reads the byte behind src, as a kernel in assembly could: out of sight of bounds checks, checkptr and the race
// detector.
//
//go:norace
//go:nocheckptr
//go:noinline
func peek(src []byte) byte {
	return *(*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), len(src)))
}

// wait is what happens when a line is not complete.
func (d *toy) wait(src []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	switch d.bug {
	case bugLostTail:
		return len(src), nil
	case bugRetained:
		d.keep = src
	}
	return 0, nil
}

func (d *toy) nextAfterError(src []byte) (int, error) {
	err := d.err
	switch d.bug {
	case bugNotSticky:
		d.err = nil
	case bugOwesAfterError:
		d.pong += bytes.Count(src, []byte("PING"))
	case bugEatsAfterError:
		return len(src), err
	}
	return 0, err
}

func (d *toy) offsetBug(src []byte) int64 {
	if d.bug == bugOffset {
		return int64(len(src))
	}
	return 0
}

func (d *toy) bodyBug(src []byte, ev *toyEvent, n int) (int, error, bool) {
	switch d.bug {
	case bugDoubleFeed:
		d.left -= n
		d.end = d.left == 0
		ev.Kind, ev.Text = toyData, src[:n]
		return n - 1, nil, true
	case bugLongTail:
		if len(src) < d.left {
			return 0, nil, true
		}
	case bugEmptyData:
		if d.turn++; d.turn%2 == 0 {
			ev.Kind, ev.Text = toyData, nil
			return 0, nil, true
		}
	}
	return 0, nil, false
}

func (d *toy) lineBug(line, behind []byte, ev *toyEvent) (int, error, bool) {
	switch d.bug {
	case bugRetained:
		if len(d.keep) > 0 && bytes.HasPrefix(line, []byte("SAY ")) {
			text := append(d.extra[:0], d.keep...)
			d.extra = append(text, line[len(d.keep):]...)
			copy(line, d.extra) // what the caller sees comes from the slice that was kept
			d.keep = nil
		}
	case bugEventLost:
		if len(behind) > 0 && behind[0] < ' ' {
			m, err := d.fail("toy-4: control byte", d.off+int64(len(line))+1)
			return m, err, true
		}
	case bugEventAndError:
		if bytes.Equal(line, []byte("WHAT")) {
			ev.Kind, ev.Text = toySay, line
			m, err := d.fail("toy-2: unknown verb", d.off)
			return m, err, true
		}
	case bugWritesSrc:
		copy(line, bytes.ToLower(line[:min(1, len(line))]))
		copy(line, bytes.ToUpper(line[:min(1, len(line))]))
		if len(line) > 5 {
			line[5] ^= 0x20
		}
	case bugEarlyNone:
		if d.turn++; d.turn%2 == 0 {
			return 0, nil, true
		}
	case bugLivelock:
		if string(line) == "PING" {
			ev.Kind, d.scan = toyPing, 0
			return 0, nil, true
		}
	case bugAllocSteady:
		d.keep = append([]byte(nil), line...)
	}
	return 0, nil, false
}

func (d *toy) textBug(ev *toyEvent) {
	if d.bug == bugForeignSlice {
		d.extra = append(d.extra[:0], ev.Text...)
		ev.Text = d.extra
	}
}

func (d *toy) afterNext(src []byte, ev *toyEvent, n int, err error) (int, error) {
	switch {
	case d.bug == bugTooMuch && ev.Kind == toySay:
		return n + len(src), err
	case d.bug == bugNegative && ev.Kind == toyData && n == 1:
		return -1, err
	}
	return n, err
}

// recorder is a TB that keeps what is reported.
type recorder struct{ reports []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.reports = append(r.reports, fmt.Sprintf(format, args...))
}

var toyInputs = []string{
	"",
	"SAY hi\n",
	"PING\nPING\nADD a b cc\nADD\nSAY  x \n",
	"PUT 5\nhelloPUT 0\nSAY " + strings.Repeat("x", toyLine-4) + "\nPING\n",
	"SAY hi\nADD one two\nWHAT\nSAY no\nPING\n",
	"SAY a\n\x01SAY b\n",
	"SAY " + strings.Repeat("x", toyLine-3) + "\n",
	"PUT 12x\n",
	"SAY hi\nBYE\n" + strings.Repeat("PING\n", 40),
	"PUT 300\n" + strings.Repeat("abc", 100) + "SAY done\nSAY cut o",
	strings.Repeat("SAY "+strings.Repeat("y", 50)+"\n", 60) + "\x00",
}

func TestToyKeepsTheLaws(t *testing.T) {
	for _, eof := range []bool{false, true} {
		for _, input := range toyInputs {
			a := toyAdapter(noBug)
			a.EOF = eof
			Laws(t, a, []byte(input))
		}
	}
}

// TestMutants plants each fault in the toy codec and checks that the law that forbids it is the one that finds it.
func TestMutants(t *testing.T) {
	mutants := []struct {
		bug  bug
		name string
		law  string
		find func(TB, Adapter, []byte)
		says string // part of the report
	}{
		{bugLostTail, "an incomplete line is consumed", "split", Split, "differs"},
		{bugDoubleFeed, "a byte of the body is given twice", "split", Split, ""},
		{bugBufferLimit, "a limit is measured on the buffer", "split", Split, ""},
		{bugEventLost, "an event is lost to the error behind it", "split", Split, "differs"},
		{bugEventAndError, "an event and an error in one call", "split", Split, "lose the event"},
		{bugTooMuch, "consumes more than it was shown", "split", Split, "returned n="},
		{bugNegative, "consumes less than nothing", "split", Split, "returned n=-1"},
		{bugOffset, "the error's offset depends on the cut", "split", Split, "toy-4"},
		{bugEarlyNone, "asks for more although a line is there", "split", Split, "asked for more"},
		{bugLivelock, "the same event for ever", "split", Split, "livelock"},
		{bugPanic, "panics at one cut", "split", Split, "panic"},
		{bugEmptyData, "an empty piece of data at some cuts", "split", Split, "differs"},
		{bugLookAhead, "looks at a byte behind the end of src", "retention", Retention, ""},
		{bugOverread, "reads behind the end past all bounds checks", "retention", Retention, "guard page"},
		{bugRetained, "keeps a slice of src", "retention", Retention, ""},
		{bugLongTail, "awaits a whole body in the caller's buffer", "retention", Retention, "documented is at most 64"},
		{bugRescan, "scans a line from its start at each call", "linear", Linear, "steps for"},
		{bugCallWork, "works on the whole buffer at each call", "linear", Linear, "steps for"},
		{bugAllocOnError, "allocates an error", "silence", Silence, "allocations"},
		{bugAllocSteady, "allocates for a line", "silence", Silence, "allocations"},
		{bugAllocEncode, "allocates when encoding", "silence", Silence, "encoder script"},
		{bugWritesSrc, "writes to src", "lent", Lent, "wrote to src"},
		{bugForeignSlice, "lends its own memory", "lent", Lent, "lies outside"},
		{bugStaleField, "leaves a field of the event as it was", "lent", Lent, "begin"},
		{bugDstPrefix, "writes to the front of dst", "append", Append, "wrote to dst"},
		{bugDstRead, "looks at the front of dst", "append", Append, "otherwise"},
		{bugDstTruncated, "drops the front of dst", "append", Append, "dst"},
		{bugDstOnError, "returns a longer dst on error", "append", Append, "unchanged"},
		{bugStateOnError, "the encoder changes on error", "append", Append, ""},
		{bugOwedWritesPrefix, "AppendOwed writes to the front of dst", "append", Append, "AppendOwed"},
		{bugNotSticky, "forgets its error", "sticky", Sticky, ""},
		{bugOwesAfterError, "goes on answering after the error", "sticky", Sticky, "owe"},
		{bugEatsAfterError, "goes on consuming after the error", "sticky", Sticky, "consumed"},
		{bugFinishForgets, "Finish is content after the error", "sticky", Sticky, "Finish"},
		{bugMisuseChanges, "a refused call changes the state", "idempotent", Idempotent, "Resume"},
		{bugPeerMisuse, "blames the caller for the peer's bytes", "idempotent", Idempotent, "misuse"},
		{bugResetForgets, "Reset forgets a state", "idempotent", Idempotent, "Reset"},
		{bugInexact, "drops a space when encoding", "round trip", RoundTrip, "another log"},
	}
	if len(mutants) != int(bugResetForgets) {
		t.Fatalf("%d bugs, %d of them in the table", bugResetForgets, len(mutants))
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			var r recorder
			for _, input := range toyInputs {
				m.find(&r, toyAdapter(m.bug), []byte(input))
			}
			if len(r.reports) == 0 {
				t.Fatal("not found")
			}
			all := strings.Join(r.reports, "\n")
			if !strings.HasPrefix(r.reports[0], "law "+m.law+": ") || !strings.Contains(all, m.says) {
				t.Errorf("reported as\n%s", all)
			}
			t.Log(clip(r.reports[0], 300))
		})
	}
}

// TestNoEncoding: an event without encoding ends the check of the round trip, another error of the encoder is reported.
func TestNoEncoding(t *testing.T) {
	for err, reports := range map[error]int{ErrNoEncoding: 0, errors.New("no room"): 1} {
		a := toyAdapter(bugInexact)
		a.Script = nil
		a.Encode = func() func([]byte, Instance) ([]byte, error) {
			return func(dst []byte, _ Instance) ([]byte, error) { return dst, err }
		}
		var r recorder
		RoundTrip(&r, a, []byte(toyInputs[1]))
		if len(r.reports) != reports {
			t.Errorf("%v: %q", err, r.reports)
		}
	}
}
