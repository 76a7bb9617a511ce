package memlink_test

import (
	"bytes"
	"context"
	"errors"
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

func read(t *testing.T, c net.Conn, n int) string {
	t.Helper()
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	require.NoError(t, err)
	return string(b)
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	n, err := io.WriteString(c, s)
	require.NoError(t, err)
	require.Equal(t, len(s), n)
}

// is asserts an error of package net's kind.
func is(t *testing.T, err, want error, op string) {
	t.Helper()
	require.ErrorIs(t, err, want)
	var oe *net.OpError
	require.ErrorAs(t, err, &oe)
	require.Equal(t, op, oe.Op)
	require.NotNil(t, oe.Addr)
}

func TestBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{})
		write(t, a, "ping") // nobody reads yet
		write(t, b, "pong")
		require.Equal(t, "ping", read(t, b, 4))
		require.Equal(t, "pong", read(t, a, 4))
		require.Equal(t, "192.0.2.1:80", a.RemoteAddr().String())
		require.Equal(t, "198.51.100.1:49152", a.LocalAddr().String())
		require.Equal(t, a.LocalAddr(), b.RemoteAddr())
		n, err := a.Read(nil)
		require.Zero(t, n)
		require.NoError(t, err)
		n, err = a.Write(nil)
		require.Zero(t, n)
		require.NoError(t, err)
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
	})
}

// The buffer is bounded: a Write waits for room and a reader gives it.
func TestBufferIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{Buffer: 10})
		write(t, a, "0123456789")
		sent := false
		go func() { write(t, a, "abcdefghijklmno"); sent = true }()
		synctest.Wait()
		require.False(t, sent)
		require.Equal(t, "01234", read(t, b, 5))
		synctest.Wait()
		require.False(t, sent)
		require.Equal(t, "56789abcdefghij", read(t, b, 15))
		synctest.Wait()
		require.True(t, sent)
		require.Equal(t, "klmno", read(t, b, 5))

		// What the writer had sent when its time was over is told.
		require.NoError(t, a.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err := a.Write(make([]byte, 11))
		require.Equal(t, 10, n)
		is(t, err, os.ErrDeadlineExceeded, "write")
	})
}

// Octets of concurrent Writes do not mix, even if they have to wait.
func TestWritesDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{Buffer: 3})
		var wg sync.WaitGroup
		for _, c := range "abcdefgh" {
			wg.Go(func() { write(t, a, string(bytes.Repeat([]byte(string(c)), 100))) })
		}
		seen := map[byte]bool{}
		for range 8 {
			s := read(t, b, 100)
			require.Equal(t, string(bytes.Repeat([]byte{s[0]}, 100)), s)
			seen[s[0]] = true
		}
		wg.Wait()
		require.Len(t, seen, 8)
	})
}

func TestHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{})
		write(t, a, "request")
		require.NoError(t, a.CloseWrite())
		_, err := a.Write([]byte("x"))
		is(t, err, syscall.EPIPE, "write")
		all, err := io.ReadAll(b)
		require.NoError(t, err)
		require.Equal(t, "request", string(all))
		write(t, b, "answer") // the other direction lives
		require.Equal(t, "answer", read(t, a, 6))
		require.NoError(t, b.Close())
		n, err := a.Read(make([]byte, 1))
		require.Zero(t, n)
		require.Equal(t, io.EOF, err)
		_, err = b.Read(make([]byte, 1))
		is(t, err, net.ErrClosed, "read")
		_, err = b.Write(make([]byte, 1))
		is(t, err, net.ErrClosed, "write")
		for _, f := range []func() error{b.Close, b.CloseRead, b.CloseWrite, b.Reset} {
			require.ErrorIs(t, f(), net.ErrClosed)
		}
		require.ErrorIs(t, b.SetDeadline(time.Time{}), net.ErrClosed)
		require.ErrorIs(t, b.SetWriteDeadline(time.Time{}), net.ErrClosed)
	})
}

func TestCloseRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{})
		write(t, a, "unread")
		require.NoError(t, b.CloseRead())
		_, err := b.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		_, err = a.Write([]byte("x"))
		is(t, err, syscall.EPIPE, "write")
		write(t, b, "still")
		require.Equal(t, "still", read(t, a, 5))
	})
}

