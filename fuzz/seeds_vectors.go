package fuzz

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// vectorOp makes a part of a seed out of a vector: its arguments or its result, as octets of the wire. nil is nothing.
type vectorOp func(v *codectest.Vector, a *codectest.Args) []byte

// vectorSource says how the vectors of a folder seed a target.
type vectorSource struct {
	// target is its name, dir the folder below corpus/, mode the mode line of a target of laws.
	target, dir, mode string
	// head stands in front of each seed.
	head string
	// join makes one seed of a case, whose vectors follow one another; otherwise each is a seed.
	join bool
	// ops are the operations of which there is something to be had.
	ops map[string]vectorOp
}

// vectorSources are what fits: requests and responses that were encoded or parsed, blocks and frames of any kind.
var vectorSources = []vectorSource{
	{target: "HTTP1Request", dir: "http1/vectors", mode: "request", ops: map[string]vectorOp{"parse-request": argBytes, "decode": argBytes, "request": quotedResult}},
	{target: "HTTP1Request", dir: "ws/vectors", mode: "request", ops: map[string]vectorOp{"open": quotedResult}},
	{target: "HTTP1Response", dir: "http1/vectors", mode: "response to=GET", ops: map[string]vectorOp{"parse-response": argBytes, "response": quotedResult,
		"informational": quotedResult, "static-append": quotedResult}},
	{target: "HPACK", dir: "hpack/vectors", join: true, ops: map[string]vectorOp{"decode": hpackBlock(argHex), "block": hpackBlock(hexResult), "set-size": hpackSetting,
		"huffman-decode": hpackBlock(huffmanLiteral)}},
	{target: "QPACK", dir: "qpack/vectors", join: true, ops: map[string]vectorOp{"section": qpackEncoded, "decode": qpackChunk('S', argHex), "from-encoder": qpackChunk('E', argHex)}},
	{target: "HTTP2Server", dir: "http2/vectors", mode: "server", head: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		ops: map[string]vectorOp{"peer-octets": argBytes}},
	{target: "WSServer", dir: "ws/vectors", mode: "server", join: true, ops: map[string]vectorOp{"feed": argBytes, "parse-header": argBytes, "message": quotedResult,
		"fragment": quotedResult, "ping": quotedResult, "owed": quotedResult, "append-header": quotedResult, "prepared-frame": quotedResult}},
	{target: "WSClient", dir: "ws/vectors", mode: "client", join: true, ops: map[string]vectorOp{"feed": argBytes, "parse-header": argBytes, "message": quotedResult,
		"fragment": quotedResult, "ping": quotedResult, "owed": quotedResult, "append-header": quotedResult, "prepared-frame": quotedResult}},
	{target: "QUICFrames", dir: "quic/vectors/frames", mode: "eof size=", ops: map[string]vectorOp{"append-frame": hexResult, "append-ack": hexResult, "next": argHex}},
	{target: "QUICPayload", dir: "quic/vectors/frames", head: "\x00\x00", ops: map[string]vectorOp{"append-frame": hexResult, "append-ack": hexResult, "next": argHex}},
	{target: "QUICHeader", dir: "quic/vectors/packets", head: "\x08", ops: map[string]vectorOp{"parse-header": argHex, "append-long": hexResult, "append-short": hexResult,
		"append-retry": hexResult, "append-negotiation": hexResult, "protect": hexResult}},
	{target: "QUICParameters", dir: "quic/vectors/params", head: "\x00", ops: map[string]vectorOp{"parse-params": argHex, "append-params": hexResult}},
	{target: "H3Server", dir: "h3/vectors", mode: "server", head: "d\x02\x00\x03\x00\x04\x00", join: true, ops: map[string]vectorOp{"peer-octets": h3Octets('d'),
		"request": h3Result, "peer-datagram": h3Datagram}},
	{target: "H3Client", dir: "h3/vectors", mode: "client open=GET,GET", head: "d\x03\x00\x03\x00\x04\x00", join: true, ops: map[string]vectorOp{"peer-octets": h3Octets('d'),
		"peer-datagram": h3Datagram}},
	{target: "GRPC", dir: "grpc/vectors", mode: "plain", ops: map[string]vectorOp{"append-message": quotedResult, "append-prefix": quotedResult}},
	{target: "GRPC", dir: "grpc/vectors", mode: "web", ops: map[string]vectorOp{"append-web-trailers": quotedResult, "parse-web-trailers": webTrailers}},
	{target: "GRPCText", dir: "grpc/vectors", ops: map[string]vectorOp{"decode-text": shortBytes, "append-text": shortBytes, "base64": shortBytes}},
	{target: "GRPCText", dir: "grpc/vectors", head: "\x00", ops: map[string]vectorOp{"decode-binary": shortBytes, "append-binary": shortBytes}},
}

