package qpack_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/hcode"
	"github.com/purewire/purewire/codec/qpack"
	"github.com/stretchr/testify/require"
)

// qifDir returns where the offline interop files are, or skips the test: they are not part of the repository.
func qifDir(t testing.TB) string {
	for _, dir := range []string{os.Getenv("QPACK_QIFS"), "../../../shared/data/qifs"} {
		if _, err := os.Stat(filepath.Join(dir, "netbsd.qif")); dir != "" && err == nil {
			return dir
		}
	}
	t.Skip("no offline interop files: set QPACK_QIFS to a directory with *.qif, encoded/, errors/ and nghttp3.tar.gz of qpackers/qifs")
	return ""
}

// readQIF reads the lists of a file.
func readQIF(t testing.TB, name string) (lists [][]codec.Field) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	var cur []codec.Field
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case line == "":
			if cur != nil {
				lists = append(lists, cur)
			}
			cur = nil
		default:
			name, value, found := strings.Cut(line, "\t")
			require.True(t, found, line)
			cur = append(cur, codec.Field{Name: []byte(name), Value: []byte(value)})
		}
	}
	if cur != nil {
		lists = append(lists, cur)
	}
	return lists
}

// record is a piece of one stream in an encoded file; stream 0 is the encoder stream.
type record struct {
	stream uint64
	data   []byte
}

func records(src []byte) (all []record, err error) {
	for len(src) > 0 {
		if len(src) < 12 {
			return nil, errors.New("cut record header")
		}
		n := binary.BigEndian.Uint32(src[8:])
		if uint64(len(src)-12) < uint64(n) {
			return nil, errors.New("cut record")
		}
		all = append(all, record{binary.BigEndian.Uint64(src), src[12 : 12+n]})
		src = src[12+n:]
	}
	return all, nil
}

// replay decodes the records and returns the lists by stream. Sections that are blocked are kept, as their owner would.
func replay(recs []record, l qpack.Limits) (map[uint64][]codec.Field, error) {
	l.ListSize, l.Fields, l.String = -1, -1, -1
	var d qpack.Decoder
	d.Init(&l)
	out := map[uint64][]codec.Field{}
	kept := map[uint64][]byte{}
	decode := func(stream uint64, data []byte) error {
		var b qpack.Block
		n, err := d.Decode(stream, data, true, &b)
		switch {
		case err != nil:
			return err
		case b.Blocked:
			kept[stream] = data
		case n != len(data):
			return fmt.Errorf("stream %d: %d of %d octets", stream, n, len(data))
		default:
			delete(kept, stream)
			out[stream] = b.Fields
		}
		return nil
	}
	for _, r := range recs {
		if r.stream != 0 {
			if err := decode(r.stream, r.data); err != nil {
				return nil, err
			}
			continue
		}
		if err := d.ReadEncoderStream(r.data); err != nil {
			return nil, err
		}
		for _, s := range d.AppendUnblocked(nil) {
			if err := decode(s, kept[s]); err != nil {
				return nil, err
			}
		}
	}
	if len(kept) > 0 {
		return nil, fmt.Errorf("%d sections stay blocked", len(kept))
	}
	return out, nil
}

// same reports whether got holds the lists, which belong to the streams 1, 2 and so on.
func same(lists [][]codec.Field, got map[uint64][]codec.Field) error {
	if len(got) != len(lists) {
		return fmt.Errorf("%d lists, want %d", len(got), len(lists))
	}
	for i, want := range lists {
		have := got[uint64(i+1)]
		if len(have) != len(want) {
			return fmt.Errorf("list %d: %d fields, want %d", i, len(have), len(want))
		}
		for k := range want {
			if !bytes.Equal(have[k].Name, want[k].Name) || !bytes.Equal(have[k].Value, want[k].Value) {
				return fmt.Errorf("list %d, field %d: %s: %q, want %s: %q", i, k, have[k].Name, have[k].Value, want[k].Name, want[k].Value)
			}
		}
	}
	return nil
}

