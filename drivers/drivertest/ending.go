package drivertest

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

var endTests = []test{
	{"ClosedTellsTheReason", closedTellsTheReason},
	{"ClosingSendsEverything", closingSendsEverything},
	{"LingeringCloseSavesTheAnswer", lingeringClose},
	{"LingeringEnds", lingeringEnds},
	{"AbortDropsOutput", abort},
	{"ResetAtEveryStage", resetAtEveryStage},
	{"PanicsAreContained", panics},
	{"PostsBehindAPanicComeBeforeClosed", postsBehindAPanic},
	{"DrainIdleAndBusy", drain},
	{"DrainTimesOut", drainTimesOut},
	{"DrainUnderLoad", drainUnderLoad},
	{"DrainSeveralTimesAtOnce", drainSeveralTimes},
	{"CloseEndsEverything", closeAll},
}

// "err is nil after an orderly close that the machine asked for, otherwise the reason."
func closedTellsTheReason(t *testing.T, d Driver) {
	ps := newProbes(nil)
	s := start(t, d, Options{}, ps.accept)

	c := dial(t, s) // FIN, on which the probe closes
	_ = c.Close()
	if err := recv(t, "Closed", recv(t, "accept", ps.ch).closed); err != nil {
		t.Errorf("orderly: Closed(%v)", err)
	}
	c = dial(t, s)
	p := recv(t, "accept", ps.ch)
	reset(c)
	if err := recv(t, "Closed", p.closed); err == nil {
		t.Error("after a reset: Closed(nil)")
	}
	c = dial(t, s)
	p = recv(t, "accept", ps.ch)
	stop(t, s)
	wantErr(t, recv(t, "Closed", p.closed), drivers.ErrClosed)
	_ = c.Close()
}

// "Closing asks the driver to send all output", also what Transmit still has to give and a payload.
func closingSendsEverything(t *testing.T, d Driver) {
	const size = 5 << 20
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		left := size
		p.status = drivers.WantOutput | drivers.Closing
		p.transmit = func(p *probe, turn *drivers.Turn, dst []byte) []byte {
			n := min(left, turn.Max)
			if left -= n; left == 0 {
				p.payload = pattern(size)
				p.status = drivers.HasPayload | drivers.Closing
			}
			return append(dst, make([]byte, n)...)
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	if n, err := io.Copy(io.Discard, c); n != 2*size || err != nil {
		t.Errorf("%d of %d bytes, %v", n, 2*size, err)
	}
	_ = c.Close()
	if err := recv(t, "Closed", p.closed); err != nil {
		t.Errorf("Closed(%v)", err)
	}
	stop(t, s)
}

// R-04, RFC 9112 section 9.6: an error answer to a peer that is still uploading must not be lost to the reset that its
// unread bytes would cause.
func lingeringClose(t *testing.T, d Driver) {
	const answer = "413 too large, go away\n"
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			p.status = drivers.Closing
			return len(src), append(dst, answer...)
		}
	})
	s := start(t, d, Options{}, ps.accept)
	runs := scale(200, 1000)
	lost := 0
	for range runs {
		c := dial(t, s)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.Write(make([]byte, 2<<20)) })
		wg.Wait() // reads nothing before all is sent
		got, err := io.ReadAll(c)
		if err != nil || string(got) != answer {
			lost++
		}
		_ = c.Close()
	}
	if lost*100 > runs {
		t.Errorf("the answer was lost in %d of %d runs", lost, runs)
	}
	stop(t, s)
}

// Lingering has an end even if the peer has none.
func lingeringEnds(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) { p.status = drivers.Closing })
	s := start(t, d, Options{Linger: 200 * time.Millisecond}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
	if err := recv(t, "Closed", p.closed); err != nil { // although c stays open
		t.Errorf("Closed(%v)", err)
	}
	_ = c.Close()
	stop(t, s)
}

// "Abort asks the driver to close at once, unsent output and all."
func abort(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.payload = make([]byte, 64<<20)
		p.status |= drivers.HasPayload
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	await(t, "the writer to stall", func() bool { time.Sleep(5 * time.Millisecond); return true })
	if err := p.link.Post(func(*drivers.Turn, error) { p.status |= drivers.Abort }); err != nil {
		t.Fatal(err)
	}
	if err := recv(t, "Closed", p.closed); err == nil {
		t.Error("Closed(nil) after Abort")
	}
	if n, _ := io.Copy(io.Discard, c); n >= 64<<20 {
		t.Error("everything was sent")
	}
	_ = c.Close()
	stop(t, s)
}

