package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/purewire/purewire/codec/ws"
)

var errNoStream = errors.New("websocket: the RoundTripper gives no stream for an extended CONNECT")

// dialStream opens a connection as a stream of d.RoundTripper.
func (d *Dialer) dialStream(ctx context.Context, c *Conn, u *url.URL) (*Conn, error) {
	req := &ws.Opening{Origin: []byte(d.Origin), Protocols: d.Protocols, Deflate: d.Deflate, Fields: fieldsOf(d.Header), Extended: true}
	fields, err := req.AppendFields(nil)
	if err != nil {
		return nil, err
	}
	target := *u
	target.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	// The context of the request is that of the stream, ctx only that of the attempt.
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	timeout := d.Timeout
	if timeout == 0 {
		timeout = DefaultDialTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	stop := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	hr := (&http.Request{Method: http.MethodConnect, URL: &target, Host: d.Host, Header: make(http.Header)}).WithContext(life)
	for _, f := range fields {
		hr.Header.Add(string(f.Name), string(f.Value))
	}
	// RFC 8441 section 4: the :protocol pseudo-header field; net/http's way to say it.
	hr.Header[":protocol"] = []string{"websocket"}
	resp, err := d.RoundTripper.RoundTrip(hr)
	if !stop() && err == nil {
		_ = resp.Body.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		end(nil)
		return nil, &DialError{Err: err}
	}
	var hs ws.Handshake
	if err := req.Check(resp.StatusCode, fieldsOf(resp.Header), &hs); err != nil {
		bad := &DialError{Status: resp.StatusCode, Header: resp.Header, Err: err}
		bad.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		_ = resp.Body.Close()
		end(nil)
		return nil, bad
	}
	stream, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		_ = resp.Body.Close()
		end(nil)
		return nil, &DialError{Err: errNoStream}
	}
	c.mu.Lock()
	c.agreed(&hs)
	c.mu.Unlock()
	go func() { _ = own().ServeMachine(pipe(stream, func() { end(nil) }), nil, c.attach) }()
	return c, nil
}

// pipe makes a net.Conn, with deadlines, of a stream that has none. The two directions end by themselves, as those of a socket do: when
// the server has finished, what is still written is dropped and does not hide what the server said last.
func pipe(stream io.ReadWriteCloser, done func()) net.Conn {
	in, fill := net.Pipe()
	out, drain := net.Pipe()
	go func() {
		_, _ = io.Copy(fill, stream)
		_ = fill.Close()
	}()
	go func() {
		if _, err := io.Copy(stream, drain); err != nil {
			_, _ = io.Copy(io.Discard, drain)
		} else if h, ok := stream.(interface{ CloseWrite() error }); ok {
			_ = h.CloseWrite()
		}
		// The connection is closed at this end. The server has a moment to finish too.
		time.AfterFunc(streamLinger, func() {
			_ = stream.Close()
			done()
		})
	}()
	return &streamConn{Conn: in, out: out}
}

// streamLinger is how long a stream may take to end after this end has closed it.
const streamLinger = 2 * time.Second

// streamConn reads from one pipe and writes to another.
type streamConn struct {
	net.Conn
	out net.Conn
}

func (c *streamConn) Write(p []byte) (int, error)        { return c.out.Write(p) }
func (c *streamConn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }

func (c *streamConn) SetDeadline(t time.Time) error {
	_ = c.out.SetDeadline(t)
	return c.Conn.SetDeadline(t)
}

func (c *streamConn) Close() error {
	_ = c.out.Close()
	return c.Conn.Close()
}
