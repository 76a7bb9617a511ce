package http2

import (
	"math"
	"time"
)

// The defaults of Limits and Config.
const (
	DefaultStreams         = 100
	DefaultRequests        = 1000
	DefaultHeaderList      = 64 << 10
	DefaultHeaderFields    = 256
	DefaultHeaderBlock     = 96 << 10
	DefaultContinuations   = 16
	DefaultFrameSize       = MinFrameSize
	DefaultInformational   = 16
	DefaultResets          = 200
	DefaultResetRate       = 100
	DefaultFruitless       = 10000
	DefaultPings           = 64
	DefaultSettingsTimeout = 10 * time.Second
	DefaultStallTimeout    = 30 * time.Second
	DefaultStallBytes      = 4096
	DefaultStreamWindow    = 256 << 10
	DefaultConnWindow      = 1 << 20
	DefaultTable           = 4096
)

// Limits bounds what one peer can make a connection accept. Zero means the default, negative means no limit.
type Limits struct {
	// Streams is how many streams a client may have open at once: our SETTINGS_MAX_CONCURRENT_STREAMS. More are
	// refused with REFUSED_STREAM. Default 100.
	Streams int
	// Held is how many streams may be over for the peer and not yet released by the application (see Conn.Release), beside
	// those that are open. While as many are, new ones are refused. Default: as Streams.
	Held int
	// Requests is, in the client role, how many streams may be open at once whatever the server allows. Default 1000.
	Requests int
	// HeaderList bounds a field section after decompression, in octets of names and values and 32 for each field: our
	// SETTINGS_MAX_HEADER_LIST_SIZE. Exceeded: TooLarge for requests, a stream error for others. Default 65536.
	HeaderList int
	// HeaderFields bounds the fields of a section in number. Exceeded: as HeaderList. Default 256.
	HeaderFields int
	// HeaderBlock bounds a field section as it is sent, in octets of all its frames' payloads. Exceeded: the connection
	// ends. It is what Next can leave unread, with 9 octets for each frame. Default 98304.
	HeaderBlock int
	// Continuations bounds the CONTINUATION frames of a field section, whatever their size. Default 16.
	Continuations int
	// FrameSize is the longest frame payload accepted, 16384 to 16777215: our SETTINGS_MAX_FRAME_SIZE. Values outside are
	// moved to the nearer end; negative is 16777215. Default 16384.
	FrameSize int
	// Informational bounds the 1xx responses before a final one. Default 16.
	Informational int
	// Resets bounds streams that end early, whoever resets them: a bucket of that many, refilled by ResetRate each
	// second and by one for every eight streams that end normally. Empty: ENHANCE_YOUR_CALM. Default 200 and 100.
	Resets, ResetRate int
	// Fruitless bounds frames that bring nothing, in units: 1 for WINDOW_UPDATE, PRIORITY, unknown types and frames on
	// closed streams; 10 for PING, SETTINGS, PRIORITY_UPDATE. 16 units come back for each message and each DATA frame with data, in either
	// direction, and a tenth of the limit each second. A hundredth of it is how many DATA frames without data and without
	// END_STREAM may come; each one with data brings one back. Empty: ENHANCE_YOUR_CALM. Default 10000.
	Fruitless int
	// Pings bounds the PING frames that were received and not yet answered by AppendOwed. Default 64.
	Pings int
	// PingInterval is the shortest time between two PING frames of the peer, PingIdle allows them on a connection without streams: otherwise
	// they may come every two hours there. The third that comes too early ends the connection with ENHANCE_YOUR_CALM and
	// the debug data "too_many_pings", which gRPC clients know. Whenever a field section or data was sent, the next PING
	// is free and the count begins anew. Default: no such interval, PING frames cost Fruitless.
	PingInterval time.Duration
	PingIdle     bool
	// EarlyPriorities bounds the PRIORITY_UPDATE frames that are remembered for streams that are not open yet; further
	// ones are ignored. More than Streams, together with the streams that are open, are PROTOCOL_ERROR. Default: as Streams. Negative: none are remembered.
	EarlyPriorities int
	// SettingsTimeout is how long the peer may take to acknowledge SETTINGS. Default 10 s.
	SettingsTimeout time.Duration
	// StallTimeout is how long the peer may keep a stream or the connection blocked that has data to send: windows that
	// let less than StallBytes octets out in that time do not count. Default 30 s and 4096.
	StallTimeout time.Duration
	StallBytes   int
}

