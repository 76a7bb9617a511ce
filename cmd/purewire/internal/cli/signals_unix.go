//go:build unix

package cli

import (
	"os"
	"syscall"
)

// reloadSignals make serve read --cert and --key again.
var reloadSignals = []os.Signal{syscall.SIGHUP}
