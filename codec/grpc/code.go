package grpc

// Code is a gRPC status code (statuscodes.md of the gRPC core documentation). As an error it is the class of a failure:
// errors.Is(err, ResourceExhausted) finds it in every *Error and *StatusError of this package.
type Code uint32

// The 17 status codes.
const (
	OK                 Code = 0  // not an error
	Canceled           Code = 1  // the caller gave up
	Unknown            Code = 2  // an error without a code, or one from elsewhere
	InvalidArgument    Code = 3  // wrong whatever the state of the system
	DeadlineExceeded   Code = 4  // the time was up, whether or not the work was done
	NotFound           Code = 5  // a requested entity does not exist
	AlreadyExists      Code = 6  // an entity to be created exists
	PermissionDenied   Code = 7  // the caller is known, and may not
	ResourceExhausted  Code = 8  // a quota, a limit, or memory
	FailedPrecondition Code = 9  // the system is not in the state the call needs
	Aborted            Code = 10 // a conflict of concurrent calls
	OutOfRange         Code = 11 // past the valid range
	Unimplemented      Code = 12 // no such service, method, or message encoding
	Internal           Code = 13 // an invariant is broken: also wrong framing
	Unavailable        Code = 14 // for now: try again
	DataLoss           Code = 15 // unrecoverable
	Unauthenticated    Code = 16 // no valid credentials
)

// MaxCode is the highest code that has a meaning.
const MaxCode = Unauthenticated

var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// String returns the name as the gRPC documentation spells it, "CODE(n)" for a number without meaning.
func (c Code) String() string {
	if c <= MaxCode {
		return codeNames[c]
	}
	return "CODE(" + string(appendUint(nil, uint64(c))) + ")"
}

// Error returns "grpc: " and the name.
func (c Code) Error() string { return "grpc: " + c.String() }

// ParseCode parses the value of grpc-status: decimal digits without leading zeros. A number without meaning is valid and is to be
// treated as Unknown, but kept; ok is false for what is not a number or does not fit 32 bits.
func ParseCode(b []byte) (c Code, ok bool) {
	if len(b) == 0 || len(b) > 10 || (b[0] == '0' && len(b) > 1) {
		return Unknown, false
	}
	var n uint64
	for _, d := range b {
		if d < '0' || d > '9' {
			return Unknown, false
		}
		n = n*10 + uint64(d-'0')
	}
	if n > 1<<32-1 {
		return Unknown, false
	}
	return Code(n), true
}

// AppendCode appends the value of grpc-status.
func AppendCode(dst []byte, c Code) []byte { return appendUint(dst, uint64(c)) }

// CodeOfHTTP maps the :status of a response without grpc-status to a code (http-grpc-status-mapping.md). 200 is Unknown
// there: a gRPC response has a grpc-status.
func CodeOfHTTP(status int) Code {
	switch status {
	case 400:
		return Internal
	case 401:
		return Unauthenticated
	case 403:
		return PermissionDenied
	case 404:
		return Unimplemented
	case 429, 502, 503, 504:
		return Unavailable
	}
	return Unknown
}

// CodeOfHTTP2 maps the error code of an RST_STREAM or GOAWAY that ended a call (PROTOCOL-HTTP2.md, section Errors).
func CodeOfHTTP2(code uint32) Code {
	switch code {
	case 0x7: // REFUSED_STREAM: no work was done, the call may be tried again
		return Unavailable
	case 0x8: // CANCEL
		return Canceled
	case 0xb: // ENHANCE_YOUR_CALM
		return ResourceExhausted
	case 0xc: // INADEQUATE_SECURITY
		return PermissionDenied
	}
	return Internal
}

// HTTPStatus maps a code to the HTTP status that says nearly the same, for gateways that translate gRPC to plain HTTP.
// (A gRPC response itself always has :status 200.)
func (c Code) HTTPStatus() int {
	switch c {
	case OK:
		return 200
	case Canceled:
		return 499
	case InvalidArgument, FailedPrecondition, OutOfRange:
		return 400
	case DeadlineExceeded:
		return 504
	case NotFound:
		return 404
	case AlreadyExists, Aborted:
		return 409
	case PermissionDenied:
		return 403
	case ResourceExhausted:
		return 429
	case Unimplemented:
		return 501
	case Unavailable:
		return 503
	case Unauthenticated:
		return 401
	}
	return 500
}

func appendUint(dst []byte, n uint64) []byte {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		n /= 10
		if n == 0 {
			return append(dst, b[i:]...)
		}
	}
}