// WindowPolicy says how much data the peer may send that the application has not taken yet.
type WindowPolicy struct {
	// Stream and Conn are the windows in octets that the peer gets at first, at most 2^31-1. The connection's cannot
	// be below 65535, which every peer starts from. 0: 256 KiB and 1 MiB.
	Stream, Conn uint32
	// Max lets both windows grow, up to that many octets, to what the path carries in one round trip: PING frames measure
	// it. 0: the windows stay.
	Max uint32
}

// Config configures connections. Profile makes it ready for use.
type Config struct {
	Limits Limits
	Window WindowPolicy
	// HeaderTable is the dynamic table in octets that the peer's encoder may use, EncoderTable the most that ours uses. 0: 4096.
	// Negative: none.
	HeaderTable, EncoderTable int
	// ExtendedConnect, in the server role, announces and accepts CONNECT with :protocol (RFC 8441).
	ExtendedConnect bool
	// NoHuffman sends all strings as they are: less work, more bytes.
	NoHuffman bool
}

// Profile is Config made ready for use. It is immutable; any number of connections share one.
type Profile struct {
	streams, held, requests int
	block, continuations    int
	informational           int
	resets, resetRate       int64 // in units of a reset
	fruitless               int64
	pings, early            int
	pingInterval            time.Duration
	pingIdle                bool
	settingsTimeout, stall  time.Duration
	stallBytes              int
	window                  WindowPolicy
	list, fields            int
	encoderTable            int
	noHuffman               bool
	server, client          Settings // what each role announces
}

var defaultProfile = Config{}.Profile()

func limit(v, def int) int {
	switch {
	case v == 0:
		return def
	case v < 0:
		return math.MaxInt32
	}
	return min(v, math.MaxInt32)
}

func duration(v, def time.Duration) time.Duration {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 0
	}
	return v
}

func tableSize(v int) int {
	if v == 0 {
		return DefaultTable
	}
	return min(max(v, 0), 1<<30)
}

// Profile resolves the defaults (zero) and absences (negative) of c.
func (c Config) Profile() *Profile {
	l := c.Limits
	p := &Profile{
		streams:         limit(l.Streams, DefaultStreams),
		requests:        limit(l.Requests, DefaultRequests),
		block:           limit(l.HeaderBlock, DefaultHeaderBlock),
		continuations:   limit(l.Continuations, DefaultContinuations),
		informational:   limit(l.Informational, DefaultInformational),
		resets:          int64(limit(l.Resets, DefaultResets)),
		resetRate:       int64(limit(l.ResetRate, DefaultResetRate)),
		fruitless:       int64(limit(l.Fruitless, DefaultFruitless)),
		pings:           limit(l.Pings, DefaultPings),
		pingInterval:    max(l.PingInterval, 0),
		pingIdle:        l.PingIdle,
		settingsTimeout: duration(l.SettingsTimeout, DefaultSettingsTimeout),
		stall:           duration(l.StallTimeout, DefaultStallTimeout),
		stallBytes:      limit(l.StallBytes, DefaultStallBytes),
		list:            limit(l.HeaderList, DefaultHeaderList),
		fields:          limit(l.HeaderFields, DefaultHeaderFields),
		encoderTable:    tableSize(c.EncoderTable),
		noHuffman:       c.NoHuffman,
		window:          c.Window,
	}
	p.held = limit(l.Held, p.streams)
	p.early = max(0, l.EarlyPriorities)
	if l.EarlyPriorities == 0 {
		p.early = p.streams
	}
	w := &p.window
	if w.Stream == 0 {
		w.Stream = DefaultStreamWindow
	}
	if w.Conn == 0 {
		w.Conn = DefaultConnWindow
	}
	w.Stream, w.Conn, w.Max = min(w.Stream, MaxWindow), min(max(w.Conn, initialWindow), MaxWindow), min(w.Max, MaxWindow)
	s := DefaultSettings()
	s.HeaderTableSize = uint32(tableSize(c.HeaderTable))
	s.InitialWindowSize = w.Stream
	s.MaxFrameSize = uint32(min(max(limit(l.FrameSize, DefaultFrameSize), MinFrameSize), MaxFrameSize))
	if l.HeaderList >= 0 {
		s.MaxHeaderListSize = uint32(p.list)
	}
	s.NoRFC7540Priorities = true
	p.server, p.client = s, s
	// RFC 9113 section 6.5.2: a server MUST NOT explicitly set SETTINGS_ENABLE_PUSH to 1; the server role leaves it alone.
	// RFC 9113 section 8.4: a client that does not want pushes says so with 0.
	p.client.EnablePush = false
	if l.Streams >= 0 {
		p.server.MaxConcurrentStreams = uint32(p.streams)
	}
	p.server.EnableConnectProtocol = c.ExtendedConnect
	return p
}
