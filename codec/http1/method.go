package http1

// Method numbers the request methods of RFC 9110 section 9 and PATCH (RFC 5789); everything else is MethodOther.
type Method uint8

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
