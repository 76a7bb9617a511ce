package verdict

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// Text tells whether an input of the wire is a description of what arrives, line by line, and not the bytes themselves: those of
// HTTP/3 and QUIC, which come on many streams and in protected packets.
func (w Wire) Text() bool { return w == H3 || w == QUIC }

// StepKind is what happens in a Step.
type StepKind uint8

const (
	// StepBytes: octets of a stream arrive, in order, and its end behind them if Fin is set.
	StepBytes StepKind = iota
	// StepReset: RESET_STREAM.
	StepReset
	// StepStop: STOP_SENDING.
	StepStop
)

// Step is one thing that arrives in an input of HTTP/3.
type Step struct {
	Kind StepKind
	// Stream is numbered as in RFC 9000 section 2.1.
	Stream uint64
	// Bytes may be empty.
	Bytes []byte
	Fin   bool
	// Code is the error code of StepReset and StepStop.
	Code uint64
}

// h3Types are the names of HTTP/3 frame types.
var h3Types = map[string]uint64{"DATA": 0, "HEADERS": 1, "CANCEL_PUSH": 3, "SETTINGS": 4, "PUSH_PROMISE": 5, "GOAWAY": 7, "MAX_PUSH_ID": 13,
	"PRIORITY_UPDATE": 0xf0700}

// Steps reads the notation of inputs of HTTP/3:
//
//	CONTROL ID            stream ID begins with its type, that of a control stream, and an empty SETTINGS frame
//	STREAM ID [FIN]       octets of stream ID, and its end behind them
//	  TYPE [PAYLOAD]      below it: a frame; TYPE is a name or a number, PAYLOAD has the escapes of the corpus
//	    name: value       below a frame: a field, as a literal that refers to no table, appended to the payload
//	    = N N ...         below a frame: integers, appended to the payload
//	    ! BYTES           below a frame: bytes, appended to the payload
//	  = N N ...           below a stream: integers, as of a stream's type
//	  ! BYTES             below a stream: bytes
//	RESET ID CODE         RESET_STREAM
//	STOP ID CODE          STOP_SENDING
//	REPEAT N STEP         what stands up to END, N times, with STEP added to the streams each time
//	END
//
// The payload of HEADERS begins with two octets of 0, a Required Insert Count and a Base of none; that of type 1 does not. Integers are
// those of RFC 9000 section 16, in their shortest form. Empty lines and those that begin with "#" do not count.
func Steps(text []byte) ([]Step, error) {
	var out []Step
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); {
		steps, next, err := stepAt(lines, i, 0)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		out, i = append(out, steps...), next
	}
	return out, nil
}

// stepAt reads what begins at lines[i], with shift added to its stream, and returns the index of the line behind it.
func stepAt(lines []string, i int, shift uint64) ([]Step, int, error) {
	line := lines[i]
	word := strings.Fields(line)
	if len(word) == 0 || line[0] == '#' {
		return nil, i + 1, nil
	}
	num := make([]uint64, 0, 2)
	for _, w := range word[1:] {
		if n, err := strconv.ParseUint(w, 0, 62); err == nil {
			num = append(num, n)
		}
	}
	fin := word[len(word)-1] == "FIN"
	var s Step
	if len(num) > 0 {
		s.Stream = num[0] + shift
	}
	switch {
	case word[0] == "CONTROL" && len(num) == 1 && len(word) == 2:
		s.Bytes = []byte("\x00\x04\x00")
		return []Step{s}, i + 1, nil
	case word[0] == "STREAM" && len(num) == 1 && (len(word) == 2 || len(word) == 3 && fin):
		s.Fin = fin
		var err error
		for i++; i < len(lines) && strings.HasPrefix(lines[i], "  "); {
			if i, err = h3Frame(&s.Bytes, lines, i); err != nil {
				return nil, i, err
			}
		}
		return []Step{s}, i, nil
	case (word[0] == "RESET" || word[0] == "STOP") && len(num) == 2 && len(word) == 3:
		s.Code, s.Kind = num[1], StepReset
		if word[0] == "STOP" {
			s.Kind = StepStop
		}
		return []Step{s}, i + 1, nil
	case word[0] == "REPEAT" && len(num) == 2 && num[0] > 0 && len(word) == 3 && shift == 0:
		end := i + 1
		for end < len(lines) && lines[end] != "END" {
			end++
		}
		if end == len(lines) {
			return nil, i, fmt.Errorf("REPEAT without END")
		}
		var out []Step
		for n := range num[0] {
			for k := i + 1; k < end; {
				steps, next, err := stepAt(lines[:end], k, n*num[1])
				if err != nil {
					return nil, k, err
				}
				out, k = append(out, steps...), next
			}
		}
		return out, end + 1, nil
	}
	return nil, i, fmt.Errorf("expected CONTROL ID, STREAM ID [FIN], RESET ID CODE, STOP ID CODE or REPEAT N STEP, got %q", line)
}

