package http2

import "github.com/purewire/purewire/codec"

// Block says why something is not being sent.
type Block uint8

const (
	// NotBlocked: it would be sent now.
	NotBlocked Block = iota
	// NoStream: there is no such stream, or its sending side is closed.
	NoStream
	// NoHead: the head of the message was not sent yet.
	NoHead
	// NotReady: the application has not said that there is data (see Conn.Ready).
	NotReady
	// StreamWindow: the peer's window for the stream is used up.
	StreamWindow
	// ConnWindow: the peer's window for the connection is used up.
	ConnWindow
	// TooManyStreams: as many streams are open as the peer, or Limits.Requests, allows.
	TooManyStreams
	// GoneAway: one of the ends has said that it takes no more streams.
	GoneAway
	// NoMoreIDs: all stream identifiers of the connection are used.
	NoMoreIDs
	// NotClient: only clients open streams.
	NotClient
	// Over: the connection has failed.
	Over
	numBlocks
)

var blocks = [numBlocks]string{"NotBlocked", "NoStream", "NoHead", "NotReady", "StreamWindow", "ConnWindow", "TooManyStreams",
	"GoneAway", "NoMoreIDs", "NotClient", "Over"}

// String returns the name of the constant.
func (b Block) String() string {
	if b < numBlocks {
		return blocks[b]
	}
	return "Unknown"
}

// Ready tells that the stream has data to send, or has none for the time being. Ready streams take part in NextWritable.
// Ending the stream ends that, too.
func (c *Conn) Ready(id uint32, ready bool) error {
	slot, f := c.sendable(id)
	if f != ok {
		return c.misused(f, id)
	}
	if !ready {
		c.unready(slot)
		return nil
	}
	s := &c.tab.slots[slot]
	if !s.has(sReady) {
		s.flags |= sReady
		c.sched.Push(slot, id, s.priority)
	}
	return nil
}

// unready takes the stream out of the scheduler.
func (c *Conn) unready(slot int32) {
	s := &c.tab.slots[slot]
	if s.has(sReady) {
		c.sched.Remove(slot)
	}
	s.flags &^= sReady | sStalled
	s.stallAt, s.progress = codec.Never, 0
}

// NextWritable returns the ready stream whose data goes next (RFC 9218 section 10), what SetUser stored for it, and how many octets
// of it AppendData would take. n is 0 if no ready stream can send now. It stays the same stream until data of it was
// sent, or Ready or priorities change it.
func (c *Conn) NextWritable() (id, user uint32, n int) {
	for {
		slot := c.sched.Next()
		if slot < 0 || c.failed() {
			return 0, 0, 0
		}
		s := &c.tab.slots[slot]
		if n = c.room(slot); n > 0 {
			return s.id, s.user, n
		}
		c.blocked(slot)
		if !s.has(sStalled) {
			return 0, 0, 0 // the connection's window
		}
	}
}

// Writable returns how many octets AppendData would take now for the stream.
func (c *Conn) Writable(id uint32) int {
	slot, f := c.sendable(id)
	if f != ok || !c.tab.slots[slot].has(sSent) {
		return 0
	}
	return c.room(slot)
}

// Blocked tells why no data of the stream is being sent.
func (c *Conn) Blocked(id uint32) Block {
	slot, f := c.sendable(id)
	switch {
	case f == fSendOver:
		return Over
	case f != ok:
		return NoStream
	}
	s := &c.tab.slots[slot]
	switch {
	case !s.has(sSent):
		return NoHead
	case s.send <= 0:
		return StreamWindow
	case c.sendWin <= 0:
		return ConnWindow
	case !s.has(sReady):
		return NotReady
	}
	return NotBlocked
}
