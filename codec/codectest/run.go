package codectest

import (
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strconv"
)

// TB is the part of testing.TB that the laws report to.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// maxIdle bounds how many events in a row may consume nothing before a codec counts as caught in a loop.
const maxIdle = 1024

// maxOwed is what the kit allows AppendOwed to append in one call, roughly.
const maxOwed = 1 << 16

// options vary how bytes are shown to a codec and what is looked at in between. The zero value shows one buffer that
// grows, as a good driver does.
type options struct {
	source   *source // how bytes are shown; nil: slices of one buffer
	poison   byte    // fill the event with this before each call; 0: leave it
	lent     bool    // check where the slices of events point
	tail     bool    // check MaxTail
	quiet    bool    // do not render: only count
	noSettle bool    // do not repeat the call that asked for more
	between  func(in Instance) string
}

// result is one run of a codec over one input.
type result struct {
	lines    []string
	fault    *Fault
	err      error
	consumed int
	events   int
	bad      string // a broken promise that ended the run
}

// cutter returns where the next piece ends, for a piece that begins at w.
type cutter func(w int) int

func whole(n int) cutter { return func(int) int { return n } }

func every(k int) cutter { return func(w int) int { return w + k } }

// at cuts at the given places, which ascend.
func at(ends ...int) cutter {
	return func(w int) int {
		if i, _ := slices.BinarySearch(ends, w+1); i < len(ends) {
			return ends[i]
		}
		return math.MaxInt
	}
}

// play runs input through the instance in pieces and returns what came of it. It recovers from panics of the codec.
func play(a *Adapter, in Instance, input []byte, next cutter, o options) (res result) {
	p := player{a: a, in: in, o: o, res: &res, total: len(input)}
	if o.source != nil && o.source.guard != nil {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	}
	defer func() {
		if v := recover(); v != nil {
			res.bad = fmt.Sprintf("panic: %v", v)
			res.lines = p.log.Lines()
		}
	}()
	p.buf = append(make([]byte, 0, len(input)), input...) // a codec that writes to src must not spoil the next run
	for {
		if p.w < len(input) {
			p.w = min(max(next(p.w), p.w+1), len(input))
		}
		if !p.feed() || p.w == len(input) {
			break
		}
	}
	p.finish()
	res.consumed = p.r
	res.lines = p.log.Lines()
	return res
}

type player struct {
	a     *Adapter
	in    Instance
	o     options
	log   Log
	res   *result
	buf   []byte
	r, w  int
	total int
	idle  int
}

// feed calls Next until it asks for more. It returns false when the codec is finished or a promise is broken.
func (p *player) feed() bool {
	for {
		got, n, ok := p.call()
		if !ok {
			return false
		}
		if !got {
			return p.settle() && p.tailFits()
		}
		if n == 0 {
			if p.idle++; p.idle > maxIdle {
				return p.broken("livelock: %d events in a row without consuming a byte", p.idle)
			}
		} else {
			p.idle = 0
		}
	}
}

// call makes one call of Next and looks at everything it may have broken.
func (p *player) call() (got bool, n int, ok bool) {
	if p.o.between != nil {
		if bad := p.o.between(p.in); bad != "" {
			return false, 0, p.broken("%s", bad)
		}
	}
	if p.o.poison != 0 {
		Poison(p.in.Event(), p.o.poison)
	}
	src := p.buf[p.r:p.w:p.w]
	shown := src
	if p.o.source != nil {
		shown = p.o.source.show(src)
	}
	n, got, err := p.in.Next(shown)
	switch {
	case n < 0 || n > len(src):
		return false, 0, p.broken("Next returned n=%d for %d bytes", n, len(src))
	case err != nil && got:
		return false, 0, p.broken("Next returned an event and an error in one call: the loop would lose the event")
	}
	if got && p.o.lent && !p.a.Scratch {
		if bad := lentOutside(p.in.Event(), shown[:n]); bad != "" {
			return false, 0, p.broken("%s", bad)
		}
	}
	if err != nil {
		p.fail(err)
	} else if got {
		p.res.events++
		if !p.o.quiet {
			p.in.Render(&p.log)
		}
	}
	if p.o.source != nil {
		if bad := p.o.source.done(p.a, src, shown, n); bad != "" {
			return false, 0, p.broken("%s", bad)
		}
	}
	p.r += n
	return got, n, err == nil
}

// settle repeats a call that asked for more: the same tail must not give anything.
func (p *player) settle() bool {
	if p.o.noSettle {
		return true
	}
	got, n, ok := p.call()
	if !ok {
		return p.broken("asked for more, then failed on the same bytes: %v", p.res.err)
	}
	if got || n != 0 {
		return p.broken("asked for more although the bytes it left give more: event %v, n=%d", got, n)
	}
	return true
}

func (p *player) tailFits() bool {
	if e, ok := p.in.(Ender); ok && e.Ended() {
		return true
	}
	if p.o.tail && p.a.MaxTail >= 0 && p.w-p.r > p.a.MaxTail {
		return p.broken("asked for more and left %d bytes, documented is at most %d", p.w-p.r, p.a.MaxTail)
	}
	return true
}

// finish tells the codec of the end of input if there is one, and collects what it owes.
func (p *player) finish() {
	if f, ok := p.in.(Finisher); ok && p.a.EOF && p.res.bad == "" && p.res.err == nil {
		for i := 0; ; i++ {
			if p.o.poison != 0 {
				Poison(p.in.Event(), p.o.poison)
			}
			got, err := f.Finish()
			if err != nil {
				p.fail(err)
				break
			}
			if !got {
				break
			}
			if p.res.events++; !p.o.quiet {
				p.in.Render(&p.log)
			}
			if i > maxIdle {
				p.broken("livelock: Finish gives events for ever")
				break
			}
		}
	}
	if p.res.bad != "" || p.o.quiet {
		return
	}
	if owed := drain(p.in); len(owed) > 0 {
		p.log.Event("owed %d %s", len(owed), Quote(owed))
	}
	if left := p.total - p.r; left > 0 {
		p.log.Event("left %d", left)
	}
}

// drain returns everything that the codec owes now.
func drain(in Instance) []byte {
	o, ok := in.(Ower)
	if !ok {
		return nil
	}
	var out []byte
	for range maxIdle {
		n := len(out)
		if out = o.AppendOwed(out, maxOwed); len(out) == n {
			break
		}
	}
	return out
}

func (p *player) fail(err error) {
	p.res.err = err
	f := p.in.Fault(err)
	p.res.fault = &f
	if p.o.quiet {
		return
	}
	at := ""
	if f.Off >= 0 {
		at = " at " + strconv.FormatInt(f.Off, 10)
	}
	if f.Misuse {
		at += " (misuse)"
	}
	p.log.Event("error %s%s", f.Reason, at)
}

func (p *player) broken(format string, args ...any) bool {
	if p.res.bad == "" {
		p.res.bad = fmt.Sprintf(format, args...)
	}
	return false
}

func itoa(n int) string { return strconv.Itoa(n) }
