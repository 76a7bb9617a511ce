package fuzz

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/hpack"
)

var hpackTargets = []*Target{
	{Name: "HPACK", Codec: "hpack", Corpus: "hpack", Dict: "hpack", factory: hpackAdapter,
		About: "the laws on a decoder of header blocks, in every mode of the corpus"},
	{Name: "HPACKPair", Codec: "hpack", Dict: "hpack", run: hpackPair, seeds: randomPrograms(2, 8, 300),
		About: "an encoder and a decoder: lists, secrets and sizes that change, cut anywhere"},
}

// hpackEvent is what the instance reports: a block, or a size that was acknowledged.
type hpackEvent struct {
	Fields   []codec.Field
	Size     int
	TooLarge bool
	Settings bool // Size is the setting
}

// hpackInstance adapts a Decoder: see corpus/hpack/README.md for the framing. Each octet of a block goes to the Decoder as soon as it is
// there, once.
type hpackInstance struct {
	d      hpack.Decoder
	b      hpack.Block
	ev     hpackEvent
	limits hpack.Limits
	fed    int         // octets of the block at the start of src that the Decoder has had
	at     int64       // offset of that start
	bad    hpack.Error // the framing is not that of the corpus, if it has a reason
}

func (in *hpackInstance) Reset() {
	in.d.Init(&in.limits)
	in.b.Reset()
	in.fed, in.at, in.bad = 0, 0, hpack.Error{}
}

const hpackHeader = 3

func (in *hpackInstance) Next(src []byte) (int, bool, error) {
	if err := in.d.Err(); err != nil {
		return 0, false, err
	}
	if in.bad.Reason != "" {
		return 0, false, &in.bad
	}
	if len(src) < hpackHeader {
		return 0, false, nil
	}
	n := int(binary.BigEndian.Uint16(src[1:]))
	switch src[0] {
	case 'S':
		in.d.SetTableSize(n)
		in.ev = hpackEvent{Fields: in.ev.Fields[:0], Size: n, Settings: true}
		in.at += hpackHeader
		return hpackHeader, true, nil
	case 'B':
		have := min(len(src)-hpackHeader, n)
		last := have == n
		if have == in.fed && !last {
			return 0, false, nil
		}
		err := in.d.Decode(src[hpackHeader+in.fed:hpackHeader+have], last, &in.b)
		if in.fed = have; err != nil || !last {
			return 0, false, err
		}
		in.fed = 0
		in.at += int64(hpackHeader + n)
		in.ev = hpackEvent{Fields: append(in.ev.Fields[:0], in.b.Fields...), Size: in.b.Size, TooLarge: in.b.TooLarge}
		return hpackHeader + n, true, nil
	}
	in.bad = hpack.Error{Scope: codec.ScopeConn, Off: -hpackHeader, Reason: "corpus: neither B nor S"}
	return 0, false, &in.bad
}

func (in *hpackInstance) Event() any    { return &in.ev }
func (in *hpackInstance) Steps() uint64 { return in.d.Steps() }

func (in *hpackInstance) Fault(err error) codectest.Fault {
	var e *hpack.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: in.at + hpackHeader + e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *hpackInstance) Render(log *codectest.Log) {
	ev := &in.ev
	switch {
	case ev.Settings:
		log.Event("settings %d", ev.Size)
	case ev.TooLarge:
		log.Event("block %d, too large", ev.Size)
	default:
		log.Event("block %d", ev.Size)
	}
	renderFields(log, ev.Fields)
}

// renderFields writes fields as the logs of HPACK and QPACK have them.
func renderFields(log *codectest.Log, fields []codec.Field) {
	for _, f := range fields {
		never := ""
		if f.Sensitive {
			never = " never"
		}
		log.Event("  %s: %s%s", codectest.Escape(f.Name), codectest.Quote(f.Value), never)
	}
}

