package quic

import "time"

// The identifiers of transport parameters (RFC 9000 section 18.2, RFC 9221, RFC 9287, RFC 9368).
const (
	paramOriginalDstID      = 0x00
	paramIdleTimeout        = 0x01
	paramResetToken         = 0x02
	paramUDPPayload         = 0x03
	paramData               = 0x04
	paramStreamBidiLocal    = 0x05
	paramStreamBidiRemote   = 0x06
	paramStreamUni          = 0x07
	paramStreamsBidi        = 0x08
	paramStreamsUni         = 0x09
	paramAckDelayExponent   = 0x0a
	paramMaxAckDelay        = 0x0b
	paramNoMigration        = 0x0c
	paramPreferredAddress   = 0x0d
	paramActiveIDLimit      = 0x0e
	paramInitialSrcID       = 0x0f
	paramRetrySrcID         = 0x10
	paramVersionInformation = 0x11
	paramDatagram           = 0x20
	paramGreaseBit          = 0x2ab2
)

// TransportParameters are what one end tells the other in its handshake (RFC 9000 section 18). The zero value is not what an absent
// parameter means: DefaultTransportParameters has that.
type TransportParameters struct {
	// OriginalDstID is the Destination Connection ID of the client's first packet. Only a server sends it.
	OriginalDstID    ConnectionID
	HasOriginalDstID bool
	// MaxIdleTimeout is in milliseconds; 0 is none. It can be more than a time.Duration holds: see IdleTimeout.
	MaxIdleTimeout uint64
	// ResetToken is the stateless reset token of the server's first connection ID. Only a server sends it.
	ResetToken    ResetToken
	HasResetToken bool
	// MaxUDPPayload is in bytes, 1200 or more. Default 65527.
	MaxUDPPayload uint64
	// MaxData is the flow control limit of the connection in bytes.
	MaxData uint64
	// MaxStreamDataBidiLocal, BidiRemote and Uni are those of streams in bytes: bidirectional ones that the sender of the parameters opens, those
	// that the receiver opens, and unidirectional ones that the receiver opens.
	MaxStreamDataBidiLocal, MaxStreamDataBidiRemote, MaxStreamDataUni uint64
	// MaxStreamsBidi and MaxStreamsUni are how many streams the receiver may open, at most 2^60.
	MaxStreamsBidi, MaxStreamsUni uint64
	// AckDelayExponent is 0 to 20. Default 3.
	AckDelayExponent uint64
	// MaxAckDelay is in milliseconds, below 2^14. Default 25.
	MaxAckDelay uint64
	// DisableMigration asks the peer not to migrate actively.
	DisableMigration bool
	// PreferredAddress is where the server wants to be. Only a server sends it.
	PreferredAddress    PreferredAddress
	HasPreferredAddress bool
	// ActiveIDLimit is how many connection IDs the sender stores, 2 or more. Default 2.
	ActiveIDLimit uint64
	// InitialSrcID is the Source Connection ID of the sender's first Initial packet.
	InitialSrcID    ConnectionID
	HasInitialSrcID bool
	// RetrySrcID is the Source Connection ID of the Retry packet. Only a server sends it.
	RetrySrcID    ConnectionID
	HasRetrySrcID bool
	// MaxDatagram is the largest DATAGRAM frame in bytes, type and length included, that the sender accepts; 0 is none (RFC 9221 section 3).
	MaxDatagram uint64
	// GreaseQUICBit says that the sender accepts packets whose fixed bit is 0 (RFC 9287).
	GreaseQUICBit bool
	// ChosenVersion is the version in use, 0 without version information (RFC 9368 section 3).
	ChosenVersion Version
	// AvailableVersions are 4 bytes each, in the sender's order of preference. After ParseTransportParameters they point into its src. Used with
	// ChosenVersion only.
	AvailableVersions []byte
}

// IdleTimeout returns MaxIdleTimeout as a duration, the longest one if it is longer than that.
func (p *TransportParameters) IdleTimeout() time.Duration {
	const most = 1<<63 - 1
	if p.MaxIdleTimeout > most/uint64(time.Millisecond) {
		return most
	}
	return time.Duration(p.MaxIdleTimeout) * time.Millisecond
}

