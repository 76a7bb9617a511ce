package stream

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// RecvWindow is the flow control of data that the peer sends, for a stream or for the connection (RFC 9000 section 4). For a stream
// it counts up to the highest offset, for the connection the sum of those of all streams. Every octet is in one of three states: the
// peer may send it, it was received (counted by Received), it was consumed: read by the application or thrown away.
//
// The size of the window adapts itself: if half of it is consumed within two round trips, it may be what holds the peer back, and
// it is doubled, up to a maximum. A RecvWindow is not ready for use before Init.
type RecvWindow struct {
	conn     bool
	size     uint64 // what the peer may be ahead of consumed
	max      uint64
	limit    uint64 // what the peer was told
	received uint64
	consumed uint64
	epoch    codec.Time // when the limit was raised last
	lost     bool
	budget   Budget
}

// Init makes w ready for a window of size octets, of which the peer knows from the transport parameters, that may grow to
// most octets. If most is not larger, it never grows. conn says that it is the connection's, else it is a stream's.
func (w *RecvWindow) Init(conn bool, size, most uint64) {
	size = min(size, quic.MaxVarint)
	*w = RecvWindow{conn: conn, size: size, max: min(max(most, size), quic.MaxVarint), limit: size}
}

// Limit returns what the peer was told: how much it may send altogether.
func (w *RecvWindow) Limit() uint64 { return w.limit }

// Size returns how many octets the peer may be ahead of what is consumed.
func (w *RecvWindow) Size() uint64 { return w.size }

// Usage returns how many octets were received and how many of them consumed.
func (w *RecvWindow) Usage() (received, consumed uint64) { return w.received, w.consumed }

// Check tells whether n octets more, beyond the highest offset, are within the limit: nil, or FLOW_CONTROL_ERROR. Nothing changes.
func (w *RecvWindow) Check(n uint64) error {
	// 9000-4.1-8: "A receiver MUST close the connection with an error of type FLOW_CONTROL_ERROR if the sender violates the advertised
	// connection or stream data limits".
	if n > w.limit-w.received {
		if w.conn {
			return failure(rConnData)
		}
		return failure(rStreamData)
	}
	return nil
}

// Received counts n octets more beyond the highest offset so far. The error is that of Check, and nothing has changed then.
func (w *RecvWindow) Received(n uint64) error {
	if err := w.Check(n); err != nil {
		return err
	}
	w.received += n
	if n > 0 {
		w.budget.Progress()
	}
	return nil
}

// Consumed counts n octets as read by the application or thrown away. More than was received and not consumed is misuse.
func (w *RecvWindow) Consumed(n uint64) error {
	if n > w.received-w.consumed {
		return failure(rPutConsumed)
	}
	w.consumed += n
	return nil
}

// Due tells whether a MAX_DATA or MAX_STREAM_DATA frame should be sent: half of the window was consumed since the last one, or that
// was lost.
func (w *RecvWindow) Due() bool {
	grant := min(w.consumed+w.size, quic.MaxVarint)
	return grant > w.limit && grant-w.limit >= (w.size+1)/2 || w.lost
}

// Emit returns the limit for a MAX_DATA or MAX_STREAM_DATA frame that is sent now, whether it is due or not. rtt is the smoothed round-trip time; zero, or now Never: the window
// does not grow.
func (w *RecvWindow) Emit(now codec.Time, rtt time.Duration) (limit uint64) {
	w.lost = false
	if w.consumed+w.size > w.limit {
		if now != codec.Never {
			if w.epoch != codec.Never && w.consumed+w.size-w.limit >= (w.size+1)/2 && now.Sub(w.epoch) < 2*rtt {
				w.size = min(2*w.size, w.max)
			}
			w.epoch = now
		}
		w.limit = min(w.consumed+w.size, quic.MaxVarint)
	}
	return w.limit
}

// Grow makes the window at least size octets, but not more than the maximum. The difference is told with the next frame. It is used to keep
// the connection's window above those of its streams.
func (w *RecvWindow) Grow(size uint64) { w.size = max(w.size, min(size, w.max)) }

// Lost says that the frame with this limit was lost: if it was the latest, one is due again (9000-13.3-3.7).
func (w *RecvWindow) Lost(limit uint64) { w.lost = w.lost || limit == w.limit }

// Blocked counts a DATA_BLOCKED or STREAM_DATA_BLOCKED frame. It never makes a frame due: what the application consumes does (9000-4.2-5), and what is
// lost is sent again anyway. The error says that there were too many without any data between them.
func (w *RecvWindow) Blocked(now codec.Time) error {
	// 9000-21.9-4: "implementations SHOULD track cost of processing relative to progress and treat excessive quantities of any
	// non-productive packets as indicative of an attack."
	if !w.budget.Spend(now) {
		if w.conn {
			return failure(rDataBlocked)
		}
		return failure(rStreamDataBlocked)
	}
	return nil
}

// SendWindow is the credit that the peer gives us, for a stream or for the connection. The zero SendWindow allows nothing.
type SendWindow struct {
	limit, used uint64
	blocked     bool // there was more to send than the limit allows
	told        bool // and the peer was told at this limit
}

// Limit returns the peer's limit, Used what was sent of it.
func (w *SendWindow) Limit() uint64 { return w.limit }

// Used returns how many octets were sent at offsets that were not sent before.
func (w *SendWindow) Used() uint64 { return w.used }

// Avail returns how many octets may be sent.
func (w *SendWindow) Avail() uint64 { return w.limit - w.used }

// Grow sets the limit: a transport parameter, MAX_DATA or MAX_STREAM_DATA. raised is false if it is not above the old one.
func (w *SendWindow) Grow(limit uint64) (raised bool) {
	// 9000-4.1-9: "A sender MUST ignore any MAX_STREAM_DATA or MAX_DATA frames that do not increase flow control limits."
	if limit <= w.limit {
		return false
	}
	w.limit, w.blocked, w.told = limit, false, false
	return true
}

// Take counts n octets that are sent, at most Avail, and returns how many it counted.
func (w *SendWindow) Take(n uint64) uint64 {
	n = min(n, w.Avail())
	w.used += n
	return n
}

// Wanted says that there is something to send that the limit does not allow. If nothing at all is allowed, the peer should
// be told, once for a limit.
func (w *SendWindow) Wanted() {
	if w.Avail() == 0 {
		w.blocked = true
	}
}

// BlockedDue tells whether a DATA_BLOCKED or STREAM_DATA_BLOCKED frame with this limit should be sent.
func (w *SendWindow) BlockedDue() (limit uint64, due bool) { return w.limit, w.blocked && !w.told }

// BlockedSent says that the frame of BlockedDue is sent.
func (w *SendWindow) BlockedSent() { w.told = true }

// BlockedAgain says that the frame with this limit was lost, or that it is time to repeat it (9000-4.1-10): it is due again if we are still
// blocked there (9000-13.3-3.10).
func (w *SendWindow) BlockedAgain(limit uint64) {
	if limit == w.limit && w.blocked {
		w.told = false
	}
}
