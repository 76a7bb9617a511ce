package http2

import "github.com/purewire/purewire/codec"

// owed is what the protocol itself has to send. It is counters and short lists, each with a bound, and never queued octets: a
// peer that makes us owe and does not read cannot make it grow.
type owed struct {
	preface    bool // the connection preface: our SETTINGS, in the client role with the 24 octets in front
	acked      bool // the peer has acknowledged our SETTINGS
	acks       int  // SETTINGS of the peer to acknowledge
	deadline   codec.Time
	pings      [][8]byte   // to answer, at most Limits.Pings
	resets     []owedReset // bounded by the streams and by Limits.Resets
	windows    []int32     // slots of streams that owe WINDOW_UPDATE
	ping       bool        // ask is to be sent
	asking     bool        // ask was sent and not answered
	ask        [8]byte     // of the application's Ping
	probe      bool        // a PING of our own is to be sent, for the round trip
	probing    bool        // and was sent
	probeClose bool        // as probe, for graceful shutdown
	closing    bool        // as probing
	away       bool        // GOAWAY is to be sent
}

type owedReset struct {
	stream uint32
	code   ErrorCode
}

// The contents of our own PING frames.
var (
	probeRTT   = [8]byte{'p', 'u', 'r', 'e', ' ', 'r', 't', 't'}
	probeClose = [8]byte{'p', 'u', 'r', 'e', ' ', 'b', 'y', 'e'}
)

// drop forgets what makes no sense on a connection that has failed: all but the preface and GOAWAY.
func (o *owed) drop() {
	*o = owed{preface: o.preface, acked: o.acked, away: o.away, pings: o.pings[:0], resets: o.resets[:0], windows: o.windows[:0]}
	o.away = true
}

func (o *owed) trim() {
	if len(o.pings) == 0 {
		o.pings = nil
	}
	if len(o.resets) == 0 {
		o.resets = nil
	}
	o.windows = nil
}

func (o *owed) reset(id uint32, code ErrorCode) {
	o.resets = append(o.resets, owedReset{id, code})
}

// Owes reports whether AppendOwed has something to append.
func (c *Conn) Owes() bool {
	o := &c.owed
	return o.preface || o.away || o.acks > 0 || len(o.pings) > 0 || len(o.resets) > 0 || len(o.windows) > 0 ||
		o.ping || o.probe || o.probeClose || !c.failed() && c.recvWin.due() > 0
}

// AppendOwed appends what the protocol owes: the connection preface at first; then acknowledgments of SETTINGS and PING,
// RST_STREAM, WINDOW_UPDATE, PING, GOAWAY. It stops behind the frame that reaches max octets; Owes tells whether more is left.
func (c *Conn) AppendOwed(dst []byte, max int) []byte {
	o := &c.owed
	if max <= 0 {
		return dst
	}
	end := len(dst) + min(max, 1<<30)
	dst = c.first(dst)
	if !c.failed() {
		k := 0
		for ; len(dst) < end && k < len(o.pings); k++ {
			// RFC 9113 section 6.7: receivers of a PING frame that does not include an ACK flag MUST send a PING frame with the ACK flag set
			// in response, with an identical frame payload.
			dst = AppendPing(dst, o.pings[k], true)
		}
		o.pings = append(o.pings[:0], o.pings[k:]...)
		dst = o.appendResets(dst, end)
		if len(dst) < end && c.recvWin.due() > 0 {
			dst = AppendWindowUpdate(dst, 0, c.recvWin.emit())
		}
		for len(dst) < end && len(o.windows) > 0 {
			last := len(o.windows) - 1
			s := &c.tab.slots[o.windows[last]]
			o.windows = o.windows[:last]
			s.flags &^= sQueued
			if n := s.recv.emit(); n > 0 {
				dst = AppendWindowUpdate(dst, s.id, n)
			}
		}
		if len(dst) < end && o.probe {
			dst = AppendPing(dst, probeRTT, false)
			o.probe, o.probing = false, true
		}
		if len(dst) < end && o.ping {
			dst = AppendPing(dst, o.ask, false)
			o.ping, o.asking = false, true
		}
	}
	if len(dst) < end && o.away {
		dst = AppendGoAway(dst, c.away.last, c.away.code, c.debug())
		o.away = false
		if c.away.step == awayFinal {
			c.away.step = awaySent
		}
	}
	// Behind the GOAWAY that it measures.
	if len(dst) < end && o.probeClose {
		dst = AppendPing(dst, probeClose, false)
		o.probeClose, o.closing = false, true
	}
	return dst
}