// h3Frame appends to dst what stands below a stream at lines[i].
func h3Frame(dst *[]byte, lines []string, i int) (int, error) {
	line := strings.TrimPrefix(lines[i], "  ")
	if p, ok, err := literalBytes(line); ok {
		*dst = append(*dst, p...)
		return i + 1, err
	}
	name, rest, _ := strings.Cut(line, " ")
	typ, known := h3Types[name]
	if !known {
		var err error
		if typ, err = strconv.ParseUint(name, 0, 62); err != nil {
			return i, fmt.Errorf("what is a %q?", name)
		}
	}
	payload, err := codectest.Unescape(rest)
	if err != nil {
		return i, err
	}
	if name == "HEADERS" {
		payload = append([]byte{0, 0}, payload...)
	}
	for i++; i < len(lines) && strings.HasPrefix(lines[i], "    "); i++ {
		line := strings.TrimLeft(lines[i], " ")
		p, ok, err := literalBytes(line)
		if !ok {
			var name, value []byte
			if name, value, err = fieldLine(line); err == nil {
				p = appendQPACK(nil, name, value)
			}
		}
		if err != nil {
			return i, err
		}
		payload = append(payload, p...)
	}
	*dst = quic.AppendVarint(quic.AppendVarint(*dst, typ), uint64(len(payload)))
	*dst = append(*dst, payload...)
	return i, nil
}

// literalBytes reads "! BYTES" and "= N N ..."; ok is false for any other line.
func literalBytes(line string) (p []byte, ok bool, err error) {
	if raw, ok := strings.CutPrefix(line, "! "); ok {
		p, err = codectest.Unescape(raw)
		return p, true, err
	}
	list, ok := strings.CutPrefix(line, "= ")
	if !ok {
		return nil, false, nil
	}
	for _, w := range strings.Fields(list) {
		n, err := strconv.ParseUint(w, 0, 62)
		if err != nil {
			return nil, true, fmt.Errorf("%q is no integer below 2^62", w)
		}
		p = quic.AppendVarint(p, n)
	}
	return p, true, nil
}

// fieldLine reads "name: value", in which a name may begin with a colon.
func fieldLine(line string) (name, value []byte, err error) {
	i := strings.Index(line[min(1, len(line)):], ":") + 1
	if i == 0 {
		return nil, nil, fmt.Errorf("no field: %q", line)
	}
	if name, err = codectest.Unescape(line[:i]); err != nil {
		return nil, nil, err
	}
	value, err = codectest.Unescape(strings.TrimPrefix(line[i+1:], " "))
	return name, value, err
}

// appendQPACK appends a literal field line with a literal name, both as they are (RFC 9204 section 4.5.6).
func appendQPACK(dst, name, value []byte) []byte {
	for i, s := range [][]byte{name, value} {
		first, prefix := byte(0x20), 7 // three bits of length
		if i == 1 {
			first, prefix = 0, 127
		}
		n := len(s)
		if n < prefix {
			dst = append(dst, first|byte(n))
		} else {
			dst = append(dst, first|byte(prefix))
			for n -= prefix; n >= 128; n >>= 7 {
				dst = append(dst, byte(n)|128)
			}
			dst = append(dst, byte(n))
		}
		dst = append(dst, s...)
	}
	return dst
}

// textInput is the form that a description has in Input.Bytes: without empty lines at its ends.
func textInput(lines []string) []byte {
	return append(bytes.Trim([]byte(strings.Join(lines, "\n")), "\n"), '\n')
}