// RFC 1122 section 4.2.2.13: a CLOSE with received data still pending is a reset. What was written before arrives.
func TestCloseWithUnreadIsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{})
		write(t, a, "never read")
		write(t, b, "bye")
		require.NoError(t, b.Close())
		require.Equal(t, "bye", read(t, a, 3))
		_, err := a.Read(make([]byte, 1))
		is(t, err, syscall.ECONNRESET, "read")
		_, err = a.Write([]byte("x"))
		is(t, err, syscall.ECONNRESET, "write")
	})
}

// SetLinger(0) makes Close a reset, as on TCP.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, sec := range []int{-1, 0, 1} {
			a, b := memlink.Pair(memlink.Config{})
			write(t, a, "bye")
			require.NoError(t, a.SetLinger(sec))
			require.NoError(t, a.Close())
			is(t, a.SetLinger(0), net.ErrClosed, "set")
			require.Equal(t, "bye", read(t, b, 3))
			_, err := b.Read(make([]byte, 1))
			_, werr := b.Write(make([]byte, 1))
			if sec == 0 {
				is(t, err, syscall.ECONNRESET, "read")
				is(t, werr, syscall.ECONNRESET, "write")
			} else {
				require.Equal(t, io.EOF, err)
				is(t, werr, syscall.EPIPE, "write")
			}
		}
	})
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{})
		write(t, a, "before")
		write(t, b, "lost")
		require.NoError(t, a.Reset())
		_, err := a.Read(make([]byte, 1))
		is(t, err, syscall.ECONNRESET, "read")
		_, err = a.Write([]byte("x"))
		is(t, err, syscall.ECONNRESET, "write")
		require.Equal(t, "before", read(t, b, 6))
		_, err = b.Read(make([]byte, 1))
		is(t, err, syscall.ECONNRESET, "read")
		_, err = b.Write([]byte("x"))
		is(t, err, syscall.ECONNRESET, "write")
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
	})
}

