package verdict

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	coder "github.com/coder/websocket"
	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"

	core "github.com/purewire/purewire/corpus/verdict"
)

// messageLimit is what every implementation takes of a message, in bytes: the default of ours.
const messageLimit = 1 << 20

// offer is what the handshakes agree on where an input has permessage-deflate.
const offer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// hijack is a http.ResponseWriter whose connection is c.
type hijack struct {
	*httptest.ResponseRecorder
	c *conn
}

// Hijack gives the connection away.
func (h hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.c, bufio.NewReadWriter(bufio.NewReader(h.c), bufio.NewWriter(h.c)), nil
}

// upgrade is the request of a client's opening handshake.
func upgrade(deflate bool) *http.Request {
	r := httptest.NewRequest("GET", "http://a.test/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	if deflate {
		r.Header.Set("Sec-WebSocket-Extensions", offer)
	}
	return r
}

// accepted is the header of the answer to a client's opening handshake with that key.
func accepted(key string, deflate bool) http.Header {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	h := http.Header{}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	if deflate {
		h.Set("Sec-WebSocket-Extensions", offer)
	}
	return h
}

// messages reads messages until an error comes, which closeOf may know as a Close frame.
func messages(next func() (name string, p []byte, err error), closeOf func(error) (code int, reason string, ok bool)) (v core.Verdict) {
	v.Left = -1
	for {
		name, p, err := next()
		if err != nil {
			if code, reason, ok := closeOf(err); ok {
				m := core.Message{Head: fmt.Sprintf("close %d", code)}
				m.Content([]byte(reason))
				v.Messages = append(v.Messages, m)
				v.Outcome = core.Accept
				return v
			}
			if errors.Is(err, errMore) {
				v.Outcome = core.More
				return v
			}
			if errors.Is(err, errEnd) {
				v.Outcome = core.Accept
				return v
			}
			v.Outcome, v.Reason = core.Reject, err.Error()
			return v
		}
		m := core.Message{Head: name}
		m.Content(p)
		v.Messages = append(v.Messages, m)
	}
}

var (
	errEnd  = errors.New("the input has ended between two messages")
	errMore = errors.New("the input has ended in a message")
)

// ended makes errEnd or errMore of an error that says that the input has ended. Readers do not tell the two apart well: whether
// frames end where the input ends is read from their headers.
func ended(err error, in []byte) error {
	if !cut(err) {
		return err
	}
	if framesEnd(in) {
		return errEnd
	}
	return errMore
}

// framesEnd tells whether in ends with a frame, and with one that ends a message.
func framesEnd(in []byte) bool {
	open := false
	for len(in) > 0 {
		if len(in) < 2 {
			return false
		}
		at, n := 2, uint64(in[1]&0x7f)
		switch {
		case n == 126 && len(in) >= 4:
			at, n = 4, uint64(binary.BigEndian.Uint16(in[2:]))
		case n == 127 && len(in) >= 10:
			at, n = 10, binary.BigEndian.Uint64(in[2:])
		case n > 125:
			return false
		}
		if in[1]&0x80 != 0 {
			at += 4
		}
		if at > len(in) || n > uint64(len(in)-at) {
			return false
		}
		if in[0]&8 == 0 {
			open = in[0]&0x80 == 0
		}
		in = in[at+int(n):]
	}
	return !open
}

// coderConn is a connection of coder/websocket in either role.
func coderConn(in *core.Input) core.Verdict {
	c := newConn()
	mode := coder.CompressionDisabled
	if in.Deflate {
		mode = coder.CompressionNoContextTakeover
	}
	var ws *coder.Conn
	var err error
	if in.Role == core.Server {
		ws, err = coder.Accept(hijack{httptest.NewRecorder(), c}, upgrade(in.Deflate), &coder.AcceptOptions{CompressionMode: mode})
	} else {
		ws, _, err = coder.Dial(context.Background(), "ws://a.test/", &coder.DialOptions{CompressionMode: mode,
			HTTPClient: &http.Client{Transport: answer{c, in.Deflate}}})
	}
	if err != nil {
		return core.Verdict{Reason: err.Error(), Left: -1}
	}
	defer ws.CloseNow()
	ws.SetReadLimit(messageLimit)
	c.feed(in.Bytes)
	c.eof()
	return messages(func() (string, []byte, error) {
		t, p, err := ws.Read(context.Background())
		return strings.TrimPrefix(strings.ToLower(t.String()), "message"), p, ended(err, in.Bytes)
	}, func(err error) (int, string, bool) {
		var ce coder.CloseError
		if !errors.As(err, &ce) || !strings.Contains(err.Error(), "received close frame") {
			return 0, "", false
		}
		return int(ce.Code), ce.Reason, true
	})
}

