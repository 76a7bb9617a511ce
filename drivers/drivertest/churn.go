package drivertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
)

// Tally is what came of a program of Churn, to be compared with a driver's own counters.
type Tally struct {
	// Accepts counts calls of Service.Accept, Refused those of them that returned nil.
	Accepts, Refused int
	// Orderly counts machines whose Closed was told nil, Failed those that were told a reason.
	Orderly, Failed int
	// Posts counts accepted posts, each of which ran, Tasks functions started with Link.Go, Panics panics and calls of runtime.Goexit in
	// machines, posts and such functions. A driver that was closed need not have counted those of functions that were still running.
	Posts, Tasks, Panics int
	// Read counts bytes that machines consumed, Written those that they gave to the driver, sent or not.
	Read, Written int64
}

// Shrinker is implemented by a Server that can give back what it keeps for later, such as waiting goroutines, at any time.
type Shrinker interface {
	Shrink()
}

// Churn is the body of a fuzz target for a driver: it starts one, runs a program on it, stops it, and judges. Each byte is a choice, none is
// invalid, and a program without end is cut. A run takes milliseconds, unless something is waited for in vain.
//
// The first two bytes choose limits, network and how the run ends; the others are the clients' deeds: connect, write records, in pieces, stop
// reading and read again, finish sending, reset, close, wake or post to a machine of now or of before from another goroutine, shrink
// what the driver keeps, shut it down or close it in the middle of all. The records are what the machine of the connection is to do:
// append output, send by reference, stop reading until it is woken or its deadline comes or a function has returned, hand over to a
// successor, want more bytes than there are, post to itself, start functions that block, pump, watch, panic or exit, close in three ways, panic.
//
// What must hold besides the promises that Guard watches:
//
//   - each connection's bytes arrive at its own peer, in order, in either direction
//   - each machine gets exactly one Closed, before Close returns. Its error is nil unless the peer broke off, the driver was stopped or the
//     machine failed
//   - what a machine has made of what it consumed has arrived when its Closed is told nil, also if the driver is shut down meanwhile: a peer
//     that reads reads it all. It has consumed all that was sent if nothing else ended the connection
//   - each accepted post runs once, each function started runs once, a wake is followed by Advance, a deadline too
//   - Shutdown and Close end, and their report adds up: nobody is timed out unless there was a deadline, and those who were are those who were
//     told drivers.ErrClosed
//   - goroutines and descriptors are back to what they were
func Churn(t testing.TB, d Driver, program []byte) Tally {
	t.Helper()
	return churnFor(t, d, program, patience)
}

// churn is one run.
type churn struct {
	t       testing.TB
	d       Driver
	s       Server
	o       Options
	limit   time.Duration // how long anything is waited for
	tag     byte          // tells the connections of this run from those of the last one
	refuse  bool          // every third connection
	ending  atomic.Bool   // machines do not wait to be woken any more
	stopped atomic.Bool   // somebody has begun to stop the driver
	budget  atomic.Int64  // bytes of output left
	bg      sync.WaitGroup
	clients []*churnClient
	stops   int // how many calls of Shutdown and Close there were
	failed  atomic.Bool

	mu       sync.Mutex
	machines []*churnState
	accepts  int
	refused  int

	posts, ran, tasks, tasked, panics atomic.Int64
}

const (
	churnClients = 10
	churnOps     = 250
	churnOutput  = 1 << 20
)

var churnRuns atomic.Uint32