// Whoever waits learns of every way to end.
func TestEndsWakeWaiters(t *testing.T) {
	for name, c := range map[string]struct {
		end         func(a, b *memlink.Conn) error
		read, write error // of a
	}{
		"own Close":    {func(a, b *memlink.Conn) error { return a.Close() }, net.ErrClosed, net.ErrClosed},
		"peer's Close": {func(a, b *memlink.Conn) error { return b.Close() }, syscall.ECONNRESET, syscall.ECONNRESET}, // it has not read what a writes
		"own Reset":    {func(a, b *memlink.Conn) error { return a.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		"peer's Reset": {func(a, b *memlink.Conn) error { return b.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		"deadline":     {func(a, b *memlink.Conn) error { return a.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		"later":        {func(a, b *memlink.Conn) error { return a.SetDeadline(time.Now().Add(time.Hour)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := memlink.Pair(memlink.Config{Buffer: 4})
				var rerr, werr error
				var n int
				var wg sync.WaitGroup
				wg.Go(func() { _, rerr = a.Read(make([]byte, 1)) })
				wg.Go(func() { n, werr = a.Write([]byte("12345678")) })
				synctest.Wait()
				require.NoError(t, c.end(a, b))
				wg.Wait()
				require.ErrorIs(t, rerr, c.read)
				require.ErrorIs(t, werr, c.write)
				require.Equal(t, 4, n)
			})
		})
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{})
		start := time.Now()
		require.NoError(t, a.SetReadDeadline(start.Add(time.Hour)))
		_, err := a.Read(make([]byte, 1))
		is(t, err, os.ErrDeadlineExceeded, "read")
		var ne net.Error
		require.True(t, errors.As(err, &ne) && ne.Timeout())
		require.Equal(t, time.Hour, time.Since(start))
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it stays")
		write(t, b, "x")
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "even with something to read, as on a socket")
		require.NoError(t, a.SetReadDeadline(time.Time{}))
		require.Equal(t, "x", read(t, a, 1))

		// A deadline that is moved does not fire at its old time.
		require.NoError(t, a.SetDeadline(time.Now().Add(time.Minute)))
		require.NoError(t, a.SetDeadline(time.Now().Add(time.Hour)))
		go func() { time.Sleep(30 * time.Minute); write(t, b, "y") }()
		require.Equal(t, "y", read(t, a, 1))
		write(t, a, "a Write is not late, either")
	})
}

// With latency octets and the end take their time, and in order.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memlink.Pair(memlink.Config{Latency: time.Second})
		start := time.Now()
		write(t, a, "one")
		time.Sleep(300 * time.Millisecond)
		write(t, a, "two")
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, a.CloseWrite())
		buf := make([]byte, 10)
		n, err := b.Read(buf)
		require.NoError(t, err)
		require.Equal(t, "one", string(buf[:n]))
		require.Equal(t, time.Second, time.Since(start))
		n, err = b.Read(buf)
		require.NoError(t, err)
		require.Equal(t, "two", string(buf[:n]))
		require.Equal(t, 1300*time.Millisecond, time.Since(start))
		_, err = b.Read(buf)
		require.Equal(t, io.EOF, err)
		require.Equal(t, 1600*time.Millisecond, time.Since(start))
		// A waiting reader is not forgotten when there was nothing under way before.
		go func() { time.Sleep(time.Minute); write(t, b, "back") }()
		require.Equal(t, "back", read(t, a, 4))
		require.Equal(t, 1600*time.Millisecond+61*time.Second, time.Since(start))
	})
}

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		l := memlink.Listen(memlink.Config{Backlog: 2})
		require.Equal(t, "192.0.2.1:80", l.Addr().String())
		a, err := l.Dial(ctx)
		require.NoError(t, err)
		write(t, a, "early") // before it was accepted
		_, err = l.DialContext(ctx, "tcp", "anything:1")
		require.NoError(t, err)
		// The backlog is full: Dial waits.
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err = l.Dial(short)
		is(t, err, context.DeadlineExceeded, "dial")
		third := make(chan net.Conn)
		go func() { c, _ := l.Dial(ctx); third <- c }()
		synctest.Wait()
		b, err := l.Accept()
		require.NoError(t, err)
		require.Equal(t, "early", read(t, b, 5))
		require.Equal(t, a.LocalAddr(), b.RemoteAddr())
		c := <-third
		require.Equal(t, "198.51.100.1:49154", c.LocalAddr().String())

		require.NoError(t, l.Close())
		_, err = c.Read(make([]byte, 1))
		is(t, err, syscall.ECONNRESET, "read")
		_, err = l.Dial(ctx)
		is(t, err, syscall.ECONNREFUSED, "dial")
		_, err = l.Accept()
		is(t, err, net.ErrClosed, "accept")
		is(t, l.Close(), net.ErrClosed, "close")
		write(t, a, "lives on")
		require.Equal(t, "lives on", read(t, b, 8))
	})
}

func TestListenerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memlink.Listen(memlink.Config{})
		done := make(chan error)
		go func() {
			c, err := l.Accept()
			if err == nil {
				_, err = io.Copy(io.Discard, c)
			}
			done <- err
		}()
		synctest.Wait()
		_, err := l.Dial(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		l.Reset() // the network breaks
		require.ErrorIs(t, <-done, syscall.ECONNRESET)
		// Also for who waits in a delay, and for an end whose peer has closed.
		slow := memlink.Plan{Write: []memlink.Fault{at(0, memlink.Stall)}}
		for _, plans := range [][2]memlink.Plan{{slow, {}}, {{}, slow}} {
			a, err := l.DialPlans(t.Context(), plans[0], plans[1])
			require.NoError(t, err)
			b, err := l.Accept()
			require.NoError(t, err)
			if plans[0].IsZero() {
				a, b = b, a
			}
			require.NoError(t, b.Close())
			go func() { _, err := a.Write([]byte("x")); done <- err }()
			synctest.Wait()
			l.Reset()
			is(t, <-done, syscall.ECONNRESET, "write")
			require.NoError(t, a.Close())
		}
		l.Reset() // nobody is left
		go func() { _, err := l.Accept(); done <- err }()
		synctest.Wait()
		require.NoError(t, l.Close())
		require.ErrorIs(t, <-done, net.ErrClosed)
	})
}
