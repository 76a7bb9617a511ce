package quic

import "github.com/purewire/purewire/codec"

// ErrorCode is an error code of QUIC itself (RFC 9000 section 20.1), or of the application where a frame carries one of those.
type ErrorCode uint64

// The transport error codes of RFC 9000 section 20.1 and RFC 9368 section 10.2.
const (
	NoError                 ErrorCode = 0x00
	InternalError           ErrorCode = 0x01
	ConnectionRefused       ErrorCode = 0x02
	FlowControlError        ErrorCode = 0x03
	StreamLimitError        ErrorCode = 0x04
	StreamStateError        ErrorCode = 0x05
	FinalSizeError          ErrorCode = 0x06
	FrameEncodingError      ErrorCode = 0x07
	TransportParameterError ErrorCode = 0x08
	ConnectionIDLimitError  ErrorCode = 0x09
	ProtocolViolation       ErrorCode = 0x0a
	InvalidToken            ErrorCode = 0x0b
	ApplicationError        ErrorCode = 0x0c
	CryptoBufferExceeded    ErrorCode = 0x0d
	KeyUpdateError          ErrorCode = 0x0e
	AEADLimitReached        ErrorCode = 0x0f
	NoViablePath            ErrorCode = 0x10
	VersionNegotiationError ErrorCode = 0x11
	// CryptoError is the first of 256 codes: a TLS alert is CryptoError+alert.
	CryptoError ErrorCode = 0x0100
)

var codeNames = [...]string{
	"NO_ERROR", "INTERNAL_ERROR", "CONNECTION_REFUSED", "FLOW_CONTROL_ERROR", "STREAM_LIMIT_ERROR", "STREAM_STATE_ERROR",
	"FINAL_SIZE_ERROR", "FRAME_ENCODING_ERROR", "TRANSPORT_PARAMETER_ERROR", "CONNECTION_ID_LIMIT_ERROR", "PROTOCOL_VIOLATION",
	"INVALID_TOKEN", "APPLICATION_ERROR", "CRYPTO_BUFFER_EXCEEDED", "KEY_UPDATE_ERROR", "AEAD_LIMIT_REACHED", "NO_VIABLE_PATH",
	"VERSION_NEGOTIATION_ERROR",
}

// String returns the name in the RFC, such as "FRAME_ENCODING_ERROR", "CRYPTO_ERROR" for all 256 of those, or "UNKNOWN".
func (c ErrorCode) String() string {
	switch {
	case c < ErrorCode(len(codeNames)):
		return codeNames[c]
	case c >= CryptoError && c < CryptoError+256:
		return "CRYPTO_ERROR"
	}
	return "UNKNOWN"
}

// Error returns the name, so that errors.Is(err, FrameEncodingError) works on every error of this package.
func (c ErrorCode) Error() string { return "quic: " + c.String() }

