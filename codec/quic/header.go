package quic

import "github.com/purewire/purewire/codec/internal/varint"

// Header is the header of a packet as ParseHeader reads it: everything that is not protected. Which fields are used depends on Type:
//
//	Type                fields besides First and DstID
//	Initial             Version, SrcID, Token, NumberAt
//	ZeroRTT, Handshake  Version, SrcID, NumberAt
//	Retry               Version, SrcID, Token, Tag
//	OneRTT              NumberAt
//	VersionNegotiation  SrcID, Versions
//	UnknownVersion      Version, SrcID
//
// The slices point into the packet.
type Header struct {
	Type PacketType
	// First is the first byte as it is on the wire; its low bits may be protected.
	First byte
	// Version is the version of a long header; 0 for OneRTT and VersionNegotiation.
	Version Version
	// DstID and SrcID are the connection IDs.
	DstID, SrcID []byte
	// Token is that of an Initial or Retry packet.
	Token []byte
	// NumberAt is the offset in the packet of the protected packet number; 0 where there is none.
	NumberAt int
	// Tag is the Retry Integrity Tag, 16 bytes. It covers what is in front of it.
	Tag []byte
	// Versions are the versions of a Version Negotiation packet, 4 bytes each: see Supports and VersionAt.
	Versions []byte
}

// RetryTagLen is the length in bytes of the Retry Integrity Tag (RFC 9001 section 5.8).
const RetryTagLen = 16

// SampleLen is the length in bytes of the sample of header protection (RFC 9001 section 5.4.2). The sample begins 4 bytes behind the
// start of the packet number, whatever its length.
const SampleLen = 16

// HeaderOptions say what a parser of headers must know beforehand.
type HeaderOptions struct {
	// ShortIDLen is the length in bytes of the connection IDs that this end chose: short headers do not tell.
	ShortIDLen int
	// Grease accepts packets whose fixed bit is 0, for an end that has sent grease_quic_bit (RFC 9287 section 3). Without it they are
	// refused, which is how other protocols on the same port are told from QUIC.
	Grease bool
}

// ParseHeader reads the header of the packet at the start of src into h and returns the length of the packet; what is behind it is
// another packet of the same datagram. src must be all that is left of the datagram. Every error says to drop
// the packet and what is behind it; h is not to be used then.
func ParseHeader(src []byte, opts HeaderOptions, h *Header) (n int, err error) {
	*h = Header{}
	if len(src) == 0 {
		return 0, failure(rPacketEmpty)
	}
	h.First = src[0]
	if h.First&0x80 == 0 {
		return h.short(src, opts)
	}
	if len(src) < 7 {
		return 0, failure(rLongCut)
	}
	h.Version = Version(src[1])<<24 | Version(src[2])<<16 | Version(src[3])<<8 | Version(src[4])
	at := 6 + int(src[5])
	if at >= len(src) {
		return 0, failure(rLongCut)
	}
	end := at + 1 + int(src[at])
	if end > len(src) {
		return 0, failure(rLongCut)
	}
	h.DstID, h.SrcID = src[6:at:at], src[at+1:end:end]
	switch {
	case h.Version == 0:
		return h.negotiation(src, end)
	case !h.Version.Known():
		h.Type = UnknownVersion
		return len(src), nil
	}
	// 9000-17.2-3.4: "Packets containing a zero value for this bit are not valid packets in this version and MUST be discarded."
	if h.First&0x40 == 0 && !opts.Grease {
		return 0, failure(rFixedBit)
	}
	// 9000-17.2-3.12: "Endpoints that receive a version 1 long header with a value larger than 20 MUST drop the packet."
	if len(h.DstID) > MaxConnectionIDLen || len(h.SrcID) > MaxConnectionIDLen {
		return 0, failure(rLongID)
	}
	h.Type = longTypes[h.Version.row()][h.First>>4&3]
	return h.long(src, end)
}