func churnFor(t testing.TB, d Driver, program []byte, limit time.Duration) Tally {
	t.Helper()
	warmUp()
	goroutinesBefore, filesBefore := goroutines(), openFiles()
	ch := &churn{t: t, d: d, limit: limit, tag: byte(churnRuns.Add(1) << 4)}
	ch.budget.Store(churnOutput)
	p := &choices{program}
	limits, end := p.byte(), p.byte()
	ch.o = Options{Linger: time.Hour, WriteStall: time.Hour}
	if limits&1 != 0 && !d.NoUnix {
		ch.o.Network = "unix"
	}
	if limits&2 != 0 {
		ch.o.HighWater = 700
	}
	if limits&4 != 0 {
		ch.o.MaxPosts = 3
	}
	if limits&8 != 0 && !d.OneListener {
		ch.o.Listeners = 2
	}
	if limits&16 != 0 && !d.Costly { // a handshake would wait for a place
		ch.o.MaxConns = 3
	}
	if limits&32 != 0 {
		ch.o.Linger = -1
	}
	ch.refuse = limits&64 != 0
	if limits&128 != 0 {
		ch.o.MaxTail = 3000 // machines leave more only while they do not want input, which is the driver's choice
	}
	ch.s = startService(t, d, ch.o, drivers.ServiceFunc(ch.accept))
	for n := 0; p.more() && n < churnOps && !ch.failed.Load(); n++ {
		ch.step(p)
	}
	ch.finish(end)
	tally := ch.judge()
	if !ch.failed.Load() && !t.Failed() {
		if !ch.eventually(func() bool { return goroutines() <= goroutinesBefore }) {
			buf := make([]byte, 1<<18)
			t.Errorf("%d goroutines before, %d after:\n%s", goroutinesBefore, goroutines(), buf[:runtime.Stack(buf, true)])
		}
		if !ch.eventually(func() bool { return openFiles() <= filesBefore }) {
			t.Errorf("%d descriptors before, %d after", filesBefore, openFiles())
		}
	}
	return tally
}

// choices is what is left of a program. Behind its end each choice is 0.
type choices struct{ data []byte }

func (p *choices) more() bool { return len(p.data) > 0 }

func (p *choices) byte() byte {
	if len(p.data) == 0 {
		return 0
	}
	b := p.data[0]
	p.data = p.data[1:]
	return b
}

func (ch *churn) errorf(format string, args ...any) {
	ch.t.Helper()
	ch.failed.Store(true)
	ch.t.Errorf(format, args...)
}

