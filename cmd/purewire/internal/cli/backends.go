package cli

import (
	"maps"
	"slices"
)

// backends are the values of --driver. The reactor joins them where it exists.
var backends = map[string]start{
	"nethttp": startNetHTTP,
	"stdnet":  startStdnet,
}

func backendNames() []string { return slices.Sorted(maps.Keys(backends)) }
