package h3

import (
	"github.com/purewire/purewire/codec/internal/varint"
)

// OpenUni tells that the transport has opened a unidirectional stream for this end. The first is the control stream, the next the
// encoder stream, the third the decoder stream of QPACK. More are not wanted: see WantsUni.
//
// RFC 9114 section 6.2-6: Endpoints SHOULD create the HTTP control stream as well as the unidirectional streams required by mandatory
// extensions (such as the QPACK encoder and decoder streams) first.
func (c *Conn) OpenUni(id uint64) error {
	switch {
	case c.failed():
		return c.misused(fOver, id)
	case id > varint.Max:
		return c.misused(fOpenID, id)
	case id&3 != 2|uint64(c.role)^1:
		return c.misused(fUniOwn, id)
	}
	for i := range c.ours {
		if c.ours[i].id == id {
			break
		}
		if c.ours[i].id == NoStream {
			c.ours[i].id = id
			c.holdInsertions()
			return nil
		}
	}
	return c.misused(fUniTwice, id)
}

// WantsUni returns how many unidirectional streams the transport should open for this end still, as soon as it can: 3 at first.
func (c *Conn) WantsUni() (n int) {
	for i := range c.ours {
		if c.ours[i].id == NoStream && !c.failed() {
			n++
		}
	}
	return n
}

// holdInsertions keeps the encoder from entering fields into the dynamic table while its stream is not there or does not flow.
//
// RFC 9204 section 2.1.3-4: To avoid these deadlocks, an encoder SHOULD NOT write an instruction unless sufficient stream and connection
// flow-control credit is available for the entire instruction.
func (c *Conn) holdInsertions() {
	c.enc.SetInserting(c.ours[1].id != NoStream && len(c.instructions) < c.p.instructions)
}

// owes reports whether something is owed on one of our streams.
func (c *Conn) owes(i int) bool {
	switch {
	case c.ours[i].id == NoStream || c.failed():
		return false
	case i == 0:
		return !c.ours[0].begun || c.away.owed || c.updates > 0
	case i == 1:
		return !c.ours[1].begun || len(c.instructions) > 0
	}
	return !c.ours[2].begun || c.dec.Owed() > 0 || c.dec.OwesIncrement()
}

// NextOwed returns a stream on which something is owed by the protocol itself, the control stream first: ask AppendOwed. There is none
// behind a failure.
func (c *Conn) NextOwed() (id uint64, owes bool) {
	for i := range c.ours {
		if c.owes(i) {
			return c.ours[i].id, true
		}
	}
	return NoStream, false
}

// AppendOwed appends what the protocol owes on one of the unidirectional streams of this end: the stream's type and what begins it, GOAWAY,
// PRIORITY_UPDATE, instructions of QPACK. It stops behind the frame or instruction that reaches max octets. All of it must be sent, so max
// is at most what flow control lets through.
func (c *Conn) AppendOwed(dst []byte, id uint64, max int) []byte {
	if max <= 0 || c.failed() || id == NoStream {
		return dst
	}
	for i := range c.ours {
		if c.ours[i].id != id {
			continue
		}
		end := len(dst) + min(max, 1<<30)
		if !c.ours[i].begun {
			c.ours[i].begun = true
			dst = AppendStreamType(dst, streamTypes[i])
			if i == 0 {
				dst = c.appendSettings(dst)
			}
		}
		switch i {
		case 0:
			return c.appendControl(dst, end)
		case 1:
			// Half an instruction is as good as none, and no harm: the stream is a sequence of octets.
			n := min(len(c.instructions), end-len(dst))
			if n > 0 {
				dst = append(dst, c.instructions[:n]...)
				c.instructions = append(c.instructions[:0], c.instructions[n:]...)
				c.holdInsertions()
			}
			return dst
		}
		if len(dst) < end {
			dst = c.dec.AppendDecoderStream(dst, end-len(dst))
		}
		return dst
	}
	return dst
}

var streamTypes = [3]StreamType{StreamControl, StreamEncoder, StreamDecoder}

// appendSettings appends our SETTINGS.
//
// RFC 9114 section 7.2.4.1-3: Endpoints SHOULD include at least one such setting in their SETTINGS frame.
func (c *Conn) appendSettings(dst []byte) []byte {
	var buf [maxSettings + 16]byte
	p := c.p.Settings(c.role).AppendPayload(buf[:0])
	if !c.p.noGrease {
		p = AppendSetting(p, SettingID(c.p.grease), c.p.greaseValue)
	}
	return append(AppendFrameHeader(dst, FrameHeader{Type: FrameSettings, Length: uint64(len(p))}), p...)
}

// appendControl appends the frames that are owed on the control stream.
func (c *Conn) appendControl(dst []byte, end int) []byte {
	if len(dst) < end && c.away.owed {
		c.away.owed = false
		dst = AppendGoAway(dst, c.away.last)
	}
	for i := 0; i < len(c.tab.slots) && len(dst) < end && c.updates > 0; i++ {
		if s := &c.tab.slots[i]; s.has(sTold) {
			c.untell(int32(i))
			var value [8]byte
			dst = AppendPriorityUpdate(dst, false, s.id, AppendPriorityField(value[:0], s.priority))
		}
	}
	return dst
}
