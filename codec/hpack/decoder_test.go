package hpack_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/stretchr/testify/require"
)

// decodeAll decodes a block in pieces of n octets, 0 for one piece, each in memory that is overwritten afterwards.
func decodeAll(d *hpack.Decoder, b *hpack.Block, wire []byte, n int) error {
	for n > 0 && len(wire) > n {
		piece := append([]byte(nil), wire[:n]...)
		if err := d.Decode(piece, false, b); err != nil {
			return err
		}
		for i := range piece {
			piece[i] = 0xA5
		}
		wire = wire[n:]
	}
	return d.Decode(wire, true, b)
}

// TestReasons reaches every failing branch, whole and in pieces, next to its honest twin, which differs in the one thing that
// matters.
func TestReasons(t *testing.T) {
	type row struct {
		name   string
		wire   string
		off    int64
		reason string // empty for a twin
		setup  func(d *hpack.Decoder, b *hpack.Block)
	}
	lower := func(sizes ...int) func(*hpack.Decoder, *hpack.Block) {
		return func(d *hpack.Decoder, b *hpack.Block) {
			for _, n := range sizes {
				d.SetTableSize(n)
			}
		}
	}
	oneEntry := func(d *hpack.Decoder, b *hpack.Block) {
		if err := d.Decode([]byte("\x40\x01a\x01b"), true, b); err != nil {
			panic(err)
		}
	}
	rows := []row{
		// RFC 7541 section 6.1-5: The index value of 0 is not used. It MUST be treated as a decoding error.
		{"index 0", "82 80", 1, "7541-6.1-5: indexed field with index 0", nil},
		{"index 1", "82 81", 0, "", nil},
		// RFC 7541 section 2.3.3-4: Indices strictly greater than the sum of the lengths of both tables MUST be treated as
		// a decoding error.
		{"index beyond the static table", "bd be", 1, "7541-2.3.3-4: index of a field beyond both tables", nil},
		{"last index of the dynamic table", "bd be", 0, "", oneEntry},
		{"index beyond the dynamic table", "be bf", 1, "7541-2.3.3-4: index of a field beyond both tables", oneEntry},
		{"long index beyond", "be ff00", 1, "7541-2.3.3-4: index of a field beyond both tables", oneEntry},
		{"name beyond the static table", "7e 00", 0, "7541-2.3.3-4: index of a name beyond both tables", nil},
		{"last name of the dynamic table", "7e 00", 0, "", oneEntry},
		{"name beyond the dynamic table", "0f31 00", 0, "7541-2.3.3-4: index of a name beyond both tables", oneEntry},
		{"last name, never indexed", "1f2f 00", 0, "", oneEntry},
		// RFC 7541 section 5.1-12: Integer encodings that exceed implementation limits -- in value or octet length -- MUST
		// be treated as decoding errors.
		{"index of six octets", "82 ff8080808000", 1, "7541-2.3.3-4: index of a field beyond both tables", nil},
		{"index of seven octets", "82 ff808080808000", 1, "7541-5.1-12: index of a field above 32 bits or in too many octets", nil},
		{"index above 32 bits", "82 ff8180ffff1f", 1, "7541-5.1-12: index of a field above 32 bits or in too many octets", nil},
		{"name index 15 with zeros", "0f8080808000 00", 0, "", nil},
		{"name index of seven octets", "0f808080808000 00", 0, "7541-5.1-12: index of a name above 32 bits or in too many octets", nil},
		{"length with zeros", "04 7f8080808000" + strings.Repeat("61", 127), 0, "", nil},
		{"length of a value in seven octets", "04 7f808080808000", 0, "7541-5.1-12: string length above 32 bits or in too many octets", nil},
		{"length of a name in seven octets", "82 00 7f808080808000", 1, "7541-5.1-12: string length above 32 bits or in too many octets", nil},
		{"update with zeros", "3f8080808000", 0, "", nil},
		{"update in seven octets", "3f808080808000", 0, "7541-5.1-12: table size above 32 bits or in too many octets", nil},
		// RFC 7541 section 6.3-4: A value that exceeds this limit MUST be treated as a decoding error.
		{"update to the limit", "3fe11f 82", 0, "", nil},
		{"update above the limit", "3fe21f 82", 0, "7541-6.3-4: table size update above the limit", nil},
		{"update above a raised limit", "3fe23f 82", 0, "7541-6.3-4: table size update above the limit", lower(8192)},
		{"update to a raised limit", "3fe13f 82", 0, "", lower(8192)},
		// RFC 7541 section 4.2-3: This dynamic table size update MUST occur at the beginning of the first header block
		// following the change to the dynamic table size.
		{"update behind a field", "82 20", 1, "7541-4.2-3: table size update behind a field", nil},
		{"update before a field", "20 82", 0, "", nil},
		{"no update although the limit was lowered", "82", 0, "7541-4.2-3: no table size update although the limit was lowered", lower(100)},
		{"no field and no update either", "", 0, "7541-4.2-3: no table size update although the limit was lowered", lower(100)},
		{"an update as the limit was lowered", "3f45 82", 0, "", lower(100)},
		{"no update as the limit was raised", "82", 0, "", lower(5000)},
		// RFC 7541 section 4.2-4: the smallest maximum table size that occurs in that interval MUST be signaled in a
		// dynamic table size update, ... resulting in at most two dynamic table size updates.
		{"three updates", "20 3fe11f 20 82", 4, "7541-4.2-4: more than two table size updates in a block", nil},
		{"two updates", "20 3fe11f 82", 0, "", nil},
		{"smallest limit not signaled", "3fc907 82", 0, "7541-4.2-4: first table size update above the smallest limit since the last block", lower(100, 1000)},
		{"smallest limit signaled", "3f45 3fc907 82", 0, "", lower(100, 1000)},
		{"smallest limit signaled, later ones lower", "3f45 82", 0, "", lower(1000, 100)},
		// RFC 7541 section 5.2-9: A Huffman-encoded string literal containing the EOS symbol MUST be treated as a decoding
		// error.
		{"EOS", "82 00 84ffffffff 00", 1, "7541-5.2-9: Huffman string contains EOS", nil},
		// RFC 7541 section 5.2-9: A padding strictly longer than 7 bits MUST be treated as a decoding error. A padding not
		// corresponding to the most significant bits of the code for the EOS symbol MUST be treated as a decoding error.
		{"padding of seven bits", "04 83 02ab7f", 0, "", nil},
		{"padding of fifteen bits", "04 84 02ab7fff", 0, "7541-5.2-9: more than seven bits of Huffman padding", nil},
		{"padding of eight bits", "04 82 f8ff", 0, "7541-5.2-9: more than seven bits of Huffman padding", nil},
		{"no padding", "04 81 f8", 0, "", nil},
		{"padding of three bits", "04 81 1f", 0, "", nil},
		{"padding with a zero", "04 81 1e", 0, "7541-5.2-9: Huffman padding is not the beginning of EOS", nil},
		// RFC 7541 section 3.1-2: A header block is the concatenation of header field representations.
		{"cut in an index", "82 ff", 1, "7541-3.1-2: block ends inside a representation", nil},
		{"cut in a name index", "82 7f", 1, "7541-3.1-2: block ends inside a representation", nil},
		{"cut in a name", "82 40 03 6162", 1, "7541-3.1-2: block ends inside a representation", nil},
		{"cut behind a name", "82 40 03 616263", 1, "7541-3.1-2: block ends inside a representation", nil},
		{"cut in a value", "82 40 03 616263 02 64", 1, "7541-3.1-2: block ends inside a representation", nil},
		{"not cut", "82 40 03 616263 01 64", 0, "", nil},
		{"cut in an update", "3f", 0, "7541-3.1-2: block ends inside a representation", nil},
	}
	seen := map[string]bool{}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			for n := range 8 {
				var d hpack.Decoder
				var b hpack.Block
				if r.setup != nil {
					r.setup(&d, &b)
				}
				err := decodeAll(&d, &b, unhex(t, r.wire), n)
				if r.reason == "" {
					require.NoError(t, err)
					continue
				}
				var e *hpack.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, hpack.Error{Scope: codec.ScopeConn, Code: hpack.CompressionError, Off: r.off, Reason: r.reason}, *e)
				require.ErrorIs(t, err, hpack.CompressionError)
				require.Equal(t, "hpack: "+r.reason, err.Error())
				require.Equal(t, err, d.Err())
				require.Equal(t, err, d.Decode([]byte{0x82}, true, &b), "sticky")
				require.Equal(t, err, d.Decode(nil, true, new(hpack.Block)), "sticky with any Block")
				d.Init(nil)
				require.NoError(t, d.Decode([]byte{0x82}, true, &b), "Init begins anew")
				seen[r.reason] = true
			}
		})
	}
	for _, reason := range hpack.Reasons() {
		if !seen[reason] {
			t.Errorf("no row reaches %q", reason)
		}
	}
	require.Equal(t, "COMPRESSION_ERROR", hpack.CompressionError.Error())
	require.Equal(t, "hpack: no code", hpack.Code(0).Error())
}

