package native

import (
	"context"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
)

// Call is one call. It is lent to the Func until that returns.
type Call struct {
	h *Handler
	m method

	// The long way.
	stream *rpc.Stream
	ctx    context.Context

	// The short way.
	step  func(*server.Ctx)
	kind  string // content-type of the response
	began codec.Time
	head  grpc.Request
	dec   grpc.Decoder
	ev    grpc.Event
	whole bool // a message is complete
	req   []byte
	out   []byte
	md    []entry
	mem   []byte // what md refers to

	header, trailer, fields []codec.Field
	arena                   []byte // of all three
}

// entry is a field of metadata as it was sent, in Call.mem: head fields are gone by the time the message is here.
type entry struct{ name, value, end int }

// keepSize is the largest buffer that a Call keeps for the next one.
const keepSize = 64 << 10

// free makes the Call ready for the next one.
func (c *Call) free() {
	small := func(b []byte) []byte {
		if cap(b) > keepSize {
			return nil
		}
		return b[:0]
	}
	c.m, c.kind, c.head, c.ev, c.whole = method{}, "", grpc.Request{}, grpc.Event{}, false
	c.req, c.out, c.mem, c.arena = small(c.req), small(c.out), small(c.mem), small(c.arena)
	c.md = c.md[:0]
	clear(c.header)
	clear(c.trailer)
	c.header, c.trailer, c.fields = c.header[:0], c.trailer[:0], c.fields[:0]
	c.h.pool.Put(c)
}

// takeMetadata copies the metadata. It returns false if binary values are not what they claim: that is for the long way to say.
func (c *Call) takeMetadata(fields []codec.Field) bool {
	for i := range fields {
		f := &fields[i]
		if grpc.IsReserved(f.Name) {
			continue
		}
		if grpc.IsBinary(f.Name) {
			err := grpc.BinaryValues(f.Value, c.arena, func([]byte) {})
			if err != nil {
				return false
			}
		}
		at := len(c.mem)
		c.mem = append(append(c.mem, f.Name...), f.Value...)
		c.md = append(c.md, entry{at, at + len(f.Name), len(c.mem)})
	}
	return true
}

// Method is the path, "/Service/Method".
func (c *Call) Method() string { return c.m.path }

// Metadata returns the first value that the client sent under a name in lower case, nil if there is none. Values of names that end
// in "-bin" are the bytes that they stand for.
func (c *Call) Metadata(name string) []byte {
	if c.stream != nil {
		if v := c.stream.Metadata()[name]; len(v) > 0 {
			return []byte(v[0])
		}
		return nil
	}
	for _, e := range c.md {
		if string(c.mem[e.name:e.value]) != name {
			continue
		}
		v := c.mem[e.value:e.end:e.end]
		if grpc.IsBinary(c.mem[e.name:e.value]) {
			var first []byte
			_ = grpc.BinaryValues(v, nil, func(b []byte) {
				if first == nil {
					first = append([]byte{}, b...)
				}
			})
			return first
		}
		return v
	}
	return nil
}

// Timeout returns how long the client will wait, counted from when its request came (0 and false: for ever).
func (c *Call) Timeout() (d time.Duration, ok bool) {
	if c.stream != nil {
		by, ok := c.ctx.Deadline()
		if !ok {
			return 0, false
		}
		return time.Until(by), true
	}
	return c.head.Timeout, c.head.HasTimeout
}

// SetHeader adds metadata to the header section of the response. It fails for names and values that cannot be sent.
func (c *Call) SetHeader(name, value string) error {
	if c.stream != nil {
		return c.stream.SetHeader(rpc.Metadata{name: {value}})
	}
	return c.add(&c.header, name, value)
}

// SetTrailer adds metadata to the trailers.
func (c *Call) SetTrailer(name, value string) error {
	if c.stream != nil {
		return c.stream.SetTrailer(rpc.Metadata{name: {value}})
	}
	return c.add(&c.trailer, name, value)
}

func (c *Call) add(list *[]codec.Field, name, value string) (err error) {
	*list, c.arena, err = grpc.AppendMetadata(*list, c.arena, []codec.Field{{Name: []byte(name), Value: []byte(value)}})
	return err
}
