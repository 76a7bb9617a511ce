// Command verdict prints what this module's codecs and other implementations make of one string of bytes, or of the library
// in corpus/verdict, and writes docs/verdicts.md. "purewire verdict" runs it inside of a checkout of the repository.
//
//	go run ./cmd/verdict [-wire http1] [-role server] [-method HEAD] [-deflate] [-lenient A,B] [FILE]
//	go run ./cmd/verdict -corpus
//	go run ./cmd/verdict -page [-o ../docs/verdicts.md]
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	core "github.com/purewire/purewire/corpus/verdict"
	"github.com/purewire/purewire/interop/verdict"
)

func main() {
	log.SetOutput(io.Discard) // x/net tells the standard logger what it thinks
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "verdict:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	set := flag.NewFlagSet("verdict", flag.ContinueOnError)
	wire := set.String("wire", "http1", "http1, http2, ws, hpack, qpack, varint, h3 or quic")
	role := set.String("role", "", "who reads: server or client")
	method := set.String("method", "", "what a client has asked: GET or HEAD")
	deflate := set.Bool("deflate", false, "permessage-deflate was agreed on")
	lenient := set.String("lenient", "", "members of http1.Leniency for a column more")
	corpus := set.Bool("corpus", false, "print the verdicts on the library")
	page := set.Bool("page", false, "write the page of the library")
	out := set.String("o", "../docs/verdicts.md", "where -page writes")
	if err := set.Parse(args); err != nil {
		return err
	}
	switch {
	case *corpus, *page:
		cases, err := core.Library()
		if err != nil {
			return err
		}
		rows := verdict.Matrix(cases)
		if *corpus {
			for i := range rows {
				core.Report(stdout, &rows[i].Input, rows[i].Judged)
				fmt.Fprintln(stdout)
			}
			return nil
		}
		goMod, err := os.ReadFile("go.mod")
		if err != nil {
			return fmt.Errorf("-page is run in the folder of the module: %w", err)
		}
		return os.WriteFile(*out, []byte(verdict.Page(rows, string(goMod))), 0o644)
	}
	in := core.Input{Wire: core.Wire(*wire), Role: core.Role(*role), Method: *method, Deflate: *deflate}
	if *lenient != "" {
		in.Lenient = strings.Split(*lenient, ",")
	}
	var err error
	switch name := set.Arg(0); {
	case set.NArg() > 1:
		return errors.New("more than one file")
	case name == "" || name == "-":
		in.Bytes, err = io.ReadAll(stdin)
	default:
		in.Bytes, err = os.ReadFile(name)
	}
	if err != nil {
		return err
	}
	if err := in.Check(); err != nil {
		return err
	}
	var b bytes.Buffer
	core.Report(&b, &in, core.Judge(&in, verdict.All()))
	_, err = stdout.Write(b.Bytes())
	return err
}
