package h3

import (
	"math"

	"github.com/purewire/purewire/codec/internal/varint"
)

// SettingID identifies a setting (RFC 9114 section 7.2.4.1).
type SettingID uint64

// The settings that this package understands.
const (
	// SettingQPACKMaxTableCapacity is SETTINGS_QPACK_MAX_TABLE_CAPACITY (RFC 9204 section 5).
	SettingQPACKMaxTableCapacity SettingID = 0x1
	// SettingMaxFieldSectionSize is SETTINGS_MAX_FIELD_SECTION_SIZE (RFC 9114 section 7.2.4.1).
	SettingMaxFieldSectionSize SettingID = 0x6
	// SettingQPACKBlockedStreams is SETTINGS_QPACK_BLOCKED_STREAMS (RFC 9204 section 5).
	SettingQPACKBlockedStreams SettingID = 0x7
	// SettingEnableConnectProtocol is SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 9220 section 3).
	SettingEnableConnectProtocol SettingID = 0x8
	// SettingH3Datagram is SETTINGS_H3_DATAGRAM (RFC 9297 section 2.1.1).
	SettingH3Datagram SettingID = 0x33
)

// HTTP2 reports whether the identifier is one of HTTP/2 that HTTP/3 has reserved (RFC 9114 section 11.2.2): 0, 2, 3, 4, 5.
func (id SettingID) HTTP2() bool { return id <= 5 && id != SettingQPACKMaxTableCapacity }

// Reserved reports whether the setting exists to be ignored: 0x1f*N+0x21 (RFC 9114 section 7.2.4.1-3).
func (id SettingID) Reserved() bool { return reserved(uint64(id)) }

// NoLimit is the Settings.MaxFieldSectionSize of a peer that has set none.
const NoLimit = math.MaxUint64

// MaxSettings is how many settings a frame may have. No endpoint has a reason to send as many.
const MaxSettings = 64

// Settings is what one end has announced, as far as this package understands it.
type Settings struct {
	// MaxFieldSectionSize is the largest field section in octets, 32 more for each field; NoLimit for none.
	MaxFieldSectionSize uint64
	// QPACKMaxTableCapacity is the largest dynamic table in octets, QPACKBlockedStreams how many streams may be blocked.
	QPACKMaxTableCapacity, QPACKBlockedStreams uint64
	// EnableConnectProtocol: extended CONNECT may be used (RFC 9220).
	EnableConnectProtocol bool
	// Datagram: HTTP datagrams may be sent in QUIC DATAGRAM frames (RFC 9297).
	Datagram bool
}

// DefaultSettings returns what counts before SETTINGS come: no limit on field sections, no dynamic table, nothing enabled.
func DefaultSettings() Settings { return Settings{MaxFieldSectionSize: NoLimit} }

// ParseSetting reads the setting at the start of a SETTINGS payload and returns how many octets it takes, 0 if it is cut.
func ParseSetting(p []byte) (id SettingID, value uint64, n int) {
	v, n := varint.Parse(p)
	if n == 0 {
		return 0, 0, 0
	}
	value, k := varint.Parse(p[n:])
	if k == 0 {
		return 0, 0, 0
	}
	return SettingID(v), value, n + k
}

// AppendSetting appends one setting. Identifiers and values are below 2^62; others append nothing.
func AppendSetting(dst []byte, id SettingID, value uint64) []byte {
	if uint64(id) > varint.Max || value > varint.Max {
		return dst
	}
	return varint.Append(varint.Append(dst, uint64(id)), value)
}

// Parse reads the payload of a SETTINGS frame into s, which must hold DefaultSettings. Settings that nobody knows are ignored
// (RFC 9114 section 7.2.4-9). With a fault s is spoilt.
func (s *Settings) Parse(p []byte) Fault {
	var seen [MaxSettings]SettingID
	for count := 0; len(p) > 0; count++ {
		id, v, n := ParseSetting(p)
		if n == 0 {
			return fSettingsCut // RFC 9114 section 7.1-5
		}
		if count == MaxSettings {
			return fSettingsMany
		}
		for _, x := range seen[:count] {
			// RFC 9114 section 7.2.4-6: The same setting identifier MUST NOT occur more than once in the SETTINGS frame. A receiver MAY treat
			// the presence of duplicate setting identifiers as a connection error of type H3_SETTINGS_ERROR.
			if x == id {
				return fSettingTwice
			}
		}
		seen[count] = id
		if f := s.set(id, v); f != ok {
			return f
		}
		p = p[n:]
	}
	return ok
}

