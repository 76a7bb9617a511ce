package drivertest

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
)

var loadTests = []test{
	{"NoByteReachesAWrongPeer", noByteReachesAWrongPeer},
	{"ManyConnections", manyConnections},
	{"ManyConnectsAtOnce", manyConnectsAtOnce},
	{"HotPeerDoesNotStarveOthers", hotPeer},
	{"MaxConnsIsKept", maxConns},
	{"OutOfDescriptors", outOfDescriptors},
}

// descriptors are reused as fast as possible while other goroutines post output to connections that may be gone.
// Each connection carries a secret; a peer must never see another one's.
func noByteReachesAWrongPeer(t *testing.T, d Driver) {
	type target struct {
		p      *probe
		secret []byte
	}
	const size = 16
	var posted, ran atomic.Int64
	pool := make([]atomic.Pointer[target], 64)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		var out []byte // the secret, once known
		due := 0
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			if out == nil {
				if len(src) < size {
					return 0, dst
				}
				out = append(out, src[:size]...)
				pool[int(src[0])%len(pool)].Store(&target{p, out})
				return size, append(dst, out...)
			}
			return len(src), dst
		}
		p.transmit = func(p *probe, _ *drivers.Turn, dst []byte) []byte {
			for ; due > 0; due-- {
				dst = append(dst, out...)
			}
			p.status &^= drivers.WantOutput
			return dst
		}
		p.advance = func(p *probe, _ *drivers.Turn) { due++; p.status |= drivers.WantOutput }
	})
	s := start(t, d, Options{}, ps.accept)
	addr := s.Addrs()[0]
	stopPosting := make(chan struct{})
	var posters, peers sync.WaitGroup
	for i := range 2 {
		posters.Go(func() {
			for j := i; ; j++ {
				select {
				case <-stopPosting:
					return
				default:
				}
				x := pool[j%len(pool)].Load()
				if x == nil {
					time.Sleep(10 * time.Microsecond)
					continue
				}
				if x.p.link.Post(func(t *drivers.Turn, err error) {
					if ran.Add(1); err == nil {
						x.p.advance(x.p, t)
					}
				}) == nil {
					posted.Add(1)
				}
				runtime.Gosched()
			}
		})
	}
	n := d.conns(scale(4_000, 1_000_000))
	for g := range 4 {
		peers.Go(func() {
			buf := make([]byte, 4096)
			for i := range n / 4 {
				c, err := connect(s, addr)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				secret := fmt.Appendf(nil, "%c%015d", byte(i), i*4+g)
				if _, err := c.Write(secret[:size]); err != nil {
					t.Error(err)
				}
				got, err := io.ReadAtLeast(c, buf, size)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
				for j := range got {
					if buf[j] != secret[j%size] {
						t.Errorf("connection %d got %q, its secret is %q", i, buf[:got], secret)
						break
					}
				}
				if i%2 == 0 {
					reset(c)
				} else {
					_ = c.Close()
				}
			}
		})
	}
	peers.Wait()
	close(stopPosting)
	posters.Wait()
	stop(t, s)
	if posted.Load() != ran.Load() {
		t.Errorf("%d posts accepted, %d ran", posted.Load(), ran.Load())
	}
	t.Logf("%d connections, %d posts", n, ran.Load())
}

// As many connections as the descriptor limit allows, at most 10,000: all live at once, all served.
func manyConnections(t *testing.T, d Driver) {
	n := d.conns(min(10_000, (descriptorLimit()-200)/2))
	s := startService(t, d, Options{}, Echo)
	addr := s.Addrs()[0]
	cs := make([]net.Conn, n)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < n; i += 4 {
				c, err := connect(s, addr)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(3 * patience))
				cs[i] = c
			}
		})
	}
	wg.Wait()
	for range 2 {
		for g := range 4 {
			wg.Go(func() {
				buf := make([]byte, 8)
				for i := g; i < n && cs[i] != nil; i += 4 {
					want := fmt.Appendf(nil, "%08d", i)
					if _, err := cs[i].Write(want); err != nil {
						t.Error(err)
						return
					}
					if _, err := io.ReadFull(cs[i], buf); err != nil || string(buf) != string(want) {
						t.Errorf("connection %d: %q, %v", i, buf, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	for _, c := range cs {
		if c != nil {
			_ = c.Close()
		}
	}
	stop(t, s)
	t.Logf("%d connections", n)
}

// 512 connects in one burst are all accepted, or as many as there are descriptors for.
func manyConnectsAtOnce(t *testing.T, d Driver) {
	s := startService(t, d, Options{}, Echo)
	addr := s.Addrs()[0]
	var wg sync.WaitGroup
	for range min(512, (descriptorLimit()-100)/2) {
		wg.Go(func() {
			c, err := connect(s, addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			if _, err := c.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	stop(t, s)
}

// a peer that sends as fast as it can does not keep others from being served.
func hotPeer(t *testing.T, d Driver) {
	var sunk atomic.Int64
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(_ *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			sunk.Add(int64(len(src)))
			if src[0] == 'p' {
				dst = append(dst, src...)
			}
			return len(src), dst
		}
	})
	s := start(t, d, Options{}, ps.accept)
	hot := dial(t, s)
	var wg sync.WaitGroup
	wg.Go(func() {
		block := make([]byte, 256<<10)
		for {
			if _, err := hot.Write(block); err != nil {
				return
			}
		}
	})
	await(t, "the hot peer", func() bool { return sunk.Load() > 4<<20 })
	for range 20 {
		c := dial(t, s)
		for range 20 {
			roundTrip(t, c, []byte("ping"))
		}
		_ = c.Close()
	}
	_ = hot.Close()
	wg.Wait()
	stop(t, s)
}

// never more than MaxConns machines at once; whoever waits is served when one ends.
func maxConns(t *testing.T, d Driver) {
	const limit = 4
	var live, worst atomic.Int64
	s := start(t, d, Options{MaxConns: limit}, func(_ *drivers.Turn, l drivers.Link) drivers.Machine {
		p := newProbe(l)
		n := live.Add(1)
		for w := worst.Load(); n > w && !worst.CompareAndSwap(w, n); w = worst.Load() {
		}
		p.receive = func(_ *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) { return len(src), append(dst, src...) }
		return &leaver{p, &live}
	})
	addr := s.Addrs()[0]
	var wg sync.WaitGroup
	var served atomic.Int64
	for range 40 {
		wg.Go(func() {
			for end := time.Now().Add(patience); time.Now().Before(end); { // a driver may refuse: try again
				c, err := connect(s, addr)
				if err != nil {
					continue
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				_, _ = c.Write([]byte("x"))
				_, err = io.ReadFull(c, make([]byte, 1))
				_ = c.Close()
				if err == nil {
					served.Add(1)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
	if served.Load() != 40 || worst.Load() > limit {
		t.Errorf("%d of 40 served, up to %d at once, the limit is %d", served.Load(), worst.Load(), limit)
	}
	stop(t, s)
}

type leaver struct {
	*probe
	live *atomic.Int64
}

func (l *leaver) Closed(err error) { l.live.Add(-1); l.probe.Closed(err) }
