package qpack_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/qpack"
)

func said(err error) string {
	var e *qpack.Error
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &e):
		return "error " + err.Error()
	case e.Unwrap() == nil:
		return "misuse " + e.Error()
	}
	return fmt.Sprintf("%v, %v at %d of stream %d", e.Unwrap(), e, e.Off, e.Stream)
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

type sentSection struct {
	stream uint64
	wire   []byte
	fields []codec.Field
}

// peers are an Encoder and the Decoder of the other end, with what is on its way between them.
type peers struct {
	e        qpack.Encoder
	d        [2]qpack.Decoder
	blocks   [2]qpack.Block
	ins      []byte // on the encoder stream, not delivered
	sections []sentSection
}

func (p *peers) section(stream uint64, fields []codec.Field) string {
	wire, ins := p.e.AppendSection([]byte("kept"), []byte("kept"), stream, fields)
	if string(wire[:4]) != "kept" || string(ins[:4]) != "kept" {
		return "what was in front is lost"
	}
	p.sections = append(p.sections, sentSection{stream, wire[4:], fields})
	p.ins = append(p.ins, ins[4:]...)
	return fmt.Sprintf("section %x instructions %x", wire[4:], ins[4:])
}

func (p *peers) deliver() string {
	d := &p.d[0]
	err := d.ReadEncoderStream(p.ins)
	p.ins = nil
	if err != nil {
		return said(err)
	}
	s := fmt.Sprintf("there %d inserted, %d of %d in %d", d.InsertCount(), d.TableLen(), d.TableSize(), d.Capacity())
	if free := d.AppendUnblocked(nil); len(free) > 0 {
		s += fmt.Sprintf(", unblocked %d", free)
	}
	return s
}

// read decodes the oldest section of a stream that is on its way.
func (p *peers) read(stream uint64) string {
	for i, c := range p.sections {
		if c.stream != stream {
			continue
		}
		b := &p.blocks[0]
		n, err := p.d[0].Decode(stream, c.wire, true, b)
		if err != nil {
			return said(err)
		}
		if b.Blocked {
			return fmt.Sprintf("blocked, %d taken", n)
		}
		p.sections = append(p.sections[:i], p.sections[i+1:]...)
		if n != len(c.wire) || len(b.Fields) != len(c.fields) {
			return fmt.Sprintf("%d of %d octets, %d of %d fields", n, len(c.wire), len(b.Fields), len(c.fields))
		}
		for i, f := range c.fields {
			if g := b.Fields[i]; string(f.Name) != string(g.Name) || string(f.Value) != string(g.Value) || f.Sensitive != g.Sensitive {
				return fmt.Sprintf("%q: %q became %q: %q", f.Name, f.Value, g.Name, g.Value)
			}
		}
		return "the same"
	}
	return "no section"
}

func (p *peers) answer(max int) string {
	out := p.d[0].AppendDecoderStream(nil, max)
	if err := p.e.ReadDecoderStream(out); err != nil {
		return said(err)
	}
	return fmt.Sprintf("answer %x, %d owed", out, p.d[0].Owed())
}

func (p *peers) state() string {
	e := &p.e
	return fmt.Sprintf("here %d inserted, %d known, %d of %d in %d, %d outstanding", e.InsertCount(), e.KnownReceived(), e.TableLen(), e.TableSize(), e.Capacity(), e.Outstanding())
}

