package cli

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version returns the module version that the binary was built from, "devel" for a build of a work tree, with the first
// digits of the commit if the build recorded it.
func Version() string {
	v := "devel"
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := bi.Main.Version; m != "" && m != "(devel)" {
		v = m
	}
	for _, s := range bi.Settings {
		if s.Key == "vcs.revision" && v == "devel" {
			v += "+" + s.Value[:min(len(s.Value), 12)]
		}
	}
	return v
}

func version(_ context.Context, args []string, e Env) error {
	done, err := parse(flag.NewFlagSet("version", flag.ContinueOnError), "Usage: purewire version\n", args, 0, e)
	if err != nil || done {
		return err
	}
	_, err = fmt.Fprintf(e.Stdout, "purewire %s %s %s/%s\n", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