func hpackAdapter(m *codectest.Mode) (codectest.Adapter, error) {
	limits := hpack.Limits{TableSize: m.Int("table"), ListSize: m.Int("list"), Fields: m.Int("fields"), String: m.Int("string")}
	m.Get("verdict")
	a := codectest.Adapter{
		New: func() codectest.Instance {
			in := &hpackInstance{limits: limits}
			in.Reset()
			return in
		},
		MaxTail: hpackHeader + 0xFFFF, Scratch: true, Work: 4, WorkBase: 16,
	}
	if limits != (hpack.Limits{TableSize: limits.TableSize}) {
		return a, nil // a list that was cut short has no encoding
	}
	a.Encode = func() func([]byte, codectest.Instance) ([]byte, error) {
		var e hpack.Encoder
		if limits.TableSize != 0 {
			e.SetMaxTableSize(limits.TableSize)
		}
		return func(dst []byte, i codectest.Instance) ([]byte, error) {
			ev := &i.(*hpackInstance).ev
			if ev.Settings {
				e.SetMaxTableSize(ev.Size)
				return append(dst, 'S', byte(ev.Size>>8), byte(ev.Size)), nil
			}
			if ev.TooLarge {
				return dst, codectest.ErrNoEncoding
			}
			at := len(dst)
			out := e.AppendBlock(append(dst, 'B', 0, 0), ev.Fields)
			n := len(out) - at - hpackHeader
			if n > 0xFFFF {
				return dst, errors.New("block too long")
			}
			binary.BigEndian.PutUint16(out[at+1:], uint16(n))
			return out, nil
		}
	}
	return a, nil
}

// headerField makes a field out of one or two bytes of a program: names and values repeat, as they do in life.
func headerField(p *Program) codec.Field {
	c := int(p.Byte())
	name := []string{":method", "user-agent", "x-a", "cookie", "x-longer-name", "accept", ":path", ""}[c%8]
	f := codec.Field{Name: []byte(name), Value: []byte{'v', byte('0' + c/8%8)}, Sensitive: c == 77}
	switch c / 64 {
	case 1:
		f.Value = []byte("GET")
	case 2:
		f.Value = bytes.Repeat([]byte{byte('a' + c%5)}, 10+c%60)
	case 3:
		f.Value = p.Bytes(40)
	}
	return f
}

func headerFields(p *Program, limit int) (list []codec.Field) {
	for range p.N(limit + 1) {
		list = append(list, headerField(p))
	}
	return list
}

// hpackPair lets an encoder talk to a decoder. Header blocks arrive in order (they are on one TCP connection), in pieces; a change
// of the table's size is known to the decoder's side first, and reaches the encoder while blocks are under way (RFC 7541 section 4.2-4).
func hpackPair(p *Program) {
	var e hpack.Encoder
	var d hpack.Decoder
	e.Init(&hpack.EncoderOptions{TableSize: Pick(p, 0, -1, 64, 200, 65536), Indexing: Pick(p, hpack.IndexUseful, hpack.IndexAll, hpack.IndexNone), NoHuffman: p.Bool()})
	limits := hpack.Limits{ListSize: -1, Fields: -1, String: -1}
	d.Init(&limits)
	var b hpack.Block
	var wire []byte
	for p.More() {
		if p.N(8) == 0 {
			n := Pick(p, 0, 32, 60, 100, 1000, 4096, 20000)
			e.SetMaxTableSize(n)
			d.SetTableSize(n)
			if n = p.N(256); n > 128 { // twice before the next block
				e.SetMaxTableSize(n)
				d.SetTableSize(n)
			}
			continue
		}
		fields := headerFields(p, 8)
		wire = e.AppendBlock(append(wire[:0], "dst"...), fields)
		if string(wire[:3]) != "dst" {
			p.Fail("what stood in dst has changed")
		}
		cut := 1 + p.N(64)
		for rest, last := wire[3:], false; !last; {
			n := min(cut, len(rest))
			last = n == len(rest)
			piece := bytes.Clone(rest[:n])
			rest = rest[n:]
			p.must(d.Decode(piece, last, &b), "%x", wire[3:])
			clear(piece)
		}
		sameFields(p, "block", fields, b.Fields)
		for i := range fields {
			if fields[i].Sensitive != b.Fields[i].Sensitive {
				p.Fail("field %d: sensitive is %t", i, b.Fields[i].Sensitive)
			}
		}
		if e.TableSize() != d.TableSize() || e.TableLen() != d.TableLen() {
			p.Fail("tables of %d and %d octets, %d and %d entries", e.TableSize(), d.TableSize(), e.TableLen(), d.TableLen())
		}
	}
}
