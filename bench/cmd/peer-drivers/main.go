// Command peer-drivers shows what purewire's drivers cost by themselves: a machine that parses nothing, as peer-bare, runs
// on package reactor or package stdnet.
package main

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"time"

	"github.com/purewire/purewire/bench/internal/peer"
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
)

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	switch f.Mode {
	case "reactor":
		peer.Run(func() error {
			r, err := reactor.New(service{}, reactor.Config{Loops: 1})
			if err != nil {
				return err
			}
			if err := r.Listen("tcp", f.Addr, listen.Config{}); err != nil {
				return err
			}
			return r.Run()
		})
	case "stdnet":
		peer.Run(func() error {
			l, err := net.Listen("tcp", f.Addr)
			if err != nil {
				return err
			}
			return stdnet.New(service{}, stdnet.Config{}).Serve(l)
		})
	default:
		peer.Fatal(fmt.Errorf("-mode %q is neither reactor nor stdnet", f.Mode))
	}
}

// service makes machines. One worker's answers are its scratch space.
type service struct{}

type answers struct {
	unix        int64
	plain, head []byte
}

func (service) NewLocal() any { return new(answers) }

func (service) Accept(*drivers.Turn, drivers.Link) drivers.Machine {
	return &machine{status: drivers.WantInput}
}

func (a *answers) refresh(unix int64) {
	if a.unix == unix {
		return
	}
	a.unix = unix
	pre := "HTTP/1.1 200 OK\r\nServer: " + peer.Server + "\r\nDate: " + time.Unix(unix, 0).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "\r\n"
	a.plain = append(a.plain[:0], pre+"Content-Type: text/plain\r\nContent-Length: "+strconv.Itoa(len(peer.Plaintext))+"\r\n\r\n"+peer.Plaintext...)
	a.head = append(a.head[:0], pre+"Content-Type: application/octet-stream\r\nContent-Length: "+strconv.Itoa(peer.DownloadSize)+"\r\n\r\n"...)
}

// uploadBody is the length of the bodies that the generator sends to /upload.
const uploadBody = 64 << 10

type machine struct {
	body    int    // bytes of an upload still to come
	payload []byte // of a download
	status  drivers.Status
}

var (
	blank   = []byte("\r\n\r\n")
	closing = []byte("close\r\n\r\n")
)

func (m *machine) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	a := t.Local.(*answers)
	a.refresh(t.Unix)
	if len(src) == 0 {
		return 0, dst
	}
	if m.body > 0 {
		if m.body -= len(src); m.body == 0 {
			dst = append(dst, a.plain...)
		}
		return len(src), dst
	}
	switch {
	case src[0] == 'P':
		i := bytes.Index(src, blank)
		if m.body = uploadBody - (len(src) - i - 4); m.body == 0 {
			dst = append(dst, a.plain...)
		}
	case len(src) > 5 && src[5] == '1':
		dst = append(dst, a.head...)
		m.payload = peer.Download
		m.status = drivers.HasPayload
	default:
		for range bytes.Count(src, blank) {
			dst = append(dst, a.plain...)
		}
		if bytes.HasSuffix(src, closing) {
			m.status = drivers.Closing
		}
	}
	return len(src), dst
}

func (m *machine) Transmit(_ *drivers.Turn, dst []byte) []byte { return dst }
func (m *machine) PeerClosed(*drivers.Turn)                    { m.status = drivers.Closing }
func (m *machine) Advance(*drivers.Turn)                       {}
func (m *machine) Deadline() codec.Time                        { return codec.Never }
func (m *machine) Status() drivers.Status                      { return m.status }
func (m *machine) Closed(error)                                {}
func (m *machine) Payload() []byte                             { return m.payload }

func (m *machine) PayloadSent(_ *drivers.Turn, n int) {
	if m.payload = m.payload[n:]; len(m.payload) == 0 {
		m.status = drivers.WantInput
	}
}
