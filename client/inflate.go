package client

import (
	"io"

	"github.com/klauspost/compress/gzip"
)

// inflater is the Body of a response that Transport decompresses. The gzip header is read with the first Read.
type inflater struct {
	src  io.ReadCloser
	z    *gzip.Reader
	left int64 // 0: no limit
	read int64
	err  error
}

func (f *inflater) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.z == nil {
		if f.z, f.err = gzip.NewReader(f.src); f.err != nil {
			return 0, f.err
		}
	}
	n, err := f.z.Read(p)
	f.read += int64(n)
	if f.left > 0 && f.read > f.left {
		n -= int(f.read - f.left)
		err = ErrTooBig
	}
	f.err = err
	return n, err
}

func (f *inflater) Close() error { return f.src.Close() }
