package h3

// Block says why something is not being sent.
type Block uint8

const (
	// NotBlocked: it would be sent now.
	NotBlocked Block = iota
	// NoSuchStream: there is no such stream, or its sending side is closed.
	NoSuchStream
	// NoHead: the head of the message was not sent yet.
	NoHead
	// NotReady: the application has not said that there is data (see Conn.Ready).
	NotReady
	// TooManyStreams: as many requests are open as Limits.Requests allows. What the transport allows is for the transport to
	// say.
	TooManyStreams
	// GoneAway: one of the ends has said that it takes no more requests.
	GoneAway
	// NotClient: only clients send requests.
	NotClient
	// Over: the connection has failed.
	Over
	numBlocks
)

var blocks = [numBlocks]string{"NotBlocked", "NoSuchStream", "NoHead", "NotReady", "TooManyStreams", "GoneAway", "NotClient", "Over"}

// String returns the name of the constant.
func (b Block) String() string {
	if b < numBlocks {
		return blocks[b]
	}
	return "Unknown"
}

// Wait says what a stream's receiving side waits for.
type Wait uint8

const (
	// WaitNothing: there is no such stream, or its end has come, or nothing more is read.
	WaitNothing Wait = iota
	// WaitInput: more octets.
	WaitInput
	// WaitTable: entries on the encoder stream; an Unblocked event will tell.
	WaitTable
	numWaits
)

var waits = [numWaits]string{"WaitNothing", "WaitInput", "WaitTable"}

// String returns the name of the constant.
func (w Wait) String() string {
	if w < numWaits {
		return waits[w]
	}
	return "Unknown"
}

// Ready tells that the stream has data that it could send, or has none for the time being, or none that flow control lets
// through. Ready streams take part in NextWritable. Ending the stream ends that, too.
func (c *Conn) Ready(id uint64, ready bool) error {
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
	s.flags &^= sReady
}

// NextWritable returns the ready stream whose data goes next (RFC 9218 section 10) and what SetUser stored for it; false if no stream is
// ready. It stays the same until data of it was appended, or Served, Ready or priorities change it.
func (c *Conn) NextWritable() (id uint64, user uint32, ready bool) {
	slot := c.sched.Next()
	if slot < 0 || c.failed() {
		return NoStream, 0, false
	}
	s := &c.tab.slots[slot]
	return s.id, s.user, true
}

// Served tells that a stream has had its turn, where that is more than AppendData or AppendDataHeader has seen: octets of one long DATA
// frame that the transport sends piece by piece.
func (c *Conn) Served(id uint64) error {
	slot, f := c.sendable(id)
	if f != ok {
		return c.misused(f, id)
	}
	if c.tab.slots[slot].has(sReady) {
		c.sched.Served(slot)
	}
	return nil
}

// Blocked tells why no data of the stream is being sent, as far as this end can know.
func (c *Conn) Blocked(id uint64) Block {
	slot, f := c.sendable(id)
	switch {
	case f == fOver:
		return Over
	case f != ok:
		return NoSuchStream
	case !c.tab.slots[slot].has(sSent):
		return NoHead
	case !c.tab.slots[slot].has(sReady):
		return NotReady
	}
	return NotBlocked
}

// Waits tells what the receiving side of a request stream waits for.
func (c *Conn) Waits(id uint64) Wait {
	slot := c.request(id)
	switch {
	case slot < 0 || c.failed() || c.tab.slots[slot].phase == readDone:
		return WaitNothing
	case c.tab.slots[slot].has(sBlocked):
		return WaitTable
	}
	return WaitInput
}

// OpenBlocked tells why AppendRequest would not send a request now.
func (c *Conn) OpenBlocked() Block {
	switch {
	case c.failed():
		return Over
	case c.role != Client:
		return NotClient
	// RFC 9114 section 5.2-3: Endpoints MUST NOT initiate new requests or promise new pushes on the connection after receipt of a
	// GOAWAY frame from the peer.
	case c.away.received || c.away.step != awayNot:
		return GoneAway
	case c.owns >= c.p.requests:
		return TooManyStreams
	}
	return NotBlocked
}

// CanOpen returns how many requests could be sent now, as far as Limits.Requests is concerned.
func (c *Conn) CanOpen() int {
	if c.OpenBlocked() != NotBlocked {
		return 0
	}
	return c.p.requests - c.owns
}
