package http1

// Limits bounds what one connection's peer can make a decoder accept. Zero means the default, negative means no limit.
type Limits struct {
	// RequestLine bounds the request line or status line in bytes, without its line end. Default 8192. Exceeded by a
	// target: 414; by anything else: 400.
	RequestLine int
	// FieldLine bounds one field line in bytes, without its line end. Default 16384. Exceeded: 431.
	FieldLine int
	// Head bounds start line and header section together, in bytes with line ends; the trailer section has the same
	// bound of its own. Default 65536. Exceeded: 431. It is also the longest tail the decoder can leave unread.
	Head int
	// Fields bounds the number of field lines in a header or trailer section. Default 100. Exceeded: 431.
	Fields int
	// Body bounds the content of one message in bytes after the chunked coding is removed. Default: none (-1), since
	// content is streamed; servers set one. Exceeded by a Content-Length when it is declared, else when reached: 413.
	Body int64
	// ChunkLine bounds one chunk-size line with its extensions. Default 4096. Exceeded: 400.
	ChunkLine int
	// ChunkExcess bounds the bytes of chunk framing that carry no data, over a message: each chunk line adds its
	// length, each chunk of n bytes takes back 16+2n. Default 16384. Exceeded: 400.
	ChunkExcess int
	// Informational bounds the 1xx responses before a final one. Default 16.
	Informational int
	// LeadingCRLF bounds the empty lines skipped before a request line. Default 4. Exceeded: 400.
	LeadingCRLF int
}

// Leniency turns single strict rules off. All are off by default; each is a known way to be attacked, above all by request
// smuggling when another HTTP parser stands in front of or behind this one.
type Leniency struct {
	// BareLF accepts LF without CR as the end of a start line or field line (RFC 9112 section 2.2-3). Never inside
	// the chunked coding. Danger: two parsers may see different lines.
	BareLF bool
	// MixedCaseMethod accepts "get" for GET (methods are case-sensitive, RFC 9110 section 9.1); MethodID is then the upper-case method.
	MixedCaseMethod bool
	// SpaceBeforeColon accepts and drops whitespace between field name and colon (RFC 9112 section 5.1-2). Danger: smuggling.
	SpaceBeforeColon bool
	// ObsFold accepts obsolete line folding (RFC 9112 section 5.2): each fold becomes one or more spaces. The decoder writes
	// those spaces over the fold's bytes in src, inside the part it consumes; a section that it refuses once it is whole is consumed
	// too. Danger: smuggling.
	ObsFold bool
	// OversizeTarget turns the RequestLine limit off (Head still holds).
	OversizeTarget bool
	// OversizeHead turns Head, FieldLine and Fields limits into eight times their value.
	OversizeHead bool
	// EmptyChunkExt accepts ";" without an extension name behind it.
	EmptyChunkExt bool
	// ChunkExtChars accepts any byte but CR, LF and NUL in chunk extensions.
	ChunkExtChars bool
	// RepeatedLength accepts several Content-Length values, in one field or several, if they are equal (RFC 9110 section 8.6).
	RepeatedLength bool
	// LengthWithChunked accepts Content-Length beside Transfer-Encoding: chunked wins, the length is removed from the
	// fields and the connection closes after the message (RFC 9112 section 6.3-2.3). Danger: smuggling.
	LengthWithChunked bool
	// LeadingSpace accepts whitespace between the start line and the first field by dropping those lines (RFC 9112 section 2.2-8).
	LeadingSpace bool
}

// Options selects limits and leniencies. Options.Profile compiles it into the immutable form that decoders share.
type Options struct {
	Limits   Limits
	Leniency Leniency
	// ASCII refuses the bytes 0x80-0xFF in field values and reason phrases with 400. By default they are accepted as opaque
	// data, whatever their charset: RFC 9110 section 5.5-4 says that a recipient SHOULD, clients send UTF-8 in values every day,
	// and net/http, nginx and the Encoder do the same. They are never accepted in names, targets and start lines but for the
	// reason phrase.
	ASCII bool
	// FramingOnly leaves Event.Fields of heads empty, for those who look at no field. Everything else is as ever: every field is
	// validated and counted, and what Host, Content-Length, Transfer-Encoding, Connection, Expect and Upgrade say is obeyed and
	// stands in the event's other members. Trailer sections are given, and so are all fields of ParseRequestHead and
	// ParseResponseHead.
	FramingOnly bool
}
