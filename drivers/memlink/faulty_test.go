package memlink_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/drivers/memlink"
)

// logged notes how long the calls that reach it are.
type logged struct {
	*memlink.Conn
	reads, writes []int
}

func (l *logged) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.reads = append(l.reads, n)
	return n, err
}

func (l *logged) Write(p []byte) (int, error) {
	l.writes = append(l.writes, len(p))
	return l.Conn.Write(p)
}

func at(at int64, k memlink.Kind) memlink.Fault { return memlink.Fault{At: at, Kind: k} }

// faulted returns an end with faults, its peer, and what lies below the faults.
func faulted(p memlink.Plan) (nc net.Conn, peer *memlink.Conn, below *logged) {
	a, b := memlink.Pair(memlink.Config{})
	below = &logged{Conn: a}
	return memlink.Wrap(below, p), b, below
}

func TestNoFaultsNoWrapper(t *testing.T) {
	a, _ := memlink.Pair(memlink.Config{})
	require.Same(t, a, memlink.Wrap(a, memlink.Plan{OnFault: func(bool, memlink.Fault) {}}))
	require.True(t, memlink.Plan{ReadMax: -1, WriteMax: -1}.IsZero())
	require.NotSame(t, a, memlink.Wrap(a, memlink.Plan{ReadMax: 1}))
}

func TestShortCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, peer, below := faulted(memlink.Plan{
			ReadMax: 4, Read: []memlink.Fault{at(6, memlink.Split), at(1, memlink.Split), at(2, memlink.Short), at(1, memlink.Split)},
			WriteMax: 5, Write: []memlink.Fault{at(3, memlink.Split), at(13, memlink.Split)},
		})
		write(t, peer, "0123456789")
		require.Equal(t, "0123456789", read(t, nc, 10))
		require.Equal(t, []int{1, 1, 4, 4}, below.reads)
		write(t, nc, "0123456789")
		write(t, nc, "abcdefghij")
		require.Equal(t, "0123456789abcdefghij", read(t, peer, 20))
		require.Equal(t, []int{3, 5, 2, 3, 5, 2}, below.writes)
		for _, f := range []func([]byte) (int, error){nc.Read, nc.Write} {
			n, err := f(nil)
			require.Zero(t, n)
			require.NoError(t, err)
		}
	})
}

// Errors that pass: the call after them goes on where they came.
func TestPassingErrors(t *testing.T) {
	for _, c := range []struct {
		kind    memlink.Kind
		err     error
		timeout bool
	}{
		{memlink.Timeout, os.ErrDeadlineExceeded, true},
		{memlink.Interrupt, syscall.EINTR, false},
		{memlink.Again, syscall.EAGAIN, true},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []string
				nc, peer, _ := faulted(memlink.Plan{
					Read: []memlink.Fault{at(3, c.kind)}, Write: []memlink.Fault{at(4, c.kind), at(4, c.kind)},
					OnFault: func(write bool, f memlink.Fault) { told = append(told, fmt.Sprint(write, f)) },
				})
				check := func(err error, op string) {
					is(t, err, c.err, op)
					var ne net.Error
					require.True(t, errors.As(err, &ne))
					require.Equal(t, c.timeout, ne.Timeout())
				}
				write(t, peer, "012345")
				require.Equal(t, "012", read(t, nc, 3))
				n, err := nc.Read(make([]byte, 9))
				require.Zero(t, n)
				check(err, "read")
				require.Equal(t, "345", read(t, nc, 3))
				n, err = nc.Write([]byte("abcdefgh"))
				require.Equal(t, 4, n)
				check(err, "write")
				n, err = nc.Write([]byte("efgh"))
				require.Zero(t, n)
				check(err, "write")
				write(t, nc, "efgh")
				require.Equal(t, "abcdefgh", read(t, peer, 8))
				k := c.kind.String()
				require.Equal(t, []string{"false " + k + "@3", "true " + k + "@4", "true " + k + "@4"}, told)
			})
		})
	}
}

func TestShortWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, peer, _ := faulted(memlink.Plan{Write: []memlink.Fault{at(2, memlink.Short)}})
		n, err := nc.Write([]byte("abcd"))
		require.Equal(t, 2, n)
		require.NoError(t, err)
		write(t, nc, "cd")
		require.Equal(t, "abcd", read(t, peer, 4))
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hour := func(n int64) []memlink.Fault { return []memlink.Fault{{At: n, Kind: memlink.Delay, Delay: time.Hour}} }
		nc, peer, _ := faulted(memlink.Plan{Read: hour(2), Write: hour(1)})
		start := time.Now()
		write(t, peer, "0123")
		require.Equal(t, "01", read(t, nc, 2))
		require.Zero(t, time.Since(start))
		// A deadline ends the wait, not the delay.
		require.NoError(t, nc.SetReadDeadline(start.Add(time.Minute)))
		_, err := nc.Read(make([]byte, 1))
		is(t, err, os.ErrDeadlineExceeded, "read")
		require.Equal(t, time.Minute, time.Since(start))
		// One that is set while somebody waits counts too, and one in the past at once: drivers wake readers like that.
		require.NoError(t, nc.SetReadDeadline(time.Time{}))
		time.AfterFunc(time.Minute, func() { nc.SetReadDeadline(time.Unix(1, 0)) })
		_, err = nc.Read(make([]byte, 1))
		is(t, err, os.ErrDeadlineExceeded, "read")
		require.Equal(t, 2*time.Minute, time.Since(start))
		require.NoError(t, nc.SetDeadline(start.Add(2*time.Hour)))
		require.Equal(t, "23", read(t, nc, 2))
		require.Equal(t, time.Hour, time.Since(start))

		start = time.Now()
		require.NoError(t, nc.SetWriteDeadline(start.Add(time.Minute)))
		n, err := nc.Write([]byte("abc"))
		require.Equal(t, 1, n)
		is(t, err, os.ErrDeadlineExceeded, "write")
		require.NoError(t, nc.SetDeadline(time.Time{}))
		write(t, nc, "bc")
		require.Equal(t, time.Hour, time.Since(start))
		require.Equal(t, "abc", read(t, peer, 3))
	})
}

// Deadlines and Close end a stall, and nothing else.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, peer, _ := faulted(memlink.Plan{Read: []memlink.Fault{at(0, memlink.Stall)}, Write: []memlink.Fault{at(1, memlink.Stall)}})
		write(t, peer, "x")
		start := time.Now()
		require.NoError(t, nc.SetDeadline(start.Add(24*time.Hour)))
		_, err := nc.Read(make([]byte, 1))
		is(t, err, os.ErrDeadlineExceeded, "read")
		require.NoError(t, nc.SetDeadline(start.Add(48*time.Hour)))
		n, err := nc.Write([]byte("ab"))
		require.Equal(t, 1, n)
		is(t, err, os.ErrDeadlineExceeded, "write")
		require.Equal(t, 48*time.Hour, time.Since(start))
		require.NoError(t, nc.SetDeadline(time.Time{}))
		var wg sync.WaitGroup
		for _, f := range []func([]byte) (int, error){nc.Read, nc.Write} {
			wg.Go(func() { _, err := f(make([]byte, 1)); require.ErrorIs(t, err, net.ErrClosed) })
		}
		time.Sleep(time.Hour)
		require.NoError(t, nc.Close())
		wg.Wait()
		require.ErrorIs(t, nc.Close(), net.ErrClosed)
	})
}

func TestPlannedReset(t *testing.T) {
	for _, write := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var p memlink.Plan
			if write {
				p.Write = []memlink.Fault{at(3, memlink.Reset)}
			} else {
				p.Read = []memlink.Fault{at(3, memlink.Reset)}
			}
			nc, peer, _ := faulted(p)
			_, err := peer.Write([]byte("01234"))
			require.NoError(t, err)
			require.Equal(t, "012", read(t, nc, 3))
			n, err := nc.Write([]byte("abcde"))
			if write {
				require.Equal(t, 3, n)
				is(t, err, syscall.ECONNRESET, "write")
				require.Equal(t, "abc", read(t, peer, 3))
			} else {
				require.NoError(t, err)
				require.Equal(t, "abcde", read(t, peer, 5))
			}
			_, err = nc.Read(make([]byte, 1))
			is(t, err, syscall.ECONNRESET, "read")
			_, err = nc.Write(make([]byte, 1))
			is(t, err, syscall.ECONNRESET, "write")
			_, err = peer.Read(make([]byte, 1))
			is(t, err, syscall.ECONNRESET, "read")
			_, err = peer.Write(make([]byte, 1))
			is(t, err, syscall.ECONNRESET, "write")
			require.NoError(t, nc.Close())
		})
	}
}

// A reset wakes who waits in the other direction, below the faults or in a delay.
func TestResetWakes(t *testing.T) {
	for _, read := range [][]memlink.Fault{nil, {at(0, memlink.Stall)}} {
		synctest.Test(t, func(t *testing.T) {
			nc, _, _ := faulted(memlink.Plan{Read: read, Write: []memlink.Fault{at(1, memlink.Reset)}})
			got := make(chan error)
			go func() { _, err := nc.Read(make([]byte, 1)); got <- err }()
			synctest.Wait()
			_, err := nc.Write([]byte("ab"))
			is(t, err, syscall.ECONNRESET, "write")
			is(t, <-got, syscall.ECONNRESET, "read")
		})
	}
}

func TestPlannedEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, peer, _ := faulted(memlink.Plan{Read: []memlink.Fault{at(2, memlink.End)}, Write: []memlink.Fault{at(3, memlink.End)}})
		write(t, peer, "0123")
		b, err := io.ReadAll(nc)
		require.NoError(t, err)
		require.Equal(t, "01", string(b))
		n, err := nc.Write([]byte("abcd"))
		require.Equal(t, 3, n)
		is(t, err, syscall.EPIPE, "write")
		b, err = io.ReadAll(peer)
		require.NoError(t, err)
		require.Equal(t, "abc", string(b))
	})
}

func TestWrapPassesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type half interface {
			CloseRead() error
			CloseWrite() error
			Reset() error
			SetLinger(sec int) error
		}
		p := memlink.Plan{ReadMax: 1}
		nc, peer, _ := faulted(p)
		require.NoError(t, nc.(half).CloseWrite())
		_, err := peer.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.NoError(t, nc.(half).CloseRead())
		_, err = peer.Write(make([]byte, 1))
		require.ErrorIs(t, err, syscall.EPIPE)
		nc, peer, _ = faulted(p)
		require.NoError(t, nc.(half).Reset())
		_, err = peer.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)

		nc, peer, _ = faulted(p)
		require.NoError(t, nc.(half).SetLinger(0))
		require.NoError(t, nc.Close())
		_, err = peer.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)

		// What net.Pipe cannot do is told; a reset is a Close there.
		c, d := net.Pipe()
		nc = memlink.Wrap(c, p)
		require.ErrorIs(t, nc.(half).CloseWrite(), errors.ErrUnsupported)
		require.ErrorIs(t, nc.(half).CloseRead(), errors.ErrUnsupported)
		require.ErrorIs(t, nc.(half).SetLinger(0), errors.ErrUnsupported)
		require.NoError(t, nc.(half).Reset())
		_, err = d.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	})
}

// On TCP a reset is one.
func TestResetOfTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	b, err := l.Accept()
	require.NoError(t, err)
	defer b.Close()
	nc := memlink.Wrap(a, memlink.Plan{Write: []memlink.Fault{at(2, memlink.Reset)}})
	n, err := nc.Write([]byte("abc"))
	require.Equal(t, 2, n)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.NoError(t, b.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = io.ReadAll(b)
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestRandomPlans(t *testing.T) {
	all := []memlink.Kind{memlink.Split, memlink.Delay, memlink.Stall, memlink.Timeout, memlink.Interrupt, memlink.Again, memlink.Short, memlink.Reset, memlink.End}
	seen := map[string]bool{}
	for seed := range uint64(50) {
		p := memlink.Random(seed, 100, all...)
		require.Equal(t, p.String(), memlink.Random(seed, 100, all...).String())
		seen[p.String()] = true
		require.Equal(t, len(all), len(p.Read)+len(p.Write))
		require.True(t, p.ReadMax >= 1 && p.ReadMax <= 64 && p.WriteMax >= 1 && p.WriteMax <= 64)
		for _, f := range append(p.Read, p.Write...) {
			require.True(t, f.At >= 0 && f.At <= 100)
			require.Equal(t, f.Kind == memlink.Delay, f.Delay > 0)
		}
	}
	require.Len(t, seen, 50)
	require.Equal(t, "Delay(1s)@3", memlink.Fault{At: 3, Kind: memlink.Delay, Delay: time.Second}.String())
	require.Equal(t, "Kind(0)", memlink.Kind(0).String())
	require.Equal(t, "Kind(10)", memlink.Kind(10).String())
}

// Splits and delays change nothing but the time.
func TestHonestFaults(t *testing.T) {
	want := bytes.Repeat([]byte("purewire"), 300)
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			kinds := []memlink.Kind{memlink.Split, memlink.Delay, memlink.Delay, memlink.Split}
			l := memlink.Listen(memlink.Config{Buffer: 100, Faults: func(n int) (a, b memlink.Plan) {
				return memlink.Random(2*seed, 1000, kinds...), memlink.Random(2*seed+1, 1000, kinds...)
			}})
			go func() { // an echo
				c, err := l.Accept()
				require.NoError(t, err)
				_, err = io.Copy(c, c)
				require.NoError(t, err)
				require.NoError(t, c.Close())
			}()
			c, err := l.Dial(t.Context())
			require.NoError(t, err)
			go func() {
				_, err := c.Write(want)
				require.NoError(t, err)
				require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
			}()
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}
