package ws

import "github.com/purewire/purewire/codec/internal/text"

// UTF8 validates a text that arrives in pieces, cut anywhere (RFC 6455 section 8.1, RFC 3629): no overlong forms, no
// surrogates, nothing above U+10FFFF. The zero value is ready to use. It holds one byte and no text.
type UTF8 struct{ s text.State }

// Write validates the next piece. It returns -1, or the index in p of the first byte that no valid text can have there,
// whatever follows: "\xED\xA0" is bad at its second byte, before a third is seen. After a bad byte every Write of at least
// one byte returns 0, until Reset.
func (v *UTF8) Write(p []byte) (bad int) {
	bad, v.s = text.Check(p, v.s)
	return bad
}

// Complete reports whether the text may end here: it is valid and its last character is whole. The empty text is complete.
func (v *UTF8) Complete() bool { return v.s.Complete() }

// Reset begins a new text.
func (v *UTF8) Reset() { v.s = 0 }
