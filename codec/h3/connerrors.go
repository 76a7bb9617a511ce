package h3

// The failing branches of Conn. Scopes, codes and texts stand in connFaults.
const (
	// streams
	fServerBidi = numFaults + iota
	fControlTwice
	fEncoderTwice
	fDecoderTwice
	fPushServer
	fPushClient
	fControlClosed
	fEncoderClosed
	fDecoderClosed
	fControlStopped
	fEncoderStopped
	fDecoderStopped
	fUntyped
	// the control stream
	fFirstFrame
	fSettingsAgain
	fSettingsLong
	fCancelClient
	fCancelServer
	fMaxPushLowered
	fGoAwayStream
	fGoAwayRises
	fUpdateStream
	fUpdateLimit
	fUpdatePush
	fUpdateLong
	// sequences of frames
	fDataFirst
	fDataInterim
	fDataTrailers
	fHeadersTrailers
	fHeadersConnect
	fPromise
	fTruncated
	// datagrams
	fDatagramLimit
	fDatagramForbidden
	// messages
	fRequestIncomplete
	fResponseIncomplete
	fContentForbidden
	fContentLong
	fContentShort
	fTrailersShort
	fResponseLarge
	fTrailersLarge
	fResponseLong
	fTrailersLong
	fInformationalMany
	fTableTimeout
	// limits
	fResets
	fProvoked
	fFruitless
	fEmptyData
	fAnswers
	// misuse: the caller's bugs
	fOver
	fOpenOwn
	fOpenTwice
	fOpenID
	fUniOwn
	fUniTwice
	fNoStream
	fSendClosed
	fResponseRole
	fResponseEarly
	fResponseTwice
	fStatus
	fInformationalStatus
	fInformationalLate
	fTrailersEarly
	fTrailersConnected
	fSendShort
	fSendLong
	fSendForbidden
	fSendLarge
	fSendSize
	fSendEarly
	fOpenBlocked
	fRequestStream
	fProtocolEarly
	fNoDatagrams
	fDatagramNone
	numConnFaults
)

