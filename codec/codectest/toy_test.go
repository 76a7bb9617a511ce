package codectest

import (
	"bytes"
	"errors"
	"strconv"
)

// The toy protocol of these tests. A line ends with LF and has at most 64 bytes:
//
//	SAY text      an event with a view of the text
//	ADD a b c     an event with a list of views
//	PING          an event; PONG is owed
//	PUT n         n bytes follow, lent as they arrive
//	BYE           the end: the rest belongs to another protocol
//
// Bytes below 32 are an error where they are. toy keeps all laws unless it has a bug.
type toy struct {
	err    *toyError
	store  toyError
	off    int64 // of src[0] in the input
	scan   int   // bytes of src that were looked at
	left   int   // of a body
	body   bool
	end    bool
	bye    bool
	pong   int
	paused bool
	steps  uint64

	bug   bug
	keep  []byte
	turn  int
	extra []byte
}

type toyKind uint8

const (
	toyNone toyKind = iota
	toySay
	toyAdd
	toyPing
	toyBegin
	toyData
	toyEnd
	toyBye
)

type toyItem struct{ Value []byte }

type toyEvent struct {
	Kind  toyKind
	Text  []byte
	Len   int
	Items []toyItem
}

type toyError struct {
	Reason string
	Off    int64
	Misuse bool
}

func (e *toyError) Error() string { return e.Reason }

var errPaused = &toyError{Reason: "toy-9: not paused", Off: -1, Misuse: true}

const toyLine = 64

func (d *toy) fail(reason string, off int64) (int, error) {
	d.store = toyError{Reason: reason, Off: off}
	d.err = &d.store
	switch d.bug {
	case bugAllocOnError:
		d.err = &toyError{Reason: reason, Off: off}
	case bugPeerMisuse:
		d.store.Misuse = true
	}
	return 0, d.err
}

func (d *toy) Next(src []byte, ev *toyEvent) (int, error) {
	n, err := d.next(src, ev)
	d.off += int64(n)
	if n > 0 {
		d.scan = max(0, d.scan-n)
	}
	return d.afterNext(src, ev, n, err)
}

func (d *toy) next(src []byte, ev *toyEvent) (int, error) {
	ev.Kind = toyNone
	if d.err != nil {
		return d.nextAfterError(src)
	}
	if d.bye || d.paused {
		return 0, nil
	}
	src = d.beforeNext(src)
	if d.body {
		return d.nextBody(src, ev)
	}
	for i := d.scan; i < len(src); i++ {
		d.steps++
		c := src[i]
		switch {
		case c == '\n':
			d.scan = i + 1
			return d.line(src[:i], src[i+1:], ev)
		case i >= toyLine:
			return d.fail("toy-1: line too long", d.off+toyLine)
		case c < ' ':
			return d.fail("toy-4: control byte", d.off+int64(i)+d.offsetBug(src))
		}
	}
	d.scan = len(src)
	return d.wait(src)
}

func (d *toy) nextBody(src []byte, ev *toyEvent) (int, error) {
	n := min(len(src), d.left)
	switch {
	case d.end:
		d.body, d.end, d.paused = false, false, true
		ev.Kind = toyEnd
		return 0, nil
	case n == 0:
		return 0, nil
	}
	if m, err, done := d.bodyBug(src, ev, n); done {
		return m, err
	}
	d.left -= n
	d.end = d.left == 0
	d.steps++
	ev.Kind, ev.Text = toyData, src[:n]
	return n, nil
}

