package hpack_test

import (
	"bytes"
	"math"
	"runtime"
	"strconv"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/stretchr/testify/require"
	xhpack "golang.org/x/net/http2/hpack"
)

// heap returns the live heap in octets.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// HP-01: 16 KiB that name an entry of 4 KiB over and over would be 64 MiB. At most the list limit comes out, little memory is
// used, the work is that of reading, and the connection lives.
func TestBomb(t *testing.T) {
	before := heap()
	var d hpack.Decoder
	var b hpack.Block
	wire := append([]byte("\x40\x01a"), "\x7f\xd0\x1e"...) // 127 + 0x50 + 30<<7 = 4047
	wire = append(wire, bytes.Repeat([]byte{'v'}, 4047)...)
	require.NoError(t, d.Decode(wire, true, &b))
	require.Equal(t, 1, d.TableLen())
	steps := d.Steps()
	bomb := bytes.Repeat([]byte{0xBE}, 16<<10)
	require.NoError(t, d.Decode(bomb, true, &b))
	require.True(t, b.TooLarge)
	require.Equal(t, 16<<10*4080, b.Size)
	surfaced := 0
	for i := range b.Fields {
		surfaced += hpack.FieldSize(&b.Fields[i])
	}
	require.LessOrEqual(t, surfaced, hpack.DefaultListSize)
	require.LessOrEqual(t, d.Steps()-steps, uint64(2*len(bomb)))
	grown := int64(heap()) - int64(before)
	t.Logf("%d octets name %d octets, %d surface, %d octets of heap", len(bomb), b.Size, surfaced, grown)
	require.Less(t, grown, int64(128<<10))
	require.NoError(t, d.Decode([]byte{0xBE, 0x82}, true, &b))
	require.Len(t, b.Fields, 2)
	runtime.KeepAlive(&d)
}

// HP-02: 100,000 references of one octet each to a tiny field. What is kept of them is bounded by the number of fields, not only
// by their size.
func TestManySmallFields(t *testing.T) {
	before := heap()
	var d hpack.Decoder
	var b hpack.Block
	d.Init(&hpack.Limits{ListSize: -1})
	wire := append([]byte("\x40\x01a\x00"), bytes.Repeat([]byte{0xBE}, 100_000)...)
	require.NoError(t, d.Decode(wire, true, &b))
	require.True(t, b.TooLarge)
	require.Len(t, b.Fields, hpack.DefaultFields)
	grown := int64(heap()) - int64(before)
	t.Logf("%d octets on the wire, %d octets of heap", len(wire), grown)
	require.Less(t, grown, int64(len(wire)/2))
	// The twin: a browser with many cookies and the usual fields.
	fields := list(":method: GET", ":scheme: https", ":path: /", ":authority: example.com")
	for i := range 80 {
		fields = append(fields, list("cookie: crumb"+strconv.Itoa(i)+"=value")...)
	}
	var e hpack.Encoder
	require.NoError(t, d.Decode(e.AppendBlock([]byte{0x20, 0x3F, 0xE1, 0x1F}, fields), true, &b))
	require.False(t, b.TooLarge)
	require.Equal(t, fields, b.Fields)
	runtime.KeepAlive(&d)
}

// HP-03: an integer that does not end is refused in its seventh octet, however it comes in; and the work for a long string is
// linear, also octet by octet (CVE-2022-41723 was Huffman strings decoded again at every octet).
func TestEndlessInteger(t *testing.T) {
	var b hpack.Block
	wire := append([]byte{0x1F}, bytes.Repeat([]byte{0xFF}, 1<<20)...)
	for n := 1; ; n++ {
		var d hpack.Decoder
		b.Reset()
		if err := d.Decode(wire[:n], false, &b); err != nil {
			require.LessOrEqual(t, n, 11)
			break
		}
	}
	perOctet := func(size int) float64 {
		wire := append([]byte("\x00\x01a"), hpackString(bytes.Repeat([]byte("value"), size/5))...)
		var d hpack.Decoder
		d.Init(&hpack.Limits{String: -1, ListSize: -1})
		for i := range wire {
			require.NoError(t, d.Decode(wire[i:i+1], i == len(wire)-1, &b))
		}
		require.Len(t, b.Fields, 1)
		return float64(d.Steps()) / float64(len(wire))
	}
	small, large := perOctet(64<<10), perOctet(1<<20)
	t.Logf("steps per octet: %.2f for 64 KiB, %.2f for 1 MiB", small, large)
	require.Less(t, large, 4.0)
	require.Less(t, large, 1.1*small)
}

