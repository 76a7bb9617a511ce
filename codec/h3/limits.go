package h3

import (
	"math"
	"time"

	"github.com/purewire/purewire/codec/internal/varint"
	"github.com/purewire/purewire/codec/qpack"
)

// The defaults of Limits and Config.
const (
	DefaultStreams       = 100
	DefaultUniStreams    = 16
	DefaultRequests      = 1000
	DefaultFieldSection  = 64 << 10
	DefaultFields        = 100
	DefaultHeaderBlock   = 64 << 10
	DefaultControlFrame  = 1024
	DefaultInformational = 16
	DefaultResets        = 200
	DefaultResetRate     = 100
	DefaultFruitless     = 10000
	DefaultAnswers       = 1000
	DefaultInstructions  = 4096
	DefaultBlockTimeout  = 10 * time.Second
)

// Limits bounds what one peer can make a connection accept. Zero means the default, negative means no limit.
type Limits struct {
	// Streams is how many requests a client may have open at once. More are refused with H3_REQUEST_REJECTED. The
	// transport's own limit should be as large. Default 100.
	Streams int
	// UniStreams is how many unidirectional streams may be open of which the type has not come. Exceeded: the connection
	// ends. Default 16.
	UniStreams int
	// Requests is, in the client role, how many streams may be open at once. Default 1000.
	Requests int
	// FieldSection bounds a decoded field section, in octets of names and values and 32 for each field: our
	// SETTINGS_MAX_FIELD_SECTION_SIZE. Exceeded: TooLarge for requests, a stream error for others. Default 65536.
	FieldSection int
	// Fields bounds the fields of a section in number. Exceeded: as FieldSection. Default 100.
	Fields int
	// HeaderBlock bounds an encoded field section, in octets. Exceeded: as FieldSection. It is what Next can leave unread on a request
	// stream, with 16 octets of frame header; the flow-control window of a stream must not be smaller. Default 65536.
	HeaderBlock int
	// ControlFrame bounds the payload of SETTINGS and PRIORITY_UPDATE frames. Exceeded: the connection ends. Default 1024.
	ControlFrame int
	// Informational bounds the 1xx responses before a final one. Default 16.
	Informational int
	// Resets bounds streams that end early, whoever resets them: a bucket of that many, refilled by ResetRate each
	// second and by one for every eight streams that end normally. Empty: H3_EXCESSIVE_LOAD. Default 200 and 100.
	Resets, ResetRate int
	// Fruitless bounds what brings nothing, in units: 1 for frames of unknown types and 4 KiB of them, for streams of unknown
	// types, for datagrams that nobody takes; 10 for PRIORITY_UPDATE, MAX_PUSH_ID and repeated GOAWAY. 16 units come back for each message and each
	// DATA frame with data, in either direction, and a tenth of the limit each second. A hundredth of it is how many DATA frames without data
	// may come; each one with data brings one back. Empty: H3_EXCESSIVE_LOAD. Default 10000.
	Fruitless int
	// Answers bounds the acknowledgments and cancellations of QPACK that wait because the peer takes none of them, 16
	// octets each. Exceeded: the connection ends. Default 1000.
	Answers int
	// Instructions bounds what waits for our encoder stream, in octets: above, fields are sent without being entered into the dynamic
	// table. One field section can exceed it once. Default 4096.
	Instructions int
	// EarlyPriorities bounds the PRIORITY_UPDATE frames that are remembered for streams that are not open yet; further
	// ones displace those of lower streams. Default: as Streams. Negative: none are remembered.
	EarlyPriorities int
	// BlockTimeout is how long a field section may wait for the encoder stream. Exceeded: the stream ends. Default 10 s.
	BlockTimeout time.Duration
}

