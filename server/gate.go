package server

import (
	"sync"

	"github.com/purewire/purewire/drivers"
)

// gate is where handler goroutines wait for a machine. Some drivers (stdnet) run the handler on the goroutine that moves the
// connection's bytes; somebody who waits must move them then, by Link.Pump, one at a time.
type gate struct {
	mu      sync.Mutex
	cond    sync.Cond
	link    drivers.Link
	waiters int
	running bool // the function given to Link.Go has not returned
	pumping bool // somebody is in Pump
	alone   bool // the driver makes progress by itself
}

func (g *gate) init(l drivers.Link) {
	g.link = l
	g.cond.L = &g.mu
	g.running = true
}

// wait returns when ready reports true. mu is held when it is called, when ready is called, and when it returns.
func (g *gate) wait(ready func() bool) {
	for !ready() {
		g.step()
	}
}

// step moves bytes once, or waits for somebody to change something. mu is held on both ends.
func (g *gate) step() {
	if g.running && !g.pumping && !g.alone {
		g.pumping = true
		g.mu.Unlock()
		ok := g.link.Pump()
		g.mu.Lock()
		g.pumping = false
		g.alone = !ok
		g.cond.Broadcast()
		return
	}
	g.waiters++
	g.cond.Wait()
	g.waiters--
}

// push wakes the machine, and where the driver does not make progress by itself, moves bytes until clear reports true. mu is held.
func (g *gate) push(clear func() bool) {
	g.mu.Unlock()
	g.link.Wake()
	g.mu.Lock()
	for !clear() && g.running && !g.alone {
		g.step()
	}
}

// changed wakes those who wait. mu is held.
func (g *gate) changed() {
	if g.waiters > 0 {
		g.cond.Broadcast()
	}
}

// leave is called at the end of the function given to Link.Go: nobody pumps after it returns. mu is held.
func (g *gate) leave() {
	g.running = false
	for g.pumping {
		g.mu.Unlock()
		g.link.Wake()
		g.mu.Lock()
		if g.pumping {
			g.waiters++
			g.cond.Wait()
			g.waiters--
		}
	}
	g.changed()
}