// TestMisuse holds that the caller's mistakes change nothing.
func TestMisuse(t *testing.T) {
	var d, other hpack.Decoder
	var b, b2 hpack.Block
	require.NoError(t, d.Decode([]byte{0x82}, false, &b))
	for _, c := range []struct {
		d *hpack.Decoder
		b *hpack.Block
		s string
	}{
		{&d, &b2, "hpack: misuse: the block was begun with another Block"},
		{&other, &b, "hpack: misuse: the Block is in the middle of another Decoder's block"},
	} {
		var e *hpack.Error
		err := c.d.Decode([]byte{0x84}, true, c.b)
		require.ErrorAs(t, err, &e)
		require.Equal(t, codec.ScopeMisuse, e.Scope)
		require.Equal(t, int64(-1), e.Off)
		require.EqualError(t, err, c.s)
		require.Nil(t, errors.Unwrap(err))
		require.NoError(t, c.d.Err())
	}
	require.NoError(t, d.Decode([]byte{0x84}, true, &b))
	require.Equal(t, list(":method: GET", ":path: /"), b.Fields)
	require.NoError(t, other.Decode([]byte{0x82}, true, &b), "free again")
	// A Decoder that is initialised in the middle of a block leaves the Block free, and one whose Block was reset begins anew.
	require.NoError(t, d.Decode([]byte{0x82}, false, &b))
	d.Init(nil)
	require.NoError(t, other.Decode([]byte{0x82}, true, &b))
	require.NoError(t, d.Decode([]byte{0x40}, false, &b))
	b.Reset()
	require.NoError(t, d.Decode([]byte{0x82}, true, &b))
	require.Equal(t, list(":method: GET"), b.Fields)
	// Reset in the middle and then used by another Decoder, a Block is that one's.
	require.NoError(t, d.Decode([]byte{0x40}, false, &b))
	b.Reset()
	require.NoError(t, other.Decode([]byte{0x82}, false, &b))
	require.EqualError(t, d.Decode([]byte{0x84}, false, &b), "hpack: misuse: the Block is in the middle of another Decoder's block")
	require.NoError(t, other.Decode([]byte{0x84}, true, &b))
	require.Equal(t, list(":method: GET", ":path: /"), b.Fields)
}

