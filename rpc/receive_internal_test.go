package rpc

import (
	"bytes"
	"io"
	"testing"
	"unsafe"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/stretchr/testify/require"
)

// chunked gives a body in pieces of size bytes, then io.EOF, and looks at the receiver whenever it would wait.
type chunked struct {
	r     *receiver
	body  []byte
	size  int
	waits func(r *receiver)
}

func (c *chunked) Read(p []byte) (int, error) {
	if c.waits != nil {
		c.waits(c.r)
	}
	if len(c.body) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(c.size, len(p))], c.body)
	c.body = c.body[n:]
	return n, nil
}

// TestReceiver: messages of all sizes around those of the buffers, in pieces of many sizes, are what was sent, and stay so until the
// next is asked for.
func TestReceiver(t *testing.T) {
	sizes := []int{0, 1, 5, 128, smallSize - 6, smallSize - 5, smallSize - 4, smallSize, 2*smallSize - 1, 1000, readSize - 5, readSize, readSize + 1, 50_000}
	for _, piece := range []int{1, 7, 133, smallSize, 300, readSize, 1 << 20} {
		for _, first := range sizes {
			var body []byte
			var want [][]byte
			for i, n := range append([]int{first}, sizes...) {
				msg := bytes.Repeat([]byte{byte('a' + i)}, n)
				want = append(want, msg)
				body, _ = grpc.AppendMessage(body, msg)
			}
			r := new(receiver)
			r.init(&chunked{r: r, body: body, size: piece}, nil, 0, grpc.Plain, false)
			for i := range want {
				msg, err := r.next()
				require.NoError(t, err)
				require.True(t, bytes.Equal(want[i], msg), "message %d of %d bytes, pieces of %d", i, len(want[i]), piece)
			}
			_, err := r.next()
			require.Equal(t, io.EOF, err)
			r.release()

			single, _ := grpc.AppendMessage(nil, want[0])
			r = new(receiver)
			r.init(&chunked{r: r, body: single, size: piece}, nil, 0, grpc.Plain, false)
			msg, err := r.only("none", "many")
			require.NoError(t, err)
			require.True(t, bytes.Equal(want[0], msg))
			r.release()
			if piece > 1 {
				r = new(receiver)
				r.init(&chunked{r: r, body: append(single, single...), size: piece}, nil, 0, grpc.Plain, false)
				_, err = r.only("none", "many")
				require.ErrorIs(t, err, grpc.Unimplemented)
			}
		}
	}
}

// TestWaitingIsSmall: THREATS G-01: a stream that waits in the middle of a prefix, or between messages, holds no large buffer.
func TestWaitingIsSmall(t *testing.T) {
	require.Less(t, unsafe.Sizeof(receiver{}), uintptr(768))
	body, _ := grpc.AppendMessage(nil, make([]byte, 100_000))
	body = append(body, 0, 0, 0, 0) // four of five bytes
	waited := 0
	r := new(receiver)
	c := &chunked{r: r, body: body, size: 1 << 20}
	c.waits = func(r *receiver) {
		if len(c.body) == 0 || r.filled == 0 {
			waited++
			require.Nil(t, r.big)
		}
	}
	r.init(c, nil, 0, grpc.Plain, false)
	msg, err := r.next()
	require.NoError(t, err)
	require.Len(t, msg, 100_000)
	_, err = r.next()
	require.ErrorIs(t, err, grpc.Internal) // ended inside a message
	require.Equal(t, 2, waited)
}