// line takes a whole line without its LF; behind is what follows.
func (d *toy) line(line, behind []byte, ev *toyEvent) (int, error) {
	n := len(line) + 1
	if m, err, done := d.lineBug(line, behind, ev); done {
		return m, err
	}
	verb, rest, more := bytes.Cut(line, []byte(" "))
	switch string(verb) {
	case "SAY":
		ev.Kind, ev.Text = toySay, rest
		d.textBug(ev)
	case "ADD":
		ev.Kind, ev.Items = toyAdd, ev.Items[:0]
		for more {
			var item []byte
			item, rest, more = bytes.Cut(rest, []byte(" "))
			ev.Items = append(ev.Items, toyItem{item})
		}
	case "PING":
		ev.Kind = toyPing
		d.pong++
	case "PUT":
		size, ok := toyNumber(rest)
		if !ok {
			return d.fail("toy-3: bad length", d.off+4)
		}
		ev.Kind = toyBegin
		if d.bug != bugStaleField || size > 0 {
			ev.Len = size
		}
		d.body, d.left, d.end = true, size, size == 0
	case "BYE":
		d.bye = true
		ev.Kind = toyBye
	default:
		return d.fail("toy-2: unknown verb", d.off)
	}
	return n, nil
}

func toyNumber(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' || n > 1e6 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0
}

func (d *toy) Finish(ev *toyEvent) error {
	ev.Kind = toyNone
	if d.err != nil {
		if d.bug == bugFinishForgets {
			return nil
		}
		return d.err
	}
	if d.body || d.scan > 0 {
		_, err := d.fail("toy-5: cut off", d.off+int64(d.scan))
		return err
	}
	return nil
}

// Resume makes the decoder go on after toyEnd.
func (d *toy) Resume() error {
	if d.err != nil {
		return d.err
	}
	if !d.paused {
		if d.bug == bugMisuseChanges {
			d.body, d.left = false, 0
		}
		return errPaused
	}
	d.paused = false
	return nil
}

func (d *toy) AppendOwed(dst []byte, max int) []byte {
	if d.bug == bugOwedWritesPrefix && len(dst) > 0 {
		dst[len(dst)-1] = ' '
	}
	for ; d.pong > 0 && max > 0; d.pong-- {
		dst = append(dst, "PONG\n"...)
		max -= 5
	}
	return dst
}

// toyEnc is the encoding side.
type toyEnc struct {
	left int
	bug  bug
	keep []byte
}

var errToyEnc = errors.New("toy: cannot be sent")

func (e *toyEnc) AppendSay(dst []byte, text []byte) ([]byte, error) {
	if e.bug == bugDstOnError {
		dst = append(dst, "SAY "...)
	}
	if e.left > 0 || len(text) > toyLine-4 || bytes.ContainsAny(text, "\n\r\x00") {
		return dst, errToyEnc
	}
	switch e.bug {
	case bugDstOnError:
		return append(append(dst, text...), '\n'), nil
	case bugDstPrefix:
		if len(dst) > 0 {
			dst[0] = 'S'
		}
	case bugDstRead:
		if len(dst) > 0 && dst[len(dst)-1] == '\n' {
			dst = append(dst, "PING\n"...)
		}
	case bugDstTruncated:
		dst = dst[:0]
	case bugInexact:
		text = bytes.TrimRight(text, " ")
	case bugAllocEncode:
		e.keep = append([]byte(nil), text...)
	}
	dst = append(dst, "SAY "...)
	dst = append(dst, text...)
	return append(dst, '\n'), nil
}

func (e *toyEnc) AppendBegin(dst []byte, n int) ([]byte, error) {
	if e.left > 0 || n < 0 {
		return dst, errToyEnc
	}
	e.left = n
	return append(strconv.AppendInt(append(dst, "PUT "...), int64(n), 10), '\n'), nil
}

func (e *toyEnc) AppendData(dst, p []byte) ([]byte, error) {
	if e.bug == bugStateOnError {
		e.left -= len(p)
		if e.left < 0 {
			return dst, errToyEnc
		}
		return append(dst, p...), nil
	}
	if len(p) > e.left {
		return dst, errToyEnc
	}
	e.left -= len(p)
	return append(dst, p...), nil
}

