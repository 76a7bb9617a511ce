package quic

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const vectorsDir = corpusDir + "/vectors"

func said(err error) string {
	var e *Error
	switch {
	case !errors.As(err, &e):
		return "error " + err.Error()
	case e.Scope == codec.ScopeMisuse:
		return "misuse " + e.Reason
	case e.Scope == 0:
		return "drop " + e.Reason
	}
	return fmt.Sprintf("error %v %s", e.Code, e.Reason)
}

// kept is in front of what an Append function appends to: it must stay, and be all there is after an error.
const kept = "kept"

func appended(out []byte, err error) string {
	rest, ok := strings.CutPrefix(string(out), kept)
	switch {
	case !ok:
		return fmt.Sprintf("what was in front is lost: %x", out)
	case err != nil && rest != "":
		return fmt.Sprintf("left behind: %x", out)
	case err != nil:
		return said(err)
	case rest == "":
		return "nothing"
	}
	return fmt.Sprintf("%x", rest)
}

// oneOf takes the next word as one of the names, as written in the file: spaces of a name are underscores.
func oneOf(a *codectest.Args, n int, name func(i int) string) int {
	w := a.Word()
	for i := range n {
		if strings.ReplaceAll(name(i), " ", "_") == w {
			return i
		}
	}
	return n
}

func argKind(a *codectest.Args) Kind {
	return Kind(oneOf(a, int(numKinds), func(i int) string { return Kind(i).String() }))
}

func argPacket(a *codectest.Args) PacketType {
	return PacketType(oneOf(a, len(packetNames), func(i int) string { return PacketType(i).String() }))
}

func argRole(a *codectest.Args) Role {
	return Role(oneOf(a, 3, func(i int) string { return Role(i).String() }))
}

func namedAck(a *codectest.Args) AckInfo {
	return AckInfo{Largest: a.NamedUint("largest"), Delay: a.NamedUint("delay"), First: a.NamedUint("first"), Count: a.NamedUint("count"), Blocks: a.NamedHex("blocks"),
		ECN: a.Flag("ecn"), ECT0: a.NamedUint("ect0"), ECT1: a.NamedUint("ect1"), CE: a.NamedUint("ce")}
}

func argFrame(a *codectest.Args) Frame {
	f := Frame{Kind: argKind(a), Fin: a.Flag("fin"), ToEnd: a.Flag("to-end"), Uni: a.Flag("uni"), App: a.Flag("app"), StreamID: StreamID(a.NamedUint("id")),
		Offset: a.NamedUint("offset"), Value: a.NamedUint("value"), Sequence: a.NamedUint("sequence"), Code: ErrorCode(a.NamedUint("code")), Data: a.NamedHex("data")}
	copy(f.Token[:], a.NamedHex("token"))
	if f.Kind == Ack {
		f.Ack = namedAck(a)
	}
	return f
}

// argRanges takes the arguments that are left as ranges: smallest-largest.
func argRanges(a *codectest.Args) (ranges []Range) {
	for a.More() {
		s, l, _ := strings.Cut(a.Word(), "-")
		small, err1 := strconv.ParseUint(s, 0, 64)
		large, err2 := strconv.ParseUint(l, 0, 64)
		if err1 != nil || err2 != nil {
			return nil
		}
		ranges = append(ranges, Range{small, large})
	}
	return ranges
}

func rangeLines(a *AckInfo) (lines []string) {
	it := a.Ranges()
	for r, more := it.Next(); more; r, more = it.Next() {
		lines = append(lines, fmt.Sprintf("%d to %d", r.Smallest, r.Largest))
	}
	if _, more := it.Next(); more {
		lines = append(lines, "goes on behind its end")
	}
	return lines
}

func headerLine(h *Header, n int) string {
	s := fmt.Sprintf("%v of %d first %02x dst %x src %x", h.Type, n, h.First, h.DstID, h.SrcID)
	if h.Version != 0 {
		s += fmt.Sprintf(" version %08x", uint32(h.Version))
	}
	if h.Token != nil {
		s += fmt.Sprintf(" token %x", h.Token)
	}
	if h.Tag != nil {
		s += fmt.Sprintf(" tag %x", h.Tag)
	}
	if h.NumberAt != 0 {
		s += fmt.Sprintf(" number at %d", h.NumberAt)
	}
	for i := range len(h.Versions) / 4 {
		s += fmt.Sprintf(" v%d=%08x", i, uint32(h.VersionAt(i)))
	}
	return s
}

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

