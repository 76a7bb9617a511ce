package fuzz

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// noSeeds are the folders of vectors that no target can use, and why.
var noSeeds = map[string]string{
	"quic/vectors/ranges":     "calls, not octets: QUICRanges makes its own",
	"quic/vectors/keyphase":   "calls, not octets",
	"quic/vectors/path":       "calls, not octets: QUICPair makes its own",
	"quic/vectors/stream":     "calls, not octets: QUICPair makes its own",
	"quic/vectors/congestion": "calls, not octets: QUICPair makes its own",
}

// TestVectorsAreSeeds: every operation of every source gives octets, those octets are among the seeds of the target, and every folder of
// vectors is a source.
func TestVectorsAreSeeds(t *testing.T) {
	used := map[string]bool{}
	for i := range vectorSources {
		s := &vectorSources[i]
		used[s.dir] = true
		target := Find(s.target)
		if target == nil {
			t.Errorf("there is no target %s", s.target)
			continue
		}
		seeds, err := target.Seeds("../corpus")
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, seed := range seeds {
			if strings.HasPrefix(seed.Name, "vector-") {
				all.Write(seed.Data)
			}
		}
		cases, err := codectest.LoadVectors(filepath.Join("../corpus", s.dir))
		if err != nil {
			t.Fatal(err)
		}
		for name, op := range s.ops {
			alone := &vectorSource{dir: s.dir, ops: map[string]vectorOp{name: op}}
			parts, there := 0, 0
			for _, c := range cases {
				list, err := alone.parts(c)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range list {
					if parts++; strings.Contains(all.String(), string(p)) {
						there++
					}
				}
			}
			// The longest vectors are longer than a seed may be.
			if parts == 0 || there < (parts+1)/2 {
				t.Errorf("%s: %q of %s: %d of %d are among the seeds", s.target, name, s.dir, there, parts)
			}
		}
	}
	err := filepath.WalkDir("../corpus", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || !strings.Contains(path+"/", "/vectors/") {
			return err
		}
		files, err := filepath.Glob(filepath.Join(path, "*.txt"))
		dir := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(os.PathSeparator)+"corpus"+string(os.PathSeparator)))
		if len(files) > 0 && !used[dir] && noSeeds[dir] == "" {
			t.Errorf("no target has seeds of %s", dir)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestVectorSeeds: some of them as they must be.
func TestVectorSeeds(t *testing.T) {
	for _, c := range []struct{ target, want string }{
		{"HTTP1Request", "\x00(GET /a HTTP/1.1\r\nHost: h\r\nX:  y \r\n\r\nrest"},
		{"HTTP1Response", "\x00\x25HTTP/1.1 204 No Content\r\nA: b\r\n\r\nHTTP"},
		{"GRPC", "\x01\x0a\x00\x00\x00\x00\x05hello"},
		{"QUICPayload", "\x00\x00\x01"},
		{"GRPCText", "\x05a\r\nb%"},
	} {
		seeds, err := Find(c.target).Seeds("../corpus")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range seeds {
			found = found || string(s.Data) == c.want
		}
		if !found {
			t.Errorf("%s: no seed %q", c.target, c.want)
		}
	}
}

// TestUnhex: what are octets in hexadecimal, and what are words and numbers.
func TestUnhex(t *testing.T) {
	for w, want := range map[string]string{"0a0B": "\n\v", `\(2*00)01`: "\x00\x00\x01", "": "", "abc": "", "hello!": "", "more": "", `\q`: ""} {
		if got := unhex(w); string(got) != want {
			t.Errorf("%q is %q", w, got)
		}
	}
}
