package http2

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/fields"
)

// fieldFault returns the fault for a verdict about a field section. RFC 9113 section 8.1.1-3: malformed requests or responses that
// are detected MUST be treated as a stream error of type PROTOCOL_ERROR.
func fieldFault(v fields.Verdict) Fault {
	if v == fields.OK {
		return ok
	}
	return fFieldNameEmpty + Fault(v-fields.NameEmpty)
}

// requestPriority returns the priority that a request asks for. The lines of a Priority field are one Dictionary (RFC 9651 section 4.2): a
// line that is none spoils all, and the default counts.
func requestPriority(list []codec.Field, r *fields.Result) Priority {
	p := DefaultPriority()
	if r.Priorities == 0 {
		return p
	}
	for i := r.Priority; i < len(list); i++ {
		if string(list[i].Name) != "priority" {
			continue
		}
		if !p.merge(list[i].Value) {
			return DefaultPriority()
		}
	}
	return p
}
