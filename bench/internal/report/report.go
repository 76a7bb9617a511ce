// Package report has what the heads of results have in common.
package report

import (
	"os"
	"runtime"
	"strings"
)

// Arguments is this run's command line without -results and -out: a space before each word.
func Arguments() string {
	s := ""
	for i := 1; i < len(os.Args); i++ {
		if a := strings.TrimLeft(os.Args[i], "-"); a == "results" || a == "out" {
			i++
		} else if !strings.HasPrefix(a, "results=") && !strings.HasPrefix(a, "out=") {
			s += " " + os.Args[i]
		}
	}
	return s
}

// Model is the processor's name where Linux tells one, or else its architecture.
func Model() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
