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
