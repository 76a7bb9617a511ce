package cli

import (
	"maps"
	"slices"
)

// backends are the values of --driver.
var backends = map[string]start{
	"nethttp": startNetHTTP,
}

func backendNames() []string { return slices.Sorted(maps.Keys(backends)) }
