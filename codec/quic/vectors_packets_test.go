package quic

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// toyProtection adds 1 to each byte and puts 16 behind that sum up what it was given; its mask is the start of the sample.
type toyProtection struct{ overhead int }

func (p toyProtection) Overhead() int { return p.overhead }

func (toyProtection) sum(pn int64, header, payload []byte) (sum [SampleLen]byte) {
	binary.BigEndian.PutUint64(sum[8:], uint64(pn))
	for i, b := range header {
		sum[1] += b * byte(i+1)
	}
	for i, b := range payload {
		sum[2+i%4] += b * byte(i+1)
	}
	return sum
}

func (p toyProtection) Seal(dst []byte, pn int64, header, payload []byte) []byte {
	sum := p.sum(pn, header, payload)
	for _, b := range payload {
		dst = append(dst, b+1)
	}
	return append(dst, sum[:]...)
}

func (p toyProtection) Open(dst []byte, pn int64, header, payload []byte) ([]byte, bool) {
	at := len(payload) - SampleLen
	if at < 0 {
		return dst, false
	}
	tag := [SampleLen]byte(payload[at:])
	out := dst
	for _, b := range payload[:at] {
		out = append(out, b-1)
	}
	return out, p.sum(pn, header, out[len(dst):]) == tag
}

func (toyProtection) Mask(sample []byte) (mask uint64) {
	for _, b := range sample[:5] {
		mask = mask<<8 | uint64(b)
	}
	return mask
}

