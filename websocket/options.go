package websocket

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/purewire/purewire/codec/ws"
)

// Options are what server and client connections have in common. The zero value is ready to use: zero means the default, a
// negative value means none.
type Options struct {
	// Limits bounds what the peer can make the connection accept: see ws.Limits.
	Limits ws.Limits
	// Deflate accepts (server) or offers (client) permessage-deflate, RFC 7692. Nil: no compression.
	Deflate *ws.DeflateOptions
	// DeflateMin is the length in bytes from which messages are deflated, where that is agreed. Default 256, negative: all.
	DeflateMin int
	// NoUTF8 does not check that text is UTF-8, in both directions. Danger: the peer may send what is no text.
	NoUTF8 bool
	// PingInterval is how long the peer may be silent before it is sent a Ping, and PongTimeout how long it may be silent
	// behind that before the connection is dropped. Default: no keepalive; PongTimeout defaults to PingInterval.
	PingInterval, PongTimeout time.Duration
	// CloseTimeout is how long the peer may take to answer our Close frame. Default 5 s.
	CloseTimeout time.Duration
	// HighWater is how many bytes of output may wait for the peer before TrySend refuses, Send waits, and reading stops.
	// The message that crosses it is taken. Default 64 KiB. Negative: none.
	HighWater int
	// LowWater is how few bytes wait when reading goes on, OnDrain is called and Send goes on. Default a quarter of HighWater.
	LowWater int
	// ReadAhead is how many bytes of messages a connection without a Handler holds for its reader before it stops reading.
	// Default 64 KiB.
	ReadAhead int
}

// Defaults of Options.
const (
	DefaultHighWater = 64 << 10
	DefaultReadAhead = 64 << 10
)

// settings are Options with the defaults in place, shared by all connections of an Upgrader or of a Dial.
type settings struct {
	ws        ws.Config
	high, low int
	ahead     int
	finWait   time.Duration // how long a client waits for the server to close the transport
}

const unlimited = int(^uint(0) >> 1)

func (o *Options) settings() *settings {
	s := &settings{
		ws: ws.Config{
			Limits: o.Limits, Rand: maskKeys.next, DeflateMin: o.DeflateMin, NoUTF8: o.NoUTF8,
			PingInterval: o.PingInterval, PongTimeout: o.PongTimeout, CloseTimeout: o.CloseTimeout,
		},
		high: o.HighWater, low: o.LowWater, ahead: o.ReadAhead, finWait: o.CloseTimeout,
	}
	if o.Deflate != nil {
		s.ws.Pool = &deflatePool
	}
	if s.high == 0 {
		s.high = DefaultHighWater
	} else if s.high < 0 {
		s.high = unlimited
	}
	if s.low <= 0 || s.low >= s.high {
		s.low = s.high / 4
	}
	if s.ahead == 0 {
		s.ahead = DefaultReadAhead
	} else if s.ahead < 0 {
		s.ahead = unlimited
	}
	if s.finWait <= 0 {
		s.finWait = ws.DefaultCloseTimeout
	}
	return s
}

// keys gives masking keys out of blocks of the system's randomness. RFC 6455 section 10.3-6: "Clients MUST choose a new
// masking key for each frame, using an algorithm that cannot be predicted by end applications that provide data."
type keys struct {
	mu   sync.Mutex
	buf  [512]byte
	left int
}

var maskKeys keys

func (k *keys) next() uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left < 4 {
		_, _ = rand.Read(k.buf[:]) // it cannot fail: it ends the process instead
		k.left = len(k.buf)
	}
	k.left -= 4
	v := binary.LittleEndian.Uint32(k.buf[k.left:])
	return v
}