func (ch *churn) eventually(cond func() bool) bool {
	for end := time.Now().Add(ch.limit); ; {
		for range 20 {
			if cond() {
				return true
			}
			runtime.Gosched()
		}
		if time.Now().After(end) {
			return false
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// await reports whether cond became true, and complains if it did not.
func (ch *churn) await(what string, cond func() bool) bool {
	ch.t.Helper()
	if !ch.eventually(cond) {
		buf := make([]byte, 1<<18)
		ch.errorf("waited in vain for: %s\n%s", what, buf[:runtime.Stack(buf, true)])
		return false
	}
	return true
}

// step is one deed of a client, or of somebody on the machines' side.
func (ch *churn) step(p *choices) {
	op, arg := p.byte(), p.byte()
	if op>>4 == 15 && len(ch.clients) > 0 { // several records at once
		c := ch.client(op)
		for range arg & 7 {
			c.record(p.byte(), p.byte())
		}
		if arg&8 != 0 {
			c.flush(len(c.buf))
		}
		return
	}
	switch op >> 4 {
	case 0, 1:
		ch.dial(arg)
	case 2, 3, 4, 5:
		if c := ch.client(op); c != nil {
			c.record(arg, p.byte())
			c.flush(len(c.buf))
		}
	case 6:
		if c := ch.client(op); c != nil {
			c.record(arg, p.byte())
		}
	case 7: // a piece
		if c := ch.client(op); c != nil {
			c.flush(1 + int(arg)%16)
		}
	case 8:
		if c := ch.client(op); c != nil {
			c.gate(arg&1 == 0)
		}
	case 9:
		if c := ch.client(op); c != nil {
			c.finish()
		}
	case 10:
		if c := ch.client(op); c != nil {
			c.breakOff(arg&1 == 0)
		}
	case 11, 12:
		ch.poke(op, arg)
	case 13: // let things happen
		for range arg {
			runtime.Gosched()
		}
		if arg > 0xf0 {
			time.Sleep(time.Millisecond)
		}
	case 14:
		if s, ok := ch.s.(Shrinker); ok {
			s.Shrink()
		}
		if arg >= 0xe0 {
			ch.stop(arg)
		}
	}
}

func (ch *churn) client(op byte) *churnClient {
	if len(ch.clients) == 0 {
		return nil
	}
	return ch.clients[int(op&15)%len(ch.clients)]
}

// poke uses a machine's link from another goroutine.
func (ch *churn) poke(op, arg byte) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if len(ch.machines) == 0 {
		return
	}
	m := ch.machines[int(op&31)%len(ch.machines)]
	ch.bg.Go(func() {
		for range arg & 7 {
			switch arg >> 4 & 3 {
			case 0:
				m.link.Wake()
			case 1:
				ch.post(m, int(arg))
			case 2:
				if n := m.link.Unsent(); n < 0 {
					ch.errorf("Unsent is %d", n)
				}
				if m.link.LocalAddr() == nil || m.link.RemoteAddr() == nil {
					ch.errorf("no addresses")
				}
				m.link.Wake()
			case 3:
				ch.post(m, 0)
				m.link.Wake()
				runtime.Gosched()
			}
		}
	})
}

// post posts a function that makes n bytes of output.
func (ch *churn) post(m *churnState, n int) {
	var once atomic.Bool
	ch.posts.Add(1) // before it can run
	err := m.link.Post(func(_ *drivers.Turn, err error) {
		if ch.ran.Add(1); once.Swap(true) {
			ch.errorf("a post ran twice")
		}
		if err != nil && !errors.Is(err, drivers.ErrClosed) {
			ch.errorf("a post was told %v", err)
		}
		if err == nil {
			if m.over {
				ch.errorf("a post was told nil behind Closed")
			}
			m.emit(n, false)
		}
	})
	if err != nil {
		ch.posts.Add(-1)
		if err != drivers.ErrClosed && err != drivers.ErrBusy {
			ch.errorf("Post: %v", err)
		}
	}
}

// stop begins to stop the driver in the background.
func (ch *churn) stop(arg byte) {
	if ch.stops++; ch.stops > 3 {
		return
	}
	ch.stopped.Store(true)
	ch.bg.Go(func() {
		if arg&1 == 0 {
			_ = ch.s.Close()
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(arg>>1&3)*time.Millisecond)
		defer cancel()
		ch.s.Shutdown(ctx)
	})
}

// ChurnSeeds returns programs to begin with: each of the records, ends and limits, and some that are random.
func ChurnSeeds() [][]byte {
	all := [][]byte{
		{0, 0},
		{0, 0, 0, 0, 0x20, recOut, 50, 0x20, recRef, 200, 0x20, recData, 250},
	}
	for kind := range recKinds {
		for end := range byte(4) {
			all = append(all, []byte{kind & 1, end, 0, 0, 0, 2, 0x20, recOut, 240, 0x60, kind, kind + end, 0x60, recOut, 7, 0x70, 5,
				0x70, 15, 0x21, kind, 5 - end, 0x81, 1, 0x21, recRef, 250, 0xb0, 0x11, 0xd0, 20, 0x90, 0})
		}
	}
	all = append(all, []byte{128, 0, 0, 0, 0x60, recData, 170, 0x60, recDeadline, 7, 0x60, recData, 175, 0x20, recOut, 20, 0xd0, 30})
	for f := range byte(6) { // functions: alone, two at once, with the peer leaving, with the driver closing
		all = append(all,
			[]byte{0, 0, 0, 0, 0x20, recGo, f, 0x20, recOut, 99, 0xd0, 9, 0x20, recData, 80, 0xd0, 9, 0x20, recGo, f, 0xb0, 0x31},
			[]byte{1, 4 + f&3, 0, 0, 0x60, recGo, f, 0x60, recGo, f + 2, 0x60, recGo, f + 3, 0x60, recRef, 245, 0x70, 15, 0xd0, 9, 0xb0, 1, 0x20, recPause, 0, 0x20, recOut, 9},
			[]byte{f & 2, 2 + f&1, 0, 0, 0x20, recGo, f, 0, 0, 0x21, recGo, f + 1, 0x21, recClose, 0, 0xd0, 30, 0x90, 0, 0xd0, 30, 0xa0, f, 0xe0, 0xe1 + f})
	}
	rng := rand.New(rand.NewPCG(1, 'c'))
	for range 16 {
		b := make([]byte, 200)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		b[2], b[4] = 0, 0
		all = append(all, b)
	}
	return all
}
