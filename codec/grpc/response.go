package grpc

import "github.com/purewire/purewire/codec"

// Status is how a call ended. Its slices are views of what was parsed.
type Status struct {
	Code Code
	// Message is the value of grpc-message, percent-encoded as it travels: see AppendDecodedText.
	Message []byte
	// Details is the value of grpc-status-details-bin, base64 as it travels: see AppendDecodedBinary. It holds a
	// google.rpc.Status.
	Details []byte
}

// ParseTrailers finds the status in the trailers of a response, or in the header section of one that has nothing else
// (Trailers-Only). found is false if there is no grpc-status; st.Code is Unknown then.
func ParseTrailers(fields []codec.Field, st *Status) (found bool, err error) {
	*st = Status{Code: Unknown}
	for i := range fields {
		f := &fields[i]
		switch string(f.Name) {
		case "grpc-status":
			if found {
				return true, fail(rStatusTwice)
			}
			c, ok := ParseCode(f.Value)
			if !ok {
				return true, fail(rStatusSyntax)
			}
			st.Code, found = c, true
		case "grpc-message":
			st.Message = f.Value
		case "grpc-status-details-bin":
			st.Details = f.Value
		}
	}
	if !found {
		return false, fail(rStatusMissing)
	}
	return true, nil
}

// Response is the header section of a response, as ParseResponse found it.
type Response struct {
	// Encoding is the value of grpc-encoding, empty for none or identity.
	Encoding []byte
	// AcceptEncoding is the value of grpc-accept-encoding.
	AcceptEncoding []byte
	// Subtype is what follows "application/grpc+".
	Subtype []byte
	// Wire is which protocol this is.
	Wire Wire
	// TrailersOnly: the call has ended with this header section; Status says how.
	TrailersOnly bool
	Status       Status
}

// ParseResponse checks the header section of a response. endStream tells that nothing follows. For a response that is not gRPC
// (a proxy's error page), the error is the Code that the HTTP status maps to (CodeOfHTTP): a bare Code.
func ParseResponse(status int, fields []codec.Field, endStream bool, r *Response) error {
	*r = Response{}
	grpc := false
	for i := range fields {
		f := &fields[i]
		switch string(f.Name) {
		case "content-type":
			r.Wire, r.Subtype, grpc = ContentType(f.Value)
		case "grpc-encoding":
			if r.Encoding = f.Value; string(f.Value) == "identity" {
				r.Encoding = nil
			}
		case "grpc-accept-encoding":
			r.AcceptEncoding = f.Value
		}
	}
	if endStream {
		// "Trailers-Only → HTTP-Status Content-Type Trailers". A grpc-status is believed whatever the HTTP status is.
		found, err := ParseTrailers(fields, &r.Status)
		if found {
			r.TrailersOnly = true
			return err
		}
	}
	if status != 200 {
		// "if the status is not 200, or the content-type is not gRPC, the client synthesizes a code from the HTTP status".
		return CodeOfHTTP(status)
	}
	if !grpc {
		return fail(rNotGRPC)
	}
	if endStream {
		return fail(rStatusMissing)
	}
	return nil
}

// AppendStatus appends the fields of a status: grpc-status, grpc-message if it is not empty, grpc-status-details-bin if
// details are not empty. Values that need encoding go to arena, which is returned with dst.
func AppendStatus(dst []codec.Field, arena []byte, c Code, message string, details []byte) ([]codec.Field, []byte) {
	at := len(arena)
	arena = AppendCode(arena, c)
	dst = append(dst, codec.Field{Name: nameStatus, Value: arena[at:len(arena):len(arena)]})
	if message != "" {
		at = len(arena)
		arena = AppendText(arena, message)
		dst = append(dst, codec.Field{Name: nameMessage, Value: arena[at:len(arena):len(arena)]})
	}
	if len(details) > 0 {
		at = len(arena)
		arena = AppendBinary(arena, details)
		dst = append(dst, codec.Field{Name: nameDetails, Value: arena[at:len(arena):len(arena)]})
	}
	return dst, arena
}

var (
	nameStatus  = []byte("grpc-status")
	nameMessage = []byte("grpc-message")
	nameDetails = []byte("grpc-status-details-bin")
)
