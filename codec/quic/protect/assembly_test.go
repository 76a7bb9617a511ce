//go:build !purego

package protect

const chachaAllocates = false
