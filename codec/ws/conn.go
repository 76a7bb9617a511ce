package ws

import "github.com/purewire/purewire/codec"

// Role is the side of the connection that a Conn speaks for.
type Role uint8

const (
	// Server reads masked frames and writes unmasked ones.
	Server Role = iota
	// Client reads unmasked frames and writes masked ones, with keys from Config.Rand.
	Client
)

// place is where in the input a Conn is.
type place uint8

const (
	atHeader  place = iota
	atPayload       // of a data frame that is not compressed
	atDeflated
	atDoomed // the good bytes in front of an error are out, the error comes with the next call
	atClosed // behind the peer's Close: input is dropped
	atFailed
)

// flags of a Conn.
type flags uint32

const (
	isClient flags = 1 << iota
	agreed         // permessage-deflate is
	// receiving
	inMessage
	begun   // a piece of the message was reported
	lastOne // the frame being read has FIN
	masked  // and a masking key
	packed  // the message is compressed
	// sending
	sendOpen // AppendFragment has begun a message
	sendPacked
	// owed
	owesPong
	owesPing
	owesClose
	// closing
	closeSent
	closeGot
	// time
	heard   // bytes came since the last Advance
	pinged  // a keepalive Ping was owed and nothing heard since
	timing  // due is set
	closing // due is the end of CloseTimeout
)

// Conn is one WebSocket connection after its opening handshake, in either role: the frames of both directions, the
// closing handshake, keepalive. It holds positions and counters, never a piece of the input but the payload of the last
// Ping. Init makes it ready; it must not be copied after that, and it is not for concurrent use.
type Conn struct {
	cfg  *Config
	pmd  *deflation // nil until SetDeflate
	ctl  *[MaxControl]byte
	fail Error
	off  int64 // bytes consumed before the current call
	left int64 // payload bytes of the frame to come
	size int64 // payload bytes of the message so far, inflated
	// due is when Advance has something to do; ticks is when the budget was last refilled, in units of 2^26 ns.
	due       codec.Time
	steps     uint64
	ticks     uint32
	key       [4]byte
	fragments uint32 // frames of the message so far
	fruitless int32  // taken from the budget
	flags     flags
	code      CloseCode // of the peer's Close frame
	in        place
	doom      reason
	rules     Rules
	op        Opcode // of the message being received
	sendOp    Opcode // of the message being sent
	phase     uint8  // of the masking key
	ctlLen    uint8
	text      UTF8 // of the message being received
	sendText  UTF8 // of the message being sent
}

// Init makes c a new connection whose opening handshake has just been completed. A nil cfg stands for the defaults. A Conn
// that was used before gives borrowed state back first and keeps its few buffers.
func (c *Conn) Init(role Role, cfg *Config) {
	c.Release()
	if cfg == nil {
		cfg = defaultConfig
	}
	*c = Conn{cfg: cfg, ctl: c.ctl, pmd: c.pmd, rules: NoMessage | FromClient}
	if role == Client {
		c.flags |= isClient
		c.rules = NoMessage | FromServer
	}
}

// Role returns the role that Init has set.
func (c *Conn) Role() Role {
	if c.flags&isClient != 0 {
		return Client
	}
	return Server
}

// Err returns the error that ended the connection, nil while there is none.
func (c *Conn) Err() error {
	if c.in == atFailed {
		return &c.fail
	}
	return nil
}

// CloseSent reports whether a Close frame was appended: nothing may be sent behind it.
func (c *Conn) CloseSent() bool { return c.flags&closeSent != 0 }

// CloseReceived reports whether the peer's Close frame was read: whatever comes behind it is dropped.
func (c *Conn) CloseReceived() bool { return c.flags&closeGot != 0 }

// Closed reports whether nothing is left to say in either direction: both Close frames have passed, or the connection has
// failed and what AppendOwed gives was taken. Send all output, then close the transport (RFC 6455 section 7.1.1: the
// server first; a client waits for that a while).
func (c *Conn) Closed() bool {
	if c.in == atFailed {
		return c.flags&owesClose == 0
	}
	return c.flags&(closeSent|closeGot) == closeSent|closeGot
}

// CloseCode returns the code of the peer's Close frame (CloseNoStatus if it had none), or else that of the connection's
// failure, or else CloseAbnormal: RFC 6455 section 7.1.5, the WebSocket connection close code.
func (c *Conn) CloseCode() CloseCode {
	switch {
	case c.flags&closeGot != 0:
		return c.code
	case c.in == atFailed:
		return c.fail.Code
	}
	return CloseAbnormal
}

// Idle reports whether no message is open in either direction and nothing is owed.
func (c *Conn) Idle() bool {
	return c.flags&(inMessage|sendOpen|owesPong|owesPing|owesClose) == 0 && c.in == atHeader
}

// Steps returns how much work the input has cost so far, in bytes looked at or produced by inflation: at most 15 times
// the input and once the inflated bytes, at any cutting.
func (c *Conn) Steps() uint64 { return c.steps }

// Finish tells that the input has ended behind what Next consumed. It is nil if the peer's Close frame was among it; a
// connection that ends without one is cut short (RFC 6455 section 7.1.5), an error with code CloseAbnormal.
func (c *Conn) Finish() error {
	switch {
	case c.in == atFailed:
		return &c.fail
	case c.flags&closeGot != 0:
		return nil
	}
	r := rCutIdle
	switch {
	case c.in == atDoomed:
		r = c.doom
	case c.in != atHeader:
		r = rCutFrame
	case c.flags&inMessage != 0:
		r = rCutMessage
	}
	_, err := c.failed(r, 0, 0)
	return err
}

// Release gives what is borrowed from Config.Pool back. Call it when the connection is gone, and not while the Payload of
// the last Event is still in use. What is sent or received compressed after that starts from nothing, so it is not for
// connections that live on.
func (c *Conn) Release() {
	if c.pmd != nil {
		c.pmd.release(c.cfg.Pool)
	}
}
