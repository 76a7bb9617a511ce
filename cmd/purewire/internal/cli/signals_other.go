//go:build !unix

package cli

import "os"

// reloadSignals: there is no signal for it here; changes of the files are noticed anyway.
var reloadSignals []os.Signal
