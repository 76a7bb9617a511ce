//go:build linux || darwin || freebsd

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/drivers"
)

// The machine is tested without any socket, byte by byte and all at once.
func TestLinesHoweverTheyAreCut(t *testing.T) {
	const in = "SET a one two\nGET a\r\nGET b\nDEL a\nGET a\nSET a\n\nGET a b\nDEL\n"
	const want = "OK\nVALUE one two\nNONE\nOK\nNONE\nERROR\nERROR\nERROR\nERROR\n"
	for _, step := range []int{1, 2, 5, len(in)} {
		s := &store{m: map[string]string{}}
		k := s.Accept(nil, nil)
		turn := &drivers.Turn{Max: 1 << 10}
		var buf, out []byte
		for i := 0; i < len(in); i += step {
			buf = append(buf, in[i:min(len(in), i+step)]...)
			var n int
			n, out = k.Receive(turn, buf, out)
			buf = buf[n:]
		}
		require.Equal(t, want, string(out))
		require.Empty(t, buf)
		require.Equal(t, drivers.WantInput, k.Status())
		k.PeerClosed(turn)
		require.Equal(t, drivers.Closing, k.Status())
	}
}

// With little room it answers a part, and goes on where it stopped, also behind the peer's FIN.
func TestRoomForAnswersIsKept(t *testing.T) {
	s := &store{m: map[string]string{"k": strings.Repeat("v", 100)}}
	k := s.Accept(nil, nil)
	turn := &drivers.Turn{Max: 150}
	in := bytes.Repeat([]byte("GET k\n"), 10)
	n, out := k.Receive(turn, in, nil)
	require.Equal(t, 12, n)
	k.PeerClosed(turn)
	total := len(out)
	for k.Status() == drivers.WantInput {
		in = in[n:]
		n, out = k.Receive(turn, in, nil)
		require.Positive(t, n)
		total += len(out)
	}
	require.Equal(t, 10*len("VALUE \n"+strings.Repeat("v", 100)), total)
}

func TestLineWithoutEnd(t *testing.T) {
	s := &store{m: map[string]string{}}
	k := s.Accept(nil, nil)
	turn := &drivers.Turn{Max: 1 << 10}
	line := []byte("SET k " + strings.Repeat("x", maxLine-6))
	n, out := k.Receive(turn, line, nil)
	require.Zero(t, n)
	require.Empty(t, out)
	n, out = k.Receive(turn, append(line, '\n'), nil)
	require.Equal(t, maxLine+1, n, "the longest line that fits")
	require.Equal(t, "OK\n", string(out))
	_, out = k.Receive(turn, append(line, 'x'), nil)
	require.Equal(t, "ERROR\n", string(out))
	require.Equal(t, drivers.Closing, k.Status())
}
