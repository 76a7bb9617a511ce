package websocket

import "sync"

// refMin is from which length bytes go to the driver by reference instead of being copied once more.
const refMin = 16 << 10

// buffer is pooled memory for output that waits and for messages that come in pieces.
type buffer struct{ b []byte }

// A connection that waits for nothing holds no buffer. Larger ones than the last class are left to the garbage collector.
var (
	classes = [...]int{512, 4 << 10, 64 << 10}
	buffers [len(classes)]sync.Pool
)

// getBuffer returns an empty buffer for n bytes or more.
func getBuffer(n int) *buffer {
	for i, size := range classes {
		if n <= size {
			if b, _ := buffers[i].Get().(*buffer); b != nil {
				return b
			}
			return &buffer{make([]byte, 0, size)}
		}
	}
	return &buffer{make([]byte, 0, n)}
}

func putBuffer(b *buffer) {
	for i := len(classes) - 1; i >= 0; i-- {
		if cap(b.b) >= classes[i] {
			if cap(b.b) <= 2*classes[len(classes)-1] {
				b.b = b.b[:0]
				buffers[i].Put(b)
			}
			return
		}
	}
}

// chunk is a run of encoded bytes: either a buffer of our own or somebody's bytes.
type chunk struct {
	own     *buffer
	ref     []byte
	release func()
}

func (k *chunk) bytes() []byte {
	if k.own != nil {
		return k.own.b
	}
	return k.ref
}

// queue is output that the driver has not taken yet.
type queue struct {
	chunks []chunk
	head   int // the first chunk that is not sent whole
	off    int // bytes of it that are sent
	n      int // bytes in all
}

var queues = sync.Pool{New: func() any { return new(queue) }}

// tail returns the buffer that n more bytes are to be appended to.
func (q *queue) tail(n int) *buffer {
	if k := len(q.chunks); k > q.head {
		if b := q.chunks[k-1].own; b != nil && cap(b.b)-len(b.b) >= n {
			return b
		}
		n = max(n, min(8*classes[0]*(k-q.head), classes[len(classes)-1]))
	}
	b := getBuffer(n)
	q.chunks = append(q.chunks, chunk{own: b})
	return b
}

// front returns the bytes that go out next.
func (q *queue) front() []byte { return q.chunks[q.head].bytes()[q.off:] }

// sent takes n bytes of the front off. It returns what to call because a reference is free, nil for nothing.
func (q *queue) sent(n int) (release func()) {
	q.n -= n
	q.off += n
	k := &q.chunks[q.head]
	if q.off < len(k.bytes()) {
		return nil
	}
	if k.own != nil {
		putBuffer(k.own)
	}
	release = k.release
	*k = chunk{}
	q.off = 0
	if q.head++; q.head == len(q.chunks) {
		q.head, q.chunks = 0, q.chunks[:0]
	}
	return release
}

// drop gives everything up and returns what to call for the references.
func (q *queue) drop() (release []func()) {
	for q.head < len(q.chunks) {
		if f := q.sent(len(q.front())); f != nil {
			release = append(release, f)
		}
	}
	q.n = 0
	return release
}

// waiting returns how many bytes wait for the driver.
func (c *Conn) waiting() int {
	if c.q == nil {
		return 0
	}
	return c.q.n
}

// room is where the next frame, of about n bytes, is to be appended: straight to the driver's output if the connection is
// being served and nothing waits, or else to the queue. Give it back with keep. mu is held.
func (c *Conn) room(n int) (dst []byte, b *buffer) {
	if c.flags&fServed != 0 && c.q == nil && len(c.dst)+n <= c.most {
		return c.dst, nil
	}
	if c.q == nil {
		c.q = queues.Get().(*queue)
	}
	b = c.q.tail(n)
	return b.b, b
}

func (c *Conn) keep(dst []byte, b *buffer) {
	if b == nil {
		c.dst = dst
		return
	}
	c.q.n += len(dst) - len(b.b)
	b.b = dst
	if q := c.q; len(dst) == 0 { // nothing was appended, and nothing was there
		putBuffer(b)
		k := len(q.chunks) - 1
		q.chunks[k] = chunk{}
		q.chunks = q.chunks[:k]
		c.emptied()
	}
}

// lend puts bytes by reference behind everything that was sent before. mu is held.
func (c *Conn) lend(p []byte, release func()) {
	if c.q == nil {
		c.q = queues.Get().(*queue)
	}
	c.q.chunks = append(c.q.chunks, chunk{ref: p, release: release})
	c.q.n += len(p)
}

// emptied lets go of a queue with nothing in it. mu is held.
func (c *Conn) emptied() {
	if q := c.q; q != nil && q.n == 0 && q.head == len(q.chunks) {
		if cap(q.chunks) <= 64 {
			queues.Put(q)
		}
		c.q = nil
	}
}
