//go:build linux || darwin || freebsd

package reactor

import (
	"sync"
)

// workers runs functions that may block. Goroutines that have finished wait, newest first, for the next function: their stacks have
// grown to what such functions need. Those that nobody needed for a while end.
type workers struct {
	mu      sync.Mutex
	max     int
	n       int       // goroutines
	idle    []*worker // waiting, the most recently used last
	low     int       // fewest waiting since the last trim
	backlog []task
	closed  bool
}

type worker struct{ ch chan task }

type task struct {
	c  *conn
	fn func()
}

func (p *workers) run(t task) {
	p.mu.Lock()
	if k := len(p.idle); k > 0 {
		w := p.idle[k-1]
		p.idle[k-1] = nil
		p.idle = p.idle[:k-1]
		p.low = min(p.low, k-1)
		p.mu.Unlock()
		w.ch <- t
		return
	}
	if p.n >= p.max {
		p.backlog = append(p.backlog, t)
		p.mu.Unlock()
		return
	}
	p.n++
	p.mu.Unlock()
	w := &worker{ch: make(chan task, 1)}
	go p.work(w, t)
}

func (p *workers) work(w *worker, t task) {
	for {
		t.c.runTask(t.fn)
		t = task{}
		p.mu.Lock()
		if len(p.backlog) > 0 {
			t = p.backlog[0]
			p.backlog[0] = task{}
			p.backlog = p.backlog[1:]
			p.mu.Unlock()
			continue
		}
		if p.closed {
			p.n--
			p.mu.Unlock()
			return
		}
		p.idle = append(p.idle, w)
		p.mu.Unlock()
		t = <-w.ch
		if t.fn == nil {
			return
		}
	}
}

// lost counts out a goroutine that ended inside a function (runtime.Goexit).
func (p *workers) lost() {
	p.mu.Lock()
	p.n--
	p.mu.Unlock()
}

// trim ends half of the goroutines that nobody has needed since the last call.
func (p *workers) trim(all bool) {
	p.mu.Lock()
	k := (min(p.low, len(p.idle)) + 1) / 2
	if all {
		p.closed = true
		k = len(p.idle)
	}
	stop := append([]*worker(nil), p.idle[:k]...)
	rest := copy(p.idle, p.idle[k:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
	p.n -= k
	p.low = rest
	p.mu.Unlock()
	for _, w := range stop {
		w.ch <- task{}
	}
}
