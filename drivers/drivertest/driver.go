package drivertest

import (
	"context"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
)

// Driver is what the suite needs to know of a driver.
type Driver struct {
	// Name appears in messages.
	Name string
	// Start serves svc on fresh listeners as the options say and returns at once. A failure to start is a t.Fatal.
	Start func(t testing.TB, svc drivers.Service, o Options) Server
	// NoUnix says that the driver cannot listen on Unix sockets.
	NoUnix bool
	// Costly says that a connection costs much to make, as a TLS handshake does: the tests that make thousands make a tenth of them,
	// unless Full.
	Costly bool
	// OneListener says that the driver serves one listener only.
	OneListener bool
}

// Options are the limits a test runs with. Zero fields mean the driver's default, negative ones "none".
type Options struct {
	// Network is "tcp" (the default, on 127.0.0.1 with a free port) or "unix".
	Network string
	// Dir is a short-named directory for Unix sockets.
	Dir string
	// Listeners is how many listeners there are, 0 and 1 mean one.
	Listeners int

	HighWater, KillWater, MaxTail, MaxConns, MaxPosts int
	WriteStall, Linger                                time.Duration
}

// Server is a running driver.
type Server interface {
	// Addrs returns the addresses of the listeners.
	Addrs() []net.Addr
	// Shutdown drains: see drivers.Report.
	Shutdown(ctx context.Context) drivers.Report
	// Close ends everything at once. It returns when each machine's Closed was called. It may be called repeatedly and
	// after Shutdown.
	Close() error
}

// Dialer is implemented by a Server whose clients have more to do than to connect, for example a TLS handshake. A connection that it
// returns has CloseWrite, and NetConn if it is a layer above another one.
type Dialer interface {
	Dial(a net.Addr) (net.Conn, error)
}

// Full reports whether the long versions of the tests run.
func Full() bool { return os.Getenv("PUREWIRE_DRIVERTEST") == "full" }

// scale is short by default and long when asked for.
func scale(short, long int) int {
	if Full() {
		return long
	}
	return short
}

// conns is how many connections a test makes that would like n.
func (d Driver) conns(n int) int {
	if d.Costly && !Full() {
		return n / 10
	}
	return n
}

// patience is how long the suite waits for what must happen. Nothing waits this long unless it fails.
const patience = time.Minute

// test is one promise.
type test struct {
	name string
	run  func(t *testing.T, d Driver)
}

// Run holds d to every promise, each in a subtest that is named after it.
func Run(t *testing.T, d Driver) {
	var tests []test
	for _, group := range [][]test{inputTests, outputTests, eventTests, endTests, goTests, loadTests} {
		tests = append(tests, group...)
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			before := goroutines()
			fds := descriptors()
			t.Cleanup(func() {
				if t.Failed() {
					return
				}
				// Everything a test started is over when it returns: goroutines and descriptors come back to what they were.
				if !eventually(func() bool { return goroutines() <= before }) {
					buf := make([]byte, 1<<18)
					buf = buf[:runtime.Stack(buf, true)]
					t.Errorf("%d goroutines before, %d after:\n%s", before, goroutines(), buf)
				}
				if !eventually(func() bool { return descriptors() <= fds }) {
					t.Errorf("%d descriptors before, %d after", fds, descriptors())
				}
			})
			x.run(t, d)
		})
	}
}

func goroutines() int { return runtime.NumGoroutine() }

// descriptors counts open files where the system can tell, otherwise it is 0.
func descriptors() int {
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range es {
		if s, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(s, "socket:") {
			n++
		}
	}
	return n
}

// eventually waits for a condition.
func eventually(cond func() bool) bool {
	for end := time.Now().Add(patience); ; {
		if cond() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
		time.Sleep(time.Millisecond)
	}
}

// await fails the test if cond does not become true.
func await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	if !eventually(cond) {
		t.Fatalf("waited in vain for: %s", what)
	}
}

// recv takes a value from a channel, or fails the test.
func recv[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for: %s", what)
		panic("unreachable")
	}
}

// start runs a service behind guards and stops it with the test.
func start(t testing.TB, d Driver, o Options, accept func(*drivers.Turn, drivers.Link) drivers.Machine) Server {
	return startService(t, d, o, drivers.ServiceFunc(accept))
}

func startService(t testing.TB, d Driver, o Options, svc drivers.Service) Server {
	t.Helper()
	if o.Network == "unix" {
		dir, err := os.MkdirTemp("", "pw")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		o.Dir = dir
	}
	s := d.Start(t, Guard(t, svc), o)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// stop closes the server within the test, so that leaks are seen.
func stop(t testing.TB, s Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// dial connects to the server's first listener; the connection gives up after patience.
func dial(t testing.TB, s Server) net.Conn { t.Helper(); return dialAddr(t, s, s.Addrs()[0]) }

func dialAddr(t testing.TB, s Server, a net.Addr) net.Conn {
	t.Helper()
	c, err := connect(s, a)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// connect dials the way the server wants it.
func connect(s Server, a net.Addr) (net.Conn, error) {
	if d, ok := s.(Dialer); ok {
		return d.Dial(a)
	}
	return net.DialTimeout(a.Network(), a.String(), patience)
}

// finish ends the sending side, from any goroutine.
func finish(c net.Conn) { _ = c.(interface{ CloseWrite() error }).CloseWrite() }

// transport returns what carries c, which may be a layer above it.
func transport(c net.Conn) net.Conn {
	for {
		u, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = u.NetConn()
	}
}

func closeWrite(t testing.TB, c net.Conn) {
	t.Helper()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// reset closes with a RST where the network has such a thing.
func reset(c net.Conn) {
	c = transport(c)
	if c, ok := c.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = c.Close()
}