func (h *Header) short(src []byte, opts HeaderOptions) (int, error) {
	h.Type = OneRTT
	// 9000-17.3.1-4.4: "Packets containing a zero value for this bit are not valid packets in this version and MUST be discarded."
	if h.First&0x40 == 0 && !opts.Grease {
		return 0, failure(rFixedBit)
	}
	h.NumberAt = 1 + opts.ShortIDLen
	if opts.ShortIDLen < 0 || opts.ShortIDLen > MaxConnectionIDLen || len(src) < h.NumberAt {
		return 0, failure(rShortCut)
	}
	// 9001-5.4.2-3: "An endpoint MUST discard packets that are not long enough to contain a complete sample."
	if len(src) < h.NumberAt+4+SampleLen {
		return 0, failure(rSampleCut)
	}
	h.DstID = src[1:h.NumberAt:h.NumberAt]
	return len(src), nil
}

// long reads what follows the connection IDs in a long header.
func (h *Header) long(src []byte, at int) (int, error) {
	switch h.Type {
	case Retry:
		tag := len(src) - RetryTagLen
		if tag < at {
			return 0, failure(rRetryShort)
		}
		// 9000-17.2.5.2-2: "A client MUST discard a Retry packet with a zero-length Retry Token field."
		if tag == at {
			return 0, failure(rRetryNoToken)
		}
		h.Token, h.Tag = src[at:tag:tag], src[tag:len(src):len(src)]
		return len(src), nil
	case Initial:
		size, n := varint.Parse(src[at:])
		if at += n; n == 0 || size > uint64(len(src)-at) {
			return 0, failure(rTokenCut)
		}
		h.Token = src[at : at+int(size) : at+int(size)]
		at += int(size)
	}
	size, n := varint.Parse(src[at:])
	if n == 0 {
		return 0, failure(rLengthCut)
	}
	at += n
	if size > uint64(len(src)-at) {
		return 0, failure(rLengthLong)
	}
	// 9001-5.4.2-3, as above.
	if size < 4+SampleLen {
		return 0, failure(rSampleCut)
	}
	h.NumberAt = at
	return at + int(size), nil
}

func (h *Header) negotiation(src []byte, at int) (int, error) {
	h.Type = VersionNegotiation
	// 8999-6-5: "An endpoint MUST ignore a packet that contains no Supported Version fields or contains a truncated Supported
	// Version value."
	if (len(src)-at)%4 != 0 {
		return 0, failure(rVNLength)
	}
	if len(src) == at {
		return 0, failure(rVNVersions)
	}
	h.Versions = src[at:len(src):len(src)]
	return len(src), nil
}

// Supports tells whether a Version Negotiation packet lists v.
func (h *Header) Supports(v Version) bool {
	for i := 0; i < len(h.Versions)/4; i++ {
		if h.VersionAt(i) == v {
			return true
		}
	}
	return false
}

// VersionAt returns version i of a Version Negotiation packet, 0 if there are not so many.
func (h *Header) VersionAt(i int) Version {
	if i < 0 || i >= len(h.Versions)/4 {
		return 0
	}
	b := h.Versions[4*i:]
	return Version(b[0])<<24 | Version(b[1])<<16 | Version(b[2])<<8 | Version(b[3])
}

// Packets steps through the packets of a datagram (RFC 9000 section 12.2).
type Packets struct {
	rest    []byte
	opts    HeaderOptions
	id      []byte
	started bool
}

// Packets returns an iterator over the packets of the datagram.
func (o HeaderOptions) Packets(datagram []byte) Packets {
	return Packets{rest: datagram, opts: o}
}

// Next reads the header of the next packet into h and returns the whole packet. At the end packet is nil. Every error ends the datagram, and says
// to drop what was left of it: an empty datagram, a header that is not valid, or a packet for another connection than the first one.
func (p *Packets) Next(h *Header) (packet []byte, err error) {
	if p.started && len(p.rest) == 0 {
		return nil, nil
	}
	src := p.rest
	n, err := ParseHeader(src, p.opts, h)
	p.rest = src[n:]
	if err != nil {
		p.started, p.rest = true, nil
		return nil, err
	}
	// 9000-12.2-4: "Receivers SHOULD ignore any subsequent packets with a different Destination Connection ID than the first
	// packet in the datagram."
	if p.started && string(h.DstID) != string(p.id) {
		p.rest = nil
		return nil, failure(rDatagramID)
	}
	p.started, p.id = true, h.DstID
	return src[:n:n], nil
}