// vectors returns the seeds that the vectors below the folder corpus are for the target.
func (t *Target) vectors(corpus string) (seeds []Seed, err error) {
	for i := range vectorSources {
		s := &vectorSources[i]
		if s.target != t.Name {
			continue
		}
		cases, err := codectest.LoadVectors(filepath.Join(corpus, filepath.FromSlash(s.dir)))
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			parts, err := s.parts(c)
			if err != nil {
				return nil, err
			}
			name := "vector-" + strings.TrimSuffix(filepath.Base(c.Vectors[0].File), ".txt") + "-" + c.Name
			for _, p := range parts {
				data, fits, err := t.vector(s, p)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", c.Vectors[0].File, err)
				}
				if fits {
					seeds = append(seeds, Seed{fileName(name), data})
				}
			}
		}
	}
	return seeds, nil
}

// parts are the octets of a case: one for each vector that has any, or all of them joined.
func (s *vectorSource) parts(c *codectest.VectorCase) (parts [][]byte, err error) {
	for _, v := range c.Vectors {
		op := s.ops[v.Op]
		if op == nil {
			continue
		}
		a, err := v.Args()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", v.File, v.Line, err)
		}
		if b := op(v, a); len(b) > 0 {
			parts = append(parts, b)
		}
	}
	if s.join && len(parts) > 0 {
		parts = [][]byte{slices.Concat(parts...)}
	}
	return parts, nil
}

// vector makes a seed of octets; fits is false where they are too long.
func (t *Target) vector(s *vectorSource, b []byte) (data []byte, fits bool, err error) {
	b = append([]byte(s.head), b...)
	if !t.Laws() {
		return b, len(b) <= t.longest(), nil
	}
	mode := s.mode
	if strings.HasSuffix(mode, "=") { // the length: that of the next longer mode, with PADDING behind
		size, found := len(b), false
		for ; !found && size < len(b)+64; size++ {
			if found = slices.Contains(Modes(t.Name), mode+strconv.Itoa(size)); found {
				break
			}
		}
		if !found {
			return nil, false, nil
		}
		mode += strconv.Itoa(size)
		b = append(b, make([]byte, size-len(b))...)
	}
	at := slices.Index(Modes(t.Name), mode)
	if at < 0 {
		return nil, false, fmt.Errorf("%s has no mode %q", t.Name, mode)
	}
	return append([]byte{byte(at), byte(len(b))}, b...), len(b)+lawsHeader <= t.longest(), nil
}

// argBytes is the first argument in quotes.
func argBytes(_ *codectest.Vector, a *codectest.Args) []byte { return a.Bytes() }

// argHex is the last argument that is hexadecimal: flags and numbers stand in front of it, roles behind.
func argHex(v *codectest.Vector, _ *codectest.Args) (b []byte) {
	for _, w := range strings.Fields(v.Text) {
		if got := unhex(w); got != nil {
			b = got
		}
	}
	return b
}

// unhex reads hexadecimal digits with the escapes of Unescape, nil if they are none, or too few to be octets of the wire.
func unhex(w string) []byte {
	digits, err := codectest.Unescape(w)
	if err != nil || len(digits) == 0 || len(digits)%2 != 0 {
		return nil
	}
	b := make([]byte, len(digits)/2)
	if _, err := hex.Decode(b, digits); err != nil {
		return nil
	}
	return b
}

// quotedResult is what the result has in its first quotes.
func quotedResult(v *codectest.Vector, _ *codectest.Args) []byte {
	for _, line := range v.Want {
		from, to := strings.IndexByte(line, '"'), strings.LastIndexByte(line, '"')
		if from < 0 || from == to || strings.HasPrefix(line, "misuse") || strings.HasPrefix(line, "error") {
			continue
		}
		if b, err := codectest.Unescape(line[from+1 : to]); err == nil {
			return b
		}
	}
	return nil
}