func vectorOps() map[string]codectest.VectorOp {
	var p peers
	return map[string]codectest.VectorOp{
		"encoder": func(a *codectest.Args) string {
			o := qpack.EncoderOptions{TableCapacity: int(a.NamedInt("capacity")), BlockedStreams: int(a.NamedInt("blocked")), Sections: int(a.NamedInt("sections")), NoHuffman: a.Flag("no-huffman")}
			switch {
			case a.Flag("all"):
				o.Indexing = qpack.IndexAll
			case a.Flag("none"):
				o.Indexing = qpack.IndexNone
			}
			p.e.Init(&o)
			return ""
		},
		"peer": func(a *codectest.Args) string { return said(p.e.SetPeer(a.Uint(), a.Uint())) },
		"decoder": func(a *codectest.Args) string {
			p.d[a.NamedInt("d")].Init(&qpack.Limits{TableCapacity: int(a.NamedInt("capacity")), BlockedStreams: int(a.NamedInt("blocked")), ListSize: int(a.NamedInt("list")),
				Fields: int(a.NamedInt("fields")), String: int(a.NamedInt("string"))})
			return ""
		},
		"section": func(a *codectest.Args) string { return p.section(a.Uint(), argFields(a)) },
		"deliver": func(*codectest.Args) string { return p.deliver() },
		"read":    func(a *codectest.Args) string { return p.read(a.Uint()) },
		"answer": func(a *codectest.Args) string {
			if a.Has("max") {
				return p.answer(int(a.NamedInt("max")))
			}
			return p.answer(-1)
		},
		// send is section, deliver and read.
		"send": func(a *codectest.Args) string {
			stream := a.Uint()
			return p.section(stream, argFields(a)) + "\n" + p.deliver() + ", " + p.read(stream)
		},
		// churn sends sections of three fields with a value of so many octets, on a stream each, and answers every so many.
		"churn": func(a *codectest.Args) string {
			n, length, every := int(a.Int()), int(a.Int()), int(a.Int())
			sum := 0
			for i := range n {
				stream := uint64(4 * i)
				value := fmt.Sprintf("%d %s", i, strings.Repeat(string(rune('a'+i%26)), length))
				f := []codec.Field{{Name: fmt.Appendf(nil, "x-%d", i%50), Value: []byte(value)}, {Name: []byte("x-again"), Value: []byte("stays")}}
				sum += len(p.section(stream, append(f, f[0])))
				delivered := p.deliver()
				if got := p.read(stream); got != "the same" {
					return fmt.Sprintf("section %d: %s, %s", i, delivered, got)
				}
				if i%every == every-1 {
					if s := p.answer(-1); !strings.HasPrefix(s, "answer") {
						return s
					}
				}
			}
			return fmt.Sprintf("%d octets as text\n%s", sum, p.state())
		},
		"from-decoder": func(a *codectest.Args) string {
			src := a.Hex()
			step := max(len(src), 1)
			if a.Has("step") {
				step = int(a.NamedInt("step"))
			}
			var err error
			for len(src) > 0 && err == nil {
				n := min(step, len(src))
				err = p.e.ReadDecoderStream(src[:n])
				src = src[n:]
			}
			return said(err) + "\n" + p.state()
		},
		"from-encoder": func(a *codectest.Args) string {
			d := &p.d[a.NamedInt("d")]
			if err := d.ReadEncoderStream(a.Hex()); err != nil {
				return said(err)
			}
			return fmt.Sprintf("there %d inserted, %d of %d in %d, owes %v", d.InsertCount(), d.TableLen(), d.TableSize(), d.Capacity(), d.OwesIncrement())
		},
		"decode": func(a *codectest.Args) string {
			d, b, more := &p.d[a.NamedInt("d")], &p.blocks[a.NamedInt("block")], a.Flag("more")
			n, err := d.Decode(a.Uint(), a.Hex(), !more, b)
			if err != nil {
				return fmt.Sprintf("%s, %d taken", said(err), n)
			}
			s := fmt.Sprintf("%d taken, blocked %v, %d fields, size %d, too large %v", n, b.Blocked, len(b.Fields), b.Size, b.TooLarge)
			for _, f := range b.Fields {
				s += fmt.Sprintf("\n%s: %s never %v", codectest.Escape(f.Name), codectest.Quote(f.Value), f.Sensitive)
			}
			return s
		},
		"cancel": func(a *codectest.Args) string {
			p.d[0].Cancel(a.Uint())
			return ""
		},
		"capacity": func(a *codectest.Args) string {
			p.e.SetCapacity(int(a.Int()))
			return ""
		},
		"inserting": func(a *codectest.Args) string {
			p.e.SetInserting(a.Flag("on"))
			return ""
		},
		"state": func(*codectest.Args) string { return p.state() },
		"err": func(*codectest.Args) string {
			return fmt.Sprintf("encoder %v, decoder %v", p.e.Err(), p.d[0].Err())
		},
		"trim": func(a *codectest.Args) string {
			b := &p.blocks[a.NamedInt("block")]
			b.Trim(int(a.Int()))
			return fmt.Sprintf("%d fields, memory %v", len(b.Fields), cap(b.Fields) > 0)
		},
		"size":  func(a *codectest.Args) string { return fmt.Sprint(qpack.FieldSize(&argFields(a)[0])) },
		"code":  func(a *codectest.Args) string { return qpack.Code(a.Uint()).Error() },
		"count": func(a *codectest.Args) string { return fmt.Sprint(qpack.EncodeCount(a.Uint(), a.Uint())) },
		"settings": func(a *codectest.Args) string {
			var l *qpack.Limits
			if a.More() {
				l = &qpack.Limits{TableCapacity: int(a.Int()), BlockedStreams: int(a.Int())}
			}
			return fmt.Sprint(l.Settings())
		},
	}
}

// onDecoderStream tells whether a reason is that of an Encoder, which has no golden cases.
func onDecoderStream(reason string) bool {
	return strings.Contains(reason, "Acknowledgment") || strings.Contains(reason, "Cancellation") || strings.Contains(reason, "Increment")
}

// The vectors have what a Decoder alone does not show: what the Encoder writes, with a Decoder that must make the same of it, the decoder stream and what
// it does to the Encoder, calls in odd orders. Every reason of the decoder stream is reached.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, corpusDir+"/vectors", vectorOps)
	for _, r := range qpack.Reasons() {
		if onDecoderStream(r) && !sum.Has(r) {
			t.Errorf("no vector has %q", r)
		}
	}
}
