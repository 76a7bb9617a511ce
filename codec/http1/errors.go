package http1

import "github.com/purewire/purewire/codec"

// Status is an HTTP status code as an error: the status to answer a failed message with. errors.Is(err, Status(431))
// finds it in every error of this package.
type Status int

// Error returns the standard text, such as "431".
func (s Status) Error() string {
	if s < 100 || s > 999 {
		return "http1: no status"
	}
	return "http1: status " + string([]byte{byte('0' + s/100), byte('0' + s/10%10), byte('0' + s%10)})
}

// Error is what every failure of this package returns. It is stored inside the decoder or Head that failed and valid
// until that is initialised again; errors.As copies nothing.
type Error struct {
	// Scope is ScopeConn for everything that a peer's bytes cause: framing is lost, answer with Code and close.
	Scope codec.Scope
	// Code is the status to answer with. In the client role nobody is answered: it is 502, what a gateway would say.
	Code Status
	// Stream is 0: HTTP/1 has no streams.
	Stream uint64
	// Off is the offset of the failure in the connection's input (of ParseRequestHead: in src).
	Off int64
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces. It holds nothing
	// that the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "http1: " + e.Reason }

// Unwrap returns the status code as a Status.
func (e *Error) Unwrap() error { return e.Code }

// reason numbers the decoder's failing branches: one each.
type reason uint8

// The failing branches of the decoder. Texts and status codes stand in reasons.
const (
	ok reason = iota
	// start line
	rEmptyLines
	rEmptyLineCR
	rLineLong
	rTargetLong
	rLineCR
	rLineLF
	rMethod
	rMethodEnd
	rNoVersion
	rTargetEmpty
	rTargetByte
	rVersion
	rVersionMajor
	rStatusVersion
	rStatusVersionMajor
	rStatusCode
	rStatusRange
	rStatusSpace
	rReasonByte
	// field lines
	rHeadLong
	rFieldLong
	rFieldsMany
	rFieldCR
	rFieldLF
	rLeadingSpace
	rObsFold
	rNameEmpty
	rNameByte
	rNameSpace
	rNoColon
	rValueByte
	rValueObs
	rValueFold
	// target and host
	rTargetStar
	rTargetForm
	rTargetConnect
	rTargetPort
	rTargetScheme
	rTargetUserinfo
	rTargetAuthority
	rHostMissing
	rHostRepeated
	rHostInvalid
	// framing
	rLengthEmpty
	rLengthByte
	rLengthBig
	rLengthList
	rLengthRepeated
	rLengthDiffer
	rCodingRepeated
	rCodingUnknown
	rCodingNotFinal
	rCodingTwice
	rCodingEmpty
	rCodingVersion
	rCodingLength
	rExpectation
	rBodyDeclared
	rBodyChunked
	rBodyReached
	// chunked coding
	rChunkNoSize
	rChunkSizeByte
	rChunkBig
	rChunkZeros
	rChunkBlank
	rChunkCR
	rChunkExtName
	rChunkExtEmpty
	rChunkExtValue
	rChunkExtQuoted
	rChunkExtByte
	rChunkLine
	rChunkExcess
	rChunkDataCR
	rChunkDataLF
	rTrailerName
	// responses
	rInformationalMany
	rSwitchUnasked
	rSwitchUpgrade
	// end of input
	rCutHead
	rCutBody
	rCutChunked
	rCutNone
	numReasons
)

// reasons holds the texts ("RFC-section-paragraph: what") and the status that a server answers with.
var reasons = [numReasons]struct {
	code Status
	text string
}{
	rEmptyLines:         {400, "9112-2.2-6: too many empty lines before the request line"},
	rEmptyLineCR:        {400, "9112-2.2-4: CR without LF before the request line"},
	rLineLong:           {400, "9112-3-4: start line longer than the limit"},
	rTargetLong:         {414, "9112-3-4: request target longer than the limit"},
	rLineCR:             {400, "9112-2.2-4: bare CR in the start line"},
	rLineLF:             {400, "9112-2.2-3: start line ends with LF without CR"},
	rMethod:             {400, "9112-3.1-2: request line does not start with a method token"},
	rMethodEnd:          {400, "9112-3-2: method not followed by one space"},
	rNoVersion:          {400, "9112-3-2: request line without a version"},
	rTargetEmpty:        {400, "9112-3-2: more than one space before the target"},
	rTargetByte:         {400, "9112-3.2-2: byte in the target that no form of it has"},
	rVersion:            {400, "9112-2.3-3: malformed version"},
	rVersionMajor:       {505, "9110-15.6.6-1: version other than 1.0 and 1.1"},
	rStatusVersion:      {400, "9112-4-2: status line does not start with HTTP/ and a version"},
	rStatusVersionMajor: {505, "9110-2.5-1: response version other than 1.0 and 1.1"},
	rStatusCode:         {400, "9112-4-5: status code is not three digits"},
	rStatusRange:        {400, "9110-15-6: status code below 100"},
	rStatusSpace:        {400, "9112-4-9: status code not followed by one space"},
	rReasonByte:         {400, "9112-4-8: byte in the reason phrase that is not allowed there"},
	rHeadLong:           {431, "6585-5-1: head longer than the limit"},
	rFieldLong:          {431, "6585-5-2: field line longer than the limit"},
	rFieldsMany:         {431, "6585-5-2: more fields than the limit"},
	rFieldCR:            {400, "9112-2.2-4: bare CR in a field line"},
	rFieldLF:            {400, "9112-2.2-3: field line ends with LF without CR"},
	rLeadingSpace:       {400, "9112-2.2-8: whitespace before the first field"},
	rObsFold:            {400, "9112-5.2-4: obsolete line folding"},
	rNameEmpty:          {400, "9112-5-2: empty field name"},
	rNameByte:           {400, "9110-5.1-2: byte in a field name that is no token character"},
	rNameSpace:          {400, "9112-5.1-2: whitespace before the colon"},
	rNoColon:            {400, "9112-5-2: field line without a colon"},
	rValueByte:          {400, "9110-5.5-5: control byte in a field value"},
	rValueObs:           {400, "9110-5.5-4: byte above 0x7F in a field value"},
	rValueFold:          {400, "9110-5.5-2: byte in a folded line that no field value has"},
	rTargetStar:         {400, "9112-3.2.4-1: asterisk-form without OPTIONS"},
	rTargetForm:         {400, "9112-3.2-1: target is in none of the four forms"},
	rTargetConnect:      {400, "9112-3.2.3-1: target of CONNECT is not host:port"},
	rTargetPort:         {400, "9110-9.3.6-4: target of CONNECT has an empty or invalid port"},
	rTargetScheme:       {400, "9112-3.2.2-2: absolute-form without scheme and authority"},
	rTargetUserinfo:     {400, "9110-4.2.4-4: user information in the target"},
	rTargetAuthority:    {400, "9110-4.2.1-4: empty or invalid host in the target"},
	rHostMissing:        {400, "9112-3.2-6: request without Host"},
	rHostRepeated:       {400, "9112-3.2-6: more than one Host"},
	rHostInvalid:        {400, "9112-3.2-6: invalid Host"},
	rLengthEmpty:        {400, "9110-8.6-2: empty Content-Length"},
	rLengthByte:         {400, "9112-6.3-2.5: Content-Length is not all digits"},
	rLengthBig:          {400, "9110-8.6-10: Content-Length above 2^63-1"},
	rLengthList:         {400, "9110-8.6-13: Content-Length is a list"},
	rLengthRepeated:     {400, "9110-8.6-13: more than one Content-Length"},
	rLengthDiffer:       {400, "9112-6.3-2.5: Content-Length values differ"},
	rCodingRepeated:     {400, "9112-6.1-4: more than one Transfer-Encoding"},
	rCodingUnknown:      {501, "9112-6.1-11: unknown transfer coding"},
	rCodingNotFinal:     {400, "9112-6.3-2.4.3: chunked is not the final transfer coding"},
	rCodingTwice:        {400, "9112-6.1-4: chunked applied more than once"},
	rCodingEmpty:        {400, "9112-6.1-2: empty Transfer-Encoding"},
	rCodingVersion:      {400, "9112-6.1-16: Transfer-Encoding in an HTTP/1.0 message"},
	rCodingLength:       {400, "9112-6.3-2.3: Content-Length beside Transfer-Encoding"},
	rExpectation:        {417, "9110-10.1.1-5: unknown expectation"},
	rBodyDeclared:       {413, "9110-15.5.14-1: Content-Length above the limit"},
	rBodyChunked:        {413, "9110-15.5.14-1: chunked content above the limit"},
	rBodyReached:        {413, "9110-15.5.14-1: content above the limit"},
	rChunkNoSize:        {400, "9112-7.1-2: chunk without a size"},
	rChunkSizeByte:      {400, "9112-7.1-3: byte in a chunk size that is no hexadecimal digit"},
	rChunkBig:           {400, "9112-7.1-5: chunk size above 2^63-1"},
	rChunkZeros:         {400, "9112-7.1-5: chunk size of too many digits"},
	rChunkBlank:         {400, "9112-7.1.1-2: whitespace in a chunk line that belongs to no extension"},
	rChunkCR:            {400, "9112-7.1-2: chunk line not ended with CR LF"},
	rChunkExtName:       {400, "9112-7.1.1-2: chunk extension name is not a token"},
	rChunkExtEmpty:      {400, "9112-7.1.1-2: empty chunk extension"},
	rChunkExtValue:      {400, "9112-7.1.1-2: chunk extension value is neither a token nor a quoted string"},
	rChunkExtQuoted:     {400, "9110-5.6.4-2: byte in a quoted string that is not allowed there"},
	rChunkExtByte:       {400, "9112-7.1.1-2: control byte in a chunk extension"},
	rChunkLine:          {400, "9112-7.1.1-4: chunk line longer than the limit"},
	rChunkExcess:        {400, "9112-7.1.1-4: too much chunk framing for too little data"},
	rChunkDataCR:        {400, "9112-7.1-2: chunk data not followed by CR"},
	rChunkDataLF:        {400, "9112-7.1-2: chunk data not followed by CR LF"},
	rTrailerName:        {400, "9110-6.5.1-2: field that is not allowed in a trailer section"},
	rInformationalMany:  {502, "9110-15.2-3: too many informational responses"},
	rSwitchUnasked:      {502, "9110-15.2.2-1: 101 without a request to upgrade"},
	rSwitchUpgrade:      {502, "9110-15.2.2-1: 101 without Upgrade and Connection: upgrade"},
	rCutHead:            {400, "9112-8-1: input ended inside a head"},
	rCutBody:            {400, "9112-8-4: input ended before Content-Length bytes"},
	rCutChunked:         {400, "9112-8-4: input ended inside the chunked coding"},
	rCutNone:            {502, "9112-8-2: input ended before the response"},
}

// Reasons returns every reason that a decoder, ParseRequestHead, ParseResponseHead, or Finish can fail with, for tests
// that want to see each of them reached.
func Reasons() []string {
	all := make([]string, 0, numReasons-1)
	for _, r := range reasons[1:] {
		all = append(all, r.text)
	}
	return all
}

// set fills e for a failure at off. Responses are nobody's to answer: their code is what a gateway would say.
func (e *Error) set(r reason, off int64, response bool) *Error {
	code := reasons[r].code
	if response {
		code = 502
	}
	*e = Error{Scope: codec.ScopeConn, Code: code, Off: off, Reason: reasons[r].text}
	return e
}
