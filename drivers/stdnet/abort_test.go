package stdnet_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/memlink"
	"github.com/purewire/purewire/drivers/stdnet"
)

// parting greets, waits for a byte, and goes: in peace on 'c', else not.
type parting struct{ st drivers.Status }

func (m *parting) Transmit(t *drivers.Turn, dst []byte) []byte {
	m.st = drivers.WantInput
	return append(dst, "hello"...)
}

func (m *parting) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	if m.st = drivers.Abort; src[0] == 'c' {
		m.st = drivers.Closing
	}
	return len(src), dst
}
func (m *parting) PeerClosed(*drivers.Turn) { m.st = drivers.Closing }
func (m *parting) Advance(*drivers.Turn)    {}
func (m *parting) Deadline() codec.Time     { return codec.Never }
func (m *parting) Status() drivers.Status   { return m.st }
func (m *parting) Closed(error)             {}

// An abort does not look like an end to the peer, on any connection that can be reset: what it has got so far may be all
// that tells a whole answer from a part. Under TLS there is no closure alert then (RFC 8446 section 6.1).
func TestAbortIsNoEnd(t *testing.T) {
	cert := httptest.NewTLSServer(nil)
	defer cert.Close()
	for _, secure := range []bool{false, true} {
		for how, want := range map[string]error{"close": nil, "abort": syscall.ECONNRESET} {
			synctest.Test(t, func(t *testing.T) {
				s := stdnet.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine {
					return &parting{st: drivers.WantOutput}
				}), stdnet.Config{})
				a, b := memlink.Pair(memlink.Config{})
				var here, there net.Conn = a, b
				if secure {
					here = tls.Client(a, &tls.Config{InsecureSkipVerify: true})
					there = tls.Server(b, &tls.Config{Certificates: cert.TLS.Certificates})
				}
				go s.ServeConn(there)
				_, err := io.ReadFull(here, make([]byte, 5))
				require.NoError(t, err)
				_, err = io.WriteString(here, how[:1])
				require.NoError(t, err)
				rest, err := io.ReadAll(here)
				require.ErrorIs(t, err, want)
				require.Empty(t, rest)
				require.NoError(t, a.Close())
				require.NoError(t, s.Close())
			})
		}
	}
}