// AckDelay returns MaxAckDelay as a duration. It is for values in range.
func (p *TransportParameters) AckDelay() time.Duration {
	return time.Duration(p.MaxAckDelay) * time.Millisecond
}

// PreferredAddress is the transport parameter preferred_address. An address and port of zeros is none.
type PreferredAddress struct {
	IPv4       [4]byte
	Port4      uint16
	IPv6       [16]byte
	Port6      uint16
	ID         ConnectionID
	ResetToken ResetToken
}

// DefaultTransportParameters returns what a peer means that sends no parameter at all.
func DefaultTransportParameters() TransportParameters {
	return TransportParameters{MaxUDPPayload: 65527, AckDelayExponent: 3, MaxAckDelay: 25, ActiveIDLimit: 2}
}

// ReservedParameter returns the identifier 31*n+27, which exists only to exercise the rule that unknown parameters are
// ignored (RFC 9000 section 18.1).
func ReservedParameter(n uint32) uint64 { return 31*uint64(n) + 27 }

// ParseTransportParameters reads the value of the TLS extension quic_transport_parameters that sender has sent. Unknown parameters are ignored,
// but none may come twice. It fills p with defaults first; after an error p is not to be used. That connection IDs are those of the packets
// (RFC 9000 section 7.3), is for the connection to check. Looking for repetitions costs the square of the number of unknown parameters; more than 64 of them are
// not compared with each other.
func ParseTransportParameters(src []byte, sender Role, p *TransportParameters) error {
	*p = DefaultTransportParameters()
	var seen uint64
	var odd [64]uint64
	odds := 0
	for len(src) > 0 {
		id, n := ParseVarint(src)
		size, m := ParseVarint(src[n:])
		if n == 0 || m == 0 || size > uint64(len(src)-n-m) {
			return failure(rParamCut)
		}
		at := n + m
		value := src[at : at+int(size) : at+int(size)]
		src = src[at+int(size):]
		// 9000-7.4-7: "An endpoint SHOULD treat receipt of duplicate transport parameters as a connection error of type
		// TRANSPORT_PARAMETER_ERROR."
		if id < 64 {
			if seen&(1<<id) != 0 {
				return failure(rParamTwice)
			}
			seen |= 1 << id
		} else {
			for _, o := range odd[:odds] {
				if o == id {
					return failure(rParamTwice)
				}
			}
			if odds < len(odd) {
				odd[odds] = id
				odds++
			}
		}
		if r := p.set(id, value, sender); r != ok {
			return failure(r)
		}
	}
	return nil
}

func (p *TransportParameters) set(id uint64, value []byte, sender Role) reason {
	switch id {
	case paramOriginalDstID, paramResetToken, paramPreferredAddress, paramRetrySrcID:
		// 9000-18.2-8: "A server MUST treat receipt of any of these transport parameters as a connection error of type
		// TRANSPORT_PARAMETER_ERROR."
		if sender != Server {
			return rParamServerOnly
		}
	}
	switch id {
	case paramOriginalDstID:
		p.HasOriginalDstID = true
		return setID(&p.OriginalDstID, value)
	case paramInitialSrcID:
		p.HasInitialSrcID = true
		return setID(&p.InitialSrcID, value)
	case paramRetrySrcID:
		p.HasRetrySrcID = true
		return setID(&p.RetrySrcID, value)
	case paramResetToken:
		p.HasResetToken = true
		if len(value) != ResetTokenLen {
			return rParamToken
		}
		copy(p.ResetToken[:], value)
		return ok
	case paramNoMigration, paramGreaseBit:
		if len(value) != 0 {
			return rParamFlag
		}
		if id == paramNoMigration {
			p.DisableMigration = true
		} else {
			p.GreaseQUICBit = true
		}
		return ok
	case paramPreferredAddress:
		p.HasPreferredAddress = true
		return p.PreferredAddress.parse(value)
	case paramVersionInformation:
		return p.setVersions(value, sender)
	}
	into := p.integer(id)
	if into == nil {
		return ok // unknown: 9000-7.4.2-1: "An endpoint MUST ignore transport parameters that it does not support."
	}
	v, n := ParseVarint(value)
	if n == 0 || n != len(value) {
		return rParamInteger
	}
	*into = v
	return inRange(id, v)
}