// TestLimits takes each limit exactly and one above, in pieces of every size.
func TestLimits(t *testing.T) {
	field := func(name, value string) string {
		return "\x40" + string(rune(len(name))) + name + string(rune(len(value))) + value
	}
	two := field("a", "bc") + field("de", "f") // 35 octets each
	for _, c := range []struct {
		name   string
		l      hpack.Limits
		wire   string
		fields int
		size   int
		large  bool
		table  int // entries afterwards
	}{
		{"list", hpack.Limits{ListSize: 70}, two, 2, 70, false, 2},
		{"list, one above", hpack.Limits{ListSize: 69}, two, 1, 70, true, 2},
		{"list, nothing fits", hpack.Limits{ListSize: 42}, field("a", strings.Repeat("b", 10)), 0, 43, true, 1},
		{"a small field behind a large one does not count as fitting", hpack.Limits{ListSize: 80}, field("a", strings.Repeat("b", 60)) + "\x82", 0, 135, true, 1},
		{"fields", hpack.Limits{Fields: 2}, two, 2, 70, false, 2},
		{"fields, one above", hpack.Limits{Fields: 1}, two, 1, 70, true, 2},
		{"none", hpack.Limits{Fields: -1, ListSize: -1, String: -1}, strings.Repeat("\x82", 5000), 5000, 5000 * 42, false, 0},
		{"default fields", hpack.Limits{}, strings.Repeat("\x82", hpack.DefaultFields), hpack.DefaultFields, 42 * hpack.DefaultFields, false, 0},
		{"default fields, one above", hpack.Limits{}, strings.Repeat("\x82", hpack.DefaultFields+1), hpack.DefaultFields, 42 * (hpack.DefaultFields + 1), true, 0},
		{"value", hpack.Limits{String: 20, TableSize: 5}, "\x00\x01a\x14" + strings.Repeat("v", 20), 1, 53, false, 0},
		{"value, one above", hpack.Limits{String: 20, TableSize: 5}, "\x00\x01a\x15" + strings.Repeat("v", 21), 0, 54, true, 0},
		{"name", hpack.Limits{String: 20, TableSize: 5}, "\x00\x14" + strings.Repeat("n", 20) + "\x01v", 1, 53, false, 0},
		{"name, one above", hpack.Limits{String: 20, TableSize: 5}, "\x00\x15" + strings.Repeat("n", 21) + "\x01v", 0, 54, true, 0},
		{"name and value above", hpack.Limits{String: 20, TableSize: 5}, "\x40\x15" + strings.Repeat("n", 21) + "\x15" + strings.Repeat("v", 21) + "\x82", 0, 74 + 42, true, 0},
		{"name above, value empty", hpack.Limits{String: 20, TableSize: 5}, "\x82\x40\x15" + strings.Repeat("n", 21) + "\x00\x82", 1, 53 + 84, true, 0},
		{"four times the table is read", hpack.Limits{String: 20, TableSize: 50}, "\x00\x01a\x7f\x49" + strings.Repeat("v", 200), 1, 233, false, 0},
		{"and not more", hpack.Limits{String: 20, TableSize: 50}, "\x00\x01a\x7f\x4a" + strings.Repeat("v", 201), 0, 234, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range 30 {
				var d hpack.Decoder
				var b hpack.Block
				d.Init(&c.l)
				require.NoError(t, decodeAll(&d, &b, []byte(c.wire), n))
				require.Len(t, b.Fields, c.fields)
				require.Equal(t, c.size, b.Size)
				require.Equal(t, c.large, b.TooLarge)
				require.Equal(t, c.table, d.TableLen())
				require.NoError(t, d.Decode([]byte{0x82}, true, &b), "the connection lives")
				require.Equal(t, list(":method: GET"), b.Fields)
				require.False(t, b.TooLarge)
			}
		})
	}
}