// Error is what every failure of this package returns. It must not be changed: those of the stateless functions are shared.
type Error struct {
	// Scope is ScopeConn for what ends the connection with Code, ScopeMisuse for what the caller got wrong, and zero for
	// a packet that is to be dropped without a word: nothing ends.
	Scope codec.Scope
	// Code is the error code for the CONNECTION_CLOSE frame. It is NoError for packets to drop and for misuse.
	Code ErrorCode
	// Frame is the type of the frame that is to blame, 0 where none is or it is not known: the Frame Type field of CONNECTION_CLOSE.
	Frame uint64
	// Off is the offset of the failure in the payload of a packet, -1 where the function has no offset to tell (all but FrameDecoder).
	Off int64
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces: RFC, section, paragraph. It
	// holds nothing that the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "quic: " + e.Reason }

// Unwrap returns the code, so that errors.Is(err, FrameEncodingError) works.
func (e *Error) Unwrap() error { return e.Code }

// reason numbers the failing branches: one each.
type reason uint8

// The failing branches. Texts, codes and scopes stand in reasons.
const (
	ok reason = iota
	// frames
	rEmptyPayload
	rFrameCut
	rFrameTypeLong
	rFrameUnknown
	rFrameInInitial
	rFrameInHandshake
	rFrameInZeroRTT
	rNewTokenAtServer
	rDoneAtServer
	rAckFirst
	rAckCount
	rAckGap
	rAckRange
	rResetSendOnly
	rStopReceiveOnly
	rCryptoOffset
	rTokenEmpty
	rStreamOffset
	rStreamSendOnly
	rMaxDataReceiveOnly
	rMaxStreams
	rBlockedSendOnly
	rStreamsBlocked
	rIDLen
	rIDRetire
	// packets
	rPacketEmpty
	rFixedBit
	rLongCut
	rLongID
	rVNLength
	rVNVersions
	rTokenCut
	rLengthCut
	rLengthLong
	rSampleCut
	rRetryShort
	rRetryNoToken
	rShortCut
	rDatagramID
	rReserved
	rAuthentication
	// transport parameters
	rParamCut
	rParamTwice
	rParamInteger
	rParamServerOnly
	rParamID
	rParamToken
	rParamUDP
	rParamExponent
	rParamDelay
	rParamFlag
	rParamAddress
	rParamAddressID
	rParamIDLimit
	rParamStreams
	rParamVersions
	rParamVersionZero
	rParamChosenZero
	rParamChosenAbsent
	// misuse
	rDecoderInit
	rPutAck
	rPutAckRanges
	rPutAckECN
	rPutKind
	rPutValue
	rPutStreamEnd
	rPutStreams
	rPutID
	rPutToken
	rPutPadding
	rPutHeader
	rPutHeaderID
	rPutHeaderNumber
	rPutHeaderLength
	rPutRetry
	rPutVersions
	rPutParam
	rPutParamRole
	rPutPacket
	numReasons
)

// discard and misuse stand in for codes of errors that have none.
const (
	discard ErrorCode = 1<<62 + iota
	misuse
)

// reasons holds the texts ("RFC-section-paragraph: what") and the codes.
var reasons = [numReasons]struct {
	code ErrorCode
	text string
}{
	rEmptyPayload:       {ProtocolViolation, "9000-12.4-3: packet without a frame"},
	rFrameCut:           {FrameEncodingError, "9000-12.4-3: frame goes beyond the end of the packet"},
	rFrameTypeLong:      {ProtocolViolation, "9000-12.4-18: frame type in more bytes than needed"},
	rFrameUnknown:       {FrameEncodingError, "9000-12.4-16: unknown frame type"},
	rFrameInInitial:     {ProtocolViolation, "9000-17.2.2-8: frame that must not be in an Initial packet"},
	rFrameInHandshake:   {ProtocolViolation, "9000-17.2.4-6: frame that must not be in a Handshake packet"},
	rFrameInZeroRTT:     {ProtocolViolation, "9000-12.5-3: frame that must not be in a 0-RTT packet"},
	rNewTokenAtServer:   {ProtocolViolation, "9000-19.7-7: NEW_TOKEN from a client"},
	rDoneAtServer:       {ProtocolViolation, "9000-19.20-4: HANDSHAKE_DONE from a client"},
	rAckFirst:           {FrameEncodingError, "9000-19.3-8.8: first ACK range goes below packet number 0"},
	rAckCount:           {FrameEncodingError, "9000-19.3-8.6: more ACK ranges than the packet has bytes for"},
	rAckGap:             {FrameEncodingError, "9000-19.3.1-14: ACK gap goes below packet number 0"},
	rAckRange:           {FrameEncodingError, "9000-19.3.1-14: ACK range goes below packet number 0"},
	rResetSendOnly:      {StreamStateError, "9000-19.4-3: RESET_STREAM for a send-only stream"},
	rStopReceiveOnly:    {StreamStateError, "9000-19.5-2: STOP_SENDING for a receive-only stream"},
	rCryptoOffset:       {FrameEncodingError, "9000-19.6-7: CRYPTO data goes beyond 2^62-1"},
	rTokenEmpty:         {FrameEncodingError, "9000-19.7-5.4: empty token in NEW_TOKEN"},
	rStreamOffset:       {FrameEncodingError, "9000-19.8-9: STREAM data goes beyond 2^62-1"},
	rStreamSendOnly:     {StreamStateError, "9000-19.8-3: STREAM for a send-only stream"},
	rMaxDataReceiveOnly: {StreamStateError, "9000-19.10-2: MAX_STREAM_DATA for a receive-only stream"},
	rMaxStreams:         {FrameEncodingError, "9000-19.11-5.2: MAX_STREAMS above 2^60"},
	rBlockedSendOnly:    {StreamStateError, "9000-19.13-2: STREAM_DATA_BLOCKED for a send-only stream"},
	rStreamsBlocked:     {FrameEncodingError, "9000-19.14-6.2: STREAMS_BLOCKED above 2^60"},
	rIDLen:              {FrameEncodingError, "9000-19.15-5.6: connection ID not of 1 to 20 bytes"},
	rIDRetire:           {FrameEncodingError, "9000-19.15-9: Retire Prior To above the sequence number"},

	rPacketEmpty:    {discard, "9000-12.2-1: datagram without a packet"},
	rFixedBit:       {discard, "9000-17.2-3.4: fixed bit is 0"},
	rLongCut:        {discard, "8999-5.1-2: long header is cut off"},
	rLongID:         {discard, "9000-17.2-3.12: connection ID of more than 20 bytes"},
	rVNLength:       {discard, "8999-6-5: Version Negotiation with a truncated version"},
	rVNVersions:     {discard, "8999-6-5: Version Negotiation without versions"},
	rTokenCut:       {discard, "9000-17.2.2-4.2: Initial token is cut off"},
	rLengthCut:      {discard, "9000-17.2-8.6: Length field is cut off"},
	rLengthLong:     {discard, "9000-17.2-8.6: Length goes beyond the datagram"},
	rSampleCut:      {discard, "9001-5.4.2-3: packet is too short for a header protection sample"},
	rRetryShort:     {discard, "9000-17.2.5-2: Retry without room for its integrity tag"},
	rRetryNoToken:   {discard, "9000-17.2.5.2-2: Retry with an empty token"},
	rShortCut:       {discard, "9000-17.3.1-2: short header is cut off"},
	rDatagramID:     {discard, "9000-12.2-4: packet for another connection ID in the same datagram"},
	rReserved:       {ProtocolViolation, "9000-17.2-8.2: reserved bits are not 0 behind the protection"},
	rAuthentication: {discard, "9001-5.5-1: packet is not authentic"},

	rParamCut:          {TransportParameterError, "9000-18-3: transport parameter is cut off"},
	rParamTwice:        {TransportParameterError, "9000-7.4-7: transport parameter twice"},
	rParamInteger:      {TransportParameterError, "9000-18.2-2: integer parameter is no single integer"},
	rParamServerOnly:   {TransportParameterError, "9000-18.2-8: server-only transport parameter from a client"},
	rParamID:           {TransportParameterError, "9000-17.2-3.12: connection ID parameter of more than 20 bytes"},
	rParamToken:        {TransportParameterError, "9000-18.2-4.6: stateless reset token not of 16 bytes"},
	rParamUDP:          {TransportParameterError, "9000-18.2-4.10: max_udp_payload_size below 1200"},
	rParamExponent:     {TransportParameterError, "9000-18.2-4.26: ack_delay_exponent above 20"},
	rParamDelay:        {TransportParameterError, "9000-18.2-4.28: max_ack_delay of 2^14 or more"},
	rParamFlag:         {TransportParameterError, "9000-18.2-4.30: flag parameter with a value"},
	rParamAddress:      {TransportParameterError, "9000-18.2-4.34: preferred_address of a wrong length"},
	rParamAddressID:    {TransportParameterError, "9000-18.2-4.38: preferred_address with a connection ID not of 1 to 20 bytes"},
	rParamIDLimit:      {TransportParameterError, "9000-18.2-6.2: active_connection_id_limit below 2"},
	rParamStreams:      {TransportParameterError, "9000-4.6-2: initial_max_streams above 2^60"},
	rParamVersions:     {TransportParameterError, "9368-4-3: version_information not of whole versions"},
	rParamVersionZero:  {TransportParameterError, "9368-4-3: available version 0"},
	rParamChosenZero:   {TransportParameterError, "9368-4-3: chosen version 0"},
	rParamChosenAbsent: {TransportParameterError, "9368-4-3: a client's chosen version is not among the available ones"},

	rDecoderInit:     {misuse, "FrameDecoder before Init, or with more bytes than the payload has"},
	rPutAck:          {misuse, "9000-19.3-8: ACK without a range or with a delay above 2^62-1"},
	rPutAckRanges:    {misuse, "9000-19.3.1-1: ACK ranges out of order, touching, or above 2^62-1"},
	rPutAckECN:       {misuse, "9000-19.3.2-5: ECN count above 2^62-1"},
	rPutKind:         {misuse, "9000-19-1: no such frame"},
	rPutValue:        {misuse, "9000-16-3: value above 2^62-1"},
	rPutStreamEnd:    {misuse, "9000-19.8-9: data beyond 2^62-1"},
	rPutStreams:      {misuse, "9000-19.11-5.2: stream count above 2^60"},
	rPutID:           {misuse, "9000-19.15-5: connection ID not of 1 to 20 bytes, or retired by its own frame"},
	rPutToken:        {misuse, "9000-19.7-5.4: empty token"},
	rPutPadding:      {misuse, "9000-19.1-2: padding that is empty or not zero"},
	rPutHeader:       {misuse, "9000-17.2-4: packet type or version without such a header"},
	rPutHeaderID:     {misuse, "9000-17.2-3.12: connection ID of more than 20 bytes to be sent"},
	rPutHeaderNumber: {misuse, "9000-17.1-1: packet number length not of 1 to 4"},
	rPutHeaderLength: {misuse, "9000-17.2-8.6: length that does not fit its field"},
	rPutRetry:        {misuse, "9000-17.2.5-4.2: Retry with an empty token"},
	rPutVersions:     {misuse, "9000-17.2.1-9: Version Negotiation without versions"},
	rPutParam:        {misuse, "9000-18.2-1: transport parameter out of its range"},
	rPutParamRole:    {misuse, "9000-18.2-8: server-only transport parameter at a client"},
	rPutPacket:       {misuse, "9001-5.4.2-4: packet without room for its header, or too short to be sampled"},
}

// failures are the errors of the stateless functions, made once.
var failures = func() (all [numReasons]*Error) {
	for r := range all {
		e := newError(reason(r))
		all[r] = &e
	}
	return all
}()

func failure(r reason) error { return failures[r] }

func newError(r reason) Error {
	e := Error{Scope: codec.ScopeConn, Code: reasons[r].code, Off: -1, Reason: reasons[r].text}
	switch e.Code {
	case discard:
		e.Scope, e.Code = 0, NoError
	case misuse:
		e.Scope, e.Code = codec.ScopeMisuse, NoError
	}
	return e
}
