package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"google.golang.org/protobuf/compiler/protogen"
)

func main() {
	if len(os.Args) == 2 && (os.Args[1] == "--version" || os.Args[1] == "-version") {
		fmt.Println("protoc-gen-purewire-grpc", version())
		return
	}
	var c config
	flags := c.flags()
	protogen.Options{ParamFunc: flags.Set}.Run(c.run)
}

// flags are the plugin's parameters beside those of protogen (paths, module, M...).
func (c *config) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("protoc-gen-purewire-grpc", flag.ContinueOnError)
	flags.BoolVar(&c.requireUnimplemented, "require_unimplemented_servers", true,
		"a server must embed Unimplemented...Server, so that a method added later does not break its build")
	flags.StringVar(&c.packageSuffix, "package_suffix", "",
		"put the stubs into a package of their own below that of the messages, which is named after it with this suffix")
	return flags
}

// version is that of the module as it was installed.
func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}