// TestOversizeEmptiesTable: a string that is too long to be read was to be indexed. RFC 7541 section 4.4-2: an attempt to add an
// entry larger than the maximum size causes the table to be emptied of all existing entries.
func TestOversizeEmptiesTable(t *testing.T) {
	long := strings.Repeat("v", 5000)
	length := "\x7f\x89\x26"
	for _, c := range []struct {
		wire string
		left int
	}{
		{"\x00\x01a" + length + long, 1}, {"\x10\x01a" + length + long, 1}, {"\x40\x01a" + length + long, 0},
		{"\x40" + length + long + "\x01a", 0}, {"\x00" + length + long + "\x01a", 1},
	} {
		for _, n := range []int{0, 1, 7, 1000} {
			var d hpack.Decoder
			var b hpack.Block
			d.Init(&hpack.Limits{TableSize: 1000, String: 100})
			require.NoError(t, d.Decode([]byte("\x40\x01a\x01b"), true, &b))
			require.NoError(t, decodeAll(&d, &b, []byte(c.wire), n))
			require.True(t, b.TooLarge)
			require.Equal(t, c.left, d.TableLen())
			require.Error(t, decodeAll(&d, &b, []byte(c.wire[:len(c.wire)-1]), n), "cut in a string that is skipped")
		}
	}
	// Behind an oversize name the length of the value is read as anywhere.
	var d hpack.Decoder
	var b hpack.Block
	d.Init(&hpack.Limits{TableSize: -1, String: 10})
	err := decodeAll(&d, &b, []byte("\x40\x0b"+long[:11]+"\x7f\x80\x80\x80\x80\x80\x80"), 3)
	require.EqualError(t, err, "hpack: 7541-5.1-12: string length above 32 bits or in too many octets")
}

