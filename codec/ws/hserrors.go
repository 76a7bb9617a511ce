package ws

import "github.com/purewire/purewire/codec/http1"

// HandshakeError says why an opening handshake fails.
type HandshakeError struct {
	// Status is the HTTP status to answer the request with: 400, 403, 405 or 426. In the client's role, where nobody is
	// answered, it is 502.
	Status int
	// Reason is a constant, unique per failing branch, that starts with the clause it enforces.
	Reason string
}

// Error returns the reason.
func (e *HandshakeError) Error() string { return "ws: handshake: " + e.Reason }

// hreason numbers the branches in which a handshake fails.
type hreason uint8

const (
	hMethod hreason = iota
	hVersion
	hHost
	hUpgrade
	hConnection
	hNoWebSocketVersion
	hWebSocketVersions
	hWebSocketVersion
	hNoKey
	hKeys
	hKey
	hOrigins
	hOrigin
	hProtocolToken
	hProtocolTwice
	hProtocolMany
	hExtensions
	hExtendedMethod
	// the client's
	hStatus
	hAnswerUpgrade
	hAnswerConnection
	hAnswerAccepts
	hAnswerAccept
	hAnswerProtocols
	hAnswerProtocol
	hAnswerGrammar
	hAnswerExtension
	hAnswerParams
	hAnswerTakeover
	hAnswerServerBits
	hAnswerClientBits
	hOpeningProtocol
	numHandshakeReasons
)

// handshakeErrors are returned by pointer; nobody writes to them.
var handshakeErrors = [numHandshakeReasons]*HandshakeError{
	hMethod:             {405, "6455-4.1-10: the method of the request is not GET"},
	hVersion:            {400, "6455-4.1-10: the request is older than HTTP/1.1"},
	hHost:               {400, "6455-4.1-12: the request has no Host"},
	hUpgrade:            {426, "6455-4.1-13: Upgrade does not name websocket"},
	hConnection:         {400, "6455-4.1-14: Connection does not name upgrade"},
	hNoWebSocketVersion: {400, "6455-4.1-17: Sec-WebSocket-Version is missing"},
	hWebSocketVersions:  {400, "6455-11.3.5-10: more than one Sec-WebSocket-Version"},
	hWebSocketVersion:   {426, "6455-4.2.2-5.3: Sec-WebSocket-Version is not 13"},
	hNoKey:              {400, "6455-4.1-15: Sec-WebSocket-Key is missing"},
	hKeys:               {400, "6455-11.3.1-9: more than one Sec-WebSocket-Key"},
	hKey:                {400, "6455-4.1-15: Sec-WebSocket-Key is not the base64 of 16 bytes"},
	hOrigins:            {400, "6454-7.3-2: more than one Origin"},
	hOrigin:             {403, "6455-10.2-1: the Origin is not allowed"},
	hProtocolToken:      {400, "6455-4.1-18: a name in Sec-WebSocket-Protocol is not a token"},
	hProtocolTwice:      {400, "6455-4.1-18: a name is twice in Sec-WebSocket-Protocol"},
	hProtocolMany:       {400, "6455-10.4-1: too many names in Sec-WebSocket-Protocol"},
	hExtensions:         {400, "6455-9.1-2: malformed Sec-WebSocket-Extensions, or more than 32 extensions and parameters"},
	hExtendedMethod:     {405, "8441-4-1: the method of the request is not CONNECT"},
	hStatus:             {502, "6455-4.1-22: the status code of the response is not the one that accepts"},
	hAnswerUpgrade:      {502, "6455-4.1-23: Upgrade of the response is not websocket"},
	hAnswerConnection:   {502, "6455-4.1-24: Connection of the response does not name upgrade"},
	hAnswerAccepts:      {502, "6455-11.3.3-9: Sec-WebSocket-Accept is missing or repeated"},
	hAnswerAccept:       {502, "6455-4.1-25: Sec-WebSocket-Accept does not match the key"},
	hAnswerProtocols:    {502, "6455-11.3.4-9: more than one Sec-WebSocket-Protocol in the response"},
	hAnswerProtocol:     {502, "6455-4.1-27: the response names a protocol that was not offered"},
	hAnswerGrammar:      {502, "6455-9.1-2: malformed Sec-WebSocket-Extensions in the response"},
	hAnswerExtension:    {502, "6455-4.1-26: the response names an extension that was not offered, or one twice"},
	hAnswerParams:       {502, "7692-7.1-4: parameter of permessage-deflate in the response that no answer has"},
	hAnswerTakeover:     {502, "7692-7.1.1.1-3: the response lacks server_no_context_takeover, which was offered"},
	hAnswerServerBits:   {502, "7692-7.1.2.1-3: server_max_window_bits of the response is missing or larger than offered"},
	hAnswerClientBits:   {502, "7692-7.1.2.2-6: client_max_window_bits of the response is larger than offered"},
	hOpeningProtocol:    {502, "6455-4.1-18: a subprotocol to offer is not a token, or there twice"},
}

func refuse(r hreason) *HandshakeError { return handshakeErrors[r] }

// HandshakeReasons returns every reason that a handshake can fail with, for tests that want to see each of them reached.
func HandshakeReasons() []string {
	all := make([]string, 0, numHandshakeReasons)
	for _, e := range handshakeErrors {
		all = append(all, e.Reason)
	}
	return all
}

// AppendReject appends a whole response, without content, that refuses the request and closes the connection.
func (e *HandshakeError) AppendReject(dst []byte) []byte {
	h := http1.ResponseHead{Status: e.Status, Framing: http1.Length, Close: true}
	switch e.Status {
	case 405:
		h.Fields = fieldsOf("Allow", "GET")
	case 426:
		// RFC 6455 section 4.2.2: "the server MUST abort the WebSocket handshake [...] and instead send an appropriate HTTP
		// error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field indicating the version(s)
		// the server is capable of understanding."
		h.Upgrade = []byte("websocket")
		h.Fields = fieldsOf("Sec-WebSocket-Version", "13")
	}
	var enc http1.Encoder
	dst, _ = enc.AppendResponse(dst, &h)
	return dst
}
