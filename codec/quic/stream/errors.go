package stream

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// reason numbers the failing branches: one each.
type reason uint8

// The failing branches. Texts, codes and scopes stand in reasons.
const (
	ok reason = iota
	rConflict
	rSpans
	rAhead
	rCryptoEnd
	rCryptoAhead
	rCryptoSpans
	rCryptoTotal
	rStreamEnd
	rFinBelow
	rFinChanged
	rBeyondFinal
	rResetBelow
	rResetChanged
	rStreamData
	rConnData
	rDataBlocked
	rStreamDataBlocked
	rStreamsBlockedOften
	rSendOnly
	rReceiveOnly
	rNotCreated
	rStreamLimit
	rMaxStreams
	rStreamsBlocked
	// misuse
	rPutClosed
	rPutSize
	rPutAck
	rPutState
	rPutConsumed
	rPutStream
	numReasons
)

// misuse stands in for the code of errors that have none.
const misuse quic.ErrorCode = 1 << 62

// reasons holds the texts ("RFC-section-paragraph: what"), the codes, and the frame types that are to blame.
var reasons = [numReasons]struct {
	code  quic.ErrorCode
	frame uint64
	text  string
}{
	rConflict:            {quic.ProtocolViolation, 0, "9000-2.2-4: different data at the same offset"},
	rSpans:               {quic.InternalError, 0x08, "9000-21.7-4: stream data in too many pieces with gaps between them"},
	rAhead:               {quic.FlowControlError, 0x08, "9000-21.7-1: stream data farther ahead than is buffered"},
	rCryptoEnd:           {quic.FrameEncodingError, 0x06, "9000-19.6-7: CRYPTO data goes beyond 2^62-1"},
	rCryptoAhead:         {quic.CryptoBufferExceeded, 0x06, "9000-7.5-3: CRYPTO data farther ahead than is buffered"},
	rCryptoSpans:         {quic.CryptoBufferExceeded, 0x06, "9000-7.5-3: CRYPTO data in too many pieces with gaps between them"},
	rCryptoTotal:         {quic.CryptoBufferExceeded, 0x06, "9000-7.5-4: too much CRYPTO data after the handshake"},
	rStreamEnd:           {quic.FrameEncodingError, 0x08, "9000-19.8-9: STREAM data goes beyond 2^62-1"},
	rFinBelow:            {quic.FinalSizeError, 0x08, "9000-4.5-5: FIN below data that was received"},
	rFinChanged:          {quic.FinalSizeError, 0x08, "9000-4.5-5: FIN changes the final size"},
	rBeyondFinal:         {quic.FinalSizeError, 0x08, "9000-4.5-5: data at or beyond the final size"},
	rResetBelow:          {quic.FinalSizeError, 0x04, "9000-4.5-5: RESET_STREAM below data that was received"},
	rResetChanged:        {quic.FinalSizeError, 0x04, "9000-4.5-5: RESET_STREAM changes the final size"},
	rStreamData:          {quic.FlowControlError, 0x08, "9000-19.10-8: more data than MAX_STREAM_DATA allows"},
	rConnData:            {quic.FlowControlError, 0x08, "9000-19.9-6: more data than MAX_DATA allows"},
	rDataBlocked:         {quic.ProtocolViolation, 0x14, "9000-21.9-4: too many DATA_BLOCKED without progress"},
	rStreamDataBlocked:   {quic.ProtocolViolation, 0x15, "9000-21.9-4: too many STREAM_DATA_BLOCKED without progress"},
	rStreamsBlockedOften: {quic.ProtocolViolation, 0x16, "9000-21.9-4: too many STREAMS_BLOCKED without progress"},
	rSendOnly:            {quic.StreamStateError, 0, "9000-19.8-3: frame of a sender for a send-only stream"},
	rReceiveOnly:         {quic.StreamStateError, 0, "9000-19.5-2: frame of a receiver for a receive-only stream"},
	rNotCreated:          {quic.StreamStateError, 0, "9000-19.8-3: frame for a locally initiated stream that is not yet created"},
	rStreamLimit:         {quic.StreamLimitError, 0, "9000-4.6-3: stream beyond the limit"},
	rMaxStreams:          {quic.FrameEncodingError, 0x12, "9000-19.11-5.2: MAX_STREAMS above 2^60"},
	rStreamsBlocked:      {quic.FrameEncodingError, 0x16, "9000-19.14-6.2: STREAMS_BLOCKED above 2^60"},

	rPutClosed:   {misuse, 0, "9000-4.5-4: data behind the end of the stream"},
	rPutSize:     {misuse, 0, "9000-19.8-9: data beyond 2^62-1"},
	rPutAck:      {misuse, 0, "9000-13.3-2: acknowledged or lost what was not sent"},
	rPutState:    {misuse, 0, "9000-3.3-2: not in this state of the stream"},
	rPutConsumed: {misuse, 0, "9000-4.1-6: consumed more than was received"},
	rPutStream:   {misuse, 0, "9000-4.6-5: a stream that is not open is done"},
}

// failures are the errors, made once.
var failures = func() (all [numReasons]*quic.Error) {
	for r := range all {
		e := &quic.Error{Scope: codec.ScopeConn, Code: reasons[r].code, Frame: reasons[r].frame, Off: -1, Reason: reasons[r].text}
		if e.Code == misuse {
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
