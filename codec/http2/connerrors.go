package http2

import "github.com/purewire/purewire/codec"

const misuse = codec.ScopeMisuse

// The failing branches of Conn. Scopes, codes and texts stand in connFaults.
const (
	// the beginning
	fPreface = numFaults + iota
	fFirstFrame
	fEOF
	fUpgradeSize
	fUpgradeEncoding
	// frames that come at the wrong time
	fContinuationAlone
	fInterleaved
	fContinuationSize
	fPushToServer
	fPushDisabled
	fUpdateToClient
	fUpdatePush
	fUpdateTooMany
	fGoAwayRises
	// stream states
	fEvenStream
	fIdleHeaders
	fIdleData
	fIdleReset
	fIdleWindow
	fHalfClosedHeaders
	fHalfClosedData
	fEndedHeaders
	fEndedData
	fAbortedHeaders
	fAbortedData
	fSkippedHeaders
	fSkippedData
	fAncientHeaders
	fTooManyStreams
	fTooManyHeld
	// messages
	fDataBeforeHead
	fContentForbidden
	fContentLong
	fContentShort
	fRequestShort
	fResponseShort
	fTrailersShort
	fTrailersOpen
	fTrailersConnect
	fTrailersLarge
	fResponseLarge
	fInformationalEnd
	fInformationalMany
	// flow control
	fConnWindow
	fStreamWindow
	fConnOverflow
	fStreamOverflow
	fSettingsOverflow
	// limits and time
	fBlockLong
	fContinuations
	fResets
	fProvoked
	fFruitless
	fEmptyData
	fPings
	fPingsOften
	fSettingsTimeout
	fConnStalled
	fStalled
	fCut
	// misuse: the caller's bugs
	fNoStreamUser
	fNoStreamConsumed
	fConsumedTooMuch
	fNoStreamReset
	fNoStreamRelease
	fReleaseOpen
	fSendOver
	fSendClosed
	fSendField
	fResponseRole
	fResponseTwice
	fStatus
	fInformationalRole
	fInformationalStatus
	fInformationalLate
	fTrailersEarly
	fTrailersConnected
	fOpenBlocked
	fRequestHead
	fProtocolEarly
	fDataSize
	fDataEarly
	fUpdateRole
	fUpdateStreamGone
	fPingOver
	fPingTwice
	fPingOurs
	numConnFaults
)

