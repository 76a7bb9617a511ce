//go:build !(linux || darwin || freebsd)

package cli

// defaultDriver is the one that works everywhere.
const defaultDriver = "stdnet"
