package drivertest

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

var eventTests = []test{
	{"DeadlineFires", deadlineFires},
	{"DeadlineMoves", deadlineMoves},
	{"DeadlineInThePastDoesNotSpin", deadlineDue},
	{"WakeIsCoalesced", wakeCoalesced},
	{"WakeWhileWaiting", wakeWhileWaiting},
	{"PostsRunExactlyOnce", postsRunOnce},
	{"PostsRacingClose", postsRacingClose},
	{"PostBusy", postBusy},
	{"PostCanSend", postCanSend},
	{"SwitchKeepsBytes", switchKeepsBytes},
	{"SwitchAfterPeerClosed", switchAfterPeerClosed},
}

// "Advance is called at or soon after Deadline", and not for a deadline that is not there.
func deadlineFires(t *testing.T, d Driver) {
	type beat struct{ due, at codec.Time }
	beats := make(chan beat, 100)
	ps := newProbes(func(p *probe, turn *drivers.Turn) {
		p.deadline = turn.Now.Add(20 * time.Millisecond)
		n := 0
		p.advance = func(p *probe, turn *drivers.Turn) {
			if !p.deadline.Reached(turn.Now) {
				t.Errorf("Advance %v before the deadline", p.deadline.Sub(turn.Now))
			}
			beats <- beat{p.deadline, turn.Now}
			if p.deadline = turn.Now.Add(10 * time.Millisecond); n == 4 {
				p.deadline = codec.Never
			}
			n++
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	for range 5 {
		recv(t, "Advance", beats)
	}
	select {
	case <-beats:
		t.Error("Advance without a deadline")
	case <-time.After(50 * time.Millisecond):
	}
	_ = c.Close()
	recv(t, "Closed", p.closed)
	stop(t, s)
}

// "Deadlines may move freely": each byte sets the deadline to what the test says.
func deadlineMoves(t *testing.T, d Driver) {
	fired := make(chan struct{}, 10)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		var was codec.Time // the deadline that was set last
		p.receive = func(p *probe, turn *drivers.Turn, src, dst []byte) (int, []byte) {
			in := byte('.')
			if was.Reached(turn.Now) {
				in = '!' // too late to move it
			}
			switch src[len(src)-1] {
			case 'h': // in an hour
				p.deadline = turn.Now.Add(time.Hour)
			case 's': // soon
				p.deadline = turn.Now.Add(60 * time.Millisecond)
			case 'n': // never
				p.deadline = codec.Never
			}
			was = p.deadline
			return len(src), append(dst, in)
		}
		p.advance = func(p *probe, turn *drivers.Turn) {
			if p.deadline.Reached(turn.Now) {
				p.deadline = codec.Never
				fired <- struct{}{}
			}
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	// say reports whether it came before the deadline of before was over.
	say := func(b byte) bool {
		t.Helper()
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1)
		if _, err := io.ReadFull(c, got); err != nil {
			t.Fatal(err)
		}
		return got[0] == '.'
	}
	// move sets the deadline to soon and then to what b says; again if the machine is so busy that soon came first.
	move := func(b byte) {
		t.Helper()
		await(t, "a deadline to be moved in time", func() bool {
			say('s')
			if say(b) {
				return true
			}
			for say('n'); len(fired) > 0; {
				<-fired
			}
			return false
		})
	}
	quiet := func(what string) {
		t.Helper()
		select {
		case <-fired:
			t.Errorf("fired although %s", what)
		case <-time.After(150 * time.Millisecond):
		}
	}
	say('h')
	say('s') // earlier
	recv(t, "the earlier deadline", fired)
	move('h') // later
	quiet("the deadline was moved to later")
	move('n')
	quiet("the deadline was cleared")
	say('s')
	recv(t, "a deadline set again", fired)
	_ = c.Close()
	stop(t, s)
}

// A machine that leaves its deadline in the past is called again now and then, not in a loop.
func deadlineDue(t *testing.T, d Driver) {
	var calls atomic.Int64
	ps := newProbes(func(p *probe, turn *drivers.Turn) {
		p.deadline = turn.Now
		p.advance = func(*probe, *drivers.Turn) { calls.Add(1) }
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	await(t, "the first call of Advance", func() bool { return calls.Load() > 0 })
	before, begin := calls.Load(), time.Now()
	time.Sleep(100 * time.Millisecond)
	if n, d := calls.Load()-before, time.Since(begin); n > 100*d.Milliseconds() {
		t.Errorf("%d calls of Advance in %v", n, d)
	}
	_ = c.Close()
	recv(t, "Closed", p.closed)
	stop(t, s)
}

// "Wake: calls are coalesced." A hundred thousand of them while the machine is busy are few calls of Advance, and the
// last one is never lost.
func wakeCoalesced(t *testing.T, d Driver) {
	var want, seen, calls atomic.Int64
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.advance = func(*probe, *drivers.Turn) {
			calls.Add(1)
			seen.Store(want.Load())
			runtime.Gosched()
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	n := scale(20_000, 1_000_000)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range n / 4 {
				want.Add(1)
				p.link.Wake()
			}
		})
	}
	wg.Wait()
	await(t, "the last Wake", func() bool { return seen.Load() == want.Load() })
	if calls.Load() > want.Load() {
		t.Errorf("%d calls of Advance for %d Wakes", calls.Load(), want.Load())
	}
	_ = c.Close()
	recv(t, "Closed", p.closed)
	p.link.Wake() // harmless after the end
	stop(t, s)
}

// A single Wake reaches a connection that waits, every time, and whatever it waits for.
func wakeWhileWaiting(t *testing.T, d Driver) {
	for _, st := range []drivers.Status{drivers.WantInput, 0} {
		woken := make(chan struct{}, 1)
		ps := newProbes(func(p *probe, _ *drivers.Turn) {
			p.status = st
			p.advance = func(*probe, *drivers.Turn) { woken <- struct{}{} }
		})
		s := start(t, d, Options{}, ps.accept)
		c := dial(t, s)
		p := recv(t, "accept", ps.ch)
		for i := range 500 {
			if i%50 == 0 {
				time.Sleep(time.Millisecond) // let it fall asleep for good
			}
			p.link.Wake()
			recv(t, "Advance", woken)
		}
		_ = c.Close()
		stop(t, s)
	}
}

// "Each accepted Post runs exactly once", as a call of the machine (the guard sees to that), in order per poster.
func postsRunOnce(t *testing.T, d Driver) {
	ps := newProbes(nil)
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	const posters = 4
	n := scale(5_000, 250_000)
	ran := make([][]int, posters) // written by posts only: they are never concurrent
	var wg sync.WaitGroup
	for i := range posters {
		wg.Go(func() {
			for j := range n {
				for {
					err := p.link.Post(func(_ *drivers.Turn, err error) {
						if err != nil {
							t.Errorf("a post got %v", err)
						}
						ran[i] = append(ran[i], j)
					})
					if err == nil {
						break
					}
					if !errors.Is(err, drivers.ErrBusy) {
						t.Errorf("Post: %v", err)
						return
					}
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	done := make(chan struct{})
	await(t, "room for a last post", func() bool {
		return p.link.Post(func(*drivers.Turn, error) { close(done) }) == nil
	})
	recv(t, "the last post", done)
	for i, r := range ran {
		if len(r) != n {
			t.Fatalf("poster %d: %d of %d posts ran", i, len(r), n)
		}
		for j, v := range r {
			if v != j {
				t.Fatalf("poster %d: post %d ran as number %d", i, v, j)
			}
		}
	}
	_ = c.Close()
	stop(t, s)
}

// Posts race with the end of the connection: accepted == run, exactly once, nil or ErrClosed, and none after Closed.
func postsRacingClose(t *testing.T, d Driver) {
	ps := newProbes(nil)
	s := start(t, d, Options{}, ps.accept)
	var accepted, ran, late atomic.Int64
	for i := range scale(300, 20_000) {
		c, err := connect(s, s.Addrs()[0])
		if err != nil {
			t.Fatal(err)
		}
		p := recv(t, "accept", ps.ch)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range 20 {
					switch err := p.link.Post(func(_ *drivers.Turn, err error) {
						if ran.Add(1); err != nil {
							late.Add(1)
							if !errors.Is(err, drivers.ErrClosed) {
								t.Errorf("a post got %v", err)
							}
						}
					}); {
					case err == nil:
						accepted.Add(1)
					case !errors.Is(err, drivers.ErrClosed):
						t.Errorf("Post: %v", err)
					}
				}
			})
		}
		if i%2 == 0 {
			reset(c)
		} else {
			_ = c.Close()
		}
		wg.Wait()
		recv(t, "Closed", p.closed)
		if err := p.link.Post(func(*drivers.Turn, error) { t.Error("a post ran after the end") }); !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("Post after the end: %v", err)
		}
	}
	stop(t, s)
	if accepted.Load() != ran.Load() {
		t.Errorf("%d posts accepted, %d ran", accepted.Load(), ran.Load())
	}
	t.Logf("%d posts, %d of them told ErrClosed", ran.Load(), late.Load())
}

// ErrBusy bounds the queue; what was accepted before still runs.
func postBusy(t *testing.T, d Driver) {
	hold, held := make(chan struct{}), make(chan struct{})
	ps := newProbes(nil)
	s := start(t, d, Options{MaxPosts: 100}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	if err := p.link.Post(func(*drivers.Turn, error) { close(held); <-hold }); err != nil {
		t.Fatal(err)
	}
	recv(t, "the first post", held)
	accepted, ran := 0, 0
	for range 10_000 {
		err := p.link.Post(func(*drivers.Turn, error) { ran++ })
		if err == nil {
			accepted++
		} else if !errors.Is(err, drivers.ErrBusy) {
			t.Fatalf("Post: %v", err)
		}
	}
	if accepted < 1 || accepted > 100 {
		t.Errorf("%d posts accepted, the limit is 100", accepted)
	}
	close(hold)
	done := make(chan int, 1)
	await(t, "room", func() bool { return p.link.Post(func(*drivers.Turn, error) { done <- ran }) == nil })
	if n := recv(t, "the posts", done); n != accepted {
		t.Errorf("%d of %d posts ran", n, accepted)
	}
	_ = c.Close()
	stop(t, s)
}

// After a post "the driver looks at Status": the posted function may make output.
func postCanSend(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.transmit = func(p *probe, _ *drivers.Turn, dst []byte) []byte {
			p.status &^= drivers.WantOutput
			return append(dst, "posted"...)
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	got := make([]byte, 6)
	for range 100 {
		if err := p.link.Post(func(*drivers.Turn, error) { p.status |= drivers.WantOutput }); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "posted" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	_ = c.Close()
	stop(t, s)
}

// "All output appended so far is still sent first; unread input goes to the successor."
func switchKeepsBytes(t *testing.T, d Driver) {
	old := make(chan error, 1)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.closed = old
		rest := pattern(1 << 20)
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			p.status |= drivers.Switch | drivers.WantOutput
			return 8, append(dst, "101 "...) // "upgrade " and not one byte more
		}
		p.transmit = func(p *probe, turn *drivers.Turn, dst []byte) []byte {
			n := min(len(rest), turn.Max)
			dst = append(dst, rest[:n]...)
			if rest = rest[n:]; len(rest) == 0 {
				p.status &^= drivers.WantOutput
			}
			return dst
		}
		p.successor = func(*probe, *drivers.Turn) drivers.Machine { return &echo{} }
	})
	s := start(t, d, Options{}, ps.accept)
	for range 20 {
		c := dial(t, s)
		if _, err := c.Write([]byte("upgrade first words")); err != nil {
			t.Fatal(err)
		}
		want := "101 " + string(pattern(1<<20)) + "first words"
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		roundTrip(t, c, pattern(100_000))
		closeWrite(t, c)
		if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
			t.Fatalf("%q, %v", rest, err)
		}
		_ = c.Close()
	}
	stop(t, s)
	if len(old) != 0 {
		t.Error("the replaced machine was told Closed")
	}
}

// "The new machine gets PeerClosed if the old one already had it."
func switchAfterPeerClosed(t *testing.T, d Driver) {
	next := make(chan *probe, 1)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.peerClosed = func(p *probe, _ *drivers.Turn) { p.status |= drivers.Switch }
		p.successor = func(p *probe, _ *drivers.Turn) drivers.Machine {
			n := newProbe(p.link)
			next <- n
			return n // closes at PeerClosed
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	closeWrite(t, c)
	if err := recv(t, "Closed of the successor", recv(t, "the successor", next).closed); err != nil {
		t.Errorf("Closed(%v)", err)
	}
	_ = c.Close()
	stop(t, s)
}
