package verdict

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// Conversation is what an input of QUIC makes an endpoint's peer do, beside an ordinary handshake.
type Conversation struct {
	// Without are transport parameters that are left out, More what stands behind the ordinary ones.
	Without []uint64
	More    []byte
	// NoAck: nothing is acknowledged behind the handshake.
	NoAck bool
	// Packets are sent in this order, those of a type when its keys are new: Initial, Handshake, OneRTT.
	Packets []Packet
}

// Packet is one of a Conversation.
type Packet struct {
	Type    quic.PacketType
	Payload []byte
	// Reserved: a reserved bit is set. Fixed: the fixed bit is not.
	Reserved, Fixed bool
	// Phase is the key phase bit of a packet with a short header.
	Phase bool
}

var packetTypes = map[string]quic.PacketType{"initial": quic.Initial, "handshake": quic.Handshake, "1rtt": quic.OneRTT}

// quicTypes are the names of frame types.
var quicTypes = map[string]uint64{"PADDING": 0, "PING": 1, "ACK": 2, "ACK_ECN": 3, "RESET_STREAM": 4, "STOP_SENDING": 5, "CRYPTO": 6, "NEW_TOKEN": 7,
	"STREAM": 8, "STREAM_FIN": 9, "STREAM_LEN": 10, "STREAM_LEN_FIN": 11, "STREAM_OFF": 12, "STREAM_OFF_FIN": 13, "STREAM_OFF_LEN": 14,
	"STREAM_OFF_LEN_FIN": 15, "MAX_DATA": 16, "MAX_STREAM_DATA": 17, "MAX_STREAMS": 18, "MAX_STREAMS_UNI": 19, "DATA_BLOCKED": 20,
	"STREAM_DATA_BLOCKED": 21, "STREAMS_BLOCKED": 22, "STREAMS_BLOCKED_UNI": 23, "NEW_CONNECTION_ID": 24, "RETIRE_CONNECTION_ID": 25,
	"PATH_CHALLENGE": 26, "PATH_RESPONSE": 27, "CONNECTION_CLOSE": 28, "CONNECTION_CLOSE_APP": 29, "HANDSHAKE_DONE": 30, "DATAGRAM": 48, "DATAGRAM_LEN": 49}

// Packets reads the notation of inputs of QUIC:
//
//	PARAMS                  what is different in the transport parameters
//	  without ID            one of the ordinary ones is left out
//	  ID : BYTES            one more, behind all others
//	  ! BYTES               bytes behind all others
//	NOACK                   nothing is acknowledged behind the handshake
//	PACKET SPACE [FLAG]     a packet: SPACE is initial, handshake or 1rtt; FLAG reserved (a reserved bit is set) or fixed (the fixed bit is not)
//	  TYPE N N ... : BYTES  below it: a frame, its type by name or number, integers, and bytes that have the escapes of the corpus
//	  ! BYTES               below it: bytes
//	REPEAT N                what stands up to END, N times; @ among the integers is how many times it was before, @+K is K more, and the same
//	                        in four octets is @@ in bytes
//	END
//
// Integers are in their shortest form, and a type that is a name or a number as well.
func Packets(text []byte) (*Conversation, error) {
	c := &Conversation{}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); {
		next, err := c.line(lines, i, 0, false)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		i = next
	}
	if !slices.IsSortedFunc(c.Packets, func(a, b Packet) int { return int(a.Type) - int(b.Type) }) {
		return nil, fmt.Errorf("packets are in the order initial, handshake, 1rtt")
	}
	return c, nil
}

// line reads what begins at lines[i], in repetition n, and returns the index of the line behind it.
func (c *Conversation) line(lines []string, i int, n uint64, nested bool) (int, error) {
	word := strings.Fields(lines[i])
	if len(word) == 0 || lines[i][0] == '#' {
		return i + 1, nil
	}
	below := i + 1
	for below < len(lines) && strings.HasPrefix(lines[below], "  ") {
		below++
	}
	switch {
	case word[0] == "PARAMS" && len(word) == 1:
		for _, line := range lines[i+1 : below] {
			if err := c.parameter(line); err != nil {
				return i, err
			}
		}
		return below, nil
	case word[0] == "NOACK" && len(word) == 1:
		c.NoAck = true
		return i + 1, nil
	case word[0] == "PACKET" && len(word) >= 2:
		p := Packet{}
		var known bool
		if p.Type, known = packetTypes[word[1]]; !known {
			return i, fmt.Errorf("no packet is %q", word[1])
		}
		for _, flag := range word[2:] {
			switch flag {
			case "reserved":
				p.Reserved = true
			case "fixed":
				p.Fixed = true
			default:
				return i, fmt.Errorf("what is %q?", flag)
			}
		}
		for _, line := range lines[i+1 : below] {
			b, err := frameLine(strings.TrimSpace(line), n)
			if err != nil {
				return i, err
			}
			p.Payload = append(p.Payload, b...)
		}
		c.Packets = append(c.Packets, p)
		return below, nil
	case word[0] == "REPEAT" && len(word) == 2 && !nested:
		times, err := strconv.ParseUint(word[1], 10, 16)
		end := i + 1
		for end < len(lines) && lines[end] != "END" {
			end++
		}
		if err != nil || times == 0 || end == len(lines) {
			return i, fmt.Errorf("not REPEAT N and END")
		}
		for n := range times {
			for k := i + 1; k < end; {
				if k, err = c.line(lines[:end], k, n, true); err != nil {
					return k, err
				}
			}
		}
		return end + 1, nil
	}
	return i, fmt.Errorf("expected PARAMS, NOACK, PACKET SPACE or REPEAT N, got %q", lines[i])
}