// Config configures connections. Profile makes it ready for use.
type Config struct {
	Limits Limits
	// Table is the dynamic table in octets that the peer's encoder may use, BlockedStreams how many streams may be blocked by it:
	// our SETTINGS_QPACK_MAX_TABLE_CAPACITY and SETTINGS_QPACK_BLOCKED_STREAMS. 0: 4096 and 16. Negative: none.
	Table, BlockedStreams int
	// EncoderTable and EncoderBlocked are the most that our encoder makes use of, whatever the peer allows. 0: 4096 and 16.
	// Negative: none.
	EncoderTable, EncoderBlocked int
	// ExtendedConnect, in the server role, announces and accepts CONNECT with :protocol (RFC 9220).
	ExtendedConnect bool
	// Datagrams announces and accepts HTTP datagrams in QUIC DATAGRAM frames (RFC 9297). The transport must have
	// offered these.
	Datagrams bool
	// NoHuffman sends all strings as they are: less work, more bytes.
	NoHuffman bool
	// NoGrease leaves out the setting that exists to be ignored (RFC 9114 section 7.2.4.1-3). Seed chooses it.
	NoGrease bool
	Seed     uint64
}

// Profile is Config made ready for use. It is immutable; any number of connections share one.
type Profile struct {
	streams, unis, requests int
	block, control          uint64
	informational           int
	resets, resetRate       int64
	fruitless               int64
	answers, instructions   int
	early                   int
	blockTimeout            time.Duration
	decoder                 qpack.Limits
	encoder                 qpack.EncoderOptions
	server, client          Settings // what each role announces
	grease, greaseValue     uint64   // setting
	noGrease                bool
}

var defaultProfile = Config{}.Profile()

func duration(v, def time.Duration) time.Duration {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 0
	}
	return v
}

// Profile resolves the defaults (zero) and absences (negative) of c.
func (c Config) Profile() *Profile {
	l := c.Limits
	p := &Profile{
		streams:       limit(l.Streams, DefaultStreams),
		unis:          limit(l.UniStreams, DefaultUniStreams),
		requests:      limit(l.Requests, DefaultRequests),
		block:         uint64(limit(l.HeaderBlock, DefaultHeaderBlock)),
		control:       uint64(limit(l.ControlFrame, DefaultControlFrame)),
		informational: min(limit(l.Informational, DefaultInformational), math.MaxUint16),
		resets:        int64(limit(l.Resets, DefaultResets)),
		resetRate:     int64(limit(l.ResetRate, DefaultResetRate)),
		fruitless:     int64(limit(l.Fruitless, DefaultFruitless)),
		answers:       limit(l.Answers, DefaultAnswers),
		instructions:  limit(l.Instructions, DefaultInstructions),
		blockTimeout:  duration(l.BlockTimeout, DefaultBlockTimeout),
		noGrease:      c.NoGrease,
	}
	p.early = max(0, l.EarlyPriorities)
	if l.EarlyPriorities == 0 {
		p.early = p.streams
	}
	section := limit(l.FieldSection, DefaultFieldSection)
	p.decoder = qpack.Limits{TableCapacity: c.Table, BlockedStreams: c.BlockedStreams, ListSize: section,
		Fields: limit(l.Fields, DefaultFields), String: section}
	p.encoder = qpack.EncoderOptions{TableCapacity: c.EncoderTable, BlockedStreams: c.EncoderBlocked, NoHuffman: c.NoHuffman}
	s := DefaultSettings()
	if l.FieldSection >= 0 {
		s.MaxFieldSectionSize = uint64(section)
	}
	s.QPACKMaxTableCapacity, s.QPACKBlockedStreams = p.decoder.Settings()
	s.Datagram = c.Datagrams
	p.server, p.client = s, s
	p.server.EnableConnectProtocol = c.ExtendedConnect
	p.grease, p.greaseValue = 0x21+0x1f*(c.Seed%((varint.Max-0x21)/0x1f)), c.Seed>>32
	return p
}

// Settings returns what the role announces with this Profile. It must not be written to.
func (p *Profile) Settings(r Role) *Settings {
	if r == Server {
		return &p.server
	}
	return &p.client
}

// MaxTail returns how many octets Next can leave unread of a stream, at most: a HEADERS frame that has not come in full, or that waits for
// the encoder stream.
func (p *Profile) MaxTail() int {
	return int(max(p.block, p.control)) + MaxFrameHeaderLen
}
