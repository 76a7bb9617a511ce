package h3

// ErrorCode is an application error code of HTTP/3, as an error: errors.Is(err, FrameUnexpected) finds it. RFC 9114 section 8-5: codes
// that nobody knows are as good as NoError.
type ErrorCode uint64

// The error codes of RFC 9114 section 8.1, RFC 9204 section 6 and RFC 9297 section 5.2.
const (
	// DatagramError is H3_DATAGRAM_ERROR: a datagram or capsule that breaks its rules.
	DatagramError ErrorCode = 0x33
	// NoError is H3_NO_ERROR: nothing to blame.
	NoError ErrorCode = 0x100
	// GeneralProtocolError is H3_GENERAL_PROTOCOL_ERROR: for what has no code of its own.
	GeneralProtocolError ErrorCode = 0x101
	// InternalError is H3_INTERNAL_ERROR: our own fault.
	InternalError ErrorCode = 0x102
	// StreamCreationError is H3_STREAM_CREATION_ERROR: a stream that this end does not accept.
	StreamCreationError ErrorCode = 0x103
	// ClosedCriticalStream is H3_CLOSED_CRITICAL_STREAM: a stream that the connection needs was closed.
	ClosedCriticalStream ErrorCode = 0x104
	// FrameUnexpected is H3_FRAME_UNEXPECTED: a frame in the wrong state or on the wrong stream.
	FrameUnexpected ErrorCode = 0x105
	// FrameError is H3_FRAME_ERROR: a frame of a wrong layout or size.
	FrameError ErrorCode = 0x106
	// ExcessiveLoad is H3_EXCESSIVE_LOAD: the peer costs too much.
	ExcessiveLoad ErrorCode = 0x107
	// IDError is H3_ID_ERROR: a stream or push identifier used wrongly.
	IDError ErrorCode = 0x108
	// SettingsError is H3_SETTINGS_ERROR: SETTINGS with wrong content.
	SettingsError ErrorCode = 0x109
	// MissingSettings is H3_MISSING_SETTINGS: a control stream that does not begin with SETTINGS.
	MissingSettings ErrorCode = 0x10a
	// RequestRejected is H3_REQUEST_REJECTED: the request was not processed and may be sent again.
	RequestRejected ErrorCode = 0x10b
	// RequestCancelled is H3_REQUEST_CANCELLED: the request or its response is no longer wanted.
	RequestCancelled ErrorCode = 0x10c
	// RequestIncomplete is H3_REQUEST_INCOMPLETE: the stream ended before the request was whole.
	RequestIncomplete ErrorCode = 0x10d
	// MessageError is H3_MESSAGE_ERROR: a malformed message.
	MessageError ErrorCode = 0x10e
	// ConnectError is H3_CONNECT_ERROR: the connection behind a CONNECT request failed.
	ConnectError ErrorCode = 0x10f
	// VersionFallback is H3_VERSION_FALLBACK: ask again over HTTP/1.1.
	VersionFallback ErrorCode = 0x110
	// QPACKDecompressionFailed is QPACK_DECOMPRESSION_FAILED.
	QPACKDecompressionFailed ErrorCode = 0x200
	// QPACKEncoderStreamError is QPACK_ENCODER_STREAM_ERROR.
	QPACKEncoderStreamError ErrorCode = 0x201
	// QPACKDecoderStreamError is QPACK_DECODER_STREAM_ERROR.
	QPACKDecoderStreamError ErrorCode = 0x202
)

var codeNames = [...]string{"H3_NO_ERROR", "H3_GENERAL_PROTOCOL_ERROR", "H3_INTERNAL_ERROR", "H3_STREAM_CREATION_ERROR",
	"H3_CLOSED_CRITICAL_STREAM", "H3_FRAME_UNEXPECTED", "H3_FRAME_ERROR", "H3_EXCESSIVE_LOAD", "H3_ID_ERROR", "H3_SETTINGS_ERROR",
	"H3_MISSING_SETTINGS", "H3_REQUEST_REJECTED", "H3_REQUEST_CANCELLED", "H3_REQUEST_INCOMPLETE", "H3_MESSAGE_ERROR",
	"H3_CONNECT_ERROR", "H3_VERSION_FALLBACK"}

var qpackNames = [...]string{"QPACK_DECOMPRESSION_FAILED", "QPACK_ENCODER_STREAM_ERROR", "QPACK_DECODER_STREAM_ERROR"}

// String returns the name of the code, "unknown" for one that has none.
func (c ErrorCode) String() string {
	switch {
	case c == DatagramError:
		return "H3_DATAGRAM_ERROR"
	case c >= NoError && c <= VersionFallback:
		return codeNames[c-NoError]
	case c >= QPACKDecompressionFailed && c <= QPACKDecoderStreamError:
		return qpackNames[c-QPACKDecompressionFailed]
	}
	return "unknown"
}

// Error returns the name of the code.
func (c ErrorCode) Error() string { return c.String() }

// reserved reports whether v is 0x1f*N+0x21: an identifier that exists to be ignored (RFC 9114 sections 6.2.3, 7.2.4.1, 7.2.8, 8.1).
func reserved(v uint64) bool { return v >= 0x21 && (v-0x21)%0x1f == 0 }

// Reserved reports whether the code has no meaning of its own: 0x1f*N+0x21 (RFC 9114 section 8.1-3).
func (c ErrorCode) Reserved() bool { return reserved(uint64(c)) }
