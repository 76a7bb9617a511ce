package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

// pattern fills n bytes that differ from place to place.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*i>>7 ^ i)
	}
	return b
}

// 16 MB come back piece by piece, and no more than the queue's bound ever waits.
func TestStreamedEcho(t *testing.T) {
	var most atomic.Int64
	u := &websocket.Upgrader{
		Options: websocket.Options{Limits: ws.Limits{Message: -1}, HighWater: 32 << 10},
		Handler: &websocket.Handler{OnFragment: func(c *websocket.Conn, op websocket.Opcode, p []byte, last bool) {
			if err := c.TrySendFragment(op, p, last); err != nil {
				panic(err)
			}
			most.Store(max(most.Load(), int64(c.Queued())))
		}},
	}
	want := pattern(16 << 20)
	each(t, sites(t, u), func(t *testing.T, s site) {
		d := websocket.Dialer{Options: websocket.Options{Limits: ws.Limits{Message: -1}}}
		c, err := d.Dial(soon(t), s.url("/"))
		require.NoError(t, err)
		go func() {
			w := c.NextWriter(context.Background(), websocket.Binary)
			_, _ = io.Copy(w, bytes.NewReader(want))
			_ = w.Close()
			_ = c.Send(context.Background(), websocket.Text, []byte("end"))
		}()
		op, r, err := c.NextReader(soon(t))
		require.NoError(t, err)
		require.Equal(t, websocket.Binary, op)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%d bytes", len(got))
		_, p, err := c.ReadMessage(soon(t))
		require.NoError(t, err)
		require.Equal(t, "end", string(p))
		require.NoError(t, c.Close(ws.CloseNormal, ""))
	})
	// One piece is at most what the driver reads at once, 64 KiB.
	require.LessOrEqual(t, most.Load(), int64(32<<10+64<<10+100))
}

