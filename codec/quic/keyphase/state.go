package keyphase

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Keys says which keys a packet is to be opened with.
type Keys uint8

const (
	// None: there are no such keys any more. The packet is dropped; for the sake of timing, after an attempt with any keys.
	None Keys = iota
	// Previous are those before the last update.
	Previous
	// Current are those that this endpoint sends with.
	Current
	// Next are those after the next update.
	Next
)

// Config is what a State is made with.
type Config struct {
	// Confidentiality is how many packets may be protected with one key, Integrity how many that are not authentic may be received
	// over all keys: protect.Suite.Limits. Both must be positive.
	Confidentiality, Integrity uint64
	// UpdateAfter is how many packets are sent until Due asks for an update. Zero is half of Confidentiality.
	UpdateAfter uint64
}

// State is the key phase of one connection. Init it before use.
type State struct {
	cfg        Config
	generation uint64 // updates so far; its lowest bit is the Key Phase bit
	confirmed  bool

	sent      uint64     // packets protected with the current keys
	firstSent int64      // the first of them, -1 for none
	readyAt   codec.Time // when an update is allowed, Never if one of them was not acknowledged yet
	answered  bool       // an ACK of a packet with the current keys was sent

	lowest  int64 // lowest number received with the current keys, -1 for none
	highest int64 // highest number received with them, -1 for none
	older   int64 // highest number received with older ones, -1 for none
	dropAt  codec.Time
	old     bool // previous keys are there
	failed  uint64
}

// timeouts is how many probe timeouts old keys are kept, and a key update waits for the peer to forget its own (RFC 9001 section 6.5).
const timeouts = 3

// Init begins with the first 1-RTT keys. The error, misuse, is for a limit of zero.
func (s *State) Init(c Config) error {
	if c.Confidentiality == 0 || c.Integrity == 0 {
		return errLimits
	}
	if c.UpdateAfter == 0 {
		c.UpdateAfter = max(c.Confidentiality/2, 1)
	}
	*s = State{cfg: c, firstSent: -1, lowest: -1, highest: -1, older: -1}
	return nil
}

// Phase returns the Key Phase bit of packets that are sent now.
func (s *State) Phase() bool { return s.generation&1 == 1 }

// Generation returns how often keys were updated, by either side.
func (s *State) Generation() uint64 { return s.generation }

// Confirm tells that the handshake is confirmed: keys may be updated.
func (s *State) Confirm() { s.confirmed = true }

// Sent counts a packet that is to be protected with the current keys. The error, AEAD_LIMIT_REACHED, says that it must not be: the
// connection is at its end.
func (s *State) Sent(number int64) error {
	// 9001-6.6-4: "If the total number of encrypted packets with the same key exceeds the confidentiality limit for the selected AEAD,
	// the endpoint MUST stop using those keys."
	if s.sent >= s.cfg.Confidentiality {
		return errConfidentiality
	}
	s.sent++
	if s.firstSent < 0 {
		s.firstSent = number
	}
	return nil
}

// AckSent tells that a packet with an ACK frame was sent, whose largest acknowledged packet is largest.
func (s *State) AckSent(largest int64) {
	if s.lowest >= 0 && largest >= s.lowest {
		s.answered = true
	}
}

// MayUpdate tells whether keys may be updated now: the handshake is confirmed, the peer has acknowledged a packet with the current keys, and had
// three probe timeouts to forget older ones.
func (s *State) MayUpdate(now codec.Time) bool { return s.confirmed && s.readyAt.Reached(now) }

// Due tells whether keys should be updated now: so many packets were sent, and they may be.
func (s *State) Due(now codec.Time) bool { return s.sent >= s.cfg.UpdateAfter && s.MayUpdate(now) }

// Update begins a key update: the keys of both directions become the next ones, the previous ones for receiving are kept. The
// error, misuse, is for an update that is not allowed.
func (s *State) Update(now codec.Time) error {
	// 9001-6.1-5: "An endpoint MUST NOT initiate a key update prior to having confirmed the handshake (Section 4.1.2). An endpoint MUST NOT
	// initiate a subsequent key update unless it has received an acknowledgment for a packet that was sent protected with keys from the current
	// key phase."
	if !s.MayUpdate(now) {
		return errUpdate
	}
	s.rotate()
	return nil
}

