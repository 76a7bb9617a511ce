package websocket

import (
	"errors"
	"io"
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
)

// maxRefusal is how much of the content of a refusal is kept for the DialError.
const maxRefusal = 1 << 10

// opening is the machine of a client's connection until the server has answered. Then the Conn takes over.
type opening struct {
	c     *Conn
	req   *ws.Opening
	link  drivers.Link
	out   []byte
	dec   http1.Decoder
	ev    http1.Event
	bad   *DialError // the server said no; its content is being read
	state drivers.Status
	done  chan error // gets one value
}

var (
	_ drivers.Machine   = (*opening)(nil)
	_ drivers.Successor = (*opening)(nil)
)

func newOpening(c *Conn, req *ws.Opening, p *http1.Profile) (*opening, error) {
	out, err := req.AppendRequest(nil)
	if err != nil {
		return nil, err
	}
	o := &opening{c: c, req: req, out: out, state: drivers.WantOutput | drivers.WantInput, done: make(chan error, 1)}
	o.dec.InitResponse(p)
	o.dec.Expect(http1.MethodGet, true)
	return o, nil
}

func (o *opening) start(_ *drivers.Turn, l drivers.Link) drivers.Machine {
	o.link = l
	return o
}

// end reports the outcome, once.
func (o *opening) end(err error) {
	select {
	case o.done <- err:
	default:
	}
}

func (o *opening) refused(err error) {
	if o.bad == nil {
		o.bad = &DialError{Err: err}
	}
	o.end(o.bad)
	o.state = drivers.Closing
}

// Receive reads the response.
func (o *opening) Receive(_ *drivers.Turn, src, dst []byte) (n int, out []byte) {
	for o.state&(drivers.Closing|drivers.Switch) == 0 {
		k, err := o.dec.Next(src[n:], &o.ev)
		n += k
		if err != nil {
			o.refused(err)
			break
		}
		switch o.ev.Kind {
		case http1.None:
			return n, dst
		case http1.Response:
			o.response()
		case http1.Body:
			o.bad.Body = append(o.bad.Body, o.ev.Data[:min(len(o.ev.Data), maxRefusal-len(o.bad.Body))]...)
			if len(o.bad.Body) == maxRefusal {
				o.refused(nil)
			}
		case http1.End:
			if o.bad != nil {
				o.refused(nil)
			} else {
				o.state = drivers.Switch
			}
		}
	}
	return n, dst
}

// response judges the head of the final response.
func (o *opening) response() {
	var hs ws.Handshake
	err := o.req.Check(o.ev.Status, o.ev.Fields, &hs)
	if err == nil {
		o.c.mu.Lock()
		o.c.agreed(&hs)
		o.c.mu.Unlock()
		return
	}
	o.bad = &DialError{Status: o.ev.Status, Header: make(http.Header), Err: err}
	for _, f := range o.ev.Fields {
		o.bad.Header.Add(string(f.Name), string(f.Value))
	}
	if o.ev.Status == http.StatusSwitchingProtocols {
		o.refused(nil) // what follows is no HTTP
	}
}

// Transmit sends the request.
func (o *opening) Transmit(_ *drivers.Turn, dst []byte) []byte {
	dst = append(dst, o.out...)
	o.out = nil
	o.state &^= drivers.WantOutput
	return dst
}

// PeerClosed ends the attempt: there is no answer, or no more of it.
func (o *opening) PeerClosed(*drivers.Turn) {
	if o.state&drivers.Switch == 0 {
		o.refused(io.ErrUnexpectedEOF)
	}
}

// Advance has nothing to do: Dial's context bounds the attempt.
func (o *opening) Advance(*drivers.Turn) {}

// Deadline returns Never.
func (o *opening) Deadline() codec.Time { return codec.Never }

// Status returns the machine's wishes.
func (o *opening) Status() drivers.Status { return o.state }

// Closed ends the attempt.
func (o *opening) Closed(err error) {
	if err == nil {
		err = drivers.ErrClosed
	}
	o.end(&DialError{Err: err})
}

// Successor is the connection.
func (o *opening) Successor(t *drivers.Turn) drivers.Machine {
	m := o.c.attach(t, o.link)
	o.end(nil)
	return m
}

// DialError is why a connection could not be opened.
type DialError struct {
	// Status is that of the server's response, 0 if there was none, and Header its fields.
	Status int
	Header http.Header
	// Body is the beginning of the content of a response other than 101, at most 1 KiB.
	Body []byte
	// Err tells more: a *ws.HandshakeError if the response does not open a WebSocket, or an error of the network.
	Err error
}

// Error names the cause.
func (e *DialError) Error() string {
	s := "websocket: cannot open"
	if e.Status != 0 {
		s += ": the server answered " + http.StatusText(e.Status)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *DialError) Unwrap() error { return e.Err }

// IsRefused reports whether the server answered, and its answer was no.
func IsRefused(err error) bool {
	var e *DialError
	return errors.As(err, &e) && e.Status != 0
}