// A peer that sends and does not read stops being read, and loses nothing.
func TestSlowReader(t *testing.T) {
	conns := make(chan *websocket.Conn, 1)
	var seen atomic.Int64
	u := &websocket.Upgrader{Handler: &websocket.Handler{
		OnOpen: func(c *websocket.Conn) { conns <- c },
		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
			seen.Add(1)
			if err := c.TrySend(op, p); err != nil {
				panic(err) // an answer to every message is always taken
			}
		},
	}}
	message := strings.Repeat("0123456789abcdef", 512) // 8 KiB
	const n = 4000                                     // 32 MB: more than any kernel holds
	each(t, sites(t, u), func(t *testing.T, s site) {
		seen.Store(0)
		p := rawDial(t, s.addr, "")
		c := <-conns
		sent := make(chan error, 1)
		go func() {
			f := []byte(frame(true, ws.Binary, message))
			for range n {
				if _, err := p.c.Write(f); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		// The sender gets stuck, and the server with it.
		still := func() bool {
			before := seen.Load()
			time.Sleep(100 * time.Millisecond)
			return before > 0 && before == seen.Load()
		}
		require.Eventually(t, still, time.Minute, time.Millisecond)
		require.Less(t, seen.Load(), int64(n))
		require.LessOrEqual(t, c.Queued(), websocket.DefaultHighWater+len(message)+64)
		for range n {
			p.expect(ws.Binary, message)
		}
		require.NoError(t, <-sent)
	})
}

// TrySend refuses when the peer does not read, OnDrain tells when it does again, and Send waits so long.
func TestSendQueue(t *testing.T) {
	type opened struct {
		c       *websocket.Conn
		drained chan struct{}
	}
	conns := make(chan opened, 1)
	message := pattern(10_000)
	u := &websocket.Upgrader{Options: websocket.Options{HighWater: 100_000, LowWater: 10_000}, Handler: &websocket.Handler{
		OnOpen: func(c *websocket.Conn) {
			o := opened{c, make(chan struct{}, 1)}
			c.SetData(o)
			conns <- o
		},
		OnDrain: func(c *websocket.Conn) {
			if c.Queued() > 10_000 {
				panic("OnDrain too early")
			}
			select {
			case c.Data().(opened).drained <- struct{}{}:
			default: // told before
			}
		},
	}}
	each(t, sites(t, u), func(t *testing.T, s site) {
		p := rawDial(t, s.addr, "")
		o := <-conns
		n := 0
		for refused := 0; refused < 40; { // until nothing has moved for a while
			err := o.c.TrySend(websocket.Binary, message)
			if errors.Is(err, websocket.ErrFull) {
				refused++
				time.Sleep(5 * time.Millisecond)
				continue
			}
			require.NoError(t, err)
			n++
			refused = 0
		}
		require.LessOrEqual(t, o.c.Queued(), 100_000+len(message)+14)
		for { // Send waits; on a busy machine there may still have come some room
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			err := o.c.Send(ctx, websocket.Binary, message)
			cancel()
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
			n++
		}
		select {
		case <-o.drained: // from the time when the kernel still took something
		default:
		}
		waited := make(chan error, 1)
		go func() { waited <- o.c.Send(context.Background(), websocket.Text, []byte("waited")) }()
		for range n {
			p.expect(ws.Binary, string(message))
		}
		select {
		case <-o.drained:
		case <-time.After(time.Minute):
			t.Fatal("no OnDrain")
		}
		require.NoError(t, <-waited)
		p.expect(ws.Text, "waited")
	})
}

// Many goroutines send on many connections at once: every message is whole, and each goroutine's are in order.
func TestConcurrentSenders(t *testing.T) {
	var g websocket.Group
	u := &websocket.Upgrader{Options: websocket.Options{Deflate: &ws.DeflateOptions{ServerTakeover: true}}, Handler: &websocket.Handler{
		OnOpen:  func(c *websocket.Conn) { g.Add(c) },
		OnClose: func(c *websocket.Conn, _ *websocket.CloseError) { g.Remove(c) },
	}}
	const senders, each_, peers = 8, 200, 4
	each(t, sites(t, u), func(t *testing.T, s site) {
		var readers sync.WaitGroup
		for i := range peers {
			d := websocket.Dialer{}
			if i%2 == 1 {
				d.Deflate = &ws.DeflateOptions{ServerTakeover: true}
			}
			c, err := d.Dial(soon(t), s.url("/"))
			require.NoError(t, err)
			require.Equal(t, i%2 == 1, c.Deflated())
			readers.Add(1)
			go func() {
				defer readers.Done()
				var next [senders]int
				for range senders * each_ {
					_, p, err := c.ReadMessage(context.Background())
					if err != nil {
						t.Error(err)
						return
					}
					var from, n int
					var rest string
					if _, err := fmt.Sscanf(string(p), "%d %d %s", &from, &n, &rest); err != nil || n != next[from] || rest != strings.Repeat("x", n+1) {
						t.Errorf("%.40q, want number %d", p, next[from])
						return
					}
					next[from]++
				}
				_ = c.Close(ws.CloseNormal, "")
			}()
		}
		require.Eventually(t, func() bool { return g.Len() == peers }, time.Minute, time.Millisecond)
		var wg sync.WaitGroup
		for i := range senders {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for n := range each_ {
					text := fmt.Appendf(nil, "%d %d %s", i, n, strings.Repeat("x", n+1))
					g.Each(func(c *websocket.Conn) bool {
						if err := c.Send(context.Background(), websocket.Text, text); err != nil {
							t.Error(err)
						}
						return true
					})
				}
			}()
		}
		wg.Wait()
		readers.Wait()
		require.Eventually(t, func() bool { return g.Len() == 0 }, time.Minute, time.Millisecond)
	})
}

