package grpc

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Request is the head of a call, as ParseRequest found it. Its slices are views of what was parsed.
type Request struct {
	// Service and Method are the halves of the path: "/" Service "/" Method.
	Service, Method []byte
	// Subtype is what follows "application/grpc+", empty for none (that means "proto").
	Subtype []byte
	// Timeout is the value of grpc-timeout. It is meaningful if HasTimeout is set; it may be 0.
	Timeout    time.Duration
	HasTimeout bool
	// Encoding is the value of grpc-encoding, empty for none or identity.
	Encoding []byte
	// AcceptEncoding is the value of grpc-accept-encoding, see Accepts.
	AcceptEncoding []byte
	// Wire is which protocol this is.
	Wire Wire
}

// Wire tells gRPC from the forms of gRPC-Web.
type Wire uint8

const (
	// Plain gRPC over HTTP/2 or HTTP/3: content-type application/grpc.
	Plain Wire = iota
	// WebBinary is application/grpc-web (PROTOCOL-WEB.md): trailers are the last frame of the body.
	WebBinary
	// WebText is application/grpc-web-text: the body in base64.
	WebText
)

// ContentType tells what a content-type stands for. ok is false for what is not gRPC; RFC 9110's parameters behind ";" are
// ignored. "Content-Type: application/grpc [("+proto" / "+json" / {custom})]"; "If Content-Type does not begin with
// "application/grpc", gRPC servers SHOULD respond with HTTP status of 415".
func ContentType(value []byte) (w Wire, subtype []byte, ok bool) {
	for i, c := range value {
		if c == ';' {
			value = value[:i]
			break
		}
	}
	for len(value) > 0 && (value[len(value)-1] == ' ' || value[len(value)-1] == '\t') {
		value = value[:len(value)-1]
	}
	const base = "application/grpc"
	if len(value) < len(base) || !equalFold(value[:len(base)], base) {
		return 0, nil, false
	}
	rest := value[len(base):]
	switch {
	case len(rest) >= 9 && equalFold(rest[:9], "-web-text"):
		w, rest = WebText, rest[9:]
	case len(rest) >= 4 && equalFold(rest[:4], "-web"):
		w, rest = WebBinary, rest[4:]
	}
	if len(rest) == 0 {
		return w, nil, true
	}
	if rest[0] != '+' || len(rest) == 1 {
		return 0, nil, false
	}
	return w, rest[1:], true
}

func equalFold(b []byte, lower string) bool {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// SplitPath splits a path into service and method. Only the canonical form is accepted: "/" Service "/" Method with neither
// half empty, without another slash, percent sign, query or control character in the method, so that whoever decides by
// the path (a router, an interceptor that authorizes) sees the same bytes. The service may hold slashes in some
// implementations; here it may not.
func SplitPath(path []byte) (service, method []byte, ok bool) {
	if len(path) < 4 || path[0] != '/' {
		return nil, nil, false
	}
	cut := 0
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case c == '/':
			if cut != 0 {
				return nil, nil, false
			}
			cut = i
		case c <= 0x20 || c >= 0x7f || c == '%' || c == '?' || c == '#' || c == '\\':
			return nil, nil, false
		}
	}
	if cut < 2 || cut == len(path)-1 {
		return nil, nil, false
	}
	return path[1:cut], path[cut+1:], true
}

// ParseRequest checks the head of a request and takes it apart. method and path are the pseudo-header fields; fields are the
// others, names in lower case. An error's Code is the status to answer with; for rContentType answer with HTTP status 415
// (see IsContentType). te is asked for on Plain only: gRPC-Web has no trailers.
func ParseRequest(method, path []byte, fields []codec.Field, r *Request) error {
	*r = Request{}
	var contentType, te bool
	for i := range fields {
		f := &fields[i]
		switch string(f.Name) {
		case "content-type":
			if contentType {
				return fail(rContentType)
			}
			w, sub, ok := ContentType(f.Value)
			if !ok {
				return fail(rContentType)
			}
			r.Wire, r.Subtype, contentType = w, sub, true
		case "te":
			te = te || equalFold8(f.Value, "trailers")
		case "grpc-timeout":
			if r.HasTimeout {
				return fail(rTimeoutTwice)
			}
			d, err := ParseTimeout(f.Value)
			if err != nil {
				return err
			}
			r.Timeout, r.HasTimeout = d, true
		case "grpc-encoding":
			if r.Encoding = f.Value; string(f.Value) == "identity" {
				r.Encoding = nil
			}
		case "grpc-accept-encoding":
			r.AcceptEncoding = f.Value
		}
	}
	switch {
	case !contentType:
		return fail(rContentType)
	case string(method) != "POST":
		return fail(rMethod)
	case r.Wire == Plain && !te:
		// "TE: "trailers" ; Used to detect incompatible proxies".
		return fail(rTE)
	}
	var ok bool
	if r.Service, r.Method, ok = SplitPath(path); !ok {
		return fail(rPath)
	}
	return nil
}

func equalFold8(b []byte, lower string) bool { return len(b) == len(lower) && equalFold(b, lower) }

// IsContentType reports whether err is ParseRequest's complaint about the content-type, for which the answer is HTTP status 415.
func IsContentType(err error) bool { return err == fail(rContentType) }

// Accepts reports whether name is in a grpc-accept-encoding list. identity always is.
func Accepts(list []byte, name string) bool {
	if name == "identity" || name == "" {
		return true
	}
	for len(list) > 0 {
		i := 0
		for i < len(list) && list[i] != ',' {
			i++
		}
		item := list[:i]
		for len(item) > 0 && (item[0] == ' ' || item[0] == '\t') {
			item = item[1:]
		}
		for len(item) > 0 && (item[len(item)-1] == ' ' || item[len(item)-1] == '\t') {
			item = item[:len(item)-1]
		}
		if string(item) == name {
			return true
		}
		list = list[min(i+1, len(list)):]
	}
	return false
}