// integer returns the member for an integer parameter, nil if id is none.
func (p *TransportParameters) integer(id uint64) *uint64 {
	switch id {
	case paramIdleTimeout:
		return &p.MaxIdleTimeout
	case paramUDPPayload:
		return &p.MaxUDPPayload
	case paramData:
		return &p.MaxData
	case paramStreamBidiLocal:
		return &p.MaxStreamDataBidiLocal
	case paramStreamBidiRemote:
		return &p.MaxStreamDataBidiRemote
	case paramStreamUni:
		return &p.MaxStreamDataUni
	case paramStreamsBidi:
		return &p.MaxStreamsBidi
	case paramStreamsUni:
		return &p.MaxStreamsUni
	case paramAckDelayExponent:
		return &p.AckDelayExponent
	case paramMaxAckDelay:
		return &p.MaxAckDelay
	case paramActiveIDLimit:
		return &p.ActiveIDLimit
	case paramDatagram:
		return &p.MaxDatagram
	}
	return nil
}

// inRange tells what is wrong with the value of an integer parameter.
func inRange(id, v uint64) reason {
	switch id {
	case paramUDPPayload:
		// 9000-18.2-4.10: "Values below 1200 are invalid."
		if v < 1200 {
			return rParamUDP
		}
	case paramStreamsBidi, paramStreamsUni:
		// 9000-4.6-2: "If a max_streams transport parameter [...] is received with a value greater than 2^60, [...] the connection
		// MUST be closed immediately with a connection error of type TRANSPORT_PARAMETER_ERROR".
		if v > MaxStreamCount {
			return rParamStreams
		}
	case paramAckDelayExponent:
		// 9000-18.2-4.26: "Values above 20 are invalid."
		if v > 20 {
			return rParamExponent
		}
	case paramMaxAckDelay:
		// 9000-18.2-4.28: "Values of 2^14 or greater are invalid."
		if v >= 1<<14 {
			return rParamDelay
		}
	case paramActiveIDLimit:
		// 9000-18.2-6.2: "An endpoint that receives a value less than 2 MUST close the connection with an error of type
		// TRANSPORT_PARAMETER_ERROR."
		if v < 2 {
			return rParamIDLimit
		}
	}
	return ok
}

func setID(id *ConnectionID, value []byte) reason {
	var fits bool
	if *id, fits = MakeConnectionID(value); !fits {
		return rParamID
	}
	return ok
}

func (a *PreferredAddress) parse(b []byte) reason {
	const fixed = 4 + 2 + 16 + 2 + 1 + ResetTokenLen
	if len(b) < fixed || len(b) != fixed+int(b[24]) {
		return rParamAddress
	}
	copy(a.IPv4[:], b)
	a.Port4 = uint16(b[4])<<8 | uint16(b[5])
	copy(a.IPv6[:], b[6:])
	a.Port6 = uint16(b[22])<<8 | uint16(b[23])
	id := b[25 : len(b)-ResetTokenLen]
	copy(a.ResetToken[:], b[len(b)-ResetTokenLen:])
	// 9000-18.2-4.38: "a server MUST NOT include a zero-length connection ID in this transport parameter. A client MUST treat a
	// violation of these requirements as a connection error of type TRANSPORT_PARAMETER_ERROR."
	var fits bool
	if a.ID, fits = MakeConnectionID(id); !fits || len(id) == 0 {
		return rParamAddressID
	}
	return ok
}

func (p *TransportParameters) setVersions(b []byte, sender Role) reason {
	// RFC 9368 section 4-3: "If that leads to a parsing failure (for example, if it is too short or if its length is not divisible by
	// four), then the endpoint MUST close the connection", with TRANSPORT_PARAMETER_ERROR. "If an endpoint receives a Chosen
	// Version equal to zero, or any Available Version equal to zero, it MUST treat it as a parsing failure. If a server receives
	// Version Information where the Chosen Version is not included in Available Versions, it MUST treat it as a parsing failure."
	if len(b) < 4 || len(b)%4 != 0 {
		return rParamVersions
	}
	p.ChosenVersion, p.AvailableVersions = versionAt(b), b[4:]
	if p.ChosenVersion == 0 {
		return rParamChosenZero
	}
	found := sender == Server
	for rest := b[4:]; len(rest) > 0; rest = rest[4:] {
		v := versionAt(rest)
		if v == 0 {
			return rParamVersionZero
		}
		found = found || v == p.ChosenVersion
	}
	if !found {
		return rParamChosenAbsent
	}
	return ok
}

