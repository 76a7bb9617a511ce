package tlspeek

import "errors"

// ErrShort: the ClientHello is not all there.
var ErrShort = errors.New("tlspeek: more bytes are needed")

// Error is what is wrong with a ClientHello.
type Error struct {
	// Reason begins with the RFC and section, and names one rule.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "tlspeek: " + e.Reason }

// Reasons of Error.
const (
	ReasonNotHello   = "8446-5.1: no record with a ClientHello"
	ReasonMessage    = "8446-4: length of the handshake message"
	ReasonHead       = "8446-4.1.2: fields before the extensions"
	ReasonSuites     = "8446-4.1.2: odd length of cipher_suites"
	ReasonExtensions = "8446-4.2: lengths of the extensions"
	ReasonTwice      = "8446-4.2: extension there twice"
	ReasonTooMany    = "8446-4.2: more than MaxExtensions"
	ReasonName       = "6066-3: server_name"
	ReasonALPN       = "7301-3.1: application_layer_protocol_negotiation"
	ReasonVersions   = "8446-4.2.1: supported_versions"
	ReasonGroups     = "8446-4.2.7: supported_groups"
	ReasonSignatures = "8446-4.2.3: signature_algorithms"
	ReasonEarly      = "8446-4.2.10: early_data with content"
)

var (
	errNotHello   = &Error{ReasonNotHello}
	errMessage    = &Error{ReasonMessage}
	errHead       = &Error{ReasonHead}
	errSuites     = &Error{ReasonSuites}
	errExtensions = &Error{ReasonExtensions}
	errTwice      = &Error{ReasonTwice}
	errTooMany    = &Error{ReasonTooMany}
	errName       = &Error{ReasonName}
	errALPN       = &Error{ReasonALPN}
	errVersions   = &Error{ReasonVersions}
	errGroups     = &Error{ReasonGroups}
	errSignatures = &Error{ReasonSignatures}
	errEarly      = &Error{ReasonEarly}
)
