package quic

import "encoding/binary"

// Protection is the packet protection of one direction at one encryption level: an AEAD with its nonce and a header
// protection key (RFC 9001 section 5). Package protect has the implementations; this package knows no cipher. An implementation
// allocates nothing, and may keep scratch memory: it is for one goroutine at a time.
type Protection interface {
	// Overhead returns the length in bytes of the authentication tag.
	Overhead() int
	// Seal appends the protected payload and the tag to dst. dst may end where payload begins, else they must not overlap; header is authenticated.
	Seal(dst []byte, pn int64, header, payload []byte) []byte
	// Open appends the payload to dst, which may be payload[:0]. ok is false if it is not authentic; what was written is zeroed then.
	Open(dst []byte, pn int64, header, payload []byte) (out []byte, ok bool)
	// Mask returns the five bytes of header protection for a sample of 16 bytes, the first of them in bits 32 to 39.
	Mask(sample []byte) uint64
}

// Protect protects, in place, the packet that ends at the end of buf: packet = buf[start:], of which the first headerLen bytes
// are the header, as AppendLongHeader or AppendShortHeader has written it, and the rest is the payload. It returns buf with the tag
// behind. The payload must be long enough to be sampled: payload and packet number together 4 bytes or more (pad it).
// With an error, always misuse, buf is returned as it was.
func Protect(buf []byte, start, headerLen int, pn int64, p Protection) ([]byte, error) {
	if start < 0 || headerLen < 2 || headerLen > len(buf)-start {
		return buf, failure(rPutPacket)
	}
	numLen := int(buf[start]&3) + 1
	body := start + headerLen
	if headerLen <= numLen || len(buf)-body+numLen < 4 || p.Overhead() < SampleLen {
		return buf, failure(rPutPacket)
	}
	buf = p.Seal(buf[:body], pn, buf[start:body], buf[body:])
	numAt := body - numLen
	mask := p.Mask(buf[numAt+4 : numAt+4+SampleLen])
	maskHeader(buf[start:], numAt-start, numLen, mask)
	return buf, nil
}

// maskHeader applies the mask to the first byte and the packet number (RFC 9001 section 5.4.1). There are 4 bytes or more from numAt on.
func maskHeader(packet []byte, numAt, numLen int, mask uint64) {
	packet[0] ^= byte(mask>>32) & firstMask(packet[0])
	number := packet[numAt : numAt+4]
	bits := uint32(mask) & (^uint32(0) << (32 - 8*numLen))
	binary.BigEndian.PutUint32(number, binary.BigEndian.Uint32(number)^bits)
}

// firstMask returns which bits of the first byte are protected.
func firstMask(first byte) byte {
	if first&0x80 != 0 {
		return 0x0f
	}
	return 0x1f
}

// Opened is a packet whose header protection is removed.
type Opened struct {
	// First is the first byte without its protection: see KeyPhaseBit.
	First byte
	// Number is the packet number.
	Number int64
	// HeaderLen is the length in bytes of the header, the packet number included.
	HeaderLen int
}

// Unmask removes, in place, the header protection of a packet that ParseHeader has found: numberAt is Header.NumberAt. largest is the
// largest packet number received so far in the number space, NoPacket for none. Nothing is authenticated yet: call Open. It is to be called once.
// The error says to drop the packet.
func Unmask(packet []byte, numberAt int, largest int64, p Protection) (o Opened, err error) {
	if numberAt < 1 || len(packet) < numberAt+4+SampleLen {
		return o, failure(rSampleCut)
	}
	mask := p.Mask(packet[numberAt+4 : numberAt+4+SampleLen])
	o.First = packet[0] ^ byte(mask>>32)&firstMask(packet[0])
	// Two loops in the place of assignments: a processor guesses how often they go round and opens the packet meanwhile, where it would else
	// have to wait for the mask. The number is mostly the next one, and its length mostly the same.
	numLen := 1
	for numLen != int(o.First&3)+1 {
		numLen++
	}
	maskHeader(packet, numberAt, numLen, mask)
	low := binary.BigEndian.Uint32(packet[numberAt:]) >> (32 - 8*numLen)
	number := DecodePacketNumber(largest, low, numLen)
	o.Number, o.HeaderLen = largest+1, numberAt+numLen
	for o.Number != number {
		o.Number = number
	}
	return o, nil
}

// Open decrypts, in place, the payload of a packet whose header protection has been removed, and returns it. Its keys may be
// others than those of Unmask: after a key update. A packet that is not authentic is to be dropped (and counted: RFC 9001
// section 6.6), its bytes are lost; one that is authentic and has reserved bits ends the connection.
func (o *Opened) Open(packet []byte, p Protection) (payload []byte, err error) {
	if o.HeaderLen < 2 || o.HeaderLen > len(packet) {
		return nil, failure(rPutPacket)
	}
	header, body := packet[:o.HeaderLen], packet[o.HeaderLen:]
	payload, authentic := p.Open(body[:0], o.Number, header, body)
	if !authentic {
		return nil, failure(rAuthentication)
	}
	// 9000-17.2-8.2: "An endpoint MUST treat receipt of a packet that has a non-zero value for these bits after removing both
	// packet and header protection as a connection error of type PROTOCOL_VIOLATION." 17.3.1-4.8 says so of short headers.
	reserved := byte(0x18)
	if o.First&0x80 != 0 {
		reserved = 0x0c
	}
	if o.First&reserved != 0 {
		return nil, failure(rReserved)
	}
	return payload, nil
}
