package drivertest

// What a record asks of the machine. A record is four bytes: the connection's key, what, an argument, and a sum of those three and of
// the record's number.
const (
	recOut      byte = iota // output, appended
	recRef                  // output, by reference
	recPause                // no input until somebody calls Advance
	recDeadline             // no input until a deadline
	recGo                   // a function, see churnState.start
	recSwitch
	recClose
	recComplete // close, with the promise that nothing more comes
	recAbort
	recPanic // here, in a post, or in Advance
	recPost  // posts to itself
	recGreedy
	recData // bytes that follow the record
	recFar  // a deadline that never comes
	recKinds
)

// last reports whether nothing may be sent behind a record of this kind.
func last(kind byte) bool { return kind == recClose || kind == recComplete || kind == recAbort }

func recordSum(key, kind, arg byte, n int) byte { return key ^ kind<<4 ^ arg ^ byte(n)*31 }

// churnByte is byte i of what a connection with this key sends.
func churnByte(key byte, i int64) byte { return key ^ byte(i) ^ byte(i>>8)*31 ^ byte(i>>16)*7 }

// churnSize is how many bytes an argument stands for: most stand for few.
func churnSize(arg byte) int {
	switch {
	case arg < 96:
		return int(arg)
	case arg < 160:
		return int(arg-95) * 64
	case arg < 240:
		return int(arg-159) * 512
	}
	return int(arg-239) * 8192
}