// TestEvictedInBlock: a field of the list stays what it was when its entry is evicted and overwritten in the same block.
func TestEvictedInBlock(t *testing.T) {
	var d hpack.Decoder
	var b hpack.Block
	d.Init(&hpack.Limits{TableSize: 200, Fields: -1})
	wire := []byte("\x40\x01a\x08original\xbe")
	for i := range 100 {
		wire = append(wire, "\x40\x01b\x7f\x0b"...)
		wire = append(wire, bytes.Repeat([]byte{'A' + byte(i%26)}, 138)...)
	}
	require.NoError(t, d.Decode(wire, true, &b))
	require.Equal(t, "original", string(b.Fields[0].Value))
	require.Equal(t, "original", string(b.Fields[1].Value))
	require.Equal(t, 1, d.TableLen())
	// RFC 7541 section 4.4-3: A new entry can reference the name of an entry in the dynamic table that will be evicted when
	// adding this new entry into the dynamic table.
	d.Init(&hpack.Limits{TableSize: 50})
	require.NoError(t, d.Decode([]byte("\x40\x05namex\x05value\x7e\x06longer"), true, &b))
	require.Equal(t, list("namex: value", "namex: longer"), b.Fields)
	require.NoError(t, d.Decode([]byte("\xbe"), true, &b))
	require.Equal(t, list("namex: longer"), b.Fields)
}

// TestBlockKeepsApart: appending to one field does not reach the next one.
func TestBlockKeepsApart(t *testing.T) {
	var d hpack.Decoder
	var b hpack.Block
	require.NoError(t, d.Decode([]byte("\x40\x01a\x01b\x40\x01c\x01d\x82\x83\xbe"), true, &b))
	for i := range b.Fields {
		f := &b.Fields[i]
		_ = append(f.Name, "XXXX"...)
		_ = append(f.Value, "XXXX"...)
	}
	require.Equal(t, list("a: b", "c: d", ":method: GET", ":method: POST", "c: d"), b.Fields)
}

func TestBlockTrim(t *testing.T) {
	var d hpack.Decoder
	var b hpack.Block
	d.Init(&hpack.Limits{Fields: -1})
	wire := append(bytes.Repeat([]byte{0x82}, 100), "\x00\x01a\x7f\xa1\x1f"...)
	wire = append(wire, bytes.Repeat([]byte{'v'}, 4128)...)
	require.NoError(t, decodeAll(&d, &b, wire, 3000))
	require.Len(t, b.Fields, 101)
	b.Trim(1 << 20)
	require.GreaterOrEqual(t, cap(b.Fields), 101)
	b.Trim(1000)
	require.Zero(t, cap(b.Fields))
	require.NoError(t, d.Decode([]byte{0x82}, true, &b))
	require.Equal(t, list(":method: GET"), b.Fields)
}

func TestTableAccessors(t *testing.T) {
	var d hpack.Decoder
	var b hpack.Block
	require.Equal(t, 4096, d.MaxTableSize())
	require.NoError(t, d.Decode([]byte("\x3f\x45\x40\x01a\x01b"), true, &b)) // 100
	require.Equal(t, 100, d.MaxTableSize())
	require.Equal(t, 34, d.TableSize())
	require.Equal(t, 1, d.TableLen())
	require.NotZero(t, d.Steps())
	require.NoError(t, d.Decode([]byte("\x20"), true, &b))
	require.Zero(t, d.TableLen())
	d.Init(&hpack.Limits{TableSize: -1})
	require.Zero(t, d.MaxTableSize())
	d.SetTableSize(-5)
	require.NoError(t, d.Decode([]byte("\x20"), true, &b))
	require.Equal(t, 35, hpack.FieldSize(&codec.Field{Name: []byte("ab"), Value: []byte("c")}))
}
