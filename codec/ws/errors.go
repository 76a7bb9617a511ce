package ws

import "github.com/purewire/purewire/codec"

// Error is what every failure of this package returns.
type Error struct {
	// Scope is ScopeConn for everything that a peer's bytes cause and ScopeMisuse for what the caller got wrong.
	Scope codec.Scope
	// Code is the status code of the Close frame to send (RFC 6455 section 7.4.1): 1002, 1007, 1009 and so on; 0 for misuse.
	Code CloseCode
	// Off is the offset of the failure in the connection's input (of ParseHeader: in src).
	Off int64
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces: RFC, section, paragraph.
	// It holds nothing that the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "ws: " + e.Reason }

// Unwrap returns the code, so that errors.Is(err, CloseTooBig) works.
func (e *Error) Unwrap() error { return e.Code }

// reason numbers the failing branches: one each.
type reason uint8

// The failing branches. Texts and close codes stand in reasons.
const (
	ok reason = iota
	// frame header
	rReservedBit
	rCompressedBit
	rOpcodeData
	rOpcodeControl
	rControlFragment
	rContinuation
	rInterleaved
	rUnmasked
	rMasked
	rControlLong
	rLength16
	rLength64
	rLengthSign
	// AppendHeader
	rPutRSV
	rPutOpcode
	rPutLength
	rPutControlLong
	rPutControlFragment
	// frames and messages against the limits
	rFrameLong
	rMessageLong
	rPackedLong
	rFragments
	rEmptyFlood
	rPingFlood
	rPongFlood
	// text
	rTextByte
	rTextEnd
	rPackedTextByte
	rPackedTextEnd
	// permessage-deflate
	rInflatedLong
	rInflateType
	rInflateStored
	rInflateCounts
	rInflateCodeLengths
	rInflateRepeat
	rInflateLengths
	rInflateSymbol
	rInflateDistance
	rInflateCut
	// closing handshake
	rCloseLength
	rCloseCode
	rCloseText
	rCloseTextEnd
	// end of input, time
	rCutFrame
	rCutMessage
	rCutIdle
	rCloseTimeout
	rPongTimeout
	// misuse of a Conn
	rSendClosed
	rSendOpcode
	rSendNoRand
	rSendInterleaved
	rSendType
	rSendText
	rSendPiece
	rSendReference
	rSendReasonOnly
	rSendCode
	rSendReason
	// Joiner
	rJoined
	numReasons
)

// reasons holds the texts ("RFC-section-paragraph: what") and the status code to close with. In section 5.2 each field
// of the frame (FIN, RSV, Opcode, ...) is one paragraph; so is each rule of a list elsewhere.
var reasons = [numReasons]struct {
	code CloseCode
	text string
}{
	rReservedBit:        {1002, "6455-5.2-4: reserved bit that no extension gave a meaning"},
	rCompressedBit:      {1002, "7692-6.1-1: RSV1 on a control frame or a continuation"},
	rOpcodeData:         {1002, "6455-5.2-5: unknown non-control opcode"},
	rOpcodeControl:      {1002, "6455-5.2-5: unknown control opcode"},
	rControlFragment:    {1002, "6455-5.5-3: fragmented control frame"},
	rContinuation:       {1002, "6455-5.4-5: continuation without a message to continue"},
	rInterleaved:        {1002, "6455-5.4-9: new message before the last one ended"},
	rUnmasked:           {1002, "6455-5.1-1: frame of a client is not masked"},
	rMasked:             {1002, "6455-5.1-1: frame of a server is masked"},
	rControlLong:        {1002, "6455-5.5-3: control frame longer than 125 bytes"},
	rLength16:           {1002, "6455-5.2-7: 16-bit length below 126"},
	rLength64:           {1002, "6455-5.2-7: 64-bit length below 65536"},
	rLengthSign:         {1002, "6455-5.2-7: most significant bit of the length is set"},
	rPutRSV:             {0, "6455-5.2-4: RSV above 7"},
	rPutOpcode:          {0, "6455-5.2-5: opcode that is not defined"},
	rPutLength:          {0, "6455-5.2-7: negative length"},
	rPutControlLong:     {0, "6455-5.5-3: control frame of more than 125 bytes"},
	rPutControlFragment: {0, "6455-5.5-3: control frame without FIN"},
	rFrameLong:          {1009, "6455-10.4-1: frame longer than the limit"},
	rMessageLong:        {1009, "6455-10.4-1: message longer than the limit"},
	rPackedLong:         {1009, "6455-10.4-1: compressed message longer than the limit allows"},
	rFragments:          {1008, "6455-10.4-1: too many fragments for so short a message"},
	rEmptyFlood:         {1008, "6455-10.4-1: too many empty frames"},
	rPingFlood:          {1008, "6455-10.4-1: too many pings"},
	rPongFlood:          {1008, "6455-10.4-1: too many pongs"},
	rTextByte:           {1007, "6455-8.1-1: byte in a text message that no UTF-8 has there"},
	rTextEnd:            {1007, "6455-8.1-1: text message ends inside a character"},
	rPackedTextByte:     {1007, "6455-8.1-1: byte in an inflated text message that no UTF-8 has there"},
	rPackedTextEnd:      {1007, "6455-8.1-1: inflated text message ends inside a character"},
	rInflatedLong:       {1009, "6455-10.4-1: inflated message longer than the limit"},
	rInflateType:        {1007, "1951-3.2.3-6: deflate block of the reserved type"},
	rInflateStored:      {1007, "1951-3.2.4-3: length of a stored block does not match its complement"},
	rInflateCounts:      {1007, "1951-3.2.7-5: more code lengths than there are symbols"},
	rInflateCodeLengths: {1007, "1951-3.2.7-5: code length code is none"},
	rInflateRepeat:      {1007, "1951-3.2.7-2: repeated code length without one before or beyond the last"},
	rInflateLengths:     {1007, "1951-3.2.7-5: code lengths that make no code, or no end-of-block code"},
	rInflateSymbol:      {1007, "1951-3.2.6-3: bits that are no code"},
	rInflateDistance:    {1007, "1951-3.2.3-10: distance beyond the window, or beyond the beginning"},
	rInflateCut:         {1007, "7692-7.2.2-2: compressed message ends inside a deflate block"},
	rCloseLength:        {1002, "6455-5.5.1-2: close frame with one byte of payload"},
	rCloseCode:          {1002, "6455-7.4.1-1: close code that no close frame may carry"},
	rCloseText:          {1007, "6455-5.5.1-2: byte in a close reason that no UTF-8 has there"},
	rCloseTextEnd:       {1007, "6455-5.5.1-2: close reason ends inside a character"},
	rCutFrame:           {1006, "6455-7.1.5-1: input ended inside a frame"},
	rCutMessage:         {1006, "6455-7.1.5-1: input ended between the frames of a message"},
	rCutIdle:            {1006, "6455-7.1.5-1: input ended without a close frame"},
	rCloseTimeout:       {1006, "6455-7.1.1-1: close frame not answered in time"},
	rPongTimeout:        {1006, "6455-5.5.2-4: ping not answered in time"},
	rSendClosed:         {0, "6455-5.5.1-4: nothing can be sent: the connection is closing, closed or failed"},
	rSendOpcode:         {0, "6455-5.6-1: messages are text or binary"},
	rSendNoRand:         {0, "6455-10.3-4: a client cannot send without Config.Rand"},
	rSendInterleaved:    {0, "6455-5.4-9: a fragmented message is not ended"},
	rSendType:           {0, "6455-5.4-9: a fragment of another type than its message"},
	rSendText:           {0, "6455-5.6-3: text message is not valid UTF-8"},
	rSendPiece:          {0, "6455-5.6-3: text message in fragments is not valid UTF-8"},
	rSendReference:      {0, "6455-5.3-1: a client cannot send by reference: its payload must be masked"},
	rSendReasonOnly:     {0, "6455-5.5.1-2: close reason without a code"},
	rSendCode:           {0, "6455-7.4.1-1: code that no close frame may carry"},
	rSendReason:         {0, "6455-5.5.1-2: close reason is not valid UTF-8"},
	rJoined:             {1009, "6455-10.4-1: message longer than the Joiner may make"},
}

// Reasons returns every reason that this package can fail with, for tests that want to see each of them reached.
func Reasons() []string {
	all := make([]string, 0, numReasons-1)
	for _, r := range reasons[1:] {
		all = append(all, r.text)
	}
	return all
}

// set fills e for a failure at off. Reasons without a code are misuse.
func (e *Error) set(r reason, off int64) *Error {
	scope := codec.ScopeConn
	if reasons[r].code == 0 {
		scope = codec.ScopeMisuse
	}
	*e = Error{Scope: scope, Code: reasons[r].code, Off: off, Reason: reasons[r].text}
	return e
}
