package websocket

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
)

// Conn is one WebSocket connection. Its methods are safe from any goroutine.
//
// With a Handler, messages arrive as callbacks on the connection's owner. Without one, they wait to be read: ReadMessage,
// NextReader, NetConn.
type Conn struct {
	mu sync.Mutex
	// All below is guarded by mu, but for what the owner has to itself: part, outside, and status, deadline and tail,
	// which others do not write.
	ws   ws.Conn
	link drivers.Link // nil until attached
	h    *Handler     // nil: messages go to in
	o    *settings
	q    *queue // nil: no output waits
	in   *inbox
	w    *waiters // nil: nobody has ever waited
	part *buffer  // of a message that comes in pieces
	err  *CloseError
	info *info

	dst  []byte // the driver's output, while the connection is served
	most int    // how long dst may grow

	deadline codec.Time
	finBy    codec.Time // client: when the server should have closed the transport
	tail     uint32     // unread bytes left to the driver
	flags    flag
	status   atomic.Uint32 // drivers.Status: settle sets it, senders add WantOutput
	outside  bool          // in a callback: mu is not held
}

// info is what most connections do not need after they were opened.
type info struct {
	protocol string
	data     any
}

type flag uint16

const (
	fServed  flag = 1 << iota // dst is borrowed from the driver: somebody is in Receive or Transmit
	fOpened                   // OnOpen was called
	fWoken                    // a Wake is outstanding
	fPaused                   // reading stopped: too much output, or too many messages, wait
	fRefused                  // TrySend has returned ErrFull
	fOpen                     // a message is being sent in fragments
	fFIN                      // the peer has closed its side of the transport
	fFailed                   // by a violation: close once the Close frame is out
	fAbort                    // drop the transport
	fGone                     // it is gone
	fDeflate                  // permessage-deflate is agreed
)

func (c *Conn) has(f flag) bool { return c.flags&f != 0 }

func newConn(role ws.Role, s *settings, h *Handler) *Conn {
	c := &Conn{o: s, h: h, deadline: codec.Never, finBy: codec.Never}
	c.ws.Init(role, &s.ws)
	if h == nil {
		c.in = new(inbox)
	}
	return c
}

// agreed takes over what the opening handshake has settled.
func (c *Conn) agreed(h *ws.Handshake) {
	if h.HasDeflate {
		c.ws.SetDeflate(h.Deflate)
		c.flags |= fDeflate
	}
	if len(h.Protocol) > 0 {
		c.info = &info{protocol: string(h.Protocol)}
	}
}

// Protocol returns the subprotocol that was agreed on, "" for none.
func (c *Conn) Protocol() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.info == nil {
		return ""
	}
	return c.info.protocol
}

// Deflated reports whether permessage-deflate was agreed on.
func (c *Conn) Deflated() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.has(fDeflate)
}

// SetData attaches anything to the connection, for its Handler.
func (c *Conn) SetData(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.info == nil {
		c.info = new(info)
	}
	c.info.data = v
}

// Data returns what SetData was given, nil before.
func (c *Conn) Data() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.info == nil {
		return nil
	}
	return c.info.data
}

// RemoteAddr and LocalAddr return the transport's addresses, nil before OnOpen.
func (c *Conn) RemoteAddr() net.Addr { return c.addr(drivers.Link.RemoteAddr) }

// LocalAddr returns the address of this side.
func (c *Conn) LocalAddr() net.Addr { return c.addr(drivers.Link.LocalAddr) }

func (c *Conn) addr(f func(drivers.Link) net.Addr) net.Addr {
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l == nil {
		return nil
	}
	return f(l)
}

// Err returns why the connection ended, nil while it has not.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return nil
	}
	return c.err
}

// Queued returns how many bytes of output wait to be taken by the driver.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting()
}
