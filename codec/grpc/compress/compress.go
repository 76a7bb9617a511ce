// Package compress has the message encodings of gRPC that come from a library: gzip (RFC 1952) and deflate (RFC 1950, the
// zlib format). A value belongs to one worker and keeps the library's state, some 800 KB for a compressor and 40 KB for a
// decompressor, from its first use on: share values through a pool of your own, not one per connection.
package compress

import (
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"

	"github.com/purewire/purewire/codec/grpc"
)

// Gzip is the message encoding "gzip". Its zero value is ready and compresses with the default level.
type Gzip struct {
	in  reader
	out writer
	r   *gzip.Reader
	w   *gzip.Writer
}

// Deflate is the message encoding "deflate". Its zero value is ready and compresses with the default level.
type Deflate struct {
	in  reader
	out writer
	r   io.ReadCloser
	w   *zlib.Writer
}

var (
	_ grpc.Compression = (*Gzip)(nil)
	_ grpc.Compression = (*Deflate)(nil)
)

// Name returns "gzip".
func (*Gzip) Name() string { return "gzip" }

// AppendCompressed appends src as one gzip member.
func (g *Gzip) AppendCompressed(dst, src []byte) ([]byte, error) {
	g.out.b = dst
	if g.w == nil {
		g.w = gzip.NewWriter(&g.out)
	} else {
		g.w.Reset(&g.out)
	}
	return finish(&g.out, g.w, dst, src)
}

// AppendDecompressed appends the content of one or more gzip members, at most max bytes.
func (g *Gzip) AppendDecompressed(dst, src []byte, max int) (out []byte, err error) {
	g.in.b = src
	defer func() { g.in.b = nil }()
	if g.r == nil {
		g.r = new(gzip.Reader)
	}
	if err = g.r.Reset(&g.in); err != nil {
		return dst, err
	}
	return inflate(g.r, dst, max)
}

// Name returns "deflate".
func (*Deflate) Name() string { return "deflate" }

// AppendCompressed appends src in the zlib format.
func (d *Deflate) AppendCompressed(dst, src []byte) ([]byte, error) {
	d.out.b = dst
	if d.w == nil {
		d.w = zlib.NewWriter(&d.out)
	} else {
		d.w.Reset(&d.out)
	}
	return finish(&d.out, d.w, dst, src)
}

// AppendDecompressed appends the content of a zlib stream, at most max bytes.
func (d *Deflate) AppendDecompressed(dst, src []byte, max int) (out []byte, err error) {
	d.in.b = src
	defer func() { d.in.b = nil }()
	if d.r == nil {
		if d.r, err = zlib.NewReader(&d.in); err != nil {
			d.r = nil
			return dst, err
		}
	} else if err = d.r.(zlib.Resetter).Reset(&d.in, nil); err != nil {
		return dst, err
	}
	return inflate(d.r, dst, max)
}

func finish(out *writer, w io.WriteCloser, dst, src []byte) ([]byte, error) {
	_, err := w.Write(src)
	if err == nil {
		err = w.Close()
	}
	b := out.b
	out.b = nil
	if err != nil {
		return dst, err
	}
	return b, nil
}

// inflate appends what r gives. Beyond limit it looks for one byte more: that is all it ever inflates too much.
func inflate(r io.Reader, dst []byte, limit int) ([]byte, error) {
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		room := dst[len(dst):cap(dst)]
		if left := limit - (len(dst) - start); left < len(room) {
			room = room[:max(left, 1)] // at the limit: is there one byte more?
		}
		n, err := r.Read(room)
		if len(dst)-start+n > limit {
			return dst[:start], grpc.ErrInflated
		}
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst[:start], err
		}
	}
}

// reader gives bytes without being asked for a buffer of its own.
type reader struct{ b []byte }

func (r *reader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

// ReadByte spares the library a bufio.Reader.
func (r *reader) ReadByte() (byte, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c, nil
}

type writer struct{ b []byte }

func (w *writer) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