// On the reactor open connections have no goroutine, whichever way they were upgraded.
func TestNoGoroutines(t *testing.T) {
	u := &websocket.Upgrader{Handler: echoHandler()}
	for _, cfg := range []server.Config{{Handler: u}, {Native: u}} {
		for _, s := range sitesFor(t, cfg, "") {
			if s.name != "reactor" {
				continue
			}
			rawDial(t, s.addr, "") // whatever is started once
			time.Sleep(10 * time.Millisecond)
			before := runtime.NumGoroutine()
			var peers []*peer
			for range 200 {
				p := rawDial(t, s.addr, frame(true, ws.Text, "x"))
				p.expect(ws.Text, "x")
				peers = append(peers, p)
			}
			// A few goroutines that ran http.Handlers may wait for the next.
			require.Less(t, runtime.NumGoroutine()-before, 20)
			for _, p := range peers {
				p.send(frame(true, ws.Text, "y"))
				p.expect(ws.Text, "y")
			}
		}
	}
}

// Payloads by reference: in order with others, released once, also when the connection ends first.
func TestSendRef(t *testing.T) {
	var released, copied atomic.Int32
	large := pattern(300_000)
	conns := make(chan *websocket.Conn, 1)
	u := &websocket.Upgrader{Options: websocket.Options{Limits: ws.Limits{Message: -1}}, Handler: &websocket.Handler{
		OnOpen: func(c *websocket.Conn) { conns <- c },
		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
			release := func() { released.Add(1) }
			_ = c.TrySend(websocket.Text, []byte("before"))
			if err := c.TrySendRef(websocket.Binary, large, release); err != nil {
				panic(err)
			}
			_ = c.TrySendRef(websocket.Binary, []byte("small"), func() { copied.Add(1) })
			_ = c.TrySend(websocket.Text, []byte("after"))
		},
	}}
	each(t, sites(t, u), func(t *testing.T, s site) {
		released.Store(0)
		copied.Store(0)
		p := rawDial(t, s.addr, frame(true, ws.Text, "go"))
		p.expect(ws.Text, "before")
		p.expect(ws.Binary, string(large))
		c := <-conns
		// The release follows the moment at which nothing is queued.
		require.Eventually(t, func() bool { return c.Queued() == 0 && released.Load() == 1 }, time.Minute, time.Millisecond)
		require.LessOrEqual(t, copied.Load(), int32(1)) // the small one was refused if the queue was full
		// A peer that never reads.
		stuck := rawDial(t, s.addr, "")
		c = <-conns
		want := released.Load()
		for range 200 {
			if err := c.TrySendRef(websocket.Binary, large, func() { released.Add(1) }); err == nil {
				want++
			} else {
				require.ErrorIs(t, err, websocket.ErrFull)
				time.Sleep(100 * time.Microsecond)
			}
		}
		_ = stuck.c.(*net.TCPConn).SetLinger(0)
		_ = stuck.c.Close()
		require.Eventually(t, func() bool { return released.Load() == want }, time.Minute, time.Millisecond, "%d of %d", released.Load(), want)
	})
}

// Pings that keep coming while the peer takes nothing are not worth a queue: one pong is owed, and the budget ends it.
func TestPingsNobodyReads(t *testing.T) {
	conns := make(chan *websocket.Conn, 1)
	closed := make(chan *websocket.CloseError, 1)
	large := pattern(1 << 20)
	u := &websocket.Upgrader{Options: websocket.Options{HighWater: 100_000}, Handler: &websocket.Handler{
		OnOpen:  func(c *websocket.Conn) { conns <- c },
		OnClose: func(_ *websocket.Conn, err *websocket.CloseError) { closed <- err },
	}}
	each(t, sites(t, u), func(t *testing.T, s site) {
		p := rawDial(t, s.addr, "")
		c := <-conns
		for range 5 { // the twin: who reads its pongs may ping
			p.send(strings.Repeat(frame(true, ws.Ping, "fine"), 100))
			for range 100 {
				p.expect(ws.Pong, "fine")
			}
		}
		p.send(frame(true, ws.Binary, strings.Repeat("x", 100_000))) // real work fills the budget up
		stop := make(chan struct{})
		go func() { // nothing gets through to this peer any more
			defer close(stop)
			for c.Err() == nil {
				_ = c.TrySend(websocket.Binary, large)
			}
		}()
		flood := []byte(strings.Repeat(frame(true, ws.Ping, strings.Repeat("p", 125)), 100))
		for range 200 {
			_ = p.c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := p.c.Write(flood); err != nil {
				break // it is not read any more, or gone
			}
			require.LessOrEqual(t, c.Queued(), 100_000+len(large)+3*140+14)
		}
		_ = p.c.(*net.TCPConn).SetLinger(0)
		_ = p.c.Close()
		next(t, closed)
		<-stop
	})
}

