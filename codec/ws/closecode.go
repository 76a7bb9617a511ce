package ws

import "strconv"

// CloseCode is the status code of a Close frame (RFC 6455 section 7.4), and as an error what every *Error of this
// package unwraps to: errors.Is(err, CloseTooBig).
type CloseCode uint16

// The status codes of RFC 6455 section 7.4.1 and of IANA's registry.
const (
	CloseNormal          CloseCode = 1000
	CloseGoingAway       CloseCode = 1001
	CloseProtocolError   CloseCode = 1002
	CloseUnsupportedData CloseCode = 1003
	// CloseNoStatus stands for a Close frame without a code. It is never sent.
	CloseNoStatus CloseCode = 1005
	// CloseAbnormal stands for a connection that ended without a Close frame. It is never sent.
	CloseAbnormal           CloseCode = 1006
	CloseInvalidPayload     CloseCode = 1007
	ClosePolicyViolation    CloseCode = 1008
	CloseTooBig             CloseCode = 1009
	CloseMandatoryExtension CloseCode = 1010
	CloseInternalError      CloseCode = 1011
	CloseServiceRestart     CloseCode = 1012
	CloseTryAgainLater      CloseCode = 1013
	CloseBadGateway         CloseCode = 1014
	// CloseTLSHandshake stands for a failed TLS handshake. It is never sent.
	CloseTLSHandshake CloseCode = 1015
)

// Error returns the number, such as "ws: close 1009".
func (c CloseCode) Error() string { return "ws: close " + strconv.Itoa(int(c)) }

// OnWire reports whether a Close frame may carry c: 1000 to 1003, 1007 to 1014, and 3000 to 4999.
//
// RFC 6455 section 7.4.1: 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close control frame"; 1004 is
// reserved. Section 7.4.2: below 1000 "are not used"; 1000-2999 are for the protocol, 3000-3999 for libraries,
// 4000-4999 for private use.
func (c CloseCode) OnWire() bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	}
	return false
}
