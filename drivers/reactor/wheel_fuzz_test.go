//go:build linux || darwin || freebsd

package reactor

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/purewire/purewire/codec"
)

// FuzzWheel runs a program on the timer wheel beside a plain list of deadlines. What must hold, after each step:
//
//   - a timer fires once for each time it was scheduled and not cancelled or moved, never before its tick, and by the time that advance
//     reports that it had fewer nodes than it might have handled, every timer that is due has fired
//   - a deadline armed as a loop arms it is reached when its timer fires, and no later than one tick (2^20 ns) behind it
//   - timers fire in the order of their ticks; those scheduled for a tick that has passed come when it is their turn
//   - next is never later than the earliest deadline, and moves: sleeping until then, again and again, gets to each timer
//   - the lists are whole: as many nodes as the wheel counts, each in a slot that opens no later than its tick, in slots that are marked
//   - the work is bounded: a timer is looked at once for each level it passes, and once for each 2^27 ticks beyond the wheel
func FuzzWheel(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x00\x00\x01\x00\x00\x01\x01\x09\xff\x04\x02\x05\x03"))
	f.Add([]byte("\xff\x00\x02\x0a\x80\x00\x03\x10\x80\x00\x04\x16\x80\x00\x05\x1c\x80\x05\x05\x05\x05\x04\x1d\xff\x04\x1d\xff"))
	f.Add([]byte("\x40\x01\x00\x2a\xff\x01\x01\x2a\xff\x04\x28\xff\x04\x28\xff\x06\x06\x06"))
	rng := rand.New(rand.NewPCG(7, 'w'))
	for range 24 {
		b := make([]byte, 600)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		p := newWheelProgram(t, data)
		for len(p.data) > 0 {
			p.step()
			p.check()
		}
		p.sleepers()
	})
}

// lastTick is where the programs' time ends, 139 years from its beginning: ticks in nanoseconds are still far from the end of codec.Time.
const lastTick = 1 << 42

// plan is a timer, and what is expected of it.
type plan struct {
	t        timer[plan]
	id       int
	armed    bool
	late     bool // scheduled for a tick that had passed
	tick     int64
	deadline codec.Time // 0: scheduled by tick
	since    int64      // cur when it was scheduled
	script   byte       // what it does when it fires
	again    int        // how often it still does that
}

type wheelProgram struct {
	t     *testing.T
	data  []byte
	w     wheel[plan]
	plans [24]plan
	now   int64 // tick of the last advance
	last  int64 // tick of the timer that fired last in order
	fired int
	bound int64 // how many steps the timers that live may still cost
}

func newWheelProgram(t *testing.T, data []byte) *wheelProgram {
	p := &wheelProgram{t: t, data: data}
	p.now = p.span() // where the clock begins
	p.w.init(p.now)
	for i := range p.plans {
		p.plans[i].id = i
		p.plans[i].t.owner = &p.plans[i]
	}
	return p
}

func (p *wheelProgram) byte() byte {
	if len(p.data) == 0 {
		return 0
	}
	b := p.data[0]
	p.data = p.data[1:]
	return b
}

// span is a number of ticks: of any size up to 2^35, often at the edge of a level.
func (p *wheelProgram) span() int64 {
	size, fine := p.byte(), int64(p.byte())
	n := int64(1) << (size & 63 % 36)
	switch size >> 6 {
	case 0:
		return n - 1 + fine%3
	case 1:
		return n/256*fine + fine%2
	case 2:
		return n - n/512*fine
	}
	return fine
}

