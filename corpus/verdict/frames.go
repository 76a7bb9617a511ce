package verdict

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// preface is the connection preface of a client (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// frameTypes are the names of HTTP/2 frame types by their number.
var frameTypes = []string{"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"}

// Frames builds the bytes of HTTP/2 frames from their notation:
//
//	PREFACE                       a client's preface and an empty SETTINGS frame
//	TYPE STREAM FLAGS [PAYLOAD]   a frame; TYPE is a name or a number, FLAGS hexadecimal, PAYLOAD has the escapes of the corpus
//	  name: value                 below it: a field, appended to the payload as a literal without indexing
//	  ! BYTES                     below it: bytes, appended to the payload
//	REPEAT N STEP                 what stands up to END, N times, with STEP added to the streams other than 0 each time
//	END
//
// Lines are otherwise as long as they like, empty ones and those that begin with "#" do not count.
func Frames(lines []string) ([]byte, error) {
	out, rest, err := frames(nil, lines, 0, false)
	if err != nil {
		return nil, fmt.Errorf("line %d of the frames: %w", len(lines)-len(rest)+1, err)
	}
	return out, nil
}

func frames(dst []byte, lines []string, shift uint32, nested bool) ([]byte, []string, error) {
	for len(lines) > 0 {
		line := strings.TrimSpace(lines[0])
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#':
			lines = lines[1:]
			continue
		case line == "PREFACE":
			dst = append(dst, preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"...)
			lines = lines[1:]
			continue
		case line == "END" && nested:
			return dst, lines[1:], nil
		case word == "REPEAT":
			var n, step uint32
			if _, err := fmt.Sscanf(rest, "%d %d", &n, &step); err != nil || nested || n == 0 {
				return dst, lines, fmt.Errorf("not REPEAT N STEP in %q", line)
			}
			var behind []string
			for i := range n {
				var err error
				if dst, behind, err = frames(dst, lines[1:], i*step, true); err != nil {
					return dst, behind, err
				}
			}
			lines = behind
			continue
		}
		var err error
		if dst, lines, err = frame(dst, lines, shift); err != nil {
			return dst, lines, err
		}
	}
	if nested {
		return dst, lines, fmt.Errorf("REPEAT without END")
	}
	return dst, lines, nil
}

// frame appends the frame that begins at lines[0].
func frame(dst []byte, lines []string, shift uint32) ([]byte, []string, error) {
	word := strings.SplitN(strings.TrimSpace(lines[0]), " ", 4)
	if len(word) < 3 {
		return dst, lines, fmt.Errorf("not TYPE STREAM FLAGS in %q", lines[0])
	}
	typ := -1
	for i, name := range frameTypes {
		if name == word[0] {
			typ = i
		}
	}
	if typ < 0 {
		n, err := strconv.ParseUint(word[0], 0, 8)
		if err != nil {
			return dst, lines, fmt.Errorf("what is a %q?", word[0])
		}
		typ = int(n)
	}
	id, err1 := strconv.ParseUint(word[1], 10, 32)
	flags, err2 := strconv.ParseUint(word[2], 16, 8)
	if err1 != nil || err2 != nil {
		return dst, lines, fmt.Errorf("stream or flags in %q", lines[0])
	}
	if id != 0 {
		id += uint64(shift)
	}
	var payload []byte
	var err error
	if len(word) == 4 {
		if payload, err = codectest.Unescape(word[3]); err != nil {
			return dst, lines, err
		}
	}
	for lines = lines[1:]; len(lines) > 0 && strings.HasPrefix(lines[0], "  "); lines = lines[1:] {
		line := strings.TrimLeft(lines[0], " ")
		if raw, ok := strings.CutPrefix(line, "! "); ok {
			b, err := codectest.Unescape(raw)
			if err != nil {
				return dst, lines, err
			}
			payload = append(payload, b...)
			continue
		}
		name, value, err := fieldLine(line)
		if err != nil {
			return dst, lines, err
		}
		payload = appendLiteral(payload, name, value)
	}
	n := len(payload)
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), byte(typ), byte(flags), byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	return append(dst, payload...), lines, nil
}

// appendLiteral appends a literal field without indexing, name and value as they are (RFC 7541 section 6.2.2).
func appendLiteral(dst, name, value []byte) []byte {
	dst = append(dst, 0)
	for _, s := range [][]byte{name, value} {
		n := len(s)
		if n < 127 {
			dst = append(dst, byte(n))
		} else {
			dst = append(dst, 127)
			for n -= 127; n >= 128; n >>= 7 {
				dst = append(dst, byte(n)|128)
			}
			dst = append(dst, byte(n))
		}
		dst = append(dst, s...)
	}
	return dst
}

// Synchronise returns in.Bytes with a PING frame behind them, so that one who reads frames in order shows with its acknowledgment
// that it has read them all, and the streams that it must answer before that can be seen: those that the input opens and
// does not reset. ok is false where a PING cannot stand there, inside of a frame or a field block.
func Synchronise(in *Input, opaque [8]byte) (out []byte, open []uint32, ok bool) {
	src := in.Bytes
	if in.Role == Server {
		var found bool
		if src, found = bytes.CutPrefix(src, []byte(preface)); !found {
			return in.Bytes, nil, false
		}
	}
	reset := map[uint32]bool{}
	block := false
	for len(src) > 0 {
		if len(src) < 9 {
			return in.Bytes, nil, false
		}
		n := 9 + int(src[0])<<16 + int(src[1])<<8 + int(src[2])
		if len(src) < n {
			return in.Bytes, nil, false
		}
		id := (uint32(src[5])<<24 | uint32(src[6])<<16 | uint32(src[7])<<8 | uint32(src[8])) & (1<<31 - 1)
		switch typ, end := src[3], src[4]&4 != 0; typ {
		case 1:
			open = append(open, id)
			block = !end
		case 3:
			reset[id] = true
		case 9:
			block = block && !end
		}
		src = src[n:]
	}
	kept := open[:0]
	for _, id := range open {
		if !reset[id] {
			kept = append(kept, id)
		}
	}
	ping := append([]byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00"), opaque[:]...)
	return append(bytes.Clone(in.Bytes), ping...), kept, !block
}