// answer is a http.RoundTripper that accepts an opening handshake and makes c the connection.
type answer struct {
	c       *conn
	deflate bool
}

// RoundTrip answers with 101.
func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 101, Request: r, Header: accepted(r.Header.Get("Sec-WebSocket-Key"), a.deflate), Body: a.c}, nil
}

// gorillaConn is a connection of gorilla/websocket in either role.
func gorillaConn(in *core.Input) core.Verdict {
	c := newConn()
	var ws *gorilla.Conn
	var err error
	if in.Role == core.Server {
		up := gorilla.Upgrader{EnableCompression: in.Deflate}
		ws, err = up.Upgrade(hijack{httptest.NewRecorder(), c}, upgrade(in.Deflate), nil)
	} else {
		d := gorilla.Dialer{EnableCompression: in.Deflate, NetDial: func(string, string) (net.Conn, error) { return &late{conn: c, deflate: in.Deflate}, nil }}
		ws, _, err = d.Dial("ws://a.test/", nil)
	}
	if err != nil {
		return core.Verdict{Reason: err.Error(), Left: -1}
	}
	defer ws.Close()
	ws.SetReadLimit(messageLimit)
	c.feed(in.Bytes)
	c.eof()
	return messages(func() (string, []byte, error) {
		t, p, err := ws.ReadMessage()
		name := "binary"
		if t == gorilla.TextMessage {
			name = "text"
		}
		if gorilla.IsCloseError(err, gorilla.CloseAbnormalClosure) { // its way to say that the input has ended
			err = io.ErrUnexpectedEOF
		}
		return name, p, ended(err, in.Bytes)
	}, func(err error) (int, string, bool) {
		var ce *gorilla.CloseError
		if !errors.As(err, &ce) {
			return 0, "", false
		}
		return ce.Code, ce.Text, true
	})
}

// late is a conn that answers the opening handshake that is written to it.
type late struct {
	*conn
	deflate, done bool
}

// Write answers when the request is whole.
func (l *late) Write(p []byte) (int, error) {
	n, err := l.conn.Write(p)
	if out := l.written(); !l.done && bytes.Contains(out, []byte("\r\n\r\n")) {
		l.done = true
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(out)))
		if err != nil {
			return n, err
		}
		var b bytes.Buffer
		b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
		accepted(r.Header.Get("Sec-WebSocket-Key"), l.deflate).Write(&b)
		b.WriteString("\r\n")
		l.feed(b.Bytes())
	}
	return n, err
}

// gobwasReader is wsutil.Reader of gobwas/ws as its documentation puts it together, with the checks of headers and UTF-8 on.
func gobwasReader(in *core.Input) core.Verdict {
	src := bytes.NewReader(in.Bytes)
	state := gobwas.StateServerSide
	if in.Role == core.Client {
		state = gobwas.StateClientSide
	}
	var closed wsutil.ClosedError
	handler := wsutil.ControlHandler{Src: src, Dst: io.Discard, State: state}
	rd := &wsutil.Reader{Source: src, State: state, CheckUTF8: !in.Deflate, MaxFrameSize: messageLimit, MaxMessageSize: messageLimit}
	var pmd wsflate.MessageState
	if in.Deflate {
		rd.State |= gobwas.StateExtended
		rd.Extensions = []wsutil.RecvExtension{&pmd}
	}
	rd.OnIntermediate = func(h gobwas.Header, r io.Reader) error {
		ch := handler
		ch.Src, ch.DisableSrcCiphering = r, true
		return ch.Handle(h)
	}
	return messages(func() (string, []byte, error) {
		for {
			h, err := rd.NextFrame()
			if err != nil {
				return "", nil, ended(err, in.Bytes)
			}
			if h.OpCode.IsControl() {
				ch := handler
				ch.Src, ch.DisableSrcCiphering = rd, true
				if err := ch.Handle(h); err != nil {
					return "", nil, ended(err, in.Bytes)
				}
				continue
			}
			name := "binary"
			if h.OpCode == gobwas.OpText {
				name = "text"
			}
			var r io.Reader = rd
			if in.Deflate && pmd.IsCompressed() {
				r = wsflate.NewReader(rd, func(r io.Reader) wsflate.Decompressor { return inflater(r) })
			}
			p, err := io.ReadAll(io.LimitReader(r, messageLimit+1))
			if err == nil && len(p) > messageLimit {
				err = errors.New("the message is too large (the reader that its user puts around it says)")
			}
			if err != nil {
				return "", nil, ended(err, in.Bytes)
			}
			return name, p, nil
		}
	}, func(err error) (int, string, bool) {
		if !errors.As(err, &closed) {
			return 0, "", false
		}
		return int(closed.Code), closed.Reason, true
	})
}
