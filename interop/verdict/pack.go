package verdict

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"

	quicqpack "github.com/quic-go/qpack"
	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/net/http2/hpack"

	core "github.com/purewire/purewire/corpus/verdict"
)

func inflater(r io.Reader) io.ReadCloser { return flate.NewReader(r) }

// xnetHPACK is hpack.Decoder with a table of 4096 octets.
func xnetHPACK(in *core.Input) (v core.Verdict) {
	v.Left = -1
	m := core.Message{Head: "field list"}
	d := hpack.NewDecoder(4096, func(f hpack.HeaderField) { m.Fields = append(m.Fields, core.Field{Name: f.Name, Value: f.Value}) })
	if _, err := d.Write(in.Bytes); err != nil {
		v.Outcome, v.Reason = core.Reject, err.Error()
		return v
	}
	if err := d.Close(); err != nil {
		v.Outcome = core.More // a representation is cut
		return v
	}
	v.Outcome, v.Messages = core.Accept, []core.Message{m}
	return v
}

// quicQPACK is the decoder of quic-go/qpack, which knows the static table only.
func quicQPACK(in *core.Input) (v core.Verdict) {
	v.Left = -1
	m := core.Message{Head: "field list"}
	next := quicqpack.NewDecoder().Decode(in.Bytes)
	for {
		f, err := next()
		if errors.Is(err, io.EOF) {
			v.Outcome, v.Messages = core.Accept, []core.Message{m}
			return v
		}
		if err != nil {
			if cut(err) || strings.Contains(err.Error(), "unexpected end") {
				v.Outcome = core.More
				return v
			}
			v.Outcome, v.Reason = core.Reject, err.Error()
			return v
		}
		m.Fields = append(m.Fields, core.Field{Name: f.Name, Value: f.Value})
	}
}

// quicVarints is quicvarint.Parse, again and again.
func quicVarints(in *core.Input) core.Verdict {
	v := core.Verdict{Outcome: core.Accept}
	src := in.Bytes
	for len(src) > 0 {
		x, n, err := quicvarint.Parse(src)
		if err != nil {
			v = failed(v, err)
			break
		}
		v.Messages = append(v.Messages, core.Message{Head: fmt.Sprintf("varint %d", x)})
		src = src[n:]
	}
	v.Left = int64(len(src))
	return v
}

// quicVarintReader is quicvarint.Read from a reader.
func quicVarintReader(in *core.Input) core.Verdict {
	v := core.Verdict{Outcome: core.Accept}
	r := bytes.NewReader(in.Bytes)
	for v.Left = int64(r.Len()); r.Len() > 0; v.Left = int64(r.Len()) {
		x, err := quicvarint.Read(r)
		if err != nil {
			return failed(v, err)
		}
		v.Messages = append(v.Messages, core.Message{Head: fmt.Sprintf("varint %d", x)})
	}
	return v
}
