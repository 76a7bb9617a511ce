package verdict

import (
	"fmt"
	"slices"
)

// Wire names what kind of bytes an input is.
type Wire string

// The wires.
const (
	HTTP1  Wire = "http1"
	HTTP2  Wire = "http2"
	WS     Wire = "ws"
	HPACK  Wire = "hpack"
	QPACK  Wire = "qpack"
	Varint Wire = "varint"
	H3     Wire = "h3"
	QUIC   Wire = "quic"
)

// Role names who reads the input.
type Role string

// The roles. Wires that look the same in both directions have Reader only.
const (
	// Server reads what a client sends.
	Server Role = "server"
	// Client reads what a server sends.
	Client Role = "client"
	// Reader reads a header block, a field section or integers.
	Reader Role = "reader"
)

// roles are those of each wire, the default first.
var roles = map[Wire][]Role{
	HTTP1: {Server, Client}, HTTP2: {Server, Client}, WS: {Server, Client}, HPACK: {Reader}, QPACK: {Reader}, Varint: {Reader},
	H3: {Server, Client}, QUIC: {Server, Client},
}

// Wires lists the wires.
func Wires() []Wire { return []Wire{HTTP1, HTTP2, WS, HPACK, QPACK, Varint, H3, QUIC} }

// Roles lists the roles of a wire, the default first; none if there is no such wire.
func Roles(w Wire) []Role { return roles[w] }

// Input is what verdicts are about.
type Input struct {
	Wire Wire
	Role Role
	// Bytes is everything that the reader gets, up to the end of input. In HTTP/2 a server's begins with the preface; in
	// WebSocket it begins behind the opening handshake. Where Wire.Text it is a description: of HTTP/3 that
	// which Steps reads, of QUIC that which Packets reads.
	Bytes []byte
	// Method is what a client has asked (HTTP/1, HTTP/2, HTTP/3): GET or HEAD. Empty is GET.
	Method string
	// Deflate: permessage-deflate was agreed on, without context takeover in either direction (WebSocket).
	Deflate bool
	// Lenient names members of http1.Leniency for the extra column in which ours is lenient.
	Lenient []string
}

// Check fills in defaults and refuses what makes no sense.
func (in *Input) Check() error {
	rs := roles[in.Wire]
	if rs == nil {
		return fmt.Errorf("there is no wire %q, only %v", in.Wire, Wires())
	}
	if in.Role == "" {
		in.Role = rs[0]
	}
	if !slices.Contains(rs, in.Role) {
		return fmt.Errorf("wire %s has no role %q, only %v", in.Wire, in.Role, rs)
	}
	switch in.Method {
	case "":
		in.Method = "GET"
	case "GET", "HEAD":
	default:
		return fmt.Errorf("a client asks with GET or HEAD here, not %q", in.Method)
	}
	var err error
	switch in.Wire {
	case H3:
		_, err = Steps(in.Bytes)
	case QUIC:
		_, err = Packets(in.Bytes)
	}
	if err != nil {
		return err
	}
	_, err = leniency(in.Lenient)
	return err
}

// Oracle is an implementation that gives verdicts.
type Oracle struct {
	// Name is a column's title: "ours", "net/http".
	Name string
	Wire Wire
	Role Role
	// Partial: it sees parts of the input only (frames without streams), so that nothing follows from what it lets pass.
	Partial bool
	// Judge gives the verdict on an input of that wire and role. It never writes to in.Bytes.
	Judge func(in *Input) Verdict
}

// Ours are the oracles of this module: every codec, in every role, strict as it comes.
func Ours() []Oracle {
	return []Oracle{
		{Name: "ours", Wire: HTTP1, Role: Server, Judge: func(in *Input) Verdict { return http1Requests(in, nil) }},
		{Name: "ours", Wire: HTTP1, Role: Client, Judge: func(in *Input) Verdict { return http1Responses(in, nil) }},
		{Name: "ours", Wire: HTTP2, Role: Server, Judge: http2Server},
		{Name: "ours", Wire: HTTP2, Role: Client, Judge: http2Client},
		{Name: "ours", Wire: WS, Role: Server, Judge: wsFrames},
		{Name: "ours", Wire: WS, Role: Client, Judge: wsFrames},
		{Name: "ours", Wire: HPACK, Role: Reader, Judge: hpackBlock},
		{Name: "ours", Wire: QPACK, Role: Reader, Judge: qpackSection},
		{Name: "ours", Wire: Varint, Role: Reader, Judge: varints},
		{Name: "ours", Wire: H3, Role: Server, Judge: h3Server},
		{Name: "ours", Wire: H3, Role: Client, Judge: h3Client},
		{Name: "ours", Wire: QUIC, Role: Server, Judge: quicServer},
		{Name: "ours", Wire: QUIC, Role: Client, Judge: quicClient},
	}
}

// Judged is the verdict of one oracle.
type Judged struct {
	Oracle  string
	Partial bool
	Verdict Verdict
}

// Judge asks every oracle that fits, in order. Behind the first one named "ours" comes "ours, lenient" if the input asks for it.
func Judge(in *Input, oracles []Oracle) []Judged {
	var out []Judged
	for _, o := range oracles {
		if o.Wire != in.Wire || o.Role != in.Role {
			continue
		}
		out = append(out, Judged{o.Name, o.Partial, o.Judge(in)})
		if o.Name == "ours" && len(in.Lenient) > 0 {
			out = append(out, Judged{LenientName, false, lenient(in)})
		}
	}
	return out
}

// LenientName is the name of the column in which ours is lenient.
const LenientName = "ours, lenient"