func (s *Settings) set(id SettingID, v uint64) Fault {
	switch id {
	case SettingQPACKMaxTableCapacity:
		s.QPACKMaxTableCapacity = v
	case SettingMaxFieldSectionSize:
		s.MaxFieldSectionSize = v
	case SettingQPACKBlockedStreams:
		s.QPACKBlockedStreams = v
	case SettingEnableConnectProtocol:
		// RFC 8441 section 3-2, which RFC 9220 section 3-2 takes over: The value of the parameter MUST be 0 or 1.
		if v > 1 {
			return fConnectValue
		}
		s.EnableConnectProtocol = v == 1
	case SettingH3Datagram:
		// RFC 9297 section 2.1.1-2: If the SETTINGS_H3_DATAGRAM setting is received with a value that is neither 0 nor 1, the receiver MUST terminate
		// the connection with error H3_SETTINGS_ERROR.
		if v > 1 {
			return fDatagramValue
		}
		s.Datagram = v == 1
	default:
		// RFC 9114 section 7.2.4.1-5: Setting identifiers that were defined in HTTP/2 where there is no corresponding HTTP/3 setting have also been
		// reserved [...]. These reserved settings MUST NOT be sent, and their receipt MUST be treated as a connection error of type H3_SETTINGS_ERROR.
		if id.HTTP2() {
			return fSettingReserved
		}
	}
	return ok
}

// AppendPayload appends the settings that differ from the default ones: the payload of a SETTINGS frame.
func (s *Settings) AppendPayload(dst []byte) []byte {
	put := func(id SettingID, v uint64) {
		if v != 0 {
			dst = AppendSetting(dst, id, v)
		}
	}
	put(SettingQPACKMaxTableCapacity, s.QPACKMaxTableCapacity)
	if s.MaxFieldSectionSize != NoLimit {
		dst = AppendSetting(dst, SettingMaxFieldSectionSize, s.MaxFieldSectionSize)
	}
	put(SettingQPACKBlockedStreams, s.QPACKBlockedStreams)
	if s.EnableConnectProtocol {
		put(SettingEnableConnectProtocol, 1)
	}
	if s.Datagram {
		put(SettingH3Datagram, 1)
	}
	return dst
}

// maxSettings bounds the payload that AppendPayload can append: five settings of at most nine octets.
const maxSettings = 5 * 9

// Append appends a SETTINGS frame with the settings that differ from the default ones.
func (s *Settings) Append(dst []byte) []byte {
	var buf [maxSettings]byte
	p := s.AppendPayload(buf[:0])
	return append(AppendFrameHeader(dst, FrameHeader{Type: FrameSettings, Length: uint64(len(p))}), p...)
}

// Resumes checks that what a server announces now may follow what it announced in the connection that 0-RTT data of this one was made
// for. A server asks before it accepts 0-RTT, with the settings that the client remembers as remembered; a client asks when the server has
// accepted.
//
// RFC 9114 section 7.2.4.2-8: if 0-RTT data is accepted by the server, its SETTINGS frame MUST NOT reduce any limits or alter any values
// that might be violated by the client with its 0-RTT data. If a server accepts 0-RTT but then sends settings that are not
// compatible with the previously specified settings, this MUST be treated as a connection error of type H3_SETTINGS_ERROR.
func (s *Settings) Resumes(remembered *Settings) Fault {
	switch {
	// RFC 9204 section 3.2.3-2: If the remembered value is non-zero, the server MUST send the same non-zero value in its SETTINGS frame.
	case remembered.QPACKMaxTableCapacity != 0 && s.QPACKMaxTableCapacity != remembered.QPACKMaxTableCapacity:
		return fResumeTable
	case s.QPACKBlockedStreams < remembered.QPACKBlockedStreams:
		return fResumeBlocked
	case s.MaxFieldSectionSize < remembered.MaxFieldSectionSize:
		return fResumeSection
	case remembered.EnableConnectProtocol && !s.EnableConnectProtocol:
		return fResumeConnect
	// RFC 9297 section 2.1.1-4: If a client stores the value of the SETTINGS_H3_DATAGRAM setting with their 0-RTT state, they MUST validate that
	// the new value of the SETTINGS_H3_DATAGRAM setting sent by the server in the handshake is greater than or equal to the stored value; if not,
	// the client MUST terminate the connection with error H3_SETTINGS_ERROR.
	case remembered.Datagram && !s.Datagram:
		return fResumeDatagram
	}
	return ok
}
