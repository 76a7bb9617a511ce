// Package cli is the purewire command without its process: arguments and streams in, an exit code out.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Env is what a run of the command may touch besides its arguments.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Exit codes of Run.
const (
	// ExitOK: done.
	ExitOK = 0
	// ExitFailure: the work failed; stderr says why.
	ExitFailure = 1
	// ExitUsage: the arguments make no sense; stderr says which.
	ExitUsage = 2
)

const topHelp = `purewire - protocol codecs that never touch a socket, and two drivers that do

Usage:
  purewire serve    start the demo server, with a page to look at
  purewire get      fetch a URL, with a look at the wire
  purewire decode   print what an HTTP/1 capture says, event by event
  purewire verdict  what our codecs, and others, make of some bytes
  purewire version  print the version

Try:
  purewire serve                                    then look at http://127.0.0.1:8080/
  purewire serve --driver stdnet --dir .            the same handlers, one goroutine per connection
  purewire get -v http://127.0.0.1:8080/json         heads, or frames with --http2, beside the answer
  printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' | purewire decode

"purewire COMMAND --help" tells the rest.
`

// command is one word after "purewire".
type command struct {
	name string
	run  func(context.Context, []string, Env) error
}

var commands = []command{
	{"serve", serve},
	{"get", get},
	{"decode", decode},
	{"verdict", verdicts},
	{"version", version},
}

// usageError is an error in the arguments.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

// Run executes one command line (without the program's name) and returns the process's exit code. It returns when the
// command is done; serve is done after a SIGINT or SIGTERM, or when ctx ends.
func Run(ctx context.Context, args []string, e Env) int {
	if len(args) == 0 {
		fmt.Fprint(e.Stderr, topHelp)
		return ExitUsage
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		fmt.Fprint(e.Stdout, topHelp)
		return ExitOK
	case "-version", "--version":
		args = []string{"version"}
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], e)
		var usage *usageError
		switch {
		case err == nil:
			return ExitOK
		case errors.As(err, &usage):
			fmt.Fprintf(e.Stderr, "purewire %s: %v\nSee \"purewire %s --help\".\n", c.name, err, c.name)
			return ExitUsage
		default:
			fmt.Fprintf(e.Stderr, "purewire %s: %v\n", c.name, err)
			return ExitFailure
		}
	}
	fmt.Fprintf(e.Stderr, "purewire: there is no command %q\nSee \"purewire --help\".\n", args[0])
	return ExitUsage
}

// parse reads flags. help was asked for: it is printed to stdout and done is true. At most maxArgs arguments may follow.
func parse(fs *flag.FlagSet, help string, args []string, maxArgs int, e Env) (done bool, err error) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(e.Stdout, help)
		return true, nil
	case err != nil:
		return false, usagef("%s", strings.ReplaceAll(err.Error(), " -", " --"))
	}
	if fs.NArg() > maxArgs {
		return false, usagef("what is %q?", fs.Arg(maxArgs))
	}
	return false, nil
}