// AppendEvent encodes what in has just reported.
func (e *toyEnc) AppendEvent(dst []byte, in Instance) ([]byte, error) {
	ev := in.(*toyInst).ev
	switch ev.Kind {
	case toySay:
		return e.AppendSay(dst, ev.Text)
	case toyAdd:
		dst = append(dst, "ADD"...)
		for _, it := range ev.Items {
			dst = append(append(dst, ' '), it.Value...)
		}
		return append(dst, '\n'), nil
	case toyPing:
		return append(dst, "PING\n"...), nil
	case toyBegin:
		return e.AppendBegin(dst, ev.Len)
	case toyData:
		return e.AppendData(dst, ev.Text)
	case toyBye:
		return append(dst, "BYE\n"...), nil
	}
	return dst, nil
}

// toyInst adapts toy.
type toyInst struct {
	d  toy
	ev toyEvent
}

func (i *toyInst) Next(src []byte) (int, bool, error) {
	if i.d.paused {
		i.d.Resume()
	}
	n, err := i.d.Next(src, &i.ev)
	return n, i.ev.Kind != toyNone, err
}

func (i *toyInst) Event() any                            { return &i.ev }
func (i *toyInst) Steps() uint64                         { return i.d.steps }
func (i *toyInst) Ended() bool                           { return i.d.bye }
func (i *toyInst) AppendOwed(dst []byte, max int) []byte { return i.d.AppendOwed(dst, max) }
func (i *toyInst) Finish() (bool, error)                 { err := i.d.Finish(&i.ev); return i.ev.Kind != toyNone, err }
func (i *toyInst) Fault(err error) Fault {
	e := err.(*toyError)
	return Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Misuse}
}

func (i *toyInst) Reset() {
	scan := i.d.scan
	i.d = toy{bug: i.d.bug, extra: i.d.extra[:0]}
	if i.d.bug == bugResetForgets {
		i.d.scan = scan
	}
}

func (i *toyInst) Render(log *Log) {
	switch ev := &i.ev; ev.Kind {
	case toySay:
		log.Event("say %s", Quote(ev.Text))
	case toyAdd:
		log.Event("add")
		for _, it := range ev.Items {
			log.Event("  %s", Quote(it.Value))
		}
	case toyPing:
		log.Event("ping")
	case toyBegin:
		log.Event("begin %d", ev.Len)
	case toyData:
		log.Data("data", ev.Text)
	case toyEnd:
		log.Event("end")
	case toyBye:
		log.Event("bye")
	}
}

// toyAdapter adapts a toy with a bug, 0 for none.
func toyAdapter(b bug) Adapter {
	return Adapter{
		New:     func() Instance { return &toyInst{d: toy{bug: b}} },
		MaxTail: toyLine,
		Work:    2, WorkBase: 16,
		Calls: []Call{{"Resume", func(in Instance) error { return in.(*toyInst).d.Resume() }}},
		Script: func() []AppendCall {
			e := &toyEnc{bug: b}
			say := func(s string) AppendCall {
				return AppendCall{"AppendSay", func(dst []byte) ([]byte, error) { return e.AppendSay(dst, []byte(s)) },
					func(log *Log) { log.Event("say %s", Quote([]byte(s))) }}
			}
			data := func(s string) AppendCall {
				return AppendCall{"AppendData", func(dst []byte) ([]byte, error) { return e.AppendData(dst, []byte(s)) },
					func(log *Log) {
						log.Data("data", []byte(s))
						if e.left == 0 && s == "lo" {
							log.Event("end")
						}
					}}
			}
			begin := AppendCall{"AppendBegin", func(dst []byte) ([]byte, error) { return e.AppendBegin(dst, 5) },
				func(log *Log) { log.Event("begin 5") }}
			return []AppendCall{say("hi "), say("evil\nBYE"), begin, say("too early"), data("hel"), data("too much"), data("lo"), say("")}
		},
		Encode: func() func([]byte, Instance) ([]byte, error) { e := &toyEnc{bug: b}; return e.AppendEvent },
	}
}