func (p *wheelProgram) step() {
	op := p.byte()
	x := &p.plans[int(op>>3)%len(p.plans)]
	switch op & 7 {
	case 0:
		p.schedule(x, p.now+p.span())
	case 1: // at the edge of a slot of some level, or beside it
		s := shift(int(p.byte()) % levels)
		p.schedule(x, (p.now+p.span())>>s<<s+int64(p.byte()%3)-1)
	case 2: // in the past
		p.schedule(x, max(0, p.now-p.span()))
	case 3:
		p.cancel(x)
	case 4:
		p.advance(min(p.now+p.span(), lastTick), 1+int(p.byte()))
	case 5: // time stands still, or goes on to what comes next
		to := p.now
		if n, ok := p.w.next(); ok && p.byte()&1 == 1 {
			to = max(to, n)
		}
		p.advance(to, 1+int(p.byte()))
	case 6:
		d := codec.Time(p.now<<tickShift + p.span()<<(tickShift-8))
		if p.byte() == 0xff {
			d = math.MaxInt64 // where the sums of codec.Time end
		}
		p.arm(x, d)
	case 7:
		x.script, x.again = p.byte(), 8
	}
}

func (p *wheelProgram) schedule(x *plan, tick int64) {
	x.armed, x.tick, x.deadline, x.late, x.since = true, tick, codec.Never, tick <= p.w.cur, p.w.cur
	p.bound += p.cost(x)
	p.w.schedule(&x.t, tick)
}

// cost is the most steps that a timer may take until it fires.
func (p *wheelProgram) cost(x *plan) int64 {
	return levels + 2 + max(0, x.tick-x.since)>>(shift(levels-1)+bitsN-1)
}

// arm follows loop.arm.
func (p *wheelProgram) arm(x *plan, d codec.Time) {
	tick := max(int64(d)>>tickShift+1, p.w.cur+1)
	if !x.t.scheduled() || tick < x.t.when {
		p.schedule(x, tick)
		x.deadline = max(d, 1)
	}
}

func (p *wheelProgram) cancel(x *plan) {
	x.armed = false
	p.w.cancel(&x.t)
}

func (p *wheelProgram) fire(x *plan) {
	switch {
	case !x.armed:
		p.t.Fatalf("timer %d fired without being armed", x.id)
	case x.t.scheduled():
		p.t.Fatalf("timer %d is in the wheel while it fires", x.id)
	case x.tick > p.now || x.tick > p.w.cur:
		p.t.Fatalf("timer %d for tick %d fired at %d, of %d", x.id, x.tick, p.w.cur, p.now)
	case x.deadline != codec.Never && !x.deadline.Reached(codec.Time(p.now<<tickShift)):
		p.t.Fatalf("timer %d: its deadline %d is not reached at tick %d", x.id, x.deadline, p.now)
	case !x.late && x.tick < p.last:
		p.t.Fatalf("timer %d for tick %d fired behind one for %d", x.id, x.tick, p.last)
	case !x.late && p.w.cur != x.tick:
		p.t.Fatalf("timer %d for tick %d fired when the wheel stood at %d", x.id, x.tick, p.w.cur)
	}
	if !x.late {
		p.last = x.tick
	}
	x.armed = false
	p.fired++
	if x.again--; x.again < 0 {
		return
	}
	other := &p.plans[int(x.script>>3)%len(p.plans)]
	switch x.script & 7 { // a machine may do anything when its time has come
	case 1:
		p.schedule(x, p.w.cur+int64(x.script))
	case 2:
		p.schedule(other, p.w.cur+1)
	case 3:
		p.cancel(other)
	case 4:
		p.schedule(other, p.w.cur+size0)
	case 5:
		p.arm(x, codec.Time(p.w.cur<<tickShift+1))
	case 6:
		p.schedule(other, p.w.cur)
	}
}