// TestNghttp3Encodings: what nghttp3 made of the lists decodes to them, at each table size and limit of blocked streams.
func TestNghttp3Encodings(t *testing.T) {
	dir := qifDir(t)
	f, err := os.Open(filepath.Join(dir, "nghttp3.tar.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	lists := map[string][][]codec.Field{}
	files := 0
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		part := strings.Split(filepath.Base(h.Name), ".") // name.out.TABLE.BLOCKED.ACK
		require.Len(t, part, 5)
		table, _ := strconv.Atoi(part[2])
		blocked, _ := strconv.Atoi(part[3])
		if lists[part[0]] == nil {
			lists[part[0]] = readQIF(t, filepath.Join(dir, part[0]+".qif"))
		}
		recs, err := records(data)
		require.NoError(t, err)
		// The format has no SETTINGS: the table begins with its largest capacity, and no instruction says so.
		first := record{data: hcode.AppendInt(nil, 0x20, 5, uint64(table))}
		got, err := replay(append([]record{first}, recs...), limitsFor(table, blocked))
		if err == nil {
			err = same(lists[part[0]], got)
		}
		require.NoError(t, err, h.Name)
		files++
	}
	require.GreaterOrEqual(t, files, 90)
}

// limitsFor makes limits of settings, where 0 is none.
func limitsFor(table, blocked int) qpack.Limits {
	l := qpack.Limits{TableCapacity: table, BlockedStreams: blocked}
	if table == 0 {
		l.TableCapacity = -1
	}
	if blocked == 0 {
		l.BlockedStreams = -1
	}
	return l
}

func TestDraftExamples(t *testing.T) {
	dir := qifDir(t)
	data, err := os.ReadFile(filepath.Join(dir, "encoded", "draft-examples.out"))
	require.NoError(t, err)
	recs, err := records(data)
	require.NoError(t, err)
	got, err := replay(recs, qpack.Limits{TableCapacity: 4096, BlockedStreams: 100})
	require.NoError(t, err)
	require.Len(t, got, 3)
	for i, want := range readQIF(t, filepath.Join(dir, "draft-examples.qif")) {
		require.Equal(t, want, got[uint64(4*(i+1))])
	}
}

// TestErrorFiles: the inputs that must fail do. err9 and err10 use static index 0 and post-base indices in a way that was an
// error in a draft only.
func TestErrorFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(qifDir(t), "errors", "err*"))
	require.NoError(t, err)
	require.Len(t, files, 12)
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		recs, err := records(data)
		require.NoError(t, err)
		_, err = replay(recs, qpack.Limits{})
		if name := filepath.Base(f); name == "err9" || name == "err10" {
			require.NoError(t, err, name)
			continue
		}
		want := qpack.DecompressionFailed
		if recs[0].stream == 0 {
			want = qpack.EncoderStreamError
		}
		require.ErrorIs(t, err, want, f)
	}
}

// TestOurEncodings: our encodings of the lists decode to them at every table size and limit of blocked streams, with
// acknowledgments at once, late, and never.
func TestOurEncodings(t *testing.T) {
	dir := qifDir(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.qif"))
	require.NoError(t, err)
	for _, f := range files {
		lists := readQIF(t, f)
		for _, table := range []int{0, 256, 512, 4096} {
			for _, blocked := range []int{0, 100} {
				for _, delay := range []int{0, 5, -1} {
					name := fmt.Sprintf("%s.%d.%d.%d", filepath.Base(f), table, blocked, delay)
					total, err := converse(lists, limitsFor(table, blocked), delay)
					require.NoError(t, err, name)
					if table == 4096 && blocked == 100 && len(lists) > 10 {
						static, err := converse(lists, limitsFor(0, 0), delay)
						require.NoError(t, err)
						require.Less(t, total, static*9/10, "%s: the dynamic table is of no use", name)
					}
				}
			}
		}
	}
}

// converse encodes the lists and decodes them; acknowledgments reach the encoder so many sections later, negative is never. It
// returns the octets of sections and encoder stream.
func converse(lists [][]codec.Field, l qpack.Limits, delay int) (total int, err error) {
	var e qpack.Encoder
	e.Init(&qpack.EncoderOptions{BlockedStreams: 100})
	if err := e.SetPeer(l.Settings()); err != nil {
		return 0, err
	}
	l.Fields, l.ListSize, l.String = -1, -1, -1
	var d qpack.Decoder
	d.Init(&l)
	var b qpack.Block
	var acks [][]byte
	for i, want := range lists {
		stream := uint64(i + 1)
		section, ins := e.AppendSection(nil, nil, stream, want)
		total += len(section) + len(ins)
		if _, err := d.Decode(stream, section, true, &b); err != nil {
			return 0, err
		}
		if b.Blocked != (d.Blocked() == 1) || b.Blocked && l.BlockedStreams < 0 {
			return 0, errors.New("blocked")
		}
		again := b.Blocked
		if err := d.ReadEncoderStream(ins); err != nil {
			return 0, err
		}
		if again {
			if _, err := d.Decode(stream, section, true, &b); err != nil {
				return 0, err
			}
		}
		if err := same([][]codec.Field{want}, map[uint64][]codec.Field{1: b.Fields}); err != nil {
			return 0, fmt.Errorf("list %d: %w", i, err)
		}
		acks = append(acks, d.AppendDecoderStream(nil, -1))
		if delay >= 0 && i >= delay {
			if err := e.ReadDecoderStream(acks[i-delay]); err != nil {
				return 0, err
			}
		}
	}
	return total, nil
}