// connFaults continues faults. Misuse has no clause of its own where the call itself is the rule.
var connFaults = [numConnFaults - numFaults]faultRow{
	fServerBidi - numFaults:          {onConn, StreamCreationError, "9114-6.1-3: bidirectional stream opened by a server"},
	fControlTwice - numFaults:        {onConn, StreamCreationError, "9114-6.2.1-2: second control stream"},
	fEncoderTwice - numFaults:        {onConn, StreamCreationError, "9204-4.2-3: second encoder stream"},
	fDecoderTwice - numFaults:        {onConn, StreamCreationError, "9204-4.2-3: second decoder stream"},
	fPushServer - numFaults:          {onConn, StreamCreationError, "9114-6.2.2-3: push stream from a client"},
	fPushClient - numFaults:          {onConn, IDError, "9114-4.6-3: push stream without MAX_PUSH_ID"},
	fControlClosed - numFaults:       {onConn, ClosedCriticalStream, "9114-6.2.1-2: control stream closed"},
	fEncoderClosed - numFaults:       {onConn, ClosedCriticalStream, "9204-4.2-4: encoder stream closed"},
	fDecoderClosed - numFaults:       {onConn, ClosedCriticalStream, "9204-4.2-4: decoder stream closed"},
	fControlStopped - numFaults:      {onConn, ClosedCriticalStream, "9114-6.2.1-2: our control stream is not read"},
	fEncoderStopped - numFaults:      {onConn, ClosedCriticalStream, "9204-4.2-4: our encoder stream is not read"},
	fDecoderStopped - numFaults:      {onConn, ClosedCriticalStream, "9204-4.2-4: our decoder stream is not read"},
	fUntyped - numFaults:             {onConn, ExcessiveLoad, "9114-10.5-7: too many unidirectional streams without a type"},
	fFirstFrame - numFaults:          {onConn, MissingSettings, "9114-6.2.1-2: control stream does not begin with SETTINGS"},
	fSettingsAgain - numFaults:       {onConn, FrameUnexpected, "9114-7.2.4-2: second SETTINGS"},
	fSettingsLong - numFaults:        {onConn, ExcessiveLoad, "9114-10.5-7: SETTINGS longer than the limit"},
	fCancelClient - numFaults:        {onConn, IDError, "9114-7.2.3-7: CANCEL_PUSH of a push that was not allowed"},
	fCancelServer - numFaults:        {onConn, IDError, "9114-7.2.3-8: CANCEL_PUSH of a push that was not promised"},
	fMaxPushLowered - numFaults:      {onConn, IDError, "9114-7.2.7-6: MAX_PUSH_ID lower than before"},
	fGoAwayStream - numFaults:        {onConn, IDError, "9114-7.2.6-3: GOAWAY does not name a request stream"},
	fGoAwayRises - numFaults:         {onConn, IDError, "9114-5.2-7: identifier of GOAWAY is larger than before"},
	fUpdateStream - numFaults:        {onConn, IDError, "9218-7.2-6: PRIORITY_UPDATE does not name a request stream"},
	fUpdateLimit - numFaults:         {onConn, IDError, "9218-7.2-6: PRIORITY_UPDATE of a stream beyond the limit on streams"},
	fUpdatePush - numFaults:          {onConn, IDError, "9218-7.2-7: PRIORITY_UPDATE of a push that was not promised"},
	fUpdateLong - numFaults:          {onConn, ExcessiveLoad, "9114-10.5-7: PRIORITY_UPDATE longer than the limit"},
	fDataFirst - numFaults:           {onConn, FrameUnexpected, "9114-4.1-7: DATA before HEADERS"},
	fDataInterim - numFaults:         {onConn, FrameUnexpected, "9114-4.1-7: DATA before the final response"},
	fDataTrailers - numFaults:        {onConn, FrameUnexpected, "9114-4.1-7: DATA after trailers"},
	fHeadersTrailers - numFaults:     {onConn, FrameUnexpected, "9114-4.1-7: HEADERS after trailers"},
	fHeadersConnect - numFaults:      {onConn, FrameUnexpected, "9114-4.4-8: HEADERS on a connected stream"},
	fPromise - numFaults:             {onConn, IDError, "9114-7.2.5-5: PUSH_PROMISE without MAX_PUSH_ID"},
	fTruncated - numFaults:           {onConn, FrameError, "9114-7.1-6: stream ends inside a frame"},
	fDatagramLimit - numFaults:       {onConn, IDError, "9297-2.1-7: datagram of a stream beyond the limit on streams"},
	fDatagramForbidden - numFaults:   {onStream, DatagramError, "9297-2-6: datagram for a request that has no use for it"},
	fRequestIncomplete - numFaults:   {onStream, RequestIncomplete, "9114-4.1-14: stream ended before the request head"},
	fResponseIncomplete - numFaults:  {onStream, MessageError, "9114-4.1-14: stream ended before the final response"},
	fContentForbidden - numFaults:    {onStream, MessageError, "9114-4.1.2-3: content in a response that has none"},
	fContentLong - numFaults:         {onStream, MessageError, "9114-4.1.2-3: more content than content-length"},
	fContentShort - numFaults:        {onStream, MessageError, "9114-4.1.2-3: less content than content-length"},
	fTrailersShort - numFaults:       {onStream, MessageError, "9114-4.1.2-3: trailers before the end of the content"},
	fResponseLarge - numFaults:       {onStream, ExcessiveLoad, "9114-10.5.1-2: response head larger than the limit"},
	fTrailersLarge - numFaults:       {onStream, ExcessiveLoad, "9114-10.5.1-2: trailers larger than the limit"},
	fResponseLong - numFaults:        {onStream, ExcessiveLoad, "9114-10.5.1-1: encoded response head longer than the limit"},
	fTrailersLong - numFaults:        {onStream, ExcessiveLoad, "9114-10.5.1-1: encoded trailers longer than the limit"},
	fInformationalMany - numFaults:   {onStream, ExcessiveLoad, "9110-15.2-1: too many informational responses"},
	fTableTimeout - numFaults:        {onStream, ExcessiveLoad, "9204-2.1.2-1: blocked for too long"},
	fResets - numFaults:              {onConn, ExcessiveLoad, "9114-10.5-7: too many requests cancelled by the peer"},
	fProvoked - numFaults:            {onConn, ExcessiveLoad, "9114-10.5-7: too many streams reset because of the peer"},
	fFruitless - numFaults:           {onConn, ExcessiveLoad, "9114-10.5-4: too much that brings nothing"},
	fEmptyData - numFaults:           {onConn, ExcessiveLoad, "9114-10.5-4: too many DATA frames without data"},
	fAnswers - numFaults:             {onConn, ExcessiveLoad, "9204-7.3-7: too many acknowledgments that the peer does not take"},
	fOver - numFaults:                {misuse, InternalError, "the connection has failed"},
	fOpenOwn - numFaults:             {misuse, InternalError, "Open: not a stream of the peer"},
	fOpenTwice - numFaults:           {misuse, InternalError, "Open: stream is open already"},
	fOpenID - numFaults:              {misuse, InternalError, "stream identifier above 2^62-1"},
	fUniOwn - numFaults:              {misuse, InternalError, "OpenUni: not a unidirectional stream of this end"},
	fUniTwice - numFaults:            {misuse, InternalError, "OpenUni: no further stream is wanted"},
	fNoStream - numFaults:            {misuse, InternalError, "no such stream"},
	fSendClosed - numFaults:          {misuse, InternalError, "the stream is not open for sending"},
	fResponseRole - numFaults:        {misuse, InternalError, "only a server answers"},
	fResponseEarly - numFaults:       {misuse, InternalError, "response before the request"},
	fResponseTwice - numFaults:       {misuse, InternalError, "9114-4.1-3: final response was sent before"},
	fStatus - numFaults:              {misuse, InternalError, "AppendResponse: status is not 200 to 999"},
	fInformationalStatus - numFaults: {misuse, InternalError, "9114-4.5-1: status is not 100 to 199, or is 101"},
	fInformationalLate - numFaults:   {misuse, InternalError, "9114-4.1-7: informational response after the final one"},
	fTrailersEarly - numFaults:       {misuse, InternalError, "9114-4.1-7: trailers before the head"},
	fTrailersConnected - numFaults:   {misuse, InternalError, "9114-4.4-8: trailers on a connected stream"},
	fSendShort - numFaults:           {misuse, InternalError, "9114-4.1.2-3: less content sent than content-length"},
	fSendLong - numFaults:            {misuse, InternalError, "9114-4.1.2-3: more content sent than content-length"},
	fSendForbidden - numFaults:       {misuse, InternalError, "9114-4.1.2-3: content sent where there can be none"},
	fSendLarge - numFaults:           {misuse, InternalError, "9114-4.2.2-2: field section larger than the peer takes"},
	fSendSize - numFaults:            {misuse, InternalError, "AppendDataHeader: negative size"},
	fSendEarly - numFaults:           {misuse, InternalError, "9114-4.1-7: content before the head"},
	fOpenBlocked - numFaults:         {misuse, InternalError, "AppendRequest: no request can be sent now, see OpenBlocked"},
	fRequestStream - numFaults:       {misuse, InternalError, "AppendRequest: not an unused request stream"},
	fProtocolEarly - numFaults:       {misuse, InternalError, "9220-3-2: :protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL"},
	fNoDatagrams - numFaults:         {misuse, InternalError, "9297-2.1.1-3: datagrams are not negotiated"},
	fDatagramNone - numFaults:        {misuse, InternalError, "9297-2-6: the request has no use for datagrams"},
}
