package keyphase

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// The reasons, one for each failing branch.
const (
	reasonTwice           = "9001-6.2-3: keys were updated again before the last update was acknowledged"
	reasonAckOld          = "9001-6.2-4: ACK with old keys of a packet with newer keys"
	reasonCurrentLower    = "9001-6.4-2: packet with older keys had a higher number"
	reasonNextLower       = "9001-6.4-2: packet that updates keys has a lower number than one before the update"
	reasonConfidentiality = "9001-6.6-4: as many packets as one key may protect"
	reasonIntegrity       = "9001-6.6-6: more packets that are not authentic than the keys bear"

	reasonLimits = "9001-6.6-4: no limits"
	reasonUpdate = "9001-6.1-5: keys must not be updated now"
	reasonKeys   = "keyphase: a packet that was opened with no keys"
)

var (
	errTwice           = fail(codec.ScopeConn, quic.KeyUpdateError, reasonTwice)
	errAckOld          = fail(codec.ScopeConn, quic.KeyUpdateError, reasonAckOld)
	errCurrentLower    = fail(codec.ScopeConn, quic.KeyUpdateError, reasonCurrentLower)
	errNextLower       = fail(codec.ScopeConn, quic.KeyUpdateError, reasonNextLower)
	errConfidentiality = fail(codec.ScopeConn, quic.AEADLimitReached, reasonConfidentiality)
	errIntegrity       = fail(codec.ScopeConn, quic.AEADLimitReached, reasonIntegrity)

	errLimits = fail(codec.ScopeMisuse, quic.NoError, reasonLimits)
	errUpdate = fail(codec.ScopeMisuse, quic.NoError, reasonUpdate)
	errKeys   = fail(codec.ScopeMisuse, quic.NoError, reasonKeys)
)

func fail(scope codec.Scope, code quic.ErrorCode, reason string) error {
	return &quic.Error{Scope: scope, Code: code, Off: -1, Reason: reason}
}
