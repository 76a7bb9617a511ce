package recovery

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// frameAck is the type of the frame to blame.
const frameAck = 0x02

// The reasons of the errors, one for each failing branch.
const (
	reasonUnsent   = "9000-13.1-3: ACK of a packet that was not sent"
	reasonSkipped  = "9000-21.4-1: ACK of a packet number that was skipped"
	reasonRole     = "recovery: neither client nor server"
	reasonRand     = "recovery: no source of random numbers"
	reasonSpace    = "recovery: no such packet number space"
	reasonGone     = "recovery: the keys of that packet number space were discarded"
	reasonNumber   = "9000-12.3-8: packet number is not the next one"
	reasonEnd      = "9000-12.3-10: all packet numbers are used up"
	reasonSize     = "recovery: packet without a size"
	reasonFull     = "recovery: more packets than are tracked"
	reasonParams   = "9000-18.2-4: max_ack_delay or ack_delay_exponent out of range"
	reasonNoAck    = "recovery: nothing to acknowledge"
	reasonAckSize  = "recovery: no room for an ACK frame"
	reasonReceived = "recovery: packet number was received before or is out of range"
)

// The errors, made once. They are *quic.Error as those of package quic.
var (
	errUnsent  = violation(reasonUnsent)
	errSkipped = violation(reasonSkipped)

	errRole     = misuse(reasonRole)
	errRand     = misuse(reasonRand)
	errSpace    = misuse(reasonSpace)
	errGone     = misuse(reasonGone)
	errNumber   = misuse(reasonNumber)
	errEnd      = misuse(reasonEnd)
	errSize     = misuse(reasonSize)
	errFull     = misuse(reasonFull)
	errParams   = misuse(reasonParams)
	errNoAck    = misuse(reasonNoAck)
	errAckSize  = misuse(reasonAckSize)
	errReceived = misuse(reasonReceived)
)

func violation(reason string) error {
	return &quic.Error{Scope: codec.ScopeConn, Code: quic.ProtocolViolation, Frame: frameAck, Off: -1, Reason: reason}
}

func misuse(reason string) error {
	return &quic.Error{Scope: codec.ScopeMisuse, Code: quic.NoError, Off: -1, Reason: reason}
}