// advance brings the wheel to tick now in turns of at most most nodes each.
func (p *wheelProgram) advance(now int64, most int) {
	p.now = max(p.now, now)
	for turn := 0; ; turn++ {
		n := p.w.advance(now, most, p.fire)
		if n > most || n < 0 {
			p.t.Fatalf("%d steps in a turn of %d", n, most)
		}
		if p.bound -= int64(n); p.bound < 0 {
			p.t.Fatalf("timers were looked at more often than levels explain")
		}
		if n < most {
			break
		}
		if p.byte() == 0xff {
			return // the rest in a later turn
		}
		if turn < 8 {
			p.check()
		}
	}
	for i := range p.plans {
		if x := &p.plans[i]; x.armed && x.tick <= now {
			p.t.Fatalf("timer %d for tick %d did not fire by %d", i, x.tick, now)
		} else if x.armed && x.deadline != codec.Never && now > int64(x.deadline)>>tickShift+1 {
			p.t.Fatalf("timer %d: its deadline %d passed more than a tick ago, at tick %d", i, x.deadline, now)
		}
	}
}

func (p *wheelProgram) earliest() (int64, bool) {
	first, ok := int64(0), false
	for i := range p.plans {
		if x := &p.plans[i]; x.armed && (!ok || x.tick < first) {
			first, ok = x.tick, true
		}
	}
	return first, ok
}

// check compares the wheel with the list.
func (p *wheelProgram) check() {
	w := &p.w
	first, some := p.earliest()
	n, ok := w.next()
	if ok != some || ok && (n > max(first, w.cur) || n < w.cur) {
		p.t.Fatalf("next is %d, %v; the earliest is %d, %v; the wheel stands at %d", n, ok, first, some, w.cur)
	}
	armed, counted := 0, 0
	for i := range p.plans {
		if p.plans[i].armed != p.plans[i].t.scheduled() {
			p.t.Fatalf("timer %d: armed %v, in the wheel %v", i, p.plans[i].armed, !p.plans[i].armed)
		}
		if p.plans[i].armed {
			armed++
		}
	}
	ring := func(head *timer[plan], marked bool, opens int64) {
		for x := head; ; x = x.next {
			if x.next.prev != x {
				p.t.Fatal("a list is torn")
			}
			if x.next == head {
				return
			}
			if counted++; counted > armed {
				p.t.Fatalf("more nodes in the lists than the %d armed", armed)
			}
			if o := x.next.owner; x.next.when != o.tick || o.tick < opens || !marked {
				p.t.Fatalf("timer %d for tick %d (the node says %d) in a slot that opens at %d, marked %v", o.id, o.tick, x.next.when, opens, marked)
			}
		}
	}
	ring(&w.todo, true, math.MinInt64)
	for i := range int64(size0) {
		ring(&w.slot0[i], w.map0[i>>6]>>(i&63)&1 == 1, w.cur+1+(i-w.cur-1)&(size0-1))
	}
	for l := range levels {
		c := w.cur>>shift(l) + 1
		for i := range int64(sizeN) {
			ring(&w.slotN[l][i], w.mapN[l]>>uint(i)&1 == 1, (c+(i-c)&(sizeN-1))<<shift(l))
		}
	}
	if counted != armed || armed != w.n {
		p.t.Fatalf("%d armed, %d in the lists, the wheel counts %d", armed, counted, w.n)
	}
}

// sleepers does what a loop does that has nothing but timers: sleep until next, advance, again. Each timer fires in the very turn that its
// tick comes, and the wheel is empty in the end.
func (p *wheelProgram) sleepers() {
	for i := range p.plans {
		if p.plans[i].again = 0; p.plans[i].tick > p.now+1<<37 {
			p.cancel(&p.plans[i]) // would be looked at too often on the way there
		}
	}
	for {
		n, ok := p.w.next()
		if !ok {
			break
		}
		first, _ := p.earliest()
		before, todo := p.w.cur, p.w.todo.next != &p.w.todo
		p.advance(max(n, p.now), 256)
		if p.w.cur == before && !todo {
			p.t.Fatalf("next says %d, but the wheel stays at %d; the earliest is %d", n, before, first)
		}
	}
	if first, some := p.earliest(); some {
		p.t.Fatalf("the wheel is empty, but one for %d was not fired", first)
	}
	p.check()
}
