package http2

import "github.com/purewire/purewire/codec/internal/fields"

// fieldFault returns the fault for a verdict about a field section. RFC 9113 section 8.1.1-3: malformed requests or responses that
// are detected MUST be treated as a stream error of type PROTOCOL_ERROR.
func fieldFault(v fields.Verdict) Fault {
	if v == fields.OK {
		return ok
	}
	return fFieldNameEmpty + Fault(v-fields.NameEmpty)
}
