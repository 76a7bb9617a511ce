package fields

// Verdict says which rule a field section breaks.
type Verdict uint8

// The verdicts. OK is none.
const (
	OK Verdict = iota
	// NameEmpty: a field name of no octets.
	NameEmpty
	// NameUpper: an upper-case letter in a field name.
	NameUpper
	// NameByte: an octet in a field name that is no token character.
	NameByte
	// ValueByte: NUL, CR, LF or another control character in a field value.
	ValueByte
	// ValueBlank: a field value that starts or ends with whitespace.
	ValueBlank
	// PseudoUnknown: a pseudo-header field that nobody defined, or one that was not negotiated.
	PseudoUnknown
	// PseudoLate: a pseudo-header field behind a regular one.
	PseudoLate
	// PseudoTwice: a pseudo-header field that came before.
	PseudoTwice
	// PseudoResponse: a pseudo-header field of responses in a request.
	PseudoResponse
	// PseudoRequest: a pseudo-header field of requests in a response.
	PseudoRequest
	// PseudoTrailer: a pseudo-header field in a trailer section.
	PseudoTrailer
	// Connection: connection, proxy-connection, keep-alive, transfer-encoding or upgrade.
	Connection
	// TE: te with another value than "trailers".
	TE
	// TEResponse: te in a response.
	TEResponse
	// TrailerField: a field in a trailer section that must not be there: content-length, host, te.
	TrailerField
	// LengthInvalid: content-length that is not all digits, or above 2^63-1.
	LengthInvalid
	// LengthTwice: more than one content-length.
	LengthTwice
	// MethodMissing: no :method.
	MethodMissing
	// MethodInvalid: :method is not a token.
	MethodInvalid
	// SchemeMissing: no :scheme.
	SchemeMissing
	// SchemeInvalid: :scheme does not have the syntax of a scheme.
	SchemeInvalid
	// PathMissing: no :path.
	PathMissing
	// PathEmpty: an empty :path with http or https.
	PathEmpty
	// PathByte: an octet in :path that no request target has.
	PathByte
	// PathForm: a :path of http or https that does not start with "/" and is not "*".
	PathForm
	// PathStar: ":path: *" without OPTIONS.
	PathStar
	// AuthorityMissing: neither :authority nor host, or an empty one, with http or https.
	AuthorityMissing
	// AuthorityInvalid: :authority is not host[:port].
	AuthorityInvalid
	// AuthorityUser: user information in :authority.
	AuthorityUser
	// HostInvalid: host is not host[:port].
	HostInvalid
	// HostTwice: more than one host.
	HostTwice
	// HostDiffers: host and :authority are not the same.
	HostDiffers
	// ConnectScheme: :scheme in a CONNECT request.
	ConnectScheme
	// ConnectPath: :path in a CONNECT request.
	ConnectPath
	// ConnectAuthority: a CONNECT request without :authority.
	ConnectAuthority
	// ConnectPort: :authority of a CONNECT request without host or port.
	ConnectPort
	// ProtocolMethod: :protocol with another method than CONNECT.
	ProtocolMethod
	// ProtocolInvalid: :protocol is not a token.
	ProtocolInvalid
	// ProtocolScheme: extended CONNECT without :scheme.
	ProtocolScheme
	// ProtocolPath: extended CONNECT without :path.
	ProtocolPath
	// ProtocolAuthority: extended CONNECT without :authority.
	ProtocolAuthority
	// StatusMissing: no :status.
	StatusMissing
	// StatusInvalid: :status is not three digits, 100 or above.
	StatusInvalid
	// Status101: :status 101.
	Status101
	// NumVerdicts is how many there are, OK included.
	NumVerdicts
)