func frameOps() map[string]codectest.VectorOp {
	var d FrameDecoder
	return map[string]codectest.VectorOp{
		"append-frame": func(a *codectest.Args) string {
			f := argFrame(a)
			out, err := AppendFrame([]byte(kept), &f)
			if n := FrameLen(&f); n != len(out)-len(kept) {
				return fmt.Sprintf("FrameLen is %d of %x", n, out)
			}
			return appended(out, err)
		},
		"frame-type": func(a *codectest.Args) string {
			f := argFrame(a)
			return fmt.Sprintf("%#x", f.Type())
		},
		"append-stream-header": func(a *codectest.Args) string {
			fin, toEnd := a.Flag("fin"), a.Flag("to-end")
			return appended(AppendStreamHeader([]byte(kept), StreamID(a.Uint()), a.Uint(), int(a.Int()), fin, toEnd))
		},
		"append-ack": func(a *codectest.Args) string {
			info, max := namedAck(a), int(a.NamedInt("max"))
			var ecn *AckInfo
			if info.ECN {
				ecn = &info
			}
			out, n, err := AppendAck([]byte(kept), info.Delay, argRanges(a), ecn, max)
			if len(out)-len(kept) > max {
				return "longer than it may be"
			}
			return fmt.Sprintf("%s of %d", appended(out, err), n)
		},
		"ranges": func(a *codectest.Args) string {
			info := namedAck(a)
			return strings.Join(rangeLines(&info), "\n")
		},
		"init": func(a *codectest.Args) string {
			d.Init(argRole(a), argPacket(a), int(a.Int()))
			return ""
		},
		"next": func(a *codectest.Args) string {
			var f Frame
			n, err := d.Next(a.Hex(), &f)
			switch {
			case err != nil && (n != 0 || f.Kind != None):
				return "something beside an error"
			case err != nil:
				return fmt.Sprintf("%s, stopped %v", said(err), d.Err() == err)
			case d.Err() != nil:
				return "an error without an error"
			}
			return fmt.Sprintf("%v of %d, ended %v", f.Kind, n, d.Ended())
		},
		"kind": func(a *codectest.Args) string {
			k := argKind(a)
			var in []string
			for t := PacketType(0); int(t) < len(packetNames); t++ {
				if k.Allowed(t, false) {
					in = append(in, t.String())
				}
				if !k.Allowed(t, false) && k.Allowed(t, true) || k.Allowed(t, false) && !k.Allowed(t, true) {
					in = append(in, "by app "+strconv.FormatBool(k.Allowed(t, true)))
				}
			}
			return fmt.Sprintf("%v eliciting %v probing %v in: %s", k, k.AckEliciting(), k.Probing(), strings.Join(in, ", "))
		},
		"stream-id": func(a *codectest.Args) string {
			id := StreamID(a.Uint())
			return fmt.Sprintf("%v uni %v", id.Opener(), id.Uni())
		},
		"role": func(a *codectest.Args) string { return Role(a.Uint()).String() },
		"code": func(a *codectest.Args) string {
			c := ErrorCode(a.Uint())
			return c.String() + ", " + c.Error()
		},
	}
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

func paramLine(p *TransportParameters) string {
	s := fmt.Sprintf("idle %d udp %d data %d stream %d %d %d streams %d %d exponent %d delay %d ids %d datagram %d", p.MaxIdleTimeout, p.MaxUDPPayload, p.MaxData, p.MaxStreamDataBidiLocal,
		p.MaxStreamDataBidiRemote, p.MaxStreamDataUni, p.MaxStreamsBidi, p.MaxStreamsUni, p.AckDelayExponent, p.MaxAckDelay, p.ActiveIDLimit, p.MaxDatagram)
	add := func(on bool, format string, args ...any) {
		if on {
			s += "\n" + fmt.Sprintf(format, args...)
		}
	}
	add(p.HasOriginalDstID, "original %v", p.OriginalDstID)
	add(p.HasInitialSrcID, "source %v", p.InitialSrcID)
	add(p.HasRetrySrcID, "retry %v", p.RetrySrcID)
	add(p.HasResetToken, "token %x", p.ResetToken)
	add(p.DisableMigration, "no migration")
	add(p.GreaseQUICBit, "grease")
	if x := &p.PreferredAddress; p.HasPreferredAddress {
		add(true, "preferred %x %d %x %d id %v token %x", x.IPv4, x.Port4, x.IPv6, x.Port6, x.ID, x.ResetToken)
	}
	add(p.ChosenVersion != 0, "version %08x of %x", uint32(p.ChosenVersion), p.AvailableVersions)
	return s
}

func namedID(a *codectest.Args, name string) (id ConnectionID, has bool) {
	if !a.Has(name) {
		return id, false
	}
	id, _ = MakeConnectionID(a.NamedHex(name))
	return id, true
}

func argParams(a *codectest.Args) (p TransportParameters) {
	p = DefaultTransportParameters()
	for _, n := range []struct {
		name string
		into *uint64
	}{
		{"idle", &p.MaxIdleTimeout}, {"udp", &p.MaxUDPPayload}, {"data", &p.MaxData}, {"local", &p.MaxStreamDataBidiLocal}, {"remote", &p.MaxStreamDataBidiRemote}, {"uni", &p.MaxStreamDataUni},
		{"streams", &p.MaxStreamsBidi}, {"streams-uni", &p.MaxStreamsUni}, {"exponent", &p.AckDelayExponent}, {"delay", &p.MaxAckDelay}, {"ids", &p.ActiveIDLimit}, {"datagram", &p.MaxDatagram},
	} {
		if a.Has(n.name) {
			*n.into = a.NamedUint(n.name)
		}
	}
	p.OriginalDstID, p.HasOriginalDstID = namedID(a, "original")
	p.InitialSrcID, p.HasInitialSrcID = namedID(a, "source")
	p.RetrySrcID, p.HasRetrySrcID = namedID(a, "retry")
	p.HasResetToken = a.Has("token")
	copy(p.ResetToken[:], a.NamedHex("token"))
	p.DisableMigration, p.GreaseQUICBit = a.Flag("no-migration"), a.Flag("grease")
	if p.HasPreferredAddress = a.Has("preferred"); p.HasPreferredAddress {
		x := &p.PreferredAddress
		x.ID, _ = MakeConnectionID(a.NamedHex("preferred"))
		copy(x.IPv4[:], a.NamedHex("ip4"))
		copy(x.IPv6[:], a.NamedHex("ip6"))
		x.Port4, x.Port6 = uint16(a.NamedUint("port4")), uint16(a.NamedUint("port6"))
		copy(x.ResetToken[:], a.NamedHex("ptoken"))
	}
	p.ChosenVersion, p.AvailableVersions = Version(a.NamedUint("version")), a.NamedHex("available")
	return p
}

func paramOps() map[string]codectest.VectorOp {
	return map[string]codectest.VectorOp{
		"parse-params": func(a *codectest.Args) string {
			var p TransportParameters
			if err := ParseTransportParameters(a.Hex(), argRole(a), &p); err != nil {
				return said(err)
			}
			return paramLine(&p)
		},
		// What is written is read again: it must be the same.
		"append-params": func(a *codectest.Args) string {
			role := argRole(a)
			p := argParams(a)
			out, err := AppendTransportParameters([]byte(kept), role, &p)
			var q TransportParameters
			if err == nil {
				if again := ParseTransportParameters(out[len(kept):], role, &q); again != nil || paramLine(&p) != paramLine(&q) {
					return fmt.Sprintf("%x is read as %v, %s", out, again, paramLine(&q))
				}
			}
			return appended(out, err)
		},
		"append-param": func(a *codectest.Args) string {
			return appended(AppendTransportParameter([]byte(kept), a.Uint(), a.Hex()), nil)
		},
		"reserved-param": func(a *codectest.Args) string { return fmt.Sprint(ReservedParameter(uint32(a.Uint()))) },
	}
}

// The vectors have what is no payload: frames and headers as they are written, packets, their protection, transport parameters. Every failing branch that
// FrameDecoder does not have is reached by one of them.
func TestVectors(t *testing.T) {
	var sums []*codectest.VectorSummary
	for _, part := range []struct {
		dir string
		ops func() map[string]codectest.VectorOp
	}{{"frames", frameOps}, {"packets", packetOps}, {"params", paramOps}} {
		sums = append(sums, codectest.RunVectors(t, vectorsDir+"/"+part.dir, part.ops))
	}
	for r := rPacketEmpty; r < numReasons; r++ {
		if !sums[0].Has(reasons[r].text) && !sums[1].Has(reasons[r].text) && !sums[2].Has(reasons[r].text) {
			t.Errorf("no vector has %q", reasons[r].text)
		}
	}
}
