//go:build !amd64 || purego

package text

// Check validates p as the continuation of a text in state s. bad is the index of the first byte that no continuation of
// the text so far can have, and then next has Failed; otherwise bad is -1. A State that has Failed finds the first byte
// of any p bad; an empty p is never bad.
func Check(p []byte, s State) (bad int, next State) { return check(p, s) }
