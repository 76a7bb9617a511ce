package stdnet_test

import (
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/memlink"
	"github.com/purewire/purewire/drivers/stdnet"
)

// slow is a net.Conn whose Reads take their time to fail.
type slow struct {
	net.Conn
	gate chan struct{}
}

func (c *slow) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		<-c.gate
	}
	return n, err
}

// watcher runs fn at each input.
type watcher struct {
	parting
	link drivers.Link
	fn   func(l drivers.Link)
}

func (m *watcher) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	m.link.Go(func() { m.fn(m.link) })
	return len(src), dst
}
func (m *watcher) PeerClosed(*drivers.Turn) {}
func (m *watcher) Status() drivers.Status   { return drivers.WantInput }

// A connection that ends while its own goroutine waits for the one that watches leaves neither behind: synctest fails if it does.
func TestNobodyStaysParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		s := stdnet.New(drivers.ServiceFunc(func(_ *drivers.Turn, l drivers.Link) drivers.Machine {
			return &watcher{link: l, fn: func(l drivers.Link) { l.Watch(); <-back }}
		}), stdnet.Config{})
		a, b := memlink.Pair(memlink.Config{})
		c := &slow{b, make(chan struct{})}
		go s.ServeConn(c)
		_, err := io.WriteString(a, "x")
		require.NoError(t, err)
		synctest.Wait() // the function runs, the watcher reads
		close(back)
		synctest.Wait() // the function has returned and the watcher is told, but still reads
		require.NoError(t, s.Close())
		close(c.gate)
		synctest.Wait()
		require.NoError(t, a.Close())
	})
}
