package reactor

import "fmt"

// PanicError is the reason given to Closed when a machine, a post, or a function started by Go panicked.
type PanicError struct {
	// Value is what was panicked with, Stack the goroutine's stack at that time.
	Value any
	Stack []byte
}

// Error returns the panic's value as text.
func (e *PanicError) Error() string { return fmt.Sprintf("reactor: panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
