package http2

import "github.com/purewire/purewire/codec"

// ErrorCode is an error code of RST_STREAM and GOAWAY frames (RFC 9113 section 7), and an error, so that
// errors.Is(err, http2.FlowControlError) finds it in every error of this package. Codes that are not listed here come from
// peers; they have no special meaning and are treated like InternalError (section 7-6).
type ErrorCode uint32

// The error codes of RFC 9113 section 7.
const (
	// NoError: graceful shutdown.
	NoError ErrorCode = iota
	// ProtocolError: the peer broke a rule for which there is no code of its own.
	ProtocolError
	// InternalError: the sender of the code met an unexpected condition.
	InternalError
	// FlowControlError: more data than the window allowed, or a window above 2^31-1.
	FlowControlError
	// SettingsTimeout: SETTINGS were not acknowledged in time.
	SettingsTimeout
	// StreamClosed: a frame for a half-closed or closed stream.
	StreamClosed
	// FrameSizeError: a frame of an invalid size.
	FrameSizeError
	// RefusedStream: refused before any processing; the request may be retried.
	RefusedStream
	// Cancel: the stream is no longer needed.
	Cancel
	// CompressionError: the field section compression state cannot be kept.
	CompressionError
	// ConnectError: the connection made for CONNECT was reset or closed abnormally.
	ConnectError
	// EnhanceYourCalm: the peer causes too much load.
	EnhanceYourCalm
	// InadequateSecurity: the transport does not meet the minimum security requirements.
	InadequateSecurity
	// HTTP11Required: the endpoint requires HTTP/1.1 for this request.
	HTTP11Required
	numErrorCodes
)

var errorCodes = [numErrorCodes]string{
	NoError: "NO_ERROR", ProtocolError: "PROTOCOL_ERROR", InternalError: "INTERNAL_ERROR",
	FlowControlError: "FLOW_CONTROL_ERROR", SettingsTimeout: "SETTINGS_TIMEOUT", StreamClosed: "STREAM_CLOSED",
	FrameSizeError: "FRAME_SIZE_ERROR", RefusedStream: "REFUSED_STREAM", Cancel: "CANCEL",
	CompressionError: "COMPRESSION_ERROR", ConnectError: "CONNECT_ERROR", EnhanceYourCalm: "ENHANCE_YOUR_CALM",
	InadequateSecurity: "INADEQUATE_SECURITY", HTTP11Required: "HTTP_1_1_REQUIRED",
}

// String returns the name in RFC 9113, such as "FLOW_CONTROL_ERROR", or "UNKNOWN".
func (c ErrorCode) String() string {
	if c < numErrorCodes {
		return errorCodes[c]
	}
	return "UNKNOWN"
}

// Error returns "http2: " and the name.
func (c ErrorCode) Error() string { return "http2: " + c.String() }