// hexResult is the first word of the result that is hexadecimal.
func hexResult(v *codectest.Vector, _ *codectest.Args) []byte {
	for _, line := range v.Want {
		for _, w := range strings.Fields(line) {
			if b := unhex(w); b != nil {
				return b
			}
		}
	}
	return nil
}

// hpackBlock puts the framing of corpus/hpack around a header block.
func hpackBlock(op vectorOp) vectorOp {
	return func(v *codectest.Vector, a *codectest.Args) []byte {
		b := op(v, a)
		if b == nil || len(b) > 0xffff {
			return nil
		}
		return append(binary.BigEndian.AppendUint16([]byte{'B'}, uint16(len(b))), b...)
	}
}

// hpackSetting is a SETTINGS_HEADER_TABLE_SIZE.
func hpackSetting(v *codectest.Vector, _ *codectest.Args) []byte {
	n, err := strconv.ParseUint(v.Text, 0, 16)
	if err != nil {
		return nil
	}
	return binary.BigEndian.AppendUint16([]byte{'S'}, uint16(n))
}

// huffmanLiteral is a field with the name "a" and the argument as its value, in Huffman coding.
func huffmanLiteral(v *codectest.Vector, a *codectest.Args) []byte {
	b := argHex(v, a)
	if len(b) >= 127 {
		return nil
	}
	return append([]byte{0, 1, 'a', 0x80 | byte(len(b))}, b...)
}

// qpackChunk puts the framing of corpus/qpack around octets of stream 0.
func qpackChunk(kind byte, op vectorOp) vectorOp {
	return func(v *codectest.Vector, a *codectest.Args) []byte {
		b := op(v, a)
		if b == nil || len(b) > 0xffff {
			return nil
		}
		return append(binary.BigEndian.AppendUint16([]byte{kind, 0}, uint16(len(b))), b...)
	}
}

// qpackEncoded is a section of an encoder, in front of it the instructions on which it depends.
func qpackEncoded(v *codectest.Vector, _ *codectest.Args) []byte {
	if len(v.Want) == 0 {
		return nil
	}
	words := strings.Fields(v.Want[0])
	if len(words) < 3 || words[0] != "section" {
		return nil
	}
	section, instructions := unhex(words[1]), unhex(words[len(words)-1])
	out := binary.BigEndian.AppendUint16([]byte{'E', 0}, uint16(len(instructions)))
	out = binary.BigEndian.AppendUint16(append(append(out, instructions...), 'S', 0), uint16(len(section)))
	return append(out, section...)
}

// h3Octets is octets of a stream, in the framing of corpus/h3.
func h3Octets(kind byte) vectorOp {
	return func(_ *codectest.Vector, a *codectest.Args) []byte {
		k := kind
		if a.Flag("end") {
			k = 'f'
		}
		id, b := a.Uint(), a.Bytes()
		return append(binary.BigEndian.AppendUint16([]byte{k, byte(id)}, uint16(len(b))), b...)
	}
}

// h3Datagram is the payload of a DATAGRAM frame.
func h3Datagram(_ *codectest.Vector, a *codectest.Args) []byte {
	b := a.Bytes()
	return append(binary.BigEndian.AppendUint16([]byte{'g', 0}, uint16(len(b))), b...)
}

// h3Result is the HEADERS frame of a request, on its stream.
func h3Result(v *codectest.Vector, a *codectest.Args) []byte {
	kind, section := byte('d'), quotedResult(v, a)
	if a.Flag("end") {
		kind = 'f'
	}
	a.Flag("bare")
	if section == nil || len(section) >= 64 {
		return nil
	}
	out := binary.BigEndian.AppendUint16([]byte{kind, byte(a.Uint())}, uint16(2+len(section)))
	return append(append(out, 1, byte(len(section))), section...)
}

// webTrailers is the argument as the trailer frame of gRPC-Web.
func webTrailers(_ *codectest.Vector, a *codectest.Args) []byte {
	b := a.Bytes()
	return append(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(len(b))), b...)
}

// shortBytes is the first argument in quotes with its length in front, as programs take bytes.
func shortBytes(_ *codectest.Vector, a *codectest.Args) []byte {
	b := a.Bytes()
	b = b[:min(len(b), 120)]
	return append([]byte{byte(len(b))}, b...)
}
