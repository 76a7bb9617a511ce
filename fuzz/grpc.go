package fuzz

import (
	"bytes"
	"errors"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/codec/grpc/compress"
)

var grpcTargets = []*Target{
	{Name: "GRPC", Codec: "grpc", Corpus: "grpc", Dict: "grpc", factory: grpcAdapter,
		About: "the laws on a decoder of messages, in every mode of the corpus"},
	{Name: "GRPCPair", Codec: "grpc", Dict: "grpc", run: grpcPair, seeds: randomPrograms(9, 8, 200),
		About: "messages, plain and compressed, and the trailers of gRPC-Web over a link"},
	{Name: "GRPCText", Codec: "grpc", Dict: "grpc", run: grpcText, seeds: grpcTexts,
		About: "status, metadata, timeouts: what is sent is read back, and any bytes are read without harm"},
	{Name: "GRPCInflate", Codec: "grpc", Dict: "grpc", run: grpcInflate, seeds: grpcInflated(),
		About: "compressed messages of any bytes: bounded, and the same however the limit is"},
}

// grpcInstance adapts a Decoder.
type grpcInstance struct {
	d     grpc.Decoder
	ev    grpc.Event
	max   int64
	mode  grpc.Mode
	steps uint64
}

func (in *grpcInstance) Reset() {
	in.d.Init(in.max, in.mode)
	in.steps = 0
}

func (in *grpcInstance) Next(src []byte) (int, bool, error) {
	in.steps++
	n, err := in.d.Next(src, &in.ev)
	return n, err == nil && in.ev.Kind != grpc.None, err
}

func (in *grpcInstance) Finish() (bool, error) { return false, in.d.Finish(&in.ev) }
func (in *grpcInstance) Event() any            { return &in.ev }
func (in *grpcInstance) Steps() uint64         { return in.steps }

func (in *grpcInstance) Render(log *codectest.Log) {
	ev := &in.ev
	label := "message"
	if ev.Kind == grpc.Trailers {
		label = "trailers"
	}
	if ev.First {
		c := ""
		if ev.Compressed {
			c = " compressed"
		}
		log.Event("%s of %d%s", label, ev.Length, c)
	}
	if len(ev.Data) > 0 {
		log.Data("  data", ev.Data)
	}
	if ev.Last {
		log.Event("  end")
	}
}

