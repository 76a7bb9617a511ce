package hpack_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/stretchr/testify/require"
)

// TestSizeUpdates: RFC 7541 section 4.2-4: the smallest maximum table size that occurs in that interval MUST be signaled in a
// dynamic table size update. The final maximum size is always signaled, resulting in at most two.
func TestSizeUpdates(t *testing.T) {
	for _, c := range []struct {
		name  string
		own   int
		sizes []int
		want  string
		max   int
	}{
		{"nothing", 0, nil, "", 4096},
		{"the same", 0, []int{4096}, "", 4096},
		{"lower", 0, []int{100}, "3f45", 100},
		{"zero", 0, []int{0}, "20", 0},
		{"negative is zero", 0, []int{-1}, "20", 0},
		{"lower and back", 0, []int{100, 4096}, "3f45 3fe11f", 4096},
		{"lower, higher, lower", 0, []int{1000, 100, 500}, "3f45 3fd503", 500},
		{"falling", 0, []int{1000, 100}, "3f45", 100},
		{"higher than own", 0, []int{65536}, "", 4096},
		{"higher", 65536, []int{65536}, "3fe1ff03", 65536},
		{"higher and back", 65536, []int{65536, 4096}, "", 4096},
		{"own is lower", 1000, nil, "3fc907", 1000},
		{"own is lower, peer lower still", 1000, []int{100}, "3f45", 100},
		{"own is lower, peer lower and back", 1000, []int{100, 4096}, "3f45 3fc907", 1000},
		{"no table", -1, nil, "20", 0},
		{"no table, higher", -1, []int{65536}, "20", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e hpack.Encoder
			var d hpack.Decoder
			var b hpack.Block
			e.Init(&hpack.EncoderOptions{TableSize: c.own})
			d.Init(nil)
			for _, n := range c.sizes {
				e.SetMaxTableSize(n)
				d.SetTableSize(n)
			}
			require.Equal(t, c.max, e.MaxTableSize())
			wire := e.AppendBlock([]byte("x"), c3fields[2])
			want := unhex(t, c.want)
			require.Equal(t, want, wire[1:1+len(want)])
			require.NotEqual(t, byte(0x20), wire[1+len(want)]&0xE0, "no further update")
			require.NoError(t, d.Decode(wire[1:], true, &b))
			require.Equal(t, c3fields[2], b.Fields)
			require.Equal(t, c.max, d.MaxTableSize())
			require.Empty(t, e.AppendStart(nil), "said once")
		})
	}
	// Entries that do not fit are gone on both sides.
	var e hpack.Encoder
	var d hpack.Decoder
	var b hpack.Block
	require.NoError(t, d.Decode(e.AppendBlock(nil, c3fields[2]), true, &b))
	e.SetMaxTableSize(60)
	d.SetTableSize(60)
	require.NoError(t, d.Decode(e.AppendBlock(nil, c3fields[2]), true, &b))
	require.Equal(t, c3fields[2], b.Fields)
	require.Equal(t, e.TableSize(), d.TableSize())
}

// TestRepresentations checks which representation is chosen.
func TestRepresentations(t *testing.T) {
	long := strings.Repeat("v", 4000)
	for _, c := range []struct {
		name  string
		o     hpack.EncoderOptions
		field string
		first byte // of the field's first encoding
		again byte // and of the second
	}{
		{"static field", hpack.EncoderOptions{}, ":method: GET", 0x82, 0x82},
		{"static field, not the first of the name", hpack.EncoderOptions{}, ":status: 404", 0x8D, 0x8D},
		{"static field without value", hpack.EncoderOptions{}, "accept-encoding: gzip, deflate", 0x90, 0x90},
		{"static name", hpack.EncoderOptions{}, ":status: 418", 0x48, 0xBE},
		{"new name", hpack.EncoderOptions{}, "x-y: z", 0x40, 0xBE},
		{"path", hpack.EncoderOptions{}, ":path: /x", 0x04, 0x04},
		{"content length", hpack.EncoderOptions{}, "content-length: 17", 0x0F, 0x0F},
		{"authorization", hpack.EncoderOptions{}, "authorization: Basic YQ==", 0x0F, 0x0F},
		{"short cookie", hpack.EncoderOptions{}, "cookie: id=1234567890123456", 0x0F, 0x0F},
		{"long cookie", hpack.EncoderOptions{}, "cookie: id=12345678901234567", 0x60, 0xBE},
		{"path, all", hpack.EncoderOptions{Indexing: hpack.IndexAll}, ":path: /x", 0x44, 0xBE},
		{"short cookie, all", hpack.EncoderOptions{Indexing: hpack.IndexAll}, "cookie: a=b", 0x60, 0xBE},
		{"new name, none", hpack.EncoderOptions{Indexing: hpack.IndexNone}, "x-y: z", 0x00, 0x00},
		{"static field, none", hpack.EncoderOptions{Indexing: hpack.IndexNone}, ":method: GET", 0x82, 0x82},
		{"most of the table", hpack.EncoderOptions{}, "x-y: " + long, 0x00, 0x00},
		{"most of the table, all", hpack.EncoderOptions{Indexing: hpack.IndexAll}, "x-y: " + long, 0x40, 0xBE},
		{"more than the table, all", hpack.EncoderOptions{Indexing: hpack.IndexAll}, "x-y: " + long + long, 0x00, 0x00},
		{"no table", hpack.EncoderOptions{TableSize: -1}, "x-y: z", 0x00, 0x00},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e hpack.Encoder
			e.Init(&c.o)
			e.AppendStart(nil)
			f := list(c.field)[0]
			require.Equal(t, c.first, e.AppendField(nil, f)[0])
			require.Equal(t, c.again, e.AppendField(nil, f)[0])
			f.Sensitive = true
			require.Equal(t, byte(0x10), e.AppendField(nil, f)[0]&0xF0)
		})
	}
}

