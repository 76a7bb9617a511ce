package drivertest

import (
	"context"
	"slices"
	"time"

	"github.com/purewire/purewire/drivers"
)

// finish brings what the program has begun to an end, in one of four ways.
func (ch *churn) finish(end byte) {
	if end&4 != 0 { // those who never read again until all is over are not waited for: they leave
		for _, c := range ch.clients {
			if c.shut() {
				c.breakOff(true)
			}
		}
	}
	var report drivers.Report
	shutdown := func(ctx context.Context, cancel func()) {
		defer cancel()
		ch.stopped.Store(true)
		done := make(chan drivers.Report, 1)
		ch.bg.Go(func() { done <- ch.s.Shutdown(ctx) })
		if ch.await("Shutdown", func() bool { return len(done) == 1 }) {
			report = <-done
		}
	}
	ch.ending.Store(true)
	begun := ch.stopped.Load()
	switch end & 3 {
	case 0: // everybody gets what is due to him
		ch.settle()
	case 1: // a drain that has all the time it needs
		for _, c := range ch.clients {
			c.gate(true)
		}
		shutdown(context.WithCancel(context.Background()))
		if report.TimedOut != 0 || report.InFlight != 0 {
			ch.errorf("%+v of a drain without deadline", report)
		}
	case 2: // a drain that has no time, or nearly none
		shutdown(context.WithTimeout(context.Background(), time.Duration(end>>3)*50*time.Microsecond))
	case 3:
	}
	ch.stopped.Store(true)
	done := make(chan error, 2)
	for range cap(done) {
		ch.bg.Go(func() { done <- ch.s.Close() })
	}
	if !ch.await("Close", func() bool { return len(done) == cap(done) }) {
		return
	}
	for range cap(done) {
		if err := <-done; err != nil {
			ch.errorf("Close: %v", err)
		}
	}
	ch.mu.Lock()
	told := 0 // who was told that the driver was stopped
	for _, m := range ch.machines {
		if !m.closed.Load() {
			ch.errorf("Close returned before Closed was called")
		} else if m.err == drivers.ErrClosed {
			told++
		}
	}
	if ch.failed.Load() {
		ch.mu.Unlock()
		return
	}
	unknown := len(ch.clients) - ch.accepts
	ch.mu.Unlock()
	if s := end & 3; (s == 1 || s == 2) && !begun && (report.TimedOut < told || report.TimedOut > told+unknown || report.InFlight > report.TimedOut) {
		ch.errorf("%+v, but %d machines were told ErrClosed", report, told)
	}
	if report.Crashed > int(ch.panics.Load()) {
		ch.errorf("%+v of %d panics", report, ch.panics.Load())
	}
	for _, c := range ch.clients {
		c.gate(true)
		c.finish()
		if !ch.await("a client's end", c.over) {
			return
		}
		_ = c.c.Close()
	}
	ch.await("functions and posts", func() bool { return ch.tasked.Load() == ch.tasks.Load() && ch.ran.Load() == ch.posts.Load() })
	if !ch.failed.Load() {
		ch.bg.Wait()
	}
}

// settle lets everything end by itself: nobody is late, nobody sends more, everybody reads. One wake is all that a machine which
// waits for one needs.
func (ch *churn) settle() {
	ch.mu.Lock()
	all := slices.Clone(ch.machines)
	ch.mu.Unlock()
	for _, m := range all {
		m.link.Wake()
	}
	for _, c := range ch.clients {
		c.gate(true)
		c.finish()
	}
	for _, c := range ch.clients {
		if !ch.await("the end of a connection", c.over) {
			return
		}
		_ = c.c.Close()
	}
	ch.await("Closed", func() bool {
		ch.mu.Lock()
		defer ch.mu.Unlock()
		return !slices.ContainsFunc(ch.machines, func(m *churnState) bool { return !m.closed.Load() })
	})
}
