package path

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// reason numbers the failing branches: one each.
type reason uint8

// The failing branches. Texts, codes and scopes stand in reasons.
const (
	ok reason = iota
	rNewZeroLength
	rNewLen
	rNewRetirePrior
	rNewSequenceReused
	rNewIDReused
	rNewTokenReused
	rNewLimit
	rRetireQueue
	rNewGaps
	rPreferredZeroLength
	rRetireUnsent
	rRetireInUse
	rRetireZeroLength
	rNoID
	// tokens
	rTokenShort
	rTokenKind
	rTokenForged
	rTokenFuture
	rTokenOld
	rTokenOtherID
	// misuse
	rPutID
	rPutLimit
	rPutSequence
	rPutPath
	rPutSpent
	rPutToken
	numReasons
)

// discard and misuse stand in for codes of errors that have none.
const (
	discard quic.ErrorCode = 1<<62 + iota
	misuse
)

const (
	frameNew    = 0x18
	frameRetire = 0x19
)

// reasons holds the texts ("RFC-section-paragraph: what"), the codes, and the frame types that are to blame.
var reasons = [numReasons]struct {
	code  quic.ErrorCode
	frame uint64
	text  string
}{
	rNewZeroLength:     {quic.ProtocolViolation, frameNew, "9000-19.15-6: NEW_CONNECTION_ID from a peer whose connection ID is of length zero"},
	rNewLen:            {quic.FrameEncodingError, frameNew, "9000-19.15-5.6: connection ID not of 1 to 20 bytes"},
	rNewRetirePrior:    {quic.FrameEncodingError, frameNew, "9000-19.15-9: Retire Prior To above the sequence number"},
	rNewSequenceReused: {quic.ProtocolViolation, frameNew, "9000-19.15-8: sequence number used for another connection ID or token"},
	rNewIDReused:       {quic.ProtocolViolation, frameNew, "9000-19.15-8: connection ID used with another sequence number"},
	rNewTokenReused:    {quic.ProtocolViolation, frameNew, "9000-10.3.2-6: stateless reset token used for another connection ID"},
	rNewLimit:          {quic.ConnectionIDLimitError, frameNew, "9000-5.1.1-5: more active connection IDs than the limit"},
	rRetireQueue:       {quic.ConnectionIDLimitError, frameNew, "9000-5.1.2-6: too many connection IDs to retire that are not acknowledged"},
	rNewGaps:           {quic.ConnectionIDLimitError, frameNew, "9000-5.1.1-2: too many sequence numbers left out"},
	rPreferredZeroLength: {
		quic.TransportParameterError, 0, "9000-18.2-4.38: preferred_address from a server whose connection ID is of length zero",
	},
	rRetireUnsent:     {quic.ProtocolViolation, frameRetire, "9000-19.16-7: retires a sequence number that was never sent"},
	rRetireInUse:      {quic.ProtocolViolation, frameRetire, "9000-19.16-8: retires the connection ID of its own packet"},
	rRetireZeroLength: {quic.ProtocolViolation, frameRetire, "9000-19.16-9: RETIRE_CONNECTION_ID for a connection ID of length zero"},
	rNoID:             {discard, 0, "9000-9.3-2: no unused connection ID of the peer"},

	rTokenShort:   {discard, 0, "9000-8.1.4-1: token of a wrong length"},
	rTokenKind:    {discard, 0, "9000-8.1.1-1: token of another kind"},
	rTokenForged:  {discard, 0, "9000-8.1.4-2: token is not authentic, or for another address"},
	rTokenFuture:  {discard, 0, "9000-8.1.4-5: token from the future"},
	rTokenOld:     {discard, 0, "9000-8.1.4-5: token is too old"},
	rTokenOtherID: {discard, 0, "9000-8.1.2-4: connection ID of the packet is not the one of the Retry"},

	rPutID:       {misuse, 0, "9000-5.1-4: connection ID of length zero, issued already, or of another length"},
	rPutLimit:    {misuse, 0, "9000-5.1.1-4: more connection IDs than the peer's limit"},
	rPutSequence: {misuse, 0, "9000-5.1.2-2: no such active connection ID"},
	rPutPath:     {misuse, 0, "9000-8.2-1: no such path"},
	rPutSpent:    {misuse, 0, "9000-8-2: sent more than the anti-amplification limit"},
	rPutToken:    {misuse, 0, "9000-8.1.4-2: cipher without a nonce of 12 bytes, or a connection ID beyond 20 bytes"},
}

// failures are the errors, made once.
var failures = func() (all [numReasons]*quic.Error) {
	for r := range all {
		e := &quic.Error{Scope: codec.ScopeConn, Code: reasons[r].code, Frame: reasons[r].frame, Off: -1, Reason: reasons[r].text}
		switch e.Code {
		case discard:
			e.Scope, e.Code = 0, quic.NoError
		case misuse:
			e.Scope, e.Code = codec.ScopeMisuse, quic.NoError
		}
		all[r] = e
	}
	return all
}()

func failure(r reason) error {
	if r == ok {
		return nil
	}
	return failures[r]
}
