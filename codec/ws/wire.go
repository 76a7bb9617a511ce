package ws

// Wire is what a client does with a connection on which it wants to open a WebSocket.
type Wire uint8

const (
	// WireFailed: it cannot.
	WireFailed Wire = iota
	// WireH1 sends an Upgrade request on it (RFC 6455).
	WireH1
	// WireH2 sends an extended CONNECT on it (RFC 8441).
	WireH2
	// WireH3 sends an extended CONNECT on it (RFC 9220).
	WireH3
	// WireWait reads the peer's SETTINGS first.
	WireWait
	// WireOther opens another connection, offering http/1.1 only.
	WireOther
)

// String returns "failed", "h1", "h2", "h3", "wait" or "other".
func (w Wire) String() string {
	if w > WireOther {
		return "failed"
	}
	return [...]string{"failed", "h1", "h2", "h3", "wait", "other"}[w]
}

// Setting is what is known of the peer's SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 section 3).
type Setting uint8

const (
	// SettingUnknown: its SETTINGS have not come.
	SettingUnknown Setting = iota
	// SettingOff: they have, and it is 0 or not there.
	SettingOff
	// SettingOn: it is 1.
	SettingOn
)

// WireQuestion is what DecideWire looks at.
type WireQuestion struct {
	// Scheme is "ws" or "wss".
	Scheme string
	// ALPN is the protocol of the connection: what TLS has negotiated, empty for none. On a cleartext connection it is empty, or
	// "h2c" for HTTP/2 with prior knowledge.
	ALPN string
	// Connect is the peer's setting; on HTTP/1.1 it means nothing.
	Connect Setting
	// Only1 says that the connection was opened for WebSocket over HTTP/1.1, so that another one would come out no better.
	Only1 bool
}

// DecideWire decides how to open a WebSocket on a connection.
func DecideWire(q WireQuestion) Wire {
	secure := q.Scheme == "wss"
	if !secure && q.Scheme != "ws" {
		return WireFailed
	}
	wire := WireH2
	switch {
	case q.ALPN == "" || secure && q.ALPN == "http/1.1":
		return WireH1
	case secure && q.ALPN == "h2", !secure && q.ALPN == "h2c":
	case secure && q.ALPN == "h3":
		wire = WireH3
	default:
		return WireFailed
	}
	switch {
	case q.Connect == SettingOn:
		return wire
	case q.Connect == SettingUnknown:
		// RFC 8441 section 3-3: "Upon receipt of SETTINGS_ENABLE_CONNECT_PROTOCOL with a value of 1, a client MAY use the Extended CONNECT".
		return WireWait
	case q.Only1:
		return WireFailed
	}
	return WireOther
}

// OfferALPN returns what to offer in ALPN on a new connection for that scheme, best first: nothing without TLS.
func OfferALPN(scheme string, preferH2 bool) []string {
	switch {
	case scheme != "wss":
		return nil
	case preferH2:
		return []string{"h2", "http/1.1"}
	}
	return []string{"http/1.1"}
}
