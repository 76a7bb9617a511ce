package python

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	core "github.com/purewire/purewire/corpus/verdict"
)

// Input is an input with the name by which differences.txt knows it.
type Input struct {
	core.Input
	// ID is the file below corpus/, without .txt, and the name of the case: "http1/target/two Hosts".
	ID string
}

// golden are the folders whose cases are inputs, with what makes one of the words of a mode line; ok is false for words that the
// libraries have no counterpart of: limits, leniencies, other behaviour of an application.
var golden = []struct {
	dir  string
	wire core.Wire
	word func(in *core.Input, word string) (ok bool)
}{
	{"http1", core.HTTP1, func(in *core.Input, word string) bool {
		switch word {
		case "request", "eof", "to=GET", "to=GET,GET": // the end of input always comes
		case "response":
			in.Role = core.Client
		case "to=HEAD":
			in.Method = "HEAD"
		default:
			return false
		}
		return true
	}},
	{"http2/conn", core.HTTP2, func(in *core.Input, word string) bool {
		switch word {
		case "server", "eof":
		case "open=GET":
			in.Role = core.Client
		case "open=HEAD":
			in.Role, in.Method = core.Client, "HEAD"
		case "client": // without a request there is another connection
			in.Role = core.Client
		default:
			return false
		}
		return true
	}},
	{"ws", core.WS, func(in *core.Input, word string) bool {
		switch word {
		case "server":
		case "client":
			in.Role = core.Client
		case "deflate":
			in.Deflate = true
		default:
			return false
		}
		return true
	}},
}

// Inputs returns the inputs of corpus/verdict, and those of the golden cases in the folder corpus.
func Inputs(corpus string) ([]Input, error) {
	cases, err := core.Library()
	if err != nil {
		return nil, err
	}
	var all []Input
	for _, c := range cases {
		if Library(c.Wire) != "" {
			all = append(all, Input{c.Input, "verdict/" + strings.TrimSuffix(c.File, ".txt") + "/" + c.Name})
		}
	}
	for _, g := range golden {
		cases, err := codectest.LoadGolden(filepath.Join(corpus, filepath.FromSlash(g.dir)))
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			in := Input{core.Input{Wire: g.wire, Bytes: c.Input}, g.dir + "/" + strings.TrimSuffix(filepath.Base(c.File), ".txt") + "/" + c.Name}
			words := slices.DeleteFunc(strings.Fields(c.Mode.String()), func(w string) bool {
				return strings.HasPrefix(w, "verdict=") || strings.HasPrefix(w, "messages=")
			})
			fits := !(g.wire == core.HTTP2 && slices.Contains(words, "client") && len(words) == 1)
			for _, w := range words {
				fits = fits && g.word(&in.Input, w)
			}
			if !fits {
				continue
			}
			if err := in.Check(); err != nil {
				return nil, err
			}
			all = append(all, in)
		}
	}
	return all, nil
}
