package hpack_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	xhpack "golang.org/x/net/http2/hpack"
)

// storyDir returns where the stories of hpack-test-case are, or skips the test: they are not part of the repository.
func storyDir(t testing.TB) string {
	for _, dir := range []string{os.Getenv("HPACK_STORIES"), "../../../shared/data/hpack"} {
		if _, err := os.Stat(filepath.Join(dir, "nghttp2")); dir != "" && err == nil {
			return dir
		}
	}
	t.Skip("no HPACK stories: set HPACK_STORIES to a directory with the folders of hpack-test-case (nghttp2, go-hpack, ...)")
	return ""
}

// story is one connection's header blocks in one direction.
type story struct {
	name   string
	blocks []storyBlock
}

type storyBlock struct {
	wire      []byte
	tableSize int // set before the block, 0 for unchanged
	fields    []codec.Field
}

// stories reads every story below dir that matches pattern.
func stories(t testing.TB, pattern string) (all []story) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(storyDir(t), pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	for _, f := range files {
		var js struct {
			Cases []struct {
				Wire    string              `json:"wire"`
				Size    int                 `json:"header_table_size"`
				Headers []map[string]string `json:"headers"`
			} `json:"cases"`
		}
		text, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(text, &js)
		}
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		s := story{name: filepath.Base(filepath.Dir(f)) + "/" + filepath.Base(f)}
		for _, c := range js.Cases {
			wire, err := hex.DecodeString(c.Wire)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			b := storyBlock{wire: wire, tableSize: c.Size}
			for _, h := range c.Headers {
				for name, value := range h {
					b.fields = append(b.fields, codec.Field{Name: []byte(name), Value: []byte(value)})
				}
			}
			s.blocks = append(s.blocks, b)
		}
		all = append(all, s)
	}
	return all
}

func sameFields(a, b []codec.Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if string(a[i].Name) != string(b[i].Name) || string(a[i].Value) != string(b[i].Value) {
			return false
		}
	}
	return true
}

// TestStoriesDecode decodes the blocks of five other encoders.
func TestStoriesDecode(t *testing.T) {
	blocks := 0
	for _, s := range stories(t, "*/story_*.json") {
		var d hpack.Decoder
		var b hpack.Block
		d.Init(&hpack.Limits{Fields: -1, ListSize: -1})
		for i, c := range s.blocks {
			if c.tableSize > 0 {
				d.SetTableSize(c.tableSize)
			}
			if err := d.Decode(c.wire, true, &b); err != nil {
				t.Fatalf("%s block %d: %v", s.name, i, err)
			}
			if !sameFields(b.Fields, c.fields) {
				t.Fatalf("%s block %d: got %v", s.name, i, b.Fields)
			}
			blocks++
		}
	}
	t.Logf("%d blocks", blocks)
}

// TestStoriesEncode encodes the stories so that golang.org/x/net reads them, and in no more octets than it takes itself.
func TestStoriesEncode(t *testing.T) {
	ours, theirs := 0, 0
	for _, s := range stories(t, "*/story_*.json") {
		var e hpack.Encoder
		sink := new(countWriter)
		xe := xhpack.NewEncoder(sink)
		var got []codec.Field
		xd := xhpack.NewDecoder(4096, func(f xhpack.HeaderField) {
			got = append(got, codec.Field{Name: []byte(f.Name), Value: []byte(f.Value)})
		})
		var wire []byte
		mine := 0
		for i, c := range s.blocks {
			wire = e.AppendBlock(wire[:0], c.fields)
			mine += len(wire)
			got = got[:0]
			if _, err := xd.Write(wire); err != nil || xd.Close() != nil {
				t.Fatalf("%s block %d: %v", s.name, i, err)
			}
			if !sameFields(got, c.fields) {
				t.Fatalf("%s block %d: x/net reads %v", s.name, i, got)
			}
			for _, f := range c.fields {
				if err := xe.WriteField(xhpack.HeaderField{Name: string(f.Name), Value: string(f.Value)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if testing.Verbose() {
			t.Logf("%s: %d octets, x/net %d", s.name, mine, sink.n)
		}
		ours += mine
		theirs += sink.n
	}
	t.Logf("%d octets, x/net %d", ours, theirs)
	if ours > theirs {
		t.Errorf("%d octets, x/net's encoder takes %d", ours, theirs)
	}
}

type countWriter struct{ n int }

func (w *countWriter) Write(p []byte) (int, error) {
	w.n += len(p)
	return len(p), nil
}
