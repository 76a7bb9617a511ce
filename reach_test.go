package purewire_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/codec/h3"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/codec/qpack"
	"github.com/purewire/purewire/codec/ws"
)

// TestCorpusReaches: whatever a codec can say no with, some golden case or vector of its folder is refused with. (The blocks of QUIC hold their reasons
// to account in their own tests.)
func TestCorpusReaches(t *testing.T) {
	for name, reasons := range map[string][]string{
		"http1": http1.Reasons(), "http2": http2.Reasons(), "hpack": hpack.Reasons(), "qpack": qpack.Reasons(), "h3": h3.Reasons(), "grpc": grpc.Reasons(),
		"ws": slices.Concat(ws.Reasons(), ws.HandshakeReasons()),
	} {
		if len(reasons) == 0 {
			t.Errorf("%s has no reasons", name)
		}
		results := corpusResults(t, filepath.Join("corpus", name))
		for _, r := range reasons {
			if !strings.Contains(results, r) {
				t.Errorf("%s: no case is refused with %q", name, r)
			}
		}
	}
}

// corpusResults are the lines of the cases below a folder that say what came: those of logs, and of the results of vectors. Names, comments and inputs
// are not among them.
func corpusResults(t *testing.T, dir string) string {
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".txt" {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ">") && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "source:") {
				all.WriteString(line)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
