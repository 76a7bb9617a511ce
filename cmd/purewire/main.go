// Command purewire serves the demo of the purewire toolkit and decodes captured protocol bytes. Run it without
// arguments for its help.
package main

import (
	"context"
	"os"

	"github.com/purewire/purewire/cmd/purewire/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}))
}