func (c *Conversation) parameter(line string) error {
	line = strings.TrimSpace(line)
	if p, ok, err := literalBytes(line); ok {
		c.More = append(c.More, p...)
		return err
	}
	if word, ok := strings.CutPrefix(line, "without "); ok {
		id, err := strconv.ParseUint(word, 0, 62)
		c.Without = append(c.Without, id)
		return err
	}
	number, bytes, ok := strings.Cut(line, " :")
	id, err1 := strconv.ParseUint(number, 0, 62)
	value, err2 := codectest.Unescape(strings.TrimPrefix(bytes, " "))
	if !ok || err1 != nil || err2 != nil {
		return fmt.Errorf("not ID : BYTES in %q", line)
	}
	c.More = quic.AppendTransportParameter(c.More, id, value)
	return nil
}

// frameLine reads a frame in repetition n.
func frameLine(line string, n uint64) (out []byte, err error) {
	index := binary.BigEndian.AppendUint32(nil, uint32(n))
	raw := func(s string) error {
		p, err := codectest.Unescape(strings.ReplaceAll(s, "@@", string(codectest.Escape(index))))
		out = append(out, p...)
		return err
	}
	if s, ok := strings.CutPrefix(line, "! "); ok {
		return out, raw(s)
	}
	numbers, bytes, _ := strings.Cut(line, " :")
	for i, w := range strings.Fields(numbers) {
		v, known := quicTypes[w]
		rest, relative := strings.CutPrefix(w, "@")
		switch {
		case i == 0 && known:
		case relative && rest == "":
			v = n
		case relative:
			if v, err = strconv.ParseUint(strings.TrimPrefix(rest, "+"), 0, 62); err != nil {
				return nil, fmt.Errorf("what is %q?", w)
			}
			v += n
		default:
			if v, err = strconv.ParseUint(w, 0, 62); err != nil {
				return nil, fmt.Errorf("what is %q?", w)
			}
		}
		out = quic.AppendVarint(out, v)
	}
	return out, raw(strings.TrimPrefix(bytes, " "))
}

// Parameters are the transport parameters that sender has, whose connection ID is src. original is the Destination Connection ID of the
// client's first packet.
func (c *Conversation) Parameters(sender quic.Role, src, original []byte) []byte {
	var out []byte
	put := func(id uint64, value []byte) {
		if !slices.Contains(c.Without, id) {
			out = quic.AppendTransportParameter(out, id, value)
		}
	}
	if sender == quic.Server {
		put(0x00, original)
	}
	for _, p := range []struct{ id, value uint64 }{{0x01, 30_000}, {0x04, 1 << 20}, {0x05, 1 << 18}, {0x06, 1 << 18}, {0x07, 1 << 18}, {0x08, 100}, {0x09, 100}, {0x0e, 4}} {
		put(p.id, quic.AppendVarint(nil, p.value))
	}
	put(0x0f, src)
	return append(out, c.More...)
}

// minInitial is how many octets a datagram with an Initial packet has (RFC 9000 section 14.1).
const minInitial = 1200

// Append appends the packet in protected form. An Initial packet that is not empty is filled up with padding.
func (p *Packet) Append(dst, dstID, srcID []byte, number int64, keys quic.Protection) ([]byte, error) {
	payload := p.Payload
	if p.Type == quic.Initial && len(payload) > 0 && len(payload) < minInitial {
		payload = append(slices.Clone(payload), make([]byte, minInitial-len(payload))...)
	}
	start := len(dst)
	var err error
	bit := byte(0x08)
	if p.Type == quic.OneRTT {
		dst, err = quic.AppendShortHeader(dst, dstID, false, p.Phase, number, 4)
	} else {
		bit = 0x04
		dst, err = quic.AppendLongHeader(dst, &quic.LongHeader{Type: p.Type, Version: quic.Version1, DstID: dstID, SrcID: srcID, Number: number, NumberLen: 4,
			Payload: len(payload) + keys.Overhead(), LengthSize: 2})
	}
	if err != nil {
		return dst, err
	}
	if p.Reserved {
		dst[start] |= bit
	}
	if p.Fixed {
		dst[start] &^= 0x40
	}
	head := len(dst) - start
	return quic.Protect(append(dst, payload...), start, head, number, keys)
}

// StreamEnd is how far a stream of QUIC has come.
type StreamEnd uint8

// The ends of streams.
const (
	StreamOpen StreamEnd = iota
	StreamEnded
	StreamWasReset
)

// StreamMessage makes a message of what a stream of QUIC has brought; shown is false if that is nothing. What is read of a stream before it is reset is a
// matter of time, and not shown.
func StreamMessage(id uint64, body []byte, end StreamEnd) (m Message, shown bool) {
	m.Head = fmt.Sprintf("stream %d", id)
	switch end {
	case StreamEnded:
		m.Head += " ended"
	case StreamWasReset:
		m.Head += " reset"
		body = nil
	}
	m.Content(body)
	return m, end != StreamOpen || len(body) > 0
}