func (in *grpcInstance) Fault(err error) codectest.Fault {
	var e *grpc.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func grpcAdapter(m *codectest.Mode) (codectest.Adapter, error) {
	m.Has("plain")
	limit := int64(m.Int("max"))
	var mode grpc.Mode
	if m.Has("compressed") {
		mode |= grpc.AcceptCompressed
	}
	if m.Has("web") {
		mode |= grpc.Web
	}
	return codectest.Adapter{
		New: func() codectest.Instance {
			in := &grpcInstance{max: limit, mode: mode}
			in.Reset()
			return in
		},
		Work: 2, WorkBase: 64, // a call for each byte, and one that finds nothing behind it
	}, nil
}

// grpcPair sends messages over a link: each arrives whole and in order, or the link broke and Finish says so.
func grpcPair(p *Program) {
	var d grpc.Decoder
	d.Init(-1, grpc.AcceptCompressed|grpc.Web)
	gz := new(compress.Gzip)
	var l link
	var sent [][]byte
	var part []byte
	var ev grpc.Event
	seen, trailers := 0, false
	var want []codec.Field
	read := func() {
		for {
			n, err := d.Next(l.in, &ev)
			p.must(err, "message %d", seen)
			if ev.Kind != grpc.None {
				part = append(part, ev.Data...)
			}
			l.consume(n)
			switch {
			case ev.Kind == grpc.None:
				return
			case !ev.Last:
			case ev.Kind == grpc.Trailers:
				got, _, err := grpc.ParseWebTrailers(nil, nil, part)
				p.must(err, "trailers %q", part)
				sameFields(p, "trailers", want, got)
				trailers, part = true, nil
			case seen >= len(sent):
				p.Fail("message %d, which nobody has sent", seen)
			default:
				if ev.Compressed {
					part, err = grpc.Decompress(gz, nil, part, -1)
					p.must(err, "compressed message %d", seen)
				}
				if !bytes.Equal(part, sent[seen]) {
					p.Fail("message %d is %.60q, sent was %.60q", seen, part, sent[seen])
				}
				seen, part = seen+1, nil
			}
		}
	}
	for p.More() {
		switch op := p.N(8); op {
		case 0, 1, 2:
			msg := content(uint32(len(sent)), 0, p.Size())
			if p.Bool() {
				msg = text(p, len(msg))
			}
			var err error
			switch op {
			case 0:
				l.out, err = grpc.AppendMessage(l.out, msg)
			case 1:
				if l.out, err = grpc.AppendPrefix(l.out, false, len(msg)); err == nil {
					l.out = append(l.out, msg...)
				}
			case 2:
				l.out, err = grpc.AppendCompressedMessage(l.out, msg, gz)
			}
			p.must(err, "message %d", len(sent))
			sent = append(sent, msg)
		case 3, 4, 5, 6:
			l.carry(p.Size())
			read()
		case 7:
			if p.N(32) == 31 {
				l.broken = true
			}
		}
	}
	fields, arena := grpc.AppendStatus(nil, nil, grpc.Code(p.N(17)), "a b%\n", nil)
	_ = arena
	want = fields
	var err error
	l.out, err = grpc.AppendWebTrailers(l.out, fields)
	p.must(err, "trailers")
	l.carry(-1)
	read()
	whole := d.Ended()
	if err := d.Finish(&ev); err == nil && !whole && l.broken && len(part) > 0 {
		p.Fail("the link broke inside a message, and Finish takes it for the end")
	}
	if !l.broken && (seen != len(sent) || !trailers) {
		p.Fail("%d of %d messages, trailers %t", seen, len(sent), trailers)
	}
}

var grpcTexts = [][]byte{
	[]byte("\x09hello %2F\x04a b \x03a-b\x04grpc\x08\x7f\x00\x00\x00\x00\x00\x00\x00\x0310S"), []byte("\x05\x00\xff%\n\x7f\x08x-id-bin\x03\x00\x01\x02\x0899999999H"),
}

// grpcText sends texts, binary values and timeouts of any kind, and reads any bytes as such.
func grpcText(p *Program) {
	s := p.Bytes(120)
	wire := grpc.AppendText([]byte("dst"), string(s))
	for _, c := range wire {
		if c < ' ' || c > '~' {
			p.Fail("%q is sent as %q", s, wire) // PROTOCOL-HTTP2.md, Status-Message
		}
	}
	if back := grpc.AppendDecodedText(nil, wire[3:]); !bytes.Equal(back, s) {
		p.Fail("%q is sent as %q and read as %q", s, wire, back)
	}
	grpc.AppendDecodedText(nil, s)

	bin := p.Bytes(120)
	wire = grpc.AppendBinary(nil, bin)
	back, err := grpc.AppendDecodedBinary(nil, wire)
	if err != nil || !bytes.Equal(back, bin) {
		p.Fail("%x is sent as %q and read as %x, %v", bin, wire, back, err)
	}
	if out, err := grpc.AppendDecodedBinary([]byte("dst"), bin); err != nil && string(out) != "dst" {
		p.Fail("%q is refused, and %q was appended", bin, out)
	}

	md := []codec.Field{{Name: p.Bytes(20), Value: p.Bytes(40)}}
	fields, _, err := grpc.AppendMetadata(nil, nil, md)
	if err == nil {
		f := fields[0]
		if !bytes.Equal(f.Name, md[0].Name) || !grpc.ValidText(f.Value) && len(f.Value) > 0 {
			p.Fail("%q: %q is sent as %q: %q", md[0].Name, md[0].Value, f.Name, f.Value)
		}
		got := f.Value
		if grpc.IsBinary(f.Name) {
			got = nil
			p.must(grpc.BinaryValues(f.Value, nil, func(v []byte) { got = bytes.Clone(v) }), "binary metadata")
		}
		if !bytes.Equal(got, md[0].Value) {
			p.Fail("%q: %q is read as %q", f.Name, md[0].Value, got)
		}
	} else if len(fields) > 0 {
		p.Fail("refused (%v), and %d fields were appended", err, len(fields))
	}

	var d time.Duration
	for range 8 {
		d = d<<8 | time.Duration(p.Byte())
	}
	read, err := grpc.ParseTimeout(grpc.AppendTimeout(nil, d))
	if d = max(d, 0); err != nil || read < d {
		p.Fail("a timeout of %v is read as %v, %v: the peer gives up first", d, read, err)
	}
	if read-d > d/1e5+time.Nanosecond && read != grpc.MaxTimeout {
		p.Fail("a timeout of %v is read as %v", d, read)
	}
	raw := p.Bytes(12)
	if t, err := grpc.ParseTimeout(raw); err == nil && t < 0 {
		p.Fail("%q is a timeout of %v", raw, t)
	}

	var st grpc.Status
	head := []codec.Field{{Name: []byte("grpc-status"), Value: p.Bytes(4)}, {Name: []byte("grpc-message"), Value: p.Bytes(30)}}
	if found, err := grpc.ParseTrailers(head, &st); err == nil && found && !bytes.Equal(grpc.AppendCode(nil, st.Code), head[0].Value) {
		p.Fail("grpc-status %q is code %d", head[0].Value, uint32(st.Code))
	}
	block := p.Bytes(100)
	if list, _, err := grpc.ParseWebTrailers(nil, nil, block); err == nil {
		for _, f := range list {
			if len(f.Name) == 0 || bytes.ContainsAny(f.Value, "\r\n\x00") {
				p.Fail("trailers %q give %q: %q", block, f.Name, f.Value)
			}
		}
	}
}

// grpcInflated are compressed messages.
func grpcInflated() (all [][]byte) {
	for i, c := range []grpc.Compression{new(compress.Gzip), new(compress.Deflate)} {
		for _, msg := range [][]byte{nil, []byte("hello hello hello"), make([]byte, 5000)} {
			b, err := c.AppendCompressed([]byte{byte(i), 100}, msg)
			if err == nil {
				all = append(all, b)
			}
		}
	}
	return all
}

// grpcInflate decompresses any bytes. The outcome is bounded by the limit; a higher limit gives the same message or one that the lower
// one refused; and what comes out, compressed again, comes out again.
func grpcInflate(p *Program) {
	codecs := []grpc.Compression{new(compress.Gzip), new(compress.Deflate)}
	c := codecs[p.N(2)]
	limit := p.N(256) * 20
	src := p.data
	low, err := grpc.Decompress(c, []byte("dst"), src, max(limit, 1))
	if !bytes.HasPrefix(low, []byte("dst")) || len(low)-3 > max(limit, 1) || err != nil && len(low) != 3 {
		p.Fail("%d bytes out of a limit of %d: %v", len(low)-3, limit, err)
	}
	high, err2 := grpc.Decompress(c, nil, src, 1<<20)
	if err == nil && (err2 != nil || !bytes.Equal(low[3:], high)) {
		p.Fail("another message under a higher limit: %v", err2)
	}
	if err2 != nil {
		return
	}
	again, err := c.AppendCompressed(nil, high)
	p.must(err, "compressing")
	back, err := grpc.Decompress(c, nil, again, 1<<20)
	if err != nil || !bytes.Equal(back, high) {
		p.Fail("%d bytes do not come through again: %v", len(high), err)
	}
}
