package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/purewire/purewire/corpus/verdict"
)

const verdictHelp = `Usage: purewire verdict [flags] [FILE | -]

Says what our codecs make of one string of bytes, from FILE or standard input: the messages in it, and whether it is
accepted, refused, or not whole. Inside of a checkout of the repository it asks net/http, fasthttp, x/net, gorilla, coder,
gobwas and quic-go too (with "go run" in the module interop), prints the matrix, and explains each disagreement by the
paragraph of the RFC.

Flags:
  --wire NAME        http1, http2, ws, hpack, qpack, varint, h3 or quic (http1)
  --role NAME        who reads: server or client                        (server)
  --method NAME      what a client has asked: GET or HEAD               (GET)
  --deflate          with ws: permessage-deflate was agreed on
  --lenient A,B      with http1: one more column, with these members of http1.Leniency set
  --corpus           the verdicts on the library of known disagreements instead (docs/verdicts.md)
  --ours             ask nobody else

Input begins with the preface for an HTTP/2 server, and behind the opening handshake for WebSocket. For HTTP/3 and
QUIC it is a description of what comes on the streams, or in the packets, in the notation of corpus/verdict/README.md.

Try:
  printf 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc' | purewire verdict
`

// verdicts is the command "verdict".
func verdicts(ctx context.Context, args []string, e Env) error {
	return verdictIn(ctx, args, e, ".", goRun)
}

// verdictIn is verdicts in folder dir, with peers run by run.
func verdictIn(ctx context.Context, args []string, e Env, dir string, run func(context.Context, string, []string, io.Reader, Env) error) error {
	set := flag.NewFlagSet("verdict", flag.ContinueOnError)
	wire := set.String("wire", "http1", "")
	role := set.String("role", "", "")
	method := set.String("method", "", "")
	deflate := set.Bool("deflate", false, "")
	lenient := set.String("lenient", "", "")
	corpus := set.Bool("corpus", false, "")
	ours := set.Bool("ours", false, "")
	done, err := parse(set, verdictHelp, args, 1, e)
	if err != nil || done {
		return err
	}
	in := verdict.Input{Wire: verdict.Wire(*wire), Role: verdict.Role(*role), Method: *method, Deflate: *deflate}
	if *lenient != "" {
		in.Lenient = strings.Split(*lenient, ",")
	}
	if err := in.Check(); err != nil {
		return usagef("%v", err)
	}
	if *corpus && set.NArg() > 0 {
		return usagef("--corpus takes no file")
	}
	if !*corpus {
		if in.Bytes, err = slurp(set.Arg(0), e); err != nil {
			return err
		}
		if err := in.Check(); err != nil {
			return err
		}
	}
	if root := checkout(dir); root != "" && !*ours {
		interop := filepath.Join(root, "interop")
		fmt.Fprintf(e.Stderr, "purewire verdict: this is a checkout, asking the peers of %s too (--ours does without)\n", interop)
		if *corpus {
			return run(ctx, interop, []string{"-corpus"}, nil, e)
		}
		words := []string{"-wire", *wire, "-role", string(in.Role), "-method", in.Method, "-lenient", *lenient}
		if *deflate {
			words = append(words, "-deflate")
		}
		return run(ctx, interop, words, bytes.NewReader(in.Bytes), e)
	}
	if !*ours {
		fmt.Fprintf(e.Stderr, "purewire verdict: ours only. In a checkout of the repository net/http, fasthttp and others are asked too:\n"+
			"  git clone https://github.com/purewire/purewire && cd purewire && go run ./cmd/purewire verdict ...\n")
	}
	if !*corpus {
		verdict.Report(e.Stdout, &in, verdict.Judge(&in, verdict.Ours()))
		return nil
	}
	cases, err := verdict.Library()
	if err != nil {
		return err
	}
	for _, c := range cases {
		verdict.Report(e.Stdout, &c.Input, verdict.Judge(&c.Input, verdict.Ours()))
		fmt.Fprintln(e.Stdout)
	}
	return nil
}

// slurp reads the named file, or standard input for "" and "-".
func slurp(name string, e Env) ([]byte, error) {
	if name == "" || name == "-" {
		return io.ReadAll(e.Stdin)
	}
	return os.ReadFile(name)
}

// checkout finds the root of a checkout of this repository in dir or above, "" if there is none.
func checkout(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module github.com/purewire/purewire\n")) {
			if _, err := os.Stat(filepath.Join(dir, "interop", "cmd", "verdict", "main.go")); err == nil {
				return dir
			}
			return ""
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// goRun runs the command of the module in folder interop that asks everybody.
func goRun(ctx context.Context, interop string, args []string, stdin io.Reader, e Env) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"-C", interop, "run", "./cmd/verdict"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, e.Stdout, e.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the peers could not be asked (--ours does without): %w", err)
	}
	return nil
}
