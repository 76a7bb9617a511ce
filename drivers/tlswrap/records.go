package tlswrap

// recordHeader is the length of a record's header (RFC 8446 section 5.1, RFC 5246 section 6.2.1).
const recordHeader = 5

// maxCipher is the most that a record may hold: 2^14+2048 bytes in TLS 1.2; TLS 1.3 allows less, which crypto/tls checks.
const maxCipher = maxPlain + 2048

// record returns the first record of src, nil if it is not all there. Of one that claims to be too long it returns what there is:
// crypto/tls refuses it by its header.
func record(src []byte) []byte {
	if len(src) < recordHeader {
		return nil
	}
	n := int(src[3])<<8 | int(src[4])
	if n > maxCipher {
		return src
	}
	if n += recordHeader; len(src) >= n {
		return src[:n]
	}
	return nil
}

// records returns the length of the whole records at the start of src.
func records(src []byte) (n int) {
	for {
		r := record(src[n:])
		if r == nil {
			return n
		}
		n += len(r)
	}
}

// helloScan finds the end of the first handshake message in a stream of records. It keeps what it knows between calls, so that bytes
// that come one by one cost linear work.
type helloScan struct {
	off  uint32 // of the next record's header
	got  uint32 // bytes of the message in the records before off
	need uint32 // bytes that the message has, header included; 0: not known
	head [4]byte
}

// next looks at all bytes so far. It reports whether the message is complete, and whether this is TLS at all.
func (h *helloScan) next(src []byte) (complete, ok bool) {
	for {
		rest := src[h.off:]
		// Look at what is there of the header: garbage is recognised by its first byte, not awaited.
		if len(rest) > 0 && rest[0] != 22 || len(rest) > 1 && rest[1] != 3 {
			return false, false
		}
		if len(rest) < recordHeader {
			return false, true
		}
		n := int(rest[3])<<8 | int(rest[4])
		// RFC 8446 section 5.1: "Implementations MUST NOT send zero-length fragments of Handshake types"; "The length MUST NOT exceed 2^14 bytes."
		if n == 0 || n > maxPlain {
			return false, false
		}
		body := rest[recordHeader:min(len(rest), recordHeader+n)]
		// RFC 8446 section 4: one byte of type, 1 for client_hello, and three of length.
		for i := h.got; i < 4 && int(i-h.got) < len(body); i++ {
			h.head[i] = body[i-h.got]
		}
		if h.got+uint32(len(body)) >= 1 && h.head[0] != 1 {
			return false, false
		}
		if h.got+uint32(len(body)) >= 4 {
			h.need = 4 + uint32(h.head[1])<<16 + uint32(h.head[2])<<8 + uint32(h.head[3])
		}
		if len(body) < n {
			return false, true
		}
		h.got += uint32(n)
		h.off += uint32(recordHeader + n)
		if h.need > 0 && h.got >= h.need {
			return true, true
		}
	}
}
