package quic

import (
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