// a reset at each of 64 points of a conversation. The guard and the leak checks are the judges.
func resetAtEveryStage(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		n := 0
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			for range src {
				if n++; n%4 == 0 && p.payload == nil {
					dst = append(dst, make([]byte, 1000)...)
				}
			}
			if n >= 24 && p.payload == nil {
				p.payload = make([]byte, 8<<20)
				p.status |= drivers.HasPayload
			}
			if n >= 60 {
				p.status |= drivers.Closing
			}
			return len(src), dst
		}
	})
	s := start(t, d, Options{}, ps.accept)
	for i := range 64 {
		c := dial(t, s)
		p := recv(t, "accept", ps.ch)
		for j := range i {
			if _, err := c.Write([]byte{byte(j)}); err != nil {
				break
			}
			if j%4 == 3 && j < 24 {
				_, _ = c.Read(make([]byte, 500))
			}
		}
		reset(c)
		err := recv(t, "Closed", p.closed)
		if i < 24 && err == nil {
			t.Errorf("stage %d: Closed(nil)", i)
		}
	}
	c := dial(t, s) // still serving
	recv(t, "accept", ps.ch)
	_ = c.Close()
	stop(t, s)
}

// A panic in a machine, a post or a function ends that connection only, and Closed is still called. It is counted.
func panics(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, turn *drivers.Turn, src, dst []byte) (int, []byte) {
			switch src[0] {
			case 'r':
				panic("in Receive")
			case 't':
				p.status |= drivers.WantOutput
			case 'd':
				p.deadline = turn.Now
			case 'g':
				p.link.Go(func() { panic("in Go") })
			case 'p':
				if err := p.link.Post(func(*drivers.Turn, error) { panic("in Post") }); err != nil {
					t.Error(err)
				}
			}
			return len(src), append(dst, '.')
		}
		p.transmit = func(*probe, *drivers.Turn, []byte) []byte { panic("in Transmit") }
		p.advance = func(p *probe, turn *drivers.Turn) {
			if p.deadline.Reached(turn.Now) {
				panic("in Advance")
			}
		}
		p.peerClosed = func(*probe, *drivers.Turn) { panic("in PeerClosed") }
		p.deadline = codec.Never
	})
	s := start(t, d, Options{}, ps.accept)
	bystander := dial(t, s)
	recv(t, "accept", ps.ch)
	stages := "rtdgpe"
	for _, b := range []byte(stages) {
		c := dial(t, s)
		p := recv(t, "accept", ps.ch)
		if b == 'e' {
			closeWrite(t, c)
		} else if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
		if err := recv(t, "Closed after "+string(b), p.closed); err == nil {
			t.Errorf("%c: Closed(nil)", b)
		}
		_ = c.Close()
	}
	if _, err := bystander.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(bystander, make([]byte, 1)); err != nil {
		t.Errorf("a bystander: %v", err)
	}
	reset(bystander)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if r := s.Shutdown(ctx); r.Crashed != len(stages) {
		t.Errorf("%+v, want %d crashed", r, len(stages))
	}
	stop(t, s)
}

// "Closed is called exactly once, last": posts that a panic has left over are told before it.
func postsBehindAPanic(t *testing.T, d Driver) {
	told := make(chan error, 10)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			for i := range 5 {
				if err := p.link.Post(func(_ *drivers.Turn, err error) {
					if i == 2 {
						panic("in the third post")
					}
					if len(p.closed) > 0 {
						t.Errorf("post %d is told %v behind Closed", i, err)
					}
					told <- err
				}); err != nil {
					t.Error(err)
				}
			}
			return len(src), dst
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, nil, drivers.ErrClosed, drivers.ErrClosed} {
		if err := recv(t, "a post", told); err != want {
			t.Errorf("post %d was told %v", i, err)
		}
	}
	if recv(t, "Closed", p.closed) == nil {
		t.Error("Closed(nil) after a panic")
	}
	_ = c.Close()
	stop(t, s)
}

