package http1

import "github.com/purewire/purewire/codec"

// The reasons of the encoder's errors. All have ScopeMisuse (the call was refused and changed nothing) and Status 500,
// what a server can still answer with, but ReasonEncShortBody: that ends the connection.
const (
	ReasonEncName        = "9110-5.1-2: injection: field name is not a token"
	ReasonEncValue       = "9110-5.5-5: injection: control character in a field value"
	ReasonEncBlank       = "9110-5.5-3: field value starts or ends with whitespace"
	ReasonEncMethod      = "9110-9.1-4: injection: method is not a token"
	ReasonEncTarget      = "9112-3.2-3: injection: request target in none of the four forms, or not in one of the method's"
	ReasonEncReason      = "9112-4-8: injection: control character in the reason phrase"
	ReasonEncHost        = "9112-3.2-5: injection: Host is not a host and port"
	ReasonEncUpgrade     = "9110-7.8-3: injection: Upgrade is not a list of protocols"
	ReasonEncDate        = "9110-5.6.7: Date is not 29 bytes long"
	ReasonEncFraming     = "9112-6.2-2: Content-Length or Transfer-Encoding among the fields: framing is the encoder's"
	ReasonEncConnection  = "9110-7.6.1-2: close, keep-alive, upgrade, or a malformed option in a Connection field: use the head's own members"
	ReasonEncHostField   = "9112-3.2-6: Host among the fields: it is a member of RequestHead"
	ReasonEncOwnField    = "9110-7.8-14: Upgrade, Expect, Trailer, Date or Keep-Alive among the fields where the head's own member says it"
	ReasonEncStatus      = "9110-15-6: status code outside of 200 to 599 (and 101)"
	ReasonEncInfoStatus  = "9110-15.2-1: status code of an informational response outside of 100 to 199, or 101"
	ReasonEncLength      = "9110-8.6-2: negative length"
	ReasonEncNoContent   = "9110-8.6-8: content or a length with a status that has none (204, 205)"
	ReasonEncNotModified = "9110-15.4.5-6: a 304 response has no content that ends with the connection"
	ReasonEncConnect     = "9110-9.3.6-12: a 2xx response to CONNECT starts a tunnel and has no other framing"
	ReasonEncTunnel      = "9110-7.8-5: a tunnel starts with 101 and Upgrade, or with 2xx to CONNECT, only"
	ReasonEncUpgrade426  = "9110-7.8-6: 426 needs Upgrade"
	ReasonEncUpgrade10   = "9110-7.8-14: Upgrade in a message to or from an HTTP/1.0 peer"
	ReasonEncChunked10   = "9112-6.1-13: chunked to or from an HTTP/1.0 peer"
	ReasonEncUntilClose  = "9112-6.3-2.7: a request cannot end with the connection, nor be a tunnel"
	ReasonEncMethodBody  = "9110-9.3.8-4: content in a TRACE or CONNECT request"
	ReasonEncExpect      = "9110-10.1.1-11.1: Expect: 100-continue without content, or by an HTTP/1.0 client"
	ReasonEncFramingBad  = "9112-6: unknown Framing value"
	ReasonEncOpen        = "9112-6: the message before is not ended"
	ReasonEncDone        = "9112-9.6-5: nothing can follow: the connection was to be closed or has become a tunnel"
	ReasonEncNotOpen     = "9112-6: no message is open"
	ReasonEncNoBody      = "9112-6.3-2.1: content in a message that has none (HEAD, 204, 304, no length)"
	ReasonEncExcess      = "9110-8.6-12: more content than Content-Length says"
	ReasonEncTrailers    = "9110-6.5.1-1: trailer fields without the chunked coding"
	ReasonEncTrailer     = "9110-6.5.1-2: a field that must not be a trailer field"
	ReasonEncShortBody   = "9110-8.6-12: less content than Content-Length says: close the connection"
)

// Errors are returned by pointer to these, so that a refusal does not allocate. Nobody writes to them.
var (
	errEncName        = misuse(ReasonEncName)
	errEncValue       = misuse(ReasonEncValue)
	errEncBlank       = misuse(ReasonEncBlank)
	errEncMethod      = misuse(ReasonEncMethod)
	errEncTarget      = misuse(ReasonEncTarget)
	errEncReason      = misuse(ReasonEncReason)
	errEncHost        = misuse(ReasonEncHost)
	errEncUpgrade     = misuse(ReasonEncUpgrade)
	errEncDate        = misuse(ReasonEncDate)
	errEncFraming     = misuse(ReasonEncFraming)
	errEncConnection  = misuse(ReasonEncConnection)
	errEncHostField   = misuse(ReasonEncHostField)
	errEncOwnField    = misuse(ReasonEncOwnField)
	errEncStatus      = misuse(ReasonEncStatus)
	errEncInfoStatus  = misuse(ReasonEncInfoStatus)
	errEncLength      = misuse(ReasonEncLength)
	errEncNoContent   = misuse(ReasonEncNoContent)
	errEncNotModified = misuse(ReasonEncNotModified)
	errEncConnect     = misuse(ReasonEncConnect)
	errEncTunnel      = misuse(ReasonEncTunnel)
	errEncUpgrade426  = misuse(ReasonEncUpgrade426)
	errEncUpgrade10   = misuse(ReasonEncUpgrade10)
	errEncChunked10   = misuse(ReasonEncChunked10)
	errEncUntilClose  = misuse(ReasonEncUntilClose)
	errEncMethodBody  = misuse(ReasonEncMethodBody)
	errEncExpect      = misuse(ReasonEncExpect)
	errEncFramingBad  = misuse(ReasonEncFramingBad)
	errEncOpen        = misuse(ReasonEncOpen)
	errEncDone        = misuse(ReasonEncDone)
	errEncNotOpen     = misuse(ReasonEncNotOpen)
	errEncNoBody      = misuse(ReasonEncNoBody)
	errEncExcess      = misuse(ReasonEncExcess)
	errEncTrailers    = misuse(ReasonEncTrailers)
	errEncTrailer     = misuse(ReasonEncTrailer)

	errEncShortBody = &Error{Scope: codec.ScopeConn, Code: 500, Reason: ReasonEncShortBody}
)

func misuse(reason string) *Error { return &Error{Scope: codec.ScopeMisuse, Code: 500, Reason: reason} }
