package ws

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded is where the recorded cases are, beside the repository. They are not part of it: see corpus/README.md.
const recorded = "../../../shared/data/autobahn/cases.jsonl.gz"

// recording is one case: what was sent behind the handshake and what a peer that passed answered.
type recording struct {
	ID       string      `json:"id"`
	Role     string      `json:"role"`
	Steps    [][2]string `json:"steps"`
	Behavior string      `json:"behavior"`
	Expected struct {
		OK [][]any `json:"OK"`
	} `json:"expected"`
	Close struct {
		Code []uint16 `json:"closeCode"`
	} `json:"expected_close"`
	Remote *uint16 `json:"remote_close_code"`
}

func recordings(t *testing.T) (all []recording) {
	f, err := os.Open(recorded)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the recorded cases are not there: " + recorded)
	}
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r recording
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		all = append(all, r)
	}
	require.NoError(t, lines.Err())
	return all
}

// echo is a Conn that sends messages back and what it owes at once.
type echo struct {
	c       Conn
	ev      Event
	tail    []byte
	message []byte
	out     []byte
	failed  *Error
}

func (e *echo) receive(p []byte) {
	e.tail = append(e.tail, p...)
	for {
		n, err := e.c.Next(e.tail, &e.ev)
		if err != nil && e.failed == nil {
			errors.As(err, &e.failed)
		}
		if err == nil && e.ev.Kind == Data {
			e.message = append(e.message, e.ev.Payload...)
			if e.ev.Last {
				if e.out, err = e.c.AppendMessage(e.out, e.ev.Opcode, e.message); err != nil {
					panic(err)
				}
				e.message = e.message[:0]
			}
		}
		e.tail = e.tail[n:]
		e.out = e.c.AppendOwed(e.out, 1<<20)
		if err != nil || e.ev.Kind == None && n == 0 {
			return
		}
	}
}

// story tells what bytes that a peer of that role sent mean: messages, pongs, the close code.
func story(t *testing.T, role Role, wire []byte) (events []string, code CloseCode) {
	var c Conn
	c.Init(1-role, &Config{Rand: func() uint32 { return 1 }})
	var ev Event
	var message []byte
	code = CloseNoStatus
	for {
		n, err := c.Next(wire, &ev)
		require.NoError(t, err, "what was answered is not even valid")
		wire = wire[n:]
		switch {
		case ev.Kind == Data:
			if message = append(message, ev.Payload...); ev.Last {
				events = append(events, fmt.Sprintf("%s %q", ev.Opcode, message))
				message = message[:0]
			}
		case ev.Kind == Control && ev.Opcode == Close:
			code = ev.Code
		case ev.Kind == Control:
			events = append(events, fmt.Sprintf("%s %q", ev.Opcode, ev.Payload))
		case n == 0:
			return events, code
		}
	}
}

// The recorded cases of the Autobahn test suite, played again at several cuttings: the same messages and pongs come back, and the
// connection ends with a code that the suite accepts.
func TestRecordedCases(t *testing.T) {
	all := recordings(t)
	require.Len(t, all, 494)
	for _, r := range all {
		role := Server
		if r.Role == "client" {
			role = Client
		}
		t.Run(r.Role+"/"+r.ID, func(t *testing.T) {
			var sent, answered []byte
			for _, s := range r.Steps {
				b, err := hex.DecodeString(s[1])
				require.NoError(t, err)
				if s[0] == "tx" {
					sent = append(sent, b...)
				} else {
					answered = append(answered, b...)
				}
			}
			want, _ := story(t, role, answered)
			for _, cut := range []int{1, 2, 3, 7, 61, 4096, len(sent)} {
				if cut == 1 && len(sent) > 1<<17 && testing.Short() {
					continue
				}
				var e echo
				e.c.Init(role, &Config{Rand: func() uint32 { return 0x0badcafe }})
				for p := range slices.Chunk(sent, cut) {
					e.receive(bytes.Clone(p))
				}
				got, code := story(t, role, e.out)
				require.Equal(t, want, got, "cut by %d", cut)
				if codes := r.Close.Code; r.Remote == nil {
					require.Contains(t, []CloseCode{CloseNoStatus, CloseCode(codes[0])}, code, "cut by %d", cut)
				} else if !slices.Contains(codes, uint16(code)) {
					t.Fatalf("cut by %d: closed with %d, want one of %d", cut, code, codes)
				}
				require.True(t, e.c.Closed(), "cut by %d", cut)
			}
		})
	}
}

// In the cases 6.4 the text goes wrong in its second piece, and that shows before the third one is there.
func TestRecordedFailFast(t *testing.T) {
	for _, r := range recordings(t) {
		if !strings.HasPrefix(r.ID, "6.4.") {
			continue
		}
		sent, err := hex.DecodeString(r.Steps[0][1])
		require.NoError(t, err)
		role := Server
		if r.Role == "client" {
			role = Client
		}
		var e echo
		e.c.Init(role, &Config{Rand: func() uint32 { return 1 }})
		for i := range sent {
			e.receive(sent[i : i+1 : i+1])
			if e.failed != nil {
				require.EqualValues(t, i, e.failed.Off, r.ID)
				require.EqualValues(t, CloseInvalidPayload, e.failed.Code, r.ID)
				require.Less(t, i, len(sent)-len("edited"), r.ID)
				break
			}
		}
		require.NotNil(t, e.failed, r.ID)
	}
}