// hpackString is s as a Huffman-encoded string literal.
func hpackString(s []byte) []byte {
	n := hpack.HuffmanLen(s)
	out := []byte{0xFF}
	for n -= 127; n >= 128; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return hpack.AppendHuffman(append(out, byte(n)), s)
}

// HP-04: blocks that empty and refill the table cost what they say, and no memory; whatever the peer offers, our own table stays
// below our own limit.
func TestSizeGames(t *testing.T) {
	var d hpack.Decoder
	var b hpack.Block
	toggle := []byte("\x20\x3f\xe1\x1f\x40\x01a\x01b")
	plain := []byte("\x82\x86\x84\x87\x88\x89\x8a\x8b\x8c")
	run := func(wire []byte) (steps uint64, allocs float64) {
		require.NoError(t, d.Decode(wire, true, &b))
		before := d.Steps()
		allocs = testing.AllocsPerRun(2000, func() {
			if d.Decode(wire, true, &b) != nil {
				t.Fatal(d.Err())
			}
		})
		return d.Steps() - before, allocs
	}
	ts, ta := run(toggle)
	ps, pa := run(plain)
	t.Logf("2,001 blocks of %d octets: %d steps with toggling, %d without", len(toggle), ts, ps)
	require.Zero(t, ta)
	require.Zero(t, pa)
	require.Less(t, ts, 4*ps)

	var e hpack.Encoder
	e.SetMaxTableSize(math.MaxInt)
	var wire []byte
	for i := range 10000 {
		wire = e.AppendBlock(wire[:0], list("x-"+strconv.Itoa(i)+": "+strconv.Itoa(i)))
		require.LessOrEqual(t, e.TableSize(), hpack.DefaultTableSize)
		require.NotEqual(t, byte(0x20), wire[0]&0xE0, "nothing to signal")
	}
	require.Equal(t, hpack.DefaultTableSize, e.MaxTableSize())
	// The twin: with a limit of its own above the default it does use more, after saying so.
	e.Init(&hpack.EncoderOptions{TableSize: 8192})
	require.Empty(t, e.AppendStart(nil))
	e.SetMaxTableSize(math.MaxInt)
	require.Equal(t, []byte{0x3F, 0xE1, 0x3F}, e.AppendStart(nil))
}

// HP-04: churn of the whole table in every block costs no memory beyond the documented twice its size.
func TestChurn(t *testing.T) {
	var d hpack.Decoder
	var b hpack.Block
	d.Init(&hpack.Limits{ListSize: -1, Fields: -1})
	var wire []byte
	for range 64 {
		wire = append(wire, "\x40\x01a\x40"...)
		wire = append(wire, bytes.Repeat([]byte{'x'}, 64)...)
	}
	for range 100 {
		require.NoError(t, d.Decode(wire, true, &b))
	}
	before := heap()
	allocs := testing.AllocsPerRun(1000, func() { _ = d.Decode(wire, true, &b) })
	require.Zero(t, allocs)
	require.NoError(t, d.Err())
	require.Less(t, int64(heap())-int64(before), int64(64<<10))
}

