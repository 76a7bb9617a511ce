//go:build !amd64 || purego

package text

// assembly has nothing here.
var assembly map[string]func(p []byte, s State) (int, State)