// TestStrings: Huffman-encoded where shorter, always, or never; with lengths of one, two and three octets.
func TestStrings(t *testing.T) {
	for _, n := range []int{0, 1, 100, 126, 127, 128, 202, 203, 204, 254, 255, 256, 5000, 20000, 40000} {
		for _, s := range []string{strings.Repeat("0", n), strings.Repeat("\x01", n), strings.Repeat("X", n), strings.Repeat("&", n)} {
			sizes := map[string]int{}
			for _, how := range []string{"shorter", "always", "never"} {
				var e hpack.Encoder
				e.Init(&hpack.EncoderOptions{NoHuffman: how == "never"})
				if how == "always" {
					e.AlwaysHuffman()
				}
				f := codec.Field{Name: []byte("x"), Value: []byte(s)}
				wire := e.AppendBlock([]byte("before"), []codec.Field{f})
				require.Equal(t, "before", string(wire[:6]))
				wire = wire[6:]
				sizes[how] = len(wire)
				var d hpack.Decoder
				var b hpack.Block
				d.Init(&hpack.Limits{String: -1, ListSize: -1})
				require.NoError(t, d.Decode(wire, true, &b))
				require.True(t, sameFields([]codec.Field{f}, b.Fields))
				if how == "never" {
					require.True(t, bytes.HasSuffix(wire, f.Value))
				}
			}
			require.LessOrEqual(t, sizes["shorter"], min(sizes["always"], sizes["never"])+1)
		}
	}
}

// TestZeroEncoder: the zero value, and the methods in any order.
func TestZeroEncoder(t *testing.T) {
	var a, b, c hpack.Encoder
	a.Init(nil)
	f := list("x-y: z")
	require.Equal(t, 4096, b.MaxTableSize())
	require.Equal(t, a.AppendBlock(nil, f), b.AppendBlock(nil, f))
	require.Equal(t, a.AppendField(nil, f[0]), b.AppendField(nil, f[0]))
	require.Equal(t, byte(0x40), c.AppendField(nil, f[0])[0])
	require.Equal(t, 36, c.TableSize())
	require.Equal(t, 1, c.TableLen())
	c.Init(nil)
	require.Zero(t, c.TableLen())
	require.Equal(t, byte(0x40), c.AppendField(nil, f[0])[0], "the index is empty too")
	var d hpack.Encoder
	d.SetMaxTableSize(0)
	require.Equal(t, []byte{0x20}, d.AppendStart(nil))
}

// TestSilence: no allocation in the steady state: fields that come again, and fields that churn the table.
func TestSilence(t *testing.T) {
	var e hpack.Encoder
	var d hpack.Decoder
	var b hpack.Block
	wire := make([]byte, 0, 1<<16)
	value := []byte("value000")
	fields := append(append([]codec.Field(nil), c3fields[2]...), codec.Field{Name: []byte("x-n"), Value: value})
	round := func() {
		value[7]++
		if value[7]%16 == 0 {
			value[6]++
		}
		wire = e.AppendBlock(wire[:0], fields)
		if d.Decode(wire[:len(wire)/2], false, &b) != nil || d.Decode(wire[len(wire)/2:], true, &b) != nil || len(b.Fields) != len(fields) {
			t.Fatal(d.Err())
		}
	}
	for range 2000 {
		round()
	}
	require.Zero(t, testing.AllocsPerRun(2000, round))
	bad := []byte{0x82, 0x80}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		d.Init(nil)
		if d.Decode(bad, true, &b) == nil {
			t.Fatal("no error")
		}
	}))
}
