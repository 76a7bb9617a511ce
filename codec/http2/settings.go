package http2

import (
	"encoding/binary"
	"math"
)

// SettingID identifies a parameter of a SETTINGS frame. Unknown ones MUST be ignored (RFC 9113 section 6.5.2).
type SettingID uint16

// The settings of RFC 9113 section 6.5.2, RFC 8441 section 3 and RFC 9218 section 2.1.
const (
	SettingHeaderTableSize       SettingID = 0x1
	SettingEnablePush            SettingID = 0x2
	SettingMaxConcurrentStreams  SettingID = 0x3
	SettingInitialWindowSize     SettingID = 0x4
	SettingMaxFrameSize          SettingID = 0x5
	SettingMaxHeaderListSize     SettingID = 0x6
	SettingEnableConnectProtocol SettingID = 0x8
	SettingNoRFC7540Priorities   SettingID = 0x9
)

// String returns the name without "SETTINGS_", such as "MAX_FRAME_SIZE", or "UNKNOWN".
func (id SettingID) String() string {
	switch id {
	case SettingHeaderTableSize:
		return "HEADER_TABLE_SIZE"
	case SettingEnablePush:
		return "ENABLE_PUSH"
	case SettingMaxConcurrentStreams:
		return "MAX_CONCURRENT_STREAMS"
	case SettingInitialWindowSize:
		return "INITIAL_WINDOW_SIZE"
	case SettingMaxFrameSize:
		return "MAX_FRAME_SIZE"
	case SettingMaxHeaderListSize:
		return "MAX_HEADER_LIST_SIZE"
	case SettingEnableConnectProtocol:
		return "ENABLE_CONNECT_PROTOCOL"
	case SettingNoRFC7540Priorities:
		return "NO_RFC7540_PRIORITIES"
	}
	return "UNKNOWN"
}

// Setting is one parameter of a SETTINGS frame.
type Setting struct {
	ID    SettingID
	Value uint32
}

const settingLen = 6

// SettingList is the payload of a SETTINGS frame: a multiple of six octets, as Check guarantees.
type SettingList []byte

// ParseSettings returns the parameters of a SETTINGS frame.
func ParseSettings(p []byte) SettingList { return SettingList(p) }

// Len returns the number of parameters.
func (l SettingList) Len() int { return len(l) / settingLen }

// At returns parameter i, from 0. Parameters MUST be processed in order (RFC 9113 section 6.5.3).
func (l SettingList) At(i int) Setting {
	p := l[i*settingLen:]
	return Setting{SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])}
}

// Check decides whether the value is allowed for the parameter. fromServer says that a server sent it.
func (s Setting) Check(fromServer bool) Fault {
	switch s.ID {
	case SettingEnablePush:
		// RFC 9113 section 6.5.2: any value other than 0 or 1 MUST be treated as a connection error of type PROTOCOL_ERROR; a client
		// MUST treat receipt of a SETTINGS frame with SETTINGS_ENABLE_PUSH set to 1 as a connection error of type PROTOCOL_ERROR.
		switch {
		case s.Value > 1:
			return fPushValue
		case s.Value == 1 && fromServer:
			return fPushServer
		}
	case SettingInitialWindowSize:
		// RFC 9113 section 6.5.2: values above the maximum flow-control window size of 2^31-1 MUST be treated as a connection error of
		// type FLOW_CONTROL_ERROR.
		if s.Value > MaxWindow {
			return fWindowValue
		}
	case SettingMaxFrameSize:
		// RFC 9113 section 6.5.2: the value advertised by an endpoint MUST be between this initial value and the maximum allowed frame
		// size; values outside this range MUST be treated as a connection error of type PROTOCOL_ERROR.
		if s.Value < MinFrameSize || s.Value > MaxFrameSize {
			return fFrameValue
		}
	case SettingEnableConnectProtocol:
		// RFC 8441 section 3-2: The value of the parameter MUST be 0 or 1.
		if s.Value > 1 {
			return fConnectValue
		}
	case SettingNoRFC7540Priorities:
		// RFC 9218 section 2.1-2: Any value other than 0 or 1 MUST be treated as a connection error [...] of type PROTOCOL_ERROR.
		if s.Value > 1 {
			return fNoPriorityValue
		}
	}
	return ok
}

