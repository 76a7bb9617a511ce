package hpack_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/hpack"
)

func said(err error) string {
	var e *hpack.Error
	switch {
	case !errors.As(err, &e):
		return "error " + err.Error()
	case e.Unwrap() == nil:
		return "misuse " + e.Error()
	}
	return fmt.Sprintf("%v, %v at %d", e.Unwrap(), e, e.Off)
}

func argIndexing(a *codectest.Args) hpack.Indexing {
	switch {
	case a.Flag("all"):
		return hpack.IndexAll
	case a.Flag("none"):
		return hpack.IndexNone
	}
	return hpack.IndexUseful
}

// argFields takes the arguments that are left as names and values in turn. The word never marks the last field.
func argFields(a *codectest.Args) (fs []codec.Field) {
	never := a.Flag("never")
	for a.More() {
		fs = append(fs, codec.Field{Name: a.Bytes(), Value: a.Bytes()})
	}
	if never {
		fs[len(fs)-1].Sensitive = true
	}
	return fs
}

// peers are an Encoder and the Decoder of the other end, and blocks by number.
type peers struct {
	e      hpack.Encoder
	d      [2]hpack.Decoder
	blocks [2]hpack.Block
}

// state compares both tables.
func (p *peers) state() string {
	d := &p.d[0]
	if p.e.TableLen() != d.TableLen() || p.e.TableSize() != d.TableSize() {
		return fmt.Sprintf("tables differ: %d of %d here, %d of %d there", p.e.TableLen(), p.e.TableSize(), d.TableLen(), d.TableSize())
	}
	return fmt.Sprintf("table %d of %d in %d", d.TableLen(), d.TableSize(), d.MaxTableSize())
}

// transfer decodes what the Encoder wrote for the fields.
func (p *peers) transfer(wire []byte, fields []codec.Field) string {
	b := &p.blocks[0]
	if err := p.d[0].Decode(wire, true, b); err != nil {
		return said(err)
	}
	if len(b.Fields) != len(fields) {
		return fmt.Sprintf("%d fields became %d", len(fields), len(b.Fields))
	}
	for i, f := range fields {
		if g := b.Fields[i]; string(f.Name) != string(g.Name) || string(f.Value) != string(g.Value) || f.Sensitive != g.Sensitive {
			return fmt.Sprintf("%q: %q became %q: %q", f.Name, f.Value, g.Name, g.Value)
		}
	}
	return ""
}

func vectorOps() map[string]codectest.VectorOp {
	var p peers
	return map[string]codectest.VectorOp{
		"encoder": func(a *codectest.Args) string {
			always := a.Flag("always-huffman")
			p.e.Init(&hpack.EncoderOptions{TableSize: int(a.NamedInt("table")), NoHuffman: a.Flag("no-huffman"), Indexing: argIndexing(a)})
			if always {
				p.e.AlwaysHuffman()
			}
			return ""
		},
		"decoder": func(a *codectest.Args) string {
			p.d[a.NamedInt("d")].Init(&hpack.Limits{TableSize: int(a.NamedInt("table")), ListSize: int(a.NamedInt("list")), Fields: int(a.NamedInt("fields")), String: int(a.NamedInt("string"))})
			return ""
		},
		"set-size": func(a *codectest.Args) string {
			n := int(a.Int())
			p.e.SetMaxTableSize(n)
			p.d[0].SetTableSize(n)
			return fmt.Sprintf("encoder %d", p.e.MaxTableSize())
		},
		"start": func(*codectest.Args) string { return "updates " + hex.EncodeToString(p.e.AppendStart(nil)) },
		"field": func(a *codectest.Args) string { return hex.EncodeToString(p.e.AppendField(nil, argFields(a)[0])) },
		"block": func(a *codectest.Args) string {
			fields := argFields(a)
			wire := p.e.AppendBlock(nil, fields)
			if bad := p.transfer(wire, fields); bad != "" {
				return bad
			}
			return hex.EncodeToString(wire) + "\n" + p.state()
		},
		// churn sends blocks of one field with a value of so many octets each, the last twice, with names that come again after 50.
		"churn": func(a *codectest.Args) string {
			sum := 0
			n, length := int(a.Int()), int(a.Int())
			for i := range n {
				value := fmt.Sprintf("%d %s", i, strings.Repeat(string(rune('a'+i%26)), length))
				f := []codec.Field{{Name: fmt.Appendf(nil, "x-%d", i%50), Value: []byte(value)}, {Name: []byte("x-again"), Value: []byte("stays")}}
				wire := p.e.AppendBlock(nil, append(f, f[0]))
				if bad := p.transfer(wire, append(f, f[0])); bad != "" {
					return fmt.Sprintf("block %d: %s", i, bad)
				}
				sum += len(wire)
			}
			return fmt.Sprintf("%d octets\n%s", sum, p.state())
		},
		"state": func(*codectest.Args) string { return p.state() },
		"decode": func(a *codectest.Args) string {
			d, b, more := &p.d[a.NamedInt("d")], &p.blocks[a.NamedInt("block")], a.Flag("more")
			if err := d.Decode(a.Hex(), !more, b); err != nil {
				return said(err)
			}
			if d.Err() != nil {
				return "an error without an error"
			}
			s := fmt.Sprintf("%d fields, size %d, too large %v", len(b.Fields), b.Size, b.TooLarge)
			run := 0
			for i, f := range b.Fields {
				line := func(f codec.Field) string {
					return fmt.Sprintf("%s: %s never %v", codectest.Escape(f.Name), codectest.Quote(f.Value), f.Sensitive)
				}
				if run++; i+1 < len(b.Fields) && line(b.Fields[i+1]) == line(f) {
					continue
				}
				s += fmt.Sprintf("\n%d of %s", run, line(f))
				run = 0
			}
			return s
		},
		"err": func(a *codectest.Args) string { return fmt.Sprint(p.d[a.NamedInt("d")].Err()) },
		"trim": func(a *codectest.Args) string {
			b := &p.blocks[a.NamedInt("block")]
			b.Trim(int(a.Int()))
			return fmt.Sprintf("%d fields, memory %v", len(b.Fields), cap(b.Fields) > 0)
		},
		"huffman": func(a *codectest.Args) string {
			s := a.Bytes()
			out := hpack.AppendHuffman([]byte("kept"), s)
			if len(out)-4 != hpack.HuffmanLen(s) {
				return fmt.Sprintf("HuffmanLen is %d of %x", hpack.HuffmanLen(s), out)
			}
			return "huffman " + hex.EncodeToString(out[4:])
		},
		"huffman-decode": func(a *codectest.Args) string {
			max := -1
			if a.Has("max") {
				max = int(a.NamedInt("max"))
			}
			out, err := hpack.AppendHuffmanDecode([]byte("kept"), a.Hex(), max)
			if err != nil && len(out) == 4 {
				return said(err)
			}
			return codectest.Quote(out[4:])
		},
		"size": func(a *codectest.Args) string { return fmt.Sprint(hpack.FieldSize(&argFields(a)[0])) },
		"code": func(a *codectest.Args) string { return hpack.Code(a.Uint()).Error() },
	}
}

// The vectors have what is no header block from the other end: the Encoder, with a Decoder that must make the same of what it writes, the Huffman code, calls
// in odd orders.
func TestVectors(t *testing.T) { codectest.RunVectors(t, corpusDir+"/vectors", vectorOps) }
