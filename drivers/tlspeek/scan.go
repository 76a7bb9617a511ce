package tlspeek

// recordHeader is the length of a record's header (RFC 8446 section 5.1).
const recordHeader = 5

// maxFragment is the most that a record of plaintext may hold.
const maxFragment = 16 << 10

// Scan finds the end of the ClientHello in a stream of records. It keeps what it knows between calls, so that bytes that come one
// by one cost linear work. The zero value is ready.
type Scan struct {
	off  uint32 // of the next record's header
	got  uint32 // bytes of the message in the records before off
	need uint32
	head [4]byte
}

// Next looks at src, all bytes of the connection so far. complete means that the whole message is there, in the first Len
// bytes. Without ok this is no ClientHello, and nothing that follows will make it one; that is known as early as possible, so
// nobody waits for more of something else.
func (s *Scan) Next(src []byte) (complete, ok bool) {
	for {
		if s.need > 0 && s.got >= s.need {
			return true, true
		}
		rest := src[s.off:]
		if len(rest) > 0 && rest[0] != 22 || len(rest) > 1 && rest[1] != 3 {
			return false, false
		}
		if len(rest) < recordHeader {
			return false, true
		}
		n := int(rest[3])<<8 | int(rest[4])
		// RFC 8446 section 5.1: "Implementations MUST NOT send zero-length fragments of Handshake types"; "The length MUST NOT exceed 2^14 bytes."
		if n == 0 || n > maxFragment {
			return false, false
		}
		body := rest[recordHeader:min(len(rest), recordHeader+n)]
		// RFC 8446 section 4: one byte of type, 1 for client_hello, and three of length.
		for i := s.got; i < 4 && int(i-s.got) < len(body); i++ {
			s.head[i] = body[i-s.got]
		}
		have := s.got + uint32(len(body))
		if have >= 1 && s.head[0] != 1 {
			return false, false
		}
		if have >= 4 {
			s.need = 4 + uint32(s.head[1])<<16 + uint32(s.head[2])<<8 + uint32(s.head[3])
		}
		if len(body) < n {
			return false, true
		}
		s.got = have
		s.off += uint32(recordHeader + n)
	}
}

// Len returns the length of the records that were seen whole.
func (s *Scan) Len() int { return int(s.off) }

// Need returns how many bytes the message declares to have, its header included, 0 while that is not known.
func (s *Scan) Need() int { return int(s.need) }
