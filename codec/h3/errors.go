package h3

import "github.com/purewire/purewire/codec"

// NoStream is the Error.Stream of a failure that concerns no stream.
const NoStream = 1<<64 - 1

// Error is what every failure of a Conn is. It is stored inside the Conn that failed; errors.As copies nothing.
type Error struct {
	// Scope is ScopeConn or ScopeMisuse; ScopeStream for a Capsules, whose stream is at fault.
	Scope codec.Scope
	// Code is what CONNECTION_CLOSE or RESET_STREAM carries.
	Code ErrorCode
	// Stream is the stream on which it happened, NoStream if it was none.
	Stream uint64
	// Off is the offset in that stream of the frame or instruction at fault, -1 if no input is.
	Off int64
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces. It holds nothing
	// that the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "h3: " + e.Reason }

// Unwrap returns the code as an ErrorCode.
func (e *Error) Unwrap() error { return e.Code }

// set fills e for a failure in the frame at off.
func (e *Error) set(f Fault, stream uint64, off int64) *Error {
	row := f.row()
	*e = Error{Scope: row.scope, Code: row.code, Stream: stream, Off: off, Reason: row.text}
	return e
}

// Fault numbers the failing branches of this package: one each. The zero Fault is none. Numbers are stable within a build
// only; Reason is stable.
type Fault uint16

// Scope says how far the fault reaches; 0 for no fault.
func (f Fault) Scope() codec.Scope { return f.row().scope }

// Code returns the error code to answer with, 0 for no fault.
func (f Fault) Code() ErrorCode { return f.row().code }

// Reason returns a constant that starts with the clause enforced, "" for no fault.
func (f Fault) Reason() string { return f.row().text }

// Error returns the reason, so that a Fault can be reported as an error.
func (f Fault) Error() string { return "h3: " + f.Reason() }

// Unwrap returns the code as an ErrorCode.
func (f Fault) Unwrap() error { return f.Code() }

const (
	onConn   = codec.ScopeConn
	onStream = codec.ScopeStream
	misuse   = codec.ScopeMisuse
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

// Reasons returns every reason of this package but those of package qpack, for tests that want to see each of them reached.
func Reasons() []string {
	all := make([]string, 0, numConnFaults-1)
	for f := ok + 1; f < numConnFaults; f++ {
		all = append(all, f.Reason())
	}
	return all
}

// The failing branches that need no Conn. Scopes, codes and texts stand in faults.
const (
	ok Fault = iota
	// frame header: types and sizes
	fReservedFrame
	fDataControl
	fHeadersControl
	fCancelRequest
	fSettingsRequest
	fPromiseControl
	fPromiseServer
	fGoAwayRequest
	fMaxPushRequest
	fMaxPushClient
	fUpdateRequest
	fUpdateClient
	fCancelSize
	fGoAwaySize
	fMaxPushSize
	fPromiseSize
	fUpdateSize
	// settings
	fSettingsCut
	fSettingsMany
	fSettingTwice
	fSettingReserved
	fConnectValue
	fDatagramValue
	fResumeTable
	fResumeBlocked
	fResumeSection
	fResumeConnect
	fResumeDatagram
	// datagrams and capsules
	fDatagramShort
	fDatagramID
	fCapsuleCut
	fCapsuleLong
	fCapsuleMany
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

// faults holds the scopes, the codes and the texts ("RFC-section-paragraph: what").
var faults = [numFaults]faultRow{
	fReservedFrame:          {onConn, FrameUnexpected, "9114-7.2.8-3: frame of a type that only HTTP/2 has"},
	fDataControl:            {onConn, FrameUnexpected, "9114-7.2.1-2: DATA on the control stream"},
	fHeadersControl:         {onConn, FrameUnexpected, "9114-7.2.2-3: HEADERS on the control stream"},
	fCancelRequest:          {onConn, FrameUnexpected, "9114-7.2.3-5: CANCEL_PUSH not on the control stream"},
	fSettingsRequest:        {onConn, FrameUnexpected, "9114-7.2.4-3: SETTINGS not on the control stream"},
	fPromiseControl:         {onConn, FrameUnexpected, "9114-7.2.5-8: PUSH_PROMISE on the control stream"},
	fPromiseServer:          {onConn, FrameUnexpected, "9114-7.2.5-9: PUSH_PROMISE from a client"},
	fGoAwayRequest:          {onConn, FrameUnexpected, "9114-7.2.6-5: GOAWAY not on the control stream"},
	fMaxPushRequest:         {onConn, FrameUnexpected, "9114-7.2.7-2: MAX_PUSH_ID not on the control stream"},
	fMaxPushClient:          {onConn, FrameUnexpected, "9114-7.2.7-3: MAX_PUSH_ID from a server"},
	fUpdateRequest:          {onConn, FrameUnexpected, "9218-7.2-2: PRIORITY_UPDATE not on the control stream"},
	fUpdateClient:           {onConn, FrameUnexpected, "9218-7.2-8: PRIORITY_UPDATE from a server"},
	fCancelSize:             {onConn, FrameError, "9114-7.1-5: CANCEL_PUSH is not one integer"},
	fGoAwaySize:             {onConn, FrameError, "9114-7.1-5: GOAWAY is not one integer"},
	fMaxPushSize:            {onConn, FrameError, "9114-7.1-5: MAX_PUSH_ID is not one integer"},
	fPromiseSize:            {onConn, FrameError, "9114-7.1-5: PUSH_PROMISE without a push ID"},
	fUpdateSize:             {onConn, FrameError, "9114-7.1-5: PRIORITY_UPDATE without an element"},
	fSettingsCut:            {onConn, FrameError, "9114-7.1-5: SETTINGS ends inside a setting"},
	fSettingsMany:           {onConn, ExcessiveLoad, "9114-10.5-4: more settings than the limit"},
	fSettingTwice:           {onConn, SettingsError, "9114-7.2.4-6: setting repeated"},
	fSettingReserved:        {onConn, SettingsError, "9114-7.2.4.1-5: setting that only HTTP/2 has"},
	fConnectValue:           {onConn, SettingsError, "8441-3-2: SETTINGS_ENABLE_CONNECT_PROTOCOL neither 0 nor 1"},
	fDatagramValue:          {onConn, SettingsError, "9297-2.1.1-2: SETTINGS_H3_DATAGRAM neither 0 nor 1"},
	fResumeTable:            {onConn, SettingsError, "9204-3.2.3-2: table capacity differs from the one that 0-RTT data was sent with"},
	fResumeBlocked:          {onConn, SettingsError, "9114-7.2.4.2-8: fewer blocked streams than 0-RTT data was sent with"},
	fResumeSection:          {onConn, SettingsError, "9114-7.2.4.2-8: smaller field sections than 0-RTT data was sent with"},
	fResumeConnect:          {onConn, SettingsError, "9114-7.2.4.2-8: extended CONNECT withdrawn that 0-RTT data was sent with"},
	fResumeDatagram:         {onConn, SettingsError, "9297-2.1.1-4: datagrams withdrawn that 0-RTT data was sent with"},
	fDatagramShort:          {onConn, DatagramError, "9297-2.1-4: datagram without a Quarter Stream ID"},
	fDatagramID:             {onConn, DatagramError, "9297-2.1-3.2: Quarter Stream ID above 2^60-1"},
	fCapsuleCut:             {onStream, MessageError, "9297-3.3-3: content ends inside a capsule"},
	fCapsuleLong:            {onStream, ExcessiveLoad, "9297-3.2-12: capsule longer than the limit"},
	fCapsuleMany:            {onStream, ExcessiveLoad, "9297-3.2-7: too many capsules that nobody knows"},
	fFieldNameEmpty:         {onStream, MessageError, "9110-5.1-2: empty field name"},
	fFieldNameUpper:         {onStream, MessageError, "9114-4.2-2: upper-case letter in a field name"},
	fFieldNameByte:          {onStream, MessageError, "9114-10.3-1: octet in a field name that is no token character"},
	fFieldValueByte:         {onStream, MessageError, "9114-10.3-2: control character in a field value"},
	fFieldValueBlank:        {onStream, MessageError, "9110-5.5-3: whitespace at an end of a field value"},
	fFieldPseudoUnknown:     {onStream, MessageError, "9114-4.3-3: undefined pseudo-header field"},
	fFieldPseudoLate:        {onStream, MessageError, "9114-4.3-4: pseudo-header field behind a regular field"},
	fFieldPseudoTwice:       {onStream, MessageError, "9114-4.3.1-3: pseudo-header field repeated"},
	fFieldPseudoResponse:    {onStream, MessageError, "9114-4.3-3: pseudo-header field of responses in a request"},
	fFieldPseudoRequest:     {onStream, MessageError, "9114-4.3-3: pseudo-header field of requests in a response"},
	fFieldPseudoTrailer:     {onStream, MessageError, "9114-4.3-3: pseudo-header field in a trailer section"},
	fFieldConnection:        {onStream, MessageError, "9114-4.2-3: connection-specific field"},
	fFieldTE:                {onStream, MessageError, "9114-4.2-4: te other than trailers"},
	fFieldTEResponse:        {onStream, MessageError, "9114-4.2-4: te in a response"},
	fFieldTrailerField:      {onStream, MessageError, "9110-6.5.1-2: field that is not allowed in a trailer section"},
	fFieldLengthInvalid:     {onStream, MessageError, "9110-8.6-12: content-length is no number below 2^63"},
	fFieldLengthTwice:       {onStream, MessageError, "9110-8.6-13: more than one content-length"},
	fFieldMethodMissing:     {onStream, MessageError, "9114-4.3.1-3: request without :method"},
	fFieldMethodInvalid:     {onStream, MessageError, "9110-9.1-2: :method is not a token"},
	fFieldSchemeMissing:     {onStream, MessageError, "9114-4.3.1-3: request without :scheme"},
	fFieldSchemeInvalid:     {onStream, MessageError, "3986-3.1-2: :scheme is not a scheme"},
	fFieldPathMissing:       {onStream, MessageError, "9114-4.3.1-3: request without :path"},
	fFieldPathEmpty:         {onStream, MessageError, "9114-4.3.1-2.16: empty :path"},
	fFieldPathByte:          {onStream, MessageError, "9114-4.3.1-2.14: octet in :path that no path or query has"},
	fFieldPathForm:          {onStream, MessageError, "9114-4.3.1-2.14: :path does not start with a slash"},
	fFieldPathStar:          {onStream, MessageError, "9114-4.3.1-2.16: :path of * without OPTIONS"},
	fFieldAuthorityMissing:  {onStream, MessageError, "9114-4.3.1-4: request without a host"},
	fFieldAuthorityInvalid:  {onStream, MessageError, "9114-4.3.1-2.10: invalid :authority"},
	fFieldAuthorityUser:     {onStream, MessageError, "9114-4.3.1-2.10: user information in :authority"},
	fFieldHostInvalid:       {onStream, MessageError, "9110-7.2-2: invalid host"},
	fFieldHostTwice:         {onStream, MessageError, "9110-7.2-6: more than one host"},
	fFieldHostDiffers:       {onStream, MessageError, "9114-4.3.1-4: host and :authority differ"},
	fFieldConnectScheme:     {onStream, MessageError, "9114-4.4-4: CONNECT with :scheme"},
	fFieldConnectPath:       {onStream, MessageError, "9114-4.4-4: CONNECT with :path"},
	fFieldConnectAuthority:  {onStream, MessageError, "9114-4.4-4: CONNECT without :authority"},
	fFieldConnectPort:       {onStream, MessageError, "9110-9.3.6-4: :authority of CONNECT without host or port"},
	fFieldProtocolMethod:    {onStream, MessageError, "8441-4-2: :protocol without CONNECT"},
	fFieldProtocolInvalid:   {onStream, MessageError, "8441-4-2: :protocol is not a token"},
	fFieldProtocolScheme:    {onStream, MessageError, "8441-4-3: extended CONNECT without :scheme"},
	fFieldProtocolPath:      {onStream, MessageError, "8441-4-3: extended CONNECT without :path"},
	fFieldProtocolAuthority: {onStream, MessageError, "8441-4-4: extended CONNECT without :authority"},
	fFieldStatusMissing:     {onStream, MessageError, "9114-4.3.2-1: response without :status"},
	fFieldStatusInvalid:     {onStream, MessageError, "9110-15-2: :status is not three digits, 100 or above"},
	fFieldStatus101:         {onStream, MessageError, "9114-4.5-1: :status of 101"},
}
