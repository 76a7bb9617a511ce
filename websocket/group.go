package websocket

import (
	"sync"

	"github.com/purewire/purewire/codec/ws"
)

// Group is a set of connections to send the same messages to. The zero value is empty and ready. It is safe from any goroutine,
// also from callbacks. A connection is to be removed in OnClose; until then it only costs a failing send.
type Group struct {
	mu    sync.RWMutex
	conns map[*Conn]struct{}
}

// Add puts a connection into the group.
func (g *Group) Add(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns == nil {
		g.conns = make(map[*Conn]struct{})
	}
	g.conns[c] = struct{}{}
}

// Remove takes it out.
func (g *Group) Remove(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

// Len returns how many there are.
func (g *Group) Len() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.conns)
}

// Each calls f for every connection until it returns false. f may send, but not Add or Remove.
func (g *Group) Each(f func(c *Conn) bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for c := range g.conns {
		if !f(c) {
			return
		}
	}
}

// Broadcast sends m to every connection with room for it, and returns how many have taken it. slow, if not nil, is called for those
// whose output queue is full: it may drop them with Abort, or leave them without this message.
func (g *Group) Broadcast(m *ws.Prepared, slow func(c *Conn)) (taken int) {
	g.Each(func(c *Conn) bool {
		switch c.TrySendPrepared(m) {
		case nil:
			taken++
		case ErrFull:
			if slow != nil {
				slow(c)
			}
		}
		return true
	})
	return taken
}