// appendResets appends RST_STREAM frames, oldest first, until dst has end octets.
func (o *owed) appendResets(dst []byte, end int) []byte {
	k := 0
	for ; len(dst) < end && k < len(o.resets); k++ {
		dst = AppendRSTStream(dst, o.resets[k].stream, o.resets[k].code)
	}
	o.resets = append(o.resets[:0], o.resets[k:]...)
	return dst
}

// first appends what must go out before anything else: the preface, and acknowledgments of SETTINGS whose values the
// following frames may make use of.
//
// RFC 9113 section 3.4: each endpoint is required to send a connection preface; the SETTINGS frame MUST be the first frame.
// Section 6.5.3: the recipient MUST immediately emit a SETTINGS frame with the ACK flag set.
func (c *Conn) first(dst []byte) []byte {
	o := &c.owed
	if !o.preface && o.acks == 0 {
		return dst
	}
	if o.preface {
		o.preface = false
		if c.role == Client {
			dst = append(dst, ClientPreface...)
		}
		known := DefaultSettings()
		dst = c.local().Append(dst, &known)
		if c.p.settingsTimeout > 0 {
			o.deadline = c.now.Add(c.p.settingsTimeout)
		}
		if !c.failed() {
			c.recvWin.grow(c.p.window.Conn)
			if n := c.recvWin.emit(); n > 0 {
				dst = AppendWindowUpdate(dst, 0, n)
			}
		}
	}
	for ; o.acks > 0; o.acks-- {
		dst = AppendSettingsAck(dst)
	}
	return dst
}

// Ping asks the peer for an answer, which comes as PingAck with the same octets. One can be under way at a time.
func (c *Conn) Ping(opaque [8]byte) error {
	o := &c.owed
	switch {
	case c.failed():
		return c.misused(fPingOver, 0)
	case o.ping || o.asking:
		return c.misused(fPingTwice, 0)
	// Ours would be taken for the answers that the Conn waits for.
	case opaque == probeRTT || opaque == probeClose:
		return c.misused(fPingOurs, 0)
	}
	o.ping, o.ask = true, opaque
	return nil
}

// pingFrame: PING.
func (c *Conn) pingFrame(h *FrameHeader, p []byte, ev *Event) {
	data := ParsePing(p)
	o := &c.owed
	if !h.Flags.Has(FlagAck) {
		if !c.spend(10, 0) {
			return
		}
		if c.pingsOften() {
			c.fail(fPingsOften, 0)
			return
		}
		if len(o.pings) >= c.p.pings {
			c.fail(fPings, 0)
			return
		}
		o.pings = append(o.pings, data)
		return
	}
	switch {
	case o.probing && data == probeRTT:
		o.probing = false
		if size := c.bdp.answered(c.now); size > 0 {
			c.recvWin.grow(size) // those of streams follow when content comes on them, see admitData
		}
	case o.closing && data == probeClose:
		o.closing = false
		c.closeFinally()
	case o.asking && data == o.ask:
		o.asking = false
		ev.Kind, ev.Opaque = PingAck, data
	default:
		c.spend(10, 0)
	}
}

// measure counts content that has arrived for the estimate of the round trip.
func (c *Conn) measure(n uint32) {
	if c.bdp.received(n, c.now) {
		c.owed.probe = true
	}
}
