//go:build linux || darwin || freebsd

package cli

// defaultDriver is the reactor where there is one.
const defaultDriver = "reactor"