// HP-05: blocks that are refused, too large or empty keep the table in step with a reference decoder's, which is compared
// through what indices give.
func TestInStep(t *testing.T) {
	var e hpack.Encoder
	var d hpack.Decoder
	var b hpack.Block
	x := xhpack.NewDecoder(4096, nil)
	var got []codec.Field
	x.SetEmitFunc(func(f xhpack.HeaderField) {
		got = append(got, codec.Field{Name: []byte(f.Name), Value: []byte(f.Value)})
	})
	d.Init(&hpack.Limits{ListSize: 500})
	refused := 0
	for i := range 1000 {
		var fields []codec.Field
		for k := range 4 + i%3*5 {
			fields = append(fields, list("name"+strconv.Itoa((i*7+k)%40)+": "+strconv.Itoa(i%90*1000+k))...)
		}
		wire := e.AppendBlock(nil, fields)
		require.NoError(t, decodeAll(&d, &b, wire, i%20))
		got = got[:0]
		_, err := x.Write(wire)
		require.NoError(t, err)
		require.NoError(t, x.Close())
		if b.TooLarge {
			refused++
			require.Less(t, len(b.Fields), len(got))
		}
		require.True(t, sameFields(b.Fields, got[:len(b.Fields)]))
		require.Equal(t, e.TableLen(), d.TableLen())
		require.Equal(t, e.TableSize(), d.TableSize())
	}
	require.Greater(t, refused, 300)
	for i := range d.TableLen() {
		probe := indexed(62 + i)
		got = got[:0]
		_, err := x.Write(probe)
		require.NoError(t, err)
		require.NoError(t, d.Decode(probe, true, &b))
		require.Equal(t, got, b.Fields)
	}
	require.Error(t, d.Decode(indexed(62+d.TableLen()), true, &b))
}

// indexed is the indexed field i, below 255.
func indexed(i int) []byte {
	if i < 127 {
		return []byte{0x80 | byte(i)}
	}
	return []byte{0xFF, byte(i - 127)}
}

// HP-06: the never-indexed bit survives a hop, always, and nothing of such a field is left in a table; by default the values that
// are worth guessing are not indexed either. No memory is left behind by many names on many connections.
func TestSecrets(t *testing.T) {
	var e, hop hpack.Encoder
	var d, end hpack.Decoder
	var b, b2 hpack.Block
	for i := range 200 {
		fields := list("authorization: Bearer "+strconv.Itoa(i), "cookie: short"+strconv.Itoa(i), "x-key: "+strconv.Itoa(i), ":path: /"+strconv.Itoa(i))
		for k := range fields {
			fields[k].Sensitive = (i>>k)&1 == 1
		}
		require.NoError(t, d.Decode(e.AppendBlock(nil, fields), true, &b))
		require.NoError(t, end.Decode(hop.AppendBlock(nil, b.Fields), true, &b2))
		require.Equal(t, fields, b2.Fields)
	}
	// Of all these only the x-key that were not sensitive, half of them, are in the tables.
	require.Equal(t, 100, e.TableLen())
	require.Equal(t, 100, hop.TableLen())
	for i := range 100 {
		require.NoError(t, d.Decode(indexed(62+i), true, &b))
		require.Equal(t, "x-key", string(b.Fields[0].Name))
	}
}

// HP-06: CVE-2021-44716 was a cache of names for all connections.
func TestNoMemoryBeyondConnections(t *testing.T) {
	n := 200
	if testing.Short() {
		n = 20
	}
	before := heap()
	var b hpack.Block
	for c := range 100 {
		var e hpack.Encoder
		var d hpack.Decoder
		var wire []byte
		for i := range n {
			wire = e.AppendBlock(wire[:0], list("x-"+strconv.Itoa(c)+"-"+strconv.Itoa(i)+": v"))
			if err := d.Decode(wire, true, &b); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.Trim(0)
	grown := int64(heap()) - int64(before)
	t.Logf("%d octets of heap left after %d names", grown, 100*n)
	require.Less(t, grown, int64(1<<20))
}
