//go:build linux || darwin || freebsd

package reactor

import "math/bits"

// The timer wheel: four levels of slots, 512 x 1 tick, then 64 slots each of 512, 32768 and 2097152 ticks. A tick is 2^20 ns
// (about a millisecond), so the wheel spans 39 hours; later timers wait in the farthest slot and are looked at again.
//
// Timers are intrusive nodes in circular lists: schedule and cancel are O(1) and allocate nothing. Owners re-arm lazily: they leave
// the node where it is while their deadline moves back, and look again when it fires. advance does a bounded number of steps per
// call: cascading and firing take nodes from one work list, and what does not fit stays there.
const (
	tickShift = 20
	bits0     = 9
	bitsN     = 6
	size0     = 1 << bits0
	sizeN     = 1 << bitsN
	levels    = 3 // above level 0
)

// timer is a node; owner is told when it fires. The zero value is ready and not scheduled.
type timer[T any] struct {
	next, prev *timer[T]
	when       int64 // tick
	owner      *T
}

// scheduled reports whether the timer is in a wheel.
func (t *timer[T]) scheduled() bool { return t.next != nil }

type wheel[T any] struct {
	cur   int64 // every tick up to and including cur has been moved to todo
	n     int   // timers scheduled
	todo  timer[T]
	map0  [size0 / 64]uint64
	mapN  [levels]uint64
	slot0 [size0]timer[T]
	slotN [levels][sizeN]timer[T]
}

func (w *wheel[T]) init(cur int64) {
	w.cur = cur
	ring := func(t *timer[T]) { t.next, t.prev = t, t }
	ring(&w.todo)
	for i := range w.slot0 {
		ring(&w.slot0[i])
	}
	for l := range w.slotN {
		for i := range w.slotN[l] {
			ring(&w.slotN[l][i])
		}
	}
}

// shift returns the log2 of the ticks in one slot of level l (counted from 0, above the lowest).
func shift(l int) uint { return uint(bits0 + l*bitsN) }

// schedule arms t for tick when, wherever it was before. A tick that has passed fires at the next advance.
func (w *wheel[T]) schedule(t *timer[T], when int64) {
	w.cancel(t)
	t.when = when
	w.n++
	w.place(t)
}

func (w *wheel[T]) place(t *timer[T]) {
	d := t.when - w.cur
	switch {
	case d <= 0:
		link(&w.todo, t)
		return
	case d < size0:
		i := t.when & (size0 - 1)
		w.map0[i>>6] |= 1 << (i & 63)
		link(&w.slot0[i], t)
		return
	}
	for l := 0; ; l++ {
		s := shift(l)
		at := t.when >> s
		far := at-(w.cur>>s) >= sizeN
		if far && l < levels-1 {
			continue
		}
		if far { // beyond the wheel: the farthest slot, to be placed again from there
			at = w.cur>>s + sizeN - 1
		}
		i := at & (sizeN - 1)
		w.mapN[l] |= 1 << uint(i)
		link(&w.slotN[l][i], t)
		return
	}
}

func link[T any](head, t *timer[T]) {
	t.prev, t.next = head.prev, head
	head.prev.next = t
	head.prev = t
}

// cancel disarms t if it is armed.
func (w *wheel[T]) cancel(t *timer[T]) {
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.next, t.prev = nil, nil
	w.n--
}

// splice moves a slot's list to the end of the work list.
func (w *wheel[T]) splice(head *timer[T]) {
	if head.next == head {
		return
	}
	first, last := head.next, head.prev
	first.prev, w.todo.prev.next = w.todo.prev, first
	last.next, w.todo.prev = &w.todo, last
	head.next, head.prev = head, head
}

// advance moves the wheel to tick now and calls fire for every timer that is due, which is disarmed before. It handles at most max
// nodes and returns how many it handled; if that is max, call it again soon. Timers fire in the order of their ticks, those of one tick in
// any order; one that was scheduled for a tick that had passed fires behind those that were due already. fire may schedule and cancel any
// timer.
func (w *wheel[T]) advance(now int64, max int, fire func(*T)) int {
	for steps := 0; ; steps++ {
		for w.todo.next == &w.todo {
			if w.cur >= now {
				return steps
			}
			n := w.boundary()
			if n < 0 || n > now {
				w.cur = now
				return steps
			}
			w.cur = n
			w.open()
		}
		if steps >= max {
			return steps
		}
		t := w.todo.next
		w.todo.next, t.next.prev = t.next, &w.todo
		t.next, t.prev = nil, nil
		if t.when <= w.cur {
			w.n--
			fire(t.owner)
		} else {
			w.place(t)
		}
	}
}

// open moves the slots that begin at tick cur to the work list, from the top level down.
func (w *wheel[T]) open() {
	for l := levels - 1; l >= 0; l-- {
		s := shift(l)
		if w.cur&(1<<s-1) == 0 {
			i := (w.cur >> s) & (sizeN - 1)
			w.mapN[l] &^= 1 << uint(i)
			w.splice(&w.slotN[l][i])
		}
	}
	i := w.cur & (size0 - 1)
	w.map0[i>>6] &^= 1 << (i & 63)
	w.splice(&w.slot0[i])
}

// boundary returns the next tick after cur at which some slot opens, or -1.
func (w *wheel[T]) boundary() int64 {
	best := int64(-1)
	base := (w.cur + 1) & (size0 - 1)
	for k := int64(0); k <= size0/64; k++ { // once around, starting and ending in the same word
		i := (base>>6 + k) & (size0/64 - 1)
		m := w.map0[i]
		if k == 0 {
			m &= ^uint64(0) << (base & 63)
		} else if k == size0/64 {
			m &= 1<<(base&63) - 1
		}
		if m != 0 {
			at := i<<6 + int64(bits.TrailingZeros64(m))
			best = w.cur + 1 + (at-base)&(size0-1)
			break
		}
	}
	for l := range w.mapN {
		if w.mapN[l] == 0 {
			continue
		}
		s := shift(l)
		c := w.cur>>s + 1
		r := bits.RotateLeft64(w.mapN[l], -int(c&(sizeN-1)))
		at := (c + int64(bits.TrailingZeros64(r))) << s
		if best < 0 || at < best {
			best = at
		}
	}
	return best
}

// next returns the tick at which advance next has something to do, and false if there is none. It may be earlier than the earliest
// timer, by the rules of the upper levels.
func (w *wheel[T]) next() (int64, bool) {
	if w.todo.next != &w.todo {
		return w.cur, true
	}
	if w.n == 0 {
		return 0, false
	}
	b := w.boundary()
	return b, b >= 0
}
