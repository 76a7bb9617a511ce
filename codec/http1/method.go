package http1

// Method numbers the request methods of RFC 9110 section 9 and PATCH (RFC 5789); everything else is MethodOther.
type Method uint8

// The methods. Their names are case-sensitive (RFC 9110 section 9.1).
const (
	MethodOther Method = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodDelete
	MethodConnect
	MethodOptions
	MethodTrace
	MethodPatch
)

var methodNames = [...]string{"", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

// String returns the method's name, "" for MethodOther.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return ""
}

// LookupMethod returns the number of the method with the name b, MethodOther if it has none. "get" has none: methods are
// case-sensitive (RFC 9110 section 9.1).
func LookupMethod(b []byte) Method {
	switch string(b) {
	case "GET":
		return MethodGet
	case "HEAD":
		return MethodHead
	case "POST":
		return MethodPost
	case "PUT":
		return MethodPut
	case "DELETE":
		return MethodDelete
	case "CONNECT":
		return MethodConnect
	case "OPTIONS":
		return MethodOptions
	case "TRACE":
		return MethodTrace
	case "PATCH":
		return MethodPatch
	}
	return MethodOther
}

// foldMethod is LookupMethod without regard to case, for Leniency.MixedCaseMethod.
func foldMethod(b []byte) Method {
	var up [7]byte
	if len(b) > len(up) {
		return MethodOther
	}
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		up[i] = c
	}
	return LookupMethod(up[:len(b)])
}