// Settings is the state of one direction: what one endpoint has told the other.
type Settings struct {
	// HeaderTableSize is the largest dynamic table in octets that the sender of the setting accepts when decoding.
	HeaderTableSize uint32
	// MaxConcurrentStreams is how many streams the sender of the setting permits its peer to have open; math.MaxUint32 is
	// no limit. 0 is allowed and means none for the time being.
	MaxConcurrentStreams uint32
	// InitialWindowSize is the window of new streams in octets, at most MaxWindow.
	InitialWindowSize uint32
	// MaxFrameSize is the longest payload in octets that the sender of the setting accepts, MinFrameSize to MaxFrameSize.
	MaxFrameSize uint32
	// MaxHeaderListSize is the largest field section in octets that the sender of the setting is prepared to accept (advisory;
	// each field costs 32 octets more than its name and value); math.MaxUint32 is no limit.
	MaxHeaderListSize uint32
	// EnablePush: the sender of the setting accepts PUSH_PROMISE.
	EnablePush bool
	// EnableConnectProtocol: the server accepts extended CONNECT (RFC 8441).
	EnableConnectProtocol bool
	// NoRFC7540Priorities: the sender does not use the priority signals of RFC 7540 (RFC 9218 section 2.1).
	NoRFC7540Priorities bool
}

// DefaultSettings returns the initial values of RFC 9113 section 6.5.2.
func DefaultSettings() Settings {
	return Settings{
		HeaderTableSize:      4096,
		MaxConcurrentStreams: math.MaxUint32,
		InitialWindowSize:    65535,
		MaxFrameSize:         MinFrameSize,
		MaxHeaderListSize:    math.MaxUint32,
		EnablePush:           true,
	}
}

// Apply checks a parameter that was received and takes its value over; with a fault s is unchanged. first says that it
// stands in the first SETTINGS frame of the connection, fromServer that a server sent it.
func (s *Settings) Apply(x Setting, first, fromServer bool) Fault {
	if f := x.Check(fromServer); f != ok {
		return f
	}
	switch x.ID {
	case SettingHeaderTableSize:
		s.HeaderTableSize = x.Value
	case SettingEnablePush:
		s.EnablePush = x.Value == 1
	case SettingMaxConcurrentStreams:
		s.MaxConcurrentStreams = x.Value
	case SettingInitialWindowSize:
		s.InitialWindowSize = x.Value
	case SettingMaxFrameSize:
		s.MaxFrameSize = x.Value
	case SettingMaxHeaderListSize:
		s.MaxHeaderListSize = x.Value
	case SettingEnableConnectProtocol:
		// RFC 8441 section 3-4: A sender MUST NOT send a SETTINGS_ENABLE_CONNECT_PROTOCOL parameter with the value of 0 after previously sending a
		// value of 1.
		if x.Value == 0 && s.EnableConnectProtocol {
			return fConnectLowered
		}
		s.EnableConnectProtocol = x.Value == 1
	case SettingNoRFC7540Priorities:
		// RFC 9218 section 2.1-3: Senders MUST NOT change the SETTINGS_NO_RFC7540_PRIORITIES value after the first SETTINGS frame. Receivers that
		// detect a change MAY treat it as a connection error of type PROTOCOL_ERROR.
		if !first && s.NoRFC7540Priorities != (x.Value == 1) {
			return fNoPriorityChanged
		}
		s.NoRFC7540Priorities = x.Value == 1
	}
	return ok
}

// Append appends a SETTINGS frame with those parameters of s that differ from what the peer knows so far: the value of
// DefaultSettings at first, later what was last sent.
func (s *Settings) Append(dst []byte, known *Settings) []byte {
	at := len(dst)
	dst = AppendFrameHeader(dst, FrameHeader{Type: FrameSettings})
	put := func(id SettingID, value, old uint32) {
		if value != old {
			dst = appendSetting(dst, Setting{id, value})
		}
	}
	put(SettingHeaderTableSize, s.HeaderTableSize, known.HeaderTableSize)
	put(SettingEnablePush, bit(s.EnablePush), bit(known.EnablePush))
	put(SettingMaxConcurrentStreams, s.MaxConcurrentStreams, known.MaxConcurrentStreams)
	put(SettingInitialWindowSize, s.InitialWindowSize, known.InitialWindowSize)
	put(SettingMaxFrameSize, s.MaxFrameSize, known.MaxFrameSize)
	put(SettingMaxHeaderListSize, s.MaxHeaderListSize, known.MaxHeaderListSize)
	put(SettingEnableConnectProtocol, bit(s.EnableConnectProtocol), bit(known.EnableConnectProtocol))
	put(SettingNoRFC7540Priorities, bit(s.NoRFC7540Priorities), bit(known.NoRFC7540Priorities))
	dst[at+2] = byte(len(dst) - at - FrameHeaderLen)
	return dst
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