func packetOps() map[string]codectest.VectorOp {
	var packet []byte
	var opened Opened
	return map[string]codectest.VectorOp{
		"parse-varint": func(a *codectest.Args) string {
			v, n := ParseVarint(a.Hex())
			return fmt.Sprintf("%d of %d", v, n)
		},
		"append-varint": func(a *codectest.Args) string {
			v := a.Uint()
			out := AppendVarint([]byte(kept), v)
			if VarintLen(v) != len(out)-len(kept) {
				return fmt.Sprintf("VarintLen is %d of %x", VarintLen(v), out)
			}
			return appended(out, nil)
		},
		"append-varint-size": func(a *codectest.Args) string {
			return appended(AppendVarintSize([]byte(kept), a.Uint(), int(a.Int())), nil)
		},
		"number-len": func(a *codectest.Args) string { return fmt.Sprint(PacketNumberLen(a.Int(), a.Int())) },
		"append-number": func(a *codectest.Args) string {
			return appended(AppendPacketNumber([]byte(kept), a.Int(), int(a.Int())), nil)
		},
		"decode-number": func(a *codectest.Args) string {
			return fmt.Sprintf("%#x", DecodePacketNumber(a.Int(), uint32(a.Uint()), int(a.Int())))
		},
		"connection-id": func(a *codectest.Args) string {
			b := a.Hex()
			id, ok := MakeConnectionID(b)
			return fmt.Sprintf("%q of %d is %v: %v", id.String(), id.Len(), id.Is(b), ok)
		},
		"version": func(a *codectest.Args) string {
			v := Version(a.Uint())
			return fmt.Sprintf("known %v reserved %v", v.Known(), v.Reserved())
		},
		"packet-type": func(a *codectest.Args) string { return PacketType(a.Uint()).String() },
		"parse-header": func(a *codectest.Args) string {
			var h Header
			n, err := ParseHeader(a.Hex(), HeaderOptions{ShortIDLen: int(a.NamedInt("id")), Grease: a.Flag("grease")}, &h)
			if err != nil {
				return fmt.Sprintf("%s, %d", said(err), n)
			}
			return headerLine(&h, n)
		},
		"supports": func(a *codectest.Args) string {
			var h Header
			if _, err := ParseHeader(a.Hex(), HeaderOptions{}, &h); err != nil {
				return said(err)
			}
			return fmt.Sprintf("%v %v %v", h.Supports(Version1), h.Supports(Version2), h.VersionAt(-1)|h.VersionAt(len(h.Versions)/4))
		},
		"packets": func(a *codectest.Args) string {
			it := HeaderOptions{ShortIDLen: int(a.NamedInt("id"))}.Packets(a.Hex())
			var lines []string
			var h Header
			for {
				p, err := it.Next(&h)
				if err != nil {
					lines = append(lines, said(err))
				}
				if p == nil {
					break
				}
				lines = append(lines, fmt.Sprintf("%v of %d", h.Type, len(p)))
			}
			if p, err := it.Next(&h); p != nil || err != nil {
				lines = append(lines, "goes on behind its end")
			}
			return strings.Join(lines, "\n")
		},
		"append-long": func(a *codectest.Args) string {
			return appended(AppendLongHeader([]byte(kept), &LongHeader{Type: argPacket(a), Version: Version(a.NamedUint("version")), DstID: a.NamedHex("dst"), SrcID: a.NamedHex("src"),
				Token: a.NamedHex("token"), Number: a.NamedInt("number"), NumberLen: int(a.NamedInt("len")), Payload: int(a.NamedInt("payload")), LengthSize: int(a.NamedInt("size"))}))
		},
		"append-short": func(a *codectest.Args) string {
			spin, phase := a.Flag("spin"), a.Flag("phase")
			return appended(AppendShortHeader([]byte(kept), a.NamedHex("dst"), spin, phase, a.Int(), int(a.Int())))
		},
		"append-retry": func(a *codectest.Args) string {
			return appended(AppendRetry([]byte(kept), Version(a.Uint()), a.NamedHex("dst"), a.NamedHex("src"), a.NamedHex("token"), byte(a.NamedUint("unused"))))
		},
		"append-negotiation": func(a *codectest.Args) string {
			dst, src, unused := a.NamedHex("dst"), a.NamedHex("src"), byte(a.NamedUint("unused"))
			var versions []Version
			for a.More() {
				versions = append(versions, Version(a.Uint()))
			}
			return appended(AppendVersionNegotiation([]byte(kept), dst, src, unused, versions...))
		},
		"append-reset": func(a *codectest.Args) string {
			t := ResetToken(a.NamedHex("token"))
			trigger := int(a.Int())
			return appended(AppendStatelessReset([]byte(kept), trigger, a.Hex(), &t), nil)
		},
		"match-reset": func(a *codectest.Args) string {
			t := ResetToken(a.NamedHex("token"))
			return fmt.Sprint(t.Match(a.Hex()))
		},
		// protect keeps the packet, unmask and open go on with it; patch changes a byte of it.
		"protect": func(a *codectest.Args) string {
			p := toyProtection{SampleLen}
			if a.Has("overhead") {
				p.overhead = int(a.NamedInt("overhead"))
			}
			header, body := a.Hex(), a.Hex()
			headerLen := len(header)
			if a.Has("header") {
				headerLen = int(a.NamedInt("header"))
			}
			start := len(kept)
			if a.Has("start") {
				start = int(a.NamedInt("start"))
			}
			n := len(kept) + len(header) + len(body)
			out, err := Protect(append(append([]byte(kept), header...), body...), start, headerLen, a.Int(), p)
			if err != nil {
				if len(out) != n {
					return "left behind"
				}
				return said(err)
			}
			packet = []byte(strings.TrimPrefix(string(out), kept))
			return hex.EncodeToString(packet)
		},
		"patch": func(a *codectest.Args) string {
			packet[a.Int()] ^= byte(a.Uint())
			return ""
		},
		"cut": func(a *codectest.Args) string {
			packet = packet[:a.Int()]
			return ""
		},
		"unmask": func(a *codectest.Args) string {
			o, err := Unmask(packet, int(a.Int()), a.Int(), toyProtection{SampleLen})
			if err != nil {
				return said(err)
			}
			opened = o
			return fmt.Sprintf("first %02x number %#x header %d", o.First, o.Number, o.HeaderLen)
		},
		"open": func(*codectest.Args) string {
			payload, err := opened.Open(packet, toyProtection{SampleLen})
			if err != nil {
				return said(err)
			}
			return hex.EncodeToString(payload)
		},
	}
}
