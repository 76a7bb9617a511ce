package cli

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"sync"

	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/http2"
)

// tap is a net.Conn that writes down what passes: heads of HTTP/1.1, frames of HTTP/2. Each direction is decoded by itself, as
// a capture would be.
type tap struct {
	net.Conn
	out, in side
}

// tapLog is where all directions of all connections write, until the command is done.
type tapLog struct {
	mu sync.Mutex
	w  io.Writer
}

// end drops what connections still have to say.
func (l *tapLog) end() {
	l.mu.Lock()
	l.w = io.Discard
	l.mu.Unlock()
}

// side is one direction of a tap.
type side struct {
	tl    *tapLog
	log   io.Writer // tl.w, while its mutex is held
	arrow string
	h2    bool
	wait  bool // the client preface is still to come
	body  bool // HTTP/1.1: behind the first head, the rest is counted
	buf   []byte
	dec   hpack.Decoder
	block hpack.Block
}

func newTap(nc net.Conn, protocol string, log *tapLog) net.Conn {
	h2 := protocol == "h2"
	log.mu.Lock()
	fmt.Fprintf(log.w, "* connected to %s, %s\n", nc.RemoteAddr(), protocol)
	log.mu.Unlock()
	return &tap{Conn: nc, out: side{tl: log, arrow: ">", h2: h2, wait: h2}, in: side{tl: log, arrow: "<", h2: h2}}
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.in.see(p[:n])
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	t.out.see(p)
	return t.Conn.Write(p)
}

// see writes down what is whole of the bytes so far.
func (s *side) see(p []byte) {
	if len(p) == 0 {
		return
	}
	s.tl.mu.Lock()
	defer s.tl.mu.Unlock()
	s.log = s.tl.w
	if !s.h2 {
		s.heads(p)
		return
	}
	s.buf = append(s.buf, p...)
	if s.wait {
		if len(s.buf) < len(http2.ClientPreface) {
			return
		}
		fmt.Fprintf(s.log, "%s client preface\n", s.arrow)
		s.buf = s.buf[len(http2.ClientPreface):]
		s.wait = false
	}
	for {
		var h http2.FrameHeader
		if http2.ParseFrameHeader(s.buf, &h) == 0 || len(s.buf) < http2.FrameHeaderLen+int(h.Length) {
			return
		}
		s.frame(&h, s.buf[http2.FrameHeaderLen:http2.FrameHeaderLen+int(h.Length)])
		s.buf = s.buf[http2.FrameHeaderLen+int(h.Length):]
	}
}

// headStart tells a head from the content of the message before it: good enough for eyes.
var headStart = regexp.MustCompile(`^(HTTP/1\.[01] \d|[A-Z]+ \S+ HTTP/1\.[01]\r\n)`)

// heads shows the lines of HTTP/1.1 heads. Content is counted, not shown.
func (s *side) heads(p []byte) {
	if s.body && !headStart.Match(p) {
		fmt.Fprintf(s.log, "%s (%d bytes)\n", s.arrow, len(p))
		return
	}
	s.buf = append(s.buf, p...)
	for {
		i := bytes.Index(s.buf, []byte("\r\n\r\n"))
		if i < 0 {
			if len(s.buf) > 1<<20 {
				s.buf = nil
			}
			return
		}
		for line := range bytes.SplitSeq(s.buf[:i], []byte("\r\n")) {
			quoted := strconv.Quote(string(line))
			fmt.Fprintf(s.log, "%s %s\n", s.arrow, quoted[1:len(quoted)-1])
		}
		final := !bytes.HasPrefix(s.buf, []byte("HTTP/1.1 1"))
		s.buf = s.buf[i+4:]
		if final {
			s.body = true
			if len(s.buf) > 0 {
				fmt.Fprintf(s.log, "%s (%d bytes)\n", s.arrow, len(s.buf))
				s.buf = nil
			}
			return
		}
	}
}

// frame shows one frame of HTTP/2.
func (s *side) frame(h *http2.FrameHeader, p []byte) {
	fmt.Fprintf(s.log, "%s %v", s.arrow, h.Type)
	if h.Stream != 0 {
		fmt.Fprintf(s.log, " stream %d", h.Stream)
	}
	var text string
	switch h.Type {
	case http2.FrameData:
		data, _ := http2.ParseData(h, p)
		text = fmt.Sprintf(" %d bytes", len(data))
	case http2.FrameSettings:
		if h.Flags.Has(http2.FlagAck) {
			text = " ack"
		}
		list := http2.ParseSettings(p)
		for i := range list.Len() {
			text += fmt.Sprintf(" %v=%d", list.At(i).ID, list.At(i).Value)
		}
	case http2.FramePing:
		if h.Flags.Has(http2.FlagAck) {
			text = " ack"
		}
		text += fmt.Sprintf(" %x", p)
	case http2.FrameWindowUpdate:
		inc, _ := http2.ParseWindowUpdate(h, p)
		text = fmt.Sprintf(" +%d", inc)
	case http2.FrameRSTStream:
		text = fmt.Sprintf(" %v", http2.ParseRSTStream(p))
	case http2.FrameGoAway:
		var g http2.GoAway
		http2.ParseGoAway(p, &g)
		text = fmt.Sprintf(" last stream %d, %v %q", g.LastStream, g.Code, g.Debug)
	default:
		if h.Type != http2.FrameHeaders && h.Type != http2.FrameContinuation {
			text = fmt.Sprintf(" %d bytes", len(p))
		}
	}
	if h.Flags.Has(http2.FlagEndStream) && (h.Type == http2.FrameData || h.Type == http2.FrameHeaders) {
		text += ", end of stream"
	}
	fmt.Fprintln(s.log, text)
	s.fields(h, p)
}

// fields shows the header list of HEADERS and CONTINUATION.
func (s *side) fields(h *http2.FrameHeader, p []byte) {
	var fragment []byte
	switch h.Type {
	case http2.FrameHeaders:
		var pre http2.Prefix
		var fault http2.Fault
		if fragment, fault = http2.ParseHeaders(h, p, &pre); fault != 0 {
			return
		}
	case http2.FrameContinuation:
		fragment = http2.ParseContinuation(h, p)
	default:
		return
	}
	end := h.Flags.Has(http2.FlagEndHeaders)
	if err := s.dec.Decode(fragment, end, &s.block); err != nil || !end {
		return
	}
	for _, f := range s.block.Fields {
		fmt.Fprintf(s.log, "%s   %s: %s\n", s.arrow, f.Name, f.Value)
	}
}
