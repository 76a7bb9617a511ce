package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/purewire/purewire/codec/grpc"
)

// library is a message encoding by way of readers and writers.
type library struct {
	name  string
	read  func(io.Reader) (io.ReadCloser, error)
	write func(io.Writer) (io.WriteCloser, error)
}

func newZstd() grpc.Compression {
	return &library{name: "zstd",
		read: func(r io.Reader) (io.ReadCloser, error) {
			d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			return d.IOReadCloser(), nil
		},
		write: func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) },
	}
}

func newSnappy() grpc.Compression {
	return &library{name: "snappy",
		read:  func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(snappy.NewReader(r)), nil },
		write: func(w io.Writer) (io.WriteCloser, error) { return snappy.NewBufferedWriter(w), nil },
	}
}

func (l *library) Name() string { return l.name }

func (l *library) AppendCompressed(dst, src []byte) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	w, err := l.write(b)
	if err == nil {
		if _, err = w.Write(src); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		return dst, err
	}
	return b.Bytes(), nil
}

func (l *library) AppendDecompressed(dst, src []byte, max int) ([]byte, error) {
	r, err := l.read(bytes.NewReader(src))
	if err != nil {
		return dst, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, int64(max)+1))
	switch {
	case err != nil:
		return dst, err
	case len(b) > max:
		return dst, grpc.ErrInflated
	}
	return append(dst, b...), nil
}

// The runner writes names as the cases have them and binary values in base64.

func nameOf(name string) string { return strings.ToLower(name) }

func valueOf(name, v string) string {
	if strings.HasSuffix(name, "-bin") {
		if b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "=")); err == nil {
			return string(b)
		}
	}
	return v
}

func textOf(name, v string) string {
	if strings.HasSuffix(name, "-bin") {
		return base64.RawStdEncoding.EncodeToString([]byte(v))
	}
	return v
}