// Error is what every failure of a Conn is. It is stored inside the Conn that failed; errors.As copies nothing.
type Error struct {
	// Scope is ScopeConn, ScopeStream or ScopeMisuse.
	Scope codec.Scope
	// Code is what GOAWAY or RST_STREAM carries.
	Code ErrorCode
	// Stream is the stream concerned, 0 for none.
	Stream uint32
	// Off is the offset in the connection's input of the frame at fault, -1 if no input is.
	Off int64
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces. It holds nothing
	// that the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "http2: " + e.Reason }

// Unwrap returns the code as an ErrorCode.
func (e *Error) Unwrap() error { return e.Code }

// set fills e for a failure in the frame at off.
func (e *Error) set(f Fault, stream uint32, off int64) *Error {
	row := f.row()
	*e = Error{Scope: row.scope, Code: row.code, Stream: stream, Off: off, Reason: row.text}
	return e
}

// Fault numbers the failing branches of this package: one each. The zero Fault is none. Numbers are stable within a build
// only; Reason is stable.
type Fault uint16

// Scope says how far the fault reaches; 0 for no fault.
func (f Fault) Scope() codec.Scope { return f.row().scope }

// Code returns the error code to answer with; NoError for no fault.
func (f Fault) Code() ErrorCode { return f.row().code }

// Reason returns a constant that starts with the clause enforced, "" for no fault.
func (f Fault) Reason() string { return f.row().text }

// Error returns the reason, so that a Fault can be reported as an error.
func (f Fault) Error() string { return "http2: " + f.Reason() }

// Unwrap returns the code as an ErrorCode.
func (f Fault) Unwrap() error { return f.Code() }

// The failing branches. Scopes, codes and texts stand in faults.
const (
	ok Fault = iota
	// frame header
	fFrameSize
	fDataStream
	fHeadersStream
	fPriorityStream
	fPrioritySize
	fResetStream
	fResetSize
	fSettingsStream
	fSettingsAckSize
	fSettingsSize
	fPromiseStream
	fPingStream
	fPingSize
	fGoAwayStream
	fGoAwaySize
	fWindowSize
	fContinuationStream
	fUpdateStream
	fUpdateSize
	// padding and prefix
	fDataPadMissing
	fDataPad
	fHeadersShort
	fHeadersPad
	fPromiseShort
	fPromisePad
	// payload
	fHeadersSelf
	fPrioritySelf
	fWindowZero
	fWindowZeroConn
	fPromiseZero
	fUpdateZero
	// settings
	fPushValue
	fPushServer
	fWindowValue
	fFrameValue
	fConnectValue
	fConnectLowered
	fNoPriorityValue
	fNoPriorityChanged
	// field sections: in the order of fields.Verdict
	fFieldNameEmpty
	fFieldNameUpper
	fFieldNameByte
	fFieldValueByte
	fFieldValueBlank
	fFieldPseudoUnknown
	fFieldPseudoLate
	fFieldPseudoTwice
	fFieldPseudoResponse
	fFieldPseudoRequest
	fFieldPseudoTrailer
	fFieldConnection
	fFieldTE
	fFieldTEResponse
	fFieldTrailerField
	fFieldLengthInvalid
	fFieldLengthTwice
	fFieldMethodMissing
	fFieldMethodInvalid
	fFieldSchemeMissing
	fFieldSchemeInvalid
	fFieldPathMissing
	fFieldPathEmpty
	fFieldPathByte
	fFieldPathForm
	fFieldPathStar
	fFieldAuthorityMissing
	fFieldAuthorityInvalid
	fFieldAuthorityUser
	fFieldHostInvalid
	fFieldHostTwice
	fFieldHostDiffers
	fFieldConnectScheme
	fFieldConnectPath
	fFieldConnectAuthority
	fFieldConnectPort
	fFieldProtocolMethod
	fFieldProtocolInvalid
	fFieldProtocolScheme
	fFieldProtocolPath
	fFieldProtocolAuthority
	fFieldStatusMissing
	fFieldStatusInvalid
	fFieldStatus101
	numFaults
)

const (
	onConn   = codec.ScopeConn
	onStream = codec.ScopeStream
)

type faultRow struct {
	scope codec.Scope
	code  ErrorCode
	text  string
}

// row returns what is known of the fault. Those of a Conn stand in connFaults.
func (f Fault) row() faultRow {
	switch {
	case f < numFaults:
		return faults[f]
	case f < numConnFaults:
		return connFaults[f-numFaults]
	}
	return faults[ok]
}

// faults holds the scopes, the codes and the texts ("RFC-section-paragraph: what").
var faults = [numFaults]faultRow{
	fFrameSize:              {onConn, FrameSizeError, "9113-4.2-4: frame longer than the announced maximum"},
	fDataStream:             {onConn, ProtocolError, "9113-6.1-9: DATA on stream 0"},
	fHeadersStream:          {onConn, ProtocolError, "9113-6.2-8: HEADERS on stream 0"},
	fPriorityStream:         {onConn, ProtocolError, "9113-6.3-6: PRIORITY on stream 0"},
	fPrioritySize:           {onStream, FrameSizeError, "9113-6.3-8: PRIORITY not of 5 octets"},
	fResetStream:            {onConn, ProtocolError, "9113-6.4-6: RST_STREAM on stream 0"},
	fResetSize:              {onConn, FrameSizeError, "9113-6.4-8: RST_STREAM not of 4 octets"},
	fSettingsStream:         {onConn, ProtocolError, "9113-6.5-7: SETTINGS not on stream 0"},
	fSettingsAckSize:        {onConn, FrameSizeError, "9113-6.5-6.2: SETTINGS acknowledgment with a payload"},
	fSettingsSize:           {onConn, FrameSizeError, "9113-6.5-9: SETTINGS not of a multiple of 6 octets"},
	fPromiseStream:          {onConn, ProtocolError, "9113-6.6-7: PUSH_PROMISE on stream 0"},
	fPingStream:             {onConn, ProtocolError, "9113-6.7-8: PING not on stream 0"},
	fPingSize:               {onConn, FrameSizeError, "9113-6.7-9: PING not of 8 octets"},
	fGoAwayStream:           {onConn, ProtocolError, "9113-6.8-11: GOAWAY not on stream 0"},
	fGoAwaySize:             {onConn, FrameSizeError, "9113-4.2-4: GOAWAY of less than 8 octets"},
	fWindowSize:             {onConn, FrameSizeError, "9113-6.9-12: WINDOW_UPDATE not of 4 octets"},
	fContinuationStream:     {onConn, ProtocolError, "9113-6.10-7: CONTINUATION on stream 0"},
	fUpdateStream:           {onConn, ProtocolError, "9218-7.1-2: PRIORITY_UPDATE not on stream 0"},
	fUpdateSize:             {onConn, FrameSizeError, "9113-4.2-4: PRIORITY_UPDATE of less than 4 octets"},
	fDataPadMissing:         {onConn, FrameSizeError, "9113-4.2-4: padded DATA without a pad length"},
	fDataPad:                {onConn, ProtocolError, "9113-6.1-11: padding of DATA as long as the payload"},
	fHeadersShort:           {onConn, FrameSizeError, "9113-4.2-4: HEADERS too short for its flags"},
	fHeadersPad:             {onConn, ProtocolError, "9113-6.2-10: padding of HEADERS longer than the space left"},
	fPromiseShort:           {onConn, FrameSizeError, "9113-4.2-4: PUSH_PROMISE too short for its flags"},
	fPromisePad:             {onConn, ProtocolError, "9113-6.6-14: padding of PUSH_PROMISE longer than the space left"},
	fHeadersSelf:            {onStream, ProtocolError, "7540-5.3.1-9: HEADERS that makes a stream depend on itself"},
	fPrioritySelf:           {onStream, ProtocolError, "7540-5.3.1-9: PRIORITY that makes a stream depend on itself"},
	fWindowZero:             {onStream, ProtocolError, "9113-6.9-9: WINDOW_UPDATE of 0 on a stream"},
	fWindowZeroConn:         {onConn, ProtocolError, "9113-6.9-9: WINDOW_UPDATE of 0 on the connection"},
	fPromiseZero:            {onConn, ProtocolError, "9113-6.6-13: PUSH_PROMISE of stream 0"},
	fUpdateZero:             {onConn, ProtocolError, "9218-7.1-8: PRIORITY_UPDATE of stream 0"},
	fPushValue:              {onConn, ProtocolError, "9113-6.5.2-2.4.2: SETTINGS_ENABLE_PUSH neither 0 nor 1"},
	fPushServer:             {onConn, ProtocolError, "9113-6.5.2-2.4.3: SETTINGS_ENABLE_PUSH of 1 from a server"},
	fWindowValue:            {onConn, FlowControlError, "9113-6.5.2-2.8.3: SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1"},
	fFrameValue:             {onConn, ProtocolError, "9113-6.5.2-2.10.2: SETTINGS_MAX_FRAME_SIZE below 2^14 or above 2^24-1"},
	fConnectValue:           {onConn, ProtocolError, "8441-3-2: SETTINGS_ENABLE_CONNECT_PROTOCOL neither 0 nor 1"},
	fConnectLowered:         {onConn, ProtocolError, "8441-3-4: SETTINGS_ENABLE_CONNECT_PROTOCOL of 0 after 1"},
	fNoPriorityValue:        {onConn, ProtocolError, "9218-2.1-2: SETTINGS_NO_RFC7540_PRIORITIES neither 0 nor 1"},
	fNoPriorityChanged:      {onConn, ProtocolError, "9218-2.1-3: SETTINGS_NO_RFC7540_PRIORITIES changed"},
	fFieldNameEmpty:         {onStream, ProtocolError, "9110-5.1-2: empty field name"},
	fFieldNameUpper:         {onStream, ProtocolError, "9113-8.2.1-3.1: upper-case letter in a field name"},
	fFieldNameByte:          {onStream, ProtocolError, "9113-8.2.1-3.2: octet in a field name that is no token character"},
	fFieldValueByte:         {onStream, ProtocolError, "9113-8.2.1-3.3: control character in a field value"},
	fFieldValueBlank:        {onStream, ProtocolError, "9113-8.2.1-3.4: whitespace at an end of a field value"},
	fFieldPseudoUnknown:     {onStream, ProtocolError, "9113-8.3-3: undefined pseudo-header field"},
	fFieldPseudoLate:        {onStream, ProtocolError, "9113-8.3-4: pseudo-header field behind a regular field"},
	fFieldPseudoTwice:       {onStream, ProtocolError, "9113-8.3-5: pseudo-header field repeated"},
	fFieldPseudoResponse:    {onStream, ProtocolError, "9113-8.3-3: pseudo-header field of responses in a request"},
	fFieldPseudoRequest:     {onStream, ProtocolError, "9113-8.3-3: pseudo-header field of requests in a response"},
	fFieldPseudoTrailer:     {onStream, ProtocolError, "9113-8.1-8: pseudo-header field in a trailer section"},
	fFieldConnection:        {onStream, ProtocolError, "9113-8.2.2-1: connection-specific field"},
	fFieldTE:                {onStream, ProtocolError, "9113-8.2.2-2: te other than trailers"},
	fFieldTEResponse:        {onStream, ProtocolError, "9113-8.2.2-2: te in a response"},
	fFieldTrailerField:      {onStream, ProtocolError, "9110-6.5.1-2: field that is not allowed in a trailer section"},
	fFieldLengthInvalid:     {onStream, ProtocolError, "9110-8.6-12: content-length is no number below 2^63"},
	fFieldLengthTwice:       {onStream, ProtocolError, "9110-8.6-13: more than one content-length"},
	fFieldMethodMissing:     {onStream, ProtocolError, "9113-8.3.1-3: request without :method"},
	fFieldMethodInvalid:     {onStream, ProtocolError, "9110-9.1-2: :method is not a token"},
	fFieldSchemeMissing:     {onStream, ProtocolError, "9113-8.3.1-3: request without :scheme"},
	fFieldSchemeInvalid:     {onStream, ProtocolError, "3986-3.1-2: :scheme is not a scheme"},
	fFieldPathMissing:       {onStream, ProtocolError, "9113-8.3.1-3: request without :path"},
	fFieldPathEmpty:         {onStream, ProtocolError, "9113-8.3.1-2.4.2: empty :path"},
	fFieldPathByte:          {onStream, ProtocolError, "9113-8.3.1-2.4.1: octet in :path that no path or query has"},
	fFieldPathForm:          {onStream, ProtocolError, "9113-8.3.1-2.4.1: :path does not start with a slash"},
	fFieldPathStar:          {onStream, ProtocolError, "9113-8.3.1-2.4.1: :path of * without OPTIONS"},
	fFieldAuthorityMissing:  {onStream, ProtocolError, "9110-4.2.1-4: request without a host"},
	fFieldAuthorityInvalid:  {onStream, ProtocolError, "9113-8.3.1-2.3.1: invalid :authority"},
	fFieldAuthorityUser:     {onStream, ProtocolError, "9113-8.3.1-2.3.8: user information in :authority"},
	fFieldHostInvalid:       {onStream, ProtocolError, "9110-7.2-2: invalid host"},
	fFieldHostTwice:         {onStream, ProtocolError, "9110-7.2-6: more than one host"},
	fFieldHostDiffers:       {onStream, ProtocolError, "9113-8.3.1-2.3.3: host and :authority differ"},
	fFieldConnectScheme:     {onStream, ProtocolError, "9113-8.5-3.2: CONNECT with :scheme"},
	fFieldConnectPath:       {onStream, ProtocolError, "9113-8.5-3.2: CONNECT with :path"},
	fFieldConnectAuthority:  {onStream, ProtocolError, "9113-8.5-3.3: CONNECT without :authority"},
	fFieldConnectPort:       {onStream, ProtocolError, "9110-9.3.6-4: :authority of CONNECT without host or port"},
	fFieldProtocolMethod:    {onStream, ProtocolError, "8441-4-2: :protocol without CONNECT"},
	fFieldProtocolInvalid:   {onStream, ProtocolError, "8441-4-2: :protocol is not a token"},
	fFieldProtocolScheme:    {onStream, ProtocolError, "8441-4-3: extended CONNECT without :scheme"},
	fFieldProtocolPath:      {onStream, ProtocolError, "8441-4-3: extended CONNECT without :path"},
	fFieldProtocolAuthority: {onStream, ProtocolError, "8441-4-4: extended CONNECT without :authority"},
	fFieldStatusMissing:     {onStream, ProtocolError, "9113-8.3.2-1: response without :status"},
	fFieldStatusInvalid:     {onStream, ProtocolError, "9110-15-2: :status is not three digits, 100 or above"},
	fFieldStatus101:         {onStream, ProtocolError, "9113-8.6-2: :status of 101"},
}

// Reasons returns every reason of this package, for tests that want to see each of them reached.
func Reasons() []string {
	all := make([]string, 0, numConnFaults-1)
	for f := ok + 1; f < numConnFaults; f++ {
		all = append(all, f.Reason())
	}
	return all
}
