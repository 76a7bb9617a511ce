package qpack_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	require.NoError(t, err)
	return b
}

// list makes fields of lines "name: value".
func list(lines ...string) (fields []codec.Field) {
	for _, l := range lines {
		at := strings.Index(l[1:], ":") + 1
		fields = append(fields, codec.Field{Name: []byte(l[:at]), Value: []byte(strings.TrimPrefix(l[at+1:], " "))})
	}
	return fields
}

// TestAppendixB is the conversation of RFC 9204 appendix B, both instruction streams and the table after each step.
func TestAppendixB(t *testing.T) {
	var d qpack.Decoder
	var b qpack.Block
	d.Init(&qpack.Limits{TableCapacity: 220})
	decode := func(stream uint64, wire string, want ...string) {
		t.Helper()
		src := unhex(t, wire)
		n, err := d.Decode(stream, src, true, &b)
		require.NoError(t, err)
		require.False(t, b.Blocked)
		require.Equal(t, len(src), n)
		require.Equal(t, list(want...), b.Fields)
	}
	owed := func(want string) {
		t.Helper()
		require.Equal(t, unhex(t, want), d.AppendDecoderStream([]byte{}, -1))
	}
	table := func(count, size int) {
		t.Helper()
		require.Equal(t, count, d.TableLen())
		require.Equal(t, size, d.TableSize())
	}
	// B.1: a literal with a name of the static table.
	decode(0, "0000 510b 2f69 6e64 6578 2e68 746d 6c", ":path: /index.html")
	table(0, 0)
	owed("")
	// B.2: two insertions, and a section that needs both; it comes first.
	section := unhex(t, "0381 1011")
	n, err := d.Decode(4, section, true, &b)
	require.NoError(t, err)
	require.Zero(t, n)
	require.True(t, b.Blocked)
	require.Equal(t, 1, d.Blocked())
	require.Empty(t, d.AppendUnblocked(nil))
	require.NoError(t, d.ReadEncoderStream(unhex(t, "3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d")))
	require.Empty(t, d.AppendUnblocked(nil))
	require.NoError(t, d.ReadEncoderStream(unhex(t, "c10c 2f73 616d 706c 652f 7061 7468")))
	require.Equal(t, 220, d.Capacity())
	require.Equal(t, []uint64{4}, d.AppendUnblocked(nil))
	table(2, 106)
	decode(4, "0381 1011", ":authority: www.example.com", ":path: /sample/path")
	owed("84")
	// B.3: an insertion whose reference is acknowledged by an increment.
	require.NoError(t, d.ReadEncoderStream(unhex(t, "4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565")))
	table(3, 160)
	owed("01")
	// B.4: a duplicate, and a stream that is cancelled.
	require.NoError(t, d.ReadEncoderStream(unhex(t, "02")))
	table(4, 217)
	section = unhex(t, "0500 80c1 81")
	decode(8, "0500 80c1 81", ":authority: www.example.com", ":path: /", "custom-key: custom-value")
	d.Init(nil)

	// The same without what B.4 does not get to see: the section is blocked when its stream is cancelled.
	d.Init(&qpack.Limits{TableCapacity: 220})
	require.NoError(t, d.ReadEncoderStream(unhex(t, "3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d c10c 2f73 616d 706c 652f 7061 7468"+
		"4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565")))
	owed("03")
	_, err = d.Decode(8, section, true, &b)
	require.NoError(t, err)
	require.True(t, b.Blocked)
	d.Cancel(8)
	require.Zero(t, d.Blocked())
	owed("48")
	require.NoError(t, d.ReadEncoderStream(unhex(t, "02")))
	// B.5: an insertion that evicts the oldest entry.
	require.NoError(t, d.ReadEncoderStream(unhex(t, "810d 6375 7374 6f6d 2d76 616c 7565 32")))
	table(4, 215)
	owed("02")
	decode(12, "0600 80", "custom-key: custom-value2")
}

// TestEncoderRepeats: an Encoder that knows of the peer's table says each field once.
func TestEncoderRepeats(t *testing.T) {
	var e qpack.Encoder
	var d qpack.Decoder
	var b qpack.Block
	capacity, blocked := (*qpack.Limits)(nil).Settings()
	require.NoError(t, e.SetPeer(capacity, blocked))
	fields := list(":method: GET", ":authority: www.example.com", "custom-key: custom-value")
	var sizes []int
	for i := range uint64(3) {
		section, ins := e.AppendSection(nil, nil, 4*i, fields)
		sizes = append(sizes, len(section))
		require.NoError(t, d.ReadEncoderStream(ins))
		_, err := d.Decode(4*i, section, true, &b)
		require.NoError(t, err)
		require.Equal(t, fields, b.Fields)
		require.NoError(t, e.ReadDecoderStream(d.AppendDecoderStream(nil, -1)))
		require.Zero(t, e.Outstanding())
	}
	require.Equal(t, []int{5, 5, 5}, sizes)
	require.Equal(t, uint64(2), e.KnownReceived())
}
