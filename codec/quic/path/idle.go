package path

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Idle is the idle timeout of a connection (RFC 9000 section 10.1) and the PINGs that keep it from that. The zero value has no timeout.
type Idle struct {
	timeout   time.Duration
	keep      time.Duration
	since     codec.Time // what the timeout counts from
	activity  codec.Time // what keepalive counts from
	sentSince bool       // an ack-eliciting packet was sent since a packet was received
}

// Start begins at now. local and remote are max_idle_timeout of both ends, zero for none: the effective timeout is the smaller one of those that there are. Before the
// peer's parameters are known, remote is zero; SetRemote adds it. keepalive is after how much silence a PING is sent, zero or negative for never; if it is not
// well below the timeout, half of the timeout is used.
func (i *Idle) Start(now codec.Time, local, remote, keepalive time.Duration) {
	*i = Idle{timeout: max(local, 0), keep: max(keepalive, 0), since: now, activity: now}
	i.SetRemote(remote)
}

// SetRemote takes the peer's max_idle_timeout; zero is none.
func (i *Idle) SetRemote(remote time.Duration) {
	// 9000-10.1-2: "the effective value at an endpoint is computed as the minimum of the two advertised values (or the sole advertised value, if only
	// one endpoint advertises a non-zero value)."
	if remote > 0 && (i.timeout == 0 || remote < i.timeout) {
		i.timeout = remote
	}
	if i.timeout > 0 && i.keep > i.timeout/2 {
		i.keep = i.timeout / 2
	}
}

// Timeout returns the effective timeout, zero for none, without regard to the PTO.
func (i *Idle) Timeout() time.Duration { return i.timeout }

// Received says that a packet of the peer was received and processed successfully. Packets that are dropped do not count.
func (i *Idle) Received(now codec.Time) {
	i.since, i.activity, i.sentSince = now, now, false
}

// Sent says that an ack-eliciting packet is sent.
func (i *Idle) Sent(now codec.Time) {
	// 9000-10.1-3: "An endpoint also restarts its idle timer when sending an ack-eliciting packet if no other ack-eliciting packets have been sent
	// since last receiving and processing a packet."
	if !i.sentSince {
		i.since, i.sentSince = now, true
	}
	i.activity = now
}

// Deadline returns when the connection is to be closed silently, Never for never. pto is the current probe timeout.
func (i *Idle) Deadline(pto time.Duration) codec.Time {
	if i.timeout == 0 {
		return codec.Never
	}
	// 9000-10.1-4: "endpoints MUST increase the idle timeout period to be at least three times the current Probe Timeout (PTO)."
	return i.since.Add(max(i.timeout, 3*pto))
}

// Expired tells whether the connection is over.
func (i *Idle) Expired(now codec.Time, pto time.Duration) bool { return i.Deadline(pto).Reached(now) }

// KeepAlive returns when a PING should be sent, Never for never: after that much time without an ack-eliciting packet of ours and without a packet of the
// peer. A peer that has not answered the last one gets another one; the timeout ends that.
func (i *Idle) KeepAlive() codec.Time {
	if i.keep == 0 {
		return codec.Never
	}
	return i.activity.Add(i.keep)
}
