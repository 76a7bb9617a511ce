package ws

// deflation is the state of permessage-deflate of one connection.
type deflation struct{ wire int64 }

func (d *deflation) settle(p Pool)                                            {}
func (d *deflation) release(p Pool)                                           {}
func (d *deflation) beginMessage(c *Conn)                                     {}
func (c *Conn) deflated(src []byte, n int, ev *Event) (int, bool, error)      { return n, true, nil }
func (c *Conn) appendDeflated(dst []byte, op Opcode, p []byte) ([]byte, bool) { return dst, false }
func (c *Conn) appendDeflatedPiece(dst []byte, op Opcode, rsv uint8, p []byte, fin bool) []byte {
	return dst
}

// Pool lends deflate state.
type Pool interface{}

// SetDeflate switches permessage-deflate on.
func (c *Conn) SetDeflate(p Deflate) {}

// NewFreeList returns a Pool.
func NewFreeList(n int) Pool { return nil }