// One encoding for all: plain and compressed connections, small messages and large ones, both roles.
func TestBroadcast(t *testing.T) {
	var g websocket.Group
	u := &websocket.Upgrader{Options: websocket.Options{Deflate: &ws.DeflateOptions{}}, Handler: &websocket.Handler{
		OnOpen:  func(c *websocket.Conn) { g.Add(c) },
		OnClose: func(c *websocket.Conn, _ *websocket.CloseError) { g.Remove(c) },
	}}
	texts := []string{"short", strings.Repeat("compresses well ", 100), strings.Repeat("0123456789abcdef", 4096)}
	each(t, sites(t, u), func(t *testing.T, s site) {
		var conns []*websocket.Conn
		for i := range 6 {
			d := websocket.Dialer{}
			if i%2 == 1 {
				d.Deflate = &ws.DeflateOptions{}
			}
			c, err := d.Dial(soon(t), s.url("/"))
			require.NoError(t, err)
			conns = append(conns, c)
		}
		require.Eventually(t, func() bool { return g.Len() == 6 }, time.Minute, time.Millisecond)
		for _, text := range texts {
			m, err := websocket.NewPrepared(websocket.Text, []byte(text))
			require.NoError(t, err)
			require.Equal(t, 6, g.Broadcast(m, nil))
			for _, c := range conns {
				_, p, err := c.ReadMessage(soon(t))
				require.NoError(t, err)
				require.True(t, text == string(p))
				require.NoError(t, c.TrySendPrepared(m), "a client masks it anew")
			}
		}
		// Who does not read gets no more, and does not hold up the others.
		p := rawDial(t, s.addr, "")
		require.Eventually(t, func() bool { return g.Len() == 7 }, time.Minute, time.Millisecond)
		m, err := websocket.NewPrepared(websocket.Binary, pattern(100_000))
		require.NoError(t, err)
		for dropped := false; !dropped; {
			refused := map[string]bool{} // the queue may not know yet that its peer has read all
			g.Broadcast(m, func(c *websocket.Conn) {
				who := c.RemoteAddr().String()
				refused[who] = true
				if who == p.c.LocalAddr().String() {
					dropped = true
					c.Abort()
					return
				}
				// A reader may be ahead of the accounts of its connection's writer.
				for c.TrySendPrepared(m) == websocket.ErrFull {
					time.Sleep(time.Millisecond)
				}
			})
			for _, c := range conns {
				if refused[c.LocalAddr().String()] {
					continue
				}
				_, _, err := c.ReadMessage(soon(t))
				require.NoError(t, err)
			}
		}
		require.Eventually(t, func() bool { return g.Len() == 6 }, time.Minute, time.Millisecond)
		for _, c := range conns {
			require.NoError(t, c.Close(ws.CloseNormal, ""))
		}
		require.Eventually(t, func() bool { return g.Len() == 0 }, time.Minute, time.Millisecond)
		require.Zero(t, g.Broadcast(m, nil))
	})
	_, err := websocket.NewPrepared(websocket.Text, []byte{0xff})
	require.Error(t, err)
}