// rotate makes the next keys the current ones.
func (s *State) rotate() {
	s.generation++
	s.sent, s.firstSent, s.readyAt, s.answered = 0, -1, codec.Never, false
	s.older = max(s.older, s.highest)
	s.lowest, s.highest = -1, -1
	// 9001-6.1-8: "An endpoint MUST retain old keys until it has successfully unprotected a packet sent using the new keys."
	s.old, s.dropAt = true, codec.Never
}

// Choose returns the keys for a received packet by its Key Phase bit and number (RFC 9001 section 6.5).
func (s *State) Choose(phase bool, number int64) Keys {
	switch {
	case phase == s.Phase():
		return Current
	case s.generation > 0 && (s.lowest < 0 || number < s.lowest):
		if !s.old {
			return None
		}
		return Previous
	}
	return Next
}

// Opened tells that a packet was authentic with the keys that were chosen. With Next, the peer has updated its keys: the keys of both directions become
// the next ones, before anything is sent. pto is the probe timeout. The error is KEY_UPDATE_ERROR, or misuse for None; nothing has changed then.
func (s *State) Opened(now codec.Time, pto time.Duration, which Keys, number int64) error {
	switch which {
	case Previous:
		s.older = max(s.older, number)
		return nil
	case Current:
		// 9001-6.4-2: "An endpoint that successfully removes protection with old keys when newer keys were used for packets with lower
		// packet numbers MUST treat this as a connection error of type KEY_UPDATE_ERROR."
		if number < s.older {
			return errCurrentLower
		}
	case Next:
		// 9001-6.2-3: "If an endpoint detects a second update before it has sent any packets with updated keys containing an acknowledgment
		// for the packet that initiated the key update, it indicates that its peer has updated keys twice without awaiting confirmation."
		if s.generation > 0 && !s.answered {
			return errTwice
		}
		if number < s.highest {
			return errNextLower
		}
		s.rotate()
	default:
		return errKeys
	}
	if s.lowest < 0 {
		s.lowest = number
		if s.old {
			// 9001-6.5-7: "An endpoint SHOULD retain old read keys for no more than three times the PTO after having received a packet
			// protected using the new keys."
			s.dropAt = now.Add(timeouts * pto)
		}
	}
	s.lowest, s.highest = min(s.lowest, number), max(s.highest, number)
	return nil
}

// Failed counts a packet that was not authentic. The error, AEAD_LIMIT_REACHED, says that there were too many.
func (s *State) Failed() error {
	// 9001-6.6-6: "If the total number of received packets that fail authentication within the connection, across all keys, exceeds the
	// integrity limit for the selected AEAD, the endpoint MUST immediately close the connection"
	if s.failed >= s.cfg.Integrity {
		return errIntegrity
	}
	s.failed++
	return nil
}

// Acked tells that a packet opened with the keys which had an ACK frame whose largest acknowledged packet is largest. The error is
// KEY_UPDATE_ERROR.
func (s *State) Acked(now codec.Time, pto time.Duration, which Keys, largest int64) error {
	if s.firstSent < 0 || largest < s.firstSent {
		return nil
	}
	// 9001-6.2-4: "An endpoint that receives an acknowledgment that is carried in a packet protected with old keys where any acknowledged
	// packet was protected with newer keys MAY treat that as a connection error of type KEY_UPDATE_ERROR."
	if which == Previous {
		return errAckOld
	}
	if s.readyAt == codec.Never {
		// 9001-6.5-6: "Endpoints SHOULD wait three times the PTO before initiating a key update after receiving an acknowledgment that
		// confirms that the previous key update was received."
		s.readyAt = now
		if s.generation > 0 {
			s.readyAt = now.Add(timeouts * pto)
		}
	}
	return nil
}

// Deadline returns when the previous keys are to be forgotten, Never if there are none or they are still needed.
func (s *State) Deadline() codec.Time { return s.dropAt }

// Advance is called at the Deadline, or at any other time. It tells whether the previous keys for receiving are to be forgotten.
func (s *State) Advance(now codec.Time) (forget bool) {
	if !s.dropAt.Reached(now) {
		return false
	}
	s.old, s.dropAt = false, codec.Never
	return true
}

// Counts returns how many packets were sent with the current keys, and how many were received that were not authentic.
func (s *State) Counts() (sent, failed uint64) { return s.sent, s.failed }