func versionAt(b []byte) Version {
	return Version(b[0])<<24 | Version(b[1])<<16 | Version(b[2])<<8 | Version(b[3])
}

// AppendTransportParameters appends the parameters of sender. Integers that have their default value are left out. What a reader would refuse is
// refused here too. With an error, always misuse, dst is returned as it was. Parameters of one's own or reserved ones may be put
// behind with AppendTransportParameter.
func AppendTransportParameters(dst []byte, sender Role, p *TransportParameters) ([]byte, error) {
	if sender != Server && (p.HasOriginalDstID || p.HasResetToken || p.HasPreferredAddress || p.HasRetrySrcID) {
		return dst, failure(rPutParamRole)
	}
	out := dst
	q, defaults := *p, DefaultTransportParameters()
	for id := uint64(0); id <= paramDatagram; id++ {
		v := q.integer(id)
		if v == nil {
			continue
		}
		if *v > MaxVarint || inRange(id, *v) != ok {
			return dst, failure(rPutParam)
		}
		if *v != *defaults.integer(id) {
			out = AppendVarint(AppendVarint(AppendVarint(out, id), uint64(VarintLen(*v))), *v)
		}
	}
	if p.HasOriginalDstID {
		out = AppendTransportParameter(out, paramOriginalDstID, q.OriginalDstID.Bytes())
	}
	if p.HasResetToken {
		out = AppendTransportParameter(out, paramResetToken, p.ResetToken[:])
	}
	if p.DisableMigration {
		out = AppendTransportParameter(out, paramNoMigration, nil)
	}
	if p.HasPreferredAddress {
		a := &q.PreferredAddress
		if a.ID.Len() == 0 {
			return dst, failure(rPutParam)
		}
		out = AppendVarint(out, paramPreferredAddress)
		out = AppendVarint(out, uint64(4+2+16+2+1+a.ID.Len()+ResetTokenLen))
		out = append(append(out, a.IPv4[:]...), byte(a.Port4>>8), byte(a.Port4))
		out = append(append(out, a.IPv6[:]...), byte(a.Port6>>8), byte(a.Port6), byte(a.ID.Len()))
		out = append(append(out, a.ID.Bytes()...), a.ResetToken[:]...)
	}
	if p.HasInitialSrcID {
		out = AppendTransportParameter(out, paramInitialSrcID, q.InitialSrcID.Bytes())
	}
	if p.HasRetrySrcID {
		out = AppendTransportParameter(out, paramRetrySrcID, q.RetrySrcID.Bytes())
	}
	if p.ChosenVersion != 0 {
		if len(p.AvailableVersions)%4 != 0 {
			return dst, failure(rPutParam)
		}
		found := sender == Server
		for rest := p.AvailableVersions; len(rest) > 0; rest = rest[4:] {
			if versionAt(rest) == 0 {
				return dst, failure(rPutParam)
			}
			found = found || versionAt(rest) == p.ChosenVersion
		}
		if !found {
			return dst, failure(rPutParam)
		}
		v := p.ChosenVersion
		out = AppendVarint(AppendVarint(out, paramVersionInformation), uint64(4+len(p.AvailableVersions)))
		out = append(append(out, byte(v>>24), byte(v>>16), byte(v>>8), byte(v)), p.AvailableVersions...)
	}
	if p.GreaseQUICBit {
		out = AppendTransportParameter(out, paramGreaseBit, nil)
	}
	return out, nil
}

// AppendTransportParameter appends one parameter of any identifier, up to MaxVarint: one that this package does not know, or a reserved one. Above MaxVarint dst is
// returned as it was.
func AppendTransportParameter(dst []byte, id uint64, value []byte) []byte {
	if id > MaxVarint {
		return dst
	}
	return append(AppendVarint(AppendVarint(dst, id), uint64(len(value))), value...)
}
