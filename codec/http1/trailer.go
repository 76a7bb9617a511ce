package http1

import "github.com/purewire/purewire/codec"

// checkTrailers finds a field that may not be in a trailer section: what the encoder refuses to send (TrailerAllowed). RFC
// 9110 section 6.5.1: many fields cannot be processed outside the header section; a sender MUST NOT generate them.
// Dropping them would leave a message that other recipients read differently; so the message is refused.
func checkTrailers(fields []codec.Field) (r reason, at int) {
	for i := range fields {
		if !TrailerAllowed(fields[i].Name) {
			return rTrailerName, i
		}
	}
	return ok, 0
}
