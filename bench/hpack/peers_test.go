package hpack

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/purewire/purewire/bench/internal/hpackc"
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	xhpack "golang.org/x/net/http2/hpack"
)

// storyNames are the stories that are measured: a short one, requests of one user, responses, and a long one.
var storyNames = []string{"story_02", "story_20", "story_21", "story_30"}

// loadStory reads a story of hpack-test-case, as nghttp2 has encoded it, or skips.
func loadStory(t testing.TB, name string) *hpackc.Story {
	t.Helper()
	dir := os.Getenv("HPACK_STORIES")
	if dir == "" {
		dir = "../../../shared/data/hpack"
	}
	text, err := os.ReadFile(filepath.Join(dir, "nghttp2", name+".json"))
	if err != nil {
		t.Skip("no HPACK stories: set HPACK_STORIES to a directory with the folders of hpack-test-case")
	}
	var js struct {
		Cases []struct {
			Wire    string              `json:"wire"`
			Headers []map[string]string `json:"headers"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(text, &js); err != nil {
		t.Fatal(err)
	}
	s := &hpackc.Story{Name: name}
	for _, c := range js.Cases {
		wire, err := hex.DecodeString(c.Wire)
		if err != nil {
			t.Fatal(err)
		}
		var fields []codec.Field
		for _, h := range c.Headers {
			for k, v := range h {
				fields = append(fields, codec.Field{Name: []byte(k), Value: []byte(v)})
			}
		}
		s.Blocks = append(s.Blocks, wire)
		s.Fields = append(s.Fields, fields)
	}
	return s
}

func fieldsOf(s *hpackc.Story) (n int) {
	for _, f := range s.Fields {
		n += len(f)
	}
	return n
}

var purewire = hpackc.Peer{
	Name: "purewire",
	Decode: func(s *hpackc.Story) func(int) int {
		var d hpack.Decoder
		var b hpack.Block
		return func(times int) (n int) {
			for range times {
				d.Init(nil)
				for _, wire := range s.Blocks {
					if d.Decode(wire, true, &b) != nil {
						return -1
					}
					n += len(b.Fields)
				}
			}
			return n
		}
	},
	Encode: func(s *hpackc.Story) func(int) int {
		var e hpack.Encoder
		var dst []byte
		return func(times int) (n int) {
			for range times {
				e.Init(nil)
				for _, fields := range s.Fields {
					dst = e.AppendBlock(dst[:0], fields)
					n += len(dst)
				}
			}
			return n
		}
	},
	Huffman: func(src []byte, decode bool) func(int) int {
		var dst []byte
		return func(times int) int {
			for range times {
				if decode {
					var err error
					if dst, err = hpack.AppendHuffmanDecode(dst[:0], src, -1); err != nil {
						return -1
					}
				} else {
					dst = hpack.AppendHuffman(dst[:0], src)
				}
			}
			return len(dst)
		}
	},
}

type discard struct{ n int }

func (w *discard) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }

type buffer []byte

func (w *buffer) Write(p []byte) (int, error) { *w = append(*w, p...); return len(p), nil }

// xnet is golang.org/x/net/http2/hpack. Strings are made before the clock starts for the encoder, which takes them.
var xnet = hpackc.Peer{
	Name: "x/net",
	Decode: func(s *hpackc.Story) func(int) int {
		return func(times int) (n int) {
			for range times {
				d := xhpack.NewDecoder(4096, func(xhpack.HeaderField) { n++ })
				for _, wire := range s.Blocks {
					if _, err := d.Write(wire); err != nil || d.Close() != nil {
						return -1
					}
				}
			}
			return n
		}
	},
	Encode: func(s *hpackc.Story) func(int) int {
		var fields []xhpack.HeaderField
		for _, block := range s.Fields {
			for _, f := range block {
				fields = append(fields, xhpack.HeaderField{Name: string(f.Name), Value: string(f.Value)})
			}
		}
		return func(times int) int {
			var w discard
			for range times {
				e := xhpack.NewEncoder(&w)
				for i := range fields {
					if e.WriteField(fields[i]) != nil {
						return -1
					}
				}
			}
			return w.n
		}
	},
	Huffman: func(src []byte, decode bool) func(int) int {
		text := string(src)
		var w buffer
		return func(times int) int {
			for range times {
				w = w[:0]
				if decode {
					if _, err := xhpack.HuffmanDecode(&w, src); err != nil {
						return -1
					}
				} else {
					w = xhpack.AppendHuffmanString(w, text)
				}
			}
			return len(w)
		}
	},
}

func peers() []hpackc.Peer { return append([]hpackc.Peer{purewire, xnet}, hpackc.Peers...) }

// huffmanText returns n octets of field values: of one story, over and over, up to 4 KiB, and distinct ones beyond.
func huffmanText(t testing.TB, n int) []byte {
	var text []byte
	seen := map[string]bool{}
	for _, name := range []string{"story_20", "story_21", "story_30", "story_23", "story_27", "story_29"} {
		for _, fields := range loadStory(t, name).Fields {
			for _, f := range fields {
				if v := string(f.Value); !seen[v] {
					seen[v] = true
					text = append(text, v...)
				}
			}
		}
	}
	for len(text) < n {
		text = append(text, text...)
	}
	return text[:n]
}