// Idle connections go at once, busy ones after their answer, and the report says so.
func drain(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			p.inFlight = true
			return len(src), dst
		}
		p.transmit = func(p *probe, _ *drivers.Turn, dst []byte) []byte {
			p.status = drivers.Closing
			return append(dst, "answer"...)
		}
		p.drain = func(p *probe, _ *drivers.Turn) {
			if !p.inFlight {
				p.status |= drivers.Closing
			}
		}
	})
	s := start(t, d, Options{}, ps.accept)
	const idle, busy = 5, 7
	var cs []net.Conn
	var all []*probe
	for i := range idle + busy {
		c := dial(t, s)
		p := recv(t, "accept", ps.ch)
		if i >= idle {
			if _, err := c.Write([]byte("work")); err != nil {
				t.Fatal(err)
			}
			await(t, "work", func() bool {
				is := make(chan bool, 1)
				_ = p.link.Post(func(*drivers.Turn, error) { is <- p.inFlight })
				return recv(t, "a post", is)
			})
		}
		cs, all = append(cs, c), append(all, p)
	}
	report := make(chan drivers.Report, 1)
	go func() { report <- s.Shutdown(context.Background()) }()
	for _, c := range cs[:idle] {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("an idle connection: %v", err)
		}
		_ = c.Close()
	}
	select {
	case r := <-report:
		t.Fatalf("%+v while work is in flight", r)
	default:
	}
	for i, c := range cs[idle:] {
		p := all[idle+i]
		if err := p.link.Post(func(*drivers.Turn, error) { p.status |= drivers.WantOutput }); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); string(got) != "answer" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		_ = c.Close()
	}
	if r := recv(t, "the report", report); r != (drivers.Report{Drained: idle + busy}) {
		t.Errorf("%+v, want %d drained", r, idle+busy)
	}
	stop(t, s)
}

func drainTimesOut(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			p.inFlight = src[0] == 'w'
			return len(src), append(dst, '.')
		}
	})
	s := start(t, d, Options{}, ps.accept)
	var all []*probe
	for i := range 5 {
		c := dial(t, s)
		all = append(all, recv(t, "accept", ps.ch))
		if _, err := c.Write([]byte("wwwii"[i : i+1])); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if r := s.Shutdown(ctx); r != (drivers.Report{TimedOut: 5, InFlight: 3}) {
		t.Errorf("%+v", r)
	}
	for _, p := range all {
		wantErr(t, recv(t, "Closed", p.closed), drivers.ErrClosed)
	}
	stop(t, s)
}

// Clients hammer the line protocol while the driver drains: no answer is torn, and each connection is in the report.
func drainUnderLoad(t *testing.T, d Driver) {
	long := strings.Repeat("z", 3000)
	var accepted atomic.Int64
	svc := &Line{Answer: func(dst, _ []byte) ([]byte, bool) { return append(dst, long...), true }}
	s := start(t, d, Options{}, func(turn *drivers.Turn, l drivers.Link) drivers.Machine {
		accepted.Add(1)
		return svc.Accept(turn, l)
	})
	const clients = 20
	var wg sync.WaitGroup
	var answers, torn atomic.Int64
	for range clients {
		c := dial(t, s)
		wg.Go(func() {
			defer c.Close()
			buf := make([]byte, len(long)+1)
			for {
				if _, err := c.Write([]byte("q\n")); err != nil {
					return
				}
				n, err := io.ReadFull(c, buf)
				if err != nil {
					if n != 0 {
						torn.Add(1)
					}
					return
				}
				answers.Add(1)
			}
		})
	}
	await(t, "load", func() bool { return answers.Load() > 500 && accepted.Load() == clients })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := s.Shutdown(ctx)
	wg.Wait()
	if r != (drivers.Report{Drained: clients}) || torn.Load() != 0 {
		t.Errorf("%+v, %d answers torn", r, torn.Load())
	}
	stop(t, s)
}

// Shutdown may be called by several goroutines at once. Each returns when the last connection is gone.
func drainSeveralTimes(t *testing.T, d Driver) {
	ps := newProbes(nil)
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	const calls = 3
	begun, reports := make(chan bool, calls), make(chan drivers.Report, calls)
	for range calls {
		go func() {
			begun <- true
			reports <- s.Shutdown(context.Background())
		}()
	}
	for range calls {
		recv(t, "the beginning", begun)
	}
	time.Sleep(10 * time.Millisecond) // until all wait, most likely
	_ = c.Close()
	if err := recv(t, "Closed", p.closed); err != nil {
		t.Errorf("Closed(%v)", err)
	}
	for range calls {
		if r := recv(t, "the report", reports); r.TimedOut != 0 || r.Drained > 1 {
			t.Errorf("%+v", r)
		}
	}
	stop(t, s)
}

// Close ends what lives, refuses what comes, and may be called again.
func closeAll(t *testing.T, d Driver) {
	ps := newProbes(nil)
	s := start(t, d, Options{}, ps.accept)
	a := s.Addrs()[0]
	var all []*probe
	for range 20 {
		dial(t, s)
		all = append(all, recv(t, "accept", ps.ch))
	}
	stop(t, s)
	for _, p := range all {
		select {
		case err := <-p.closed:
			if !errors.Is(err, drivers.ErrClosed) {
				t.Errorf("Closed(%v)", err)
			}
		default:
			t.Error("Close returned before Closed was called")
		}
	}
	if c, err := connect(s, a); err == nil {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("served after Close")
		}
		_ = c.Close()
	}
	stop(t, s)
}
