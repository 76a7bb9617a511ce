package quic

// Version is a version of QUIC, as in the Version field of long headers.
type Version uint32

// The versions whose packets this package reads and writes.
const (
	Version1 Version = 0x00000001
	Version2 Version = 0x6b3343cf
)

// Known tells whether v is one of the versions above.
func (v Version) Known() bool { return v == Version1 || v == Version2 }

// Reserved tells whether v is of the form 0x?a?a?a?a: versions that exist only to exercise version negotiation (RFC 9000 section 15).
func (v Version) Reserved() bool { return v&0x0f0f0f0f == 0x0a0a0a0a }

// PacketType is the type of a packet.
type PacketType uint8

// The types of packets. UnknownVersion is a packet with a long header of a version that is not known: only what the invariants
// of RFC 8999 say is read of it.
const (
	Initial PacketType = iota + 1
	ZeroRTT
	Handshake
	Retry
	OneRTT
	VersionNegotiation
	UnknownVersion
)

var packetNames = [...]string{"none", "Initial", "0-RTT", "Handshake", "Retry", "1-RTT", "Version Negotiation", "unknown version"}

// String returns the name in the RFC, such as "0-RTT".
func (t PacketType) String() string {
	if int(t) >= len(packetNames) {
		return "unknown"
	}
	return packetNames[t]
}

// longTypes tells the type for the two bits of a long header: of version 1 in the first row, of version 2 in the second
// (RFC 9000 section 17.2, RFC 9369 section 3.2).
var longTypes = [2][4]PacketType{
	{Initial, ZeroRTT, Handshake, Retry},
	{Retry, Initial, ZeroRTT, Handshake},
}

// longBits is the inverse of longTypes, in place in the first byte.
var longBits = [2][5]byte{
	{Initial: 0x00, ZeroRTT: 0x10, Handshake: 0x20, Retry: 0x30},
	{Initial: 0x10, ZeroRTT: 0x20, Handshake: 0x30, Retry: 0x00},
}

func (v Version) row() int {
	if v == Version2 {
		return 1
	}
	return 0
}
