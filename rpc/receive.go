package rpc

import (
	"errors"
	"io"
	"sync"

	"github.com/purewire/purewire/codec/grpc"
)

// readSize is a read buffer, smallSize the one that a stream waits with: what says nothing for long should cost little.
const (
	readSize  = 16 << 10
	smallSize = 256
)

var readPool = sync.Pool{New: func() any { return new([readSize]byte) }}

// receiver takes messages out of a body. It holds one read buffer, a small one while it waits, and one message: what is not
// asked for stays in the connection, and flow control holds the peer back.
type receiver struct {
	src    io.Reader
	enc    *Encoding // what grpc-encoding names
	max    int64     // as the codec takes it: 0 default, negative none
	dec    grpc.Decoder
	ev     grpc.Event
	small  [smallSize]byte
	big    *[readSize]byte // in place of small when there is much to read
	buf    []byte          // the one in use
	full   bool            // the last read filled it
	base   int             // what is before it in buf is a message that must stay
	filled int             // the end of what was read into buf last
	data   []byte          // read and not decoded
	msg    []byte          // a message that came in pieces
	out    []byte          // a message inflated
	web    []byte          // the trailers of a gRPC-Web body
	text   *grpc.TextDecoder
	raw    []byte // decoded from base64
	err    error  // how it ended
	eof    bool   // src has ended
	packed bool   // the last message came compressed
}

func (r *receiver) init(src io.Reader, enc *Encoding, max int64, wire grpc.Wire, response bool) {
	var mode grpc.Mode
	if enc != nil {
		mode |= grpc.AcceptCompressed
	}
	if wire != grpc.Plain && response {
		mode |= grpc.Web
	}
	if wire == grpc.WebText {
		r.text = new(grpc.TextDecoder)
	}
	r.src, r.enc, r.max = src, enc, max
	r.dec.Init(max, mode)
}

// release gives the read buffer back: no message is valid any more.
func (r *receiver) release() {
	if r.buf != nil {
		r.shrink()
		r.buf, r.data = nil, nil
		r.err = io.ErrClosedPipe
	}
}

// next returns the next message, valid until the next call; io.EOF behind the last one. Errors repeat.
func (r *receiver) next() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	msg, err := r.read()
	if err != nil {
		var e *grpc.Error
		if errors.As(err, &e) { // it lives in the event
			c := *e
			err = &c
		}
		r.err = err
	}
	return msg, err
}

func (r *receiver) read() ([]byte, error) {
	r.msg = r.msg[:0]
	for {
		for len(r.data) > 0 {
			n, err := r.dec.Next(r.data, &r.ev)
			r.data = r.data[n:]
			if err != nil {
				return nil, err
			}
			switch {
			case r.ev.Kind == grpc.Trailers:
				r.web = append(r.web, r.ev.Data...)
				if r.ev.Last && r.ev.Compressed {
					if r.web, err = r.enc.decompress(nil, r.web, grpc.DefaultMaxTrailers); err != nil {
						return nil, err
					}
				}
			case r.ev.Kind != grpc.Message:
			case r.ev.First && r.ev.Last:
				return r.inflated(r.ev.Data, r.ev.Compressed)
			default:
				r.msg = append(r.msg, r.ev.Data...) // grows with what has come, not with what was declared
				if r.ev.Last {
					return r.inflated(r.msg, r.ev.Compressed)
				}
			}
		}
		if r.eof {
			if r.text != nil {
				if err := r.text.Finish(); err != nil {
					return nil, err
				}
			}
			if err := r.dec.Finish(&r.ev); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

func (r *receiver) fill() error {
	switch {
	case r.base > 0 && len(r.buf)-r.base >= smallSize/4:
		// There is room behind the message that must stay.
	case r.base > 0 || r.full:
		if r.base > 0 {
			r.big = nil // it may hold that message
		}
		if r.big == nil {
			r.big = readPool.Get().(*[readSize]byte)
		}
		r.buf, r.base = r.big[:], 0
	default:
		r.shrink()
		r.buf = r.small[:]
	}
	n, err := r.src.Read(r.buf[r.base:])
	r.filled = r.base + n
	r.full = r.filled == len(r.buf)
	r.data = r.buf[r.base:r.filled]
	if r.text != nil {
		var bad error
		if r.raw, bad = r.text.AppendDecoded(r.raw[:0], r.data); bad != nil {
			return bad
		}
		r.data = r.raw
	}
	switch {
	case err == io.EOF:
		r.eof = true
	case err != nil:
		return err
	}
	return nil
}

// shrink gives the big buffer back.
func (r *receiver) shrink() {
	if r.big != nil {
		readPool.Put(r.big)
		r.big = nil
	}
}

func (r *receiver) inflated(msg []byte, compressed bool) ([]byte, error) {
	if r.packed = compressed; !compressed {
		return msg, nil
	}
	out, err := r.enc.decompress(r.out[:0], msg, int(r.max))
	if err != nil {
		return nil, err
	}
	r.out = out
	return out, nil
}

// only returns the one message that a body must hold; none and many are what it must not hold.
func (r *receiver) only(none, many string) ([]byte, error) {
	msg, err := r.next()
	if err == io.EOF {
		// statuscodes.md: "Request cardinality violation": UNIMPLEMENTED, and the same for the response.
		return nil, &Error{Code: grpc.Unimplemented, Message: none}
	}
	if err != nil {
		return nil, err
	}
	if r.text != nil {
		msg = append([]byte(nil), msg...)
	} else {
		r.base = r.filled
	}
	switch _, err = r.next(); err {
	case io.EOF:
		return msg, nil
	case nil:
		return nil, &Error{Code: grpc.Unimplemented, Message: many}
	}
	return nil, err
}
