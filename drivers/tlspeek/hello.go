package tlspeek

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// MaxExtensions is how many extensions Parse accepts. Browsers send some twenty.
const MaxExtensions = 256

// Hello is what a client says first. Slices of bytes are parts of what Parse was given (or of a copy, if it came in several records), and
// valid as long as that and until the next Parse.
type Hello struct {
	// Version is legacy_version: 0x0303 for TLS 1.2 and later.
	Version uint16
	// SessionID is legacy_session_id.
	SessionID []byte
	// CipherSuites are in the client's order of preference, GREASE (RFC 8701) included, as in all lists here.
	CipherSuites []uint16
	// Extensions are the types of the extensions, in the order they came.
	Extensions []uint16
	// ServerName is the host_name of SNI (RFC 6066 section 3), nil if there is none. It is not checked to be a host name.
	ServerName []byte
	// Protocols are what ALPN offers (RFC 7301 section 3.1).
	Protocols [][]byte
	// Versions are those of supported_versions (RFC 8446 section 4.2.1), nil in a hello of TLS 1.2 and before.
	Versions []uint16
	// Groups are supported_groups (section 4.2.7), Signatures signature_algorithms (section 4.2.3).
	Groups, Signatures []uint16
	// Early says that the client sends early data with this (section 4.2.10).
	Early bool

	joined []byte // a message that came in several records
	sorted []uint16
	text   []byte
}

// Extension types of this package (RFC 8446 section 4.2).
const (
	extServerName = 0
	extGroups     = 10
	extSignatures = 13
	extALPN       = 16
	extEarlyData  = 42
	extVersions   = 43
)

// Parse reads the ClientHello at the start of src, which begins with a record. ErrShort means that it is not all there. All other
// errors are *Error; h is then of no use.
func (h *Hello) Parse(src []byte) error {
	msg, err := h.message(src)
	if err != nil {
		return err
	}
	return h.ParseMessage(msg)
}

// message finds the handshake message in the records.
func (h *Hello) message(src []byte) ([]byte, error) {
	var s Scan
	complete, ok := s.Next(src)
	switch {
	case !ok:
		return nil, errNotHello
	case !complete:
		return nil, ErrShort
	}
	if first := recordHeader + int(src[3])<<8 + int(src[4]); s.off == uint32(first) {
		return src[recordHeader:][:s.need], nil
	}
	h.joined = h.joined[:0]
	for at := 0; at < int(s.off); {
		n := int(src[at+3])<<8 | int(src[at+4])
		at += recordHeader
		h.joined = append(h.joined, src[at:at+n]...)
		at += n
	}
	return h.joined[:s.need], nil
}

// ParseMessage reads a ClientHello without records, as QUIC carries it: the handshake message with its header, and nothing behind it.
func (h *Hello) ParseMessage(msg []byte) error {
	*h = Hello{CipherSuites: h.CipherSuites[:0], Extensions: h.Extensions[:0], Protocols: h.Protocols[:0], Versions: h.Versions[:0],
		Groups: h.Groups[:0], Signatures: h.Signatures[:0], joined: h.joined, sorted: h.sorted, text: h.text}
	s := cryptobyte.String(msg)
	var kind uint8
	var body cryptobyte.String
	if !s.ReadUint8(&kind) || kind != 1 || !s.ReadUint24LengthPrefixed(&body) || !s.Empty() {
		return errMessage
	}
	// RFC 8446 section 4.1.2: legacy_version, random, legacy_session_id, cipher_suites, legacy_compression_methods, extensions.
	var id, suites, compression cryptobyte.String
	if !body.ReadUint16(&h.Version) || !body.Skip(32) || !body.ReadUint8LengthPrefixed(&id) {
		return errHead
	}
	h.SessionID = id
	if !body.ReadUint16LengthPrefixed(&suites) {
		return errHead
	}
	for !suites.Empty() {
		if !number(&suites, &h.CipherSuites) {
			return errSuites
		}
	}
	if !body.ReadUint8LengthPrefixed(&compression) {
		return errHead
	}
	if body.Empty() { // before TLS 1.3 there may be no extensions at all
		return nil
	}
	var extensions cryptobyte.String
	if !body.ReadUint16LengthPrefixed(&extensions) || !body.Empty() {
		return errExtensions
	}
	for !extensions.Empty() {
		var data cryptobyte.String
		if !number(&extensions, &h.Extensions) || !extensions.ReadUint16LengthPrefixed(&data) {
			return errExtensions
		}
		k := len(h.Extensions) - 1
		if k >= MaxExtensions {
			return errTooMany
		}
		// RFC 8446 section 4.2: "There MUST NOT be more than one extension of the same type in a given extension block."
		if slices.Contains(h.Extensions[:k], h.Extensions[k]) {
			return errTwice
		}
		if err := h.extension(h.Extensions[k], data); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hello) extension(kind uint16, data cryptobyte.String) error {
	switch kind {
	case extServerName:
		if !h.names(&data) {
			return errName
		}
	case extALPN:
		// RFC 7301 section 3.1: "Empty strings MUST NOT be included".
		var list cryptobyte.String
		if !data.ReadUint16LengthPrefixed(&list) || list.Empty() || !data.Empty() {
			return errALPN
		}
		for !list.Empty() {
			var p cryptobyte.String
			if !list.ReadUint8LengthPrefixed(&p) || p.Empty() {
				return errALPN
			}
			h.Protocols = append(h.Protocols, p)
		}
	case extVersions:
		var list cryptobyte.String
		if !data.ReadUint8LengthPrefixed(&list) || !numbers(list, &h.Versions) || !data.Empty() {
			return errVersions
		}
	case extGroups:
		var list cryptobyte.String
		if !data.ReadUint16LengthPrefixed(&list) || !numbers(list, &h.Groups) || !data.Empty() {
			return errGroups
		}
	case extSignatures:
		var list cryptobyte.String
		if !data.ReadUint16LengthPrefixed(&list) || !numbers(list, &h.Signatures) || !data.Empty() {
			return errSignatures
		}
	case extEarlyData:
		if h.Early = true; !data.Empty() {
			return errEarly
		}
	}
	return nil
}

// names reads a ServerNameList. RFC 6066 section 3: "The ServerNameList MUST NOT contain more than one name of the same name_type." "The
// hostname is represented as a byte string using ASCII encoding without a trailing dot."
func (h *Hello) names(data *cryptobyte.String) bool {
	var list cryptobyte.String
	if !data.ReadUint16LengthPrefixed(&list) || list.Empty() || !data.Empty() {
		return false
	}
	for !list.Empty() {
		var kind uint8
		var name cryptobyte.String
		if !list.ReadUint8(&kind) || !list.ReadUint16LengthPrefixed(&name) || name.Empty() {
			return false
		}
		if kind != 0 {
			continue
		}
		if h.ServerName != nil || name[len(name)-1] == '.' {
			return false
		}
		h.ServerName = name
	}
	return true
}

// numbers reads a list that is not empty.
func numbers(list cryptobyte.String, to *[]uint16) bool {
	if list.Empty() {
		return false
	}
	for !list.Empty() {
		if !number(&list, to) {
			return false
		}
	}
	return true
}

func number(s *cryptobyte.String, to *[]uint16) bool {
	var v uint16
	if !s.ReadUint16(&v) {
		return false
	}
	*to = append(*to, v)
	return true
}
