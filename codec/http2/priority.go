package http2

import "github.com/purewire/purewire/codec/internal/priority"

// Priority is a request's priority (RFC 9218 section 4): Urgency is 0 (most urgent) to 7; Incremental says that the response is useful in
// pieces.
type Priority = priority.Priority

// DefaultPriority returns urgency 3, not incremental: what counts without a Priority field (RFC 9218 section 4.1, 4.2).
func DefaultPriority() Priority { return priority.Default() }

// ParsePriorityField parses the value of a Priority field or of a PRIORITY_UPDATE frame: a Dictionary (RFC 9651 section 3.2) with the
// members u (Integer, 0-7) and i (Boolean). Several field lines are parsed as one value, joined by commas.
//
// RFC 9218 section 4-7: unknown priority parameters, priority parameters with out-of-range values, or values of unexpected types
// MUST be ignored. The defaults stand for them. A value that is no Dictionary at all is ignored as a whole (RFC 9651 section
// 4.2), and valid is false; the priority is the default then.
func ParsePriorityField(value []byte) (p Priority, valid bool) { return priority.ParseField(value) }

// AppendPriorityField appends the value of a Priority field, without members that have the default: "u=1, i". It appends
// nothing for DefaultPriority. Urgencies above 7 are written as 7.
func AppendPriorityField(dst []byte, p Priority) []byte { return priority.AppendField(dst, p) }