// connFaults continues faults. Misuse has no clause of its own where the call itself is the rule.
var connFaults = [numConnFaults - numFaults]faultRow{
	fPreface - numFaults:             {onConn, ProtocolError, "9113-3.4-5: not the client connection preface"},
	fFirstFrame - numFaults:          {onConn, ProtocolError, "9113-3.4-7: first frame is not SETTINGS"},
	fEOF - numFaults:                 {onConn, ProtocolError, "9113-9.1-1: input ended inside a frame or before the first one"},
	fUpgradeSize - numFaults:         {onConn, ProtocolError, "7540-3.2.1-4: HTTP2-Settings is no SETTINGS payload"},
	fUpgradeEncoding - numFaults:     {onConn, ProtocolError, "7540-3.2.1-4: HTTP2-Settings is not base64url"},
	fContinuationAlone - numFaults:   {onConn, ProtocolError, "9113-6.10-8: CONTINUATION without HEADERS in front"},
	fInterleaved - numFaults:         {onConn, ProtocolError, "9113-6.2-7: other frame inside a field block"},
	fContinuationSize - numFaults:    {onConn, FrameSizeError, "9113-4.2-4: CONTINUATION longer than the announced maximum"},
	fPushToServer - numFaults:        {onConn, ProtocolError, "9113-8.4-7: PUSH_PROMISE from a client"},
	fPushDisabled - numFaults:        {onConn, ProtocolError, "9113-6.6-9: PUSH_PROMISE while push is disabled"},
	fUpdateToClient - numFaults:      {onConn, ProtocolError, "9218-7.1-9: PRIORITY_UPDATE from a server"},
	fUpdatePush - numFaults:          {onConn, ProtocolError, "9218-7.1-7: PRIORITY_UPDATE of a push that was not promised"},
	fUpdateTooMany - numFaults:       {onConn, ProtocolError, "9218-7.1-6: more streams open or prioritized than SETTINGS_MAX_CONCURRENT_STREAMS"},
	fGoAwayRises - numFaults:         {onConn, ProtocolError, "9113-6.8-9: last stream of GOAWAY is higher than before"},
	fEvenStream - numFaults:          {onConn, ProtocolError, "9113-5.1.1-2: HEADERS on a stream with an even identifier"},
	fIdleHeaders - numFaults:         {onConn, ProtocolError, "9113-5.1-7.2.3: HEADERS of a server on an idle stream"},
	fIdleData - numFaults:            {onConn, ProtocolError, "9113-5.1-7.2.3: DATA on an idle stream"},
	fIdleReset - numFaults:           {onConn, ProtocolError, "9113-6.4-7: RST_STREAM on an idle stream"},
	fIdleWindow - numFaults:          {onConn, ProtocolError, "9113-5.1-7.2.3: WINDOW_UPDATE on an idle stream"},
	fHalfClosedHeaders - numFaults:   {onStream, StreamClosed, "9113-5.1-7.12.2: HEADERS after END_STREAM"},
	fHalfClosedData - numFaults:      {onStream, StreamClosed, "9113-5.1-7.12.2: DATA after END_STREAM"},
	fEndedHeaders - numFaults:        {onConn, StreamClosed, "9113-5.1-7.14.3: HEADERS on a stream closed by both ends"},
	fEndedData - numFaults:           {onConn, StreamClosed, "9113-5.1-7.14.3: DATA on a stream closed by both ends"},
	fAbortedHeaders - numFaults:      {onStream, StreamClosed, "9113-5.1-7.14.3: HEADERS after RST_STREAM"},
	fAbortedData - numFaults:         {onStream, StreamClosed, "9113-5.1-7.14.3: DATA after RST_STREAM"},
	fSkippedHeaders - numFaults:      {onConn, ProtocolError, "9113-5.1.1-2: identifier of a new stream is lower than one before"},
	fSkippedData - numFaults:         {onConn, StreamClosed, "9113-5.1.1-5: DATA on a stream that was closed by a higher identifier"},
	fAncientHeaders - numFaults:      {onStream, StreamClosed, "9113-5.1-7.14.5: HEADERS on a stream that was closed long ago"},
	fTooManyStreams - numFaults:      {onStream, RefusedStream, "9113-5.1.2-3: more streams than SETTINGS_MAX_CONCURRENT_STREAMS"},
	fTooManyHeld - numFaults:         {onStream, RefusedStream, "9113-10.5-1: more closed streams than the application has released"},
	fDataBeforeHead - numFaults:      {onStream, ProtocolError, "9113-8.1-2: DATA before the final response"},
	fContentForbidden - numFaults:    {onStream, ProtocolError, "9113-8.1.1-4: content in a response that has none"},
	fContentLong - numFaults:         {onStream, ProtocolError, "9113-8.1.1-4: more content than content-length"},
	fContentShort - numFaults:        {onStream, ProtocolError, "9113-8.1.1-4: less content than content-length"},
	fRequestShort - numFaults:        {onStream, ProtocolError, "9113-8.1.1-4: request without content and a content-length above 0"},
	fResponseShort - numFaults:       {onStream, ProtocolError, "9113-8.1.1-4: response without content and a content-length above 0"},
	fTrailersShort - numFaults:       {onStream, ProtocolError, "9113-8.1.1-4: trailers before the end of the content"},
	fTrailersOpen - numFaults:        {onStream, ProtocolError, "9113-8.1-4: HEADERS behind the head without END_STREAM"},
	fTrailersConnect - numFaults:     {onStream, ProtocolError, "9113-8.5-6: HEADERS on a connected stream"},
	fTrailersLarge - numFaults:       {onStream, EnhanceYourCalm, "9113-10.5.1-2: trailers larger than the limit"},
	fResponseLarge - numFaults:       {onStream, EnhanceYourCalm, "9113-10.5.1-2: response head larger than the limit"},
	fInformationalEnd - numFaults:    {onStream, ProtocolError, "9113-8.1-5: informational response with END_STREAM"},
	fInformationalMany - numFaults:   {onStream, EnhanceYourCalm, "9110-15.2-1: too many informational responses"},
	fConnWindow - numFaults:          {onConn, FlowControlError, "9113-6.9.1-2: more DATA than the window of the connection"},
	fStreamWindow - numFaults:        {onStream, FlowControlError, "9113-6.9.1-2: more DATA than the window of the stream"},
	fConnOverflow - numFaults:        {onConn, FlowControlError, "9113-6.9.1-7: window of the connection above 2^31-1"},
	fStreamOverflow - numFaults:      {onStream, FlowControlError, "9113-6.9.1-7: window of a stream above 2^31-1"},
	fSettingsOverflow - numFaults:    {onConn, FlowControlError, "9113-6.9.2-5: window above 2^31-1 by SETTINGS"},
	fBlockLong - numFaults:           {onConn, EnhanceYourCalm, "9113-10.5.1-3: field block longer than the limit"},
	fContinuations - numFaults:       {onConn, EnhanceYourCalm, "9113-10.5-4: more CONTINUATION frames than the limit"},
	fResets - numFaults:              {onConn, EnhanceYourCalm, "9113-10.5-5.1: too many streams reset by the peer"},
	fProvoked - numFaults:            {onConn, EnhanceYourCalm, "9113-10.5-5.2: too many streams reset because of the peer"},
	fFruitless - numFaults:           {onConn, EnhanceYourCalm, "9113-10.5-5.3: too many frames that bring nothing"},
	fEmptyData - numFaults:           {onConn, EnhanceYourCalm, "9113-10.5-5.5: too many DATA frames without data"},
	fPings - numFaults:               {onConn, EnhanceYourCalm, "9113-10.5-5.4: too many PING frames to answer"},
	fPingsOften - numFaults:          {onConn, EnhanceYourCalm, "9113-10.5-5.6: PING frames in quicker succession than allowed"},
	fSettingsTimeout - numFaults:     {onConn, SettingsTimeout, "9113-6.5.3-4: SETTINGS not acknowledged in time"},
	fConnStalled - numFaults:         {onConn, EnhanceYourCalm, "9113-10.5-6: window of the connection shut for too long"},
	fStalled - numFaults:             {onStream, Cancel, "9113-10.5-6: window of the stream shut for too long"},
	fCut - numFaults:                 {onStream, Cancel, "9113-8.1.1-1: input ended before the stream"},
	fNoStreamUser - numFaults:        {misuse, InternalError, "SetUser: no such stream"},
	fNoStreamConsumed - numFaults:    {misuse, InternalError, "Consumed: no such stream"},
	fConsumedTooMuch - numFaults:     {misuse, InternalError, "Consumed: more than was received"},
	fNoStreamReset - numFaults:       {misuse, InternalError, "Reset: no such stream"},
	fNoStreamRelease - numFaults:     {misuse, InternalError, "Release: no such stream"},
	fReleaseOpen - numFaults:         {misuse, InternalError, "Release: stream is open"},
	fSendOver - numFaults:            {misuse, InternalError, "the connection has failed"},
	fSendClosed - numFaults:          {misuse, InternalError, "9113-5.1-7: the stream is not open for sending"},
	fSendField - numFaults:           {misuse, InternalError, "9113-8.2-1: field that cannot be sent"},
	fResponseRole - numFaults:        {misuse, InternalError, "AppendResponse: not a server"},
	fResponseTwice - numFaults:       {misuse, InternalError, "9113-8.1-2: final response was sent before"},
	fStatus - numFaults:              {misuse, InternalError, "AppendResponse: status is not 200 to 999"},
	fInformationalRole - numFaults:   {misuse, InternalError, "AppendInformational: not a server"},
	fInformationalStatus - numFaults: {misuse, InternalError, "9113-8.6-1: status is not 100 to 199, or is 101"},
	fInformationalLate - numFaults:   {misuse, InternalError, "9113-8.1-2: informational response after the final one"},
	fTrailersEarly - numFaults:       {misuse, InternalError, "9113-8.1-2: trailers before the head"},
	fTrailersConnected - numFaults:   {misuse, InternalError, "9113-8.5-6: trailers on a connected stream"},
	fOpenBlocked - numFaults:         {misuse, InternalError, "AppendRequest: no stream can be opened now, see OpenBlocked"},
	fRequestHead - numFaults:         {misuse, InternalError, "9113-8.3.1-3: control data that makes no request"},
	fProtocolEarly - numFaults:       {misuse, InternalError, "8441-3-5: :protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL"},
	fDataSize - numFaults:            {misuse, InternalError, "AppendDataHeader: negative size"},
	fDataEarly - numFaults:           {misuse, InternalError, "9113-8.1-2: DATA before the head"},
	fUpdateRole - numFaults:          {misuse, InternalError, "9218-7.1-9: PRIORITY_UPDATE of a server"},
	fUpdateStreamGone - numFaults:    {misuse, InternalError, "AppendPriorityUpdate: no such stream"},
	fPingOver - numFaults:            {misuse, InternalError, "Ping: the connection has failed"},
	fPingTwice - numFaults:           {misuse, InternalError, "Ping: the one before is not answered"},
	fPingOurs - numFaults:            {misuse, InternalError, "Ping: the octets are those of the connection's own"},
}
