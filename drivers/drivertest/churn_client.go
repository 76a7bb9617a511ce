package drivertest

import (
	"io"
	"net"
	"os"
	"sync"

	"github.com/purewire/purewire/drivers"
)

// churnClient is the other end of a connection. A goroutine writes, so that a machine that does not read holds nobody up, and another one
// reads and compares.
type churnClient struct {
	ch      *churn
	c       net.Conn
	key     byte
	buf     []byte // records that were not given to the writer yet
	records int    // how many were made
	dataAt  int64
	size    int64 // bytes of all records
	silent  bool  // nothing more may be sent
	ended   bool  // its sending side
	broken  bool  // it left before the end: nothing is owed to it
	read    int64 // by its reader, until it has ended

	mu      sync.Mutex
	cond    sync.Cond
	queue   [][]byte // for the writer; nil ends the sending side
	open    bool     // the reader may read
	gone    bool     // the writer is to go
	running int      // the two goroutines
	werr    error
	rerr    error // nil: the end of the stream
}

// dial opens a connection, unless there are enough.
func (ch *churn) dial(arg byte) {
	if len(ch.clients) >= churnClients {
		return
	}
	addrs := ch.s.Addrs()
	if len(addrs) == 0 || ch.stopped.Load() && ch.o.Network != "unix" { // the port may be somebody else's by now
		return
	}
	nc, err := connect(ch.s, addrs[int(arg)%len(addrs)])
	if err != nil {
		if !ch.stopped.Load() {
			ch.errorf("connect: %v", err)
		}
		return
	}
	if tc, ok := nc.(*net.TCPConn); ok && arg&2 != 0 {
		_ = tc.SetReadBuffer(32 << 10) // output stalls early
	}
	c := &churnClient{ch: ch, c: nc, key: ch.tag + byte(len(ch.clients)), open: true, running: 2}
	c.cond.L = &c.mu
	ch.clients = append(ch.clients, c)
	ch.bg.Go(c.writer)
	ch.bg.Go(func() { c.reader(make([]byte, 64<<(arg>>5))) })
}

// record makes a record of what a machine is to do.
func (c *churnClient) record(kind, arg byte) {
	if kind %= recKinds; c.silent || c.broken || c.size > 48<<10 {
		return
	}
	b := []byte{c.key, kind, arg, recordSum(c.key, kind, arg, c.records)}
	if kind == recData {
		for range churnSize(arg % 180) {
			b = append(b, churnByte(c.key, c.dataAt))
			c.dataAt++
		}
		b[2] = arg % 180
		b[3] = recordSum(c.key, kind, b[2], c.records)
	}
	c.records++
	c.size += int64(len(b))
	c.buf = append(c.buf, b...)
	c.silent = last(kind)
}

// flush gives n bytes to the writer, or what there is.
func (c *churnClient) flush(n int) {
	if n = min(n, len(c.buf)); n > 0 && !c.ended && !c.broken {
		c.push(c.buf[:n:n])
		c.buf = c.buf[n:]
	}
}

func (c *churnClient) push(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, b)
	c.cond.Broadcast()
}

// finish ends the sending side behind what was written. What was not is never sent.
func (c *churnClient) finish() {
	if !c.broken && !c.ended {
		c.silent, c.ended = true, true
		c.push(nil)
	}
}

// breakOff closes without having read all, with a reset or in order.
func (c *churnClient) breakOff(rst bool) {
	if c.broken {
		return
	}
	c.broken = true
	if rst {
		reset(c.c)
	} else {
		_ = c.c.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone, c.open = true, true
	c.cond.Broadcast()
}

// gate lets the reader read, or stops it behind what it is reading.
func (c *churnClient) gate(open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = open || c.broken
	c.cond.Broadcast()
}

func (c *churnClient) shut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.open
}

// over reports whether both goroutines are done.
func (c *churnClient) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running == 0
}

func (c *churnClient) writer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.gone {
		if len(c.queue) == 0 {
			c.cond.Wait()
			continue
		}
		b := c.queue[0]
		c.queue = c.queue[1:]
		if b == nil {
			finish(c.c)
			break
		}
		c.mu.Unlock()
		_, err := c.c.Write(b)
		c.mu.Lock()
		if err != nil {
			c.werr = err
			break
		}
	}
	c.running--
}

func (c *churnClient) reader(buf []byte) {
	var at int64
	var err error
	for err == nil {
		c.mu.Lock()
		for !c.open {
			c.cond.Wait()
		}
		c.mu.Unlock()
		var n int
		n, err = c.c.Read(buf)
		for _, b := range buf[:n] {
			if b != churnByte(c.key, at) {
				c.ch.errorf("byte %d for connection %#x arrived as %#x, not %#x", at, c.key, b, churnByte(c.key, at))
				break
			}
			at++
		}
	}
	_ = c.c.Close() // the driver may be waiting for that
	if err == io.EOF {
		err = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read, c.rerr = at, err
	c.gone = true // whoever reads no more sends no more
	c.running--
	c.cond.Broadcast()
}

// judge compares what both sides know, when all is over.
func (ch *churn) judge() (tally Tally) {
	if ch.failed.Load() {
		return tally
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	byKey := map[byte]*churnClient{}
	for _, c := range ch.clients {
		byKey[c.key] = c
	}
	for _, s := range ch.machines {
		tally.Read += s.read
		tally.Written += s.given
		if s.err == nil {
			tally.Orderly++
		} else {
			tally.Failed++
		}
		if s.err == nil && s.abort {
			ch.errorf("Closed(nil) after Abort")
		}
		if !s.known {
			continue
		}
		c := byKey[s.key]
		if c == nil {
			ch.errorf("a machine knows the key %#x, which no client has", s.key)
			continue
		}
		delete(byKey, s.key)
		ch.pair(s, c)
	}
	tally.Accepts, tally.Refused = ch.accepts, ch.refused
	tally.Posts, tally.Tasks, tally.Panics = int(ch.posts.Load()), int(ch.tasks.Load()), int(ch.panics.Load())
	return tally
}

// pair judges one connection.
func (ch *churn) pair(s *churnState, c *churnClient) {
	switch {
	case s.read > c.size || s.records > c.records:
		ch.errorf("a machine read %d bytes, %d records of the %d, %d that were sent", s.read, s.records, c.size, c.records)
	case c.read > s.outAt:
		ch.errorf("a client read %d bytes of %d", c.read, s.outAt)
	case c.broken:
	case s.err != nil:
		if !s.doomed && s.err != drivers.ErrClosed {
			ch.errorf("Closed(%v), but nobody broke off", s.err)
		}
	case ch.o.Linger < 0 || s.complete:
		// What the peer still sends may take the answer away.
	case s.given != s.outAt || c.read != s.outAt || c.rerr != nil:
		ch.errorf("Closed(nil), but of %d bytes of output %d were taken and %d arrived, %v", s.outAt, s.given, c.read, c.rerr)
	case !s.drained && !s.doomed && s.told && s.greedy == 0 && c.werr == nil && !last(s.kind) && c.size-int64(len(c.buf))-s.read >= 4: // less is a torn record
		ch.errorf("Closed(nil) at the peer's FIN, but of %d bytes sent %d were consumed", c.size-int64(len(c.buf)), s.read)
	}
}

// openFiles counts descriptors of every kind where the system can tell, otherwise it is 0.
func openFiles() int {
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(es)
}

// warmUp makes the descriptors that the runtime keeps for ever.
var warmUp = sync.OnceFunc(func() {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = l.Close()
	}
})
