package grpc

// Compression is a message encoding. A value belongs to one worker: it keeps buffers and state from one message to the next.
// Package compress (below this one) has gzip and deflate; register others beside them.
type Compression interface {
	// Name is what grpc-encoding calls it.
	Name() string
	// AppendCompressed appends src, compressed.
	AppendCompressed(dst, src []byte) ([]byte, error)
	// AppendDecompressed appends what src stands for, at most max bytes of it: it returns ErrInflated as soon as there is
	// more, without having grown dst much beyond. Any other error means that src is corrupt.
	AppendDecompressed(dst, src []byte, max int) ([]byte, error)
}

// ErrInflated is what Compression.AppendDecompressed returns at its limit: ResourceExhausted.
var ErrInflated = fail(rInflated)

// Encodings is the set of message encodings that one side supports, in the order of its preference. identity needs no entry.
type Encodings []Compression

// Lookup returns the encoding that grpc-encoding names, nil for identity or none. For one that is not supported the error's
// Code is Unimplemented, and the answer should carry the list of AppendNames in grpc-accept-encoding: "the server MUST include
// a grpc-accept-encoding response header which includes the algorithms that it supports".
func (e Encodings) Lookup(name []byte) (Compression, error) {
	if len(name) == 0 || string(name) == "identity" {
		return nil, nil
	}
	for _, c := range e {
		if c.Name() == string(name) {
			return c, nil
		}
	}
	return nil, fail(rEncoding)
}

// Choose returns the first encoding that a grpc-accept-encoding list holds, nil if there is none: send identity.
func (e Encodings) Choose(accept []byte) Compression {
	for _, c := range e {
		if Accepts(accept, c.Name()) {
			return c
		}
	}
	return nil
}

// AppendNames appends the value of grpc-accept-encoding.
func (e Encodings) AppendNames(dst []byte) []byte {
	dst = append(dst, "identity"...)
	for _, c := range e {
		dst = append(dst, ',')
		dst = append(dst, c.Name()...)
	}
	return dst
}

// Decompress appends the message that src stands for; max bounds it in bytes, 0 is DefaultMaxMessage, negative none. The error's
// Code is ResourceExhausted at the limit and Internal for a corrupt message; dst is returned unchanged then.
func Decompress(c Compression, dst, src []byte, max int) ([]byte, error) {
	if max == 0 {
		max = DefaultMaxMessage
	} else if max < 0 {
		max = 1<<31 - 1
	}
	out, err := c.AppendDecompressed(dst, src, max)
	switch {
	case err == nil:
		return out, nil
	case err == ErrInflated:
		return dst, err
	}
	return dst, fail(rInflate)
}

// AppendCompressedMessage appends a whole message, compressed by c. dst is returned unchanged on an error.
func AppendCompressedMessage(dst, msg []byte, c Compression) ([]byte, error) {
	out, err := AppendPrefix(dst, true, 0)
	if err != nil {
		return dst, err
	}
	at := len(out)
	if out, err = c.AppendCompressed(out, msg); err != nil {
		return dst, err
	}
	n := len(out) - at
	if uint64(n) > 1<<32-1 {
		return dst, errTooBig
	}
	p := out[at-4:]
	p[0], p[1], p[2], p[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return out, nil
}
