//go:build !unix

package drivertest

import "testing"

func descriptorLimit() int { return 1 << 14 }

// outOfDescriptors has nothing to lower where there is no RLIMIT_NOFILE.
func outOfDescriptors(t *testing.T, d Driver) { t.Logf("%s: no limit of descriptors here", d.Name) }
